//! A SAML provider in memory: it signs people in, and signs them out by both bindings.

use std::io::{Read as _, Write as _};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bergshamra::{DsigContext, KeysManager};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde_json::json;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use url::Url;

use super::house::{Answer, Browser, House, POOL, query};
use crate::keys::SigningKey;
use crate::keys::signing::generate_pkcs8;
use crate::pool::IdentityProvider;
use crate::registry::Edit;
use crate::testing;

const SP: &str = "urn:amazon:cognito:sp:us-east-1_Tests0001";
const ACS: &str = "http://localhost:9229/saml2/idpresponse";
pub(super) const SLO: &str = "http://localhost:9229/saml2/logout";
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const NAMESPACES: &str = r#"xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion""#;
pub(super) const SUCCESS: &str = r#"<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/>"#;

/// A key and its certificate.
pub(super) struct Key {
    pem: String,
    certificate: String,
    signing: SigningKey,
}

impl Key {
    fn make() -> Self {
        let pkcs8 = generate_pkcs8().unwrap();
        let der = rustls_pki_types::PrivatePkcs8KeyDer::from(pkcs8.as_slice());
        let key = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&der, &rcgen::PKCS_RSA_SHA256).unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["idp.example".to_owned()]).unwrap();
        (params.not_before, params.not_after) =
            (testing::NOW - Duration::days(1), testing::NOW + Duration::days(365));
        let certificate = STANDARD.encode(params.self_signed(&key).unwrap().der());
        Self { pem: key.serialize_pem(), certificate, signing: SigningKey::from_pkcs8(&pkcs8).unwrap() }
    }

    pub(super) fn good() -> &'static Self {
        static KEY: OnceLock<Key> = OnceLock::new();
        KEY.get_or_init(Self::make)
    }

    pub(super) fn evil() -> &'static Self {
        static KEY: OnceLock<Key> = OnceLock::new();
        KEY.get_or_init(Self::make)
    }
}

/// A provider of the pool.
#[derive(Clone)]
pub(super) struct Idp {
    pub(super) name: &'static str,
    pub(super) entity: String,
    pub(super) key: &'static Key,
    /// `SingleLogoutService` elements of its metadata.
    pub(super) endpoints: String,
}

/// The binding a message travels by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Binding {
    Post,
    Redirect,
}

pub(super) const BOTH: [Binding; 2] = [Binding::Post, Binding::Redirect];

impl Idp {
    pub(super) fn new(name: &'static str, key: &'static Key) -> Self {
        let host = format!("https://{}.example", name.to_lowercase());
        let endpoints = format!(
            r#"<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{host}/slo" ResponseLocation="{host}/slo-answer"/>"#
        );
        Self { name, entity: format!("{host}/metadata"), key, endpoints }
    }

    pub(super) fn provider(&self, more: &[(&str, &str)]) -> IdentityProvider {
        let host = self.entity.trim_end_matches("/metadata");
        let metadata = format!(
            r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{}"><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>{}<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{host}/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>"#,
            self.entity, self.key.certificate, self.endpoints
        );
        let mut provider = testing::provider(
            self.name,
            json!({"ProviderDetails": {"IDPSignout": "true"}, "AttributeMapping": {"email": "email"}}),
        );
        let more = more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        provider.provider_details.extend(more);
        provider.metadata_document = Some(metadata);
        provider
    }

    /// Makes it a provider of the pool that `app` may use.
    pub(super) async fn move_in(&self, house: &House, more: &[(&str, &str)]) {
        house.edit(vec![Edit::CreateProvider(self.provider(more))]).await;
        house
            .change_client("app", |client| client.supported_identity_providers.push(self.name.to_owned()))
            .await;
    }

    /// Signs this person in at `app`, in this session of the provider's; the answer that leads back to the app.
    pub(super) async fn sign_in(
        &self,
        house: &House,
        browser: &mut Browser,
        subject: &str,
        session: &str,
    ) -> Answer {
        let leaving =
            house.authorize(browser, &[("identity_provider", self.name), ("prompt", "login")]).await;
        let request = message(&leaving.location());
        let id = attribute(&request, "ID");
        let now = house.state.context.now();
        let (at, until) = (moment(now), moment(now + Duration::minutes(5)));
        let unique = house.state.context.request_id();
        let xml = format!(
            r#"<samlp:Response {NAMESPACES} ID="{unique}r" Version="2.0" IssueInstant="{at}" Destination="{ACS}" InResponseTo="{id}"><saml:Issuer>{entity}</saml:Issuer><samlp:Status>{SUCCESS}</samlp:Status><saml:Assertion ID="{unique}" Version="2.0" IssueInstant="{at}"><saml:Issuer>{entity}</saml:Issuer>{signature}<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" NameQualifier="nq">{subject}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData InResponseTo="{id}" NotOnOrAfter="{until}" Recipient="{ACS}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions><saml:AudienceRestriction><saml:Audience>{SP}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{at}" SessionIndex="{session}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="email"><saml:AttributeValue>{subject}@example.com</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>"#,
            entity = self.entity,
            signature = template(&unique),
        );
        let relay_state = leaving.told("RelayState").unwrap();
        let response = STANDARD.encode(self.sign(&xml));
        let form = [("SAMLResponse", response.as_str()), ("RelayState", &relay_state)];
        house.post_from(browser, "/saml2/idpresponse", &form).await
    }

