//! Every rule about what a believed Response must say, one test each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod saml_idp;

use std::sync::Arc;

use poolgate_providers::ProviderError;
use poolgate_providers::saml::{SamlProvider, SamlSettings};
use saml_idp::{
    ACS, Answer, IDP, Memory, NOW, SP, facts, finish, finish_at, finish_with, provider, refused, surroundings,
};
use time::Duration;
use time::macros::datetime;

fn with(change: impl FnOnce(&mut Answer)) -> String {
    let mut answer = Answer::default();
    change(&mut answer);
    answer.xml()
}

fn failed(codes: &str) -> ProviderError {
    let answer = Answer { status: format!("<samlp:Status>{codes}</samlp:Status>"), ..Answer::default() };
    finish(&answer.around("", "")).unwrap_err()
}

fn code(name: &str, inner: &str) -> String {
    format!(
        "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:{name}\">{inner}</samlp:StatusCode>"
    )
}

#[test]
fn a_failed_status_ends_the_attempt_as_what_it_is() {
    assert!(matches!(failed(&code("Responder", &code("NoPassive", ""))), ProviderError::LoginRequired(_)));
    assert!(matches!(failed(&code("Responder", &code("AuthnFailed", ""))), ProviderError::Denied(_)));
    assert!(matches!(failed(&code("Requester", &code("RequestDenied", ""))), ProviderError::Denied(_)));
    let message = format!("{}<samlp:StatusMessage>no such user</samlp:StatusMessage>", code("Requester", ""));
    match failed(&message) {
        ProviderError::Refused { code, description } => {
            assert_eq!(code, "Requester");
            assert!(
                description.contains("Requester") && description.contains("no such user"),
                "{description}"
            );
        }
        other => panic!("{other}"),
    }
    assert_eq!(failed("").code(), "saml_status");
    assert!(matches!(failed("<samlp:StatusCode Value=\"Success\"/>"), ProviderError::Refused { .. }));
}

#[test]
fn a_response_for_no_request_is_unsolicited() {
    let xml = with(|answer| {
        answer.response_attributes = answer.response_attributes.replace("InResponseTo", "Consent")
    });
    assert!(matches!(finish(&xml), Err(ProviderError::Unsolicited(_))));
}

#[test]
fn a_response_for_another_request_is_refused() {
    let xml =
        with(|answer| answer.response_attributes = answer.response_attributes.replace("_request", "_other"));
    refused(finish(&xml), "saml_in_response_to");
    let xml = with(|answer| answer.confirmation = answer.confirmation.replace("_request", "_other"));
    refused(finish(&xml), "saml_confirmation_in_response_to");
    let xml = with(|answer| answer.confirmation = answer.confirmation.replace("InResponseTo", "Address"));
    refused(finish(&xml), "saml_confirmation_in_response_to");
}

#[test]
fn a_response_for_another_audience_is_refused() {
    refused(
        finish(&with(|answer| answer.conditions = answer.conditions.replace(SP, "urn:other"))),
        "saml_audience",
    );
    let none = with(|answer| answer.conditions = "<saml:Conditions/>".to_owned());
    refused(finish(&none), "saml_audience");
    refused(finish(&with(|answer| answer.conditions = String::new())), "saml_audience");
    let and = format!(
        "<saml:AudienceRestriction><saml:Audience>{SP}</saml:Audience></saml:AudienceRestriction><saml:AudienceRestriction><saml:Audience>urn:other</saml:Audience></saml:AudienceRestriction>"
    );
    refused(
        finish(&with(|answer| answer.conditions = format!("<saml:Conditions>{and}</saml:Conditions>"))),
        "saml_audience",
    );
    let or = format!(
        "<saml:AudienceRestriction><saml:Audience>urn:other</saml:Audience><saml:Audience>{SP}</saml:Audience></saml:AudienceRestriction><saml:OneTimeUse/>"
    );
    assert!(
        finish(&with(|answer| answer.conditions = format!("<saml:Conditions>{or}</saml:Conditions>")))
            .is_ok()
    );
}

