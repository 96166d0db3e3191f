//! Sign-out messages that come: every rule, by both bindings.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod saml_idp;

use std::sync::Arc;

use aws_lc_rs::signature as algorithms;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poolgate_providers::saml::logout::{self, MAX_SESSION_INDEXES};
use poolgate_providers::{SignOutMessage, SignOutNotice, SignOutOutcome, SignOutRequest};
use saml_idp::logout::{
    ENDPOINT, Logout, Redirect, SLO, Sign, ec_signature, escaped, hear, hear_at, hear_with, not_heard,
    packed, post, provider_with, redirect, rsa_signature,
};
use saml_idp::sealing::{Sealing, pool_key};
use saml_idp::{ECDSA_SHA256, IDP, Memory, NOW, evil_key, good_key, sign, surroundings, template};
use time::Duration;
use time::macros::datetime;

fn with(change: impl FnOnce(&mut Logout)) -> Logout {
    let mut logout = Logout::default();
    change(&mut logout);
    logout
}

/// Refused by the same rule, whichever way it comes.
#[track_caller]
fn refused_both_ways(logout: &Logout, check: &str) {
    not_heard(&logout.posted(), check);
    not_heard(&logout.redirected(), check);
}

#[track_caller]
fn assert_heard(message: &SignOutMessage) {
    if let Err(error) = hear(message) {
        panic!("{error}");
    }
}

fn changed(from: &str, to: &str) -> Logout {
    with(|logout| logout.attributes = logout.attributes.replace(from, to))
}

#[test]
fn a_signed_request_is_heard_by_both_bindings_with_every_session_index() {
    let said = |relay_state: Option<&str>| {
        SignOutNotice::Request(SignOutRequest {
            message_id: "_logout1".to_owned(),
            subject: "user@example.com".to_owned(),
            session_indexes: vec!["s1".to_owned(), "s2".to_owned()],
            relay_state: relay_state.map(str::to_owned),
        })
    };
    assert_eq!(hear(&Logout::default().posted()).unwrap(), said(Some("relay")));
    assert_eq!(hear(&Logout::default().redirected()).unwrap(), said(None));
    let relayed =
        Redirect { relay_state: Some("a%20b%2F%3d".into()), ..Redirect::of(&Logout::default().xml("")) };
    assert_eq!(hear(&redirect(&relayed.query())).unwrap(), said(Some("a b/=")));
    let nobody = with(|logout| logout.body = "<saml:NameID>u</saml:NameID>".into());
    let Ok(SignOutNotice::Request(request)) = hear(&nobody.posted()) else { panic!("not heard") };
    assert!(request.session_indexes.is_empty(), "all of the person's sessions");
}

#[test]
fn what_is_not_signed_is_refused() {
    let xml = Logout::default().xml("");
    not_heard(&post("SAMLRequest", &xml), "saml_unsigned");
    not_heard(&post("SAMLResponse", &Logout::answer("_ours1", "").xml("")), "saml_unsigned");
    let it = Redirect::of(&xml);
    not_heard(&redirect(&it.signed()), "saml_unsigned");
    not_heard(&redirect(&format!("SAMLRequest={}", it.message)), "saml_unsigned");
    not_heard(
        &redirect(&format!("SAMLRequest={}&Signature={}", it.message, it.signature())),
        "saml_unsigned",
    );
    not_heard(&redirect(&format!("{}&Signature=", it.signed())), "saml_unknown_key");
    not_heard(&redirect(&format!("{}&Signature=%%%", it.signed())), "saml_signature_form");
    let signature = |characters: usize| format!("{}&Signature={}", it.signed(), "A".repeat(characters));
    not_heard(&redirect(&signature(4096)), "saml_unknown_key");
    not_heard(&redirect(&signature(4100)), "saml_signature_form");
}

#[test]
fn another_key_is_refused() {
    let signed =
        sign(&Logout::default().xml(&template("_logout1", saml_idp::RSA_SHA256, "")), &evil_key().pem);
    not_heard(&post("SAMLRequest", &signed), "saml_unknown_key");
    let signer = Box::new(|message: &[u8]| rsa_signature(evil_key(), &algorithms::RSA_PKCS1_SHA256, message));
    let it = Redirect { signer, ..Redirect::of(&Logout::default().xml("")) };
    not_heard(&redirect(&it.query()), "saml_unknown_key");
}

