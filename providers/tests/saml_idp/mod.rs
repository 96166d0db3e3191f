//! A small identity provider for tests: it makes fresh Responses, signed by bergshamra.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(missing_docs, unreachable_pub, reason = "test code")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

pub mod encrypted;
pub mod logout;
pub mod sealing;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bergshamra::keys::loader::load_pem_auto;
use bergshamra::{DsigContext, KeysManager};
use poolgate_providers::saml::{IdpMetadata, SamlProvider, SamlSettings, SignedXml, metadata};
use poolgate_providers::{
    Asked, AttemptFacts, Clock, ExternalIdentity, Inbound, Provider as _, ProviderError, Random,
    Surroundings, UsedOnce, fetch,
};
use time::OffsetDateTime;
use time::macros::datetime;
use url::Url;

pub const NOW: OffsetDateTime = datetime!(2026-11-21 12:00:00 UTC);
pub const IDP: &str = "https://idp.example/metadata";
pub const ACS: &str = "https://auth.example/saml2/idpresponse";
pub const SP: &str = "urn:amazon:cognito:sp:eu-west-1_Pool";
pub const REQUEST: &str = "_request0123456789";
pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";

pub struct Key {
    pub pem: String,
    pub certificate: Vec<u8>,
}

fn make(pair: &rcgen::KeyPair) -> Key {
    let params = rcgen::CertificateParams::new(vec!["idp.example".to_owned()]).unwrap();
    Key { pem: pair.serialize_pem(), certificate: params.self_signed(pair).unwrap().der().to_vec() }
}

fn rsa() -> Key {
    make(&rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap())
}

pub fn good_key() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(rsa)
}

pub fn evil_key() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(rsa)
}

pub fn ec_key() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(|| make(&rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap()))
}

pub fn template(id: &str, method: &str, key_info: &str) -> String {
    format!(
        r##"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod Algorithm="{method}"/><ds:Reference URI="#{id}"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/><ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue></ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue></ds:SignatureValue>{key_info}</ds:Signature>"##
    )
}

pub fn sign(xml: &str, pem: &str) -> String {
    let mut keys = KeysManager::new();
    keys.add_key(load_pem_auto(pem.as_bytes(), None).unwrap());
    bergshamra::sign(&DsigContext::new_permissive(keys), xml).unwrap()
}

/// What a Response says. `Default` is one that is believed.
#[derive(Clone)]
pub struct Answer {
    pub response_attributes: String,
    pub status: String,
    pub assertion_attributes: String,
    pub assertion_id: String,
    pub issuer: String,
    pub assertion_issuer: String,
    pub subject: String,
    pub confirmation: String,
    pub conditions: String,
    pub authn: String,
    pub attributes: String,
    pub sign_response: bool,
    pub sign_assertion: bool,
    pub method: &'static str,
    pub key_info: String,
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            response_attributes: format!(
                r#"Version="2.0" IssueInstant="2026-11-21T11:59:59Z" Destination="{ACS}" InResponseTo="{REQUEST}""#
            ),
            status: r#"<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>"#.to_owned(),
            assertion_attributes: r#"Version="2.0" IssueInstant="2026-11-21T11:59:59Z""#.to_owned(),
            assertion_id: "_assertion1".to_owned(),
            issuer: format!("<saml:Issuer>{IDP}</saml:Issuer>"),
            assertion_issuer: format!("<saml:Issuer>{IDP}</saml:Issuer>"),
            subject: r#"<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" SPNameQualifier="q">user@example.com</saml:NameID>"#.to_owned(),
            confirmation: format!(
                r#"<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="2026-11-21T12:05:00Z" Recipient="{ACS}" InResponseTo="{REQUEST}"/></saml:SubjectConfirmation>"#
            ),
            conditions: format!(
                r#"<saml:Conditions NotBefore="2026-11-21T11:55:00Z" NotOnOrAfter="2026-11-21T12:05:00Z"><saml:AudienceRestriction><saml:Audience>{SP}</saml:Audience></saml:AudienceRestriction></saml:Conditions>"#
            ),
            authn: r#"<saml:AuthnStatement AuthnInstant="2026-11-21T11:59:58Z" SessionIndex="s1"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"#.to_owned(),
            attributes: r#"<saml:AttributeStatement><saml:Attribute Name="urn:mail" FriendlyName="mail"><saml:AttributeValue>user@example.com</saml:AttributeValue></saml:Attribute><saml:Attribute Name="groups"><saml:AttributeValue>a</saml:AttributeValue><saml:AttributeValue>b</saml:AttributeValue></saml:Attribute><saml:Attribute Name="groups"><saml:AttributeValue>c &amp; d</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>"#.to_owned(),
            sign_response: false,
            sign_assertion: true,
            method: RSA_SHA256,
            key_info: String::new(),
        }
    }
}

impl Answer {
    pub fn assertion(&self, signature: &str) -> String {
        format!(
            r#"<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{}" {}>{}{signature}<saml:Subject>{}{}</saml:Subject>{}{}{}</saml:Assertion>"#,
            self.assertion_id,
            self.assertion_attributes,
            self.assertion_issuer,
            self.subject,
            self.confirmation,
            self.conditions,
            self.authn,
            self.attributes
        )
    }

    pub fn around(&self, signature: &str, assertion: &str) -> String {
        format!(
            r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_response1" {}>{}{signature}{}{assertion}</samlp:Response>"#,
            self.response_attributes, self.issuer, self.status
        )
    }

