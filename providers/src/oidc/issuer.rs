//! Whose tokens are believed.

use serde_json::{Map, Value};

use super::entra;
use super::jws::Jws;
use super::keys::KeySet;
use super::settings::IssuerRule;
use crate::ProviderError;
use crate::oauth::json;

/// The issuer of a token, which must be `expected` byte by byte, or what `rule` makes of it.
///
/// Returns who it is from: under [`IssuerRule::Entra`] that tenant's issuer, `expected` otherwise.
pub(super) fn check(
    claims: &Map<String, Value>,
    expected: &str,
    rule: IssuerRule,
) -> Result<String, ProviderError> {
    let came = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
    let good = match rule {
        IssuerRule::Exact => came == expected,
        IssuerRule::Or(other) => came == expected || came == other,
        IssuerRule::Entra(tenants) => {
            let tenant = entra::tenant(expected, tenants, came);
            tenant.is_some() && claims.get("tid").and_then(Value::as_str) == tenant
        }
    };
    match (good, rule) {
        (true, IssuerRule::Entra(_)) => Ok(came.to_owned()),
        (true, _) => Ok(expected.to_owned()),
        (false, rule) => Err(fault(came, expected, rule)),
    }
}

fn fault(came: &str, expected: &str, rule: IssuerRule) -> ProviderError {
    let more = match rule {
        IssuerRule::Entra(_) => " with the tenant of its tid claim, a tenant that oidc_issuer is for",
        _ => "",
    };
    let came = json::shown(came, 300);
    let detail = format!("the ID token is from issuer \"{came}\", expected \"{expected}\"{more}");
    ProviderError::not_believed("oidc_issuer", detail)
}

/// Whether the key that verified a token may sign for its issuer. Only Entra says of a key whose it is: its
/// key set is for all tenants, and not every key in it is for every tenant.
pub(super) fn check_key(
    jws: &Jws<'_>,
    keys: &KeySet,
    issuer: &str,
    expected: &str,
    rule: IssuerRule,
) -> Result<(), ProviderError> {
    let IssuerRule::Entra(tenants) = rule else { return Ok(()) };
    let tenant = entra::tenant(expected, tenants, issuer).unwrap_or_default();
    if keys.owners(jws.alg, jws.kid.as_deref()).any(|owner| match owner {
        None => true,
        Some(owner) => entra::may_sign(owner, issuer, tenant),
    }) {
        return Ok(());
    }
    Err(ProviderError::not_believed(
        "oidc_key_issuer",
        format!(
            "the ID token of issuer \"{issuer}\" is signed by a key that the key set gives to another issuer"
        ),
    ))
}