#[test]
fn a_condition_that_is_not_known_is_refused() {
    let xml = with(|answer| {
        answer.conditions =
            answer.conditions.replace("</saml:Conditions>", "<saml:Condition/></saml:Conditions>")
    });
    refused(finish(&xml), "saml_conditions");
}

#[test]
fn a_response_from_another_issuer_is_refused() {
    let other = "<saml:Issuer>https://other.example</saml:Issuer>";
    refused(finish(&with(|answer| answer.issuer = other.to_owned())), "saml_issuer");
    refused(finish(&with(|answer| answer.assertion_issuer = other.to_owned())), "saml_issuer");
    let unnamed = |answer: &mut Answer| answer.issuer = String::new();
    assert!(finish(&with(unnamed)).is_ok(), "an unsigned Response may leave it out");
    refused(
        finish(&with(|answer| answer.assertion_issuer = format!("<saml:Issuer>{IDP}/</saml:Issuer>"))),
        "saml_issuer",
    );
}

#[test]
fn a_signed_response_names_its_issuer() {
    let signature = saml_idp::template("_response1", saml_idp::RSA_SHA256, "");
    let signed = |answer: Answer| {
        let xml = answer.around("", &answer.assertion(""));
        let xml = xml.replace("</samlp:Response>", &format!("{signature}</samlp:Response>"));
        finish(&saml_idp::sign(&xml, &saml_idp::good_key().pem))
    };
    assert!(signed(Answer::default()).is_ok());
    refused(signed(Answer { issuer: String::new(), ..Answer::default() }), "saml_issuer");
}

#[test]
fn an_id_that_one_provider_has_used_is_new_from_another() {
    let memory = Arc::<Memory>::default();
    for entity in [IDP, "https://other.example"] {
        let metadata = saml_idp::metadata_of(entity, &[&saml_idp::good_key().certificate]);
        let settings = SamlSettings::from_details(&saml_idp::details(&[]), metadata, false).unwrap();
        let issuer = format!("<saml:Issuer>{entity}</saml:Issuer>");
        let answer = Answer { issuer: issuer.clone(), assertion_issuer: issuer, ..Answer::default() };
        let around = surroundings(NOW, Arc::<Memory>::clone(&memory) as Arc<_>);
        let send =
            || finish_with(&SamlProvider::new(settings.clone(), None), &around, &facts(), &answer.xml());
        assert!(send().is_ok(), "{entity}");
        refused(send(), "saml_replay");
    }
}

#[test]
fn another_destination_is_refused_and_a_signed_response_needs_one() {
    refused(
        finish(&with(|answer| {
            answer.response_attributes = answer.response_attributes.replace(ACS, "https://evil.example/")
        })),
        "saml_destination",
    );
    let none = |answer: &mut Answer| {
        answer.response_attributes = answer.response_attributes.replace("Destination", "Consent")
    };
    assert!(finish(&with(none)).is_ok());
    refused(
        finish(&with(|answer| {
            none(answer);
            answer.sign_response = true;
        })),
        "saml_destination",
    );
}

#[test]
fn another_recipient_is_refused() {
    refused(
        finish(&with(|answer| {
            answer.confirmation = answer.confirmation.replace(ACS, "https://evil.example/")
        })),
        "saml_recipient",
    );
    refused(
        finish(&with(|answer| answer.confirmation = answer.confirmation.replace("Recipient", "Address"))),
        "saml_recipient",
    );
}

