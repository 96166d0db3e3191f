//! `InitiateAuth` and `AdminInitiateAuth`: refreshing. The other flows sign in users of the pool's own, by a password
//! or a challenge: this build has none.

use std::collections::BTreeMap;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use subtle::{Choice, ConstantTimeEq as _};

use super::error::invalid;
use super::members::Members;
use super::tokens::{authentication_result, client_of, counted, unknown_client};
use super::user_pools::unknown_pool;
use super::{ApiContext, ApiError};
use crate::grants::{GrantError, TokenAnswer, refresh_token};
use crate::pool::AppClient;
use crate::registry::LivePool;
use crate::tokens::refresh;

/// Flows that only an administrator may begin.
const ADMIN_FLOWS: [&str; 2] = ["ADMIN_NO_SRP_AUTH", "ADMIN_USER_PASSWORD_AUTH"];

/// `InitiateAuth`.
pub(super) async fn initiate(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (flow, client_id) = (input.text("AuthFlow")?, input.text("ClientId")?);
    let snapshot = context.core.registry.snapshot();
    let (pool, client) = client_of(&snapshot, &client_id)?;
    if ADMIN_FLOWS.contains(&flow.as_str()) {
        return Err(invalid(format!(
            "AuthFlow {flow} is for AdminInitiateAuth: InitiateAuth does not support it."
        )));
    }
    begin(context, pool, client, &flow, input).await
}

/// `AdminInitiateAuth`.
pub(super) async fn admin_initiate(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (flow, client_id) = (input.text("AuthFlow")?, input.text("ClientId")?);
    let pool_id = input.text("UserPoolId")?;
    let snapshot = context.core.registry.snapshot();
    let pool = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    let client = pool.client(&client_id).ok_or_else(|| unknown_client(&client_id))?;
    begin(context, pool, client, &flow, input).await
}

async fn begin(
    context: &ApiContext,
    pool: &LivePool,
    client: &AppClient,
    flow: &str,
    mut input: Members,
) -> Result<Value, ApiError> {
    if !matches!(flow, "REFRESH_TOKEN_AUTH" | "REFRESH_TOKEN") {
        return Err(ApiError::Unsupported(format!(
            "AuthFlow {flow} is not part of this build: its users sign in at an identity provider, through \
             /oauth2/authorize. REFRESH_TOKEN_AUTH and REFRESH_TOKEN are."
        )));
    }
    if client.rotation().is_some() {
        return Err(invalid(format!(
            "{flow} flow not enabled for this client: its refresh tokens rotate (RefreshTokenRotation). Use \
             GetTokensFromRefreshToken."
        )));
    }
    if !client.allows_refresh_flow() {
        return Err(invalid(format!(
            "{flow} flow not enabled for this client: ExplicitAuthFlows lacks ALLOW_REFRESH_TOKEN_AUTH."
        )));
    }
    let parameters: BTreeMap<String, String> = input.take("AuthParameters")?.unwrap_or_default();
    let token = parameters.get("REFRESH_TOKEN");
    let token =
        token.ok_or_else(|| invalid("Missing required parameter REFRESH_TOKEN in AuthParameters."))?;
    let hash = parameters.get("SECRET_HASH").map(String::as_str);
    expect_hash(client, hash)?;
    let answer = renew(context, pool, client, token, hash).await?;
    Ok(json!({ "ChallengeParameters": {}, "AuthenticationResult": authentication_result(answer) }))
}

/// Whether a hash came exactly where one belongs.
fn expect_hash(client: &AppClient, hash: Option<&str>) -> Result<(), ApiError> {
    let id = &client.client_id;
    let why = match (client.is_confidential(), hash) {
        (true, None) => format!("Client {id} is configured with secret but SECRET_HASH was not received"),
        (false, Some(_)) => format!("Client {id} is not configured for secret but secret hash was received"),
        _ => return Ok(()),
    };
    Err(ApiError::NotAuthorized(why))
}

async fn renew(
    context: &ApiContext,
    pool: &LivePool,
    client: &AppClient,
    token: &str,
    hash: Option<&str>,
) -> Result<TokenAnswer, ApiError> {
    let live = match refresh::verify(&context.core, pool, client, token).await {
        Ok(live) => live,
        Err(error) => return counted(context, Err(error.into())),
    };
    if hash.is_some_and(|hash| !is_secret_hash(client, &live.user.username, hash)) {
        let why = format!("SecretHash does not match for the client: {}", client.client_id);
        return counted(context, Err(GrantError::InvalidGrant(why)));
    }
    counted(context, refresh_token::renew(&context.core, pool, client, live).await)
}

/// Whether this is Base64(HMAC-SHA256(secret, username + client id)) with one of the client's secrets, in constant
/// time.
fn is_secret_hash(client: &AppClient, username: &str, sent: &str) -> bool {
    let message = format!("{username}{}", client.client_id);
    let same = client.client_secrets.iter().map(|secret| {
        let key = Key::new(HMAC_SHA256, secret.value.expose_secret().as_bytes());
        STANDARD.encode(sign(&key, message.as_bytes())).as_bytes().ct_eq(sent.as_bytes())
    });
    same.fold(Choice::from(0), |found, same| found | same).into()
}
