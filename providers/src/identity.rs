//! Who somebody is, as a provider said it and as we verified it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;

/// A value that passed every check of this crate. It cannot be made outside of it.
#[derive(Debug, Clone)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// Only an adapter that has finished its checks says this.
    pub(crate) const fn vouch(value: T) -> Self {
        Self(value)
    }

    /// The value.
    pub const fn get(&self) -> &T {
        &self.0
    }

    /// The value, for good.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// Attribute or claim name → its values, in the order the provider sent them.
///
/// A name that comes twice is merged. Numbers, booleans and objects of a JSON claim are their JSON text.
pub type Attributes = BTreeMap<String, Vec<String>>;

/// What a provider said of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalIdentity {
    /// The provider's stable, unfolded key for the person: NameID, `sub`, `id`, `user_id`.
    pub subject: String,
    /// Everything else it said.
    pub attributes: Attributes,
    /// The provider's own name for itself: SAML entity id or OIDC issuer.
    pub issuer: String,
    /// What is needed to sign the person out there.
    pub session: ProviderSession,
    /// When the person authenticated there, where it said so.
    pub authenticated_at: Option<OffsetDateTime>,
    /// Attributes it says once in a lifetime: that one is missing says nothing.
    pub told_once: &'static [&'static str],
    /// The answer in its parts, for a function of the administrator that chooses among them.
    pub told: Told,
}

/// What a provider that speaks OAuth answered, part by part, as it came. Not printable: it holds tokens.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// The token endpoint's answer.
    pub token_response: Map<String, Value>,
    /// Claims of the verified ID token; none where the provider has no such token.
    pub id_token: Map<String, Value>,
    /// Claims of the userinfo endpoint that was asked besides.
    pub user_info: Map<String, Value>,
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Told")
    }
}

/// Most sessions at its provider that one sign-in can belong to: a sign-out may name any of them.
pub const MAX_PROVIDER_SESSIONS: usize = 16;

/// What a sign-out at the provider must quote. Kept with the hosted-UI session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderSession {
    /// Subject as the provider knows it (NameID text or `sub`).
    pub subject: String,
    /// SAML NameID `Format`, exactly as it came.
    pub name_id_format: Option<String>,
    /// SAML `NameQualifier`.
    pub name_qualifier: Option<String>,
    /// SAML `SPNameQualifier`.
    pub sp_name_qualifier: Option<String>,
    /// SAML `SessionIndex` of each AuthnStatement, or the OIDC `sid`: at most [`MAX_PROVIDER_SESSIONS`].
    pub session_indexes: Vec<String>,
    /// OIDC ID token, for `id_token_hint`. Stored sealed, never logged.
    pub id_token: Option<String>,
    /// When the provider says its session ends (`SessionNotOnOrAfter`), seconds since 1970.
    pub ends_at: Option<i64>,
}
