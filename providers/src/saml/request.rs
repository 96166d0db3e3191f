//! The AuthnRequest (SAML core 3.4.1).

use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use url::Url;

use super::binding::{self, HTTP_POST, Message, RequestSigner, encode, join};
use super::settings::{LoginHint, SamlSettings};
use super::xml::{ASSERTION, PROTOCOL};
use crate::{Asked, AttemptFacts, Outbound, Prompt, ProviderError};

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
    if settings.sign_requests && signer.is_none() {
        return Err(broken(
            "the provider needs signed requests (RequestSigningAlgorithm or its metadata), and there is no signing key",
        ));
    }
    let signer = signer.filter(|_| settings.sign_requests);
    let target = with_hint(settings, facts, target);
    let message =
        Message { parameter: "SAMLRequest", xml: &request, relay_state: Some(facts.handle.as_str()) };
    if settings.metadata.sso_redirect.is_some() {
        binding::redirect(&target, message, signer)
    } else {
        binding::post(&target, message, signer)
    }
}

/// How long before the attempt the person may have signed in at the provider, where the app cares.
///
/// SAML has a word for "again" and none for an age: `max_age` asks to sign in again too, or somebody whose
/// session at the provider is too old for the app could never get in.
pub fn greatest_age(asked: &Asked) -> Option<Duration> {
    match asked.wants(Prompt::Login) {
        true => Some(Duration::ZERO),
        false => asked.max_age.map(|seconds| Duration::seconds(seconds.into())),
    }
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
        ("ProtocolBinding", HTTP_POST),
        ("AssertionConsumerServiceURL", facts.callback.as_str()),
    ]);
    if facts.asked.wants(Prompt::None) {
        root.push_attribute(("IsPassive", "true"));
    } else if greatest_age(&facts.asked).is_some() {
        root.push_attribute(("ForceAuthn", "true"));
    }
    let mut writer = Writer::new(Vec::new());
    writer.write_event(Event::Start(root))?;
    text_element(&mut writer, "saml:Issuer", &facts.entity_id)?;
    // XML cannot hold every character, and no name has those in it that it cannot.
    let hint = facts.asked.login_hint.as_deref().filter(|hint| !hint.contains(char::is_control));
    if let (LoginHint::Subject, Some(hint)) = (&settings.login_hint, hint) {
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

pub(super) fn text_element(writer: &mut Writer<Vec<u8>>, name: &str, text: &str) -> std::io::Result<()> {
    writer.write_event(Event::Start(BytesStart::new(name)))?;
    writer.write_event(Event::Text(BytesText::new(text)))?;
    writer.write_event(Event::End(BytesEnd::new(name)))
}
