//! How many SAML Responses are verified a second and core, beside the raw RSA verification that each needs
//! and beside xmlsec1, in the same run.
//!
//! Only this thread's CPU time counts (`/proc/thread-self/stat`), so that what else the machine does is not
//! in the figures. The xmlsec1 program is a process of its own and verifies the file many times over.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]
#![allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]

#[path = "../tests/saml_idp/mod.rs"]
mod saml_idp;

use std::hint::black_box;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_lc_rs::signature::{self, KeyPair as _, ParsedPublicKey, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poolgate_providers::saml::gate::{Policy, Root, admit};
use poolgate_providers::saml::{Engines, RustEngine, SamlProvider, SignedXml};
use poolgate_providers::{Inbound, Provider as _, ProviderError, UsedOnce};
use saml_idp::{Answer, IDP, NOW, facts, good_key, metadata_of, provider, surroundings};
use time::OffsetDateTime;

const MEASURED: Duration = Duration::from_secs(3);
/// How often the xmlsec1 program verifies.
const REPEATS: u32 = 20_000;

struct Always;

#[async_trait]
impl UsedOnce for Always {
    async fn first_use(&self, _: &str, _: OffsetDateTime) -> Result<bool, ProviderError> {
        Ok(true)
    }
}

/// CPU time of a process or thread, from its `stat` file: user and system, in ticks of 10 ms. `children`:
/// of the children it has waited for.
fn cpu(stat: &str, children: bool) -> Duration {
    let text = std::fs::read_to_string(stat).unwrap();
    // The name, second, stands in parentheses and may hold spaces: count from behind it.
    let fields: Vec<_> = text[text.rfind(')').unwrap() + 2..].split(' ').collect();
    let from = if children { 13 } else { 11 };
    let ticks: u64 = fields[from].parse::<u64>().unwrap() + fields[from + 1].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// Times a second and core.
fn rate(mut work: impl FnMut()) -> f64 {
    (0..20).for_each(|_| work());
    let (before, end, mut rounds) = (cpu("/proc/thread-self/stat", false), Instant::now() + MEASURED, 0_u32);
    while Instant::now() < end {
        (0..20).for_each(|_| work());
        rounds += 20;
    }
    f64::from(rounds) / (cpu("/proc/thread-self/stat", false) - before).as_secs_f64()
}

fn raw_rsa(text: &[u8]) -> f64 {
    let pair =
        RsaKeyPair::from_pkcs8(&rcgen::KeyPair::from_pem(&good_key().pem).unwrap().serialize_der()).unwrap();
    let mut made = vec![0; pair.public_modulus_len()];
    let random = aws_lc_rs::rand::SystemRandom::new();
    pair.sign(&signature::RSA_PKCS1_SHA256, &random, text, &mut made).unwrap();
    let key =
        ParsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref()).unwrap();
    rate(|| key.verify_sig(black_box(text), &made).unwrap())
}

fn finish(provider: &SamlProvider, xml: &str) -> f64 {
    let (around, facts) = (surroundings(NOW, Arc::new(Always)), facts());
    let field = STANDARD.encode(xml);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    rate(|| {
        let answer = Inbound::SamlResponse(field.clone());
        runtime.block_on(provider.finish(&around, &facts, answer)).unwrap();
    })
}

/// libxmlsec1 in this process, as samael calls it: it parses, loads the certificate, and verifies.
#[cfg(feature = "samael")]
fn libxmlsec1(xml: &str) -> Option<f64> {
    use samael::crypto::{CertificateDer, Crypto, CryptoProvider as _};
    let certificate = CertificateDer::from(good_key().certificate.clone());
    Some(rate(|| Crypto::verify_signed_xml(black_box(xml), &certificate, Some("ID")).unwrap()))
}

#[cfg(not(feature = "samael"))]
fn libxmlsec1(_: &str) -> Option<f64> {
    None
}

/// The xmlsec1 program, its own start included.
fn xmlsec1(xml: &str) -> Option<f64> {
    let folder = std::env::temp_dir().join(format!("poolgate-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (document, certificate) = (folder.join("response.xml"), folder.join("certificate.der"));
    std::fs::write(&document, xml).unwrap();
    std::fs::write(&certificate, &good_key().certificate).unwrap();
    let before = cpu("/proc/self/stat", true);
    let done = Command::new("xmlsec1")
        .args(["--verify", "--repeat", &REPEATS.to_string(), "--pubkey-cert-der"])
        .arg(&certificate)
        .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"])
        .arg(&document)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let spent = cpu("/proc/self/stat", true) - before;
    std::fs::remove_dir_all(&folder).unwrap();
    let verified = done.is_ok_and(|status| status.success());
    verified.then(|| f64::from(REPEATS) / spent.as_secs_f64())
}

fn main() {
    // `cargo test --benches` wants to see it start, no more.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let xml = Answer::default().xml();
    let policy = Policy::default();
    let keys = metadata_of(IDP, &[&good_key().certificate]).keys;
    let gated = admit(&xml, Root::Response, policy).unwrap();
    let verified = |engine: &dyn SignedXml| rate(|| drop(engine.verify(&gated, &keys, policy, NOW).unwrap()));
    let one = || provider(&[]).with_engine(Arc::new(RustEngine));
    let raw = raw_rsa(xml.as_bytes());
    let mut lines = vec![
        ("raw RSA-2048 verification (aws-lc-rs)", Some(raw)),
        ("gate", Some(rate(|| drop(admit(black_box(&xml), Root::Response, policy).unwrap())))),
        ("signature: Rust engine", Some(verified(&RustEngine))),
        ("signature: both engines", Engines::both().map(|both| verified(&*both.engine()))),
        ("signature: libxmlsec1 in process, no gate", libxmlsec1(&xml)),
        ("signature: xmlsec1 program, no gate", xmlsec1(&xml)),
        ("whole Response: Rust engine", Some(finish(&one(), &xml))),
    ];
    let both = Engines::both().map(|both| finish(&provider(&[]).with_engine(both.engine()), &xml));
    lines.push(("whole Response: both engines", both));
    let beside = lines.iter().find(|(name, _)| name.contains("xmlsec1 program")).and_then(|(_, rate)| *rate);
    println!("a Response of {} bytes, its assertion signed with RSA-2048; each second of CPU:", xml.len());
    println!("{:<44} {:>9} {:>12} {:>12}", "", "per s", "of raw RSA", "of xmlsec1");
    for (name, rate) in lines {
        let Some(rate) = rate else {
            println!("{name:<44} {:>9}", "-");
            continue;
        };
        let ratio = beside.map_or_else(|| "-".to_owned(), |beside| format!("{:.2}", rate / beside));
        println!("{name:<44} {rate:>9.0} {:>12.2} {ratio:>12}", rate / raw);
    }
}
