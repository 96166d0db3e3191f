//! Poolgate: apps speak Amazon Cognito to it, identity providers speak SAML 2.0 or OpenID Connect.
//!
//! The rooms, in the order a sign-in meets them. Arrows point down this list only.
//!
//! | room | what it does |
//! |---|---|
//! | [`demo`] | simulated providers and a sample app, also used by the tests |
//! | [`check_provider`] | `poolgate check-provider`: one provider checked without a sign-in |
//! | [`apply`] | `poolgate apply`, `poolgate export`: the configuration as a file |
//! | [`keys_command`], [`certificates_command`] | `poolgate keys`: keys of a pool rolled over by an administrator; `poolgate certificates`: those of custom domains imported |
//! | [`migrate`] | `poolgate migrate`: an embedded directory copied to PostgreSQL |
//! | [`healthcheck`] | `poolgate healthcheck`: is the gateway beside us well? |
//! | [`config`], [`stores`], [`gateway`] | settings; opens the stores; puts the parts together, starts and stops |
//! | [`http`] | reads the app's request and the provider's answer: one file per endpoint |
//! | [`diagnosis`] | why sign-ins fail |
//! | [`api`] | the management API: AWS JSON 1.1 |
//! | [`throttle`], [`audit`] | who asks too often; who did what |
//! | [`sign_in`], [`sign_out`] | the attempt, its completion, the mapping to a user; the way out |
//! | [`grants`] | a sign-in becomes a code, a code becomes tokens |
//! | [`triggers`] | functions of the administrator that take part in a sign-in |
//! | [`tokens`] | claims, signed and verified |
//! | [`context`] | what every step stands on: stores, configuration, time, randomness, HTTP |
//! | [`observe`] | metrics, traces, logs, health |
//! | [`upkeep`] | what happens without anybody asking: metadata stays fresh, what ends is said |
//! | [`certificates`] | certificates of custom domains, and which one a browser is shown |
//! | [`registry`] | the configuration in force, read from memory |
//! | [`directory`], [`sessions`] | what lasts, what expires |
//! | [`keys`] | the master key, signing keys, sealed capsules |
//! | [`words`] | what the hosted pages say, in every language |
//! | [`style`] | style sheets for the hosted pages, of what is allowed only |
//! | [`pool`] | the nouns, as plain data |
//!
//! Protocols live in the crate `poolgate-providers`, which knows none of these.

pub mod api;
pub mod apply;
pub mod audit;
pub mod certificates;
pub mod certificates_command;
pub mod check_provider;
pub mod config;
pub mod context;
pub mod demo;
pub mod diagnosis;
pub mod directory;
pub mod gateway;
pub mod grants;
pub mod healthcheck;
pub mod http;
pub mod keys;
pub mod keys_command;
pub mod migrate;
pub mod observe;
pub mod pool;
pub mod registry;
pub mod sessions;
pub mod sign_in;
pub mod sign_out;
pub mod stores;
pub mod style;
#[cfg(test)]
mod testing;
pub mod throttle;
pub mod tokens;
pub mod triggers;
pub mod upkeep;
pub mod words;