#[test]
fn what_was_changed_after_it_was_signed_is_refused() {
    let signed = Logout::default().signed();
    not_heard(&post("SAMLRequest", &signed.replace("user@", "admin@")), "saml_digest");
    not_heard(
        &post("SAMLRequest", &signed.replace("<samlp:SessionIndex>s1</samlp:SessionIndex>", "")),
        "saml_digest",
    );
    let other = Redirect::of(&Logout::default().xml("").replace("user@", "admin@"));
    let it = Redirect { relay_state: Some("relay".into()), ..Redirect::of(&Logout::default().xml("")) };
    let signature = it.signature();
    let query = |message: &str, relay: &str, algorithm: &str| {
        redirect(&format!("SAMLRequest={message}{relay}&SigAlg={algorithm}&Signature={signature}"))
    };
    assert_heard(&query(&it.message, "&RelayState=relay", &it.algorithm));
    not_heard(&query(&other.message, "&RelayState=relay", &it.algorithm), "saml_unknown_key");
    not_heard(&query(&it.message, "&RelayState=other", &it.algorithm), "saml_unknown_key");
    not_heard(&query(&it.message, "", &it.algorithm), "saml_unknown_key");
    not_heard(&query(&it.message, "&RelayState=", &it.algorithm), "saml_unknown_key");
    let sha512 = escaped("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512");
    not_heard(&query(&it.message, "&RelayState=relay", &sha512), "saml_unknown_key");
}

#[test]
fn the_query_is_verified_as_its_sender_wrote_it() {
    // .NET escapes with lower-case digits, others escape what need not be.
    let lower = |text: String| {
        let mut lowered = String::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find('%') {
            lowered.push_str(&rest[..at]);
            lowered.push_str(&rest[at..at + 3].to_lowercase());
            rest = &rest[at + 3..];
        }
        lowered + rest
    };
    let plain = Redirect::of(&Logout::default().xml(""));
    let it = Redirect {
        message: lower(plain.message.clone()),
        algorithm: lower(plain.algorithm.clone()),
        relay_state: Some("%41%7e".into()),
        ..plain
    };
    assert_ne!(it.message, escaped(&percent_decoded(&it.message)), "something is written in another way");
    assert_heard(&redirect(&it.query()));
    let mixed = format!("{}&RelayState=A%7E&SigAlg={}", it.message, it.algorithm);
    not_heard(&redirect(&format!("SAMLRequest={mixed}&Signature={}", it.signature())), "saml_unknown_key");
}

fn percent_decoded(text: &str) -> String {
    url::form_urlencoded::parse(format!("v={text}").as_bytes()).next().unwrap().1.into_owned()
}

#[test]
fn the_order_of_the_parameters_does_not_count_and_others_mean_nothing() {
    let it = Redirect { relay_state: Some("r".into()), ..Redirect::of(&Logout::default().xml("")) };
    let (message, algorithm, signature) = (&it.message, &it.algorithm, it.signature());
    assert_heard(&redirect(&format!(
        "Signature={signature}&x=1&RelayState=r&SigAlg={algorithm}&SAMLRequest={message}&samlrequest=2"
    )));
}

#[test]
fn a_parameter_that_comes_twice_is_refused() {
    let it = Redirect { relay_state: Some("r".into()), ..Redirect::of(&Logout::default().xml("")) };
    let query = it.query();
    for name in ["SAMLRequest", "RelayState", "SigAlg", "Signature"] {
        let again = query.split('&').find(|pair| pair.starts_with(&format!("{name}="))).unwrap();
        not_heard(&redirect(&format!("{query}&{again}")), "saml_logout_message");
        not_heard(&redirect(&format!("{name}=&{query}")), "saml_logout_message");
    }
    not_heard(&redirect(&format!("{query}&SAMLResponse={}", it.message)), "saml_logout_message");
    not_heard(&redirect("RelayState=r"), "saml_logout_message");
    let base64 = Some(STANDARD.encode(Logout::default().signed()));
    for (request, response) in [(base64.clone(), base64), (None, None)] {
        let message = SignOutMessage::SamlPost { request, response, relay_state: None };
        not_heard(&message, "saml_logout_message");
    }
    not_heard(&redirect(&format!("{query}&SAMLEncoding=gzip")), "saml_logout_message");
    let deflate = escaped("urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE");
    assert_heard(&redirect(&format!("{query}&SAMLEncoding={deflate}")));
}

