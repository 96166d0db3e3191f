//! Our own sign-out messages: always signed, every value escaped, elements in the schema's order.

use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;

use super::rules::REQUEST_LIFETIME;
use crate::saml::binding::{self, Message, RequestSigner};
use crate::saml::metadata::IdpMetadata;
use crate::saml::xml::{ASSERTION, PROTOCOL};
use crate::{Outbound, ProviderError, ProviderSession, SignOutFacts, SignOutOutcome, SignOutRequest};

const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";

fn broken(error: &std::io::Error) -> ProviderError {
    ProviderError::Settings(format!("the sign-out message could not be written: {error}"))
}

fn written(at: OffsetDateTime) -> std::io::Result<String> {
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).map_err(std::io::Error::other)
}

/// Where a message goes, by which binding: HTTP-Redirect where the provider listens for it.
fn send(
    redirect: Option<&Url>,
    post: Option<&Url>,
    signer: &dyn RequestSigner,
    parameter: &'static str,
    relay_state: Option<&str>,
    xml: impl FnOnce(&Url) -> std::io::Result<Vec<u8>>,
) -> Result<Option<Outbound>, ProviderError> {
    let Some(target) = redirect.or(post) else { return Ok(None) };
    let xml = xml(target).map_err(|error| broken(&error))?;
    let message = Message { parameter, xml: &xml, relay_state };
    let sent = if redirect.is_some() {
        binding::redirect(target, message, Some(signer))
    } else {
        binding::post(target, message, Some(signer))
    };
    sent.map(Some)
}

/// Asks the provider to end this session (SAML core 3.7.1): with the NameID of the sign-in, its format and its
/// qualifiers exactly as they came, and each SessionIndex. `None` where the provider has no sign-out address.
///
/// # Errors
/// When the message cannot be signed.
pub fn request(
    metadata: &IdpMetadata,
    signer: &dyn RequestSigner,
    session: &ProviderSession,
    facts: &SignOutFacts,
    now: OffsetDateTime,
) -> Result<Option<Outbound>, ProviderError> {
    let (redirect, post) = (metadata.slo_redirect.as_ref(), metadata.slo_post.as_ref());
    send(redirect, post, signer, "SAMLRequest", Some(&facts.handle), |target| {
        let until = written(now.saturating_add(REQUEST_LIFETIME))?;
        let more = [("NotOnOrAfter", until.as_str())];
        let mut document = Document::open("samlp:LogoutRequest", facts, target, now, &more)?;
        let mut name = BytesStart::new("saml:NameID").with_attributes([("xmlns:saml", ASSERTION)]);
        let qualifiers = [
            ("Format", &session.name_id_format),
            ("NameQualifier", &session.name_qualifier),
            ("SPNameQualifier", &session.sp_name_qualifier),
        ];
        for (key, value) in qualifiers {
            name.extend_attributes(value.as_deref().map(|value| (key, value)));
        }
        document.text(name, &session.subject)?;
        for index in &session.session_indexes {
            document.text(BytesStart::new("samlp:SessionIndex"), index)?;
        }
        document.close("samlp:LogoutRequest")
    })
}

/// Tells the provider what became of its own request (SAML core 3.7.2).
///
/// # Errors
/// When the provider has no sign-out address, or the message cannot be signed.
pub fn answer(
    metadata: &IdpMetadata,
    signer: &dyn RequestSigner,
    request: &SignOutRequest,
    outcome: &SignOutOutcome,
    facts: &SignOutFacts,
    now: OffsetDateTime,
) -> Result<Outbound, ProviderError> {
    // An address for answers stands beside the one for requests of the same binding.
    let redirect = metadata.slo_redirect.as_ref().map(|own| metadata.slo_response.as_ref().unwrap_or(own));
    let post = metadata.slo_post.as_ref().map(|own| metadata.slo_post_response.as_ref().unwrap_or(own));
    let sent = send(redirect, post, signer, "SAMLResponse", request.relay_state.as_deref(), |target| {
        let more = [("InResponseTo", request.message_id.as_str())];
        let mut document = Document::open("samlp:LogoutResponse", facts, target, now, &more)?;
        document.status(outcome)?;
        document.close("samlp:LogoutResponse")
    })?;
    sent.ok_or_else(|| {
        ProviderError::Settings("the provider's metadata has no SingleLogoutService to answer to".to_owned())
    })
}

/// A message being written.
struct Document(Writer<Vec<u8>>);

impl Document {
    /// Root element and Issuer.
    fn open(
        name: &str,
        facts: &SignOutFacts,
        target: &Url,
        now: OffsetDateTime,
        more: &[(&str, &str)],
    ) -> std::io::Result<Self> {
        let issued = written(now)?;
        let mut attributes = vec![
            ("Destination", target.as_str()),
            ("ID", facts.message_id.as_str()),
            ("IssueInstant", issued.as_str()),
            ("Version", "2.0"),
        ];
        attributes.extend_from_slice(more);
        // In the order of canonical XML.
        attributes.sort_unstable();
        let mut root = BytesStart::new(name).with_attributes([("xmlns:samlp", PROTOCOL)]);
        root.extend_attributes(attributes);
        let mut document = Self(Writer::new(Vec::new()));
        document.0.write_event(Event::Start(root))?;
        let issuer = BytesStart::new("saml:Issuer").with_attributes([("xmlns:saml", ASSERTION)]);
        document.text(issuer, &facts.entity_id)?;
        Ok(document)
    }

    fn text(&mut self, element: BytesStart<'_>, text: &str) -> std::io::Result<()> {
        let end = element.to_end().into_owned();
        self.0.write_event(Event::Start(element))?;
        self.0.write_event(Event::Text(BytesText::new(text)))?;
        self.0.write_event(Event::End(end))
    }

    fn status(&mut self, outcome: &SignOutOutcome) -> std::io::Result<()> {
        let (first, second, message) = match outcome {
            SignOutOutcome::Complete => ("Success", None, None),
            SignOutOutcome::Partial => ("Success", Some("PartialLogout"), None),
            SignOutOutcome::UnknownPrincipal => ("Requester", Some("UnknownPrincipal"), None),
            SignOutOutcome::Failed(why) => ("Responder", None, Some(why)),
        };
        self.0.write_event(Event::Start(BytesStart::new("samlp:Status")))?;
        let code = |name: &str| {
            let value = format!("{STATUS}{name}");
            BytesStart::new("samlp:StatusCode").with_attributes([("Value", value.as_str())]).into_owned()
        };
        self.0.write_event(Event::Start(code(first)))?;
        if let Some(second) = second {
            self.text(code(second), "")?;
        }
        self.0.write_event(Event::End(BytesEnd::new("samlp:StatusCode")))?;
        if let Some(message) = message {
            self.text(BytesStart::new("samlp:StatusMessage"), message)?;
        }
        self.0.write_event(Event::End(BytesEnd::new("samlp:Status")))
    }

    fn close(mut self, name: &str) -> std::io::Result<Vec<u8>> {
        self.0.write_event(Event::End(BytesEnd::new(name)))?;
        Ok(self.0.into_inner())
    }
}
