//! The rules of SAML profiles 4.1.4 and of the gateway's contract, over facts from signed bytes.

use time::{Duration, OffsetDateTime};

use super::Refusal;
use super::reader::{Assertion, Confirmation, ResponseFacts, Status};
use super::settings::MAX_SKEW;
use crate::ProviderError;
use crate::error::shown;

/// Longest description of a failed status, in characters.
const MAX_DESCRIPTION: usize = 600;
/// Longest time since an assertion or a Response was issued.
const MAX_AGE: Duration = Duration::hours(24);
/// The same of an answer that nobody here asked for: no request of ours bounds its time.
const MAX_AGE_UNSOLICITED: Duration = Duration::minutes(6);
const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";

/// What an attempt expects of its answer.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'e> {
    /// The provider's entity id.
    pub provider: &'e str,
    /// Our entity id.
    pub audience: &'e str,
    /// Our assertion consumer service.
    pub acs: &'e str,
    /// The id of our AuthnRequest. Without one the provider started the sign-in (SAML profiles 4.1.5):
    /// neither Response nor confirmation may name any, and both must be 6 minutes old at most.
    pub request_id: Option<&'e str>,
    /// Now.
    pub now: OffsetDateTime,
    /// Clock skew allowed.
    pub skew: Duration,
    /// `authn_context_class_refs`: how the person must have proved who they are. Empty: any way will do.
    pub contexts: &'e [String],
    /// The person must have signed in at the provider at or after this moment (`prompt=login`, `max_age`).
    pub fresh_since: Option<OffsetDateTime>,
    /// Whether nothing could be shown to the person (`prompt=none`).
    pub passive: bool,
}

