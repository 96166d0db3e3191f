use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use clap::Parser;
use poolgate_providers::fetch::{FetchError, Http};
use poolgate_providers::{Clock, Random, Surroundings, SystemClock, SystemRandom};
use serde_json::{Value, json};
use tempfile::TempDir;
use time::Duration;

use super::response::STEPS;
use super::{At, CheckArguments, CheckError, Forgetful, Report, Tools, check};
use crate::config::{Secrets, Settings};
use crate::demo::Own;
use crate::demo::people;
use crate::demo::saml_idp::{AuthnRequest, SamlIdp, Signs};
use crate::gateway;
use crate::keys::signing::generate_pkcs8;
use crate::keys::{KeyUse, SigningKey};
use crate::registry::{Edit, Registry, Surface};
use crate::stores;
use crate::testing::{self, NOW};

const ACS: &str = "https://login.example.com/saml2/idpresponse";
const POOL: &str = "us-east-1_AbCdEf123";
const ENTITY_ID: &str = "urn:amazon:cognito:sp:us-east-1_AbCdEf123";

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    arguments: CheckArguments,
}

/// The web: URL → body. Everything else is away.
struct Web(BTreeMap<String, String>);

#[async_trait]
impl Http for Web {
    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, FetchError> {
        match self.0.get(&request.uri().to_string()) {
            Some(body) => {
                let answer = http::Response::builder().header("content-type", "application/json");
                Ok(answer.body(body.clone().into_bytes()).unwrap())
            }
            None => Err(FetchError::Broken("connection refused".into())),
        }
    }
}

pub(super) struct Desk {
    folder: TempDir,
    idp: SamlIdp,
    pub(super) web: BTreeMap<String, String>,
}

impl Desk {
    pub(super) fn new() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(At(NOW));
        let own = Own { gateway: "http://localhost:9229".into(), clock, random: Arc::new(SystemRandom) };
        let idp = SamlIdp::new("https://idp.example", own).unwrap();
        Self { folder: TempDir::new().unwrap(), idp, web: BTreeMap::new() }
    }

    pub(super) fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// A SAML provider with these settings and this mapping over the usual ones.
    fn saml(&self, details: Value, mapping: Value) -> String {
        let mut all = json!({"MetadataFile": self.idp.metadata().unwrap()});
        all.as_object_mut().unwrap().extend(details.as_object().unwrap().clone());
        let provider = json!({"UserPoolId": POOL, "ProviderName": "Corp", "ProviderType": "SAML",
                              "ProviderDetails": all, "AttributeMapping": mapping});
        self.write("provider.json", &provider.to_string())
    }

    /// What ada's browser brings, to a request of ours.
    fn response(&self) -> String {
        let request = AuthnRequest {
            id: "_request42".into(),
            issuer: ENTITY_ID.into(),
            assertion_consumer_service: ACS.into(),
            passive: false,
        };
        self.idp.respond(&request, people::find("ada"), Signs::Assertion).unwrap()
    }

    pub(super) async fn run(&self, arguments: &[&str]) -> Result<Report, CheckError> {
        let line = ["check-provider"].iter().chain(arguments);
        let arguments = Line::try_parse_from(line).unwrap_or_else(|error| panic!("{error}")).arguments;
        let settings = Settings::for_demo("http://localhost:9229", self.folder.path()).unwrap();
        let surface = Surface { public_url: settings.public_url.clone(), dev: false, ..testing::surface() };
        let around = Surroundings {
            clock: Arc::new(At(arguments.at.unwrap_or(NOW))),
            random: Arc::new(SystemRandom),
            http: Arc::new(Web(self.web.clone())),
            used: Arc::new(Forgetful),
            shared: Arc::new(poolgate_providers::shared::Alone),
        };
        check(&arguments, &settings, &Tools { surface, around }).await
    }

    pub(super) async fn told(&self, arguments: &[&str]) -> Report {
        self.run(arguments).await.unwrap_or_else(|error| panic!("{error}"))
    }
}

