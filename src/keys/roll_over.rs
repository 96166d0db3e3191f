//! The rules of a roll-over of a pool's SAML keys: a new key beside the old one, then the old one retired.
//!
//! A provider that has not read our metadata anew must go on: it verifies with the old signing key until the new
//! one is in use, and encrypts for the old encryption key until that is retired.

use thiserror::Error;
use time::{Duration, OffsetDateTime};

use super::pool_keys::{KeyRecord, KeyUse};
use super::saml_signing::in_use;

/// Most keys of one use that live at the same time: each costs a decryption, or a certificate in the metadata.
pub const MAX_LIVE: usize = 4;
/// Longest time a signing key may be published before it is used.
pub const MAX_WAIT: Duration = Duration::days(365);

/// What a live SAML key does at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Signs, or is the one shown to be encrypted for.
    InUse,
    /// Signing: published, and used from this moment, seconds since 1970.
    Waiting(i64),
    /// Signing: published, signs no more. Encryption: still decrypts.
    Old,
}

/// Why a key is not rolled over or retired. A sentence for the administrator.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RollOverError {
    /// The keys of tokens have no roll-over here.
    #[error("only the SAML keys of a pool roll over: saml-signing and saml-encryption")]
    NotSaml,
    /// An earlier roll-over is under way.
    #[error("key {0} is published already and waits to be used: retire it first to begin anew")]
    Waiting(String),
    /// [`MAX_LIVE`].
    #[error("{MAX_LIVE} keys of this use are live already: retire the ones that providers no longer need")]
    TooMany,
    /// [`MAX_WAIT`].
    #[error("a new key is used after 0 to {} days", MAX_WAIT.whole_days())]
    Wait,
    /// No live SAML key of the pool has this id.
    #[error("the pool has no SAML key {0}: `poolgate keys list` shows them")]
    Unknown(String),
    /// It is the only one.
    #[error("key {0} is the last of its use: roll over first")]
    Last(String),
    /// It signs now.
    #[error("key {0} signs at this moment: roll over first, and retire it when the new key is in use")]
    Signs(String),
    /// It is the one that providers see.
    #[error("key {0} is the one that providers encrypt for: roll over first")]
    Shown(String),
}

/// What `key` does at `now`, beside the other `keys` of its pool.
pub fn state(keys: &[KeyRecord], key: &KeyRecord, now: OffsetDateTime) -> KeyState {
    let same = keys.iter().filter(|other| other.key_use == key.key_use);
    let current = match key.key_use {
        KeyUse::SamlSigning => in_use(same, now),
        _ => same.max_by_key(|other| (other.created, &other.id)),
    };
    if current.is_some_and(|current| current.id == key.id) {
        KeyState::InUse
    } else if key.key_use == KeyUse::SamlSigning && key.used_from > now.unix_timestamp() {
        KeyState::Waiting(key.used_from)
    } else {
        KeyState::Old
    }
}

/// When a new key of this use is made and used, in seconds since 1970: it must come after all the others.
///
/// # Errors
/// `NotSaml`, `Waiting`, `TooMany`, `Wait`.
pub fn plan(
    keys: &[KeyRecord],
    key_use: KeyUse,
    wait: Duration,
    now: OffsetDateTime,
) -> Result<(i64, i64), RollOverError> {
    if !key_use.is_saml() {
        return Err(RollOverError::NotSaml);
    }
    if wait.is_negative() || wait > MAX_WAIT {
        return Err(RollOverError::Wait);
    }
    let same = || keys.iter().filter(|key| key.key_use == key_use);
    if let Some(key) = same().find(|key| matches!(state(keys, key, now), KeyState::Waiting(_))) {
        return Err(RollOverError::Waiting(key.id.clone()));
    }
    if same().count() >= MAX_LIVE {
        return Err(RollOverError::TooMany);
    }
    // Of two keys of the same second it would not be known which one is the newer.
    let after = same().map(|key| key.created.saturating_add(1)).max().unwrap_or(0);
    let used_from = if key_use == KeyUse::SamlSigning { (now + wait).unix_timestamp() } else { 0 };
    Ok((now.unix_timestamp().max(after), used_from))
}

