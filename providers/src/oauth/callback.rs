//! The provider's answer through the browser (RFC 6749 sections 4.1.2 and 4.1.2.1, OpenID Connect Core 3.1.2.5 and 3.1.2.6, RFC 9207).

use std::collections::BTreeMap;

use secrecy::SecretString;
use subtle::ConstantTimeEq as _;

use super::{call, json};
use crate::{AttemptFacts, ProviderError};

/// Longest authorization code, in bytes.
const LONGEST_CODE: usize = 8 * 1024;
/// Most of a provider's own description that is passed on, in characters.
const LONGEST_DESCRIPTION: usize = 300;

/// Whose answer it must be (RFC 9207).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Issuer<'a> {
    /// What `iss` must be where it is given; none: nothing is known of it, and it may not be given.
    pub(crate) name: Option<&'a str>,
    /// Whether it is always given.
    pub(crate) always: bool,
}

/// The authorization code of an answer that belongs to this attempt and provider.
pub(crate) fn code(
    pairs: Vec<(String, String)>,
    facts: &AttemptFacts,
    issuer: Issuer<'_>,
) -> Result<SecretString, ProviderError> {
    let mut answer: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in pairs {
        if answer.contains_key(&name) {
            return Err(fault(
                "oidc_duplicate_parameter",
                format!("the provider's answer holds the parameter \"{}\" twice", json::shown(&name, 60)),
            ));
        }
        answer.insert(name, value);
    }
    let state = answer.get("state").map(String::as_str).unwrap_or_default();
    if state.is_empty() || !bool::from(state.as_bytes().ct_eq(facts.handle.as_bytes())) {
        return Err(fault("oidc_state", "the provider's answer does not carry the state of this sign-in"));
    }
    check_issuer(answer.get("iss").map(String::as_str), issuer)?;
    match (answer.remove("code"), answer.get("error")) {
        (Some(_), Some(_)) => Err(fault("oidc_code", "the provider's answer holds both a code and an error")),
        (None, Some(error)) => Err(refusal(error, answer.get("error_description"))),
        (Some(code), None) if !code.is_empty() && code.len() <= LONGEST_CODE => Ok(code.into()),
        (Some(_), None) => Err(fault("oidc_code", "the provider's code is empty or longer than 8,192 bytes")),
        (None, None) => Err(fault("oidc_code", "the provider's answer holds neither a code nor an error")),
    }
}

/// The answer must come from the provider the attempt was started with (mix-up, RFC 9207 section 2.4).
fn check_issuer(iss: Option<&str>, expected: Issuer<'_>) -> Result<(), ProviderError> {
    let name = expected.name.unwrap_or("no issuer");
    match iss {
        Some(iss) if expected.name == Some(iss) => Ok(()),
        None if !expected.always => Ok(()),
        Some(iss) => Err(fault(
            "oidc_iss_parameter",
            format!("the answer is from issuer \"{}\", expected \"{name}\"", json::shown(iss, 300)),
        )),
        None => Err(fault(
            "oidc_iss_parameter",
            format!("the answer does not name its issuer (iss), which \"{name}\" always does"),
        )),
    }
}

fn refusal(error: &str, description: Option<&String>) -> ProviderError {
    let code = call::error_code(error).unwrap_or_else(|| "invalid_error_code".to_owned());
    let description = description.map(|text| json::shown(text, LONGEST_DESCRIPTION)).unwrap_or_default();
    let said =
        |fallback: &str| if description.is_empty() { fallback.to_owned() } else { description.clone() };
    match code.as_str() {
        "access_denied" => ProviderError::Denied(said("the provider or the person refused the sign-in")),
        "login_required" | "interaction_required" | "consent_required" | "account_selection_required" => {
            ProviderError::LoginRequired(said("the provider needs the person to sign in there"))
        }
        _ => {
            let description = said(&format!("the provider answered {code}"));
            ProviderError::Refused { code, description }
        }
    }
}

fn fault(check: &'static str, detail: impl Into<String>) -> ProviderError {
    ProviderError::not_believed(check, detail)
}