    pub fn signed_by(&self, key: &Key) -> String {
        let mut assertion = String::new();
        if self.sign_assertion {
            assertion = template(&self.assertion_id, self.method, &self.key_info);
        }
        let mut xml = self.around("", &self.assertion(&assertion));
        if self.sign_assertion {
            xml = sign(&xml, &key.pem);
        }
        if self.sign_response {
            let signature = template("_response1", self.method, &self.key_info);
            xml = xml.replacen(&self.issuer, &format!("{}{signature}", self.issuer), 1);
            xml = sign(&xml, &key.pem);
        }
        xml
    }

    pub fn xml(&self) -> String {
        self.signed_by(good_key())
    }
}

pub fn metadata_xml(entity: &str, certificates: &[&[u8]]) -> String {
    let keys: String = certificates
        .iter()
        .map(|der| {
            format!(
                r#"<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"#,
                STANDARD.encode(der)
            )
        })
        .collect();
    format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity}"><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{keys}<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>"#
    )
}

pub fn metadata_of(entity: &str, certificates: &[&[u8]]) -> IdpMetadata {
    metadata::parse(metadata_xml(entity, certificates).as_bytes()).unwrap()
}

pub fn details(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub fn provider(pairs: &[(&str, &str)]) -> SamlProvider {
    let metadata = metadata_of(IDP, &[&evil_free(), &good_key().certificate, &ec_key().certificate]);
    provider_of(SamlSettings::from_details(&details(pairs), metadata, false).unwrap())
}

/// A provider whose signatures every engine of this build judges.
pub fn provider_of(settings: SamlSettings) -> SamlProvider {
    SamlProvider::new(settings, None).with_engine(engine())
}

#[cfg(not(feature = "samael"))]
pub fn engine() -> Arc<dyn SignedXml> {
    Arc::new(poolgate_providers::saml::RustEngine)
}

#[cfg(feature = "samael")]
pub fn engine() -> Arc<dyn SignedXml> {
    Arc::new(both::Watched)
}

#[cfg(feature = "samael")]
mod both {
    use poolgate_providers::saml::engine::{SamaelEngine, Signed};
    use poolgate_providers::saml::gate::{Gated, Policy};
    use poolgate_providers::saml::keys::VerifyKey;
    use poolgate_providers::saml::{Engines, Refusal, SignedXml};
    use time::OffsetDateTime;

    /// Both engines as they are set up with `POOLGATE_SAML_ENGINES=both`; and what the first refuses, the
    /// second must refuse too, although it is not asked then.
    pub struct Watched;

    impl SignedXml for Watched {
        fn verify(
            &self,
            message: &Gated<'_>,
            keys: &[VerifyKey],
            policy: Policy,
            now: OffsetDateTime,
        ) -> Result<Signed, Refusal> {
            let believed = Engines::Both.engine().verify(message, keys, policy, now);
            if let Err(refusal) = &believed
                && refusal.check != "saml_engines_disagree"
            {
                let other = SamaelEngine.verify(message, keys, policy, now);
                assert!(
                    other.is_err(),
                    "libxmlsec1 accepts what is refused for {refusal:?}: {}",
                    message.text
                );
            }
            believed
        }
    }
}

/// A third key of the provider that signs nothing: any certificate of the metadata may verify.
fn evil_free() -> Vec<u8> {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(|| make(&rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap()))
        .certificate
        .clone()
}

pub fn facts() -> AttemptFacts {
    AttemptFacts {
        handle: "handle+/=".to_owned(),
        request_id: REQUEST.to_owned(),
        nonce: "nonce".into(),
        pkce_verifier: "verifier".into(),
        callback: Url::parse(ACS).unwrap(),
        entity_id: SP.to_owned(),
        started_at: NOW,
        asked: Asked::default(),
    }
}

pub struct At(pub OffsetDateTime);

impl Clock for At {
    fn now(&self) -> OffsetDateTime {
        self.0
    }
}

struct NoRandom;

impl Random for NoRandom {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

struct NoHttp;

#[async_trait]
impl fetch::Http for NoHttp {
    async fn send(&self, _: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, fetch::FetchError> {
        panic!("nothing may be fetched during a SAML sign-in");
    }
}

#[derive(Default)]
pub struct Memory(pub Mutex<HashSet<String>>, pub Mutex<Option<OffsetDateTime>>);

#[async_trait]
impl UsedOnce for Memory {
    async fn first_use(&self, key: &str, until: OffsetDateTime) -> Result<bool, ProviderError> {
        *self.1.lock().unwrap() = Some(until);
        Ok(self.0.lock().unwrap().insert(key.to_owned()))
    }
}

pub fn surroundings(now: OffsetDateTime, used: Arc<dyn UsedOnce>) -> Surroundings {
    Surroundings {
        clock: Arc::new(At(now)),
        random: Arc::new(NoRandom),
        http: Arc::new(NoHttp),
        used,
        shared: Arc::new(poolgate_providers::shared::Alone),
    }
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub fn finish_with(
    provider: &SamlProvider,
    around: &Surroundings,
    facts: &AttemptFacts,
    xml: &str,
) -> Result<ExternalIdentity, ProviderError> {
    let inbound = Inbound::SamlResponse(STANDARD.encode(xml));
    block_on(provider.finish(around, facts, inbound)).map(poolgate_providers::Verified::into_inner)
}

pub fn finish_at(now: OffsetDateTime, xml: &str) -> Result<ExternalIdentity, ProviderError> {
    finish_with(&provider(&[]), &surroundings(now, Arc::<Memory>::default()), &facts(), xml)
}

pub fn finish(xml: &str) -> Result<ExternalIdentity, ProviderError> {
    finish_at(NOW, xml)
}

#[track_caller]
pub fn refused(result: Result<ExternalIdentity, ProviderError>, check: &str) {
    match result {
        Ok(identity) => panic!("expected {check}, but {} was let in", identity.subject),
        Err(error) => assert_eq!(error.code(), check, "{error}"),
    }
}
