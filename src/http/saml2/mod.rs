//! `/saml2/…`.

pub mod idp_response;
pub mod logout;
pub mod metadata;
