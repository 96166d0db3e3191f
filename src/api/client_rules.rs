//! What an app client may be, beyond the model.

use serde_json::Value;
use time::Duration;

use super::error::invalid;
use super::{ApiError, urls};
use crate::pool::app_client::ALLOW_REFRESH;
use crate::pool::{AppClient, OAuthFlow, TimeUnit};
use crate::registry::LivePool;

/// Scopes that are there without a resource server.
const RESERVED_SCOPES: [&str; 5] = ["openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"];
/// Most scopes of a client.
const SCOPES: usize = 50;
/// The pool's own sign-in.
const NATIVE: &str = "COGNITO";

/// 30 days in the unit of the client, where the request says 0 or nothing.
pub(super) fn refresh_validity(client: &AppClient) -> u32 {
    let unit = client.token_validity_units.and_then(|units| units.refresh_token);
    match (client.refresh_token_validity, unit.unwrap_or(TimeUnit::Days)) {
        (Some(count), _) if count > 0 => count,
        (_, TimeUnit::Days) => 30,
        (_, TimeUnit::Hours) => 30 * 24,
        (_, TimeUnit::Minutes) => 30 * 24 * 60,
        (_, TimeUnit::Seconds) => 30 * 24 * 60 * 60,
    }
}

/// Everything a client must satisfy in its pool.
pub(super) fn check(client: &AppClient, live: &LivePool) -> Result<(), ApiError> {
    urls::check("CallbackURLs", &client.callback_urls)?;
    urls::check("LogoutURLs", &client.logout_urls)?;
    if let Some(default) = &client.default_redirect_uri
        && !client.callback_urls.contains(default)
    {
        return Err(invalid("DefaultRedirectURI must be one of CallbackURLs."));
    }
    check_scopes(client, live)?;
    check_flows(client)?;
    check_sign_in_flows(client)?;
    check_providers(client, live)?;
    check_attributes(client, live)?;
    check_rotation(client)?;
    check_lifetimes(client)
}

/// `InitiateAuth` gives no new refresh token: it would leave the app without one.
fn check_rotation(client: &AppClient) -> Result<(), ApiError> {
    let flows = client.rest.get("ExplicitAuthFlows").and_then(serde_json::Value::as_array);
    let named = flows.into_iter().flatten().any(|flow| flow.as_str() == Some(ALLOW_REFRESH));
    if client.rotation().is_some() && named {
        return Err(invalid(format!(
            "RefreshTokenRotation cannot be ENABLED while ExplicitAuthFlows holds {ALLOW_REFRESH}: refresh with \
             GetTokensFromRefreshToken or at /oauth2/token instead."
        )));
    }
    Ok(())
}

fn check_scopes(client: &AppClient, live: &LivePool) -> Result<(), ApiError> {
    let scopes = &client.allowed_oauth_scopes;
    if scopes.len() > SCOPES {
        let given = scopes.len();
        return Err(ApiError::LimitExceeded(format!(
            "AllowedOAuthScopes may hold at most {SCOPES} scopes, not {given}."
        )));
    }
    let reserved = |scope: &str| RESERVED_SCOPES.contains(&scope);
    match scopes.iter().find(|scope| !reserved(scope) && !live.defines_scope(scope)) {
        Some(scope) => Err(ApiError::ScopeDoesNotExist(format!(
            "The scope {scope} does not exist: no resource server of this user pool defines it (as \
             identifier/name), and the others are {}.",
            RESERVED_SCOPES.join(", ")
        ))),
        None => Ok(()),
    }
}

fn check_flows(client: &AppClient) -> Result<(), ApiError> {
    let has = |flow| client.allowed_oauth_flows.contains(&flow);
    let (machine, browser) =
        (has(OAuthFlow::ClientCredentials), has(OAuthFlow::Code) || has(OAuthFlow::Implicit));
    if machine && browser {
        return Err(ApiError::InvalidOAuthFlow(
            "client_credentials flow can not be selected along with code flow or implicit flow.".into(),
        ));
    }
    if machine && !client.is_confidential() {
        return Err(ApiError::InvalidOAuthFlow(
            "client_credentials flow can not be selected if client does not have a client secret.".into(),
        ));
    }
    let of_a_person =
        client.allowed_oauth_scopes.iter().find(|scope| RESERVED_SCOPES.contains(&scope.as_str()));
    if let (true, Some(scope)) = (machine, of_a_person) {
        return Err(ApiError::InvalidOAuthFlow(format!(
            "client_credentials flow allows scopes of resource servers only: nobody signs in whom the scope \
             {scope} could be about."
        )));
    }
    if !client.allowed_oauth_flows_user_pool_client {
        return Ok(());
    }
    if client.allowed_oauth_flows.is_empty() || client.allowed_oauth_scopes.is_empty() {
        return Err(invalid(
            "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use \
             OAuth flows.",
        ));
    }
    if browser && client.callback_urls.is_empty() {
        return Err(invalid("CallbackURLs must not be empty when code or implicit flow is selected."));
    }
    Ok(())
}

