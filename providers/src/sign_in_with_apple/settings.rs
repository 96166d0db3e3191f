//! What Sign in with Apple is told about itself (`ProviderDetails`).

use crate::oauth::client_auth;
use crate::oidc::OidcSettings;
use crate::oidc::settings::{AttributesMethod, ExplicitEndpoints, IssuerRule, ResponseMode};
use crate::settings::{Details, SettingError, required};
use crate::social::{self, Setup};

const ISSUER: &str = "https://appleid.apple.com";
const AUTHORIZE: &str = "https://appleid.apple.com/auth/authorize";
const TOKEN: &str = "https://appleid.apple.com/auth/token";
const JWKS: &str = "https://appleid.apple.com/auth/keys";
/// Scopes that Apple knows.
const SCOPES: [&str; 3] = ["email", "name", "openid"];

/// Settings, checked.
pub(super) struct AppleSettings {
    pub(super) oidc: OidcSettings,
    pub(super) derived: Vec<(&'static str, String)>,
}

pub(super) fn read(setup: Setup<'_>) -> Result<AppleSettings, SettingError> {
    let mut read = setup.read()?;
    let issuer = setup.issuer(&mut read, ISSUER)?;
    let client_id = client_auth::client_id(&mut read)?;
    let client_auth = client_auth::signed_secret(&mut read, &issuer)?;
    let scopes = scopes(&mut read)?;
    let pkce = social::pkce(&mut read)?;
    let common = social::common(&mut read, "Apple")?;
    let authorize = setup.endpoint(&mut read, "authorize_url", AUTHORIZE)?;
    let token = setup.endpoint(&mut read, "token_url", TOKEN)?;
    let jwks = setup.endpoint(&mut read, "jwks_uri", JWKS)?;
    Setup::fixed(&mut read, "attributes_url_add_attributes", "false")?;
    Setup::fixed(&mut read, "token_request_method", "POST")?;
    read.refuse_unknown()?;
    let derived = vec![
        ("attributes_url_add_attributes", "false".to_owned()),
        ("authorize_url", authorize.to_string()),
        ("oidc_issuer", issuer.clone()),
        ("token_request_method", "POST".to_owned()),
        ("token_url", token.to_string()),
    ];
    let oidc = OidcSettings {
        client_id,
        client_auth,
        attributes_request_method: AttributesMethod::Get,
        issuer,
        issuer_rule: IssuerRule::Exact,
        scopes,
        endpoints: Some(ExplicitEndpoints {
            authorize,
            token,
            userinfo: None,
            jwks,
            algorithms: Some(&["RS256"]),
        }),
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
