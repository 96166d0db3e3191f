//! The life of a SAML provider's metadata: refreshed, looked into for an unknown key, warned of.

mod ends;
mod refresh;
mod together;
mod unknown_key;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use poolgate_providers::fetch::{FetchError, Http};
use serde_json::{Value, json};
use time::Duration;
use tokio::sync::Semaphore;

use super::house::{Answer, Browser, House, POOL};
use crate::api;
use crate::demo::Own;
use crate::demo::people::PEOPLE;
use crate::demo::saml_idp::{self, SamlIdp, Signs};
use crate::pool::IdentityProvider;

pub(super) const URL: &str = "https://saml.example/metadata";

/// What the address says.
type Page = Result<(u16, Vec<u8>), FetchError>;

/// The address of the metadata.
pub(super) struct Site {
    page: Mutex<Page>,
    asked: AtomicUsize,
    /// An answer takes one of these and gives it back: without any it waits.
    pub(super) open: Semaphore,
}

#[async_trait]
impl Http for Site {
    async fn send(&self, _: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, FetchError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let _turn = self.open.acquire().await.unwrap();
        let (status, body) = self.page.lock().unwrap().clone()?;
        Ok(http::Response::builder().status(status).body(body).unwrap())
    }
}

/// A house whose pool has the SAML provider Corp, by URL.
pub(super) struct Corp {
    pub(super) house: House,
    pub(super) site: Arc<Site>,
    /// Holds the key of the first metadata.
    pub(super) idp: SamlIdp,
}

impl Corp {
    pub(super) async fn build() -> Self {
        Self::with(|document| document).await
    }

    /// With the first document changed.
    pub(super) async fn with(change: impl FnOnce(String) -> String) -> Self {
        let house = House::build().await;
        let site = Arc::new(Site {
            page: Mutex::new(Ok((200, Vec::new()))),
            asked: AtomicUsize::new(0),
            open: Semaphore::new(1),
        });
        house.web.sites.lock().unwrap().insert(URL.to_owned(), Arc::<Site>::clone(&site));
        let idp = new_idp(&house);
        let corp = Self { house, site, idp };
        corp.says(&change(corp.idp.metadata().unwrap()));
        corp.configure("CreateIdentityProvider", json!({ "MetadataURL": URL })).await.unwrap();
        corp.house
            .change_client("app", |client| client.supported_identity_providers.push("Corp".into()))
            .await;
        corp
    }

    pub(super) async fn configure(&self, operation: &str, details: Value) -> Result<Value, String> {
        let mut input = json!({ "UserPoolId": POOL, "ProviderName": "Corp", "ProviderDetails": details,
                                "AttributeMapping": { "email": "email" } });
        if operation.starts_with("Create") {
            input["ProviderType"] = "SAML".into();
        }
        api::call(&self.house.state.api, operation, input).await.map_err(|error| error.to_string())
    }

    /// A provider of the same name, with a key of its own.
    pub(super) fn other_key(&self) -> SamlIdp {
        new_idp(&self.house)
    }

    pub(super) fn says(&self, document: &str) {
        self.answers(Ok((200, document.as_bytes().to_vec())));
    }

    pub(super) fn answers(&self, page: Page) {
        *self.site.page.lock().unwrap() = page;
    }

    pub(super) fn asked(&self) -> usize {
        self.site.asked.load(Ordering::SeqCst)
    }

    /// Time passes, and what is due is done.
    pub(super) async fn wait(&self, by: Duration) {
        self.house.advance(by);
        self.run_due().await;
    }

    pub(super) async fn run_due(&self) {
        self.house.state.context.upkeep.run_due().await;
    }

    pub(super) fn stored(&self) -> IdentityProvider {
        let snapshot = self.house.state.context.registry.snapshot();
        snapshot.pool(POOL).unwrap().providers["Corp"].config.value.clone()
    }

    pub(super) fn document(&self) -> String {
        self.stored().metadata_document.unwrap()
    }

    /// Ada's sign-in, with an answer signed by this provider.
    pub(super) async fn sign_in(&self, idp: &SamlIdp) -> Answer {
        Self::sign_in_at(&self.house, idp).await
    }

    /// The same on this replica.
    pub(super) async fn sign_in_at(house: &House, idp: &SamlIdp) -> Answer {
        let mut browser = Browser::default();
        let leaving = house.authorize(&mut browser, &[("identity_provider", "Corp")]).await;
        if leaving.told("error").is_some() {
            return leaving;
        }
        let request = saml_idp::read_request(&leaving.told("SAMLRequest").unwrap()).unwrap();
        let response = idp.respond(&request, Some(&PEOPLE[0]), Signs::Assertion).unwrap();
        let state = leaving.told("RelayState").unwrap();
        let form = [("SAMLResponse", response.as_str()), ("RelayState", state.as_str())];
        house.post_from(&mut browser, "/saml2/idpresponse", &form).await
    }

    #[track_caller]
    pub(super) fn assert_refused(&self, answer: &Answer, says: &str) {
        let description = answer.told("error_description").unwrap_or_else(|| panic!("{answer:?}"));
        assert!(description.contains(says), "{description}");
    }
}

pub(super) fn new_idp(house: &House) -> SamlIdp {
    let around = &house.state.context.around;
    let (clock, random) = (Arc::clone(&around.clock), Arc::clone(&around.random));
    SamlIdp::new("https://saml.example", Own { gateway: "http://localhost:9229".into(), clock, random })
        .unwrap()
}

/// With this attribute on the EntityDescriptor.
pub(super) fn with_attribute(document: &str, attribute: &str) -> String {
    document.replacen("entityID=", &format!("{attribute} entityID="), 1)
}

/// With the signing certificate of the other beside its own.
pub(super) fn with_key_of(document: &str, other: &SamlIdp) -> String {
    let other = other.metadata().unwrap();
    let (start, end) = ("<md:KeyDescriptor", "</md:KeyDescriptor>");
    let key = &other[other.find(start).unwrap()..other.find(end).unwrap() + end.len()];
    document.replacen(start, &format!("{key}{start}"), 1)
}

/// SHA-256 of the provider's certificate, in hex.
pub(super) fn fingerprint(idp: &SamlIdp) -> String {
    let metadata = poolgate_providers::saml::metadata::parse(idp.metadata().unwrap().as_bytes()).unwrap();
    metadata.keys[0].fingerprint().to_string()
}

/// The log lines of this thread while the guard lives.
pub(super) fn listen() -> (tracing::subscriber::DefaultGuard, Lines) {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber =
        tracing_subscriber::fmt().json().with_span_list(false).with_writer(move || writer.clone()).finish();
    (tracing::subscriber::set_default(subscriber), lines)
}

/// What was logged.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// The lines with these words.
    pub(super) fn with(&self, words: &str) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .filter(|line| line.contains(words))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
