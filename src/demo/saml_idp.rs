//! A simulated SAML 2.0 identity provider: metadata, HTTP-Redirect in, HTTP-POST out, signed with
//! RSA-SHA256. Anybody may sign in as anybody: it is for demonstrations and tests.

use std::io::Read as _;

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bergshamra::{DsigContext, KeysManager};
use flate2::read::DeflateDecoder;
use minijinja::context;
use poolgate_providers::Clock;
use poolgate_providers::ambient::random_hex;
use quick_xml::Reader;
use quick_xml::events::Event;
use rcgen::{CertificateParams, KeyPair};
use std::sync::Arc;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::pages::{DemoPages, query, shown, value};
use super::people::{self, PEOPLE, Person};
use super::{DemoError, Own};

/// Largest AuthnRequest after inflation, in bytes.
const MAX_REQUEST: u64 = 64 * 1024;

/// The provider.
pub struct SamlIdp {
    base: String,
    pages: DemoPages,
    own: Own,
    key_pem: String,
    certificate: String,
}

/// Which elements carry a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signs {
    /// The assertion (as most providers do).
    Assertion,
    /// The response around it.
    Response,
    /// Both.
    Both,
}

/// What an AuthnRequest asks (SAML core 3.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthnRequest {
    /// Its id.
    pub id: String,
    /// The relying party's entity id.
    pub issuer: String,
    /// Where the answer goes.
    pub assertion_consumer_service: String,
    /// Nothing may be shown to the user.
    pub passive: bool,
}

impl SamlIdp {
    /// A provider that answers below `base`, with a new key.
    ///
    /// # Errors
    /// When key, certificate or templates cannot be made.
    pub fn new(base: &str, own: Own) -> Result<Self, DemoError> {
        let pkcs8 = crate::keys::signing::generate_pkcs8()?;
        let der = rustls_pki_types::PrivatePkcs8KeyDer::from(pkcs8.as_slice());
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&der, &rcgen::PKCS_RSA_SHA256)?;
        let mut params = CertificateParams::new(vec!["saml.demo".to_owned()])?;
        let now = own.clock.now();
        (params.not_before, params.not_after) = (now - Duration::days(1), now + Duration::days(365));
        let certificate = STANDARD.encode(params.self_signed(&key)?.der());
        let base = base.to_owned();
        Ok(Self { base, pages: DemoPages::new()?, own, key_pem: key.serialize_pem(), certificate })
    }

    /// Its entity id: the address of its metadata.
    pub fn entity_id(&self) -> String {
        format!("{}/metadata", self.base)
    }

    /// Its metadata.
    ///
    /// # Errors
    /// A fault of the template.
    pub fn metadata(&self) -> Result<String, DemoError> {
        let facts = context! {
            entity_id => self.entity_id(), sso => format!("{}/sso", self.base), certificate => &self.certificate,
        };
        self.pages.text("metadata.xml", facts)
    }

    /// A signed Response for this person, base64. `None`: nobody is signed in (status NoPassive).
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn respond(
        &self,
        request: &AuthnRequest,
        person: Option<&Person>,
        signs: Signs,
    ) -> Result<String, DemoError> {
        let (audience, acs) = (&request.issuer, &request.assertion_consumer_service);
        self.write(Some(&request.id), audience, acs, person, signs)
    }

    /// A signed Response that nobody asked for (SAML profiles 4.1.5), base64.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn start(
        &self,
        audience: &str,
        acs: &str,
        person: &Person,
        signs: Signs,
    ) -> Result<String, DemoError> {
        self.write(None, audience, acs, Some(person), signs)
    }

    fn write(
        &self,
        request_id: Option<&str>,
        audience: &str,
        acs: &str,
        person: Option<&Person>,
        signs: Signs,
    ) -> Result<String, DemoError> {
        let now = self.own.clock.now();
        let facts = context! {
            response_id => self.new_id(), assertion_id => self.new_id(), session => self.new_id(),
            issuer => self.entity_id(), audience, request_id, acs, person => person.map(shown),
            now => moment(now)?, until => moment(now + Duration::minutes(5))?,
            sign_response => signs != Signs::Assertion || person.is_none(),
            sign_assertion => signs != Signs::Response,
        };
        let mut xml = self.pages.text("response.xml", facts)?;
        let both = person.is_some() && signs == Signs::Both;
        // The library signs the first empty signature it meets: the inner one must be done before the outer.
        if both {
            xml = self.sign_inner(&xml)?;
        }
        Ok(STANDARD.encode(self.sign(&xml)?))
    }

    fn new_id(&self) -> String {
        format!("_{}", random_hex(&self.own.random, 20))
    }

    fn sign(&self, xml: &str) -> Result<String, DemoError> {
        let mut keys = KeysManager::new();
        let key = bergshamra::keys::loader::load_pem_auto(self.key_pem.as_bytes(), None);
        keys.add_key(key.map_err(|error| DemoError::Signing(error.to_string()))?);
        bergshamra::sign(&DsigContext::new_permissive(keys), xml)
            .map_err(|error| DemoError::Signing(error.to_string()))
    }

    /// Signs the assertion of a response that is to be signed as well.
    fn sign_inner(&self, xml: &str) -> Result<String, DemoError> {
        let missing = || DemoError::Signing("the template has no assertion to sign".to_owned());
        let start = xml.find("<saml:Assertion").ok_or_else(missing)?;
        let end = xml.rfind("</saml:Assertion>").ok_or_else(missing)? + "</saml:Assertion>".len();
        let (before, rest) = xml.split_at(start);
        let (assertion, after) = rest.split_at(end - start);
        let signed = self.sign(assertion)?;
        let signed = signed.split_once("?>").map_or(signed.as_str(), |(_, rest)| rest).trim_start();
        Ok(format!("{before}{signed}{after}"))
    }
}