#[test]
fn only_a_bearer_confirmation_with_an_end_counts() {
    refused(
        finish(&with(|answer| {
            answer.confirmation = answer.confirmation.replace("cm:bearer", "cm:holder-of-key")
        })),
        "saml_confirmation",
    );
    refused(finish(&with(|answer| answer.confirmation = String::new())), "saml_confirmation");
    refused(
        finish(&with(|answer| {
            answer.confirmation = answer.confirmation.replace("NotOnOrAfter=\"2026-11-21T12:05:00Z\"", "")
        })),
        "saml_confirmation_not_on_or_after",
    );
    let second = with(|answer| {
        answer.confirmation =
            format!("{}{}", answer.confirmation.replace(ACS, "https://other.example/"), answer.confirmation)
    });
    assert!(finish(&second).is_ok());
}

#[test]
fn times_count_with_the_skew_and_the_end_is_exclusive() {
    let xml = Answer::default().xml();
    let end = datetime!(2026-11-21 12:06:00 UTC);
    assert!(finish_at(end - Duration::milliseconds(1), &xml).is_ok());
    refused(finish_at(end, &xml), "saml_not_on_or_after");
    refused(finish_at(datetime!(2026-11-21 11:58:58 UTC), &xml), "saml_issue_instant");
    let long = with(|answer| answer.conditions = answer.conditions.replace("12:05:00", "13:00:00"));
    refused(finish_at(end, &long), "saml_not_on_or_after");
    let strict = provider(&[("clock_skew_seconds", "0")]);
    let around = surroundings(datetime!(2026-11-21 12:05:00 UTC), Arc::<Memory>::default());
    refused(finish_with(&strict, &around, &facts(), &xml), "saml_not_on_or_after");
    let early = with(|answer| answer.conditions = answer.conditions.replace("11:55:00", "12:01:01"));
    refused(finish(&early), "saml_not_before");
    let at_the_skew = with(|answer| answer.conditions = answer.conditions.replace("11:55:00", "12:01:00"));
    assert!(finish(&at_the_skew).is_ok());
    let early = with(|answer| {
        answer.confirmation =
            answer.confirmation.replace("NotOnOrAfter", "NotBefore=\"2026-11-21T12:01:01Z\" NotOnOrAfter")
    });
    refused(finish(&early), "saml_not_before");
    refused(
        finish(&with(|answer| {
            answer.conditions = answer.conditions.replace("2026-11-21T11:55:00Z", "yesterday")
        })),
        "saml_time",
    );
}

#[test]
fn an_issue_instant_in_the_future_or_long_ago_is_refused() {
    for (from, to) in [("11:59:59", "12:01:01"), ("2026-11-21T11:59:59", "2026-11-20T11:59:59")] {
        refused(
            finish(&with(|answer| {
                answer.assertion_attributes = answer.assertion_attributes.replace(from, to)
            })),
            "saml_issue_instant",
        );
        refused(
            finish(&with(|answer| answer.response_attributes = answer.response_attributes.replace(from, to))),
            "saml_issue_instant",
        );
    }
    refused(finish(&with(|answer| answer.assertion_attributes = "Version=\"2.0\"".to_owned())), "saml_time");
}

#[test]
fn another_version_is_refused() {
    refused(
        finish(&with(|answer| {
            answer.assertion_attributes = answer.assertion_attributes.replace("2.0", "1.1")
        })),
        "saml_version",
    );
    refused(
        finish(&with(|answer| {
            answer.response_attributes =
                answer.response_attributes.replace("Version=\"2.0\"", "Version=\"2.1\"")
        })),
        "saml_version",
    );
}

#[test]
fn an_authn_statement_is_needed_and_its_session_must_go_on() {
    refused(finish(&with(|answer| answer.authn = String::new())), "saml_authn_statement");
    let ends = |at: &str| {
        with(|answer| {
            answer.authn = answer
                .authn
                .replace("SessionIndex", &format!("SessionNotOnOrAfter=\"2026-11-21T{at}Z\" SessionIndex"))
        })
    };
    refused(finish(&ends("11:59:00")), "saml_session_ended");
    assert_eq!(finish(&ends("20:00:00")).unwrap().session.ends_at, Some(1_795_291_200));
    let later = with(|answer| answer.authn = answer.authn.replace("11:59:58", "12:30:00"));
    assert_eq!(finish(&later).unwrap().authenticated_at, Some(NOW), "a time to come is never passed on");
}

