//! How a user is changed other than by a sign-in.

use std::collections::BTreeMap;

use thiserror::Error;
use time::OffsetDateTime;

use super::User;

/// An address, and what says that it is the user's own.
const VERIFIED: [(&str, &str); 2] = [("email", "email_verified"), ("phone_number", "phone_number_verified")];

/// What changes of a user. Its values were checked against the pool's schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserChange {
    /// Only if the user still has this `sub`: one that was deleted and came back by the same name is another.
    pub only: Option<String>,
    /// Attributes to set.
    pub set: BTreeMap<String, String>,
    /// Attributes to remove, where they are set.
    pub remove: Vec<String>,
    /// Whether the user may sign in from now on.
    pub enabled: Option<bool>,
    /// Whatever comes from a sign-in that began until then is over. An earlier moment than the one that is known
    /// changes nothing.
    pub signed_out_at: Option<OffsetDateTime>,
    /// Now.
    pub at: OffsetDateTime,
}

/// Why a user cannot be changed so.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChangeError {
    /// What would be verified is not there.
    #[error("{flag} needs a value of {address}, and the user has none.")]
    NothingToVerify {
        /// `email_verified` or `phone_number_verified`.
        flag: &'static str,
        /// `email` or `phone_number`.
        address: &'static str,
    },
}

impl UserChange {
    /// A change of nothing, at this moment.
    pub const fn at(at: OffsetDateTime) -> Self {
        Self { only: None, set: BTreeMap::new(), remove: Vec::new(), enabled: None, signed_out_at: None, at }
    }

    /// Whether it is about this user.
    pub fn is_about(&self, user: &User) -> bool {
        self.only.as_ref().is_none_or(|sub| *sub == user.sub)
    }

    /// The user afterwards. An address that changes counts as verified no longer, unless the change itself says
    /// so; with an address goes what was said of it.
    ///
    /// # Errors
    /// See [`ChangeError`]: nothing is to be written then.
    pub fn apply(&self, before: &User) -> Result<User, ChangeError> {
        let mut user = before.clone();
        for name in &self.remove {
            user.attributes.remove(name);
        }
        user.attributes.extend(self.set.clone());
        for (address, flag) in VERIFIED {
            let now = user.attributes.get(address);
            if now.is_none() && self.set.contains_key(flag) {
                return Err(ChangeError::NothingToVerify { flag, address });
            }
            let same = now == before.attributes.get(address);
            if now.is_none() {
                user.attributes.remove(flag);
            } else if !same && !self.set.contains_key(flag) {
                user.attributes.insert(flag.to_owned(), "false".to_owned());
            }
        }
        user.enabled = self.enabled.unwrap_or(user.enabled);
        if user != *before {
            user.modified_at = self.at;
        }
        user.signed_out_at = user.signed_out_at.max(self.signed_out_at);
        Ok(user)
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;
    use crate::pool::user::UserStatus;
    use crate::testing::NOW;

    fn user(attributes: &[(&str, &str)]) -> User {
        User {
            pool_id: "pool".into(),
            username: "Acme_alice".into(),
            sub: "sub".into(),
            attributes: strings(attributes),
            identities: Vec::new(),
            groups: Vec::new(),
            mapped_groups: BTreeMap::new(),
            enabled: true,
            status: UserStatus::ExternalProvider,
            created_at: NOW,
            modified_at: NOW,
            signed_out_at: None,
        }
    }

    fn strings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn change(set: &[(&str, &str)], remove: &[&str]) -> UserChange {
        let remove = remove.iter().map(|name| (*name).to_owned()).collect();
        UserChange { set: strings(set), remove, ..UserChange::at(NOW + Duration::HOUR) }
    }

    const VERIFIED_MAIL: &[(&str, &str)] = &[("email", "a@x.example"), ("email_verified", "true")];

    #[test]
    fn an_address_that_changes_is_verified_no_longer_unless_the_change_says_so() {
        let after = |set: &[(&str, &str)]| change(set, &[]).apply(&user(VERIFIED_MAIL)).unwrap().attributes;
        let flag = |set: &[(&str, &str)]| after(set)["email_verified"].clone();
        assert_eq!(flag(&[("email", "b@x.example")]), "false");
        assert_eq!(flag(&[("email", "A@x.example")]), "false", "case counts");
        assert_eq!(flag(&[("email", "a@x.example")]), "true", "it did not change");
        assert_eq!(flag(&[("name", "Alice")]), "true");
        assert_eq!(flag(&[("email", "b@x.example"), ("email_verified", "true")]), "true");
        assert_eq!(after(&[("phone_number", "+491")])["phone_number_verified"], "false");
    }

    #[test]
    fn with_an_address_goes_what_was_said_of_it() {
        let after = change(&[], &["email"]).apply(&user(VERIFIED_MAIL)).unwrap();
        assert_eq!(after.attributes, BTreeMap::new());
        let after = change(&[], &["email_verified"]).apply(&user(VERIFIED_MAIL)).unwrap();
        assert_eq!(after.attributes, strings(&VERIFIED_MAIL[..1]));
    }

    #[test]
    fn what_is_not_there_cannot_be_verified() {
        for flag in ["email_verified", "phone_number_verified"] {
            let refused = change(&[(flag, "true")], &[]).apply(&user(&[])).unwrap_err();
            assert!(refused.to_string().contains(flag), "{refused}");
        }
        let both = change(&[("email_verified", "true")], &["email"]);
        assert!(both.apply(&user(VERIFIED_MAIL)).is_err());
    }

    #[test]
    fn a_sign_out_is_never_taken_back_and_is_no_modification() {
        let out = |at| UserChange { signed_out_at: Some(at), ..UserChange::at(NOW + Duration::HOUR) };
        let late = NOW + Duration::minutes(5);
        let user = out(late).apply(&user(&[])).unwrap();
        assert_eq!((user.signed_out_at, user.modified_at), (Some(late), NOW));
        let user = out(NOW).apply(&user).unwrap();
        assert_eq!(user.signed_out_at, Some(late));
        let user = UserChange::at(NOW).apply(&user).unwrap();
        assert_eq!(user.signed_out_at, Some(late));
    }

    #[test]
    fn a_change_is_dated_and_a_change_of_nothing_is_not() {
        let disabled = UserChange { enabled: Some(false), ..change(&[], &[]) };
        let after = disabled.apply(&user(&[])).unwrap();
        assert_eq!((after.enabled, after.modified_at), (false, NOW + Duration::HOUR));
        let same = UserChange { enabled: Some(true), ..change(VERIFIED_MAIL, &["name"]) };
        assert_eq!(same.apply(&user(VERIFIED_MAIL)).unwrap(), user(VERIFIED_MAIL));
    }

    #[test]
    fn what_began_in_the_millisecond_of_the_sign_out_is_over_and_the_next_is_not() {
        let mut user = user(&[]);
        let at = NOW + Duration::microseconds(500_900);
        let millis = |at: OffsetDateTime| i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap();
        assert!(!user.has_signed_out_since(0));
        user.signed_out_at = Some(at);
        assert!(user.has_signed_out_since(millis(at)));
        assert!(!user.has_signed_out_since(millis(at) + 1), "in the same second");
    }
}
