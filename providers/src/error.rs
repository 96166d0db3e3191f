//! Why a provider's answer was not believed.

use thiserror::Error;

/// Which call to the provider failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upstream {
    /// `/.well-known/openid-configuration`.
    Discovery,
    /// Token endpoint.
    Token,
    /// JWKS.
    Jwks,
    /// Userinfo or profile.
    UserInfo,
    /// Amazon's token-info endpoint.
    TokenInfo,
    /// SAML metadata.
    Metadata,
}

impl Upstream {
    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Discovery => "discovery document",
            Self::Token => "token endpoint",
            Self::Jwks => "key set (jwks_uri)",
            Self::UserInfo => "userinfo endpoint",
            Self::TokenInfo => "token-info endpoint",
            Self::Metadata => "SAML metadata",
        }
    }
}

/// A sign-in that a provider adapter ended. Texts never hold a secret, an assertion or a token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProviderError {
    /// The provider or the user said no (`access_denied`, SAML AuthnFailed, RequestDenied).
    #[error("{0}")]
    Denied(String),
    /// Passive sign-in was asked and nobody is signed in there (`login_required`, NoPassive).
    #[error("{0}")]
    LoginRequired(String),
    /// The provider answered with a failure of its own.
    #[error("{description}")]
    Refused {
        /// The code it gave: an OAuth `error`, or the last parts of its SAML status codes. Nothing else.
        code: String,
        /// In words.
        description: String,
    },
    /// The answer is not one to believe: `check` is a stable name, `detail` a sentence for a person.
    #[error("{detail}")]
    NotBelieved {
        /// Stable name of the check that failed, such as `saml_audience` or `oidc_nonce`.
        check: &'static str,
        /// What was expected and what came, without any assertion or token.
        detail: String,
    },
    /// The answer belongs to no request of ours (unsolicited, or unattributable): an error page.
    #[error("{0}")]
    Unsolicited(String),
    /// A call to the provider took too long.
    #[error("timed out calling the provider's {}", .0.as_str())]
    TimedOut(Upstream),
    /// A call to the provider broke off half-way.
    #[error("the connection to the provider's {} broke off", .0.as_str())]
    BrokeOff(Upstream),
    /// A call to the provider could not be made.
    #[error("could not reach the provider's {}: {reason}", .at.as_str())]
    Unreachable {
        /// Which call.
        at: Upstream,
        /// In words.
        reason: String,
    },
    /// The provider answered a call with a status other than success, or with nonsense.
    #[error("the provider's {} answered {status}: {reason}", .at.as_str())]
    BadReply {
        /// Which call.
        at: Upstream,
        /// HTTP status.
        status: u16,
        /// In words, from our side; an OAuth `error` code of the provider may stand in it.
        reason: String,
    },
    /// The provider's settings do not allow this sign-in.
    #[error("{0}")]
    Settings(String),
    /// A store that must be asked is away.
    #[error("a store needed to check this sign-in is away")]
    StoreAway,
}

impl ProviderError {
    /// A check that failed.
    pub fn not_believed(check: &'static str, detail: impl Into<String>) -> Self {
        Self::NotBelieved { check, detail: detail.into() }
    }

    /// Stable code for logs, pages and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Denied(_) => "provider_denied",
            Self::LoginRequired(_) => "provider_login_required",
            Self::Refused { .. } => "provider_refused",
            Self::NotBelieved { check, .. } => check,
            Self::Unsolicited(_) => "unsolicited_response",
            Self::TimedOut(_) => "provider_timeout",
            Self::BrokeOff(_) | Self::Unreachable { .. } => "provider_unreachable",
            Self::BadReply { .. } => "provider_bad_reply",
            Self::Settings(_) => "provider_settings",
            Self::StoreAway => "store_away",
        }
    }
}

/// `text` cut to `longest` characters, control characters removed: fit to be shown and logged.
pub fn shown(text: &str, longest: usize) -> String {
    text.chars().filter(|c| !c.is_control() && !is_bidi(*c)).take(longest).collect()
}

/// Characters that turn the direction of the text around them.
const fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn what_a_provider_says_is_cut_and_cannot_turn_or_break_a_line() {
        assert_eq!(shown("a\nb\u{202e}c\u{0}d", 3), "abc");
    }
}
