//! A user, and how a sign-in changes one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use time::OffsetDateTime;

use super::limits::GROUPS_OF_A_USER;

/// A user of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The pool.
    pub pool_id: String,
    /// `{Provider}_{subject}`: at most 128 characters.
    pub username: String,
    /// A UUID that never changes.
    pub sub: String,
    /// Attribute name → value, `sub` and `identities` apart.
    pub attributes: BTreeMap<String, String>,
    /// The provider identities that sign this user in, oldest first.
    pub identities: Vec<Identity>,
    /// Names of the groups the user belongs to, each once, in the order joined. Of one that the pool does not have
    /// (any more) nothing follows: see `tokens::claims::group_configuration`.
    pub groups: Vec<String>,
    /// Those of them that the user is in because of an `AttributeMapping`: group → the provider that said so last.
    pub mapped_groups: BTreeMap<String, String>,
    /// A disabled user can neither sign in nor use a token.
    pub enabled: bool,
    /// `UserStatus` of the model.
    pub status: UserStatus,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub modified_at: OffsetDateTime,
    /// Whatever comes from a sign-in that began at or before this moment is over: sessions, codes, tokens. In the
    /// order of moments that all replicas share.
    pub signed_out_at: Option<OffsetDateTime>,
}

impl User {
    /// Whether the user has signed out everywhere since a sign-in that began at `began` (milliseconds since 1970, in
    /// the order that all replicas share). Everything that comes of a sign-in asks this one question.
    pub fn has_signed_out_since(&self, began: i64) -> bool {
        let millis = |at: OffsetDateTime| at.unix_timestamp_nanos().div_euclid(1_000_000);
        self.signed_out_at.is_some_and(|at| i128::from(began) <= millis(at))
    }
}

/// `UserStatusType` of the model, as far as Poolgate makes such users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserStatus {
    /// Signs in through an identity provider.
    #[serde(rename = "EXTERNAL_PROVIDER")]
    ExternalProvider,
}

impl UserStatus {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExternalProvider => "EXTERNAL_PROVIDER",
        }
    }
}

/// One way a user signs in: the key is the pair (provider, subject), never the joined string.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Provider name.
    pub provider_name: String,
    /// `SAML`, `OIDC`, …
    pub provider_type: String,
    /// The provider's subject, unfolded.
    pub user_id: String,
    /// SAML: the provider's entity id. Otherwise absent.
    pub issuer: Option<String>,
    /// Whether the user was made by this identity.
    pub primary: bool,
    /// When the identity was first seen, milliseconds since 1970.
    pub date_created: i64,
}

/// What one verified sign-in says a user shall be. Made by `sign_in::mapping` only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FederatedProfile {
    /// The pool.
    pub pool_id: String,
    /// Username, should the user be new.
    pub username: String,
    /// `sub`, should the user be new.
    pub new_sub: String,
    /// Who signed in.
    pub identity: Identity,
    /// Attributes to set.
    pub set: BTreeMap<String, String>,
    /// Attributes to remove (`missing_attributes=remove`).
    pub remove: Vec<String>,
    /// What this very sign-in says that a waiting link may go by: pool attribute → its one value. An address is
    /// here only when it counts as verified.
    pub recognised: BTreeMap<String, String>,
    /// Attributes the user must have afterwards.
    pub required: Vec<String>,
    /// Attributes that may not change once they have a value.
    pub immutable: Vec<String>,
    /// The provider's group.
    pub group: String,
    /// Groups of the pool that the provider says the user is in (`AttributeMapping` of `cognito:groups`). Those it
    /// said before and says no more are left.
    pub mapped_groups: Vec<String>,
    /// The session at the provider that the sign-in belongs to, where a sign-out there may name it alone.
    pub session: Option<NotedSession>,
    /// Whether somebody who is not known becomes a user. Not where a function of the administrator has to be asked
    /// first: the directory then says so and writes nothing.
    pub may_sign_up: bool,
    /// Now.
    pub at: OffsetDateTime,
}

