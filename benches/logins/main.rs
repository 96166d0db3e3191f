//! Complete sign-ins a second and core, beside the raw cost of their cryptography in the same run.
//!
//! A sign-in is what a browser and an app do: authorize, the provider's answer, the way back with a code,
//! the code for tokens. Only the gateway's own CPU time counts (`/proc/PID/stat`); providers, browsers and
//! apps run beside it in this process.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench stops at the first surprise"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "outside the gateway, time, HTTP and randomness are the bench's own"
)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the figures are its product")]
#![expect(
    dead_code,
    unused_imports,
    reason = "the harness belongs to the tests; the bench needs a part of it"
)]

#[path = "../../tests/outside/harness/mod.rs"]
mod harness;
mod providers;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use reqwest::redirect::Policy;
use serde_json::json;

use harness::{App, CALLBACK, Gateway, Person};
use providers::{OIDC_CLIENT, Oidc, SAML_BASE, Saml, Signer};

/// Sign-ins under way at once.
const AT_ONCE: usize = 32;
/// Different people; later sign-ins find their user there.
const PEOPLE: usize = 2_000;
const WARM_UP: Duration = Duration::from_secs(3);
const MEASURED: Duration = Duration::from_secs(20);
const RAW: Duration = Duration::from_secs(3);
const STARTS: usize = 5;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Saml,
    Oidc,
}

struct Stage {
    app: App,
    browser: Person,
    saml: Saml,
    oidc: Oidc,
    acs: url::Url,
    number: AtomicUsize,
}

impl Stage {
    async fn sign_in(&self, kind: Kind) {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let (person, browser) = (format!("person{}", number % PEOPLE), self.browser.another());
        let landing = match kind {
            Kind::Saml => {
                let authorize = self.app.authorize_url(&[("identity_provider", "Saml")]);
                let request = browser.open(&authorize, SAML_BASE).await.url;
                let form = self.saml.answer(&request, &person, number);
                browser.post_from(&request, &self.acs, &form, CALLBACK).await
            }
            Kind::Oidc => {
                let authorize = self.app.authorize_url(&[("identity_provider", "Oidc")]);
                let request = browser.open(&authorize, &self.oidc.issuer).await.url;
                browser.open(&self.oidc.answer(&request, &person), CALLBACK).await
            }
        };
        self.app.redeem(&self.app.code(&landing)).await;
    }

    /// Signs people in for so long; how long each took.
    async fn load(self: &Arc<Self>, kind: Kind, how_long: Duration) -> Vec<Duration> {
        let end = Instant::now() + how_long;
        let mut people = tokio::task::JoinSet::new();
        for _ in 0..AT_ONCE {
            let stage = Arc::clone(self);
            people.spawn(async move {
                let mut took = Vec::new();
                while Instant::now() < end {
                    let start = Instant::now();
                    stage.sign_in(kind).await;
                    took.push(start.elapsed());
                }
                took
            });
        }
        let mut took = people.join_all().await.concat();
        took.sort_unstable();
        took
    }
}

/// CPU time of a process or thread, from its `stat` file: user and system, in ticks of 10 ms.
fn cpu(stat: &str) -> Duration {
    let text = std::fs::read_to_string(stat).unwrap();
    // The name, second, stands in parentheses and may hold spaces: count from behind it.
    let fields: Vec<_> = text[text.rfind(')').unwrap() + 2..].split(' ').collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// CPU time of two RSA-2048 signatures and one verification.
fn raw_cryptography() -> Duration {
    let signer = Signer::new();
    let text = [7; 1_000];
    let signature = signer.sign(&text);
    let (before, end, mut rounds) = (cpu("/proc/thread-self/stat"), Instant::now() + RAW, 0);
    while Instant::now() < end {
        for _ in 0..50 {
            std::hint::black_box(signer.sign(&text));
            std::hint::black_box(signer.sign(&text));
            let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, signer.public_key());
            key.verify(&text, &signature).unwrap();
        }
        rounds += 50;
    }
    (cpu("/proc/thread-self/stat") - before) / rounds
}

fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(" unknown");
    let flags = text.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    let ifma = if flags.split(' ').any(|flag| flag == "avx512ifma") { "with" } else { "without" };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores, {}, {ifma} AVX-512-IFMA", model.trim_start_matches([' ', '\t', ':']))
}

