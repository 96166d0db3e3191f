//! `/oauth2/…`.

pub mod authorize;
pub mod backchannel_logout;
pub mod client_auth;
pub mod frontchannel_logout;
pub mod idp_response;
pub mod logout_response;
pub mod revoke;
pub mod token;
pub mod user_info;
