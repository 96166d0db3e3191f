//! The gateway's clock is set forward and back while it is used (`libfaketime` before the real binary): no wrong
//! sign-in, no panic, tokens with sane times. Providers and apps keep the right time.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Gateway, claims};
use crate::load::{Load, Signed, Soul, Trouble};

/// Seconds that sign-in, process start and a busy machine may take.
const SLACK: i64 = 60;
const HOUR: i64 = 3_600;

/// A gateway whose clock can be set.
struct Clocked {
    gateway: Gateway,
    load: Arc<Load>,
    offset: PathBuf,
    _folder: TempDir,
}

impl Clocked {
    async fn start() -> Self {
        let library = ["x86_64", "aarch64"]
            .map(|machine| format!("/usr/lib/{machine}-linux-gnu/faketime/libfaketimeMT.so.1"))
            .into_iter()
            .find(|path| std::path::Path::new(path).exists())
            .expect("faketime is installed: run scripts/install-test-tools");
        let folder = TempDir::new().unwrap();
        let offset = folder.path().join("offset");
        std::fs::write(&offset, "+0").unwrap();
        let settings = [
            ("LD_PRELOAD", library.as_str()),
            ("FAKETIME_TIMESTAMP_FILE", offset.to_str().unwrap()),
            ("FAKETIME_NO_CACHE", "1"),
            // Only the time of day is set, as an administrator or NTP sets it: durations stay durations.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ];
        let gateway = Gateway::start_with(&settings).await;
        let load = Load::provision(&gateway.url()).await;
        Self { gateway, load, offset, _folder: folder }
    }

    /// Sets its clock so many seconds after the right time, or before it.
    fn set(&self, seconds: i64) {
        let new = self.offset.with_extension("new");
        std::fs::write(&new, format!("{seconds:+}")).unwrap();
        std::fs::rename(new, &self.offset).unwrap();
    }

    async fn sign_in(&self, soul: &Soul) -> Result<Signed, Trouble> {
        let load = &self.load;
        let (browser, request) = (load.browser(), load.request(load.client("app"), soul.provider));
        let at = load.ask(&browser, &request).await?;
        let landing = load.provider_answers(&browser, soul, &at).await?;
        load.redeem(soul, &request, &landing).await
    }

    /// Signs in as soon as that works; how long it took.
    async fn sign_in_again(&self, soul: &Soul) -> Duration {
        let begun = Instant::now();
        loop {
            match self.sign_in(soul).await {
                Ok(_) => return begun.elapsed(),
                Err(trouble) => {
                    assert!(begun.elapsed() < Duration::from_secs(30), "{soul:?}: {trouble:?}");
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The tokens of a refresh are dated `offset` seconds from the right time, and live as long as they should.
    async fn refreshes(&self, signed: &Signed, offset: i64) {
        let answer = self.load.try_refresh(signed).await.unwrap();
        for name in ["id_token", "access_token"] {
            let claims = claims(answer[name].as_str().unwrap());
            let seconds = |name: &str| claims[name].as_i64().unwrap_or_else(|| panic!("{name}: {claims}"));
            assert!((seconds("iat") - now() - offset).abs() < SLACK, "{name} is dated {claims}");
            assert_eq!(seconds("exp") - seconds("iat"), HOUR, "{claims}");
            assert!(seconds("auth_time") <= seconds("iat"), "{claims}");
        }
    }

    async fn is_alive(&self) {
        for path in ["/healthz", "/readyz"] {
            assert_eq!(self.gateway.health(path).await, Some(200), "{path}");
        }
        assert!(!self.gateway.logged().contains("panicked"));
    }
}

fn now() -> i64 {
    i64::try_from(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap()
}

/// The description of the error at the app.
fn refused(signed: Result<Signed, Trouble>) -> String {
    match signed {
        Err(Trouble::Wrong { what, .. }) if what.contains("error=") => what,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_leaps_forward_believes_no_stale_answer_and_comes_to_itself_when_set_right() {
    let clocked = Clocked::start().await;
    let (saml, oidc) = (Soul::new("ann", "Saml"), Soul::new("bob", "Oidc"));
    let signed = clocked.sign_in(&saml).await.unwrap();
    clocked.sign_in(&oidc).await.unwrap();
    clocked.refreshes(&signed, 0).await;

    clocked.set(2 * HOUR);
    for soul in [&saml, &oidc] {
        refused(clocked.sign_in(soul).await);
    }
    let info = clocked.load.user_info(&saml, &signed).await;
    assert!(matches!(&info, Err(Trouble::Wrong { what, .. }) if what.starts_with("401")), "{info:?}");
    clocked.refreshes(&signed, 2 * HOUR).await;
    clocked.is_alive().await;

    clocked.set(0);
    for soul in [&saml, &oidc] {
        eprintln!("{soul:?} signs in {:?} after the clock is right again", clocked.sign_in_again(soul).await);
    }
    clocked.refreshes(&signed, 0).await;
    clocked.is_alive().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_behind_believes_nothing_from_the_future_and_comes_to_itself_when_set_right() {
    let mut clocked = Clocked::start().await;
    clocked.set(-2 * HOUR);
    clocked.gateway.kill().await;
    clocked.gateway.restart().await;
    let (saml, oidc) = (Soul::new("ann", "Saml"), Soul::new("bob", "Oidc"));
    for soul in [&saml, &oidc] {
        refused(clocked.sign_in(soul).await);
    }
    clocked.is_alive().await;
    clocked.set(0);
    for soul in [&saml, &oidc] {
        eprintln!("{soul:?} signs in {:?} after the clock is right again", clocked.sign_in_again(soul).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_used_or_ended_stays_so_whatever_the_clock_does() {
    let clocked = Clocked::start().await;
    let load = &clocked.load;
    let soul = Soul::new("ann", "Saml");
    let (used, revoked) = (clocked.sign_in(&soul).await.unwrap(), clocked.sign_in(&soul).await.unwrap());
    let unsolicited = load.start_and_keep(&soul).await.unwrap();
    let form = [("token", revoked.refresh.as_str()), ("client_id", load.client("app"))];
    let answer = load.http().post(format!("{}/oauth2/revoke", load.url)).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    for offset in [600, 0, -600, 600, -30, 0] {
        clocked.set(offset);
        // Something that makes the gateway look at its clock and tidy up.
        let _ = clocked.sign_in(&soul).await;
        let again = load.post_answer(&load.browser(), &unsolicited).await.unwrap();
        assert_eq!((again.query("code"), again.status), (None, 400), "at {offset}: {again:?}");
        let again = load.post_answer(&load.browser(), &used.posted).await.unwrap();
        assert_eq!(again.query("code"), None, "at {offset}: {again:?}");
        let refreshed = load.try_refresh(&revoked).await;
        assert!(matches!(refreshed, Err(Trouble::Refused { lost: true, .. })), "at {offset}: {refreshed:?}");
        let client = load.client("app");
        let exchanged: Result<Value, _> = load.exchange(client, &used.code, used.verifier.as_deref()).await;
        assert!(matches!(exchanged, Err(Trouble::Refused { lost: true, .. })), "at {offset}: {exchanged:?}");
    }
    clocked.is_alive().await;
}
