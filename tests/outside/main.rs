//! From outside only: the binary as it ships, real identity providers, real clients, a real browser.
//!
//! Nothing here reaches into the crate. What a test needs beside Rust, `scripts/install-test-tools` installs.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]
#![expect(clippy::print_stderr, reason = "the gateway's log belongs to the test's output")]
#![expect(clippy::disallowed_methods, reason = "outside the gateway, HTTP is the test's own")]

mod attacks;
mod browser;
mod demo;
mod durability;
mod error_codes;
mod errors;
mod failing_providers;
mod harness;
mod keys;
mod management;
mod oidc;
mod oidc_sign_out;
mod program;
mod quick_start;
mod saml;
mod saml_encrypted;
mod saml_logout;
mod saml_roll_over;
mod simplesamlphp;
mod simplesamlphp_logout;
mod tokens;
