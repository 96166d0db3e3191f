//! How fast a SAML Response is gated, verified and believed, beside a raw RSA verification.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

#[path = "../tests/saml_idp/mod.rs"]
mod saml_idp;

use std::hint::black_box;
use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::signature::{self, KeyPair as _, ParsedPublicKey, RsaKeyPair};
use base64::Engine as _;
use criterion::{Criterion, criterion_group, criterion_main};
use poolgate_providers::saml::gate::{Policy, Root, admit};
use poolgate_providers::saml::{RustEngine, SignedXml as _};
use poolgate_providers::{Inbound, Provider as _, ProviderError, UsedOnce};
use saml_idp::{Answer, IDP, NOW, facts, good_key, metadata_of, provider, surroundings};
use time::OffsetDateTime;

struct Always;

#[async_trait]
impl UsedOnce for Always {
    async fn first_use(&self, _: &str, _: OffsetDateTime) -> Result<bool, ProviderError> {
        Ok(true)
    }
}

fn saml(bench: &mut Criterion) {
    let xml = Answer::default().xml();
    println!("a Response of {} bytes, its assertion signed with RSA-2048", xml.len());
    let policy = Policy::default();
    bench.bench_function("gate", |run| run.iter(|| admit(black_box(&xml), Root::Response, policy).unwrap()));
    let keys = metadata_of(IDP, &[&good_key().certificate]).keys;
    let gated = admit(&xml, Root::Response, policy).unwrap();
    bench.bench_function("engine", |run| run.iter(|| RustEngine.verify(&gated, &keys, policy, NOW).unwrap()));
    let provider = provider(&[]);
    let around = surroundings(NOW, Arc::new(Always));
    let field = base64::engine::general_purpose::STANDARD.encode(&xml);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let facts = facts();
    bench.bench_function("finish", |run| {
        run.iter(|| {
            runtime.block_on(provider.finish(&around, &facts, Inbound::SamlResponse(field.clone()))).unwrap()
        });
    });
    let pair =
        RsaKeyPair::from_pkcs8(&rcgen::KeyPair::from_pem(&good_key().pem).unwrap().serialize_der()).unwrap();
    let mut made = vec![0; pair.public_modulus_len()];
    let random = aws_lc_rs::rand::SystemRandom::new();
    pair.sign(&signature::RSA_PKCS1_SHA256, &random, xml.as_bytes(), &mut made).unwrap();
    let key =
        ParsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref()).unwrap();
    bench.bench_function("raw RSA verify", |run| run.iter(|| key.verify_sig(xml.as_bytes(), &made).unwrap()));
}

criterion_group!(benches, saml);
criterion_main!(benches);
