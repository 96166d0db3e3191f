//! What was asked of the sign-in at the provider must be seen in the answer: the request could be changed on
//! its way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod saml_idp;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poolgate_providers::{
    Asked, ExternalIdentity, Inbound, Prompt, Provider as _, ProviderError, UnsolicitedFacts,
};
use saml_idp::{
    ACS, Answer, Memory, NOW, REQUEST, SP, block_on, facts, finish_with, provider, refused, surroundings,
};
use time::{Duration, OffsetDateTime};

const MFA: &str = "https://refeds.org/profile/mfa";
const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";

fn finish(settings: &[(&str, &str)], xml: &str) -> Result<ExternalIdentity, ProviderError> {
    finish_with(&provider(settings), &surroundings(NOW, Arc::<Memory>::default()), &facts(), xml)
}

fn statement(context: &str) -> String {
    format!(
        r#"<saml:AuthnStatement AuthnInstant="2026-11-21T11:59:58Z"><saml:AuthnContext>{context}</saml:AuthnContext></saml:AuthnStatement>"#
    )
}

fn class(uri: &str) -> String {
    format!("<saml:AuthnContextClassRef>{uri}</saml:AuthnContextClassRef>")
}

fn signed_in(statements: &str) -> String {
    Answer { authn: statements.to_owned(), ..Answer::default() }.xml()
}

#[test]
fn a_sign_in_of_another_kind_than_asked_for_is_refused_and_says_both() {
    let settings = [("authn_context_class_refs", "https://refeds.org/profile/mfa urn:example:card")];
    let error = finish(&settings, &signed_in(&statement(&class(PASSWORD)))).unwrap_err();
    assert_eq!(error.code(), "saml_authn_context");
    let text = error.to_string();
    assert!(text.contains(MFA) && text.contains("urn:example:card") && text.contains(PASSWORD), "{text}");
    for other in ["", "https://refeds.org/profile/mfa/", "https://refeds.org/profile"] {
        refused(finish(&settings, &signed_in(&statement(&class(other)))), "saml_authn_context");
    }
    let declared = "<saml:AuthnContextDeclRef>urn:example:card</saml:AuthnContextDeclRef>";
    refused(finish(&settings, &signed_in(&statement(declared))), "saml_authn_context");
}

#[test]
fn a_sign_in_of_a_kind_asked_for_is_taken_and_without_the_setting_any_is() {
    let settings = [("authn_context_class_refs", "urn:example:card https://refeds.org/profile/mfa")];
    let blank = format!("\n {MFA}\n");
    assert!(finish(&settings, &signed_in(&statement(&class(&blank)))).is_ok());
    let both = format!("{}{}", statement(&class(PASSWORD)), statement(&class(MFA)));
    assert!(finish(&settings, &signed_in(&both)).is_ok());
    assert!(finish(&[], &signed_in(&statement(&class(PASSWORD)))).is_ok());
    assert!(finish(&[], &signed_in(&statement(""))).is_ok());
}

#[test]
fn a_sign_in_that_the_provider_starts_must_be_of_the_kind_too() {
    let request = format!(r#" InResponseTo="{REQUEST}""#);
    let xml = |context: &str| {
        let mut answer = Answer { authn: statement(&class(context)), ..Answer::default() };
        answer.response_attributes = answer.response_attributes.replace(&request, "");
        answer.confirmation = answer.confirmation.replace(&request, "");
        answer.xml()
    };
    let provider = provider(&[("IDPInit", "true"), ("authn_context_class_refs", MFA)]);
    let facts = UnsolicitedFacts { callback: ACS.parse().unwrap(), entity_id: SP.to_owned() };
    let arrive = |xml: &str| {
        let inbound = Inbound::SamlResponse(STANDARD.encode(xml));
        let around = surroundings(NOW, Arc::<Memory>::default());
        block_on(provider.finish_unsolicited(&around, &facts, inbound))
            .map(poolgate_providers::Verified::into_inner)
    };
    refused(arrive(&xml(PASSWORD)), "saml_authn_context");
    assert!(arrive(&xml(MFA)).is_ok());
}

/// The answer to an attempt made at NOW that asked this; it comes two minutes later, of somebody who signed in
/// at the provider at `at`.
fn asked(asked: Asked, at: OffsetDateTime) -> Result<ExternalIdentity, ProviderError> {
    let at = at.format(&time::format_description::well_known::Rfc3339).unwrap();
    let authn = statement(&class(PASSWORD)).replace("2026-11-21T11:59:58Z", &at);
    let facts = poolgate_providers::AttemptFacts { asked, ..facts() };
    let around = surroundings(NOW + Duration::minutes(2), Arc::<Memory>::default());
    finish_with(&provider(&[]), &around, &facts, &signed_in(&authn))
}

fn login() -> Asked {
    Asked { prompt: vec![Prompt::Login], ..Asked::default() }
}

fn aged(seconds: u32) -> Asked {
    Asked { max_age: Some(seconds), ..Asked::default() }
}

#[test]
fn an_older_sign_in_at_the_provider_is_refused_where_a_new_one_was_asked_for() {
    // The clock difference that is forgiven is 60 seconds.
    let (last, late) = (NOW - Duration::seconds(60), NOW - Duration::seconds(61));
    assert!(asked(login(), NOW + Duration::minutes(1)).is_ok());
    assert!(asked(login(), last).is_ok());
    refused(asked(login(), late), "saml_authn_instant");
    assert!(asked(Asked::default(), NOW - Duration::hours(9)).is_ok(), "nothing was asked");
    let error = asked(login(), NOW - Duration::hours(9)).unwrap_err().to_string();
    assert!(error.contains("2026-11-21 3:00:00") && error.contains("AuthnInstant"), "{error}");
}

#[test]
fn a_sign_in_at_the_provider_older_than_max_age_is_refused() {
    assert!(asked(aged(600), NOW - Duration::seconds(660)).is_ok());
    refused(asked(aged(600), NOW - Duration::seconds(661)), "saml_authn_instant");
    // Two minutes on the way are not the person's.
    assert!(asked(aged(0), NOW).is_ok());
    refused(asked(aged(0), NOW - Duration::seconds(61)), "saml_authn_instant");
    // prompt=login asks for more than any age.
    let both = Asked { max_age: Some(86_400), ..login() };
    refused(asked(both, NOW - Duration::seconds(61)), "saml_authn_instant");
}

#[test]
fn where_nothing_may_be_shown_an_older_sign_in_means_that_a_login_is_required() {
    let passive = Asked { prompt: vec![Prompt::None], ..aged(600) };
    assert!(asked(passive.clone(), NOW - Duration::seconds(660)).is_ok());
    let error = asked(passive, NOW - Duration::seconds(661)).unwrap_err();
    assert!(matches!(error, ProviderError::LoginRequired(_)), "{error}");
}

#[test]
fn a_sign_in_of_more_sessions_than_a_sign_out_can_find_again_is_refused() {
    let sessions = |count| signed_in(&statement(&class(PASSWORD)).repeat(count));
    finish(&[], &sessions(poolgate_providers::MAX_PROVIDER_SESSIONS)).unwrap();
    refused(finish(&[], &sessions(poolgate_providers::MAX_PROVIDER_SESSIONS + 1)), "saml_authn_statement");
}