/// A session at a provider, noted so that its people are found when the provider ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotedSession {
    /// The digest of its name there.
    pub digest: String,
    /// Must be found until then at least.
    pub needed_until: OffsetDateTime,
    /// Is kept until then, when it must be written: later, so that sign-ins of one session seldom write.
    pub until: OffsetDateTime,
}

/// Why a verified identity cannot become, or stay, this user.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProfileError {
    /// A required attribute has no value.
    #[error("Invalid user attributes: {0}: The attribute is required")]
    Required(String),
    /// An immutable attribute would change.
    #[error("Invalid user attributes: {0}: The attribute is immutable and cannot change")]
    Immutable(String),
    /// The user is disabled.
    #[error("User is disabled")]
    Disabled,
}

impl FederatedProfile {
    /// The user after this sign-in: a new one, or `existing` with what changed.
    ///
    /// The second value tells whether anything must be written.
    ///
    /// # Errors
    /// See [`ProfileError`]: nothing is to be written then.
    pub fn apply(&self, existing: Option<&User>) -> Result<(User, bool), ProfileError> {
        let mut user = existing.cloned().unwrap_or_else(|| self.new_user());
        if !user.enabled {
            return Err(ProfileError::Disabled);
        }
        for name in &self.remove {
            user.attributes.remove(name);
        }
        for (name, value) in &self.set {
            if let Some(old) = user.attributes.get(name)
                && old != value
                && self.immutable.contains(name)
            {
                return Err(ProfileError::Immutable(name.clone()));
            }
            user.attributes.insert(name.clone(), value.clone());
        }
        if let Some(name) = self.required.iter().find(|name| !user.attributes.contains_key(*name)) {
            return Err(ProfileError::Required(name.clone()));
        }
        self.apply_groups(&mut user);
        let changed = existing.is_none_or(|before| *before != user);
        if changed {
            user.modified_at = self.at;
        }
        Ok((user, changed))
    }

    /// Memberships that this provider's mapping made follow it; an administrator's are not touched. A group that
    /// another provider said, too, is this one's from now on: it stays for as long as the last who said it does.
    fn apply_groups(&self, user: &mut User) {
        let provider = &self.identity.provider_name;
        let left: Vec<String> = user
            .mapped_groups
            .iter()
            .filter(|(group, by)| *by == provider && !self.mapped_groups.contains(group))
            .map(|(group, _)| group.clone())
            .collect();
        user.groups.retain(|group| !left.contains(group));
        user.mapped_groups.retain(|group, _| !left.contains(group));
        if !user.groups.contains(&self.group) {
            user.groups.push(self.group.clone());
        }
        for group in &self.mapped_groups {
            if user.groups.contains(group) {
                if let Some(by) = user.mapped_groups.get_mut(group) {
                    by.clone_from(provider);
                }
            } else if user.groups.len() < GROUPS_OF_A_USER {
                user.groups.push(group.clone());
                user.mapped_groups.insert(group.clone(), provider.clone());
            }
        }
    }

    /// The user that a waiting link, made at `since` (milliseconds since 1970), leads this sign-in to: the identity
    /// is the user's from now on.
    ///
    /// # Errors
    /// See [`ProfileError`]: nothing is to be written then.
    pub fn join(&self, existing: &User, since: i64) -> Result<(User, Identity), ProfileError> {
        let (mut user, _) = self.apply(Some(existing))?;
        let identity = Identity { primary: false, date_created: since, ..self.identity.clone() };
        user.identities.push(identity.clone());
        user.identities.sort_by_key(|identity| identity.date_created);
        user.modified_at = self.at;
        Ok((user, identity))
    }

    fn new_user(&self) -> User {
        User {
            pool_id: self.pool_id.clone(),
            username: self.username.clone(),
            sub: self.new_sub.clone(),
            attributes: BTreeMap::new(),
            identities: vec![self.identity.clone()],
            groups: Vec::new(),
            mapped_groups: BTreeMap::new(),
            enabled: true,
            status: UserStatus::ExternalProvider,
            created_at: self.at,
            modified_at: self.at,
            signed_out_at: None,
        }
    }
}