#[test]
fn algorithms_come_from_the_list_and_sha_1_needs_the_setting() {
    let it = |algorithm: &str, signer: Sign| {
        let algorithm = escaped(algorithm);
        redirect(&Redirect { algorithm, signer, ..Redirect::of(&Logout::default().xml("")) }.query())
    };
    let rsa = |encoding: &'static dyn algorithms::RsaEncoding| -> Sign {
        Box::new(move |message| rsa_signature(good_key(), encoding, message))
    };
    const MORE: &str = "http://www.w3.org/2001/04/xmldsig-more#";
    assert_heard(&it(&format!("{MORE}rsa-sha384"), rsa(&algorithms::RSA_PKCS1_SHA384)));
    assert_heard(&it(&format!("{MORE}rsa-sha512"), rsa(&algorithms::RSA_PKCS1_SHA512)));
    let fixed = |message: &[u8]| ec_signature(&algorithms::ECDSA_P256_SHA256_FIXED_SIGNING, message);
    let asn1 = |message: &[u8]| ec_signature(&algorithms::ECDSA_P256_SHA256_ASN1_SIGNING, message);
    assert_heard(&it(ECDSA_SHA256, Box::new(fixed)));
    assert_heard(&it(ECDSA_SHA256, Box::new(asn1)));
    for refused in [
        "",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        &format!("{MORE}hmac-sha256"),
        &format!("{MORE}rsa-md5"),
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    ] {
        not_heard(&it(refused, rsa(&algorithms::RSA_PKCS1_SHA256)), "saml_algorithm");
    }
    not_heard(&it(&format!("{MORE}rsa-sha512"), rsa(&algorithms::RSA_PKCS1_SHA256)), "saml_unknown_key");
    let lenient = provider_with(&[("insecure_allow_sha1", "true")], ENDPOINT, true);
    let around = surroundings(NOW, Arc::<Memory>::default());
    let sha1 = it("http://www.w3.org/2000/09/xmldsig#rsa-sha1", rsa(&algorithms::RSA_PKCS1_SHA256));
    let error = hear_with(&lenient, &around, &sha1).unwrap_err();
    assert_eq!(error.code(), "saml_unknown_key", "the list lets it through, the key decides: {error}");
}

#[test]
fn a_signature_element_in_a_redirect_is_refused() {
    not_heard(&redirect(&Redirect::of(&Logout::default().signed()).query()), "saml_signature_form");
}

#[test]
fn a_message_that_unpacks_to_more_than_it_may_is_refused_before_it_is_unpacked() {
    let bomb = packed(&vec![b' '; 20 * 1024 * 1024]);
    let it = Redirect { message: escaped(&STANDARD.encode(bomb)), ..Redirect::of("") };
    assert!(it.query().len() < 64 * 1024);
    not_heard(&redirect(&it.query()), "saml_limits");
    let why = hear(&redirect(&it.query())).unwrap_err().to_string();
    assert!(why.starts_with("the message is larger"), "it stops unpacking, not reading: {why}");
    let long = format!("{}&x={}", Redirect::of(&Logout::default().xml("")).query(), "x".repeat(64 * 1024));
    not_heard(&redirect(&long), "saml_limits");
    let just = format!("{}{}", Logout::default().xml(""), " ".repeat(256 * 1024));
    not_heard(&redirect(&Redirect::of(&just).query()), "saml_limits");
    let mut fits = Logout::default().xml("");
    fits.push_str(&" ".repeat(256 * 1024 - fits.len()));
    assert_heard(&redirect(&Redirect::of(&fits).query()));
}

#[test]
fn a_message_that_is_not_packed_well_is_refused() {
    let good = packed(Logout::default().xml("").as_bytes());
    let query = |bytes: &[u8]| {
        redirect(&Redirect { message: escaped(&STANDARD.encode(bytes)), ..Redirect::of("") }.query())
    };
    assert_heard(&query(&good));
    for end in [0, 1, good.len() / 2, good.len() - 1] {
        not_heard(&query(&good[..end]), "saml_encoding");
    }
    not_heard(&query(&[&good[..], b"x"].concat()), "saml_encoding");
    not_heard(&query(b"<samlp:LogoutRequest/>"), "saml_encoding");
    not_heard(&query(&packed(b"\xff\xfe")), "saml_encoding");
    not_heard(&redirect(&Redirect { message: "%25%25".into(), ..Redirect::of("") }.query()), "saml_encoding");
}

