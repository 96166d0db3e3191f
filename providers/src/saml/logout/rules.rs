//! The rules of a sign-out message (SAML core 3.7.1, 3.7.2; profiles 4.4.4), over what was signed.

use time::{Duration, OffsetDateTime};

use super::Heard;
use crate::error::shown;
use crate::saml::Refusal;
use crate::saml::encryption::Opener;
use crate::saml::reader::{self, NameId, ResponseFacts, Status, missing};
use crate::saml::settings::MAX_SKEW;
use crate::saml::validator::{Expected, check_version, differs, later};
use crate::saml::xml::{Node, Ns};
use crate::{SignOutNotice, SignOutOutcome, SignOutRequest};

/// How long a request without `NotOnOrAfter` is believed, and how long ours are.
pub const REQUEST_LIFETIME: Duration = Duration::minutes(5);
/// Most `SessionIndex` elements of one request.
pub const MAX_SESSION_INDEXES: usize = 100;
/// Longest `SessionIndex`, in bytes.
const MAX_SESSION_INDEX: usize = 2048;
/// Longest time since a request was issued, whatever its `NotOnOrAfter` says.
const MAX_AGE: Duration = Duration::hours(24);
/// Longest text of a failure, in characters.
const MAX_DESCRIPTION: usize = 300;
const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";

/// From this provider, to our sign-out address (required, as every message is signed: bindings 3.4.5.2, 3.5.5.2),
/// issued now.
fn check_facts(
    expected: &Expected<'_>,
    what: &str,
    facts: &ResponseFacts,
    longest: Duration,
) -> Result<(), Refusal> {
    check_version(what, &facts.version)?;
    if facts.issuer.as_deref() != Some(expected.provider) {
        let issuer = facts.issuer.as_deref();
        return Err(differs("saml_issuer", &format!("Issuer of the {what}"), expected.provider, issuer));
    }
    if facts.destination.as_deref() != Some(expected.acs) {
        return Err(differs("saml_destination", "Destination", expected.acs, facts.destination.as_deref()));
    }
    let issued = facts.issued_at;
    if issued > later(expected.now, expected.skew) || later(issued, longest + expected.skew) < expected.now {
        return Err(Refusal::new(
            "saml_issue_instant",
            format!(
                "the {what} is issued in the future or too long ago ({issued}): compare the clocks, or raise \
                 clock_skew_seconds"
            ),
        ));
    }
    Ok(())
}

fn id(node: Node<'_, '_>) -> Result<String, Refusal> {
    // The gate has bounded every ID.
    reader::owned(node, "ID").ok_or_else(|| missing("saml_structure", "the message's ID"))
}

/// A LogoutRequest. `node` must come from signed bytes.
pub(super) fn request(
    expected: &Expected<'_>,
    opener: &Opener<'_>,
    node: Node<'_, '_>,
    relay_state: Option<String>,
) -> Result<Heard, Refusal> {
    let facts = reader::response(node)?;
    let until = reader::moment(node, "NotOnOrAfter")?;
    let longest = if until.is_some() { MAX_AGE } else { REQUEST_LIFETIME };
    check_facts(expected, "LogoutRequest", &facts, longest)?;
    if until.is_some_and(|until| expected.now >= later(until, expected.skew)) {
        return Err(Refusal::new("saml_not_on_or_after", "the LogoutRequest is no longer valid"));
    }
    let message_id = id(node)?;
    let subject = name(node, opener)?.value;
    let session_indexes = session_indexes(node)?;
    let request = SignOutRequest { message_id: message_id.clone(), subject, session_indexes, relay_state };
    let once = Some((message_id, remembered_until(facts.issued_at, until)));
    Ok(Heard { notice: SignOutNotice::Request(request), once })
}

/// No moment at which it could pass again, whatever skew the provider is set up with by then, comes later.
fn remembered_until(issued: OffsetDateTime, until: Option<OffsetDateTime>) -> OffsetDateTime {
    let too_old = |longest: Duration| later(issued, longest + MAX_SKEW + Duration::SECOND);
    match until {
        Some(until) => later(until, MAX_SKEW).min(too_old(MAX_AGE)),
        None => too_old(REQUEST_LIFETIME),
    }
}

/// The one NameID, plain or encrypted. Another identifier beside it, or a BaseID, could mean somebody else.
fn name(node: Node<'_, '_>, opener: &Opener<'_>) -> Result<NameId, Refusal> {
    let identifiers = ["BaseID", "NameID", "EncryptedID"];
    let is_one = |child: &Node<'_, '_>| child.ns() == Ns::Assertion && identifiers.contains(&child.local());
    match node.children().filter(is_one).count() {
        1 if node.named(Ns::Assertion, "BaseID").next().is_none() => opener.name_id(node),
        _ => Err(Refusal::new("saml_name_id", "the LogoutRequest must name one person, by a NameID")),
    }
}

fn session_indexes(node: Node<'_, '_>) -> Result<Vec<String>, Refusal> {
    let refuse = || {
        Refusal::new(
            "saml_session_index",
            format!(
                "there may be {MAX_SESSION_INDEXES} SessionIndex elements of 1 to {MAX_SESSION_INDEX} bytes"
            ),
        )
    };
    let mut found = Vec::new();
    for element in node.named(Ns::Protocol, "SessionIndex") {
        let index = reader::trimmed(element)?;
        if found.len() == MAX_SESSION_INDEXES || !(1..=MAX_SESSION_INDEX).contains(&index.len()) {
            return Err(refuse());
        }
        found.push(index);
    }
    Ok(found)
}

/// A LogoutResponse. `node` must come from signed bytes.
pub(super) fn answer(expected: &Expected<'_>, node: Node<'_, '_>) -> Result<Heard, Refusal> {
    let facts = reader::response(node)?;
    check_facts(expected, "LogoutResponse", &facts, REQUEST_LIFETIME)?;
    let in_response_to =
        facts.in_response_to.ok_or_else(|| missing("saml_in_response_to", "InResponseTo"))?;
    let outcome = outcome(&reader::status(node)?);
    Ok(Heard { notice: SignOutNotice::Answer { in_response_to, outcome }, once: None })
}

fn outcome(status: &Status) -> SignOutOutcome {
    let codes: Vec<&str> =
        status.codes.iter().map(|code| code.strip_prefix(STATUS).unwrap_or(code)).collect();
    if codes.contains(&"PartialLogout") {
        SignOutOutcome::Partial
    } else if codes.first() == Some(&"Success") {
        SignOutOutcome::Complete
    } else if codes.contains(&"UnknownPrincipal") {
        SignOutOutcome::UnknownPrincipal
    } else {
        let said = status.message.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
        SignOutOutcome::Failed(shown(&format!("{}{said}", codes.join(", ")), MAX_DESCRIPTION))
    }
}
