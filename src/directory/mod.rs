//! The durable store: pools, clients, providers, domains, keys, users, revocations.
//!
//! One trait, and one conformance suite ([`conformance`]) that every implementation passes. A call that
//! returned `Ok` has reached the disk.

#[cfg(test)]
pub mod conformance;
mod decisions;
pub mod postgres;
pub mod sqlite;
mod storable;
pub(crate) mod stored;

use async_trait::async_trait;
use thiserror::Error;
use time::OffsetDateTime;

use crate::pool::{
    ChangeError, FederatedProfile, GroupError, LinkError, LinkSource, NewLink, ProfileError, User,
    UserChange, WaitingLink,
};

/// Stands in the place of a pool's id in records of the whole installation. No pool has this id.
pub const INSTALLATION: &str = "";

/// What a configuration record describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `pool::UserPool`; id = pool id.
    UserPool,
    /// `pool::AppClient`; id = client id.
    AppClient,
    /// `pool::IdentityProvider`; id = provider name.
    IdentityProvider,
    /// `pool::Domain`; id = domain.
    Domain,
    /// A signing key of the pool; id = key id. The private half is in `sealed`.
    Key,
    /// `pool::ResourceServer`; id = identifier.
    ResourceServer,
    /// `pool::Group`; id = name.
    Group,
    /// `pool::UiCustomization`; id = client id, or `ALL`.
    UiCustomization,
    /// `pool::Certificate`, of [`INSTALLATION`]; id = ARN. The private key is in `sealed`.
    Certificate,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::UserPool,
        Self::AppClient,
        Self::IdentityProvider,
        Self::Domain,
        Self::Key,
        Self::ResourceServer,
        Self::Group,
        Self::UiCustomization,
        Self::Certificate,
    ];

    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserPool => "user_pool",
            Self::AppClient => "app_client",
            Self::IdentityProvider => "identity_provider",
            Self::Domain => "domain",
            Self::Key => "key",
            Self::ResourceServer => "resource_server",
            Self::Group => "group",
            Self::UiCustomization => "ui_customization",
            Self::Certificate => "certificate",
        }
    }

    /// From its stored form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One configured thing, as stored: a JSON document, and its secrets sealed under the master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it is.
    pub kind: Kind,
    /// The pool it belongs to.
    pub pool_id: String,
    /// Its id, unique within (kind, pool).
    pub id: String,
    /// JSON.
    pub document: String,
    /// Ciphertext, see `keys::seal`.
    pub sealed: Option<Vec<u8>>,
    /// Names that no other record may hold (see [`UniqueName`]).
    pub names: Vec<UniqueName>,
    /// The generation of the write that made it so: no two contents of one name ever have the same, also when it
    /// was deleted and made anew in between. Not looked at when it is created.
    pub version: i64,
}

/// Which pools were written since a generation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// The generation of the newest write: 0 when nothing was ever written.
    pub generation: i64,
    /// The pools, deleted ones among them.
    pub pools: Vec<String>,
}

/// A name held by one record at most.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UniqueName {
    /// Where it must be unique: `domain`, `client`, or `identifier:{pool id}`.
    pub scope: String,
    /// The name, already folded where case does not count.
    pub name: String,
}

/// One change of the configuration.
#[derive(Debug, Clone)]
pub enum Change {
    /// Make it; [`DirectoryError::Exists`] when it or one of its names is there already.
    Create(Record),
    /// Put it in the place of the one with `record.version`; otherwise [`DirectoryError::Stale`].
    Replace(Record),
    /// Remove it; [`DirectoryError::Missing`] when it is not there. With an identity provider go its links, its group,
    /// and the memberships that came by its mapping; users keep the identity that they were made by. A group that
    /// somebody is in stays: [`GroupError::HasMembers`].
    Delete(Kind, String, String),
    /// Remove the pool of this id and everything in it: records, users, revocations.
    DeletePool(String),
    /// Writes nothing: the rest of the changes happen only if nobody has written to this pool after this generation
    /// (0: nobody ever has), whatever was written to others; otherwise [`DirectoryError::Overtaken`]. For rules that
    /// look at more than the record that is changed. It stands before what it is about.
    Unchanged(String, i64),
}

impl Change {
    /// The pool that it touches.
    pub fn pool_id(&self) -> &str {
        match self {
            Self::Create(record) | Self::Replace(record) => &record.pool_id,
            Self::Delete(_, pool_id, _) | Self::DeletePool(pool_id) | Self::Unchanged(pool_id, _) => pool_id,
        }
    }
}

