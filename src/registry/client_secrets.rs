//! How the secrets of an app client are stored, before they are sealed.
//!
//! One secret as old as its client is stored as it is: that is what records from before second secrets hold. All else
//! is a JSON list, which begins with a bracket, as no secret does.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::pool::{AppClient, ClientSecret, Timestamp};

/// Why stored secrets cannot be read.
#[derive(Debug, Error)]
pub(super) enum Unreadable {
    #[error("the secrets are not text")]
    Text(#[from] std::str::Utf8Error),
    #[error("the secrets are no list")]
    List,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Written<'a> {
    id: &'a str,
    created: Timestamp,
    value: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stored {
    id: String,
    created: Timestamp,
    value: SecretString,
}

/// What is to be sealed; nothing for a client without a secret.
pub(super) fn write(client: &AppClient) -> Option<Result<Zeroizing<Vec<u8>>, serde_json::Error>> {
    let secrets = &client.client_secrets;
    match secrets.as_slice() {
        [] => None,
        [only] if only.id == first(client, only.value.clone()).id => {
            Some(Ok(Zeroizing::new(only.value.expose_secret().as_bytes().to_vec())))
        }
        _ => {
            let list: Vec<Written<'_>> = secrets
                .iter()
                .map(|secret| Written {
                    id: &secret.id,
                    created: secret.created,
                    value: secret.value.expose_secret(),
                })
                .collect();
            Some(serde_json::to_vec(&list).map(Zeroizing::new))
        }
    }
}

/// The secrets of this client, whose document is read already, out of what was sealed.
pub(super) fn read(unsealed: &[u8], client: &AppClient) -> Result<Vec<ClientSecret>, Unreadable> {
    if !unsealed.starts_with(b"[") {
        return Ok(vec![first(client, SecretString::from(std::str::from_utf8(unsealed)?))]);
    }
    // The reason would repeat what could not be read.
    let list: Vec<Stored> = serde_json::from_slice(unsealed).map_err(|_| Unreadable::List)?;
    let secret =
        |stored: Stored| ClientSecret { id: stored.id, created: stored.created, value: stored.value };
    Ok(list.into_iter().map(secret).collect())
}

/// The secret that was made with the client.
fn first(client: &AppClient, value: SecretString) -> ClientSecret {
    ClientSecret::new(&client.client_id, client.creation_date, value, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn again(client: &AppClient) -> Vec<(String, String)> {
        let stored = write(client).unwrap().unwrap();
        let secrets = read(&stored, client).unwrap();
        secrets.into_iter().map(|secret| (secret.id, secret.value.expose_secret().to_owned())).collect()
    }

    fn with(client: &mut AppClient, created: f64, value: &str) {
        let known = &client.client_secrets;
        let made = ClientSecret::new(&client.client_id, Timestamp(created), value.into(), known);
        client.client_secrets.push(made);
    }

    #[test]
    fn a_record_from_before_second_secrets_is_read_and_still_written() {
        let mut client = testing::client(serde_json::json!({}));
        let secrets = read(b"the_only_secret_of_the_client", &client).unwrap();
        let seconds = client.creation_date.moment().unix_timestamp();
        assert_eq!(secrets[0].id, format!("{}--{seconds}", client.client_id));
        assert_eq!(secrets[0].created, client.creation_date);
        client.client_secrets = secrets;
        assert_eq!(write(&client).unwrap().unwrap().as_slice(), b"the_only_secret_of_the_client");
        client.client_secrets.clear();
        assert!(write(&client).is_none());
    }

    #[test]
    fn two_secrets_and_one_that_came_later_keep_their_ids_and_their_order() {
        let mut client = testing::client(serde_json::json!({}));
        let created = client.creation_date.0;
        with(&mut client, created, "old");
        with(&mut client, created + 100.0, "new");
        let both = again(&client);
        assert_eq!(both[0].1, "old");
        assert_eq!(both[1].1, "new");
        assert_ne!(both[0].0, both[1].0);
        client.client_secrets.remove(0);
        assert_eq!(again(&client), both[1..], "the one that is left does not become the first again");
    }

    #[test]
    fn what_cannot_be_read_is_not_repeated() {
        let client = testing::client(serde_json::json!({}));
        let error = read(br#"[{"Value":"hush"}]"#, &client).unwrap_err();
        assert!(!error.to_string().contains("hush"), "{error}");
        assert!(read(&[0xFF, 0xFE], &client).is_err());
    }
}
