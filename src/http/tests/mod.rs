//! The endpoints in process: the real routes over the real embedded stores, with a clock in the test's hand
//! and a provider that answers from memory.

mod apple;
mod attempts;
mod auditing;
mod client_secrets;
mod diagnosis;
mod documents;
mod house;
mod idp_initiated;
mod linking;
mod login;
mod logout;
mod metadata;
mod metrics;
pub(crate) mod moods;
mod oidc_logout;
mod own_callback;
mod provider;
mod refresh;
mod replicas;
mod revoke;
mod saml;
mod saml_keys;
mod sessions;
mod single_logout;
mod social;
mod stores;
mod throttling;
mod token;
mod user_info;
mod users;
mod wishes;