/// What a token of a user is checked against: one indexed read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenState {
    /// The user, when it still exists.
    pub user: Option<User>,
    /// Whether the token's family (`origin_jti`) was revoked.
    pub revoked: bool,
    /// Which of the user's sign-ins have ended at their provider.
    pub endings: Vec<Ending>,
    /// How far the family's refresh token has been rotated; none: never.
    pub rotated: Option<Rotated>,
}

/// How far the refresh token of a family has been rotated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The generation of the token that is good now: 1 after the first rotation.
    pub generation: i64,
    /// When the ones before it were replaced, the last first, in milliseconds since 1970: at most
    /// [`MOST_REPLACED`] of them.
    pub replaced: Vec<i64>,
}

/// Of so many tokens of a family that were replaced it is known when.
pub const MOST_REPLACED: usize = 8;

/// A refresh token that takes the place of the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The pool.
    pub pool_id: String,
    /// The family.
    pub origin_jti: String,
    /// The generation of the new token.
    pub generation: i64,
    /// Names the new token.
    pub jti: String,
    /// When.
    pub at: OffsetDateTime,
    /// May be forgotten afterwards.
    pub until: OffsetDateTime,
}

/// Sign-ins of one user that hold no longer, because their provider ended them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Which: see `sign_out::provenance`.
    pub mark: String,
    /// Those up to this moment, in milliseconds since 1970.
    pub at: i64,
    /// Whether refresh tokens and the use of access tokens ended too.
    pub tokens: bool,
}

/// What a provider ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The mark of everything the person has there.
    pub person: String,
    /// The marks of the sessions that ended; none: everything.
    pub sessions: Vec<String>,
    /// When.
    pub at: OffsetDateTime,
    /// Whether refresh tokens and the use of access tokens ended too.
    pub tokens: bool,
    /// May be forgotten afterwards.
    pub until: OffsetDateTime,
}

/// A link to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlink {
    /// The pool.
    pub pool_id: String,
    /// What is linked.
    pub source: LinkSource,
    /// What ends with an identity, in the same commit. Its moment is no earlier than that commit's.
    pub ended: Ended,
}

/// Somebody who signed in within one session at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOwner {
    /// The person's key at the provider.
    pub subject: String,
    /// `sub` of the user.
    pub sub: String,
}

/// Most owners of one session that are found: there is one, unless the provider's names are not its own.
pub const MOST_SESSION_OWNERS: usize = 100;

/// A user found as a member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Where the list goes on behind it.
    pub place: i64,
    /// The user.
    pub user: User,
}

/// Which users, in which order: by the attribute of the filter, then by username; after `after`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserQuery {
    /// One condition at most.
    pub filter: Option<UserFilter>,
    /// The last user already seen.
    pub after: Option<LastUser>,
    /// Most users to return.
    pub limit: u32,
}

/// A user's place in a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastUser {
    /// What the list is ordered by first ([`UserFilter::value_of`]); empty without a filter.
    pub value: String,
    /// Username.
    pub username: String,
}

/// A condition of `ListUsers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFilter {
    /// `username`, `sub`, `status`, `cognito:user_status`, or an attribute name.
    pub attribute: String,
    /// `true`: the value begins so (`^=`); `false`: it is this (`=`).
    pub prefix: bool,
    /// What is compared.
    pub value: String,
}

impl UserFilter {
    /// What the filter compares of a user, and orders by; empty where the user has no such attribute.
    pub fn value_of<'a>(&self, user: &'a User) -> &'a str {
        match &*self.attribute {
            "username" => &user.username,
            "sub" => &user.sub,
            "status" if user.enabled => "Enabled",
            "status" => "Disabled",
            "cognito:user_status" => user.status.as_str(),
            attribute => user.attributes.get(attribute).map_or("", String::as_str),
        }
    }
}