#[test]
fn a_name_id_is_needed() {
    for subject in ["", "<saml:NameID></saml:NameID>", "<saml:NameID> </saml:NameID>"] {
        refused(finish(&with(|answer| answer.subject = subject.to_owned())), "saml_name_id");
    }
    refused(
        finish(&with(|answer| answer.subject = format!("<saml:NameID>{}</saml:NameID>", "x".repeat(3000)))),
        "saml_name_id",
    );
    refused(finish(&with(|answer| answer.subject = "<saml:EncryptedID/>".to_owned())), "saml_encrypted");
    let exact = with(|answer| answer.subject = "<saml:NameID>Jörg \u{1F600}</saml:NameID>".to_owned());
    assert_eq!(finish(&exact).unwrap().subject, "Jörg \u{1F600}");
}

#[test]
fn a_friendly_name_is_a_second_key_unless_it_collides() {
    let attribute = |name: &str, friendly: &str| {
        format!(
            "<saml:Attribute Name=\"{name}\" FriendlyName=\"{friendly}\"><saml:AttributeValue>{name}</saml:AttributeValue></saml:Attribute>"
        )
    };
    let xml = with(|answer| {
        answer.attributes = format!(
            "<saml:AttributeStatement>{}{}{}{}</saml:AttributeStatement>",
            attribute("urn:1", "one"),
            attribute("urn:2", "two"),
            attribute("urn:3", "two"),
            attribute("urn:4", "urn:1")
        )
    });
    let attributes = finish(&xml).unwrap().attributes;
    assert_eq!(attributes["one"], ["urn:1"]);
    assert!(!attributes.contains_key("two"), "two attributes claim it");
    assert_eq!(attributes["urn:1"], ["urn:1"], "a Name is never shadowed");
}

#[test]
fn facts_of_an_unsigned_response_never_reach_the_identity() {
    let identity = finish(&Answer::default().xml()).unwrap();
    assert_eq!(identity.issuer, IDP);
    assert_eq!(identity.authenticated_at, Some(NOW - Duration::seconds(2)));
}

#[test]
fn a_certificate_out_of_its_time_verifies_nothing() {
    let (long_ago, at) = (datetime!(1974-06-01 00:00:00 UTC), datetime!(2026-11-21 12:00:00 UTC));
    let policy = poolgate_providers::saml::gate::Policy::default();
    let xml = Answer::default().xml();
    let gated =
        poolgate_providers::saml::gate::admit(&xml, poolgate_providers::saml::gate::Root::Response, policy)
            .unwrap();
    let keys = provider(&[]).settings().metadata.keys.clone();
    let verify = |now| {
        use poolgate_providers::saml::SignedXml as _;
        poolgate_providers::saml::RustEngine.verify(&gated, &keys, policy, now)
    };
    assert!(verify(at).is_ok());
    assert_eq!(verify(long_ago).unwrap_err().check, "saml_certificate");
}

#[test]
fn metadata_past_its_validity_believes_nobody() {
    let mut settings = provider(&[]).settings().clone();
    settings.metadata.valid_until = Some(NOW);
    let provider = saml_idp::provider_of(settings);
    let around = surroundings(NOW, Arc::<Memory>::default());
    refused(finish_with(&provider, &around, &facts(), &Answer::default().xml()), "saml_metadata_expired");
}

#[test]
fn an_oauth_answer_is_no_saml_response() {
    let around = surroundings(NOW, Arc::<Memory>::default());
    let inbound = poolgate_providers::Inbound::OAuth(Vec::new());
    let (provider, facts) = (provider(&[]), facts());
    let finish = poolgate_providers::Provider::finish(&provider, &around, &facts, inbound);
    assert!(matches!(saml_idp::block_on(finish), Err(ProviderError::Unsolicited(_))));
}

