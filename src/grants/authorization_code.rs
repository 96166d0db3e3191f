//! Authorization codes: five minutes, one use, bound to client, redirect_uri and challenge
//! (RFC 6749 section 4.1, RFC 7636, RFC 9700 section 2.1.1).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use time::{Duration, OffsetDateTime};

use super::{GrantError, TokenAnswer};
use crate::context::{Context, digest_name};
use crate::pool::{AppClient, User};
use crate::registry::LivePool;
use crate::sessions::{Key, Kind};
use crate::sign_out::provenance::{Provenance, unmarked_have_ended};
use crate::tokens::{self, Granted, Holder, Occasion, refresh};

/// How long a code lives.
pub const LIFETIME: Duration = Duration::minutes(5);
/// Longest code or verifier that is looked at.
const MAX_CODE: usize = 512;

/// What a code stands for.
#[derive(Clone, Serialize, Deserialize)]
struct Record {
    pool: String,
    client: String,
    redirect_uri: String,
    challenge: Option<String>,
    sub: String,
    scopes: Vec<String>,
    auth_time: i64,
    origin_jti: String,
    event_id: String,
    nonce: Option<String>,
    resource: Option<String>,
    #[serde(default)]
    provenance: Option<Provenance>,
    /// Set when it was redeemed; a second attempt ends what the first one got.
    used: bool,
}

/// What the app asked for, to which a code is bound.
pub struct Binding<'a> {
    /// Where the code is sent.
    pub redirect_uri: &'a str,
    /// PKCE S256 challenge.
    pub challenge: Option<&'a str>,
}

/// Issues a code.
///
/// # Errors
/// [`GrantError::Unavailable`].
pub async fn issue(
    context: &Context,
    pool: &LivePool,
    client: &AppClient,
    user: &User,
    granted: &Granted,
    binding: Binding<'_>,
) -> Result<String, GrantError> {
    let code = context.handle();
    let record = Record {
        pool: pool.id().to_owned(),
        client: client.client_id.clone(),
        redirect_uri: binding.redirect_uri.to_owned(),
        challenge: binding.challenge.map(str::to_owned),
        sub: user.sub.clone(),
        scopes: granted.scopes.clone(),
        auth_time: granted.auth_time,
        origin_jti: granted.origin_jti.clone(),
        event_id: granted.event_id.clone(),
        nonce: granted.nonce.clone(),
        resource: granted.resource.clone(),
        provenance: granted.provenance.clone(),
        used: false,
    };
    context.sessions.put(&key(&code), encode(&record)?, context.now() + LIFETIME).await?;
    Ok(code)
}

fn key(code: &str) -> Key {
    Key::new(Kind::Code, digest_name(code))
}

fn encode(record: &Record) -> Result<Vec<u8>, GrantError> {
    serde_json::to_vec(record).map_err(|error| GrantError::Unavailable(error.to_string()))
}

fn invalid(why: &str) -> GrantError {
    GrantError::InvalidGrant(why.to_owned())
}

/// What the app sends to redeem a code.
#[derive(Clone, Copy)]
pub struct Redemption<'a> {
    /// The code.
    pub code: &'a str,
    /// Must be the one of the authorize request.
    pub redirect_uri: &'a str,
    /// PKCE verifier: needed exactly when there was a challenge.
    pub verifier: Option<&'a str>,
}

/// Redeems a code for tokens.
///
/// A code presented by another client is left alone; presented wrongly by its own client it is spent.
///
/// # Errors
/// [`GrantError::InvalidGrant`] when the code is unknown, expired, used (what it issued is revoked then), or
/// bound to something else; [`GrantError::Unavailable`].
pub async fn redeem(
    context: &Context,
    pool: &LivePool,
    client: &AppClient,
    redemption: Redemption<'_>,
) -> Result<TokenAnswer, GrantError> {
    let record = spend(context, pool, client, redemption.code).await?;
    if record.redirect_uri != redemption.redirect_uri {
        return Err(invalid("redirect_uri is not the one of the authorize request"));
    }
    check_verifier(record.challenge.as_deref(), redemption.verifier)?;
    let state = context.directory.token_state(pool.id(), &record.sub, &record.origin_jti).await?;
    let user = state.user.ok_or_else(|| invalid("User does not exist"))?;
    if !user.enabled {
        return Err(invalid("User is disabled"));
    }
    let (began, ended_there) = match &record.provenance {
        Some(provenance) => (provenance.began_at(), provenance.tokens_have_ended(&state.endings)),
        None => {
            let began = record.auth_time.saturating_mul(1000);
            (began, unmarked_have_ended(&state.endings, began))
        }
    };
    if ended_there || state.revoked || user.has_signed_out_since(began) {
        return Err(invalid("The sign-in has been revoked"));
    }
    let granted = granted(record);
    answer(context, Holder { pool, client, user: &user }, &granted).await
}

