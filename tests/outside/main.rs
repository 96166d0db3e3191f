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

/// Makes of each case, a function of a [`Make`], one test for each provider.
macro_rules! for_each_provider {
    ($($case:ident),* $(,)?) => {
        mod oidc_provider {
            $(#[tokio::test] async fn $case() { super::$case($crate::harness::Make::OidcProvider).await; })*
        }
        mod idpyoidc {
            $(#[tokio::test] async fn $case() { super::$case($crate::harness::Make::Idpyoidc).await; })*
        }
    };
}

mod amplify;
mod api_model;
mod apply;
mod attacks;
mod audit;
mod browser;
mod clients;
mod clock;
mod demo;
mod deploy;
mod durability;
mod error_codes;
mod errors;
mod failing_providers;
mod guide_commands;
mod harness;
mod hosted;
mod keys;
/// Providers that cost next to nothing, shared with the benchmark of sign-ins.
#[path = "../../benches/logins/providers.rs"]
#[expect(dead_code, reason = "the benchmark needs more of it")]
mod light_providers;
mod linking;
mod load;
mod management;
mod migrate;
mod observability;
mod oidc;
mod oidc_sign_out;
mod program;
mod quick_start;
mod replicas;
mod saml;
mod saml_encrypted;
mod saml_logout;
mod saml_roll_over;
mod simplesamlphp;
mod simplesamlphp_logout;
mod store_faults;
mod tokens;
#[cfg(feature = "otel")]
mod traces;
mod triggers;
