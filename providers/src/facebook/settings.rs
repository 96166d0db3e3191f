//! What Facebook Login is told about itself (`ProviderDetails`).

use secrecy::SecretString;
use url::Url;

use crate::oauth::client_auth;
use crate::settings::{Details, SettingError, required};
use crate::social::{self, Setup};

/// Version of the Graph API that is spoken where `api_version` is not given: the newest when this was written
/// ("Graph API": "The latest version is"). A version is served for about two years ("Platform Versioning").
pub const DEFAULT_API_VERSION: &str = "v26.0";

/// An address of Facebook: what stands before and after the version in it.
struct Endpoint {
    key: &'static str,
    before: &'static str,
    after: &'static str,
}

/// "Manually Build a Login Flow": the login dialog.
const AUTHORIZE: Endpoint =
    Endpoint { key: "authorize_url", before: "https://www.facebook.com/", after: "/dialog/oauth" };
/// "Manually Build a Login Flow": exchanging a code for an access token.
const TOKEN: Endpoint =
    Endpoint { key: "token_url", before: "https://graph.facebook.com/", after: "/oauth/access_token" };
/// "Graph API: User".
const PROFILE: Endpoint =
    Endpoint { key: "attributes_url", before: "https://graph.facebook.com/", after: "/me?fields=" };

impl Endpoint {
    fn of(&self, version: &str) -> String {
        format!("{}{version}{}", self.before, self.after)
    }

    /// Whether `text` is this address, of any version.
    fn is(&self, text: &str) -> bool {
        let version = text.strip_prefix(self.before).and_then(|rest| rest.strip_suffix(self.after));
        version.is_some_and(is_version)
    }

    /// Reads it. Describing shows it with the version in force, and tools send it back beside a new version:
    /// Facebook's own address is worked out anew, whatever version it names.
    fn read(
        &self,
        setup: &Setup<'_>,
        read: &mut Details<'_>,
        version: &str,
        derived: &mut Vec<(&'static str, String)>,
    ) -> Result<Url, SettingError> {
        let own = self.of(version);
        match read.get(self.key) {
            Some(given) if !self.is(given) => setup.endpoint(read, self.key, &own),
            _ => {
                derived.push((self.key, own.clone()));
                Url::parse(&own).map_err(|_| SettingError::new("api_version", version, VERSION))
            }
        }
    }
}

/// The settings of Facebook Login, checked.
#[derive(Debug)]
pub(super) struct FacebookSettings {
    /// App id.
    pub(super) client_id: String,
    /// App secret.
    pub(super) client_secret: SecretString,
    /// `authorize_scopes`: permissions, without repetition.
    pub(super) scopes: Vec<String>,
    /// Whether PKCE (S256) is used.
    pub(super) pkce: bool,
    /// Fields of the person that are asked for, `id` first.
    pub(super) fields: Vec<String>,
    /// `authorize_url`.
    pub(super) authorize: Url,
    /// `token_url`.
    pub(super) token: Url,
    /// `attributes_url`.
    pub(super) profile: Url,
    /// What describing the provider adds.
    pub(super) derived: Vec<(&'static str, String)>,
}

impl FacebookSettings {
    pub(super) fn read(setup: Setup<'_>) -> Result<Self, SettingError> {
        let mut read = setup.read()?;
        let mut derived = vec![
            ("attributes_url_add_attributes", "true".to_owned()),
            ("token_request_method", "GET".to_owned()),
        ];
        let version = version(&mut read, &mut derived)?;
        let settings = Self {
            client_id: client_auth::client_id(&mut read)?,
            client_secret: client_auth::client_secret(&mut read)?,
            scopes: scopes(&mut read)?,
            pkce: social::pkce(&mut read)?,
            fields: fields(&setup)?,
            authorize: AUTHORIZE.read(&setup, &mut read, &version, &mut derived)?,
            token: TOKEN.read(&setup, &mut read, &version, &mut derived)?,
            profile: PROFILE.read(&setup, &mut read, &version, &mut derived)?,
            derived,
        };
        Setup::fixed(&mut read, "attributes_url_add_attributes", "true")?;
        Setup::fixed(&mut read, "token_request_method", "GET")?;
        social::common(&mut read, "Facebook")?;
        read.refuse_unknown()?;
        Ok(settings)
    }
}

const VERSION: &str = "a version of the Graph API, such as v26.0";

fn version(
    read: &mut Details<'_>,
    derived: &mut Vec<(&'static str, String)>,
) -> Result<String, SettingError> {
    match read.get("api_version") {
        Some(given) if is_version(given) => Ok(given.to_owned()),
        Some(given) => Err(SettingError::new("api_version", given, VERSION)),
        None => {
            derived.push(("api_version", DEFAULT_API_VERSION.to_owned()));
            Ok(DEFAULT_API_VERSION.to_owned())
        }
    }
}

/// `v`, a number, a dot, a number.
fn is_version(text: &str) -> bool {
    let number = |digits: &str| {
        (1..=3).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && (digits == "0" || !digits.starts_with('0'))
    };
    let parts = text.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    parts.is_some_and(|(major, minor)| number(major) && number(minor) && major != "0")
}

/// Permissions, separated by commas with spaces around them or without ("Permissions Reference").
fn scopes(read: &mut Details<'_>) -> Result<Vec<String>, SettingError> {
    const ALLOWED: &str = "permissions of Facebook separated by commas, such as \"public_profile, email\"";
    let given = required(read, "authorize_scopes", ALLOWED)?;
    let mut scopes: Vec<String> = Vec::new();
    for scope in given.split(',').map(str::trim) {
        if !is_field(scope) {
            return Err(SettingError::new("authorize_scopes", given, ALLOWED));
        }
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    Ok(scopes)
}

/// The mapped fields, and `id`, without which nobody is known.
fn fields(setup: &Setup<'_>) -> Result<Vec<String>, SettingError> {
    let id = std::iter::once("id");
    let mapped = setup.mapped.iter().map(String::as_str).filter(|field| *field != "id");
    id.chain(mapped)
        .map(|field| match is_field(field) {
            true => Ok(field.to_owned()),
            // The field list is part of a query: nothing else may get into it.
            false => Err(SettingError::new("attributes_url", format!("the mapped field \"{field}\""), FIELD)),
        })
        .collect()
}

/// What a field may be called.
pub const FIELD: &str = "a field of the Graph API's User: letters, digits and underscores";

/// Whether a field of the Graph API may be called so (permissions are written the same way).
pub fn is_field(name: &str) -> bool {
    (1..=100).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
