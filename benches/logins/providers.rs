//! Identity providers that cost next to nothing: text put together in canonical form and signed.
//!
//! They share no code with the gateway, so that a fault there cannot hide here.

use std::io::Read;

use actix_web::{App, HttpResponse, HttpServer, web};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::read::DeflateDecoder;
use serde_json::json;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use url::Url;

/// Signs as `RS256` and `rsa-sha256` do.
pub struct Signer {
    key: KeyPair,
    random: SystemRandom,
}

impl Signer {
    pub fn new() -> Self {
        Self { key: KeyPair::generate(KeySize::Rsa2048).unwrap(), random: SystemRandom::new() }
    }

    pub fn sign(&self, text: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &self.random, text, &mut signature).unwrap();
        signature
    }

    pub fn public_key(&self) -> &[u8] {
        self.key.public_key().as_ref()
    }
}

/// A SAML identity provider.
pub struct Saml {
    signer: Signer,
    certificate: String,
}

/// Entity id and addresses; nothing answers there: the bench plays the browser's part itself.
pub const SAML_BASE: &str = "http://127.0.0.1:1/saml";

impl Saml {
    pub fn new() -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["bench".to_owned()]).unwrap();
        let certificate = STANDARD.encode(certificate.self_signed(&key).unwrap().der());
        let key = KeyPair::from_pkcs8(&key.serialize_der()).unwrap();
        Self { signer: Signer { key, random: SystemRandom::new() }, certificate }
    }

    /// Its metadata.
    pub fn metadata(&self) -> String {
        let certificate = &self.certificate;
        format!(
            r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{SAML_BASE}"><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{SAML_BASE}/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>"#
        )
    }

    /// The form that the browser posts back: `request` is the address the gateway sent the browser to.
    pub fn answer(&self, request: &Url, person: &str, number: usize) -> Vec<(String, String)> {
        self.answer_with(request, person, &mail_of(person), number)
    }

    /// The same for a person whose e-mail address is this one now.
    pub fn answer_with(
        &self,
        request: &Url,
        person: &str,
        mail: &str,
        number: usize,
    ) -> Vec<(String, String)> {
        let parameter =
            |name: &str| request.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        let mut xml = String::new();
        let deflated = STANDARD.decode(parameter("SAMLRequest")).unwrap();
        DeflateDecoder::new(deflated.as_slice()).read_to_string(&mut xml).unwrap();
        let of = |name: &str| between(&xml, &format!("{name}=\""), "\"").to_owned();
        let issuer = &xml[xml.find(":Issuer").expect("the request names its issuer")..];
        let response = self.response(&Facts {
            number,
            person,
            mail,
            request: Some(&of(" ID")),
            acs: &of("AssertionConsumerServiceURL"),
            audience: between(issuer, ">", "<"),
            now: OffsetDateTime::now_utc(),
        });
        vec![
            ("SAMLResponse".to_owned(), STANDARD.encode(response)),
            ("RelayState".to_owned(), parameter("RelayState")),
        ]
    }

    /// The form of a sign-in that starts here: `relay_state` says where it goes.
    pub fn start(
        &self,
        (acs, audience): (&str, &str),
        relay_state: &str,
        (person, mail): (&str, &str),
        number: usize,
    ) -> Vec<(String, String)> {
        let now = OffsetDateTime::now_utc();
        let response = self.response(&Facts { number, person, mail, request: None, acs, audience, now });
        vec![
            ("SAMLResponse".to_owned(), STANDARD.encode(response)),
            ("RelayState".to_owned(), relay_state.to_owned()),
        ]
    }

    fn response(&self, facts: &Facts<'_>) -> String {
        let Facts { number, person, mail, request, acs, audience, now } = facts;
        let request = request.map(|id| format!(r#" InResponseTo="{id}""#)).unwrap_or_default();
        let instant =
            |moment: OffsetDateTime| moment.replace_nanosecond(0).unwrap().format(&Rfc3339).unwrap();
        let (issued, until) = (instant(*now), instant(*now + Duration::minutes(5)));
        let id = format!("_assertion-{}-{number}", now.unix_timestamp_nanos());
        // Canonical already: namespaces first, attributes in order, no empty-element tags, no white space.
        let head = format!(
            r#"<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{id}" IssueInstant="{issued}" Version="2.0"><saml:Issuer>{SAML_BASE}</saml:Issuer>"#
        );
        let attribute = |name: &str, value: &str| {
            format!(
                r#"<saml:Attribute Name="{name}"><saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>"#
            )
        };
        let attributes = [
            attribute("mail", mail),
            attribute("givenName", "Alice"),
            attribute("sn", "Example"),
            attribute("department", "Research and Development"),
        ]
        .concat();
        let tail = format!(
            r#"<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{person}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData{request} NotOnOrAfter="{until}" Recipient="{acs}"></saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{issued}" NotOnOrAfter="{until}"><saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{issued}" SessionIndex="{id}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion>"#
        );
        let digest = STANDARD.encode(digest(&SHA256, format!("{head}{tail}").as_bytes()));
        let signed_info = format!(
            r##"<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"></ds:SignatureMethod><ds:Reference URI="#{id}"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></ds:Transform><ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod><ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"##
        );
        let canonical =
            format!(r#"<ds:SignedInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">{signed_info}"#);
        let signature = STANDARD.encode(self.signer.sign(canonical.as_bytes()));
        let certificate = &self.certificate;
        format!(
            r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_response-{id}" Version="2.0" IssueInstant="{issued}" Destination="{acs}"{request}><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{SAML_BASE}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>{head}<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>{signed_info}<ds:SignatureValue>{signature}</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>{tail}</samlp:Response>"#
        )
    }
}

struct Facts<'a> {
    number: usize,
    person: &'a str,
    mail: &'a str,
    /// `None`: nobody asked.
    request: Option<&'a str>,
    acs: &'a str,
    audience: &'a str,
    now: OffsetDateTime,
}

fn mail_of(person: &str) -> String {
    format!("{person}@example.com")
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let start = text.find(from).unwrap_or_else(|| panic!("{from} in {text}")) + from.len();
    let length = text[start..].find(to).unwrap_or_else(|| panic!("{to} after {from} in {text}"));
    &text[start..start + length]
}

/// An OpenID provider: its token, key and userinfo endpoints answer on a loopback port.
pub struct Oidc {
    pub issuer: String,
}

struct Issued {
    issuer: String,
    signer: Signer,
}

/// The only client it knows.
pub const OIDC_CLIENT: &str = "bench";

impl Oidc {
    /// Starts it.
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let state = web::Data::new(Issued { issuer: issuer.clone(), signer: Signer::new() });
        let server = HttpServer::new(move || {
            App::new()
                .app_data(state.clone())
                .route("/.well-known/openid-configuration", web::get().to(discovery))
                .route("/jwks", web::get().to(jwks))
                .route("/token", web::post().to(token))
                .route("/userinfo", web::get().to(user_info))
        });
        let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
        std::thread::spawn(move || actix_web::rt::System::new().block_on(server));
        Self { issuer }
    }

    /// Where the browser goes after the person signed in: `request` is where the gateway sent it.
    pub fn answer(&self, request: &Url, person: &str) -> String {
        self.answer_with(request, person, &mail_of(person))
    }

    /// The same for a person whose e-mail address is this one now.
    pub fn answer_with(&self, request: &Url, person: &str, mail: &str) -> String {
        let parameter =
            |name: &str| request.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        let code = URL_SAFE_NO_PAD.encode(json!([person, mail, parameter("nonce")]).to_string());
        let mut back = Url::parse(&parameter("redirect_uri")).unwrap();
        back.query_pairs_mut().append_pair("code", &code).append_pair("state", &parameter("state"));
        back.into()
    }
}

