//! Every key of a pool, and how they are stored.

use std::sync::Arc;

use poolgate_providers::Random;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::KeyError;
use super::capsule::CapsuleKey;
use super::rolling::Rolling;
use super::saml_encryption::SamlEncryption;
use super::saml_identity::{SamlIdentity, self_signed};
use super::saml_signing::SamlSigning;
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
    /// Decrypts SAML assertions.
    SamlEncryption,
}

impl KeyUse {
    const ALL: [Self; 5] =
        [Self::IdToken, Self::AccessToken, Self::RefreshToken, Self::SamlSigning, Self::SamlEncryption];

    /// Whether it has a certificate that providers know, and rolls over.
    pub const fn is_saml(self) -> bool {
        matches!(self, Self::SamlSigning | Self::SamlEncryption)
    }

    const fn in_words(self) -> &'static str {
        match self {
            Self::IdToken => "ID token",
            Self::AccessToken => "access token",
            Self::RefreshToken => "refresh token",
            Self::SamlSigning => "SAML signing",
            Self::SamlEncryption => "SAML encryption",
        }
    }
}

/// The public half of a stored key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Unique in the pool.
    pub id: String,
    /// What it is for. Of several one is used (see `used_from`; of SAML encryption keys the newest), all are still
    /// accepted.
    #[serde(rename = "use")]
    pub key_use: KeyUse,
    /// When it was made, seconds since 1970.
    pub created: i64,
    /// SAML: base64 of the DER certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Published at once, used from this moment on, seconds since 1970. 0: at once.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub used_from: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// A pool's keys, ready for use.
#[derive(Clone)]
pub struct PoolKeys {
    ids: Vec<String>,
    records: Arc<[KeyRecord]>,
    id: Rolling<SigningKey>,
    access: Rolling<SigningKey>,
    refresh: Rolling<Arc<CapsuleKey>>,
    saml_signing: Arc<SamlSigning>,
    saml_encryption: Vec<Arc<SamlEncryption>>,
}

/// A key with its private half, as it goes to the directory.
pub struct NewKey {
    /// Public half.
    pub record: KeyRecord,
    /// Private half: PKCS#8, or 32 bytes.
    pub secret: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("NewKey").field("record", &self.record).finish_non_exhaustive()
    }
}

/// Makes all keys of a new pool. Takes a few hundred milliseconds: call it off the event loop.
///
/// # Errors
/// When the cryptography library fails.
pub fn make(pool_id: &str, random: &dyn Random, now: OffsetDateTime) -> Result<Vec<NewKey>, KeyError> {
    KeyUse::ALL.into_iter().map(|key_use| make_one(key_use, pool_id, random, now)).collect()
}

/// Makes one key, used at once. Takes tens of milliseconds: call it off the event loop.
///
/// # Errors
/// When the cryptography library fails.
pub fn make_one(
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
    let certificate = if key_use.is_saml() {
        let mut serial = [0_u8; 16];
        random.fill(&mut serial);
        serial[0] &= 0x7f;
        Some(self_signed(&secret, pool_id, &serial, now)?)
    } else {
        None
    };
    let id = poolgate_providers::ambient::random_token(random, 12);
    let record = KeyRecord { id, key_use, created: now.unix_timestamp(), certificate, used_from: 0 };
    Ok(NewKey { record, secret })
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
        let records: Vec<_> = keys.iter().map(|(record, _)| record.clone()).collect();
        let mut ids: Vec<_> = records.iter().map(|record| record.id.clone()).collect();
        ids.sort();
        let (mut id, mut access, mut refresh) = (vec![], vec![], vec![]);
        let (mut saml_signing, mut saml_encryption) = (vec![], vec![]);
        for (mut record, secret) in keys {
            let certificate = record.certificate.take();
            let certificate = || certificate.ok_or_else(|| KeyError::Unusable(record.id.clone()));
            match record.key_use {
                KeyUse::IdToken => id.push((record, SigningKey::from_pkcs8(&secret)?)),
                KeyUse::AccessToken => access.push((record, SigningKey::from_pkcs8(&secret)?)),
                KeyUse::RefreshToken => {
                    let key = Arc::new(CapsuleKey::new(&record.id, &secret)?);
                    refresh.push((record, key));
                }
                KeyUse::SamlSigning => {
                    let identity = Arc::new(SamlIdentity::new(&secret, certificate()?)?);
                    saml_signing.push((record, identity));
                }
                KeyUse::SamlEncryption => {
                    saml_encryption.push(Arc::new(SamlEncryption::new(&secret, certificate()?)?));
                }
            }
        }
        let missing = |key_use: KeyUse| KeyError::Missing(pool_id.to_owned(), key_use.in_words());
        let id = Rolling::new(id).ok_or_else(|| missing(KeyUse::IdToken))?;
        let access = Rolling::new(access).ok_or_else(|| missing(KeyUse::AccessToken))?;
        let refresh = Rolling::new(refresh).ok_or_else(|| missing(KeyUse::RefreshToken))?;
        if saml_encryption.is_empty() {
            return Err(missing(KeyUse::SamlEncryption));
        }
        let saml_signing = SamlSigning::new(saml_signing).ok_or_else(|| missing(KeyUse::SamlSigning))?;
        let saml_signing = Arc::new(saml_signing);
        Ok(Self { ids, records: records.into(), id, access, refresh, saml_signing, saml_encryption })
    }

    /// The ids of all these keys, in order: the same ids are the same keys.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Signs ID tokens at `now`.
    pub fn id_token(&self, now: OffsetDateTime) -> &SigningKey {
        self.id.in_use(now)
    }

    /// Signs access tokens at `now`.
    pub fn access_token(&self, now: OffsetDateTime) -> &SigningKey {
        self.access.in_use(now)
    }

    /// Seals refresh tokens at `now`.
    pub fn refresh_token(&self, now: OffsetDateTime) -> &CapsuleKey {
        self.refresh.in_use(now)
    }

    /// Every key that may have sealed a live refresh token.
    pub fn refresh_tokens(&self) -> impl Iterator<Item = &CapsuleKey> {
        self.refresh.all().map(AsRef::as_ref)
    }

    /// Signs SAML messages: which key depends on the moment.
    pub fn saml_signing(&self) -> &Arc<SamlSigning> {
        &self.saml_signing
    }

    /// Every key that a provider may have encrypted an assertion for, at least one, newest first: that one is
    /// shown to providers.
    pub fn saml_encryption(&self) -> &[Arc<SamlEncryption>] {
        &self.saml_encryption
    }

    /// The certificate that providers are to encrypt for: base64 of its DER.
    pub fn encryption_certificate(&self) -> &str {
        self.saml_encryption[0].certificate()
    }

    /// The public halves, newest first.
    pub fn records(&self) -> &[KeyRecord] {
        &self.records
    }

    /// Every public signing key of tokens: what the JWKS shows, also before a key signs and after it did.
    pub fn token_keys(&self) -> impl Iterator<Item = &SigningKey> {
        self.id.all().chain(self.access.all())
    }

    /// The access-token key of this key id.
    pub fn access_key(&self, kid: &str) -> Option<&SigningKey> {
        self.access.all().find(|key| key.kid() == kid)
    }

    /// The ID-token key of this key id.
    pub fn id_key(&self, kid: &str) -> Option<&SigningKey> {
        self.id.all().find(|key| key.kid() == kid)
    }

    /// The key id in tokens and JWKS of a stored key that signs tokens.
    pub fn kid(&self, record: &str) -> Option<&str> {
        self.id.of_record(record).or_else(|| self.access.of_record(record)).map(SigningKey::kid)
    }
}