#[test]
fn a_certificate_out_of_its_time_verifies_nothing() {
    let provider = provider_with(&[], ENDPOINT, true);
    let ends = provider.settings().metadata.keys.iter().map(|key| key.not_after).max().unwrap();
    let late = surroundings(ends + Duration::SECOND, Arc::<Memory>::default());
    for message in [Logout::default().posted(), Logout::default().redirected()] {
        assert_eq!(hear_with(&provider, &late, &message).unwrap_err().code(), "saml_certificate");
    }
    // One that is over beside one that is not: only the detached path asks each key itself.
    let mut settings = provider.settings().clone();
    settings.metadata.keys[0].not_after = NOW - Duration::SECOND;
    let provider = saml_idp::provider_of(settings);
    let around = surroundings(NOW, Arc::<Memory>::default());
    for message in [Logout::default().posted(), Logout::default().redirected()] {
        assert_eq!(hear_with(&provider, &around, &message).unwrap_err().code(), "saml_unknown_key");
    }
}

#[test]
fn another_kind_of_message_is_refused() {
    let answer = saml_idp::Answer { sign_response: true, ..Default::default() }.xml();
    not_heard(&post("SAMLResponse", &answer), "saml_structure");
    not_heard(&post("SAMLRequest", &answer), "saml_structure");
    let answer = Logout::answer("_ours1", "<samlp:StatusCode Value=\"x\"/>");
    not_heard(&post("SAMLRequest", &answer.signed()), "saml_structure");
    not_heard(&post("SAMLResponse", &Logout::default().signed()), "saml_structure");
    not_heard(
        &redirect(
            &Redirect { parameter: "SAMLResponse", ..Redirect::of(&Logout::default().xml("")) }.query(),
        ),
        "saml_structure",
    );
}

#[test]
fn a_signature_over_something_inside_is_refused() {
    let signed = Logout::default().signed().replace("_logout1\" Version", "_inner\" Version");
    let inner = signed.split_once("?>").map_or(signed.as_str(), |(_, rest)| rest);
    let around = with(|logout| {
        logout.body.push_str(&format!("<samlp:Extensions>{inner}</samlp:Extensions>"));
    });
    not_heard(&post("SAMLRequest", &around.xml("")), "saml_signature_form");
    let assertion = saml_idp::Answer::default().xml();
    let from = assertion.find("<saml:Assertion").unwrap();
    let to = assertion.rfind("</saml:Assertion>").unwrap() + "</saml:Assertion>".len();
    let around = with(|logout| logout.body.push_str(&assertion[from..to]));
    not_heard(&post("SAMLRequest", &around.xml("")), "saml_structure");
}

#[test]
fn another_version_issuer_or_destination_is_refused() {
    refused_both_ways(&changed("2.0", "1.1"), "saml_version");
    let issuer = |text: &str| with(|logout| logout.issuer = text.to_owned());
    refused_both_ways(&issuer("<saml:Issuer>https://other.example</saml:Issuer>"), "saml_issuer");
    refused_both_ways(&issuer(&format!("<saml:Issuer>{IDP}/</saml:Issuer>")), "saml_issuer");
    refused_both_ways(&changed(SLO, "https://evil.example/saml2/logout"), "saml_destination");
    refused_both_ways(&changed(SLO, saml_idp::ACS), "saml_destination");
    refused_both_ways(&changed("Destination", "Consent"), "saml_destination");
    not_heard(&issuer("").redirected(), "saml_issuer");
}

