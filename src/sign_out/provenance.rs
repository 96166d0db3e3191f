//! Which sign-in at which provider something comes from, so that it can end when the provider ends that.

use poolgate_providers::{MAX_PROVIDER_SESSIONS, ProviderSession};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::context::digest_name;
use crate::directory::Ending;

/// Characters of a mark: 132 bits of a digest.
const MARK: usize = 22;

/// The sign-in that a session, a code or a refresh token comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The mark of the person, then one for each of the provider's sessions, or two of a sign-in that names none.
    marks: Vec<String>,
    /// When, in milliseconds since 1970.
    at: i64,
}

/// The mark of everything that this person has at this provider.
pub fn of_person(provider: &str, subject: &str) -> String {
    mark(&[provider, subject])
}

/// The mark of one session there. White space around an index does not count: it is an attribute in one message
/// and an element's text in another.
pub fn of_session(provider: &str, subject: &str, index: &str) -> String {
    mark(&[provider, subject, index.trim()])
}

/// The mark of every sign-in of this person that names no session there: a sign-out of any may be of theirs.
pub fn of_nameless(provider: &str, subject: &str) -> String {
    mark(&[provider, subject, "", "nameless"])
}

/// The mark of the one sign-in of this person at `at` (milliseconds since 1970) that names no session there.
pub fn of_sign_in(provider: &str, subject: &str, at: i64) -> String {
    mark(&[provider, subject, "", &at.to_string()])
}

/// Lengths first, so that no other parts make the same text.
fn mark(parts: &[&str]) -> String {
    let text: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    digest_name(&text).chars().take(MARK).collect()
}

/// Milliseconds since 1970.
pub fn millis(at: OffsetDateTime) -> i64 {
    at.unix_timestamp() * 1000 + i64::from(at.millisecond())
}

impl Provenance {
    /// Of a sign-in with this provider at `at` (milliseconds since 1970).
    pub fn new(provider: &str, session: &ProviderSession, at: i64) -> Self {
        let subject = &session.subject;
        let indexes = session.session_indexes.iter().take(MAX_PROVIDER_SESSIONS);
        let mut marks = vec![of_person(provider, subject)];
        marks.extend(indexes.map(|index| of_session(provider, subject, index)));
        if session.session_indexes.is_empty() {
            marks.extend([of_nameless(provider, subject), of_sign_in(provider, subject, at)]);
        }
        Self { marks, at }
    }

    /// When, in milliseconds since 1970, in the order that all replicas share.
    pub const fn began_at(&self) -> i64 {
        self.at
    }

    /// Whether the provider has ended it since.
    pub fn has_ended(&self, endings: &[Ending]) -> bool {
        endings.iter().any(|ending| self.is_of(ending))
    }

    /// Whether the provider has ended it since, tokens included.
    pub fn tokens_have_ended(&self, endings: &[Ending]) -> bool {
        endings.iter().any(|ending| ending.tokens && self.is_of(ending))
    }

    fn is_of(&self, ending: &Ending) -> bool {
        ending.at >= self.at && self.marks.contains(&ending.mark)
    }
}

/// The moment that a version-7 UUID tells (RFC 9562 section 5.7), in milliseconds since 1970: `origin_jti` tells when
/// the sign-in began that a token comes from, `jti` when the token was made. `None` for an id that tells none.
pub fn told_by(id: &str) -> Option<i64> {
    let id = Uuid::parse_str(id).ok().filter(|id| id.get_version_num() == 7)?;
    i64::try_from(id.as_u128() >> 80).ok()
}

/// Whether tokens of this user that were issued at `at` (milliseconds since 1970) have ended, where they do not
/// say which sign-in they come from: any sign-out at a provider since then that ends tokens ends them.
pub fn unmarked_have_ended(endings: &[Ending], at: i64) -> bool {
    endings.iter().any(|ending| ending.tokens && ending.at >= at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign_in(indexes: &[&str]) -> Provenance {
        let session = ProviderSession {
            subject: "alice".into(),
            session_indexes: indexes.iter().map(|index| (*index).to_owned()).collect(),
            ..ProviderSession::default()
        };
        Provenance::new("Acme", &session, 1000)
    }

    fn ending(mark: String, at: i64, tokens: bool) -> [Ending; 1] {
        [Ending { mark, at, tokens }]
    }

    #[test]
    fn a_sign_in_ends_with_its_person_or_its_session_and_with_no_other() {
        let it = sign_in(&["s1", " s2"]);
        for mark in
            [of_person("Acme", "alice"), of_session("Acme", "alice", "s1"), of_session("Acme", "alice", "s2")]
        {
            assert!(it.has_ended(&ending(mark.clone(), 1000, false)));
            assert!(!it.tokens_have_ended(&ending(mark.clone(), 1000, false)));
            assert!(it.tokens_have_ended(&ending(mark.clone(), 1001, true)));
            assert!(!it.has_ended(&ending(mark, 999, true)), "a later sign-in is another one");
        }
        for mark in [
            of_person("Acme", "bob"),
            of_person("Globex", "alice"),
            of_session("Acme", "alice", "s3"),
            of_session("Globex", "alice", "s1"),
            of_session("Acme", "bob", "s1"),
        ] {
            assert!(!it.has_ended(&ending(mark, 2000, true)));
        }
    }

    #[test]
    fn parts_that_join_to_the_same_text_make_other_marks() {
        assert_ne!(of_person("Acme", "1:x"), of_session("Acme", "", "x"));
        assert_ne!(of_person("ab", "c"), of_person("a", "bc"));
        assert_eq!(of_person("Acme", "alice").len(), MARK);
    }

    #[test]
    fn an_id_that_is_ordered_by_time_tells_its_millisecond_and_no_other_does() {
        let at = 1_795_262_400_123;
        let id = uuid::Builder::from_unix_timestamp_millis(at, &[0xff; 10]).into_uuid().to_string();
        assert_eq!(told_by(&id), i64::try_from(at).ok());
        let random = uuid::Builder::from_random_bytes([0x77; 16]).into_uuid().to_string();
        for other in [random.as_str(), "", "family", "018f0000"] {
            assert_eq!(told_by(other), None, "{other}");
        }
    }

    #[test]
    fn what_has_no_mark_ends_with_any_sign_out_that_ends_tokens() {
        assert!(unmarked_have_ended(&ending("any".into(), 5, true), 5));
        assert!(!unmarked_have_ended(&ending("any".into(), 5, true), 6));
        assert!(!unmarked_have_ended(&ending("any".into(), 5, false), 5));
    }
}
