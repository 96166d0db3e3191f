//! Before tokens are made: claims, groups and scopes that a function adds, changes and takes away.
//!
//! What names the user, the app, the sign-in and the token stays what it is, whatever a function says.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use super::event::{Kind, user_attributes};
use super::{Asking, TriggerError};
use crate::context::Context;
use crate::pool::lambda_config::TokenEventVersion;
use crate::pool::{AppClient, Trigger};
use crate::registry::LivePool;
use crate::tokens::claims::{Claims, GroupConfiguration, group_configuration};
use crate::tokens::{Granted, Holder, Occasion};

/// Claims of both tokens that no function changes.
const RESERVED: [&str; 17] = [
    "acr",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "event_id",
    "exp",
    "iat",
    "identities",
    "iss",
    "jti",
    "nbf",
    "nonce",
    "origin_jti",
    "sub",
    "token_use",
];
/// Those of the access token besides.
const RESERVED_ACCESS: [&str; 5] = ["client_id", "device_key", "scope", "username", "version"];
/// Claims of the ID token that have a type of their own.
const PLAIN: [&str; 4] = ["address", "email_verified", "phone_number_verified", "updated_at"];
/// Longest of what a function may add to one token, in bytes of JSON.
const LARGEST: usize = 64 * 1024;

const TRIGGER: Trigger = Trigger::PreTokenGeneration;

/// What a function wants the tokens to be.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    id: ClaimChanges,
    access: ClaimChanges,
    groups: Option<Groups>,
    add_scopes: Vec<String>,
    suppress_scopes: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct ClaimChanges {
    set: BTreeMap<String, Value>,
    suppress: Vec<String>,
}

/// A whole group configuration: what it does not name is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Groups {
    /// `cognito:groups`.
    pub groups_to_override: Option<Vec<String>>,
    /// `cognito:roles`.
    pub iam_roles_to_override: Option<Vec<String>>,
    /// `cognito:preferred_role`.
    pub preferred_role: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    user_attributes: BTreeMap<String, String>,
    group_configuration: Groups,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<&'a [String]>,
}

/// Asks what the tokens of this user shall be, where a function is named for it.
///
/// # Errors
/// See [`TriggerError`]: no token may be made then.
pub async fn of_user(
    context: &Context,
    holder: Holder<'_>,
    granted: &Granted,
    occasion: Occasion,
) -> Result<Changes, TriggerError> {
    let named = holder.pool.pool.value.lambda_config.token_generation();
    let Some((function, version)) = named else { return Ok(Changes::default()) };
    let source = match occasion {
        Occasion::HostedAuth => "TokenGeneration_HostedAuth",
        Occasion::RefreshTokens => "TokenGeneration_RefreshTokens",
    };
    let request = Request {
        user_attributes: user_attributes(holder.user),
        group_configuration: groups_of(holder),
        scopes: (version != TokenEventVersion::V1).then_some(&granted.scopes),
    };
    let who = Who { pool: holder.pool, client: holder.client, name: &holder.user.username };
    ask(context, who, (function, version), source, request).await
}

/// The same for a machine, whose app client signs in for itself: only the third version of the event is for these.
///
/// # Errors
/// See [`TriggerError`]: no token may be made then.
pub async fn of_client(
    context: &Context,
    pool: &LivePool,
    client: &AppClient,
    scopes: &[String],
) -> Result<Changes, TriggerError> {
    let named = pool.pool.value.lambda_config.token_generation();
    let Some((function, version @ TokenEventVersion::V3)) = named else { return Ok(Changes::default()) };
    let request = Request {
        user_attributes: BTreeMap::new(),
        group_configuration: Groups::default(),
        scopes: Some(scopes),
    };
    let who = Who { pool, client, name: &client.client_id };
    let changes =
        ask(context, who, (function, version), "TokenGeneration_ClientCredentials", request).await?;
    // A machine is in no group.
    Ok(Changes { groups: None, ..changes })
}

struct Who<'a> {
    pool: &'a LivePool,
    client: &'a AppClient,
    name: &'a str,
}

async fn ask(
    context: &Context,
    who: Who<'_>,
    (function, version): (&str, TokenEventVersion),
    source: &'static str,
    request: Request<'_>,
) -> Result<Changes, TriggerError> {
    let asking = Asking { pool: who.pool, client: who.client, surface: &context.surface };
    let (shape, member) = match version {
        TokenEventVersion::V1 => ("1", "claimsOverrideDetails"),
        TokenEventVersion::V2 => ("2", "claimsAndScopeOverrideDetails"),
        TokenEventVersion::V3 => ("3", "claimsAndScopeOverrideDetails"),
    };
    let kind = Kind { trigger: TRIGGER, source, version: shape, user_name: who.name };
    let sent = (request, json!({ member: null }));
    let response = context.triggers.ask(&context.metrics, &asking, function, kind, sent).await?;
    read(response, version)
}