#[test]
fn a_request_is_believed_from_its_issue_to_its_end_with_the_skew_and_no_longer() {
    let at = |now, logout: &Logout| {
        hear_at(now, &logout.posted()).map(|_| ()).map_err(|error| error.code().to_owned())
    };
    let it = Logout::default();
    assert_eq!(at(datetime!(2026-11-21 11:58:59 UTC), &it), Ok(()));
    assert_eq!(at(datetime!(2026-11-21 11:58:58 UTC), &it), Err("saml_issue_instant".into()));
    assert_eq!(at(datetime!(2026-11-21 12:05:59 UTC), &it), Ok(()));
    assert_eq!(at(datetime!(2026-11-21 12:06:00 UTC), &it), Err("saml_not_on_or_after".into()));
    let endless = changed("NotOnOrAfter=\"2026-11-21T12:05:00Z\"", "");
    assert_eq!(at(datetime!(2026-11-21 12:05:59 UTC), &endless), Ok(()));
    assert_eq!(at(datetime!(2026-11-21 12:06:00 UTC), &endless), Err("saml_issue_instant".into()));
    let years = changed("12:05:00Z", "12:05:00Z").attributes.replace("2026-11-21T12:05", "2036-11-21T12:05");
    let years = with(|logout| logout.attributes = years);
    assert_eq!(at(datetime!(2026-11-22 12:00:59 UTC), &years), Ok(()));
    assert_eq!(at(datetime!(2026-11-22 12:01:00 UTC), &years), Err("saml_issue_instant".into()));
    refused_both_ways(&changed("IssueInstant", "Consent"), "saml_time");
    refused_both_ways(&changed("2026-11-21T12:05:00Z", "soon"), "saml_time");
}

#[test]
fn a_request_must_name_one_person() {
    let body = |text: &str| with(|logout| logout.body = text.to_owned());
    for wrong in [
        "",
        "<samlp:SessionIndex>s1</samlp:SessionIndex>",
        "<saml:NameID> </saml:NameID>",
        "<saml:NameID>a</saml:NameID><saml:NameID>b</saml:NameID>",
        "<saml:BaseID/>",
        "<saml:NameID>a</saml:NameID><saml:BaseID/>",
        "<saml:NameID>a</saml:NameID><saml:EncryptedID/>",
        &format!("<saml:NameID>{}</saml:NameID>", "a".repeat(2049)),
    ] {
        refused_both_ways(&body(wrong), "saml_name_id");
    }
    not_heard(&body("<saml:NameID>a<b/></saml:NameID>").redirected(), "saml_xml");
}

#[test]
fn session_indexes_are_bounded() {
    let indexes = |count: usize, text: &str| {
        let one = format!("<samlp:SessionIndex>{text}</samlp:SessionIndex>");
        with(|logout| logout.body = format!("<saml:NameID>a</saml:NameID>{}", one.repeat(count)))
    };
    assert_heard(&indexes(MAX_SESSION_INDEXES, "s").redirected());
    refused_both_ways(&indexes(MAX_SESSION_INDEXES + 1, "s"), "saml_session_index");
    refused_both_ways(&indexes(1, " "), "saml_session_index");
    refused_both_ways(&indexes(1, &"s".repeat(2049)), "saml_session_index");
}

#[test]
fn a_request_works_once_and_is_remembered_as_long_as_it_could_pass() {
    let provider = provider_with(&[("clock_skew_seconds", "300")], ENDPOINT, true);
    for message in [Logout::default().posted(), Logout::default().redirected()] {
        let memory = Arc::<Memory>::default();
        let around = surroundings(NOW, Arc::<Memory>::clone(&memory));
        not_heard(&post("SAMLRequest", &Logout::default().xml("")), "saml_unsigned");
        hear_with(&provider, &around, &message).unwrap();
        assert_eq!(hear_with(&provider, &around, &message).unwrap_err().code(), "saml_replay");
        let until = memory.1.lock().unwrap().unwrap();
        assert_eq!(until, datetime!(2026-11-21 12:10:00 UTC));
        let used = memory.0.lock().unwrap().clone();
        assert_eq!(used.into_iter().collect::<Vec<_>>(), [format!("saml-logout/{IDP} _logout1")]);
    }
    // What is not believed uses nothing up.
    let memory = Arc::<Memory>::default();
    let around = surroundings(NOW, Arc::<Memory>::clone(&memory));
    hear_with(&provider, &around, &changed(SLO, "x").posted()).unwrap_err();
    hear_with(&provider, &around, &post("SAMLRequest", &Logout::default().xml(""))).unwrap_err();
    assert!(memory.0.lock().unwrap().is_empty());
    let endless = changed("NotOnOrAfter=\"2026-11-21T12:05:00Z\"", "");
    hear_with(&provider, &around, &endless.posted()).unwrap();
    assert_eq!(memory.1.lock().unwrap().unwrap(), datetime!(2026-11-21 12:10:00 UTC));
}

