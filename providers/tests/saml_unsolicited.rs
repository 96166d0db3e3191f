//! Responses that nobody here asked for (SAML profiles 4.1.5): what is different of them, and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod saml_idp;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poolgate_providers::{
    ExternalIdentity, Inbound, Provider as _, ProviderError, UnsolicitedFacts, UsedOnce,
};
use saml_idp::{
    ACS, Answer, Memory, NOW, REQUEST, SP, block_on, facts, finish, finish_with, provider, refused,
    surroundings,
};
use time::{Duration, OffsetDateTime};

/// A Response to no request, with `change` over it.
fn unasked(change: impl FnOnce(&mut Answer)) -> Answer {
    let mut answer = Answer::default();
    let request = format!(r#" InResponseTo="{REQUEST}""#);
    answer.response_attributes = answer.response_attributes.replace(&request, "");
    answer.confirmation = answer.confirmation.replace(&request, "");
    change(&mut answer);
    answer
}

fn arrive(
    at: OffsetDateTime,
    settings: &[(&str, &str)],
    used: Arc<dyn UsedOnce>,
    xml: &str,
) -> Result<ExternalIdentity, ProviderError> {
    let facts = UnsolicitedFacts { callback: ACS.parse().unwrap(), entity_id: SP.to_owned() };
    let (provider, around) = (provider(settings), surroundings(at, used));
    let inbound = Inbound::SamlResponse(STANDARD.encode(xml));
    block_on(provider.finish_unsolicited(&around, &facts, inbound))
        .map(poolgate_providers::Verified::into_inner)
}

fn arrive_at(at: OffsetDateTime, xml: &str) -> Result<ExternalIdentity, ProviderError> {
    arrive(at, &[("IDPInit", "true")], Arc::<Memory>::default(), xml)
}

#[test]
fn a_response_to_no_request_is_believed_where_the_setting_says_so_and_nowhere_else() {
    let xml = unasked(|_| {}).xml();
    assert_eq!(arrive_at(NOW, &xml).unwrap().subject, "user@example.com");
    for settings in [&[][..], &[("IDPInit", "false")]] {
        match arrive(NOW, settings, Arc::<Memory>::default(), &xml) {
            Err(ProviderError::Unsolicited(why)) => assert!(why.contains("IDPInit"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_response_to_no_request_completes_no_attempt_even_where_the_provider_may_start_sign_ins() {
    let xml = unasked(|_| {}).xml();
    let around = surroundings(NOW, Arc::<Memory>::default());
    let result = finish_with(&provider(&[("IDPInit", "true")]), &around, &facts(), &xml);
    assert!(matches!(result, Err(ProviderError::Unsolicited(_))), "{result:?}");
}

#[test]
fn neither_response_nor_confirmation_may_name_a_request() {
    let asked = Answer::default();
    let request = format!(r#" InResponseTo="{REQUEST}""#);
    let response = unasked(|answer| answer.response_attributes += &request);
    refused(arrive_at(NOW, &response.xml()), "saml_in_response_to");
    let confirmation = unasked(|answer| answer.confirmation = asked.confirmation.clone());
    refused(arrive_at(NOW, &confirmation.xml()), "saml_confirmation_in_response_to");
    assert!(finish(&asked.xml()).is_ok(), "an attempt's own answer");
    refused(arrive_at(NOW, &asked.xml()), "saml_in_response_to");
}

#[test]
fn a_confirmation_that_names_a_request_is_not_made_good_by_another_beside_it() {
    let asked = Answer::default().confirmation;
    for first in [true, false] {
        let answer = unasked(|answer| {
            let own = &answer.confirmation;
            answer.confirmation = if first { format!("{asked}{own}") } else { format!("{own}{asked}") };
        });
        refused(arrive_at(NOW, &answer.xml()), "saml_confirmation_in_response_to");
    }
}

/// Valid for hours by every condition, so that only its age can end it.
fn lasting(change: impl FnOnce(&mut Answer)) -> Answer {
    unasked(|answer| {
        answer.conditions = answer.conditions.replace("T12:05:00Z", "T18:00:00Z");
        answer.confirmation = answer.confirmation.replace("T12:05:00Z", "T18:00:00Z");
        change(answer);
    })
}

#[test]
fn response_and_assertion_are_six_minutes_old_at_most_and_never_from_the_future() {
    // Both are issued one second before NOW.
    let (last, late) = (NOW + Duration::minutes(6) - Duration::SECOND, NOW + Duration::minutes(6));
    let xml = lasting(|_| {}).xml();
    assert!(arrive_at(last, &xml).is_ok());
    refused(arrive_at(late, &xml), "saml_issue_instant");
    let fresh = |text: &str| text.replace("T11:59:59Z", "T12:03:00Z");
    let old_assertion = lasting(|answer| answer.response_attributes = fresh(&answer.response_attributes));
    refused(arrive_at(late, &old_assertion.xml()), "saml_issue_instant");
    let old_response = lasting(|answer| answer.assertion_attributes = fresh(&answer.assertion_attributes));
    refused(arrive_at(late, &old_response.xml()), "saml_issue_instant");
    // The clock difference that is forgiven is 60 seconds.
    assert!(arrive_at(NOW - Duration::seconds(61), &xml).is_ok());
    refused(arrive_at(NOW - Duration::seconds(62), &xml), "saml_issue_instant");
}

#[test]
fn an_assertion_is_used_once_however_the_sign_in_began() {
    let memory = Arc::<Memory>::default();
    let settings = [("IDPInit", "true")];
    let xml = unasked(|_| {}).xml();
    assert!(arrive(NOW, &settings, Arc::<Memory>::clone(&memory), &xml).is_ok());
    refused(arrive(NOW, &settings, Arc::<Memory>::clone(&memory), &xml), "saml_replay");
    let around = surroundings(NOW, memory);
    refused(finish_with(&provider(&settings), &around, &facts(), &Answer::default().xml()), "saml_replay");
}

#[test]
fn everything_else_is_checked_as_always() {
    let other = |answer: &mut Answer| answer.conditions = answer.conditions.replace(SP, "urn:other");
    refused(arrive_at(NOW, &unasked(other).xml()), "saml_audience");
    let elsewhere =
        |answer: &mut Answer| answer.confirmation = answer.confirmation.replace(ACS, "https://x.example/");
    refused(arrive_at(NOW, &unasked(elsewhere).xml()), "saml_recipient");
    let unsigned = |answer: &mut Answer| answer.sign_assertion = false;
    refused(arrive_at(NOW, &unasked(unsigned).xml()), "saml_unsigned");
}
