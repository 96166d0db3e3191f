//! Encrypts for tests, as a provider does.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PrivateDecryptingKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poolgate_providers::saml::{KeyDecryption, RsaDecryption};

pub const XMLENC: &str = "http://www.w3.org/2001/04/xmlenc#";
pub const XMLENC11: &str = "http://www.w3.org/2009/xmlenc11#";
pub const SHA1: &str = r#"<ds:DigestMethod xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/>"#;
pub const SHA256: &str = r#"<ds:DigestMethod xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>"#;

pub fn mgf(name: &str) -> String {
    format!(r#"<x:MGF xmlns:x="{XMLENC11}" Algorithm="{XMLENC11}{name}"/>"#)
}

/// A key pair of the pool.
pub struct PoolKey {
    pub pkcs8: Vec<u8>,
    public: OaepPublicEncryptingKey,
}

impl PoolKey {
    fn generate() -> Self {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let public = OaepPublicEncryptingKey::new(key.public_key()).unwrap();
        Self { pkcs8: key.as_der().unwrap().as_ref().to_vec(), public }
    }

    pub fn decryption(&self) -> Arc<dyn KeyDecryption> {
        Arc::new(RsaDecryption::from_pkcs8(&self.pkcs8).unwrap())
    }
}

pub fn pool_key() -> &'static PoolKey {
    static KEY: OnceLock<PoolKey> = OnceLock::new();
    KEY.get_or_init(PoolKey::generate)
}

pub fn other_pool_key() -> &'static PoolKey {
    static KEY: OnceLock<PoolKey> = OnceLock::new();
    KEY.get_or_init(PoolKey::generate)
}

/// How something is encrypted. `Default` is AES-256-GCM under rsa-oaep-mgf1p, the key inside, for the pool.
#[derive(Clone)]
pub struct Sealing {
    pub content: String,
    pub transport: String,
    /// What stands in the EncryptionMethod of the EncryptedKey.
    pub parameters: String,
    pub sha256: bool,
    pub key: &'static PoolKey,
    pub content_key: Vec<u8>,
    /// Of the EncryptedKey.
    pub attributes: String,
    pub padding: fn(&mut Vec<u8>),
    /// Changes the octets of the content after encryption.
    pub spoil: fn(&mut Vec<u8>),
    /// The same of the encrypted key.
    pub spoil_key: fn(&mut Vec<u8>),
}

impl Default for Sealing {
    fn default() -> Self {
        Self {
            content: format!("{XMLENC11}aes256-gcm"),
            transport: format!("{XMLENC}rsa-oaep-mgf1p"),
            parameters: String::new(),
            sha256: false,
            key: pool_key(),
            content_key: vec![0x5a; 32],
            attributes: String::new(),
            padding: pad,
            spoil: |_| (),
            spoil_key: |_| (),
        }
    }
}

/// The padding of XML Encryption 1.1 section 5.2.1.
pub fn pad(plain: &mut Vec<u8>) {
    let count = 16 - plain.len() % 16;
    plain.extend(std::iter::repeat_n(0xee, count - 1));
    plain.push(u8::try_from(count).unwrap());
}

impl Sealing {
    pub fn with(content: &str) -> Self {
        let space = if content.ends_with("gcm") { XMLENC11 } else { XMLENC };
        let bytes = if content.contains("128") { 16 } else { 32 };
        Self { content: format!("{space}{content}"), content_key: vec![0x5a; bytes], ..Self::default() }
    }

    fn octets(&self, plain: &[u8]) -> Vec<u8> {
        let mut text = plain.to_vec();
        let key = &self.content_key;
        let mut octets = if self.content.ends_with("gcm") {
            let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
            let sealing = LessSafeKey::new(UnboundKey::new(algorithm, key).unwrap());
            sealing
                .seal_in_place_append_tag(Nonce::assume_unique_for_key([9; 12]), Aad::empty(), &mut text)
                .unwrap();
            [&[9; 12][..], &text].concat()
        } else {
            (self.padding)(&mut text);
            let algorithm = if key.len() == 16 { &AES_128 } else { &AES_256 };
            let sealing = EncryptingKey::cbc(UnboundCipherKey::new(algorithm, key).unwrap()).unwrap();
            let vector = EncryptionContext::Iv128(FixedLength::from([9; 16]));
            sealing.less_safe_encrypt(&mut text, vector).unwrap();
            [&[9; 16][..], &text].concat()
        };
        (self.spoil)(&mut octets);
        octets
    }

    /// The content key, encrypted.
    pub fn wrapped(&self) -> Vec<u8> {
        let algorithm = if self.sha256 { &OAEP_SHA256_MGF1SHA256 } else { &OAEP_SHA1_MGF1SHA1 };
        let mut room = vec![0; self.key.public.ciphertext_size()];
        let mut wrapped =
            self.key.public.encrypt(algorithm, &self.content_key, &mut room, None).unwrap().to_vec();
        (self.spoil_key)(&mut wrapped);
        wrapped
    }

    pub fn encrypted_key(&self) -> String {
        let wrapped = self.wrapped();
        format!(
            r#"<xenc:EncryptedKey xmlns:xenc="{XMLENC}" {}><xenc:EncryptionMethod Algorithm="{}">{}</xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>"#,
            self.attributes,
            self.transport,
            self.parameters,
            STANDARD.encode(wrapped)
        )
    }

    /// The EncryptedData, with `keys` in its KeyInfo.
    pub fn data(&self, plain: &[u8], keys: &str) -> String {
        format!(
            r#"<xenc:EncryptedData xmlns:xenc="{XMLENC}" Type="{XMLENC}Element"><xenc:EncryptionMethod Algorithm="{}"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">{keys}</ds:KeyInfo><xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>"#,
            self.content,
            STANDARD.encode(self.octets(plain))
        )
    }

    pub fn seal(&self, plain: impl AsRef<[u8]>) -> String {
        self.data(plain.as_ref(), &self.encrypted_key())
    }
}
