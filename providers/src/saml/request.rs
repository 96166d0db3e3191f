//! The AuthnRequest (SAML core 3.4.1) and its bindings (SAML bindings 3.4, 3.5).

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compress, Compression, FlushCompress, Status};
use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;
use url::form_urlencoded::byte_serialize;

use super::settings::{LoginHint, SamlSettings};
use super::xml::{ASSERTION, PROTOCOL};
use crate::{AttemptFacts, Outbound, Prompt, ProviderError};

const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const POST_BINDING: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// Signs with the pool's SAML key.
pub trait RequestSigner: Send + Sync {
    /// RSA PKCS #1 v1.5 with SHA-256 over `message`.
    ///
    /// # Errors
    /// When the key cannot sign.
    fn sign_rsa_sha256(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed>;
}

/// The pool's key could not sign.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the pool's SAML signing key could not sign: {0}")]
pub struct SigningFailed(pub String);

/// Where the browser goes with an AuthnRequest.
///
/// # Errors
/// `Settings` when a signature is needed and no key is there, or no address.
pub fn begin(
    settings: &SamlSettings,
    signer: Option<&dyn RequestSigner>,
    facts: &AttemptFacts,
    now: OffsetDateTime,
) -> Result<Outbound, ProviderError> {
    let target = settings.metadata.sso_redirect.as_ref().or(settings.metadata.sso_post.as_ref());
    let target = target.ok_or_else(|| broken("the provider's metadata has no sign-in address"))?;
    let request = authn_request(settings, facts, target, now)
        .map_err(|error| broken(&format!("the AuthnRequest could not be written: {error}")))?;
    let target = with_hint(settings, facts, target);
    if settings.metadata.sso_redirect.is_some() {
        return redirect(settings, signer, facts, &target, &request);
    }
    if settings.sign_requests {
        return Err(broken(
            "signed requests go by HTTP-Redirect only, and the metadata offers HTTP-POST only",
        ));
    }
    let fields = vec![
        ("SAMLRequest".to_owned(), STANDARD.encode(&request)),
        ("RelayState".to_owned(), facts.handle.clone()),
    ];
    Ok(Outbound::PostForm { action: target, fields })
}

fn broken(detail: &str) -> ProviderError {
    ProviderError::Settings(detail.to_owned())
}

/// The address with `login_hint` in its query, where the provider is set up so. What it has is kept as it is.
fn with_hint(settings: &SamlSettings, facts: &AttemptFacts, target: &Url) -> Url {
    let mut target = target.clone();
    target.set_fragment(None);
    if let (LoginHint::Query(name), Some(hint)) = (&settings.login_hint, &facts.asked.login_hint) {
        let query = join(target.query().unwrap_or_default(), &format!("{name}={}", encode(hint.as_bytes())));
        target.set_query(Some(&query));
    }
    target
}

fn join(query: &str, more: &str) -> String {
    if query.is_empty() { more.to_owned() } else { format!("{query}&{more}") }
}

fn encode(bytes: &[u8]) -> String {
    byte_serialize(bytes).collect()
}

/// HTTP-Redirect with DEFLATE (SAML bindings 3.4.4.1): what is signed is exactly what is sent.
fn redirect(
    settings: &SamlSettings,
    signer: Option<&dyn RequestSigner>,
    facts: &AttemptFacts,
    target: &Url,
    request: &[u8],
) -> Result<Outbound, ProviderError> {
    let deflated = deflate(request)
        .map_err(|error| broken(&format!("the AuthnRequest could not be packed: {error}")))?;
    let mut query = format!(
        "SAMLRequest={}&RelayState={}",
        encode(STANDARD.encode(deflated).as_bytes()),
        encode(facts.handle.as_bytes())
    );
    if settings.sign_requests {
        let signer = signer.ok_or_else(|| {
            broken("the provider needs signed requests (RequestSigningAlgorithm or its metadata), and there is no signing key")
        })?;
        query = format!("{query}&SigAlg={}", encode(RSA_SHA256.as_bytes()));
        let signature =
            signer.sign_rsa_sha256(query.as_bytes()).map_err(|error| broken(&error.to_string()))?;
        query = format!("{query}&Signature={}", encode(STANDARD.encode(signature).as_bytes()));
    }
    let mut target = target.clone();
    let query = join(target.query().unwrap_or_default(), &query);
    target.set_query(Some(&query));
    Ok(Outbound::Redirect(target))
}

fn deflate(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    thread_local! {
        /// Its tables are a third of a megabyte: making them anew costs more than packing a request.
        static PACKER: RefCell<Compress> = RefCell::new(Compress::new(Compression::default(), false));
    }
    PACKER.with_borrow_mut(|packer| {
        packer.reset();
        let mut packed = Vec::with_capacity(bytes.len() + 64);
        loop {
            let rest =
                bytes.get(usize::try_from(packer.total_in()).unwrap_or(usize::MAX)..).unwrap_or_default();
            match packer.compress_vec(rest, &mut packed, FlushCompress::Finish)? {
                Status::StreamEnd => return Ok(packed),
                Status::Ok | Status::BufError => packed.reserve(1024),
            }
        }
    })
}

fn authn_request(
    settings: &SamlSettings,
    facts: &AttemptFacts,
    target: &Url,
    now: OffsetDateTime,
) -> Result<Vec<u8>, std::io::Error> {
    let issued = now.replace_nanosecond(0).unwrap_or(now).format(&Rfc3339).map_err(std::io::Error::other)?;
    let mut root = BytesStart::new("samlp:AuthnRequest").with_attributes([
        ("xmlns:samlp", PROTOCOL),
        ("xmlns:saml", ASSERTION),
        ("ID", facts.request_id.as_str()),
        ("Version", "2.0"),
        ("IssueInstant", issued.as_str()),
        ("Destination", target.as_str()),
        ("ProtocolBinding", POST_BINDING),
        ("AssertionConsumerServiceURL", facts.callback.as_str()),
    ]);
    if facts.asked.wants(Prompt::Login) {
        root.push_attribute(("ForceAuthn", "true"));
    }
    if facts.asked.wants(Prompt::None) {
        root.push_attribute(("IsPassive", "true"));
    }
    let mut writer = Writer::new(Vec::new());
    writer.write_event(Event::Start(root))?;
    text_element(&mut writer, "saml:Issuer", &facts.entity_id)?;
    if let (LoginHint::Subject, Some(hint)) = (&settings.login_hint, &facts.asked.login_hint) {
        writer.write_event(Event::Start(BytesStart::new("saml:Subject")))?;
        text_element(&mut writer, "saml:NameID", hint)?;
        writer.write_event(Event::End(BytesEnd::new("saml:Subject")))?;
    }
    if let Some(format) = &settings.name_id_policy {
        let policy = BytesStart::new("samlp:NameIDPolicy")
            .with_attributes([("Format", format.as_str()), ("AllowCreate", "true")]);
        writer.write_event(Event::Empty(policy))?;
    }
    if !settings.authn_context_class_refs.is_empty() {
        let context =
            BytesStart::new("samlp:RequestedAuthnContext").with_attributes([("Comparison", "exact")]);
        writer.write_event(Event::Start(context))?;
        for class in &settings.authn_context_class_refs {
            text_element(&mut writer, "saml:AuthnContextClassRef", class)?;
        }
        writer.write_event(Event::End(BytesEnd::new("samlp:RequestedAuthnContext")))?;
    }
    writer.write_event(Event::End(BytesEnd::new("samlp:AuthnRequest")))?;
    Ok(writer.into_inner())
}

fn text_element(writer: &mut Writer<Vec<u8>>, name: &str, text: &str) -> std::io::Result<()> {
    writer.write_event(Event::Start(BytesStart::new(name)))?;
    writer.write_event(Event::Text(BytesText::new(text)))?;
    writer.write_event(Event::End(BytesEnd::new(name)))
}
