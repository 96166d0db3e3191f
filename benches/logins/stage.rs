//! A pool with its providers, an app, and people who sign in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::redirect::Policy;
use serde_json::json;

use crate::harness::{App, CALLBACK, Gateway, Person};
use crate::providers::{OIDC_CLIENT, Oidc, SAML_BASE, Saml};

/// Sign-ins under way at once.
pub const AT_ONCE: usize = 32;

#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Saml,
    Oidc,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::Saml, Self::Oidc];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Saml => "SAML",
            Self::Oidc => "OIDC",
        }
    }
}

pub struct Stage {
    app: App,
    browser: Person,
    saml: Saml,
    oidc: Oidc,
    acs: url::Url,
    /// How many sign-ins there have been.
    number: AtomicUsize,
    /// How many people there are: person0, person1, …
    people: AtomicUsize,
    pub pool_id: String,
}

impl Stage {
    /// Makes the pool.
    pub async fn new(gateway: &Gateway) -> Arc<Self> {
        let (saml, oidc) = (Saml::new(), Oidc::start());
        let saml_mapping = json!({
            "email": "mail", "given_name": "givenName", "family_name": "sn", "name": "sn",
            "nickname": "givenName", "profile": "department",
        });
        let oidc_mapping =
            json!({"email": "email", "given_name": "given_name", "family_name": "family_name"});
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
        Arc::new(Self {
            app: App::new(&pool, "app"),
            browser: Person::with(http.build().unwrap()),
            saml,
            oidc,
            acs: format!("{}/saml2/idpresponse", gateway.url()).parse().unwrap(),
            number: AtomicUsize::new(0),
            people: AtomicUsize::new(1),
            pool_id: pool.id,
        })
    }

    /// How many people sign in from now on.
    pub fn set_people(&self, people: usize) {
        self.people.store(people, Ordering::Relaxed);
    }

    /// How many sign-ins there have been.
    pub fn sign_ins(&self) -> usize {
        self.number.load(Ordering::Relaxed)
    }

    /// Somebody signs in: in no order that a store or a cache could use.
    pub async fn sign_in(&self, kind: Kind) {
        let (number, people) =
            (self.number.fetch_add(1, Ordering::Relaxed), self.people.load(Ordering::Relaxed));
        let who = (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) % people;
        let (person, browser) = (format!("person{who}"), self.browser.another());
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

    /// Signs people in for so long, so many at once; how long each took, shortest first.
    pub async fn load(self: &Arc<Self>, kind: Kind, at_once: usize, how_long: Duration) -> Vec<Duration> {
        let end = Instant::now() + how_long;
        let mut people = tokio::task::JoinSet::new();
        for _ in 0..at_once {
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