#[test]
fn an_assertion_is_remembered_until_its_last_confirmation_could_pass_but_no_longer_than_its_age() {
    let remembered = |xml: &str| {
        let used = Arc::<Memory>::default();
        finish_with(&provider(&[]), &surroundings(NOW, used.clone()), &facts(), xml).unwrap();
        let until = *used.1.lock().unwrap();
        until.unwrap()
    };
    let second = with(|answer| {
        answer.confirmation =
            format!("{}{}", answer.confirmation, answer.confirmation.replace("12:05:00", "12:30:00"));
    });
    assert_eq!(remembered(&second), datetime!(2026-11-21 12:35:00 UTC), "with the greatest skew");
    let forever = with(|answer| {
        answer.confirmation = answer.confirmation.replace("2026-11-21T12:05:00", "9999-12-31T23:59:59");
    });
    assert_eq!(remembered(&forever), datetime!(2026-11-22 12:00:00 UTC));
}

#[test]
fn many_friendly_names_of_one_attribute_do_not_multiply_its_values() {
    let attributes: String = (0..50)
        .map(|at| {
            format!(
                "<saml:Attribute Name=\"g\" FriendlyName=\"f{at}\"><saml:AttributeValue>{at}</saml:AttributeValue></saml:Attribute>"
            )
        })
        .collect();
    let xml = with(|answer| {
        answer.attributes = format!("<saml:AttributeStatement>{attributes}</saml:AttributeStatement>");
    });
    let found = finish(&xml).unwrap().attributes;
    assert_eq!((found.len(), found["g"].len()), (1, 50));
}

#[test]
fn a_nil_value_is_none_and_an_encrypted_attribute_is_refused_by_name() {
    let statement = |content: &str| {
        with(|answer| {
            answer.attributes = format!("<saml:AttributeStatement>{content}</saml:AttributeStatement>");
        })
    };
    let nil = statement(
        "<saml:Attribute Name=\"a\"><saml:AttributeValue xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"/><saml:AttributeValue>b</saml:AttributeValue></saml:Attribute>",
    );
    assert_eq!(finish(&nil).unwrap().attributes["a"], ["b"]);
    refused(finish(&statement("<saml:EncryptedAttribute/>")), "saml_encrypted_attribute");
}

#[test]
fn only_the_white_space_of_xml_around_a_name_is_dropped() {
    let pad = |space: &str| {
        with(|answer| answer.conditions = answer.conditions.replace(SP, &format!("{space}{SP}{space}")))
    };
    assert!(finish(&pad("\n\t ")).is_ok());
    refused(finish(&pad("\u{a0}")), "saml_audience");
    let nested = with(|answer| {
        answer.conditions = answer.conditions.replace(SP, &format!("{SP}<saml:X/>"));
    });
    refused(finish(&nested), "saml_xml");
}

#[test]
fn times_in_other_zones_count_and_without_a_zone_are_refused() {
    let ends = |at: &str| {
        finish(&with(|answer| answer.conditions = answer.conditions.replace("2026-11-21T12:05:00Z", at)))
    };
    assert!(ends("2026-11-21T14:05:00.123456789+02:00").is_ok());
    refused(ends("2026-11-21T12:05:00+02:00"), "saml_not_on_or_after");
    for text in ["2026-11-21T12:05:00", "2026-11-21", "12026-11-21T12:05:00Z", ""] {
        refused(ends(text), "saml_time");
    }
    refused(ends("0000-01-01T00:00:00Z"), "saml_not_on_or_after");
    assert!(ends("9999-12-31T23:59:59-23:59").is_ok());
}

#[test]
fn the_edges_of_an_issue_instant_are_inside() {
    for at in ["2026-11-21T12:01:00", "2026-11-20T12:00:00"] {
        let xml = with(|answer| {
            answer.assertion_attributes = answer.assertion_attributes.replace("2026-11-21T11:59:59", at);
        });
        assert!(finish(&xml).is_ok(), "{at}");
    }
}