    fn sign(&self, xml: &str) -> String {
        let mut keys = KeysManager::new();
        keys.add_key(bergshamra::keys::loader::load_pem_auto(self.key.pem.as_bytes(), None).unwrap());
        bergshamra::sign(&DsigContext::new_permissive(keys), xml).unwrap()
    }

    /// A LogoutRequest for this person, to be signed and sent.
    pub(super) fn request(&self, house: &House, subject: &str, sessions: &[&str]) -> Message {
        let now = house.state.context.now();
        let sessions: String = sessions
            .iter()
            .map(|index| format!("<samlp:SessionIndex>{index}</samlp:SessionIndex>"))
            .collect();
        Message {
            id: house.state.context.request_id(),
            root: "LogoutRequest",
            attributes: format!(
                r#"Version="2.0" IssueInstant="{}" Destination="{SLO}" NotOnOrAfter="{}""#,
                moment(now),
                moment(now + Duration::minutes(5))
            ),
            body: format!("<saml:NameID>{subject}</saml:NameID>{sessions}"),
        }
    }

    /// The answer to a LogoutRequest of ours.
    pub(super) fn answer(&self, house: &House, in_response_to: &str, status: &str) -> Message {
        let now = moment(house.state.context.now());
        Message {
            id: house.state.context.request_id(),
            root: "LogoutResponse",
            attributes: format!(
                r#"Version="2.0" IssueInstant="{now}" Destination="{SLO}" InResponseTo="{in_response_to}""#
            ),
            body: format!("<samlp:Status>{status}</samlp:Status>"),
        }
    }

    /// Sends a message through a browser without cookies.
    pub(super) async fn send(&self, house: &House, binding: Binding, message: &Message) -> Answer {
        self.send_signed(house, binding, message, true).await
    }

    /// Sends one by HTTP-POST to another pool's host.
    pub(super) async fn send_to(&self, house: &House, host: &str, message: &Message) -> Answer {
        let parameter = if message.root == "LogoutRequest" { "SAMLRequest" } else { "SAMLResponse" };
        let field = STANDARD.encode(self.sign(&self.written(message, &template(&message.id))));
        house.post_with_host("/saml2/logout", &[(parameter, &field)], host).await
    }

    fn written(&self, message: &Message, signature: &str) -> String {
        let Message { id, root, attributes, body } = message;
        format!(
            r#"<samlp:{root} {NAMESPACES} ID="{id}" {attributes}><saml:Issuer>{}</saml:Issuer>{signature}{body}</samlp:{root}>"#,
            self.entity
        )
    }

    pub(super) async fn send_signed(
        &self,
        house: &House,
        binding: Binding,
        message: &Message,
        signed: bool,
    ) -> Answer {
        let parameter = if message.root == "LogoutRequest" { "SAMLRequest" } else { "SAMLResponse" };
        let around = |signature: &str| self.written(message, signature);
        match binding {
            Binding::Post => {
                let xml = if signed { self.sign(&around(&template(&message.id))) } else { around("") };
                let field = STANDARD.encode(xml);
                house
                    .post_form("/saml2/logout", &[(parameter, &field), ("RelayState", "theirs & ours")])
                    .await
            }
            Binding::Redirect => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(around("").as_bytes()).unwrap();
                let field = STANDARD.encode(encoder.finish().unwrap());
                let parts =
                    [(parameter, field.as_str()), ("RelayState", "theirs & ours"), ("SigAlg", RSA_SHA256)];
                let mut text = query(&parts);
                if signed {
                    let signature = STANDARD.encode(self.key.signing.sign(text.as_bytes()).unwrap());
                    text = format!("{text}&{}", query(&[("Signature", &signature)]));
                }
                house.get(&mut Browser::default(), &format!("/saml2/logout?{text}")).await
            }
        }
    }
}

/// A sign-out message of a provider.
#[derive(Clone)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) root: &'static str,
    pub(super) attributes: String,
    pub(super) body: String,
}

fn template(id: &str) -> String {
    format!(
        r##"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod Algorithm="{RSA_SHA256}"/><ds:Reference URI="#{id}"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/><ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue></ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue></ds:SignatureValue></ds:Signature>"##
    )
}

fn moment(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap()
}

/// The message that a redirect of ours carries.
pub(super) fn message(location: &Url) -> String {
    let field = location.query_pairs().find(|(name, _)| name.starts_with("SAML")).unwrap().1.into_owned();
    let mut text = String::new();
    DeflateDecoder::new(STANDARD.decode(field).unwrap().as_slice()).read_to_string(&mut text).unwrap();
    text
}

/// The first attribute of this name.
pub(super) fn attribute(xml: &str, name: &str) -> String {
    let from =
        xml.find(&format!(" {name}=\"")).unwrap_or_else(|| panic!("no {name} in {xml}")) + name.len() + 3;
    xml[from..].split('"').next().unwrap().to_owned()
}

/// Checks that the pool's key signed a redirect of ours, over the query as it stands.
pub(super) fn assert_signed_by_us(house: &House, location: &Url) {
    let query = location.query().unwrap();
    let (signed, signature) = query.split_once("&Signature=").unwrap();
    let signed = &signed[signed.find("SAML").unwrap()..];
    let signature =
        url::form_urlencoded::parse(format!("s={signature}").as_bytes()).next().unwrap().1.into_owned();
    let snapshot = house.state.context.registry.snapshot();
    let keys = &snapshot.pool(POOL).unwrap().keys;
    let saml = keys.saml_signing().in_use(house.state.context.now()).sign(signed.as_bytes()).unwrap();
    assert_eq!(STANDARD.encode(saml), signature, "{location}");
}
