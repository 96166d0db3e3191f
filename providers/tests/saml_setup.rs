//! Metadata, settings and the AuthnRequest.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod saml_idp;

use std::io::Read as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::DeflateDecoder;
use poolgate_providers::saml::binding::{self, Message};
use poolgate_providers::saml::{
    IdpMetadata, MetadataError, RequestSignature, RequestSigner, SamlProvider, SamlSettings, SigningFailed,
    metadata,
};
use poolgate_providers::{AttemptFacts, Outbound, Prompt, Provider as _, ProviderError};
use saml_idp::{
    ACS, IDP, Memory, NOW, REQUEST, SP, block_on, details, ec_key, facts, good_key, metadata_xml,
    surroundings,
};
use time::Duration;
use url::Url;

fn xml() -> String {
    metadata_xml(IDP, &[&good_key().certificate])
}

fn parse(xml: &str) -> Result<IdpMetadata, MetadataError> {
    metadata::parse(xml.as_bytes()).and_then(|metadata| metadata.check_time(NOW).map(|()| metadata))
}

fn settings(pairs: &[(&str, &str)], xml: &str) -> SamlSettings {
    SamlSettings::from_details(&details(pairs), parse(xml).unwrap(), false).unwrap()
}

fn begin(settings: SamlSettings, facts: &AttemptFacts, signer: bool) -> Result<Outbound, ProviderError> {
    let signer = signer.then(|| Arc::new(Echo) as Arc<dyn RequestSigner>);
    block_on(SamlProvider::new(settings, signer).begin(&surroundings(NOW, Arc::<Memory>::default()), facts))
}

/// A signer whose signature is what it was given: the test sees exactly which bytes were signed.
struct Echo;

impl RequestSigner for Echo {
    fn sign_rsa_sha256(&self, message: &[u8]) -> Result<RequestSignature, SigningFailed> {
        Ok(RequestSignature { value: message.to_vec(), certificate: "".into() })
    }
}