/// Whether this key may go at `now`: nobody needs it any more, as far as we can know.
///
/// # Errors
/// `Unknown`, `Last`, `Signs`, `Shown`.
pub fn check_retire(keys: &[KeyRecord], id: &str, now: OffsetDateTime) -> Result<(), RollOverError> {
    let key = keys.iter().find(|key| key.id == id && key.key_use.is_saml());
    let key = key.ok_or_else(|| RollOverError::Unknown(id.to_owned()))?;
    if keys.iter().filter(|other| other.key_use == key.key_use).count() == 1 {
        return Err(RollOverError::Last(id.to_owned()));
    }
    match (state(keys, key, now), key.key_use) {
        (KeyState::InUse, KeyUse::SamlSigning) => Err(RollOverError::Signs(id.to_owned())),
        (KeyState::InUse, _) => Err(RollOverError::Shown(id.to_owned())),
        (KeyState::Waiting(_) | KeyState::Old, _) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::NOW;

    const DAY: i64 = 86_400;

    fn key(id: &str, key_use: KeyUse, created: i64, used_from: i64) -> KeyRecord {
        KeyRecord { id: id.to_owned(), key_use, created, certificate: None, used_from }
    }

    fn now() -> i64 {
        NOW.unix_timestamp()
    }

    fn signing(id: &str, created: i64, used_from: i64) -> KeyRecord {
        key(id, KeyUse::SamlSigning, created, used_from)
    }

    fn encryption(id: &str, created: i64) -> KeyRecord {
        key(id, KeyUse::SamlEncryption, created, 0)
    }

    #[test]
    fn a_new_signing_key_is_used_from_its_moment_on_and_not_before() {
        let keys = [signing("old", 1, 0), signing("new", now(), now() + 7 * DAY)];
        let at = |seconds: i64| NOW + Duration::seconds(seconds);
        let in_use = |moment| in_use(keys.iter(), moment).unwrap().id.as_str();
        assert_eq!((in_use(NOW), in_use(at(7 * DAY - 1)), in_use(at(7 * DAY))), ("old", "old", "new"));
        assert_eq!(state(&keys, &keys[0], NOW), KeyState::InUse);
        assert_eq!(state(&keys, &keys[1], NOW), KeyState::Waiting(now() + 7 * DAY));
        assert_eq!(state(&keys, &keys[0], at(8 * DAY)), KeyState::Old);
    }

    #[test]
    fn a_clock_before_every_key_still_finds_one() {
        let keys = [signing("b", 2, now() + 2), signing("a", 1, now() + 1)];
        assert_eq!(in_use(keys.iter(), NOW).unwrap().id, "a");
    }

    #[test]
    fn a_roll_over_makes_the_newest_key_even_within_a_second() {
        let keys = [encryption("a", now() + 5), signing("s", now(), 0)];
        assert_eq!(plan(&keys, KeyUse::SamlEncryption, Duration::ZERO, NOW), Ok((now() + 6, 0)));
        let planned = plan(&keys, KeyUse::SamlSigning, Duration::days(7), NOW);
        assert_eq!(planned, Ok((now() + 1, now() + 7 * DAY)));
    }

    #[test]
    fn one_roll_over_at_a_time_and_few_live_keys() {
        let waiting = [signing("a", 1, 0), signing("b", 2, now() + 1)];
        let plan_for = |keys: &[KeyRecord], key_use| plan(keys, key_use, Duration::ZERO, NOW);
        assert_eq!(plan_for(&waiting, KeyUse::SamlSigning), Err(RollOverError::Waiting("b".into())));
        assert!(plan(&waiting, KeyUse::SamlSigning, Duration::ZERO, NOW + Duration::SECOND).is_ok());
        let many = ["a", "b", "c", "d"].map(|id| encryption(id, 1));
        assert_eq!(plan_for(&many, KeyUse::SamlEncryption), Err(RollOverError::TooMany));
        assert!(plan_for(&many[1..], KeyUse::SamlEncryption).is_ok());
        assert_eq!(plan_for(&[], KeyUse::IdToken), Err(RollOverError::NotSaml));
        let too_long = plan(&[], KeyUse::SamlSigning, Duration::days(366), NOW);
        assert_eq!(too_long, Err(RollOverError::Wait));
        assert_eq!(plan(&[], KeyUse::SamlSigning, Duration::days(-1), NOW), Err(RollOverError::Wait));
    }

    #[test]
    fn a_key_that_somebody_needs_is_not_retired() {
        let keys = [
            signing("old", 1, 0),
            signing("new", 2, now() + DAY),
            encryption("before", 1),
            encryption("shown", 2),
            key("token", KeyUse::IdToken, 1, 0),
        ];
        let retire = |id: &str, moment| check_retire(&keys, id, moment);
        assert_eq!(retire("old", NOW), Err(RollOverError::Signs("old".into())));
        assert_eq!(retire("new", NOW), Ok(()), "a roll-over may be called off");
        let later = NOW + Duration::DAY;
        assert_eq!(retire("new", later), Err(RollOverError::Signs("new".into())));
        assert_eq!(retire("old", later), Ok(()));
        assert_eq!(retire("shown", NOW), Err(RollOverError::Shown("shown".into())));
        assert_eq!(retire("before", NOW), Ok(()));
        assert_eq!(check_retire(&keys[..1], "old", NOW), Err(RollOverError::Last("old".into())));
        for id in ["token", "nobody"] {
            assert_eq!(retire(id, NOW), Err(RollOverError::Unknown(id.into())));
        }
    }
}
