//! Sign-out messages that we send.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod saml_idp;

use std::io::Read as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::DeflateDecoder;
use poolgate_providers::{Outbound, Provider as _, ProviderSession, SignOutOutcome, SignOutRequest};
use saml_idp::logout::{ENDPOINT, provider_with, sign_out_facts};
use saml_idp::{Memory, NOW, SP, block_on, surroundings};
use url::Url;

fn session() -> ProviderSession {
    ProviderSession {
        subject: "a&b<\"c'>".to_owned(),
        name_id_format: Some("urn:x:format".to_owned()),
        name_qualifier: Some("https://idp.example/?a=1&b=2".to_owned()),
        sp_name_qualifier: Some("q".to_owned()),
        session_indexes: vec!["s&1".to_owned(), "s2".to_owned()],
        ..ProviderSession::default()
    }
}

fn end(pairs: &[(&str, &str)], endpoints: &str, session: &ProviderSession) -> Option<Outbound> {
    let around = surroundings(NOW, Arc::<Memory>::default());
    block_on(provider_with(pairs, endpoints, true).end(&around, session, &sign_out_facts())).unwrap()
}

const ON: &[(&str, &str)] = &[("IDPSignout", "true")];

/// The raw values of a signed query, in their order, and the message.
fn sent(outbound: Outbound) -> (Url, Vec<(String, String)>, String) {
    let Outbound::Redirect(url) = outbound else { panic!("no redirect: {outbound:?}") };
    let pairs: Vec<_> = url
        .query()
        .unwrap()
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let message = url.query_pairs().find(|(name, _)| name.starts_with("SAML")).unwrap().1.into_owned();
    let mut text = String::new();
    DeflateDecoder::new(STANDARD.decode(message).unwrap().as_slice()).read_to_string(&mut text).unwrap();
    (url, pairs, text)
}

#[test]
fn our_request_names_the_person_as_at_the_sign_in_escaped_and_in_the_order_of_the_schema() {
    let (_, _, xml) = sent(end(ON, ENDPOINT, &session()).unwrap());
    let after = |text: &str, from: &str| text[text.find(from).unwrap() + from.len()..].to_owned();
    let root = xml.split('>').next().unwrap();
    for attribute in [
        "ID=\"_ours1\"",
        "Version=\"2.0\"",
        "IssueInstant=\"2026-11-21T12:00:00Z\"",
        "NotOnOrAfter=\"2026-11-21T12:05:00Z\"",
        "Destination=\"https://idp.example/slo?tenant=1\"",
    ] {
        assert!(root.starts_with("<samlp:LogoutRequest ") && root.contains(attribute), "{attribute}: {root}");
    }
    let rest = after(&xml, &format!(">{SP}</saml:Issuer>"));
    let name = rest.split_once("</saml:NameID>").unwrap();
    let (start, text) = name.0.split_once('>').unwrap();
    assert!(start.starts_with("<saml:NameID "), "{start}");
    assert!(start.contains("Format=\"urn:x:format\""), "{start}");
    assert!(start.contains(" NameQualifier=\"https://idp.example/?a=1&amp;b=2\""), "{start}");
    assert!(start.contains("SPNameQualifier=\"q\""), "{start}");
    let text = text.replace("&quot;", "\"").replace("&apos;", "'");
    assert_eq!(text, "a&amp;b&lt;\"c'&gt;");
    assert_eq!(
        name.1,
        "<samlp:SessionIndex>s&amp;1</samlp:SessionIndex><samlp:SessionIndex>s2</samlp:SessionIndex></samlp:LogoutRequest>"
    );
    let bare = ProviderSession { subject: "a".into(), ..ProviderSession::default() };
    let (_, _, xml) = sent(end(ON, ENDPOINT, &bare).unwrap());
    assert!(!xml.contains("Format=") && !xml.contains("Qualifier") && !xml.contains("SessionIndex"), "{xml}");
}

#[test]
fn our_request_is_always_signed_over_the_query_in_its_fixed_order_and_not_over_the_address() {
    let (url, pairs, _) = sent(end(ON, ENDPOINT, &session()).unwrap());
    assert!(url.as_str().starts_with("https://idp.example/slo?tenant=1&SAMLRequest="), "{url}");
    let names: Vec<_> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["tenant", "SAMLRequest", "RelayState", "SigAlg", "Signature"]);
    assert_eq!(pairs[2].1, "handle");
    // The signer gives back what it was to sign.
    let signature = url.query_pairs().find(|(name, _)| name == "Signature").unwrap().1.into_owned();
    let signed = String::from_utf8(STANDARD.decode(signature).unwrap()).unwrap();
    let expected: Vec<_> = pairs[1..4].iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(signed, expected.join("&"));
}

#[test]
fn nobody_is_sent_to_a_provider_that_is_not_set_up_for_it() {
    assert_eq!(end(&[], ENDPOINT, &session()), None);
    assert_eq!(end(&[("IDPSignout", "false")], ENDPOINT, &session()), None);
    assert_eq!(end(ON, "", &session()), None);
    let around = surroundings(NOW, Arc::<Memory>::default());
    let unsigned = provider_with(ON, ENDPOINT, false);
    let error = block_on(unsigned.end(&around, &session(), &sign_out_facts())).unwrap_err();
    assert!(error.to_string().contains("no signing key"), "{error}");
}

