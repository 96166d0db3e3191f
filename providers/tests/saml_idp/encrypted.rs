//! Responses with encrypted parts, and what becomes of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use poolgate_providers::saml::SamlProvider;
use poolgate_providers::saml::encryption::{KeyDecryption, Oaep};
use poolgate_providers::{ExternalIdentity, ProviderError};
use zeroize::Zeroizing;

use super::sealing::{PoolKey, pool_key};
use super::{
    Answer, Key, Memory, NOW, RSA_SHA256, facts, finish_with, good_key, provider, sign, surroundings,
    template,
};

pub const ALGORITHMS: [&str; 4] = ["aes128-gcm", "aes256-gcm", "aes128-cbc", "aes256-cbc"];

/// An assertion by itself, signed or not.
pub fn assertion(answer: &Answer, signer: Option<&Key>) -> String {
    match signer {
        Some(key) => sign(&answer.assertion(&template(&answer.assertion_id, RSA_SHA256, "")), &key.pem),
        None => answer.assertion(""),
    }
}

pub fn plain() -> String {
    assertion(&Answer::default(), None)
}

pub fn inner_signed() -> String {
    assertion(&Answer::default(), Some(good_key()))
}

/// A Response around these encrypted parts.
pub fn around(parts: &str, signer: Option<&Key>) -> String {
    let answer = Answer::default();
    let wrapped = format!("<saml:EncryptedAssertion>{parts}</saml:EncryptedAssertion>");
    match signer {
        Some(key) => sign(&answer.around(&template("_response1", RSA_SHA256, ""), &wrapped), &key.pem),
        None => answer.around("", &wrapped),
    }
}

pub fn signed_around(parts: &str) -> String {
    around(parts, Some(good_key()))
}

pub fn with_keys(pairs: &[(&str, &str)], keys: &[&PoolKey]) -> SamlProvider {
    provider(pairs).with_decryption(keys.iter().map(|key| key.decryption()).collect())
}

pub fn finish_by(provider: &SamlProvider, xml: &str) -> Result<ExternalIdentity, ProviderError> {
    finish_with(provider, &surroundings(NOW, Arc::<Memory>::default()), &facts(), xml)
}

pub fn finish(xml: &str) -> Result<ExternalIdentity, ProviderError> {
    finish_by(&with_keys(&[], &[pool_key()]), xml)
}

/// Counts how often a key is used.
pub struct Counting(pub AtomicUsize, pub Arc<dyn KeyDecryption>);

impl KeyDecryption for Counting {
    fn unwrap_key(&self, padding: Oaep, wrapped: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        self.1.unwrap_key(padding, wrapped, length)
    }
}

/// The outcome, and how often a key was used for it.
pub fn counted(pairs: &[(&str, &str)], xml: &str) -> (Result<ExternalIdentity, ProviderError>, usize) {
    let key = Arc::new(Counting(AtomicUsize::new(0), pool_key().decryption()));
    let outcome = finish_by(&provider(pairs).with_decryption(vec![key.clone()]), xml);
    (outcome, key.0.load(Ordering::SeqCst))
}

#[track_caller]
pub fn refused_before_any_key_is_used(xml: &str, check: &str, says: &str) {
    let (outcome, used) = counted(&[("insecure_allow_aes_cbc", "true")], xml);
    let error = outcome.unwrap_err();
    assert_eq!((error.code(), used), (check, 0), "{error}");
    assert!(error.to_string().contains(says), "{error}");
}