/// Why the directory did not do it.
#[derive(Debug, Error)]
pub enum DirectoryError {
    /// It or one of its names is there already.
    #[error("{0} already exists")]
    Exists(String),
    /// It is not there.
    #[error("{0} does not exist")]
    Missing(String),
    /// Somebody else changed it in between.
    #[error("{0} was changed by somebody else at the same time")]
    Stale(String),
    /// Somebody else wrote to this pool in between: what was decided may not hold any more.
    #[error("the configuration of {0} was changed by somebody else at the same time")]
    Overtaken(String),
    /// The profile's own rules refuse it.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The user cannot be changed so.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// A rule of groups refuses it.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// Somebody who is not known would become a user, and [`FederatedProfile::may_sign_up`] says that this may not be
    /// yet. Nothing was written.
    #[error("{0} is not known yet")]
    NotKnown(String),
    /// A rule of links refuses it.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The username belongs to another identity.
    #[error("Already found an entry for username {0}")]
    UsernameTaken(String),
    /// A text of the profile that no store can hold: it contains U+0000.
    #[error("{0} contains the character U+0000, which cannot be stored")]
    Unstorable(String),
    /// Another process has the embedded store.
    #[error("{0}")]
    InUse(String),
    /// The store is away or broken.
    #[error("the directory is away: {0}")]
    Away(String),
}

