//! Every key of a pool, and how they are stored.

use std::sync::Arc;

use poolgate_providers::Random;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::KeyError;
use super::capsule::CapsuleKey;
use super::saml_identity::{SamlIdentity, self_signed};
use super::signing::{SigningKey, generate_pkcs8};

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyUse {
    /// Signs ID tokens.
    IdToken,
    /// Signs access tokens.
    AccessToken,
    /// Seals refresh tokens.
    RefreshToken,
    /// Signs SAML requests.
    SamlSigning,
}

impl KeyUse {
    const ALL: [Self; 4] = [Self::IdToken, Self::AccessToken, Self::RefreshToken, Self::SamlSigning];

    const fn in_words(self) -> &'static str {
        match self {
            Self::IdToken => "ID token",
            Self::AccessToken => "access token",
            Self::RefreshToken => "refresh token",
            Self::SamlSigning => "SAML signing",
        }
    }
}

/// The public half of a stored key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Unique in the pool.
    pub id: String,
    /// What it is for. Of several the newest is used, all are still accepted.
    #[serde(rename = "use")]
    pub key_use: KeyUse,
    /// When it was made, seconds since 1970.
    pub created: i64,
    /// SAML: base64 of the DER certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

/// A pool's keys, ready for use.
#[derive(Clone)]
pub struct PoolKeys {
    ids: Vec<String>,
    id: Vec<SigningKey>,
    access: Vec<SigningKey>,
    refresh: Vec<Arc<CapsuleKey>>,
    saml: Vec<Arc<SamlIdentity>>,
}

/// A key with its private half, as it goes to the directory.
pub struct NewKey {
    /// Public half.
    pub record: KeyRecord,
    /// Private half: PKCS#8, or 32 bytes.
    pub secret: Zeroizing<Vec<u8>>,
}

/// Makes all keys of a new pool. Takes a few hundred milliseconds: call it off the event loop.
///
/// # Errors
/// When the cryptography library fails.
pub fn make(pool_id: &str, random: &dyn Random, now: OffsetDateTime) -> Result<Vec<NewKey>, KeyError> {
    KeyUse::ALL.into_iter().map(|key_use| make_one(key_use, pool_id, random, now)).collect()
}

fn make_one(
    key_use: KeyUse,
    pool_id: &str,
    random: &dyn Random,
    now: OffsetDateTime,
) -> Result<NewKey, KeyError> {
    let secret = if key_use == KeyUse::RefreshToken {
        let mut bytes = Zeroizing::new(vec![0_u8; 32]);
        random.fill(&mut bytes);
        bytes
    } else {
        generate_pkcs8()?
    };
    let certificate = if key_use == KeyUse::SamlSigning {
        let mut serial = [0_u8; 16];
        random.fill(&mut serial);
        serial[0] &= 0x7f;
        Some(self_signed(&secret, pool_id, &serial, now)?)
    } else {
        None
    };
    let id = poolgate_providers::ambient::random_token(random, 12);
    Ok(NewKey { record: KeyRecord { id, key_use, created: now.unix_timestamp(), certificate }, secret })
}

impl PoolKeys {
    /// From the stored keys of a pool: of each use there must be one.
    ///
    /// # Errors
    /// When a key is missing or cannot be parsed.
    pub fn from_stored(
        pool_id: &str,
        mut keys: Vec<(KeyRecord, Zeroizing<Vec<u8>>)>,
    ) -> Result<Self, KeyError> {
        keys.sort_by(|a, b| (b.0.created, &b.0.id).cmp(&(a.0.created, &a.0.id)));
        let mut ids: Vec<_> = keys.iter().map(|(record, _)| record.id.clone()).collect();
        ids.sort();
        let mut all = Self { ids, id: vec![], access: vec![], refresh: vec![], saml: vec![] };
        for (record, secret) in keys {
            match record.key_use {
                KeyUse::IdToken => all.id.push(SigningKey::from_pkcs8(&secret)?),
                KeyUse::AccessToken => all.access.push(SigningKey::from_pkcs8(&secret)?),
                KeyUse::RefreshToken => all.refresh.push(Arc::new(CapsuleKey::new(&record.id, &secret)?)),
                KeyUse::SamlSigning => {
                    let certificate = record.certificate.ok_or(KeyError::Unusable(record.id))?;
                    all.saml.push(Arc::new(SamlIdentity::new(&secret, certificate)?));
                }
            }
        }
        for key_use in KeyUse::ALL {
            let present = match key_use {
                KeyUse::IdToken => !all.id.is_empty(),
                KeyUse::AccessToken => !all.access.is_empty(),
                KeyUse::RefreshToken => !all.refresh.is_empty(),
                KeyUse::SamlSigning => !all.saml.is_empty(),
            };
            if !present {
                return Err(KeyError::Missing(pool_id.to_owned(), key_use.in_words()));
            }
        }
        Ok(all)
    }

    /// The ids of all these keys, in order: the same ids are the same keys.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Signs ID tokens.
    pub fn id_token(&self) -> &SigningKey {
        &self.id[0]
    }

    /// Signs access tokens.
    pub fn access_token(&self) -> &SigningKey {
        &self.access[0]
    }

    /// Seals refresh tokens.
    pub fn refresh_token(&self) -> &CapsuleKey {
        &self.refresh[0]
    }

    /// Every key that may have sealed a live refresh token.
    pub fn refresh_tokens(&self) -> impl Iterator<Item = &CapsuleKey> {
        self.refresh.iter().map(AsRef::as_ref)
    }

    /// The pool as SAML service provider.
    pub fn saml(&self) -> &Arc<SamlIdentity> {
        &self.saml[0]
    }

    /// Every public signing key of tokens: what the JWKS shows.
    pub fn token_keys(&self) -> impl Iterator<Item = &SigningKey> {
        self.id.iter().chain(&self.access)
    }

    /// The access-token key of this id.
    pub fn access_key(&self, kid: &str) -> Option<&SigningKey> {
        self.access.iter().find(|key| key.kid() == kid)
    }

    /// The ID-token key of this id.
    pub fn id_key(&self, kid: &str) -> Option<&SigningKey> {
        self.id.iter().find(|key| key.kid() == kid)
    }
}
