//! Sign-out messages of the test provider, by both bindings.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self as algorithms, EcdsaKeyPair, RsaKeyPair};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use poolgate_providers::saml::binding::{RequestSignature, RequestSigner, SigningFailed};
use poolgate_providers::{SignOutFacts, SignOutMessage, SignOutNotice};
use std::io::Write as _;
use url::form_urlencoded::byte_serialize;

use super::*;

pub const SLO: &str = "https://auth.example/saml2/logout";
pub const ENDPOINT: &str = r#"<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/slo?tenant=1" ResponseLocation="https://idp.example/slo-answer"/>"#;

/// What a LogoutRequest says. `Default` is one that is believed.
#[derive(Clone)]
pub struct Logout {
    pub attributes: String,
    pub issuer: String,
    pub body: String,
    pub method: &'static str,
}

impl Default for Logout {
    fn default() -> Self {
        Self {
            attributes: format!(
                r#"ID="_logout1" Version="2.0" IssueInstant="2026-11-21T11:59:59Z" Destination="{SLO}" NotOnOrAfter="2026-11-21T12:05:00Z""#
            ),
            issuer: format!("<saml:Issuer>{IDP}</saml:Issuer>"),
            body: r#"<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" SPNameQualifier="q">user@example.com</saml:NameID><samlp:SessionIndex>s1</samlp:SessionIndex><samlp:SessionIndex> s2
 </samlp:SessionIndex>"#.to_owned(),
            method: RSA_SHA256,
        }
    }
}

impl Logout {
    /// An answer to this request of ours.
    pub fn answer(in_response_to: &str, status: &str) -> Self {
        let Self { attributes, issuer, method, .. } = Self::default();
        let attributes = attributes.replace("NotOnOrAfter=\"2026-11-21T12:05:00Z\"", "");
        Self {
            attributes: format!("{attributes} InResponseTo=\"{in_response_to}\""),
            issuer,
            body: format!("<samlp:Status>{status}</samlp:Status>"),
            method,
        }
    }

    fn root(&self) -> &'static str {
        if self.body.contains("Status>") { "LogoutResponse" } else { "LogoutRequest" }
    }

    pub fn parameter(&self) -> &'static str {
        if self.root() == "LogoutResponse" { "SAMLResponse" } else { "SAMLRequest" }
    }

    pub fn xml(&self, signature: &str) -> String {
        let root = self.root();
        format!(
            r#"<samlp:{root} xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" {}>{}{signature}{}</samlp:{root}>"#,
            self.attributes, self.issuer, self.body
        )
    }

    pub fn signed(&self) -> String {
        sign(&self.xml(&template("_logout1", self.method, "")), &good_key().pem)
    }

    pub fn posted(&self) -> SignOutMessage {
        post(self.parameter(), &self.signed())
    }

    pub fn redirected(&self) -> SignOutMessage {
        redirect(&Redirect { parameter: self.parameter(), ..Redirect::of(&self.xml("")) }.query())
    }
}

pub fn post(parameter: &str, xml: &str) -> SignOutMessage {
    let field = |name: &str| (parameter == name).then(|| STANDARD.encode(xml));
    SignOutMessage::SamlPost {
        request: field("SAMLRequest"),
        response: field("SAMLResponse"),
        relay_state: Some("relay".to_owned()),
    }
}

pub fn redirect(query: &str) -> SignOutMessage {
    SignOutMessage::SamlRedirect { query: query.to_owned() }
}

pub fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn escaped(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

pub fn pkcs8(key: &Key) -> Vec<u8> {
    let body: String = key.pem.lines().filter(|line| !line.starts_with("---")).collect();
    STANDARD.decode(body).unwrap()
}

pub fn rsa_signature(key: &Key, encoding: &'static dyn algorithms::RsaEncoding, message: &[u8]) -> Vec<u8> {
    let pair = RsaKeyPair::from_pkcs8(&pkcs8(key)).unwrap();
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), message, &mut signature).unwrap();
    signature
}

pub fn ec_signature(algorithm: &'static algorithms::EcdsaSigningAlgorithm, message: &[u8]) -> Vec<u8> {
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, &pkcs8(ec_key())).unwrap();
    pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
}

/// Signs bytes.
pub type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// A query of the redirect binding, part by part; every part is already encoded.
pub struct Redirect {
    pub parameter: &'static str,
    pub message: String,
    pub relay_state: Option<String>,
    pub algorithm: String,
    pub signer: Sign,
}

impl Redirect {
    pub fn of(xml: &str) -> Self {
        Self {
            parameter: "SAMLRequest",
            message: escaped(&STANDARD.encode(packed(xml.as_bytes()))),
            relay_state: None,
            algorithm: escaped(RSA_SHA256),
            signer: Box::new(|message| rsa_signature(good_key(), &algorithms::RSA_PKCS1_SHA256, message)),
        }
    }

    pub fn signed(&self) -> String {
        let relay = self.relay_state.as_ref().map(|state| format!("&RelayState={state}")).unwrap_or_default();
        format!("{}={}{relay}&SigAlg={}", self.parameter, self.message, self.algorithm)
    }

    pub fn signature(&self) -> String {
        escaped(&STANDARD.encode((self.signer)(self.signed().as_bytes())))
    }

    pub fn query(&self) -> String {
        format!("{}&Signature={}", self.signed(), self.signature())
    }
}

/// A signer whose signature is what it was given.
pub struct Echo;

impl RequestSigner for Echo {
    fn sign_rsa_sha256(&self, message: &[u8]) -> Result<RequestSignature, SigningFailed> {
        Ok(RequestSignature { value: message.to_vec(), certificate: "".into() })
    }
}

/// A provider whose metadata has these sign-out endpoints.
pub fn provider_with(pairs: &[(&str, &str)], endpoints: &str, signer: bool) -> SamlProvider {
    let document = metadata_xml(IDP, &[&good_key().certificate, &ec_key().certificate])
        .replace("<md:SingleSignOnService", &format!("{endpoints}<md:SingleSignOnService"));
    let metadata = metadata::parse(document.as_bytes()).unwrap();
    let signer = signer.then(|| Arc::new(Echo) as Arc<dyn RequestSigner>);
    let settings = SamlSettings::from_details(&details(pairs), metadata, false).unwrap();
    SamlProvider::new(settings, signer).with_engine(engine())
}

pub fn sign_out_facts() -> SignOutFacts {
    SignOutFacts {
        handle: "handle".to_owned(),
        message_id: "_ours1".to_owned(),
        entity_id: SP.to_owned(),
        callback: Url::parse(SLO).unwrap(),
    }
}

pub fn hear_with(
    provider: &SamlProvider,
    around: &Surroundings,
    message: &SignOutMessage,
) -> Result<SignOutNotice, ProviderError> {
    block_on(provider.hear_sign_out(around, &sign_out_facts(), message))
        .map(poolgate_providers::Verified::into_inner)
}

pub fn hear_at(now: OffsetDateTime, message: &SignOutMessage) -> Result<SignOutNotice, ProviderError> {
    hear_with(&provider_with(&[], ENDPOINT, true), &surroundings(now, Arc::<Memory>::default()), message)
}

pub fn hear(message: &SignOutMessage) -> Result<SignOutNotice, ProviderError> {
    hear_at(NOW, message)
}

#[track_caller]
pub fn not_heard(message: &SignOutMessage, check: &str) {
    match hear(message) {
        Ok(notice) => panic!("expected {check}, but it was heard: {notice:?}"),
        Err(error) => assert_eq!(error.code(), check, "{error}"),
    }
}