fn resident_megabytes(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

async fn stage(gateway: &Gateway) -> Arc<Stage> {
    let (saml, oidc) = (Saml::new(), Oidc::start());
    let saml_mapping = json!({"email": "mail", "given_name": "givenName", "family_name": "sn"});
    let oidc_mapping = json!({"email": "email", "given_name": "given_name", "family_name": "family_name"});
    let oidc_details = json!({
        "client_id": OIDC_CLIENT, "client_secret": "bench", "oidc_issuer": oidc.issuer,
        "authorize_scopes": "openid email profile", "attributes_request_method": "GET",
    });
    let providers = json!([
        {"name": "Saml", "type": "SAML", "details": {"MetadataFile": saml.metadata()}, "mapping": saml_mapping},
        {"name": "Oidc", "type": "OIDC", "details": oidc_details, "mapping": oidc_mapping},
    ]);
    let clients = json!([{"name": "app", "callbacks": [CALLBACK], "providers": ["Saml", "Oidc"]}]);
    let pool = gateway.provision(providers, clients).await;
    let http =
        reqwest::Client::builder().redirect(Policy::none()).timeout(Duration::from_secs(30)).no_proxy();
    Arc::new(Stage {
        app: App::new(&pool, "app"),
        browser: Person::with(http.build().unwrap()),
        saml,
        oidc,
        acs: format!("{}/saml2/idpresponse", gateway.url()).parse().unwrap(),
        number: AtomicUsize::new(0),
    })
}

async fn measure(stage: &Arc<Stage>, gateway: &Gateway, name: &str, kind: Kind, raw: Duration) {
    stage.load(kind, WARM_UP).await;
    let stat = format!("/proc/{}/stat", gateway.pid());
    let (before, start) = (cpu(&stat), Instant::now());
    let took = stage.load(kind, MEASURED).await;
    let (spent, wall) = (cpu(&stat) - before, start.elapsed());
    #[expect(clippy::cast_precision_loss, reason = "a count of sign-ins")]
    let count = took.len() as f64;
    let each = spent.as_secs_f64() / count;
    let quantile = |part: usize| took[(took.len() * part / 100).min(took.len() - 1)].as_secs_f64() * 1e3;
    println!(
        "{name}: {:.0} logins/s/core = {:.0}% of raw cryptography ({:.3} ms CPU each; {} logins, {:.0}/s wall, p50 {:.0} ms, p99 {:.0} ms with {AT_ONCE} at once)",
        1.0 / each,
        100.0 * raw.as_secs_f64() / each,
        each * 1e3,
        took.len(),
        count / wall.as_secs_f64(),
        quantile(50),
        quantile(99),
    );
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    println!("{}", machine());
    let raw = raw_cryptography();
    let raw_line = |raw: Duration| {
        println!(
            "raw: 2 RSA-2048 signatures + 1 verification = {:.3} ms, {:.0}/s/core",
            raw.as_secs_f64() * 1e3,
            1.0 / raw.as_secs_f64()
        );
    };
    raw_line(raw);
    let mut gateway = Gateway::start().await;
    println!("memory: {:.0} MB resident before the first sign-in", resident_megabytes(gateway.pid()));
    let stage = stage(&gateway).await;
    // `cargo bench --bench logins -- oidc` measures one of them.
    let asked: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (name, kind) in [("SAML", Kind::Saml), ("OIDC", Kind::Oidc)] {
        if asked.is_empty() || asked.iter().any(|one| one.eq_ignore_ascii_case(name)) {
            measure(&stage, &gateway, name, kind, raw).await;
        }
    }
    println!(
        "memory: {:.0} MB resident after {} sign-ins",
        resident_megabytes(gateway.pid()),
        stage.number.load(Ordering::Relaxed)
    );
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        assert_eq!(gateway.stop().await, Some(0));
        let start = Instant::now();
        gateway.restart().await;
        starts.push(start.elapsed());
    }
    starts.sort_unstable();
    println!(
        "start: ready {} ms after the process starts, on that data directory",
        starts[STARTS / 2].as_millis()
    );
}
