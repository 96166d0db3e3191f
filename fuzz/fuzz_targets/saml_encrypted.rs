//! An encrypted assertion from anybody: no panic, and nobody is signed in but whom the seeds name.
//!
//! Input is a Response after an `R`, or after a `P` the text of an assertion that is encrypted here, so that
//! the fuzzer reaches behind the decryption. Every EncryptedKey opens to the same content key.
#![no_main]

mod common;

use std::sync::{Arc, LazyLock};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{KNOWN, provider, signed_in};
use libfuzzer_sys::fuzz_target;
use poolgate_providers::saml::SamlProvider;
use poolgate_providers::saml::encryption::{KeyDecryption, Oaep};
use zeroize::Zeroizing;

const CONTENT_KEY: [u8; 32] = [7; 32];

struct OneKey;

impl KeyDecryption for OneKey {
    fn unwrap_key(&self, _: Oaep, _: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(CONTENT_KEY[..length.min(32)].to_vec())
    }
}

static PROVIDER: LazyLock<SamlProvider> =
    LazyLock::new(|| provider(&[("insecure_allow_aes_cbc", "true")]).with_decryption(vec![Arc::new(OneKey)]));

/// The seed with an encrypted assertion in a Response that nobody signed, in two: around the ciphertext.
static AROUND: LazyLock<(String, String)> = LazyLock::new(|| {
    let seed = include_str!("../seeds/saml_encrypted/bare.xml").strip_prefix('R').expect("a Response");
    let (before, after) = seed.rsplit_once("</xenc:CipherValue>").expect("a ciphertext");
    let (before, _) = before.rsplit_once('>').expect("its start");
    (format!("{before}>"), format!("</xenc:CipherValue>{after}"))
});

fn encrypted(text: &[u8]) -> String {
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &CONTENT_KEY).expect("a key"));
    let nonce = [3; 12];
    let mut sealed = text.to_vec();
    cipher
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)
        .expect("encrypted");
    let (before, after) = &*AROUND;
    format!("{before}{}{after}", STANDARD.encode([&nonce[..], &sealed].concat()))
}

fuzz_target!(|data: &[u8]| {
    let somebody = match data.split_first() {
        Some((b'R', response)) => signed_in(&PROVIDER, response),
        Some((b'P', plaintext)) => signed_in(&PROVIDER, encrypted(plaintext).as_bytes()),
        _ => None,
    };
    if let Some(somebody) = somebody {
        assert!(KNOWN.contains(&somebody), "signed in: {somebody}");
    }
});
