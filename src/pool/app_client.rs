//! An app client: which app may ask for what, and where the browser may return to.

use serde::{Deserialize, Serialize};
use time::Duration;

use super::{ClientSecret, Rest, Timestamp};

/// An app client, in the shape `DescribeUserPoolClient` gives it, without its secrets.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AppClient {
    /// 26 lower-case letters and digits.
    pub client_id: String,
    /// Name, 1 to 128 characters.
    pub client_name: String,
    /// The pool it belongs to.
    pub user_pool_id: String,
    /// Its live secrets, oldest first: none, one, or two while one replaces the other. Sealed at rest, kept out of
    /// the document.
    #[serde(skip)]
    pub client_secrets: Vec<ClientSecret>,
    /// When it was made.
    pub creation_date: Timestamp,
    /// When it was last changed.
    pub last_modified_date: Timestamp,
    /// Where the browser may return to, compared character for character.
    #[serde(rename = "CallbackURLs", default)]
    pub callback_urls: Vec<String>,
    /// Where the browser may go after sign-out.
    #[serde(rename = "LogoutURLs", default)]
    pub logout_urls: Vec<String>,
    /// One of the callback URLs.
    #[serde(rename = "DefaultRedirectURI", default, skip_serializing_if = "Option::is_none")]
    pub default_redirect_uri: Option<String>,
    /// Grants the client may use.
    #[serde(rename = "AllowedOAuthFlows", default)]
    pub allowed_oauth_flows: Vec<OAuthFlow>,
    /// Without it, the client may use no OAuth endpoint at all.
    #[serde(rename = "AllowedOAuthFlowsUserPoolClient", default)]
    pub allowed_oauth_flows_user_pool_client: bool,
    /// Scopes the client may ask for.
    #[serde(rename = "AllowedOAuthScopes", default)]
    pub allowed_oauth_scopes: Vec<String>,
    /// Names of providers it offers; `COGNITO` is the pool's own sign-in.
    #[serde(default)]
    pub supported_identity_providers: Vec<String>,
    /// Attributes it may read. Absent: every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_attributes: Option<Vec<String>>,
    /// Attributes it may write. Absent: every mutable one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_attributes: Option<Vec<String>>,
    /// In the unit of `token_validity_units`, hours by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_validity: Option<u32>,
    /// In the unit of `token_validity_units`, hours by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_validity: Option<u32>,
    /// In the unit of `token_validity_units`, days by default. 0 and absent: 30 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_validity: Option<u32>,
    /// Units of the three above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_validity_units: Option<TokenValidityUnits>,
    /// Whether `/oauth2/revoke` works for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_token_revocation: Option<bool>,
    /// Whether a refresh gives a new refresh token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_rotation: Option<RefreshTokenRotation>,
    /// Members kept as they came.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `RefreshTokenRotationType` of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RefreshTokenRotation {
    /// Whether it is on.
    pub feature: Feature,
    /// How long a token that was replaced may be used again, 0 to 60 seconds. Absent: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_grace_period_seconds: Option<u32>,
}

/// `FeatureType` of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Feature {
    /// On.
    Enabled,
    /// Off.
    Disabled,
}

/// The flow of the API that refreshes, as `ExplicitAuthFlows` names it.
pub const ALLOW_REFRESH: &str = "ALLOW_REFRESH_TOKEN_AUTH";

/// `OAuthFlowType` of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OAuthFlow {
    /// Authorization code.
    Code,
    /// Tokens in the fragment.
    Implicit,
    /// The app itself, without a user.
    ClientCredentials,
}

/// `TimeUnitsType` of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
    /// Days.
    Days,
}

/// `TokenValidityUnitsType` of the model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TokenValidityUnits {
    /// Unit of `AccessTokenValidity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<TimeUnit>,
    /// Unit of `IdTokenValidity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token: Option<TimeUnit>,
    /// Unit of `RefreshTokenValidity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<TimeUnit>,
}

impl TimeUnit {
    /// `count` of this unit.
    pub fn times(self, count: u32) -> Duration {
        let count = i64::from(count);
        match self {
            Self::Seconds => Duration::seconds(count),
            Self::Minutes => Duration::minutes(count),
            Self::Hours => Duration::hours(count),
            Self::Days => Duration::days(count),
        }
    }
}

impl AppClient {
    /// Shortest and longest life of ID and access tokens.
    pub const TOKEN_RANGE: (Duration, Duration) = (Duration::minutes(5), Duration::hours(24));
    /// Shortest and longest life of refresh tokens.
    pub const REFRESH_RANGE: (Duration, Duration) = (Duration::minutes(60), Duration::days(3_650));

    fn units(&self) -> TokenValidityUnits {
        self.token_validity_units.unwrap_or_default()
    }

    /// How long an access token lives.
    pub fn access_token_lifetime(&self) -> Duration {
        let unit = self.units().access_token.unwrap_or(TimeUnit::Hours);
        self.access_token_validity.map_or(Duration::hours(1), |count| unit.times(count))
    }

    /// How long an ID token lives.
    pub fn id_token_lifetime(&self) -> Duration {
        let unit = self.units().id_token.unwrap_or(TimeUnit::Hours);
        self.id_token_validity.map_or(Duration::hours(1), |count| unit.times(count))
    }

    /// How long a refresh token lives.
    pub fn refresh_token_lifetime(&self) -> Duration {
        let unit = self.units().refresh_token.unwrap_or(TimeUnit::Days);
        match self.refresh_token_validity {
            None | Some(0) => Duration::days(30),
            Some(count) => unit.times(count),
        }
    }

    /// Whether the client may use this grant at the OAuth endpoints.
    pub fn may_use(&self, flow: OAuthFlow) -> bool {
        self.allowed_oauth_flows_user_pool_client && self.allowed_oauth_flows.contains(&flow)
    }

    /// Whether the client may read this attribute.
    pub fn may_read(&self, attribute: &str) -> bool {
        self.read_attributes.as_ref().is_none_or(|names| names.iter().any(|name| name == attribute))
    }

    /// Whether the client may write this attribute.
    pub fn may_write(&self, attribute: &str) -> bool {
        self.write_attributes.as_ref().is_none_or(|names| names.iter().any(|name| name == attribute))
    }

    /// Where refresh tokens rotate: how long one that was replaced may be used again.
    pub fn rotation(&self) -> Option<Duration> {
        let rotation = self.refresh_token_rotation.filter(|rotation| rotation.feature == Feature::Enabled)?;
        Some(Duration::seconds(rotation.retry_grace_period_seconds.unwrap_or(0).into()))
    }

    /// Whether `InitiateAuth` may refresh: by `ExplicitAuthFlows`, in which an empty list, and one of names from
    /// before there was `ALLOW_`, allow it.
    pub fn allows_refresh_flow(&self) -> bool {
        let flows = self.rest.get("ExplicitAuthFlows").and_then(serde_json::Value::as_array);
        let flows: Vec<&str> = flows.into_iter().flatten().filter_map(serde_json::Value::as_str).collect();
        flows.contains(&ALLOW_REFRESH) || !flows.iter().any(|flow| flow.starts_with("ALLOW_"))
    }

    /// Whether revocation is on: it is unless switched off.
    pub fn revocation_enabled(&self) -> bool {
        self.enable_token_revocation.unwrap_or(true)
    }
}
