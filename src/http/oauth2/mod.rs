//! `/oauth2/…`.

pub mod authorize;
pub mod client_auth;
pub mod idp_response;
pub mod revoke;
pub mod token;
pub mod user_info;