#[track_caller]
pub(super) fn assert_lines(report: &Report, good: bool, lines: &[&str]) {
    assert_eq!(report.is_good(), good, "{}", report.text());
    for line in lines {
        assert!(report.text().contains(line), "{line:?} is missing in\n{}", report.text());
    }
}

#[tokio::test]
async fn a_good_provider_and_a_good_response_are_told_line_by_line() {
    let desk = Desk::new();
    let mapping = json!({"email": "email", "custom:groups": "groups", "name": "displayName"});
    let (file, response) = (desk.saml(json!({}), mapping), desk.write("r.b64", &desk.response()));
    let report = desk.told(&["--file", &file, "--response", &response, "--acs", ACS]).await;
    assert_lines(
        &report,
        true,
        &[
            "Corp (SAML)",
            "custom:groups is taken for a mutable String of the pool's schema",
            "entity id https://idp.example/metadata",
            "RSA, 2048 bits, 2026-11-20 to 2027-11-21",
            "HTTP-Redirect to https://idp.example/sso",
            "<samlp:AuthnRequest",
            "held to the request _request42, taken from the response",
            "NameID ada (format urn:oasis:names:tc:SAML:2.0:nameid-format:persistent)",
            "ok    email <- email (1 value): stored as ada@example.com",
            "ok    custom:groups <- groups (2 values): stored as [engineers, authors]",
            "warn  name <- displayName (0 values): not sent; a stored value is kept",
            "department came and is not mapped (1)",
            "ok    username Corp_ada",
            "email_verified = false, as no mapping says",
        ],
    );
    for (step, _) in STEPS {
        assert!(report.text().contains(&format!("ok    {step}\n")), "{step}");
    }
    for never in ["SignatureValue", "<saml:Assertion", "DigestValue"] {
        assert!(!report.text().contains(never), "{never}");
    }
}

#[tokio::test]
async fn groups_are_told_as_far_as_a_file_can_say() {
    let desk = Desk::new();
    let mapping = json!({"email": "email", "cognito:groups": "groups"});
    let (file, response) = (desk.saml(json!({}), mapping), desk.write("r.b64", &desk.response()));
    let report = desk.told(&["--file", &file, "--response", &response, "--acs", ACS]).await;
    let said = "cognito:groups <- groups (2 values): those of engineers, authors that are groups of the pool";
    assert_lines(&report, true, &[said]);
}

#[tokio::test]
async fn a_response_may_be_captured_as_xml_or_as_the_form_it_came_in() {
    use base64::Engine as _;
    let desk = Desk::new();
    let file = desk.saml(json!({}), json!({"email": "email"}));
    let field = desk.response();
    let xml = base64::engine::general_purpose::STANDARD.decode(&field).unwrap();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("SAMLResponse", &field)
        .append_pair("RelayState", "x")
        .finish();
    for captured in [String::from_utf8(xml).unwrap(), form] {
        let response = desk.write("captured", &captured);
        let report = desk.told(&["--file", &file, "--response", &response, "--acs", ACS]).await;
        assert_lines(&report, true, &["username Corp_ada"]);
    }
}

#[tokio::test]
async fn the_first_check_that_fails_is_told_with_both_sides_and_nothing_after_it() {
    let desk = Desk::new();
    let file = desk.saml(json!({}), json!({"email": "email"}));
    let response = desk.write("r", &desk.response());
    let other = "urn:amazon:cognito:sp:us-east-1_Other0001";
    let arguments = ["--file", &file, "--response", &response, "--acs", ACS, "--entity-id", other];
    let report = desk.told(&arguments).await;
    let expected = format!("FAIL  [saml_audience] Audience: expected {other}, came {ENTITY_ID}");
    assert_lines(&report, false, &["ok    it answers the request", &expected]);
    assert!(!report.text().contains("The person"), "{}", report.text());
    assert!(!report.text().contains("the bearer confirmation"), "{}", report.text());

    let arguments = ["--file", &file, "--response", &response, "--acs", ACS, "--request-id", "_else"];
    assert_lines(&desk.told(&arguments).await, false, &["FAIL  [saml_in_response_to]"]);
}