/// Ends the attempt when the provider reports a failure. Needs no signature: it can only end the attempt.
///
/// # Errors
/// `LoginRequired` for NoPassive, `Denied` for AuthnFailed and RequestDenied, `Refused` otherwise.
pub fn check_status(status: &Status) -> Result<(), ProviderError> {
    let short = |uri: &String| uri.strip_prefix(STATUS).unwrap_or(uri).chars().take(100).collect::<String>();
    let codes: Vec<String> = status.codes.iter().map(short).collect();
    if codes.first().is_some_and(|code| code == "Success")
        && status.codes.first().is_some_and(|uri| uri.starts_with(STATUS))
    {
        return Ok(());
    }
    let message = status.message.as_deref().filter(|text| !text.is_empty());
    let said = message.map(|text| format!(": {text}")).unwrap_or_default();
    // It goes to the app and to the log, and nobody may have signed it.
    let description =
        shown(&format!("the identity provider answered {}{said}", codes.join(", ")), MAX_DESCRIPTION);
    let has = |name: &str| codes.iter().any(|code| code == name);
    Err(if has("NoPassive") {
        ProviderError::LoginRequired(description)
    } else if has("AuthnFailed") || has("RequestDenied") {
        ProviderError::Denied(description)
    } else {
        // Names of the protocol only: it is shown where the provider's own words are not.
        let named = codes.iter().filter(|code| code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let code = named.map(String::as_str).collect::<Vec<_>>().join(", ");
        ProviderError::Refused { code, description }
    })
}

/// Refuses an answer that belongs to no request of ours.
///
/// # Errors
/// `Unsolicited` without InResponseTo, `saml_in_response_to` with another one.
pub fn check_solicited(expected: &Expected<'_>, response: &ResponseFacts) -> Result<(), ProviderError> {
    match response.in_response_to.as_deref() {
        id if id == expected.request_id => Ok(()),
        None => Err(ProviderError::Unsolicited(
            "Invalid samlResponse or relayState from identity provider".to_owned(),
        )),
        Some(_) => Err(Refusal::new("saml_in_response_to", other_request(expected, "Response")).into()),
    }
}

/// What is wrong with an InResponseTo that does not fit.
fn other_request(expected: &Expected<'_>, what: &str) -> String {
    match expected.request_id {
        Some(_) => format!("the {what} answers another request than this one, or none"),
        None => format!(
            "the {what} names a request (InResponseTo), but the provider started this sign-in: it must name none"
        ),
    }
}

pub(super) fn differs(check: &'static str, what: &str, expected: &str, came: Option<&str>) -> Refusal {
    let came = shown(came.unwrap_or("nothing"), 300);
    Refusal::new(check, format!("{what}: expected {expected}, came {came}"))
}

pub(super) fn check_version(what: &str, version: &str) -> Result<(), Refusal> {
    if version == "2.0" {
        Ok(())
    } else {
        Err(differs("saml_version", &format!("Version of the {what}"), "2.0", Some(version)))
    }
}

fn check_issued(expected: &Expected<'_>, what: &str, at: OffsetDateTime) -> Result<(), Refusal> {
    if at > later(expected.now, expected.skew) {
        return Err(Refusal::new(
            "saml_issue_instant",
            format!(
                "the {what} is issued in the future ({at}): compare the clocks, or raise clock_skew_seconds"
            ),
        ));
    }
    let oldest = if expected.request_id.is_some() { MAX_AGE } else { MAX_AGE_UNSOLICITED };
    if later(at, oldest) < expected.now {
        let minutes = oldest.whole_minutes();
        return Err(Refusal::new(
            "saml_issue_instant",
            format!("the {what} was issued too long ago ({at}): it may be {minutes} minutes old at most"),
        ));
    }
    Ok(())
}

pub(super) fn later(at: OffsetDateTime, by: Duration) -> OffsetDateTime {
    at.saturating_add(by)
}

/// Refuses a time window that `now` is not in, skew allowed. The end is exclusive.
fn check_window(
    expected: &Expected<'_>,
    what: &str,
    from: Option<OffsetDateTime>,
    until: Option<OffsetDateTime>,
) -> Result<(), Refusal> {
    if from.is_some_and(|from| later(expected.now, expected.skew) < from) {
        return Err(Refusal::new("saml_not_before", format!("{what} is not valid yet: compare the clocks")));
    }
    if until.is_some_and(|until| expected.now >= later(until, expected.skew)) {
        return Err(Refusal::new("saml_not_on_or_after", format!("{what} is no longer valid")));
    }
    Ok(())
}

/// Checks a Response's own facts; `signed` says whether they come from signed bytes.
///
/// # Errors
/// `saml_version`, `saml_issuer`, `saml_destination`, `saml_issue_instant`.
pub fn check_response(
    expected: &Expected<'_>,
    response: &ResponseFacts,
    signed: bool,
) -> Result<(), Refusal> {
    check_version("Response", &response.version)?;
    match response.issuer.as_deref() {
        Some(issuer) if issuer == expected.provider => {}
        // A Response that is not signed may leave it out (SAML profiles 4.1.4.2).
        None if !signed => {}
        other => return Err(differs("saml_issuer", "Issuer of the Response", expected.provider, other)),
    }
    match response.destination.as_deref() {
        Some(destination) if destination == expected.acs => {}
        None if !signed => {}
        other => return Err(differs("saml_destination", "Destination", expected.acs, other)),
    }
    check_issued(expected, "Response", response.issued_at)
}

/// Checks an assertion read from signed bytes. Returns until when its id must be remembered: no moment at
/// which it could pass again, with whatever skew the provider is set up by then, comes later.
///
/// # Errors
/// A refusal with the name of the rule.
pub fn check_assertion(expected: &Expected<'_>, assertion: &Assertion) -> Result<OffsetDateTime, Refusal> {
    check_version("assertion", &assertion.version)?;
    if assertion.issuer != expected.provider {
        return Err(differs(
            "saml_issuer",
            "Issuer of the assertion",
            expected.provider,
            Some(&assertion.issuer),
        ));
    }
    check_issued(expected, "assertion", assertion.issued_at)?;
    check_window(expected, "the assertion", assertion.not_before, assertion.not_on_or_after)?;
    check_audience(expected, assertion)?;
    check_confirmation(expected, &assertion.confirmations)?;
    if assertion.authentications.is_empty() {
        return Err(Refusal::new("saml_authn_statement", "the assertion has no AuthnStatement"));
    }
    for authentication in &assertion.authentications {
        if authentication.session_ends.is_some_and(|ends| expected.now >= later(ends, expected.skew)) {
            return Err(Refusal::new(
                "saml_session_ended",
                "the provider's session has ended (SessionNotOnOrAfter)",
            ));
        }
    }
    Ok(remembered_until(assertion))
}

/// Checks that the sign-in at the provider was one that was asked for. The request travels unsigned through the
/// person's own browser, where its wishes can be struck out: only the answer can tell whether they were granted.
///
/// # Errors
/// `saml_authn_context` for another kind of sign-in, `saml_authn_instant` for one too long ago, or
/// `LoginRequired` where the provider could not ask again (`prompt=none`).
pub fn check_authentication(expected: &Expected<'_>, assertion: &Assertion) -> Result<(), ProviderError> {
    let statements = &assertion.authentications;
    // Comparison="exact": one of those asked for, character for character (SAML core 3.3.2.2.1).
    let exact = |class: &str| expected.contexts.iter().any(|one| one == class);
    if !expected.contexts.is_empty()
        && !statements.iter().any(|one| one.context.as_deref().is_some_and(exact))
    {
        let came: Vec<_> = statements.iter().filter_map(|one| one.context.as_deref()).collect();
        let came = (!came.is_empty()).then(|| came.join(", "));
        let asked = expected.contexts.join(" or ");
        let what = "AuthnContextClassRef (the setting authn_context_class_refs)";
        return Err(differs("saml_authn_context", what, &asked, came.as_deref()).into());
    }
    let latest = statements.iter().map(|one| one.at).max();
    if let (Some(since), Some(at)) = (expected.fresh_since, latest)
        && later(at, expected.skew) < since
    {
        let detail = format!(
            "the app asked for a sign-in not before {since} (prompt=login or max_age), and the person signed in at \
             the provider at {at} (AuthnInstant): it did not ask again, or its clock is behind"
        );
        return Err(if expected.passive {
            ProviderError::LoginRequired(detail)
        } else {
            Refusal::new("saml_authn_instant", detail).into()
        });
    }
    Ok(())
}

/// The latest end of all its confirmations, as another one may fit later than the one that fits now, but
/// not past its greatest age.
fn remembered_until(assertion: &Assertion) -> OffsetDateTime {
    let too_old = later(assertion.issued_at, MAX_AGE + Duration::SECOND);
    let ends = assertion.confirmations.iter().filter_map(|confirmation| confirmation.not_on_or_after).max();
    ends.map_or(too_old, |end| later(end, MAX_SKEW).min(too_old))
}

/// Every AudienceRestriction must name us, and one must be there (SAML core 2.5.1.4).
fn check_audience(expected: &Expected<'_>, assertion: &Assertion) -> Result<(), Refusal> {
    let other =
        assertion.audiences.iter().find(|audiences| !audiences.iter().any(|one| one == expected.audience));
    match other {
        Some(audiences) => {
            let came = audiences.join(", ");
            Err(differs("saml_audience", "Audience", expected.audience, Some(&came)))
        }
        None if assertion.audiences.is_empty() => {
            Err(differs("saml_audience", "Audience", expected.audience, None))
        }
        None => Ok(()),
    }
}

/// One bearer confirmation must fit in full (SAML profiles 4.1.4.2). Where nobody asked, none may name a request:
/// such an assertion was made for an attempt.
fn check_confirmation(expected: &Expected<'_>, confirmations: &[Confirmation]) -> Result<(), Refusal> {
    if expected.request_id.is_none() && confirmations.iter().any(|one| one.in_response_to.is_some()) {
        let detail = other_request(expected, "SubjectConfirmationData");
        return Err(Refusal::new("saml_confirmation_in_response_to", detail));
    }
    let mut refusal =
        Refusal::new("saml_confirmation", "the assertion has no bearer SubjectConfirmation with data");
    for confirmation in confirmations {
        match fits(expected, confirmation) {
            Ok(()) => return Ok(()),
            Err(error) => refusal = error,
        }
    }
    Err(refusal)
}

fn fits(expected: &Expected<'_>, confirmation: &Confirmation) -> Result<(), Refusal> {
    if confirmation.recipient.as_deref() != Some(expected.acs) {
        return Err(differs("saml_recipient", "Recipient", expected.acs, confirmation.recipient.as_deref()));
    }
    if confirmation.in_response_to.as_deref() != expected.request_id {
        let detail = other_request(expected, "SubjectConfirmationData");
        return Err(Refusal::new("saml_confirmation_in_response_to", detail));
    }
    let until = confirmation.not_on_or_after.ok_or_else(|| {
        Refusal::new("saml_confirmation_not_on_or_after", "the SubjectConfirmationData has no NotOnOrAfter")
    })?;
    check_window(expected, "the SubjectConfirmation", confirmation.not_before, Some(until))
}
