//! What Login with Amazon is told about itself (`ProviderDetails`).

use url::Url;

use crate::oauth::client_auth::{self, ClientAuth};
use crate::settings::{Details, SettingError, required};
use crate::social::{self, Setup};

/// "Authorization Code Grant", authorization request.
const AUTHORIZE: &str = "https://www.amazon.com/ap/oa";
/// "Authorization Code Grant", access token request.
const TOKEN: &str = "https://api.amazon.com/auth/o2/token";
/// "Obtain Customer Profile Information".
const PROFILE: &str = "https://api.amazon.com/user/profile";
/// The token endpoint's path, and that of the endpoint which says what a token is.
const TOKEN_PATH: &str = "/auth/o2/token";
const TOKEN_INFO_PATH: &str = "/auth/o2/tokeninfo";

/// The settings of Login with Amazon, checked.
#[derive(Debug)]
pub(super) struct AmazonSettings {
    /// `client_id`.
    pub(super) client_id: String,
    /// `client_secret`.
    pub(super) auth: ClientAuth,
    /// `authorize_scopes`, without repetition, separated by spaces.
    pub(super) scope: String,
    /// Whether PKCE (S256) is used.
    pub(super) pkce: bool,
    /// `authorize_url`.
    pub(super) authorize: Url,
    /// `token_url`.
    pub(super) token: Url,
    /// Beside `token_url`.
    pub(super) token_info: Url,
    /// `attributes_url`.
    pub(super) profile: Url,
    /// What describing the provider adds.
    pub(super) derived: Vec<(&'static str, String)>,
}

impl AmazonSettings {
    pub(super) fn read(setup: Setup<'_>) -> Result<Self, SettingError> {
        let mut read = setup.read()?;
        let token = setup.endpoint(&mut read, "token_url", TOKEN)?;
        let given = |key: &str| setup.details.contains_key(key);
        let endpoints = [("authorize_url", AUTHORIZE), ("token_url", TOKEN), ("attributes_url", PROFILE)];
        let derived = [("attributes_url_add_attributes", "false"), ("token_request_method", "POST")]
            .into_iter()
            .chain(endpoints.into_iter().filter(|(key, _)| !given(key)))
            .map(|(key, value)| (key, value.to_owned()))
            .collect();
        let settings = Self {
            client_id: client_auth::client_id(&mut read)?,
            auth: ClientAuth::SecretPost(client_auth::client_secret(&mut read)?),
            scope: scope(&mut read)?,
            pkce: social::pkce(&mut read)?,
            authorize: setup.endpoint(&mut read, "authorize_url", AUTHORIZE)?,
            token_info: token_info(&token),
            token,
            profile: setup.endpoint(&mut read, "attributes_url", PROFILE)?,
            derived,
        };
        Setup::fixed(&mut read, "attributes_url_add_attributes", "false")?;
        Setup::fixed(&mut read, "token_request_method", "POST")?;
        social::common(&mut read, "Login with Amazon")?;
        read.refuse_unknown()?;
        Ok(settings)
    }
}

/// The token-info endpoint of the server that gives the tokens: always the same origin.
fn token_info(token: &Url) -> Url {
    let mut url = token.clone();
    let before = token.path().strip_suffix(TOKEN_PATH).unwrap_or_default();
    let path = format!("{before}{TOKEN_INFO_PATH}");
    url.set_path(&path);
    url.set_query(None);
    url
}

/// The scopes of the customer profile ("Customer Profile"). `postal_code` alone does not tell who it is.
fn scope(read: &mut Details<'_>) -> Result<String, SettingError> {
    const ALLOWED: &str = "profile or profile:user_id, and postal_code if wanted, separated by single spaces";
    let given = required(read, "authorize_scopes", ALLOWED)?;
    let mut scopes: Vec<&str> = Vec::new();
    for scope in given.split(' ') {
        if !["profile", "profile:user_id", "postal_code"].contains(&scope) {
            return Err(SettingError::new("authorize_scopes", given, ALLOWED));
        }
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    match scopes.iter().any(|scope| scope.starts_with("profile")) {
        true => Ok(scopes.join(" ")),
        false => Err(SettingError::new("authorize_scopes", given, ALLOWED)),
    }
}