#[tokio::test]
async fn a_response_is_judged_as_of_the_moment_that_is_given() {
    let desk = Desk::new();
    let file = desk.saml(json!({}), json!({"email": "email"}));
    let response = desk.write("r", &desk.response());
    let arguments = ["--file", &file, "--response", &response, "--acs", ACS];
    for (at, good) in [("2026-11-21T10:03:00Z", true), ("2026-11-21T11:00:00Z", false)] {
        let report = desk.told(&[&arguments[..], &["--at", at]].concat()).await;
        let ends: &[&str] = if good { &["believed"] } else { &["FAIL  [saml_not_on_or_after]"] };
        assert_lines(&report, good, ends);
    }
}

#[tokio::test]
async fn a_response_that_names_no_request_is_judged_as_one_that_the_provider_starts() {
    let desk = Desk::new();
    let person = people::find("ada").unwrap();
    let unasked = desk.idp.start(ENTITY_ID, ACS, person, Signs::Both).unwrap();
    let response = desk.write("r", &unasked);
    for (setting, good, line) in
        [("true", true, "warn  IDPInit is true"), ("false", false, "FAIL  [unsolicited_response]")]
    {
        let file = desk.saml(json!({"IDPInit": setting}), json!({"email": "email"}));
        let report = desk.told(&["--file", &file, "--response", &response, "--acs", ACS]).await;
        assert_lines(&report, good, &[line, "judged as a sign-in that the provider starts"]);
    }
}

#[tokio::test]
async fn what_the_management_api_would_refuse_is_told_in_its_own_words() {
    let mut desk = Desk::new();
    for (details, mapping, says) in [
        (json!({"clock_skew_seconds": "900"}), json!({}), "clock_skew_seconds"),
        (json!({"no_such_setting": "1"}), json!({}), "no_such_setting"),
        (json!({"MetadataFile": "<html/>"}), json!({}), "Error retrieving metadata from MetadataFile"),
        (json!({}), json!({"shoe_size": "size"}), "AttributeMapping.shoe_size"),
    ] {
        let file = desk.saml(details, mapping);
        let report = desk.told(&["--file", &file]).await;
        assert_lines(&report, false, &["create-identity-provider would be refused", says]);
    }
    let by_url = json!({"ProviderName": "Corp", "ProviderType": "SAML",
                        "ProviderDetails": {"MetadataURL": "https://idp.example/metadata"}});
    let file = desk.write("url.json", &by_url.to_string());
    assert_lines(&desk.told(&["--file", &file]).await, false, &["connection refused"]);
    desk.web.insert("https://idp.example/metadata".into(), desk.idp.metadata().unwrap());
    assert_lines(&desk.told(&["--file", &file]).await, true, &["bytes from https://idp.example/metadata"]);
}

#[tokio::test]
async fn an_attribute_that_does_not_fit_fails_in_its_own_row() {
    let desk = Desk::new();
    let file = desk.saml(json!({}), json!({"email": "email", "email_verified": "department"}));
    let response = desk.write("r", &desk.response());
    let report = desk.told(&["--file", &file, "--response", &response, "--acs", ACS]).await;
    let row = "FAIL  email_verified <- department (1 value): Invalid user attributes: email_verified";
    assert_lines(&report, false, &[row, "ok    email <- email (1 value)"]);
}

#[tokio::test]
async fn what_weakens_security_or_runs_out_soon_is_a_warning_and_no_failure() {
    let desk = Desk::new();
    let file = desk.saml(json!({"insecure_allow_sha1": "true", "IDPSignout": "true"}), json!({}));
    let late = (NOW + Duration::days(350)).format(&time::format_description::well_known::Rfc3339).unwrap();
    let report = desk.told(&["--file", &file, "--at", &late]).await;
    let lines = [
        "warn  insecure_allow_sha1",
        "warn  IDPSignout is true, and the metadata has no sign-out address",
        "it expires in 15 days",
        "warn  no attribute is mapped",
    ];
    assert_lines(&report, true, &lines);
}