fn moment(moment: OffsetDateTime) -> Result<String, DemoError> {
    let whole = moment.replace_nanosecond(0).unwrap_or(moment);
    whole.format(&Rfc3339).map_err(|error| DemoError::Signing(error.to_string()))
}

/// Reads the `SAMLRequest` of the HTTP-Redirect binding (SAML bindings 3.4.4.1).
pub fn read_request(encoded: &str) -> Option<AuthnRequest> {
    let deflated = STANDARD.decode(encoded).ok()?;
    let mut xml = String::new();
    DeflateDecoder::new(deflated.as_slice()).take(MAX_REQUEST).read_to_string(&mut xml).ok()?;
    let mut reader = Reader::from_str(&xml);
    let mut request: Option<AuthnRequest> = None;
    let mut in_issuer = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) | Event::Empty(element) => {
                let name = element.local_name();
                in_issuer = name.as_ref() == "Issuer";
                if name.as_ref() == "AuthnRequest" {
                    let attribute = |name: &str| {
                        let found = element.try_get_attribute(name).ok()??;
                        Some(found.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok()?.into_owned())
                    };
                    request = Some(AuthnRequest {
                        id: attribute("ID")?,
                        issuer: String::new(),
                        assertion_consumer_service: attribute("AssertionConsumerServiceURL")?,
                        passive: attribute("IsPassive").as_deref() == Some("true"),
                    });
                }
            }
            Event::Text(text) if in_issuer => {
                request.as_mut()?.issuer.push_str(&text.xml_content(quick_xml::XmlVersion::Implicit1_0));
            }
            Event::End(_) => in_issuer = false,
            Event::Eof => return request.filter(|request| !request.issuer.is_empty()),
            _ => {}
        }
    }
}

/// Its routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/metadata", web::get().to(metadata))
        .route("/sso", web::get().to(sso))
        .route("/sign-in", web::post().to(sign_in))
        .configure(super::pages::assets);
}

async fn metadata(idp: web::Data<Arc<SamlIdp>>) -> HttpResponse {
    match idp.metadata() {
        Ok(document) => HttpResponse::Ok().content_type("application/samlmetadata+xml").body(document),
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}

const NAME: &str = "Acme Corporation";

async fn sso(http: HttpRequest, idp: web::Data<Arc<SamlIdp>>) -> HttpResponse {
    let (Some(encoded), relay_state) = (query(&http, "SAMLRequest"), query(&http, "RelayState")) else {
        return idp.pages.trouble(NAME, "There is no SAMLRequest.");
    };
    let Some(request) = read_request(&encoded) else {
        return idp.pages.trouble(NAME, "The SAMLRequest cannot be read.");
    };
    let relay_state = relay_state.unwrap_or_default();
    if request.passive {
        return post_back(&idp, &request, None, &relay_state);
    }
    let facts = context! {
        provider => NAME, kind => "SAML 2.0 identity provider", people => shown(PEOPLE),
        fields => shown([("SAMLRequest", encoded), ("RelayState", relay_state)]),
    };
    idp.pages.page(StatusCode::OK, "provider.html", facts)
}

async fn sign_in(idp: web::Data<Arc<SamlIdp>>, body: web::Bytes) -> HttpResponse {
    let request = value(&body, "SAMLRequest").and_then(|encoded| read_request(&encoded));
    let person = value(&body, "person").and_then(|id| people::find(&id));
    let (Some(request), Some(person)) = (request, person) else {
        return idp.pages.trouble(NAME, "Choose one of the people.");
    };
    post_back(&idp, &request, Some(person), &value(&body, "RelayState").unwrap_or_default())
}

fn post_back(
    idp: &SamlIdp,
    request: &AuthnRequest,
    person: Option<&Person>,
    relay_state: &str,
) -> HttpResponse {
    // The whole address: a mere prefix would also fit `http://localhost:9229@elsewhere.example/`.
    if request.assertion_consumer_service != format!("{}/saml2/idpresponse", idp.own.gateway) {
        return idp.pages.trouble(NAME, "This relying party is not known here.");
    }
    match idp.respond(request, person, Signs::Assertion) {
        Ok(response) => {
            let fields = [("SAMLResponse", response.as_str()), ("RelayState", relay_state)];
            let action = &request.assertion_consumer_service;
            let facts = context! { provider => NAME, action, fields => shown(fields) };
            idp.pages.page(StatusCode::OK, "auto_post.html", facts)
        }
        Err(error) => idp.pages.trouble(NAME, &error.to_string()),
    }
}
