//! One installation for one test, and the browsers and apps around it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, init_service, read_body};
use actix_web::{App, web};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use poolgate_providers::{Clock, Random, Surroundings};
use secrecy::SecretString;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

pub(super) use super::answer::{Answer, Browser};
use super::moods::Moody;
use super::provider::{self, Provider};
use crate::api::{ApiContext, Credentials};
use crate::audit::Audit;
use crate::context::{Context, Parts};
use crate::directory::sqlite::SqliteDirectory;
use crate::directory::{Directory, Unlink};
use crate::http::pages::Pages;
use crate::http::{State, auditing, correlation, prefetch, routes, throttling};
use crate::keys::Sealer;
use crate::observe::directory::WatchedDirectory;
use crate::observe::metrics::Metrics;
use crate::observe::sessions::WatchedSessions;
use crate::pool::{AppClient, ClientSecret, Domain, IdentityProvider, ProviderType};
use crate::registry::{Edit, Versioned};
use crate::sessions::SessionStore;
use crate::sessions::embedded::EmbeddedSessions;
use crate::sign_in::shared_copies::SharedMemory;
use crate::sign_in::used_once::UsedMarks;
use crate::testing;
use crate::throttle::Throttle;
use crate::triggers::Triggers;

pub(super) const POOL: &str = "us-east-1_Tests0001";
pub(super) const ISSUER: &str = "http://localhost:9229/us-east-1_Tests0001";
pub(super) const CALLBACK: &str = "https://app.example/cb";
pub(super) const LOGGED_OUT: &str = "https://app.example/bye";
pub(super) const SECRET: &str = "s3cretthatnobodyguesses0000000000000000000000000000";
/// RFC 7636 appendix B.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The clock in the test's hand.
pub(super) struct Hand {
    now: Mutex<OffsetDateTime>,
    /// By how much it was set back or forward, all in all.
    stepped: Mutex<Duration>,
}

impl Hand {
    fn at(now: OffsetDateTime) -> Arc<Self> {
        Arc::new(Self { now: Mutex::new(now), stepped: Mutex::default() })
    }
}

impl Clock for Hand {
    fn now(&self) -> OffsetDateTime {
        *self.now.lock().unwrap()
    }

    fn ticks(&self) -> Duration {
        self.now() - OffsetDateTime::UNIX_EPOCH - *self.stepped.lock().unwrap()
    }
}

/// The same bytes in every run.
struct Seeded(AtomicU64);

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let count = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &count);
            chunk.copy_from_slice(&digest.as_ref()[..chunk.len()]);
        }
    }
}

pub(super) struct House {
    pub(super) state: State,
    pub(super) directory: Arc<Moody<dyn Directory>>,
    pub(super) sessions: Arc<Moody<dyn SessionStore>>,
    pub(super) web: Arc<Provider>,
    clock: Arc<Hand>,
    pub(super) folder: Arc<tempfile::TempDir>,
}

pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

pub(super) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// The claims of a token, unverified.
pub(super) fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

pub(super) fn oidc(name: &str) -> IdentityProvider {
    let issuer = format!("https://{}.example", name.to_lowercase());
    let details = json!({"client_id": provider::CLIENT, "client_secret": "upstream-secret",
        "oidc_issuer": issuer, "authorize_scopes": "openid email", "attributes_request_method": "GET"});
    let mut provider = testing::provider(
        name,
        json!({
            "ProviderDetails": details,
            "AttributeMapping": {"email": "email", "email_verified": "email_verified", "name": "name"},
        }),
    );
    provider.provider_type = ProviderType::Oidc;
    provider
}

