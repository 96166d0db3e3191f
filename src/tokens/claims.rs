//! What tokens and userInfo say (`gateway.md` section 7, `wire-facts.md` sections 5 and 6).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

pub use super::groups::{GroupConfiguration, group_configuration};
use super::{Granted, Holder};
use crate::pool::{AppClient, Identity, User};
use crate::registry::{LivePool, Surface};

/// Claims, by name.
pub type Claims = Map<String, Value>;

/// `at_hash` of an RS256 access token (OpenID Connect Core 3.1.3.6): left half of its SHA-256.
pub fn at_hash(access_token: &str) -> String {
    let hash = digest(&SHA256, access_token.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}

fn common(
    holder: Holder<'_>,
    granted: &Granted,
    surface: &Surface,
    now: OffsetDateTime,
    jti: String,
) -> Claims {
    let mut claims = Claims::new();
    let groups = group_configuration(holder.pool, holder.user).groups;
    claims.insert("sub".into(), holder.user.sub.clone().into());
    claims.insert("iss".into(), holder.pool.issuer(surface).into());
    claims.insert("origin_jti".into(), granted.origin_jti.clone().into());
    claims.insert("event_id".into(), granted.event_id.clone().into());
    claims.insert("auth_time".into(), granted.auth_time.into());
    claims.insert("iat".into(), now.unix_timestamp().into());
    claims.insert("jti".into(), jti.into());
    if !groups.is_empty() {
        claims.insert("cognito:groups".into(), groups.into());
    }
    claims
}

/// Claims of an access token.
pub fn access_token(
    holder: Holder<'_>,
    granted: &Granted,
    surface: &Surface,
    now: OffsetDateTime,
    jti: String,
) -> Claims {
    let mut claims = common(holder, granted, surface, now, jti);
    let expires = now + holder.client.access_token_lifetime();
    claims.insert("exp".into(), expires.unix_timestamp().into());
    claims.insert("token_use".into(), "access".into());
    claims.insert("version".into(), 2.into());
    claims.insert("client_id".into(), holder.client.client_id.clone().into());
    claims.insert("username".into(), holder.user.username.clone().into());
    claims.insert("scope".into(), granted.scopes.join(" ").into());
    if let Some(resource) = &granted.resource {
        claims.insert("aud".into(), resource.clone().into());
    }
    claims
}

/// Claims of an access token of the app itself. There is no user behind it, and no sign-in: `access::verify` takes it
/// for nobody's.
pub fn client_token(
    pool: &LivePool,
    client: &AppClient,
    scopes: &[String],
    surface: &Surface,
    now: OffsetDateTime,
    jti: String,
) -> Claims {
    let expires = now + client.access_token_lifetime();
    let mut claims = Claims::new();
    claims.insert("sub".into(), client.client_id.clone().into());
    claims.insert("token_use".into(), "access".into());
    claims.insert("scope".into(), scopes.join(" ").into());
    claims.insert("auth_time".into(), now.unix_timestamp().into());
    claims.insert("iss".into(), pool.issuer(surface).into());
    claims.insert("exp".into(), expires.unix_timestamp().into());
    claims.insert("iat".into(), now.unix_timestamp().into());
    claims.insert("version".into(), 2.into());
    claims.insert("jti".into(), jti.into());
    claims.insert("client_id".into(), client.client_id.clone().into());
    claims
}

/// Claims of an ID token: everything the client may read.
pub fn id_token(
    holder: Holder<'_>,
    granted: &Granted,
    surface: &Surface,
    now: OffsetDateTime,
    jti: String,
    at_hash: String,
) -> Claims {
    let mut claims = common(holder, granted, surface, now, jti);
    let expires = now + holder.client.id_token_lifetime();
    claims.insert("exp".into(), expires.unix_timestamp().into());
    claims.insert("token_use".into(), "id".into());
    claims.insert("aud".into(), holder.client.client_id.clone().into());
    claims.insert("at_hash".into(), at_hash.into());
    claims.insert("cognito:username".into(), holder.user.username.clone().into());
    let GroupConfiguration { roles, preferred_role, .. } = group_configuration(holder.pool, holder.user);
    if !roles.is_empty() {
        claims.insert("cognito:roles".into(), roles.into());
    }
    if let Some(role) = preferred_role {
        claims.insert("cognito:preferred_role".into(), role.into());
    }
    if let Some(nonce) = &granted.nonce {
        claims.insert("nonce".into(), nonce.clone().into());
    }
    for (name, value) in &holder.user.attributes {
        if holder.client.may_read(name) {
            claims.insert(name.clone(), attribute(holder, name, value));
        }
    }
    if !holder.user.identities.is_empty() && holder.client.may_read("identities") {
        claims.insert("identities".into(), identities(&holder.user.identities));
    }
    claims
}

/// Whether userInfo may show this attribute under these scopes (OpenID Connect Core 5.4).
fn scope_allows(attribute: &str, granted: &Granted) -> bool {
    if granted.has_scope("aws.cognito.signin.user.admin") {
        return true;
    }
    match attribute {
        "email" | "email_verified" => granted.has_scope("email"),
        "phone_number" | "phone_number_verified" => granted.has_scope("phone"),
        _ => granted.has_scope("profile"),
    }
}

/// The body of userInfo: what the scopes and the client's read attributes allow. `email_verified` and
/// `phone_number_verified` are strings here.
pub fn user_info(holder: Holder<'_>, granted: &Granted) -> Claims {
    let mut claims = Claims::new();
    claims.insert("sub".into(), holder.user.sub.clone().into());
    for (name, value) in &holder.user.attributes {
        if holder.client.may_read(name) && scope_allows(name, granted) {
            let value =
                if is_flag(name) { Value::from(value.clone()) } else { attribute(holder, name, value) };
            claims.insert(name.clone(), value);
        }
    }
    if !holder.user.identities.is_empty()
        && holder.client.may_read("identities")
        && scope_allows("identities", granted)
    {
        claims.insert("identities".into(), identities(&holder.user.identities).to_string().into());
    }
    claims.insert("username".into(), holder.user.username.clone().into());
    claims
}

fn is_flag(name: &str) -> bool {
    matches!(name, "email_verified" | "phone_number_verified")
}

/// An attribute as a claim: flags as booleans; several values as an array where the user's provider is set
/// to `multi_valued=json`; text otherwise.
fn attribute(holder: Holder<'_>, name: &str, value: &str) -> Value {
    if is_flag(name) {
        return Value::Bool(value.eq_ignore_ascii_case("true"));
    }
    if value.starts_with('[')
        && speaks_json(holder, name)
        && let Ok(Value::Array(values)) = serde_json::from_str::<Value>(value)
        && values.iter().all(Value::is_string)
    {
        return Value::Array(values);
    }
    Value::from(value)
}

fn speaks_json(holder: Holder<'_>, name: &str) -> bool {
    holder.user.identities.iter().any(|identity| {
        holder.pool.providers.get(&identity.provider_name).is_some_and(|provider| {
            let provider = &provider.config.value;
            provider.detail("multi_valued") == Some("json") && provider.attribute_mapping.contains_key(name)
        })
    })
}

/// The `identities` claim: in tokens `primary` and `dateCreated` are strings.
fn identities(identities: &[Identity]) -> Value {
    identities
        .iter()
        .map(|identity| {
            json!({
                "userId": identity.user_id,
                "providerName": identity.provider_name,
                "providerType": identity.provider_type,
                "issuer": identity.issuer,
                "primary": identity.primary.to_string(),
                "dateCreated": identity.date_created.to_string(),
            })
        })
        .collect()
}

/// The `identities` attribute of a profile, one JSON string: here `primary` is a boolean and `dateCreated` a
/// number.
pub fn identities_attribute(user: &User) -> Option<String> {
    if user.identities.is_empty() {
        return None;
    }
    let list: Value = user
        .identities
        .iter()
        .map(|identity| {
            json!({
                "userId": identity.user_id,
                "providerName": identity.provider_name,
                "providerType": identity.provider_type,
                "issuer": identity.issuer,
                "primary": identity.primary,
                "dateCreated": identity.date_created,
            })
        })
        .collect();
    Some(list.to_string())
}