/// The flows of native users: `ALLOW_…`, or the names from before these, not both.
fn check_sign_in_flows(client: &AppClient) -> Result<(), ApiError> {
    let flows = client.rest.get("ExplicitAuthFlows").and_then(Value::as_array);
    let flows: Vec<&str> = flows.into_iter().flatten().filter_map(Value::as_str).collect();
    let (new, old): (Vec<&str>, Vec<&str>) = flows.into_iter().partition(|flow| flow.starts_with("ALLOW_"));
    if let (Some(new), Some(old)) = (new.first(), old.first()) {
        return Err(invalid(format!(
            "ExplicitAuthFlows: {old} is a name from before {new}, and the two kinds cannot be mixed. Use values \
             that begin with ALLOW_ only."
        )));
    }
    let propagates = client.rest.get("EnablePropagateAdditionalUserContextData");
    if propagates.and_then(Value::as_bool) == Some(true) && !client.is_confidential() {
        return Err(invalid(
            "EnablePropagateAdditionalUserContextData can be true only for a client that has a secret.",
        ));
    }
    Ok(())
}

fn check_providers(client: &AppClient, live: &LivePool) -> Result<(), ApiError> {
    let mut names = client.supported_identity_providers.iter();
    match names.find(|name| *name != NATIVE && !live.providers.contains_key(*name)) {
        Some(name) => {
            let pool = live.id();
            Err(invalid(format!("The provider {name} does not exist for User Pool {pool}.")))
        }
        None => Ok(()),
    }
}

fn check_attributes(client: &AppClient, live: &LivePool) -> Result<(), ApiError> {
    let pool = &live.pool.value;
    for (member, names) in
        [("ReadAttributes", &client.read_attributes), ("WriteAttributes", &client.write_attributes)]
    {
        let mut names = names.iter().flatten();
        if let Some(name) = names.find(|name| pool.attribute(name).is_none()) {
            let name: String = name.chars().take(128).collect();
            return Err(invalid(format!("{member}: the pool has no attribute {name}.")));
        }
    }
    let Some(writable) = &client.write_attributes else { return Ok(()) };
    if writable.iter().any(|name| name == "sub" || name == "identities") {
        return Err(invalid("WriteAttributes: sub and identities are kept by the pool, no app writes them."));
    }
    let mut required = pool.required_attributes();
    match required.find(|name| !writable.iter().any(|known| known == name)) {
        Some(name) => Err(invalid(format!("WriteAttributes must hold the required attribute {name}."))),
        None => Ok(()),
    }
}

fn check_lifetimes(client: &AppClient) -> Result<(), ApiError> {
    let tokens = (AppClient::TOKEN_RANGE, "5 minutes to 24 hours");
    let refresh = (AppClient::REFRESH_RANGE, "60 minutes to 3650 days");
    for (member, lifetime, ((least, most), range)) in [
        ("AccessTokenValidity", client.access_token_lifetime(), tokens),
        ("IdTokenValidity", client.id_token_lifetime(), tokens),
        ("RefreshTokenValidity", client.refresh_token_lifetime(), refresh),
    ] {
        if lifetime < least || lifetime > most {
            let given = words(lifetime);
            return Err(invalid(format!(
                "Invalid range for token validity: {member} with its unit means {given}; allowed is {range}."
            )));
        }
    }
    Ok(())
}

fn words(lifetime: Duration) -> String {
    for (unit, name) in [(Duration::DAY, "days"), (Duration::HOUR, "hours"), (Duration::MINUTE, "minutes")] {
        let seconds = unit.whole_seconds();
        if lifetime >= unit && lifetime.whole_seconds() % seconds == 0 {
            return format!("{} {name}", lifetime.whole_seconds() / seconds);
        }
    }
    format!("{} seconds", lifetime.whole_seconds())
}