/// The user's groups as an event has them.
fn groups_of(holder: Holder<'_>) -> Groups {
    let GroupConfiguration { groups, roles, preferred_role } = group_configuration(holder.pool, holder.user);
    Groups { groups_to_override: Some(groups), iam_roles_to_override: Some(roles), preferred_role }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FirstVersion {
    claims_to_add_or_override: Option<BTreeMap<String, String>>,
    claims_to_suppress: Option<Vec<String>>,
    #[serde(deserialize_with = "given")]
    group_override_details: Option<Option<Groups>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SecondVersion {
    #[serde(deserialize_with = "object")]
    id_token_generation: Option<OfToken>,
    #[serde(deserialize_with = "object")]
    access_token_generation: Option<OfToken>,
    #[serde(deserialize_with = "given")]
    group_override_details: Option<Option<Groups>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OfToken {
    claims_to_add_or_override: Option<BTreeMap<String, Value>>,
    claims_to_suppress: Option<Vec<String>>,
    scopes_to_add: Option<Vec<String>>,
    scopes_to_suppress: Option<Vec<String>>,
}

/// An object, and no list of its members in some order.
fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let members = Option::<Map<String, Value>>::deserialize(deserializer)?;
    members.map(|members| serde_json::from_value(members.into()).map_err(D::Error::custom)).transpose()
}

/// A member that is there, be it null (PTG-08: null suppresses, absent keeps).
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Groups>>, D::Error> {
    object(deserializer).map(Some)
}

fn invalid(why: impl Into<String>) -> TriggerError {
    TriggerError::invalid(TRIGGER, why)
}

fn read(mut response: Map<String, Value>, version: TokenEventVersion) -> Result<Changes, TriggerError> {
    const FIRST: &str = "claimsOverrideDetails";
    const SECOND: &str = "claimsAndScopeOverrideDetails";
    let (own, other) = if version == TokenEventVersion::V1 { (FIRST, SECOND) } else { (SECOND, FIRST) };
    // Of the other version's member nothing would come: what it takes away would stay.
    if response.get(other).is_some_and(|value| !value.is_null()) {
        return Err(invalid(format!("{other} is of another version of the event, this one has {own}")));
    }
    let Some(details) = response.remove(own).filter(|details| !details.is_null()) else {
        return Ok(Changes::default());
    };
    if !details.is_object() {
        return Err(invalid(format!("{own} is no object")));
    }
    let malformed =
        |error: serde_json::Error| invalid(format!("{own} has another shape ({})", shape(&error)));
    if version == TokenEventVersion::V1 {
        let first: FirstVersion = serde_json::from_value(details).map_err(malformed)?;
        let set = first.claims_to_add_or_override.unwrap_or_default();
        let set = set.into_iter().map(|(name, value)| (name, value.into()));
        let id = ClaimChanges::new(set, first.claims_to_suppress)?;
        let groups = first.group_override_details.map(Option::unwrap_or_default);
        return Ok(Changes { id, groups, ..Changes::default() });
    }
    let second: SecondVersion = serde_json::from_value(details).map_err(malformed)?;
    let id = second.id_token_generation.unwrap_or_default();
    let access = second.access_token_generation.unwrap_or_default();
    let id = ClaimChanges::new(id.claims_to_add_or_override.unwrap_or_default(), id.claims_to_suppress)?;
    if let Some(name) = PLAIN
        .into_iter()
        .find(|name| id.set.get(*name).is_some_and(|value| value.is_object() || value.is_array()))
    {
        return Err(invalid(format!("{name} of the ID token may be no object and no array")));
    }
    let add_scopes = access.scopes_to_add.unwrap_or_default();
    if !add_scopes.iter().all(|scope| is_scope(scope)) {
        return Err(invalid("scopesToAdd holds what is no scope (RFC 6749 section 3.3)"));
    }
    Ok(Changes {
        id,
        access: ClaimChanges::new(
            access.claims_to_add_or_override.unwrap_or_default(),
            access.claims_to_suppress,
        )?,
        groups: second.group_override_details.map(Option::unwrap_or_default),
        add_scopes,
        suppress_scopes: access.scopes_to_suppress.unwrap_or_default(),
    })
}

/// What the reader says of a shape, without the function's own text.
fn shape(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let expected = text.split_once("expected ").map_or("", |(_, expected)| expected);
    if expected.is_empty() { "it cannot be read".to_owned() } else { format!("expected {expected}") }
}

/// One scope, not several: a space would part them (RFC 6749 section 3.3).
fn is_scope(text: &str) -> bool {
    (1..=256).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

impl ClaimChanges {
    fn new(
        set: impl IntoIterator<Item = (String, Value)>,
        suppress: Option<Vec<String>>,
    ) -> Result<Self, TriggerError> {
        let set: BTreeMap<_, _> = set.into_iter().collect();
        if set.values().any(Value::is_null) {
            return Err(invalid("claimsToAddOrOverride holds null: leave the claim out, or suppress it"));
        }
        let size: usize = set.iter().map(|(name, value)| name.len() + value.to_string().len() + 6).sum();
        if size > LARGEST {
            return Err(invalid("claimsToAddOrOverride is larger than 64 KiB"));
        }
        Ok(Self { set, suppress: suppress.unwrap_or_default() })
    }

    /// Suppressing wins (PTG-06). Reserved claims are left alone, and so are the service's own: groups have a member
    /// of their own (PTG-07).
    fn apply(&self, claims: &mut Claims, reserved: &[&str]) {
        let free = |name: &str| {
            !RESERVED.contains(&name)
                && !reserved.contains(&name)
                && !name.starts_with("cognito:")
                && !name.starts_with("dev:")
        };
        for (name, value) in self.set.iter().filter(|(name, _)| free(name)) {
            claims.insert(name.clone(), typed(name, value));
        }
        for name in self.suppress.iter().filter(|name| free(name)) {
            claims.remove(name);
        }
    }
}

/// The two flags are truth values in a token, also where the event's version knows only text.
fn typed(name: &str, value: &Value) -> Value {
    match (name, value.as_str()) {
        ("email_verified" | "phone_number_verified", Some("true")) => Value::Bool(true),
        ("email_verified" | "phone_number_verified", Some("false")) => Value::Bool(false),
        _ => value.clone(),
    }
}

impl Changes {
    /// What an ID token says in place of these claims.
    pub fn apply_to_id_token(&self, claims: &mut Claims) {
        if let Some(groups) = &self.groups {
            groups.apply_names(claims);
            groups.apply_roles(claims);
        }
        self.id.apply(claims, &[]);
    }

    /// What an access token says in place of these claims.
    pub fn apply_to_access_token(&self, claims: &mut Claims) {
        if let Some(groups) = &self.groups {
            groups.apply_names(claims);
        }
        self.apply_scopes(claims);
        self.access.apply(claims, &RESERVED_ACCESS);
    }

    /// The service's own scopes cannot be added: they open its API.
    fn apply_scopes(&self, claims: &mut Claims) {
        if self.add_scopes.is_empty() && self.suppress_scopes.is_empty() {
            return;
        }
        let before = claims.get("scope").and_then(Value::as_str).unwrap_or_default();
        let mut scopes: Vec<&str> = before.split(' ').filter(|scope| !scope.is_empty()).collect();
        for scope in &self.add_scopes {
            if !scope.starts_with("aws.cognito") && !scopes.contains(&scope.as_str()) {
                scopes.push(scope);
            }
        }
        scopes.retain(|scope| !self.suppress_scopes.iter().any(|suppressed| suppressed == scope));
        let scopes = scopes.join(" ");
        claims.insert("scope".into(), scopes.into());
    }
}

impl Groups {
    fn apply_names(&self, claims: &mut Claims) {
        replace(claims, "cognito:groups", self.groups_to_override.clone().unwrap_or_default());
    }

    fn apply_roles(&self, claims: &mut Claims) {
        replace(claims, "cognito:roles", self.iam_roles_to_override.clone().unwrap_or_default());
        match self.preferred_role.as_deref().filter(|role| !role.is_empty()) {
            Some(role) => claims.insert("cognito:preferred_role".into(), role.into()),
            None => claims.remove("cognito:preferred_role"),
        };
    }
}

fn replace(claims: &mut Claims, name: &str, values: Vec<String>) {
    if values.is_empty() {
        claims.remove(name);
    } else {
        claims.insert(name.to_owned(), values.into());
    }
}

#[cfg(test)]
#[path = "token_generation_tests.rs"]
mod tests;
