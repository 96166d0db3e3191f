//! Links: further identities that sign in as a user, made by an administrator (`AdminLinkProviderForUser`).

use thiserror::Error;
use time::OffsetDateTime;

use super::limits::LINKS;

/// `ProviderAttributeName` of the provider's own key for a person.
pub const SUBJECT: &str = "Cognito_Subject";

/// How a person is told at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkBy {
    /// By the provider's subject, unfolded: the link is an identity from the start.
    Subject(String),
    /// By the one value of an attribute: the link waits for the first sign-in that brings it.
    Attribute {
        /// The pool attribute that the provider's is mapped to.
        name: String,
        /// Compared byte by byte.
        value: String,
    },
}

/// A person at a provider: `SourceUser` of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSource {
    /// The provider.
    pub provider_name: String,
    /// Who there.
    pub by: LinkBy,
}

/// A link to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink {
    /// The pool.
    pub pool_id: String,
    /// `sub` of the user that the person shall be.
    pub sub: String,
    /// The person.
    pub source: LinkSource,
    /// `SAML`, `OIDC`, …
    pub provider_type: String,
    /// SAML: the provider's entity id.
    pub issuer: Option<String>,
    /// Now.
    pub at: OffsetDateTime,
}

/// A link that waits for its first sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingLink {
    /// `sub` of the user it leads to.
    pub sub: String,
    /// The provider.
    pub provider_name: String,
    /// `SAML` or `OIDC`.
    pub provider_type: String,
    /// SAML: the provider's entity id.
    pub issuer: Option<String>,
    /// The pool attribute.
    pub attribute: String,
    /// Its value.
    pub value: String,
    /// When it was made, milliseconds since 1970.
    pub date_created: i64,
}

/// Why a link was not made, taken or removed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinkError {
    /// No such destination.
    #[error("User does not exist.")]
    NoUser,
    /// No such provider.
    #[error("Identity provider {0} does not exist.")]
    NoProvider(String),
    /// The source is a user already. The words are those of the reference service, which clients compare.
    #[error(
        "Merging is not currently supported, provide a SourceUser that has not been signed up in order to link"
    )]
    SignedUp,
    /// Nothing to do. The words are those of the reference service, which clients compare.
    #[error("SourceUser is already linked to DestinationUser")]
    Already,
    /// A link never moves.
    #[error(
        "SourceUser is linked to another user of this user pool. A link never moves: remove that one first with \
         AdminDisableProviderForUser."
    )]
    Elsewhere,
    /// Links that wait count too.
    #[error("A user may have at most {LINKS} links, and this one has {0}.")]
    TooMany(usize),
    /// There is nothing to remove.
    #[error("No user of this user pool has such a link.")]
    NotLinked,
    /// A user keeps the identity it was made by.
    #[error(
        "This is the identity that the user was made by, not a link, so that it cannot be taken away. To forget the \
         user use AdminDeleteUser."
    )]
    Own,
    /// Links that wait and lead to different users fit one sign-in.
    #[error(
        "More than one link waits for this person, and they lead to different users: an administrator must \
         remove all but one"
    )]
    Ambiguous,
}
