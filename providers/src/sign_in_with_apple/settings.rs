//! What Sign in with Apple is told about itself (`ProviderDetails`).

use crate::oauth::client_auth;
use crate::oidc::OidcSettings;
use crate::oidc::settings::{AttributesMethod, IssuerRule, ResponseMode};
use crate::settings::{Details, SettingError, required};
use crate::social::{self, Known, OpenId, Setup};

const KNOWN: Known = Known {
    issuer: "https://appleid.apple.com",
    authorize: "https://appleid.apple.com/auth/authorize",
    token: "https://appleid.apple.com/auth/token",
    jwks: "https://appleid.apple.com/auth/keys",
};
/// Scopes that Apple knows.
const SCOPES: [&str; 3] = ["email", "name", "openid"];

/// Settings, checked.
pub(super) struct AppleSettings {
    pub(super) oidc: OidcSettings,
    pub(super) derived: Vec<(&'static str, String)>,
}

pub(super) fn read(setup: Setup<'_>) -> Result<AppleSettings, SettingError> {
    let mut read = setup.read()?;
    let OpenId { issuer, endpoints, mut derived } = KNOWN.read(setup, &mut read)?;
    let client_id = client_auth::client_id(&mut read)?;
    let client_auth = client_auth::signed_secret(&mut read, &issuer)?;
    let scopes = scopes(&mut read)?;
    let pkce = social::pkce(&mut read)?;
    let common = social::common(&mut read, "Apple")?;
    Setup::fixed(&mut read, "attributes_url_add_attributes", "false")?;
    read.refuse_unknown()?;
    derived.push(("attributes_url_add_attributes", "false".to_owned()));
    let oidc = OidcSettings {
        client_id,
        client_auth,
        attributes_request_method: AttributesMethod::Get,
        issuer,
        issuer_rule: IssuerRule::Exact,
        scopes,
        endpoints: Some(endpoints),
        pkce,
        // "If you requested any scopes, the value must be form_post", and one is always asked for.
        response_mode: ResponseMode::FormPost,
        forward_login_hint: false,
        request_parameters: Vec::new(),
        dev: setup.dev,
        common,
    };
    Ok(AppleSettings { oidc, derived })
}

/// `authorize_scopes`: exactly these are sent, `openid` only where it stands there.
fn scopes(read: &mut Details<'_>) -> Result<Vec<String>, SettingError> {
    const ALLOWED: &str = "email, name and openid, those that are wanted, separated by single spaces";
    let given = required(read, "authorize_scopes", ALLOWED)?;
    let mut scopes: Vec<String> = Vec::new();
    for scope in given.split(' ') {
        if !SCOPES.contains(&scope) {
            return Err(SettingError::new("authorize_scopes", given, ALLOWED));
        }
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    Ok(scopes)
}
