//! `/saml2/…`.

pub mod idp_response;
pub mod metadata;
