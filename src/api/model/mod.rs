//! The public service model as one table, and the check of every request against it.
//!
//! `cognito-idp.json` is made by `scripts/derive-api-model.py`; what Poolgate decides otherwise stands in
//! [`OVERRIDES`], and nowhere else.

mod pattern;
pub mod redact;
#[cfg(test)]
mod tests;
mod unbuilt;
mod unknown;
mod validate;

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use regex::Regex;
use serde::Deserialize;

pub use unbuilt::{UNBUILT, Unbuilt, why_unbuilt};
pub use unknown::{Step, taken_at, takes, unknown_member};
pub use validate::validate;

/// The whole model.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// What stands before the dot in `X-Amz-Target`.
    pub target_prefix: String,
    /// By name.
    pub operations: BTreeMap<String, Operation>,
    shapes: BTreeMap<String, Shape>,
}

/// One operation.
#[derive(Debug, Deserialize)]
pub struct Operation {
    /// Shape of its input.
    pub input: Option<String>,
    /// Shape of its output.
    pub output: Option<String>,
    /// `none`: no signature needed.
    pub authtype: Option<String>,
    /// Names of the errors it may answer.
    pub errors: Vec<String>,
}

impl Operation {
    /// Whether the request must be signed.
    pub fn signed(&self) -> bool {
        self.authtype.as_deref() != Some("none")
    }

    /// Whether its input has this member.
    pub fn takes(&self, member: &str) -> bool {
        let shape = self.input.as_ref().and_then(|name| model().shapes.get(name));
        shape.is_some_and(|shape| shape.members.contains_key(member))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Type {
    Blob,
    Boolean,
    Integer,
    List,
    Long,
    Map,
    String,
    Structure,
    Timestamp,
}

#[derive(Debug, Deserialize)]
struct Shape {
    #[serde(rename = "type")]
    kind: Type,
    #[serde(default)]
    members: BTreeMap<String, String>,
    #[serde(default)]
    required: Vec<String>,
    member: Option<String>,
    key: Option<String>,
    value: Option<String>,
    #[serde(rename = "enum", default)]
    values: Vec<String>,
    min: Option<i64>,
    max: Option<i64>,
    pattern: Option<String>,
    #[serde(default)]
    sensitive: bool,
    #[serde(skip)]
    compiled: OnceLock<Option<Regex>>,
}

/// How one shape of ours differs from the published one.
struct Override {
    shape: &'static str,
    change: fn(&mut Shape),
}

fn unbounded(shape: &mut Shape) {
    shape.max = None;
}

/// The guide's pattern, 1 to 40 characters, `\w` and `\s` of all Unicode (Java's flag `U`).
fn provider_name(shape: &mut Shape) {
    shape.pattern = Some(r"(?U)[\w\s+=.@-]+".into());
    (shape.min, shape.max) = (Some(1), Some(40));
}

static OVERRIDES: &[Override] = &[
    Override { shape: "ProviderNameType", change: provider_name },
    Override { shape: "ProviderNameTypeV2", change: provider_name },
    // Custom domains are host names: they have dots. `api::domains` tells the two kinds apart.
    Override {
        shape: "DomainType",
        change: |shape| shape.pattern = Some(r"[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?".into()),
    },
    // A federated username is `{provider}_{subject}`, and either may hold a space.
    Override { shape: "UsernameType", change: |shape| shape.pattern = None },
    // Its documentation says so.
    Override { shape: "PrecedenceType", change: |shape| shape.max = Some(i64::from(i32::MAX)) },
    // Holds `client_secret` and `private_key`.
    Override { shape: "ProviderDetailsType", change: |shape| shape.sensitive = true },
    // A breached limit is LimitExceededException with the number: `api` counts these itself.
    Override { shape: "CallbackURLsListType", change: unbounded },
    Override { shape: "LogoutURLsListType", change: unbounded },
    Override { shape: "IdpIdentifiersListType", change: unbounded },
    Override { shape: "ScopeListType", change: unbounded },
    Override { shape: "ResourceServerScopeListType", change: unbounded },
    Override { shape: "SchemaAttributesListType", change: unbounded },
];

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the table is part of the program, and a test reads it")]
    let mut model: Model =
        serde_json::from_str(include_str!("cognito-idp.json")).expect("the service model must parse");
    for change in OVERRIDES {
        if let Some(shape) = model.shapes.get_mut(change.shape) {
            (change.change)(shape);
        }
    }
    model
});

/// The service model.
pub fn model() -> &'static Model {
    &MODEL
}
