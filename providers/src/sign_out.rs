//! The words of a sign-out that crosses the bridge, in either direction.

use time::OffsetDateTime;
use url::Url;

/// What one sign-out message of ours needs to know.
#[derive(Debug, Clone)]
pub struct SignOutFacts {
    /// Random handle, at most 43 characters: SAML `RelayState`, OIDC `state`.
    pub handle: String,
    /// SAML id of the message that we send: an NCName, `_` and 160 random bits in hex.
    pub message_id: String,
    /// Our SAML entity id.
    pub entity_id: String,
    /// Where the provider's messages arrive: `{domain}/saml2/logout` or `{domain}/oauth2/logoutresponse`.
    pub callback: Url,
}

/// A provider's sign-out message, as it came. Nothing in it is verified.
#[derive(Clone)]
pub enum SignOutMessage {
    /// The raw query of a GET (SAML HTTP-Redirect binding): its very bytes are what is signed.
    SamlRedirect {
        /// What stands behind the `?`.
        query: String,
    },
    /// A form (SAML HTTP-POST binding), decoded.
    SamlPost {
        /// `SAMLRequest`: base64.
        request: Option<String>,
        /// `SAMLResponse`: base64.
        response: Option<String>,
        /// `RelayState`.
        relay_state: Option<String>,
    },
    /// The `logout_token` of a form (OpenID Connect Back-Channel Logout 1.0 section 2.5).
    LogoutToken(String),
}

/// What a verified sign-out message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignOutNotice {
    /// The provider ends sessions.
    Request(SignOutRequest),
    /// The provider answers a sign-out of ours.
    Answer {
        /// The id of our message.
        in_response_to: String,
        /// What became of it there.
        outcome: SignOutOutcome,
    },
    /// The provider has ended sessions, and waits for no message in return.
    Ended(EndedThere),
}

/// What a logout token says (OpenID Connect Back-Channel Logout 1.0 section 2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedThere {
    /// `jti`. Nobody has looked yet whether it was used: the caller must, and remember it.
    pub id: String,
    /// Until when it must be remembered: from then on the token is refused as too old.
    pub remember_until: OffsetDateTime,
    /// Whose sessions ended.
    pub who: EndedWho,
}

/// Whose sessions ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndedWho {
    /// Every session of this `sub`.
    Person(String),
    /// The session of this `sid`, and of this `sub` where it was said.
    Session {
        /// `sid`.
        sid: String,
        /// `sub`.
        subject: Option<String>,
    },
}

/// A provider ends sessions of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignOutRequest {
    /// The id of the provider's message, which our answer names.
    pub message_id: String,
    /// The person, exactly as at the sign-in.
    pub subject: String,
    /// Which of the person's sessions; none: all of them.
    pub session_indexes: Vec<String>,
    /// What our answer must carry along.
    pub relay_state: Option<String>,
}

/// What became of a sign-out (SAML core 3.7.3, 3.2.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignOutOutcome {
    /// Everything that was asked for has ended.
    Complete,
    /// Here it has ended; somewhere else a session lives on.
    Partial,
    /// Nobody of this name is known.
    UnknownPrincipal,
    /// It did not work, for this reason.
    Failed(String),
}