#[tokio::test]
async fn an_oidc_provider_is_told_by_its_discovery_document_and_keys() {
    let mut desk = Desk::new();
    let details = json!({"client_id": "us", "client_secret": "hush-hush", "oidc_issuer": "https://op.example",
                         "authorize_scopes": "openid email", "attributes_request_method": "GET"});
    let described = json!({"IdentityProvider": {
        "UserPoolId": POOL, "ProviderName": "Op", "ProviderType": "OIDC", "ProviderDetails": details,
        "AttributeMapping": {"email": "email", "username": "sub"}, "CreationDate": 0.0, "LastModifiedDate": 0.0,
    }});
    let file = desk.write("op.json", &described.to_string());
    assert_lines(&desk.told(&["--file", &file]).await, false, &["FAIL  [provider_unreachable]"]);

    let document = json!({
        "issuer": "https://op.example", "authorization_endpoint": "https://op.example/authorize",
        "token_endpoint": "https://op.example/token", "jwks_uri": "https://op.example/keys",
        "id_token_signing_alg_values_supported": ["RS256", "none"],
    });
    desk.web.insert("https://op.example/.well-known/openid-configuration".into(), document.to_string());
    desk.web.insert("https://op.example/keys".into(), json!({"keys": []}).to_string());
    assert_lines(&desk.told(&["--file", &file]).await, false, &["FAIL  no key in the set fits"]);

    let key = SigningKey::from_pkcs8(&generate_pkcs8().unwrap()).unwrap();
    desk.web.insert("https://op.example/keys".into(), json!({"keys": [key.jwk()]}).to_string());
    let report = desk.told(&["--file", &file]).await;
    let lines =
        ["token endpoint https://op.example/token", "signed with one of RS256", "scopes openid email"];
    assert_lines(&report, true, &lines);
    assert!(!report.text().contains("hush-hush"), "{}", report.text());
}

#[tokio::test]
async fn entra_with_every_tenant_let_in_is_warned_of() {
    let mut desk = Desk::new();
    let details = json!({"client_id": "us", "client_secret": "hush-hush", "issuer_template": "entra",
                         "oidc_issuer": "https://login.microsoftonline.com/organizations/v2.0",
                         "authorize_scopes": "openid email", "attributes_request_method": "GET"});
    let described = json!({"IdentityProvider": {
        "UserPoolId": POOL, "ProviderName": "Op", "ProviderType": "OIDC", "ProviderDetails": details,
        "AttributeMapping": {"email": "email", "username": "sub"}, "CreationDate": 0.0, "LastModifiedDate": 0.0,
    }});
    let file = desk.write("op.json", &described.to_string());
    let cloud = "https://login.microsoftonline.com";
    let document = json!({
        "issuer": format!("{cloud}/{{tenantid}}/v2.0"),
        "authorization_endpoint": format!("{cloud}/organizations/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{cloud}/organizations/oauth2/v2.0/token"),
        "jwks_uri": format!("{cloud}/organizations/discovery/v2.0/keys"),
        "id_token_signing_alg_values_supported": ["RS256"],
    });
    let key = SigningKey::from_pkcs8(&generate_pkcs8().unwrap()).unwrap();
    let at = format!("{cloud}/organizations/v2.0/.well-known/openid-configuration");
    desk.web.insert(at, document.to_string());
    desk.web.insert(
        format!("{cloud}/organizations/discovery/v2.0/keys"),
        json!({"keys": [key.jwk()]}).to_string(),
    );
    let lines = ["warn  issuer_template=entra", "issuer https://login.microsoftonline.com/{tenantid}/v2.0"];
    assert_lines(&desk.told(&["--file", &file]).await, true, &lines);
}

