//! How the hosted pages of an app client look: a style sheet of what is allowed only, and a logo.
//!
//! Both come from administrators, and neither is served as it came: a [`Sheet`] is written anew from what was
//! understood of it, a [`Logo`] from its pixels. A [`Dress`] is what a browser may fetch of both, named by its content.

mod css;
mod dress;
mod logo;
#[cfg(test)]
mod logo_tests;

pub use css::{Fault, Sheet, StyleError};
pub use dress::{Dress, Served, ServedLogo};
pub use logo::{Format, Logo, LogoError};