/// The durable store.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Every configuration record.
    ///
    /// # Errors
    /// [`DirectoryError::Away`].
    async fn load(&self) -> Result<Vec<Record>, DirectoryError>;

    /// Every configuration record of one pool.
    ///
    /// # Errors
    /// [`DirectoryError::Away`].
    async fn load_pool(&self, pool_id: &str) -> Result<Vec<Record>, DirectoryError>;

    /// Which pools were written after this generation. A write that returned is in it, whichever replica asks: one
    /// read, cheap when nothing was written. Asked about a generation that is yet to come, as after a restored
    /// backup, it tells the newest that there is, which is smaller.
    ///
    /// # Errors
    /// [`DirectoryError::Away`].
    async fn changed_since(&self, generation: i64) -> Result<Changed, DirectoryError>;

    /// All changes, or none.
    ///
    /// # Errors
    /// As each [`Change`] says, and [`DirectoryError::Away`].
    async fn write(&self, changes: Vec<Change>) -> Result<(), DirectoryError>;

    /// Creates or updates the user of this identity, found by (provider, subject). An identity that is not known
    /// becomes that of the user to whom a waiting link leads, if one fits what the sign-in is recognised by: the
    /// link is used up. None is created in a pool without a [`Kind::UserPool`] record.
    ///
    /// # Errors
    /// What [`FederatedProfile::apply`] refuses; [`LinkError::Ambiguous`]; [`DirectoryError::UsernameTaken`];
    /// [`DirectoryError::NotKnown`] where a user would be made and none may be; [`DirectoryError::Missing`] when the
    /// pool has gone; [`DirectoryError::Away`].
    async fn sign_in(&self, profile: FederatedProfile) -> Result<User, DirectoryError>;

    /// The user of this name.
    ///
    /// # Errors
    /// [`DirectoryError::Away`].
    async fn user(&self, pool_id: &str, username: &str) -> Result<Option<User>, DirectoryError>;

    /// Users, in the order of [`UserQuery`].
    ///
    /// # Errors
    /// [`DirectoryError::Away`].
    async fn users(&self, pool_id: &str, query: UserQuery) -> Result<Vec<User>, DirectoryError>;

    /// How many users the pool has.
    ///
    /// # Errors
    /// [`DirectoryError::Away`].
    async fn count_users(&self, pool_id: &str) -> Result<u64, DirectoryError>;

    /// Changes a user. A sign-in of the user that goes on at the same time is decided before or after it, never on
    /// half of it.
    ///
    /// # Errors
    /// [`DirectoryError::Missing`] without such a user, and where it is not the one that the change is about; what
    /// [`UserChange::apply`] refuses; [`DirectoryError::Unstorable`]; [`DirectoryError::Away`].
    async fn change_user(
        &self,
        pool_id: &str,
        username: &str,
        change: UserChange,
    ) -> Result<(), DirectoryError>;

    /// Removes a user with everything that belongs to it.
    ///
    /// # Errors
    /// [`DirectoryError::Missing`], [`DirectoryError::Away`].
    async fn delete_user(&self, pool_id: &str, username: &str) -> Result<(), DirectoryError>;

    /// The same for the user of this `sub`: one that came back by the same name is another.
    ///
    /// # Errors
    /// [`DirectoryError::Missing`], [`DirectoryError::Away`].
    async fn delete_user_of_sub(&self, pool_id: &str, sub: &str) -> Result<(), DirectoryError>;

    /// Puts a user into a group, as an administrator does: no mapping takes that away. Who is in it already stays, and
    /// a membership that came by a mapping is the administrator's from now on. Of this and the group's deletion at
    /// the same time one comes first.
    ///
    /// # Errors
    /// [`GroupError`], [`DirectoryError::Away`].
    async fn join_group(&self, pool_id: &str, username: &str, group: &str) -> Result<(), DirectoryError>;

    /// Takes a user out of a group, however it came to be in it; who is not in it is left alone.
    ///
    /// # Errors
    /// [`GroupError::NoUser`], [`DirectoryError::Away`].
    async fn leave_group(&self, pool_id: &str, username: &str, group: &str) -> Result<(), DirectoryError>;

    /// At most `limit` members of a group, behind the place `after`: in the order in which the users were made.
    ///
    /// # Errors
    /// [`DirectoryError::Away`].
    async fn members(
        &self,
        pool_id: &str,
        group: &str,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Member>, DirectoryError>;

    /// The state behind a token of the user with this `sub`.
    ///
    /// # Errors
    /// [`DirectoryError::Away`].
    async fn token_state(
        &self,
        pool_id: &str,
        sub: &str,
        origin_jti: &str,
    ) -> Result<TokenState, DirectoryError>;

    /// Ends every token of this family; the mark may be forgotten after `until`.
    ///
    /// # Errors
    /// [`DirectoryError::Away`].
    async fn revoke_family(
        &self,
        pool_id: &str,
        origin_jti: &str,
        until: OffsetDateTime,
    ) -> Result<(), DirectoryError>;

    /// Rotates a family's refresh token: of all callers, ever, whose new token is of the same generation, one is told
    /// `true`, and is told so again when it asks twice with the same [`Rotation::jti`]. The others are told `false`, as
    /// whoever names a generation that has passed; nothing changes then.
    ///
    /// # Errors
    /// [`DirectoryError::Away`].
    async fn rotate(&self, rotation: Rotation) -> Result<bool, DirectoryError>;

    /// `sub` of the user that this identity belongs to.
    ///
    /// # Errors
    /// [`DirectoryError::Away`].
    async fn user_of_identity(
        &self,
        pool_id: &str,
        provider: &str,
        subject: &str,
    ) -> Result<Option<String>, DirectoryError>;

    /// Makes a link: at most `limits::LINKS` for each user, and none to two users.
    ///
    /// # Errors
    /// [`LinkError`], [`DirectoryError::Away`].
    async fn link(&self, link: NewLink) -> Result<(), DirectoryError>;

    /// Removes a link, with the place in its provider's group, and ends what came of it.
    ///
    /// # Errors
    /// [`LinkError::NotLinked`], [`LinkError::Own`], [`DirectoryError::Away`].
    async fn unlink(&self, unlink: Unlink) -> Result<(), DirectoryError>;

    /// The links of these users (by `sub`) that wait for their first sign-in, oldest first.
    ///
    /// # Errors
    /// [`DirectoryError::Away`].
    async fn waiting_links(&self, pool_id: &str, subs: &[String])
    -> Result<Vec<WaitingLink>, DirectoryError>;

    /// Who signed in within the session of this digest at this provider (see [`FederatedProfile::session`]): at
    /// most [`MOST_SESSION_OWNERS`].
    ///
    /// # Errors
    /// [`DirectoryError::Away`].
    async fn owners_of_session(
        &self,
        pool_id: &str,
        provider: &str,
        digest: &str,
    ) -> Result<Vec<SessionOwner>, DirectoryError>;

    /// Notes what a provider ended: from now on [`TokenState::endings`] says so. Many endings of single sessions
    /// may be put together, so that more ends than was said, never less.
    ///
    /// # Errors
    /// [`DirectoryError::Missing`] without such a user, [`DirectoryError::Away`].
    async fn end_provider_sessions(
        &self,
        pool_id: &str,
        sub: &str,
        ended: Ended,
    ) -> Result<(), DirectoryError>;

    /// Marks what may be used once, until `until`: of all callers, ever, exactly one is told `true`. Names are
    /// digests.
    ///
    /// # Errors
    /// [`DirectoryError::Away`].
    async fn use_once(&self, mark: &str, until: OffsetDateTime) -> Result<bool, DirectoryError>;

    /// The moment it is by the clock of the server that several replicas share; `None` where there is no server.
    ///
    /// # Errors
    /// [`DirectoryError::Away`].
    async fn now(&self) -> Result<Option<OffsetDateTime>, DirectoryError> {
        Ok(None)
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// [`DirectoryError::Away`].
    async fn ping(&self) -> Result<(), DirectoryError>;

    /// Writes out what is pending and closes; nothing may be called afterwards.
    async fn close(&self);
}
