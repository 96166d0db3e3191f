//! What an app client proves itself with.

use secrecy::{ExposeSecret as _, SecretString};
use subtle::{Choice, ConstantTimeEq as _};

use super::{AppClient, Timestamp};

/// Secrets of an app client that may be live at a time: an old one, and the one that replaces it.
pub const LIVE_SECRETS: usize = 2;

/// One secret of an app client.
#[derive(Debug, Clone)]
pub struct ClientSecret {
    /// `{client id}--{seconds since 1970}`, which is no secret.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// The secret itself: 24 to 64 letters, digits, `_` and `+`.
    pub value: SecretString,
}

impl ClientSecret {
    /// A secret of this client made now, with an id that none of `known` has.
    pub fn new(client_id: &str, created: Timestamp, value: SecretString, known: &[Self]) -> Self {
        let mut second = created.moment().unix_timestamp();
        let id = loop {
            let id = format!("{client_id}--{second}");
            if known.iter().all(|other| other.id != id) {
                break id;
            }
            second += 1;
        };
        Self { id, created, value }
    }
}

impl AppClient {
    /// Whether it has a secret, and so must prove itself.
    pub fn is_confidential(&self) -> bool {
        !self.client_secrets.is_empty()
    }

    /// Whether `sent` is one of its live secrets. Every one is compared, whichever fits, in constant time.
    pub fn has_secret(&self, sent: &str) -> bool {
        let sent = sent.as_bytes();
        let same = |secret: &ClientSecret| secret.value.expose_secret().as_bytes().ct_eq(sent);
        self.client_secrets.iter().map(same).fold(Choice::from(0), |known, one| known | one).into()
    }

    /// The secret to show: the newest, which is the one that apps shall use.
    pub fn newest_secret(&self) -> Option<&SecretString> {
        self.client_secrets.last().map(|secret| &secret.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn secret(value: &str) -> SecretString {
        SecretString::from(value)
    }

    #[test]
    fn secrets_of_one_second_have_ids_of_their_own() {
        let at = Timestamp(1_795_262_400.9);
        let one = ClientSecret::new("abc", at, secret("one"), &[]);
        assert_eq!(one.id, "abc--1795262400");
        let known = [one];
        let two = ClientSecret::new("abc", at, secret("two"), &known);
        assert_eq!(two.id, "abc--1795262401");
    }

    #[test]
    fn either_live_secret_is_accepted_and_nothing_else() {
        let mut client = testing::client(serde_json::json!({}));
        assert!(!client.is_confidential() && !client.has_secret("") && client.newest_secret().is_none());
        for value in ["the old secret of the client", "the new secret of the client"] {
            let made = ClientSecret::new("abc", Timestamp(0.0), secret(value), &client.client_secrets);
            client.client_secrets.push(made);
        }
        assert!(client.has_secret("the old secret of the client"));
        assert!(client.has_secret("the new secret of the client"));
        for wrong in ["", "the", "the old secret of the clienT", "the old secret of the client "] {
            assert!(!client.has_secret(wrong), "{wrong}");
        }
        let newest = client.newest_secret().map(|secret| secret.expose_secret().to_owned());
        assert_eq!(newest.as_deref(), Some("the new secret of the client"));
    }
}