#[tokio::test]
async fn what_cannot_be_checked_is_an_error_of_its_own() {
    let desk = Desk::new();
    let file = desk.saml(json!({}), json!({}));
    let response = desk.write("r", &desk.response());
    for (arguments, says) in [
        (vec!["--file", "/nowhere.json"], "/nowhere.json"),
        (vec!["--file", &response], "no JSON"),
        (vec!["--file", &file, "--response", &response], "--acs"),
        (vec!["--pool", POOL, "--provider", "Corp"], "there is no directory here"),
    ] {
        let error = desk.run(&arguments).await.unwrap_err().to_string();
        assert!(error.contains(says), "{arguments:?}: {error}");
    }
    for arguments in [
        &["check-provider"][..],
        &["check-provider", "--pool", POOL],
        &["check-provider", "--file", "a", "--pool", POOL, "--provider", "b"],
        &["check-provider", "--file", "a", "--at", "yesterday"],
    ] {
        assert!(Line::try_parse_from(arguments).is_err(), "{arguments:?}");
    }
}

#[tokio::test]
async fn the_moment_that_is_given_judges_and_writes_nothing() {
    let desk = Desk::new();
    let settings = Settings::for_demo("http://localhost:9229", desk.folder.path()).unwrap();
    let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let key = Secrets::obtain(&settings, &random).unwrap().master_key;
    let open = async || {
        let directory = stores::open_directory(&settings, &clock).await.unwrap();
        let sealer = gateway::sealer(&key, &random).unwrap();
        let (clock, random, surface) = (Arc::clone(&clock), Arc::clone(&random), gateway::surface(&settings));
        let registry = Registry::open(Arc::clone(&directory), sealer, clock, random, surface).await.unwrap();
        (directory, Arc::new(registry))
    };
    // A pool of before there were encryption keys: whoever opens it first makes one.
    let (directory, registry) = open().await;
    registry.edit(vec![Edit::CreatePool(testing::user_pool())]).await.unwrap();
    let pool_id = testing::user_pool().id;
    let encryption = |registry: &Registry| {
        let keys = registry.snapshot().pool(&pool_id).unwrap().keys.records().to_vec();
        keys.into_iter().find(|key| key.key_use == KeyUse::SamlEncryption).unwrap()
    };
    let gone = Edit::RemoveKey { pool_id: pool_id.clone(), key_id: encryption(&registry).id };
    let _ = registry.edit(vec![gone]).await;
    directory.close().await;
    drop((directory, registry));

    let before = clock.now().unix_timestamp();
    let arguments = ["--pool", &pool_id, "--provider", "Corp", "--at", "2099-11-21T10:00:00Z"];
    let error = desk.run(&arguments).await.unwrap_err().to_string();
    assert!(error.contains("has no provider Corp"), "{error}");
    let (directory, registry) = open().await;
    assert!((before..=clock.now().unix_timestamp()).contains(&encryption(&registry).created));
    directory.close().await;
}

#[test]
fn every_code_of_a_step_is_one_that_the_docs_explain() {
    let docs = include_str!("../../docs/errors.md");
    for code in STEPS.iter().flat_map(|(_, codes)| *codes) {
        assert!(docs.contains(&format!("`{code}`")), "{code}");
    }
}

/// The stable codes that the files below `folder` name.
fn named_below(folder: &std::path::Path, into: &mut std::collections::BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            named_below(&path, into);
        } else {
            let text = std::fs::read_to_string(&path).unwrap();
            let quoted = text.split('"').skip(1).step_by(2);
            into.extend(quoted.filter(|one| one.starts_with("saml_")).map(str::to_owned));
        }
    }
}

#[test]
fn every_code_that_can_end_a_saml_sign_in_belongs_to_a_step() {
    // Of sign-out messages, and of the memory of used assertions, which a dry run does not ask.
    const OF_NO_STEP: [&str; 3] = ["saml_logout_message", "saml_session_index", "saml_replay"];
    let mut named = std::collections::BTreeSet::new();
    named_below(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("providers/src/saml"), &mut named);
    assert!(named.len() > 40, "codes are found: {named:?}");
    let known: Vec<&str> =
        STEPS.iter().flat_map(|(_, codes)| codes.iter().copied()).chain(OF_NO_STEP).collect();
    let missing: Vec<_> = named.iter().filter(|code| !known.contains(&code.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
