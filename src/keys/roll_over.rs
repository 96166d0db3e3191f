//! The rules of a roll-over of a pool's keys: a new key beside the old one, then the old one retired.
//!
//! A provider that has not read our metadata anew must go on: it verifies with the old signing key until the new
//! one is in use, and encrypts for the old encryption key until that is retired. Whoever verifies tokens with a copy of
//! the JWKS must go on too: it has read the new key before that signs anything, and finds the old one for as long as a
//! token lives that it signed.

use thiserror::Error;
use time::{Duration, OffsetDateTime};

use super::pool_keys::{KeyRecord, KeyUse};
use super::rolling::{in_use, order};
use crate::pool::AppClient;

/// Most keys of one use that live at the same time: each costs a decryption, or a certificate in the metadata.
pub const MAX_LIVE: usize = 4;
/// Longest time a key may be published before it is used.
pub const MAX_WAIT: Duration = Duration::days(365);
/// Shortest time that a key of tokens is published before it is used: for so long anybody may keep the JWKS, and every
/// replica knows the key by then.
pub const LEAST_WAIT: Duration = Duration::minutes(5);
/// How far the clocks of replicas and verifiers may be apart.
const CLOCKS: Duration = Duration::minutes(5);

/// What a live key does at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Signs or seals, or is the one shown to be encrypted for.
    InUse,
    /// Published, and used from this moment, seconds since 1970.
    Waiting(i64),
    /// Signs and seals no more. What it signed is still accepted, what is encrypted for it decrypted.
    Old,
}

/// Why a key is not rolled over or retired. A sentence for the administrator.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RollOverError {
    /// An earlier roll-over is under way.
    #[error("key {0} is published already and waits to be used: retire it first to begin anew")]
    Waiting(String),
    /// [`MAX_LIVE`].
    #[error("{MAX_LIVE} keys of this use are live already: retire the ones that nobody needs any more")]
    TooMany,
    /// [`MAX_WAIT`].
    #[error("a new key is used after 0 to {} days", MAX_WAIT.whole_days())]
    Wait,
    /// No live key of the pool has this id.
    #[error("the pool has no key {0}: `poolgate keys list` shows them")]
    Unknown(String),
    /// It is the only one.
    #[error("key {0} is the last of its use: roll over first")]
    Last(String),
    /// It signs now.
    #[error("key {0} is in use at this moment: roll over first, and retire it when the new key is in use")]
    Signs(String),
    /// Tokens live that it made.
    #[error("key {0} is needed until {1}: tokens that it made live so long. With --end-tokens they end now")]
    Needed(String, OffsetDateTime),
    /// It is the one that providers see.
    #[error("key {0} is the one that providers encrypt for: roll over first")]
    Shown(String),
}

/// What `key` does at `now`, beside the other `keys` of its pool.
pub fn state(keys: &[KeyRecord], key: &KeyRecord, now: OffsetDateTime) -> KeyState {
    let same = keys.iter().filter(|other| other.key_use == key.key_use);
    let current = match key.key_use {
        KeyUse::SamlEncryption => same.max_by_key(|other| (other.created, &other.id)),
        _ => in_use(same, now),
    };
    if current.is_some_and(|current| current.id == key.id) {
        KeyState::InUse
    } else if key.used_from > now.unix_timestamp() {
        KeyState::Waiting(key.used_from)
    } else {
        KeyState::Old
    }
}

/// When a new key of this use is made and used, in seconds since 1970: it must come after all the others.
///
/// # Errors
/// `Waiting`, `TooMany`, `Wait`.
pub fn plan(
    keys: &[KeyRecord],
    key_use: KeyUse,
    wait: Duration,
    now: OffsetDateTime,
) -> Result<(i64, i64), RollOverError> {
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
    let used_from = match key_use {
        KeyUse::SamlEncryption => 0,
        KeyUse::SamlSigning => (now + wait).unix_timestamp(),
        KeyUse::IdToken | KeyUse::AccessToken | KeyUse::RefreshToken => {
            (now + wait.max(LEAST_WAIT)).unix_timestamp()
        }
    };
    Ok((now.unix_timestamp().max(after), used_from))
}

/// Until when tokens may live that this key made, by when another took its place: `refresh` is the longest life of a
/// refresh token in the pool. `None` for the keys of SAML, and where nothing has taken its place.
pub fn needed_until(keys: &[KeyRecord], key: &KeyRecord, refresh: Duration) -> Option<OffsetDateTime> {
    let life = match key.key_use {
        KeyUse::IdToken | KeyUse::AccessToken => AppClient::TOKEN_RANGE.1,
        KeyUse::RefreshToken => refresh,
        KeyUse::SamlSigning | KeyUse::SamlEncryption => return None,
    };
    let after = keys.iter().filter(|other| other.key_use == key.key_use && order(other) > order(key));
    let replaced = OffsetDateTime::from_unix_timestamp(after.map(|other| other.used_from).min()?).ok()?;
    Some(replaced + life + CLOCKS)
}