fn sent(outbound: &Outbound) -> String {
    let Outbound::Redirect(url) = outbound else { panic!("no redirect") };
    let packed = url.query_pairs().find(|(name, _)| name == "SAMLRequest").unwrap().1.into_owned();
    let mut text = String::new();
    DeflateDecoder::new(STANDARD.decode(packed).unwrap().as_slice()).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn plain_metadata_is_read() {
    let metadata =
        parse(&format!("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><!-- made by hand -->{}", xml()))
            .unwrap();
    assert_eq!(metadata.entity_id, IDP);
    assert_eq!(metadata.keys.len(), 1);
    assert_eq!(metadata.sso_redirect.unwrap().as_str(), "https://idp.example/sso");
    assert!(
        !metadata.wants_signed_requests && metadata.valid_until.is_none() && metadata.slo_redirect.is_none()
    );
}

#[test]
fn metadata_in_the_shape_of_adfs_is_read() {
    let role = r#"<RoleDescriptor xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="fed:SecurityTokenServiceType" protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706" xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706"><KeyDescriptor use="signing"/></RoleDescriptor>"#;
    let sp = r#"<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/>"#;
    let slo = r#"<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/slo" ResponseLocation="https://idp.example/slo-answer"/>"#;
    let document = xml()
        .replace(
            "<md:IDPSSODescriptor ",
            &format!(
                "{role}{sp}<md:IDPSSODescriptor WantAuthnRequestsSigned=\"true\" cacheDuration=\"PT1H\" "
            ),
        )
        .replace("<md:SingleSignOnService", &format!("{slo}<md:SingleSignOnService"));
    let metadata = parse(&document).unwrap();
    assert!(metadata.wants_signed_requests);
    assert_eq!(metadata.cache_for, Some(Duration::HOUR));
    assert_eq!(metadata.slo_response.unwrap().path(), "/slo-answer");
}

#[test]
fn several_signing_certificates_are_read_and_an_encryption_one_is_not() {
    let document =
        metadata_xml(IDP, &[&good_key().certificate, &ec_key().certificate, &good_key().certificate]);
    assert_eq!(parse(&document).unwrap().keys.len(), 2);
    let document =
        document.replacen("use=\"signing\"", "use=\"encryption\"", 1).replacen("use=\"signing\"", "", 1);
    assert_eq!(parse(&document).unwrap().keys.len(), 2);
}

#[test]
fn a_group_with_one_provider_is_read_and_with_two_is_refused() {
    let group = |content: &str| {
        format!(
            "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" validUntil=\"2026-11-22T00:00:00Z\">{content}</md:EntitiesDescriptor>"
        )
    };
    let one = parse(&group(&xml())).unwrap();
    assert_eq!(one.valid_until, Some(time::macros::datetime!(2026-11-22 00:00:00 UTC)));
    assert!(matches!(
        parse(&group(&format!("{}{}", xml(), xml()))),
        Err(MetadataError::SeveralIdentityProviders)
    ));
    assert!(matches!(parse(&group("")), Err(MetadataError::NoIdentityProvider)));
}

#[test]
fn metadata_without_a_usable_signing_key_is_refused() {
    assert!(matches!(parse(&metadata_xml(IDP, &[])), Err(MetadataError::NoSigningKey(_))));
    assert!(matches!(parse(&xml().replace("signing", "encryption")), Err(MetadataError::NoSigningKey(_))));
    assert!(matches!(parse(&metadata_xml(IDP, &[b"nonsense"])), Err(MetadataError::NoSigningKey(_))));
}

#[test]
fn metadata_whose_certificates_expired_is_read_but_not_believed() {
    let metadata = metadata::parse(xml().as_bytes()).unwrap();
    let end = metadata.keys[0].not_after;
    assert!(metadata.check_time(end).is_ok());
    let late = end + Duration::SECOND;
    let error = metadata.check_time(late).unwrap_err();
    assert!(matches!(error, MetadataError::CertificatesExpired(date) if date == end.date()), "{error}");
    let provider =
        SamlProvider::new(SamlSettings::from_details(&details(&[]), metadata, false).unwrap(), None);
    let around = surroundings(late, Arc::<Memory>::default());
    let begun = block_on(provider.begin(&around, &facts())).unwrap_err();
    let ended = saml_idp::finish_with(&provider, &around, &facts(), &saml_idp::Answer::default().xml());
    assert_eq!((begun.code(), ended.unwrap_err().to_string()), ("saml_certificate", begun.to_string()));
    assert!(begun.to_string().contains(&format!("expired (the last on {})", end.date())), "{begun}");
}

#[test]
fn expired_or_unreadable_metadata_is_refused() {
    let until = |at: &str| parse(&xml().replace("entityID", &format!("validUntil=\"{at}\" entityID")));
    assert!(matches!(until("2026-11-21T12:00:00Z"), Err(MetadataError::Expired(_))));
    assert!(until("2026-11-21T12:00:01Z").is_ok());
    assert!(matches!(until("soon"), Err(MetadataError::Unreadable(_))));
    for bad in ["", "<a>", "not xml", "<!DOCTYPE a><a/>"] {
        assert!(matches!(parse(bad), Err(MetadataError::Unreadable(_))), "{bad}");
    }
    assert!(matches!(
        metadata::parse(&vec![b' '; metadata::MAX_METADATA + 1]),
        Err(MetadataError::Unreadable(_))
    ));
    assert!(matches!(
        parse(&xml().replace("https://idp.example/sso", "javascript:alert(1)")),
        Err(MetadataError::Address(_))
    ));
    assert!(matches!(parse(&xml().replace("HTTP-Redirect", "SOAP")), Err(MetadataError::NoSignInAddress)));
    assert!(matches!(
        parse(&xml().replace("2.0:protocol", "1.1:protocol")),
        Err(MetadataError::NoIdentityProvider)
    ));
}

#[test]
fn of_several_ends_of_metadata_the_earliest_counts() {
    let document = xml()
        .replace("entityID", "validUntil=\"2026-11-30T00:00:00Z\" entityID")
        .replace("<md:IDPSSODescriptor ", "<md:IDPSSODescriptor validUntil=\"2026-11-21T11:00:00Z\" ");
    assert!(matches!(parse(&document), Err(MetadataError::Expired(_))));
    let swapped = document.replace("2026-11-30", "2026-11-20").replace("2026-11-21T11", "2026-11-30T11");
    assert!(matches!(parse(&swapped), Err(MetadataError::Expired(_))));
}

#[test]
fn an_address_without_a_host_is_refused() {
    let document = xml().replace("https://idp.example/sso", "urn:sso");
    assert!(matches!(parse(&document), Err(MetadataError::Address(_))));
}

#[test]
fn more_signing_certificates_than_are_ever_tried_are_refused() {
    let made: Vec<Vec<u8>> = (0..17)
        .map(|_| {
            let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
            rcgen::CertificateParams::new(vec![]).unwrap().self_signed(&key).unwrap().der().to_vec()
        })
        .collect();
    let all: Vec<&[u8]> = made.iter().map(Vec::as_slice).collect();
    assert_eq!(parse(&metadata_xml(IDP, &all[..16])).unwrap().keys.len(), 16);
    let error = parse(&metadata_xml(IDP, &all)).unwrap_err();
    assert!(error.to_string().contains("more than 16"), "{error}");
}

#[test]
fn an_address_over_http_is_for_development_only() {
    let metadata = parse(&xml().replace("https://idp.example/sso", "http://localhost/sso")).unwrap();
    assert!(SamlSettings::from_details(&details(&[]), metadata.clone(), false).is_err());
    assert!(SamlSettings::from_details(&details(&[]), metadata, true).is_ok());
}

#[test]
fn a_setting_that_cannot_be_used_is_refused_by_name() {
    let too_long = format!("urn:x:{}", "y".repeat(512));
    for (key, value) in [
        ("EncryptedResponses", "yes"),
        ("pinned_certificates", ""),
        ("pinned_certificates", "00:11"),
        ("IDPSignout", "TRUE"),
        ("IDPInit", ""),
        ("RequestSigningAlgorithm", "rsa-sha1"),
        ("clock_skew_seconds", "301"),
        ("clock_skew_seconds", "-1"),
        ("clock_skew_seconds", "+1"),
        ("name_id_policy", "persistent"),
        ("name_id_policy", "urn:oasis:names tc:SAML:2.0:nameid-format:persistent"),
        ("name_id_policy", too_long.as_str()),
        ("authn_context_class_refs", ""),
        ("authn_context_class_refs", "b"),
        ("login_hint", "always"),
        ("login_hint", "query:"),
        ("login_hint", "query:SAMLRequest"),
        ("login_hint", "query:a&b"),
        ("insecure_allow_sha1", "1"),
        ("client_id", "x"),
    ] {
        let error =
            SamlSettings::from_details(&details(&[(key, value)]), parse(&xml()).unwrap(), false).unwrap_err();
        // A long value is cut where it is repeated.
        assert_eq!((error.key.as_str(), error.given.as_str()), (key, value.get(..100).unwrap_or(value)));
    }
}

#[test]
fn what_a_describe_gives_an_update_may_send_back() {
    let slo = r#"<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/slo"/>"#;
    let document = xml().replace("<md:SingleSignOnService", &format!("{slo}<md:SingleSignOnService"));
    let derived =
        settings(&[("MetadataURL", "https://idp.example/"), ("IDPSignout", "true")], &document).derived();
    assert_eq!(derived["SSORedirectBindingURI"], "https://idp.example/sso");
    assert_eq!(derived["SLORedirectBindingURI"], "https://idp.example/slo");
    assert!(SamlSettings::from_details(&derived, parse(&document).unwrap(), false).is_ok());
}

#[test]
fn a_request_says_what_is_needed_and_no_more() {
    let outbound = begin(settings(&[], &xml()), &facts(), false).unwrap();
    let Outbound::Redirect(url) = &outbound else { panic!() };
    assert!(url.as_str().starts_with("https://idp.example/sso?SAMLRequest="));
    assert!(url.query().unwrap().contains("&RelayState=handle%2B%2F%3D"));
    assert!(!url.query().unwrap().contains("Sig"));
    assert_eq!(
        sent(&outbound),
        format!(
            "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{REQUEST}\" Version=\"2.0\" IssueInstant=\"2026-11-21T12:00:00Z\" Destination=\"https://idp.example/sso\" ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" AssertionConsumerServiceURL=\"{ACS}\"><saml:Issuer>{SP}</saml:Issuer></samlp:AuthnRequest>"
        )
    );
}

#[test]
fn the_app_s_and_the_provider_s_wishes_travel_along() {
    let mut facts = facts();
    facts.asked.prompt = vec![Prompt::Login];
    facts.asked.login_hint = Some("a<b>&\"@x".to_owned());
    let pairs = [
        ("login_hint", "subject"),
        ("name_id_policy", "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"),
        ("authn_context_class_refs", "urn:one urn:two"),
    ];
    let request = sent(&begin(settings(&pairs, &xml()), &facts, false).unwrap());
    for part in [
        "ForceAuthn=\"true\"",
        "<saml:Subject><saml:NameID>a&lt;b&gt;&amp;",
        "<samlp:NameIDPolicy Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\" AllowCreate=\"true\"/>",
        "<saml:AuthnContextClassRef>urn:two</saml:AuthnContextClassRef>",
    ] {
        assert!(request.contains(part), "{part} in {request}");
    }
    facts.asked.prompt = vec![Prompt::None];
    let request = sent(&begin(settings(&[], &xml()), &facts, false).unwrap());
    assert!(
        request.contains("IsPassive=\"true\"")
            && !request.contains("NameID")
            && !request.contains("ForceAuthn")
    );
    let outbound = begin(settings(&[("login_hint", "query:username")], &xml()), &facts, false).unwrap();
    let Outbound::Redirect(url) = outbound else { panic!() };
    assert!(url.as_str().starts_with("https://idp.example/sso?username=a%3Cb%3E%26%22%40x&SAMLRequest="));
}

#[test]
fn an_age_asks_to_sign_in_again_unless_nothing_may_be_shown() {
    let mut facts = facts();
    facts.asked.max_age = Some(3600);
    let request = |facts: &AttemptFacts| sent(&begin(settings(&[], &xml()), facts, false).unwrap());
    assert!(request(&facts).contains("ForceAuthn=\"true\""));
    facts.asked.prompt = vec![Prompt::None];
    let passive = request(&facts);
    assert!(passive.contains("IsPassive=\"true\"") && !passive.contains("ForceAuthn"), "{passive}");
}

#[test]
fn a_hint_that_xml_cannot_hold_is_not_sent() {
    let mut facts = facts();
    let subject = [("login_hint", "subject")];
    let request = |facts: &AttemptFacts| sent(&begin(settings(&subject, &xml()), facts, false).unwrap());
    facts.asked.login_hint = Some("jos\u{e9}\u{1f511}@x".to_owned());
    assert!(request(&facts).contains("<saml:NameID>jos\u{e9}\u{1f511}@x</saml:NameID>"));
    facts.asked.login_hint = Some("a\u{1}b".to_owned());
    assert!(!request(&facts).contains("Subject"));
}

#[test]
fn a_signature_covers_exactly_what_is_sent_after_the_address_s_own_query() {
    let document = xml().replace("https://idp.example/sso", "https://idp.example/sso?tenant=a%2fb&amp;x=1");
    let outbound =
        begin(settings(&[("RequestSigningAlgorithm", "rsa-sha256")], &document), &facts(), true).unwrap();
    let Outbound::Redirect(url) = outbound else { panic!() };
    let query = url.query().unwrap();
    let ours = query.strip_prefix("tenant=a%2fb&x=1&").expect("the address's own query is kept as it is");
    let (signed, _) = ours.split_once("&Signature=").unwrap();
    let signature = url.query_pairs().find(|(name, _)| name == "Signature").unwrap().1.into_owned();
    assert_eq!(STANDARD.decode(signature).unwrap(), signed.as_bytes());
    assert!(
        signed.starts_with("SAMLRequest=")
            && signed.ends_with("&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256")
    );
}

#[test]
fn a_needed_signature_without_a_key_is_a_settings_error() {
    let wants = xml().replace("<md:IDPSSODescriptor ", "<md:IDPSSODescriptor WantAuthnRequestsSigned=\"1\" ");
    assert!(matches!(begin(settings(&[], &wants), &facts(), false), Err(ProviderError::Settings(_))));
    assert!(begin(settings(&[], &wants), &facts(), true).is_ok());
}

#[test]
fn a_provider_with_post_only_gets_a_form() {
    let document = xml().replace("HTTP-Redirect", "HTTP-POST");
    let Outbound::PostForm { action, fields } = begin(settings(&[], &document), &facts(), false).unwrap()
    else {
        panic!()
    };
    assert_eq!(action, Url::parse("https://idp.example/sso").unwrap());
    assert_eq!(fields[1], ("RelayState".to_owned(), "handle+/=".to_owned()));
    let sent = String::from_utf8(STANDARD.decode(&fields[0].1).unwrap()).unwrap();
    assert!(sent.starts_with("<samlp:AuthnRequest") && !sent.contains("Signature"), "{sent}");
}

#[test]
fn what_is_signed_for_a_redirect_is_escaped_once_and_in_one_way() {
    // The parts a provider takes apart again: `+`, `/`, `=`, `~`, a space and what is not ASCII.
    let mut facts = facts();
    facts.handle = "a+b/c=~ \u{e4}*-._".to_owned();
    let outbound =
        begin(settings(&[("RequestSigningAlgorithm", "rsa-sha256")], &xml()), &facts, true).unwrap();
    let Outbound::Redirect(url) = outbound else { panic!() };
    let (signed, _) = url.query().unwrap().split_once("&Signature=").unwrap();
    let parts: Vec<_> = signed.split('&').map(|part| part.split_once('=').unwrap()).collect();
    assert_eq!(parts.iter().map(|part| part.0).collect::<Vec<_>>(), ["SAMLRequest", "RelayState", "SigAlg"]);
    assert_eq!(parts[1].1, "a%2Bb%2Fc%3D%7E+%C3%A4*-._", "upper-case escapes");
    assert_eq!(url.query_pairs().find(|(name, _)| name == "RelayState").unwrap().1, facts.handle);
    let signature = url.query_pairs().find(|(name, _)| name == "Signature").unwrap().1.into_owned();
    assert_eq!(STANDARD.decode(signature).unwrap(), signed.as_bytes());
}

#[test]
fn without_a_relay_state_none_is_signed() {
    let target = Url::parse("https://idp.example/slo#there").unwrap();
    let message = Message { parameter: "SAMLResponse", xml: b"<a/>", relay_state: None };
    let Outbound::Redirect(url) = binding::redirect(&target, message, Some(&Echo)).unwrap() else { panic!() };
    let names: Vec<_> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(names, ["SAMLResponse", "SigAlg", "Signature"]);
    assert_eq!(url.fragment(), None);
}

#[test]
fn a_fragment_of_the_sign_in_address_swallows_no_request() {
    let document = xml().replace("https://idp.example/sso", "https://idp.example/sso#top");
    for pairs in [&[][..], &[("login_hint", "query:user")]] {
        let mut facts = facts();
        facts.asked.login_hint = Some("alice".to_owned());
        let Ok(Outbound::Redirect(url)) = begin(settings(pairs, &document), &facts, false) else {
            panic!("no redirect");
        };
        assert_eq!(url.fragment(), None, "{url}");
        assert!(url.query_pairs().any(|(name, _)| name == "SAMLRequest"), "{url}");
    }
    let Ok(Outbound::PostForm { action, .. }) =
        begin(settings(&[], &document.replace("HTTP-Redirect", "HTTP-POST")), &facts(), false)
    else {
        panic!("no form");
    };
    assert_eq!(action.as_str(), "https://idp.example/sso");
}