impl House {
    /// Pool `localhost` with the providers Acme and Globex and these clients: `app` is public, `confidential`
    /// has a secret, `spa` takes tokens in the fragment, `narrow` enables Globex alone.
    pub(super) async fn build() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let clock = Hand::at(testing::NOW);
        let time: Arc<dyn Clock> = Arc::<Hand>::clone(&clock);
        let durable: Arc<dyn Directory> = Arc::new(
            SqliteDirectory::open(&folder.path().join("directory.sqlite"), Arc::clone(&time)).await.unwrap(),
        );
        let passing: Arc<dyn SessionStore> = Arc::new(
            EmbeddedSessions::open(&folder.path().join("sessions.sqlite"), Arc::clone(&time)).await.unwrap(),
        );
        let web = Arc::new(Provider::new(time));
        let house = Self::over(folder, clock, durable, passing, web, 0).await;
        house.furnish().await;
        house
    }

    /// Another replica: over the same stores, asking the same providers, with a configuration of its own in memory.
    /// Its clock is this much ahead.
    pub(super) async fn beside(&self, ahead: Duration) -> Self {
        let clock = Hand::at(self.state.context.now() + ahead);
        let (directory, sessions) = (Arc::clone(&self.directory.inner), Arc::clone(&self.sessions.inner));
        let (folder, web) = (Arc::clone(&self.folder), Arc::clone(&self.web));
        Self::over(folder, clock, directory, sessions, web, 1 << 32).await
    }

    /// From now on the directory's server has a clock, this one's, and it has been compared.
    pub(super) async fn asks_the_clock_of(&self, server: &Self) {
        let clock = Arc::clone(&server.clock);
        *self.directory.server.lock().unwrap() = Some(Box::new(move || clock.now()));
        self.state.context.registry.compare_clocks().await.unwrap();
    }

    /// The same replica after the session store has lost everything.
    pub(super) async fn without_its_sessions(&self) -> Self {
        let clock = Arc::clone(&self.clock);
        let time: Arc<dyn Clock> = Arc::<Hand>::clone(&clock);
        let path = self.folder.path().join("sessions-anew.sqlite");
        let empty: Arc<dyn SessionStore> = Arc::new(EmbeddedSessions::open(&path, time).await.unwrap());
        let (directory, folder) = (Arc::clone(&self.directory.inner), Arc::clone(&self.folder));
        Self::over(folder, clock, directory, empty, Arc::clone(&self.web), 2 << 32).await
    }

    async fn over(
        folder: Arc<tempfile::TempDir>,
        clock: Arc<Hand>,
        durable: Arc<dyn Directory>,
        passing: Arc<dyn SessionStore>,
        http: Arc<Provider>,
        seed: u64,
    ) -> Self {
        let time: Arc<dyn Clock> = Arc::<Hand>::clone(&clock);
        let random: Arc<dyn Random> = Arc::new(Seeded(AtomicU64::new(seed)));
        let (moody_directory, moody_sessions) = (Moody::new(durable), Moody::new(passing));
        let metrics = Arc::<Metrics>::default();
        let directory: Arc<dyn Directory> = Arc::<Moody<dyn Directory>>::clone(&moody_directory);
        let directory: Arc<dyn Directory> = Arc::new(WatchedDirectory::new(directory, Arc::clone(&metrics)));
        let sessions: Arc<dyn SessionStore> = Arc::<Moody<dyn SessionStore>>::clone(&moody_sessions);
        let sessions: Arc<dyn SessionStore> = Arc::new(WatchedSessions::new(sessions, Arc::clone(&metrics)));
        let sealer = Sealer::new(&[7; 32], Arc::clone(&random)).unwrap();
        let surface = testing::surface();
        let around = Surroundings {
            clock: Arc::clone(&time),
            random: Arc::clone(&random),
            http: Arc::<Provider>::clone(&http),
            used: Arc::new(UsedMarks::new(Arc::clone(&sessions), Arc::clone(&directory))),
            shared: Arc::new(SharedMemory::new(Arc::clone(&sessions), Arc::clone(&time))),
        };
        let context = Context::open(Parts {
            directory,
            sessions,
            sealer: sealer.clone(),
            around,
            surface,
            metrics,
            triggers: Triggers::default(),
            audit: Audit::default(),
            throttle: Throttle::default(),
        });
        let context = context.await.unwrap();
        let api = ApiContext {
            core: context.clone(),
            sealer,
            credentials: Credentials {
                access_key_id: "PGAKTEST".into(),
                secret_access_key: SecretString::from("secret-access-key"),
            },
            writing: tokio::sync::Mutex::new(()),
        };
        let state = State {
            context,
            readiness: Arc::default(),
            api: Arc::new(api),
            pages: Arc::new(Pages::new().unwrap()),
            attempts: Arc::default(),
            trusted_proxies: Vec::new().into(),
        };
        let (directory, sessions, web) = (moody_directory, moody_sessions, http);
        Self { state, directory, sessions, web, clock, folder }
    }

    async fn furnish(&self) {
        let mut confidential = testing::client(json!({"ClientId": "confidential"}));
        let secret = ClientSecret::new("confidential", confidential.creation_date, SECRET.into(), &[]);
        confidential.client_secrets.push(secret);
        let all = ["openid", "email", "profile", "aws.cognito.signin.user.admin"];
        let spa = json!({"ClientId": "spa", "AllowedOAuthFlows": ["implicit"]});
        let narrow = json!({"ClientId": "narrow", "SupportedIdentityProviders": ["Globex"]});
        self.edit(vec![
            Edit::CreatePool(testing::user_pool()),
            Edit::CreateDomain(domain("localhost", POOL)),
            Edit::CreateProvider(oidc("Acme")),
            Edit::CreateProvider(oidc("Globex")),
            Edit::CreateClient(testing::client(json!({"AllowedOAuthScopes": all}))),
            Edit::CreateClient(confidential),
            Edit::CreateClient(testing::client(spa)),
            Edit::CreateClient(testing::client(narrow)),
        ])
        .await;
    }

    /// The pool is also at `acme.localhost`, its prefix domain.
    pub(super) async fn has_prefix_domain(&self) {
        let mut prefix = domain("acme", POOL);
        prefix.custom_domain_config = None;
        self.edit(vec![Edit::CreateDomain(prefix)]).await;
    }

    /// A second pool, at `other.localhost`, with a provider and a client of the same names.
    pub(super) async fn second_pool(&self) -> &'static str {
        const OTHER: &str = "us-east-1_Tests0002";
        let mut pool = testing::user_pool();
        pool.id = OTHER.to_owned();
        let mut provider = oidc("Acme");
        provider.user_pool_id = OTHER.to_owned();
        let client = testing::client(json!({"ClientId": "stranger", "UserPoolId": OTHER,
                                            "SupportedIdentityProviders": ["Acme"]}));
        self.edit(vec![
            Edit::CreatePool(pool),
            Edit::CreateDomain(domain("other.localhost", OTHER)),
            Edit::CreateProvider(provider),
            Edit::CreateClient(client),
        ])
        .await;
        "other.localhost"
    }

    pub(super) async fn edit(&self, edits: Vec<Edit>) {
        self.state.context.registry.edit(edits).await.unwrap();
    }

    /// Changes an app client.
    pub(super) async fn change_client(&self, id: &str, change: impl FnOnce(&mut AppClient)) {
        let snapshot = self.state.context.registry.snapshot();
        let Versioned { mut value, version } = snapshot.pool(POOL).unwrap().clients[id].clone();
        change(&mut value);
        self.edit(vec![Edit::UpdateClient(Versioned { value, version })]).await;
    }

    /// An operation of the management API, as an app calls it that needs no signature.
    pub(super) async fn call(&self, operation: &str, input: Value) -> Result<Value, crate::api::ApiError> {
        crate::api::call(&self.state.api, operation, input).await
    }

    /// Lets the refresh tokens of this client rotate, with this grace in seconds.
    pub(super) async fn rotate(&self, client: &str, grace: u32) {
        let rotation = json!({"Feature": "ENABLED", "RetryGracePeriodSeconds": grace});
        let rotation = serde_json::from_value(rotation).unwrap();
        self.change_client(client, |client| client.refresh_token_rotation = Some(rotation)).await;
    }

    /// A resource server `api.example` with these scopes, in the place of the one before, if any.
    pub(super) async fn resource_server(&self, scopes: &[&str]) {
        let scopes: Vec<_> =
            scopes.iter().map(|name| json!({"ScopeName": name, "ScopeDescription": name})).collect();
        let server =
            json!({"UserPoolId": POOL, "Identifier": "api.example", "Name": "API", "Scopes": scopes});
        let server: crate::pool::ResourceServer = serde_json::from_value(server).unwrap();
        let snapshot = self.state.context.registry.snapshot();
        let edit = match snapshot.pool(POOL).unwrap().resource_servers.get("api.example") {
            Some(before) => Edit::UpdateResourceServer(Versioned { value: server, version: before.version }),
            None => Edit::CreateResourceServer(server),
        };
        self.edit(vec![edit]).await;
    }

    /// The next sign-in is written, then this link is removed, and a millisecond later the sign-in goes on.
    pub(super) fn unlink_behind_the_next_sign_in(&self, unlink: Unlink) {
        let clock = Arc::clone(&self.clock);
        let then = move || *clock.now.lock().unwrap() += Duration::milliseconds(1);
        self.directory.unlinks_behind_the_next_sign_in(unlink, Box::new(then));
    }

    pub(super) fn advance(&self, by: Duration) {
        *self.clock.now.lock().unwrap() += by;
    }

    /// Lets so much time pass whenever it is called.
    pub(super) fn passing(&self, by: Duration) -> impl Fn() + Send + Sync + use<> {
        let clock = Arc::clone(&self.clock);
        move || *clock.now.lock().unwrap() += by
    }

    /// Somebody sets the clock; no time passes.
    pub(super) fn clock_steps(&self, by: Duration) {
        *self.clock.now.lock().unwrap() += by;
        *self.clock.stepped.lock().unwrap() += by;
    }

    pub(super) async fn send(&self, request: TestRequest) -> Answer {
        let service = init_service(
            App::new()
                .app_data(web::Data::new(self.state.clone()))
                .app_data(web::PayloadConfig::new(crate::http::body::MAX_SAML_FORM))
                .wrap(from_fn(auditing::middleware))
                .wrap(from_fn(prefetch::middleware))
                .wrap(from_fn(throttling::middleware))
                .wrap(from_fn(correlation::middleware))
                .configure(routes),
        )
        .await;
        let response = actix_web::test::call_service(&service, request.to_request()).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = String::from_utf8_lossy(&read_body(response).await).into_owned();
        Answer { status, headers, body }
    }

    /// Follows a link or a redirect to this host, with the browser's cookies.
    pub(super) async fn get_at(&self, host: &str, browser: &mut Browser, path: &str) -> Answer {
        let request = TestRequest::get().uri(path).insert_header(("host", host.to_owned()));
        let answer = self.send(with_cookies(request, browser)).await;
        browser.keep(&answer);
        answer
    }

    pub(super) async fn get(&self, browser: &mut Browser, path: &str) -> Answer {
        self.get_at("localhost:9229", browser, path).await
    }

    pub(super) async fn post_form(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.post_with(path, form, &[]).await
    }

    pub(super) async fn post_with(
        &self,
        path: &str,
        form: &[(&str, &str)],
        headers: &[(&'static str, &str)],
    ) -> Answer {
        let mut request = TestRequest::post().uri(path).insert_header(("host", "localhost"));
        for (name, value) in headers {
            request = request.append_header((*name, (*value).to_owned()));
        }
        let form_type = ("content-type", "application/x-www-form-urlencoded; charset=UTF-8");
        self.send(request.insert_header(form_type).set_payload(query(form))).await
    }

    pub(super) async fn post_with_host(&self, path: &str, form: &[(&str, &str)], host: &str) -> Answer {
        let request = TestRequest::post()
            .uri(path)
            .insert_header(("host", host.to_owned()))
            .insert_header(("content-type", "application/x-www-form-urlencoded"));
        self.send(request.set_payload(query(form))).await
    }

    /// Posts a form from a browser.
    pub(super) async fn post_from(&self, browser: &mut Browser, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = TestRequest::post()
            .uri(path)
            .insert_header(("host", "localhost"))
            .insert_header(("content-type", "application/x-www-form-urlencoded"))
            .set_payload(query(form));
        let answer = self.send(with_cookies(request, browser)).await;
        browser.keep(&answer);
        answer
    }

    /// The authorize request of `app`, with `more` over the usual parameters.
    pub(super) async fn authorize(&self, browser: &mut Browser, more: &[(&str, &str)]) -> Answer {
        self.get(browser, &authorize_path(more)).await
    }

    /// Authorize request and provider; the answer that leads back to the app.
    pub(super) async fn sign_in(&self, browser: &mut Browser, more: &[(&str, &str)]) -> Answer {
        let named: Vec<_> = [("identity_provider", "Acme")].iter().chain(more).copied().collect();
        let leaving = self.authorize(browser, &named).await;
        let back = callback_path(&leaving, &person("alice"));
        self.get(browser, &back).await
    }

    /// A sign-in of `app` with PKCE, down to its tokens.
    pub(super) async fn tokens(&self, more: &[(&str, &str)]) -> Value {
        let code = self.sign_in(&mut Browser::default(), more).await.code();
        let answer = self.redeem(&code, &[]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Redeems a code of `app`; `edits` replace fields of the form, an empty value leaves one out.
    pub(super) async fn redeem(&self, code: &str, edits: &[(&str, &str)]) -> Answer {
        let mut form = BTreeMap::from([
            ("grant_type", "authorization_code"),
            ("client_id", "app"),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
            ("code", code),
        ]);
        form.extend(edits.iter().copied());
        let form: Vec<_> = form.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        self.post_form("/oauth2/token", &form).await
    }

    pub(super) async fn refresh(&self, client: &str, token: &str) -> Answer {
        let form = [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)];
        self.post_form("/oauth2/token", &form).await
    }

    pub(super) async fn user_info(&self, token: &str) -> Answer {
        let request = TestRequest::get().uri("/oauth2/userInfo").insert_header(("host", "localhost"));
        self.send(request.insert_header(("authorization", format!("Bearer {token}")))).await
    }
}

fn with_cookies(mut request: TestRequest, browser: &Browser) -> TestRequest {
    let cookies: Vec<_> = browser.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if !cookies.is_empty() {
        request = request.insert_header(("cookie", cookies.join("; ")));
    }
    request
}

pub(super) fn domain(name: &str, pool: &str) -> Domain {
    let certificate = "arn:aws:acm:us-east-1:000000000000:certificate/default";
    serde_json::from_value(json!({"Domain": name, "UserPoolId": pool,
                                  "CustomDomainConfig": {"CertificateArn": certificate}}))
    .unwrap()
}

/// `/oauth2/authorize` of `app`, with `more` over the usual parameters; an empty value leaves one out.
pub(super) fn authorize_path(more: &[(&str, &str)]) -> String {
    let mut pairs = BTreeMap::from([
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("state", "the state"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    pairs.extend(more.iter().copied());
    let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    format!("/oauth2/authorize?{}", query(&pairs))
}

/// What the provider knows of a person.
pub(super) fn person(name: &str) -> Value {
    json!({"sub": name, "email": format!("{name}@acme.example"), "email_verified": true, "name": name})
}

/// Our callback, as the provider would redirect to it, having signed this person in.
pub(super) fn callback_path(leaving: &Answer, person: &Value) -> String {
    let mut person = person.clone();
    person["nonce"] =
        leaving.told("nonce").unwrap_or_else(|| panic!("not at a provider: {leaving:?}")).into();
    let state = leaving.told("state").unwrap();
    format!("/oauth2/idpresponse?{}", query(&[("code", &provider::code(&person)), ("state", &state)]))
}