/// Whether this key may go at `now`: nobody needs it any more, as far as we can know. `refresh` is the longest life of
/// a refresh token in the pool. With `end_tokens` a key that made tokens may go although some of them live.
///
/// # Errors
/// `Unknown`, `Last`, `Signs`, `Shown`, `Needed`.
pub fn check_retire(
    keys: &[KeyRecord],
    id: &str,
    now: OffsetDateTime,
    refresh: Duration,
    end_tokens: bool,
) -> Result<(), RollOverError> {
    let key = keys.iter().find(|key| key.id == id);
    let key = key.ok_or_else(|| RollOverError::Unknown(id.to_owned()))?;
    if keys.iter().filter(|other| other.key_use == key.key_use).count() == 1 {
        return Err(RollOverError::Last(id.to_owned()));
    }
    match (state(keys, key, now), key.key_use) {
        (KeyState::InUse, KeyUse::SamlEncryption) => Err(RollOverError::Shown(id.to_owned())),
        (KeyState::InUse, _) => Err(RollOverError::Signs(id.to_owned())),
        (KeyState::Waiting(_), _) => Ok(()),
        (KeyState::Old, _) => match needed_until(keys, key, refresh) {
            Some(until) if now < until && !end_tokens => Err(RollOverError::Needed(id.to_owned(), until)),
            _ => Ok(()),
        },
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
        let retire = |id: &str, moment| check_retire(&keys, id, moment, Duration::days(30), false);
        assert_eq!(retire("old", NOW), Err(RollOverError::Signs("old".into())));
        assert_eq!(retire("new", NOW), Ok(()), "a roll-over may be called off");
        let later = NOW + Duration::DAY;
        assert_eq!(retire("new", later), Err(RollOverError::Signs("new".into())));
        assert_eq!(retire("old", later), Ok(()));
        assert_eq!(retire("shown", NOW), Err(RollOverError::Shown("shown".into())));
        assert_eq!(retire("before", NOW), Ok(()));
        let last = check_retire(&keys[..1], "old", NOW, Duration::ZERO, true);
        assert_eq!(last, Err(RollOverError::Last("old".into())));
        assert_eq!(retire("token", NOW), Err(RollOverError::Last("token".into())));
        assert_eq!(retire("nobody", NOW), Err(RollOverError::Unknown("nobody".into())));
    }

    const TOKEN_KEYS: [KeyUse; 3] = [KeyUse::IdToken, KeyUse::AccessToken, KeyUse::RefreshToken];

    #[test]
    fn a_key_of_tokens_is_published_for_as_long_as_the_jwks_may_be_kept_before_it_is_used() {
        for key_use in TOKEN_KEYS {
            for (wait, expected) in [(Duration::ZERO, 300), (Duration::SECOND, 300), (Duration::DAY, DAY)] {
                let planned = plan(&[key("a", key_use, 1, 0)], key_use, wait, NOW);
                assert_eq!(planned, Ok((now(), now() + expected)), "{key_use:?} {wait}");
            }
            let rolled = [key("a", key_use, 1, 0), key("b", key_use, 2, now() + 300)];
            let again = plan(&rolled, key_use, Duration::ZERO, NOW);
            assert_eq!(again, Err(RollOverError::Waiting("b".into())), "one at a time");
            assert_eq!(state(&rolled, &rolled[0], NOW), KeyState::InUse);
            assert_eq!(state(&rolled, &rolled[1], NOW), KeyState::Waiting(now() + 300));
            assert_eq!(state(&rolled, &rolled[1], NOW + LEAST_WAIT), KeyState::InUse);
        }
    }

    #[test]
    fn a_key_of_tokens_stays_until_the_last_token_that_it_made_has_ended() {
        let month = Duration::days(30);
        for (key_use, life) in TOKEN_KEYS.into_iter().zip([Duration::DAY, Duration::DAY, month]) {
            let keys = [
                key("old", key_use, 1, 0),
                key("used", key_use, 2, now()),
                key("next", key_use, 3, now() + 2 * DAY),
            ];
            let retire = |id: &str, after, end| check_retire(&keys, id, NOW + after, month, end);
            let until = NOW + life + Duration::minutes(5);
            let early = life + Duration::minutes(5) - Duration::SECOND;
            assert_eq!(retire("old", early, false), Err(RollOverError::Needed("old".into(), until)));
            assert_eq!(retire("old", early, true), Ok(()), "somebody has stolen it");
            assert_eq!(retire("old", early + Duration::SECOND, false), Ok(()));
            for end in [false, true] {
                assert_eq!(retire("used", Duration::ZERO, end), Err(RollOverError::Signs("used".into())));
                assert_eq!(retire("next", Duration::ZERO, end), Ok(()), "a roll-over may be called off");
            }
        }
    }
}