async fn discovery(issued: web::Data<Issued>) -> HttpResponse {
    let issuer = &issued.issuer;
    HttpResponse::Ok().json(json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/jwks"),
        "userinfo_endpoint": format!("{issuer}/userinfo"), "response_types_supported": ["code"],
        "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

async fn jwks(issued: web::Data<Issued>) -> HttpResponse {
    let public = &issued.signer.key.public_key();
    let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let modulus = number(public.modulus().big_endian_without_leading_zero());
    let exponent = number(public.exponent().big_endian_without_leading_zero());
    let key = json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1", "n": modulus, "e": exponent});
    HttpResponse::Ok().json(json!({"keys": [key]}))
}

async fn token(issued: web::Data<Issued>, form: web::Form<Vec<(String, String)>>) -> HttpResponse {
    let code = &form.iter().find(|(name, _)| name == "code").unwrap().1;
    let [person, mail, nonce]: [String; 3] =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(code).unwrap()).unwrap();
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let claims = json!({
        "iss": issued.issuer, "sub": person, "aud": OIDC_CLIENT, "iat": now, "exp": now + 300, "nonce": nonce,
        "email": mail,
    });
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(json!({"alg": "RS256", "kid": "1", "typ": "JWT"})), part(claims));
    let id_token = format!("{text}.{}", URL_SAFE_NO_PAD.encode(issued.signer.sign(text.as_bytes())));
    HttpResponse::Ok().json(json!({
        "access_token": format!("{person}~{mail}"), "token_type": "Bearer", "expires_in": 300, "id_token": id_token,
    }))
}

async fn user_info(request: actix_web::HttpRequest) -> HttpResponse {
    let access = request.headers().get("authorization").unwrap().to_str().unwrap();
    let (person, email) = access.trim_start_matches("Bearer ").split_once('~').unwrap();
    HttpResponse::Ok()
        .json(json!({"sub": person, "email": email, "given_name": "Alice", "family_name": "Example"}))
}