fn answer(endpoints: &str, outcome: SignOutOutcome, relay: Option<&str>) -> Outbound {
    let request = SignOutRequest {
        message_id: "_theirs".to_owned(),
        subject: "a".to_owned(),
        session_indexes: Vec::new(),
        relay_state: relay.map(str::to_owned),
    };
    let around = surroundings(NOW, Arc::<Memory>::default());
    let provider = provider_with(&[], endpoints, true);
    block_on(provider.answer_sign_out(&around, &sign_out_facts(), &request, outcome)).unwrap()
}

#[test]
fn our_answer_goes_signed_to_the_address_for_answers_with_status_and_relay_state() {
    let (url, pairs, xml) = sent(answer(ENDPOINT, SignOutOutcome::Complete, Some("r &")));
    assert!(url.as_str().starts_with("https://idp.example/slo-answer?SAMLResponse="), "{url}");
    let names: Vec<_> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["SAMLResponse", "RelayState", "SigAlg", "Signature"]);
    assert_eq!(pairs[1].1, "r+%26");
    let root = xml.split('>').next().unwrap();
    for attribute in [
        "ID=\"_ours1\"",
        "InResponseTo=\"_theirs\"",
        "Destination=\"https://idp.example/slo-answer\"",
        "Version=\"2.0\"",
    ] {
        assert!(
            root.starts_with("<samlp:LogoutResponse ") && root.contains(attribute),
            "{attribute}: {root}"
        );
    }
    assert!(xml.contains(&format!(">{SP}</saml:Issuer><samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode></samlp:Status>")), "{xml}");
    let (_, pairs, _) = sent(answer(ENDPOINT, SignOutOutcome::Complete, None));
    assert!(pairs.iter().all(|(name, _)| name != "RelayState"));
    let without = ENDPOINT.replace(" ResponseLocation=\"https://idp.example/slo-answer\"", "");
    let (url, _, _) = sent(answer(&without, SignOutOutcome::Complete, None));
    assert!(url.as_str().starts_with("https://idp.example/slo?tenant=1&SAMLResponse="), "{url}");
}

#[test]
fn our_answer_says_what_did_not_work() {
    let status = |outcome| {
        let (_, _, xml) = sent(answer(ENDPOINT, outcome, None));
        let codes: Vec<_> =
            xml.split("status:").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
        (codes, xml)
    };
    assert_eq!(status(SignOutOutcome::UnknownPrincipal).0, ["Requester", "UnknownPrincipal"]);
    assert_eq!(status(SignOutOutcome::Partial).0, ["Success", "PartialLogout"]);
    let (codes, xml) = status(SignOutOutcome::Failed("a < b".to_owned()));
    assert_eq!(codes, ["Responder"]);
    assert!(xml.contains("<samlp:StatusMessage>a &lt; b</samlp:StatusMessage></samlp:Status>"), "{xml}");
}

#[test]
fn without_an_address_there_is_no_answer() {
    let request = SignOutRequest {
        message_id: "_theirs".to_owned(),
        subject: "a".to_owned(),
        session_indexes: Vec::new(),
        relay_state: None,
    };
    let around = surroundings(NOW, Arc::<Memory>::default());
    let provider = provider_with(&[], "", true);
    let error =
        block_on(provider.answer_sign_out(&around, &sign_out_facts(), &request, SignOutOutcome::Complete))
            .unwrap_err();
    assert!(error.to_string().contains("SingleLogoutService"), "{error}");
}

#[test]
fn a_provider_that_listens_by_post_alone_gets_forms_signed_inside() {
    let endpoints = ENDPOINT.replace("HTTP-Redirect", "HTTP-POST");
    let form = |outbound: Outbound, to: &str, parameter: &str| {
        let Outbound::PostForm { action, fields } = outbound else { panic!("no form: {outbound:?}") };
        assert_eq!(action.as_str(), to);
        assert_eq!(fields[0].0, parameter);
        let xml = String::from_utf8(STANDARD.decode(&fields[0].1).unwrap()).unwrap();
        assert!(xml.contains("</saml:Issuer><ds:Signature"), "{xml}");
        (xml, fields.get(1).cloned())
    };
    let (xml, relay) =
        form(end(ON, &endpoints, &session()).unwrap(), "https://idp.example/slo?tenant=1", "SAMLRequest");
    assert!(xml.contains("<samlp:SessionIndex>s2</samlp:SessionIndex>"), "{xml}");
    assert_eq!(relay, Some(("RelayState".to_owned(), "handle".to_owned())));
    let answered = answer(&endpoints, SignOutOutcome::Complete, None);
    let (xml, relay) = form(answered, "https://idp.example/slo-answer", "SAMLResponse");
    assert!(xml.contains("status:Success") && relay.is_none(), "{xml}");
    // Where it listens by both, it is told by redirect.
    let both = format!("{endpoints}{ENDPOINT}");
    assert!(matches!(end(ON, &both, &session()), Some(Outbound::Redirect(_))));
}