#[test]
fn an_answer_says_what_it_answers_and_what_became_of_it() {
    const S: &str = "urn:oasis:names:tc:SAML:2.0:status:";
    let code =
        |name: &str, inner: &str| format!("<samlp:StatusCode Value=\"{S}{name}\">{inner}</samlp:StatusCode>");
    let outcome = |status: &str| {
        let answer = Logout::answer("_ours1", status);
        let posted = hear(&answer.posted()).unwrap();
        assert_eq!(hear(&answer.redirected()).unwrap(), posted);
        let SignOutNotice::Answer { in_response_to, outcome } = posted else { panic!("no answer") };
        assert_eq!(in_response_to, "_ours1");
        outcome
    };
    assert_eq!(outcome(&code("Success", "")), SignOutOutcome::Complete);
    assert_eq!(outcome(&code("Success", &code("PartialLogout", ""))), SignOutOutcome::Partial);
    assert_eq!(outcome(&code("Responder", &code("PartialLogout", ""))), SignOutOutcome::Partial);
    assert_eq!(outcome(&code("Requester", &code("UnknownPrincipal", ""))), SignOutOutcome::UnknownPrincipal);
    let message =
        format!("{}<samlp:StatusMessage>no\u{202e} way</samlp:StatusMessage>", code("Responder", ""));
    assert_eq!(outcome(&message), SignOutOutcome::Failed("Responder: no way".to_owned()));
    refused_both_ways(&Logout::answer("_ours1", ""), "saml_status");
    let unanswered =
        Logout { attributes: Logout::default().attributes, ..Logout::answer("_ours1", &code("Success", "")) };
    refused_both_ways(&unanswered, "saml_in_response_to");
    let old = Logout::answer("_ours1", &code("Success", "")).posted();
    let error = hear_at(NOW + Duration::minutes(6), &old).unwrap_err();
    assert_eq!(error.code(), "saml_issue_instant");
}

#[test]
fn the_claimed_issuer_is_read_without_belief_and_never_breaks() {
    let unsigned = post("SAMLRequest", &Logout::default().xml(""));
    assert_eq!(logout::claimed_issuer(&unsigned).unwrap(), IDP);
    assert_eq!(logout::claimed_issuer(&Logout::default().redirected()).unwrap(), IDP);
    let none = with(|logout| logout.issuer = String::new());
    assert_eq!(logout::claimed_issuer(&none.redirected()).unwrap_err().check, "saml_issuer");
    let query = Redirect::of(&Logout::default().xml("")).query();
    for end in 0..query.len() {
        let _ = logout::claimed_issuer(&redirect(&query[..end]));
        let _ = hear(&redirect(&query[end..]));
    }
    for odd in [
        "",
        "&&&",
        "=",
        "SAMLRequest",
        "SAMLRequest=%&SigAlg=%&Signature=%",
        "SAMLRequest=&SigAlg=&Signature=",
    ] {
        assert!(hear(&redirect(odd)).is_err(), "{odd}");
    }
}

#[test]
fn a_relay_state_is_bounded() {
    let of = |length: usize| {
        Redirect { relay_state: Some("r".repeat(length)), ..Redirect::of(&Logout::default().xml("")) }.query()
    };
    assert_heard(&redirect(&of(logout::MAX_RELAY_STATE)));
    not_heard(&redirect(&of(logout::MAX_RELAY_STATE + 1)), "saml_logout_message");
}

#[test]
fn an_encrypted_name_is_opened_from_what_was_signed() {
    let name = r#"<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">hidden</saml:NameID>"#;
    let sealed = format!("<saml:EncryptedID>{}</saml:EncryptedID>", Sealing::default().seal(name));
    let logout = with(|logout| logout.body = sealed.clone());
    for message in [logout.posted(), logout.redirected()] {
        let provider = provider_with(&[], ENDPOINT, true).with_decryption(vec![pool_key().decryption()]);
        let around = surroundings(NOW, Arc::<Memory>::default());
        let Ok(SignOutNotice::Request(request)) = hear_with(&provider, &around, &message) else {
            panic!("not heard")
        };
        assert_eq!(request.subject, "hidden");
        not_heard(&message, "saml_encrypted");
    }
    let beside = with(|logout| logout.body = format!("{sealed}{name}"));
    refused_both_ways(&beside, "saml_name_id");
}
