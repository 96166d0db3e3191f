//! What the tests stand on: the gateway as a child process, helpers in Python and Node, a person with a browser.

use serde_json::Value;

mod app;
mod bad_provider;
mod chromium;
mod demo;
mod gateway;
mod helpers;
mod openid;
mod person;
mod replicas;
mod simplesamlphp;
mod site;

pub use app::{App, CALLBACK, LOGGED_OUT, Tokens, claims};
pub use bad_provider::{BadProvider, Fault, SECRETS};
pub use chromium::{Browser, Screen};
pub use demo::Demo;
pub use gateway::{Gateway, Pool, access, provision, run_calls};
pub use helpers::{Helper, Saml, node, node_helper, python, python_helper, python_path, repository};
pub use openid::{ClientKey, Make, Oidc};
pub use person::{Landing, Person};
pub use poolgate_testing::free_port;
pub use replicas::{MASTER_KEY, Replicas};
pub use simplesamlphp::SimpleSaml;
pub use site::{Says, query_of, site};

/// A provider with further `ProviderDetails`.
pub fn with_details(mut provider: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("details are an object: {more}") };
    provider["details"].as_object_mut().expect("a provider has details").extend(more);
    provider
}