/// Marks the code as used: of several callers exactly one gets past this.
async fn spend(
    context: &Context,
    pool: &LivePool,
    client: &AppClient,
    code: &str,
) -> Result<Record, GrantError> {
    let unknown = || invalid("The code is unknown, used or expired");
    if code.is_empty() || code.len() > MAX_CODE {
        return Err(unknown());
    }
    let key = key(code);
    let seen = context.sessions.get(&key).await?.ok_or_else(unknown)?;
    let record: Record = serde_json::from_slice(&seen).map_err(|_| unknown())?;
    if record.pool != pool.id() || record.client != client.client_id {
        return Err(unknown());
    }
    let spent = encode(&Record { used: true, ..record.clone() })?;
    let before = context.sessions.exchange(&key, spent).await?.ok_or_else(unknown)?;
    let before: Record = serde_json::from_slice(&before).map_err(|_| unknown())?;
    if before.used {
        let until = family_end(context.now(), client);
        context.directory.revoke_family(pool.id(), &before.origin_jti, until).await?;
        tracing::warn!(client_id = %client.client_id, "a code was presented twice: what it issued is revoked");
        return Err(unknown());
    }
    Ok(before)
}

/// When the last token of a family that begins now can have ended.
pub(super) fn family_end(now: OffsetDateTime, client: &AppClient) -> OffsetDateTime {
    now + client.refresh_token_lifetime() + AppClient::TOKEN_RANGE.1
}

fn check_verifier(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), GrantError> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => {
            Err(invalid("code_verifier was sent, but the authorize request had no code_challenge"))
        }
        (Some(_), None) => Err(invalid("code_verifier is missing")),
        (Some(challenge), Some(verifier)) => {
            let well_formed = (43..=128).contains(&verifier.len())
                && verifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
            let computed = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
            let same = bool::from(computed.as_bytes().ct_eq(challenge.as_bytes()));
            if well_formed && same {
                Ok(())
            } else {
                Err(invalid("code_verifier does not fit the code_challenge"))
            }
        }
    }
}

fn granted(record: Record) -> Granted {
    Granted {
        scopes: record.scopes,
        auth_time: record.auth_time,
        origin_jti: record.origin_jti,
        event_id: record.event_id,
        nonce: record.nonce,
        resource: record.resource,
        provenance: record.provenance,
    }
}

async fn answer(context: &Context, holder: Holder<'_>, granted: &Granted) -> Result<TokenAnswer, GrantError> {
    let pair = tokens::mint(context, holder, granted, Occasion::HostedAuth).await?;
    let refresh_token = refresh::issue(context, holder.pool, holder.client, holder.user, granted)?;
    Ok(TokenAnswer {
        id_token: pair.id_token,
        access_token: pair.access_token,
        refresh_token: Some(refresh_token),
        expires_in: pair.expires_in,
        token_type: "Bearer",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_verifier_must_fit_the_challenge() {
        assert!(check_verifier(Some(CHALLENGE), Some(VERIFIER)).is_ok());
        assert!(check_verifier(Some(CHALLENGE), Some(&VERIFIER.replace('d', "e"))).is_err());
        assert!(check_verifier(Some(CHALLENGE), Some(CHALLENGE)).is_err(), "the method plain does not exist");
    }

    #[test]
    fn a_challenge_without_verifier_and_a_verifier_without_challenge_are_refused() {
        assert!(check_verifier(Some(CHALLENGE), None).is_err());
        assert!(check_verifier(None, Some(VERIFIER)).is_err());
        assert!(check_verifier(None, None).is_ok());
    }
}
