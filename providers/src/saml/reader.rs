//! The one reader: what a Response and an assertion say, from the bytes it is given.
//!
//! Identity is read from signed bytes only. Facts of an unsigned Response serve refusals only.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Refusal;
use super::encryption::Opener;
use super::xml::{Node, Ns};
use crate::Attributes;

const MAX_NAME_ID: usize = 2048;
const MAX_STATUS_TEXT: usize = 300;
/// White space of XML 1.0 section 2.3, and no other.
const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// What a `samlp:Response` says of itself (SAML core 3.2.2).
#[derive(Debug, Clone)]
pub struct ResponseFacts {
    /// `Version`.
    pub version: String,
    /// `IssueInstant`.
    pub issued_at: OffsetDateTime,
    /// `Destination`.
    pub destination: Option<String>,
    /// `InResponseTo`.
    pub in_response_to: Option<String>,
    /// `Issuer`.
    pub issuer: Option<String>,
}

/// `samlp:Status`: the codes from outside in, and the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// StatusCode values, the outermost first.
    pub codes: Vec<String>,
    /// StatusMessage, shortened.
    pub message: Option<String>,
}

/// `saml:NameID`.
#[derive(Debug, Clone)]
pub struct NameId {
    /// The text, as it came.
    pub value: String,
    /// `Format`.
    pub format: Option<String>,
    /// `NameQualifier`.
    pub name_qualifier: Option<String>,
    /// `SPNameQualifier`.
    pub sp_name_qualifier: Option<String>,
}

/// A bearer `SubjectConfirmation`'s data.
#[derive(Debug, Clone)]
pub struct Confirmation {
    /// `Recipient`.
    pub recipient: Option<String>,
    /// `InResponseTo`.
    pub in_response_to: Option<String>,
    /// `NotBefore`.
    pub not_before: Option<OffsetDateTime>,
    /// `NotOnOrAfter`.
    pub not_on_or_after: Option<OffsetDateTime>,
}

/// `AuthnStatement`.
#[derive(Debug, Clone)]
pub struct Authentication {
    /// `AuthnInstant`.
    pub at: OffsetDateTime,
    /// `SessionIndex`.
    pub session_index: Option<String>,
    /// `SessionNotOnOrAfter`.
    pub session_ends: Option<OffsetDateTime>,
    /// `AuthnContextClassRef` (SAML core 2.7.2.2): how the person proved it.
    pub context: Option<String>,
}

/// What an assertion says (SAML core 2.3.3).
#[derive(Debug, Clone)]
pub struct Assertion {
    /// `ID`.
    pub id: String,
    /// `Version`.
    pub version: String,
    /// `IssueInstant`.
    pub issued_at: OffsetDateTime,
    /// `Issuer`.
    pub issuer: String,
    /// The subject.
    pub name_id: NameId,
    /// Its bearer confirmations.
    pub confirmations: Vec<Confirmation>,
    /// `Conditions NotBefore`.
    pub not_before: Option<OffsetDateTime>,
    /// `Conditions NotOnOrAfter`.
    pub not_on_or_after: Option<OffsetDateTime>,
    /// The audiences of each AudienceRestriction.
    pub audiences: Vec<Vec<String>>,
    /// The AuthnStatements.
    pub authentications: Vec<Authentication>,
    /// The attributes.
    pub attributes: Attributes,
}

pub(super) fn missing(check: &'static str, what: &str) -> Refusal {
    Refusal::new(check, format!("{what} is missing"))
}

pub(super) fn owned(node: Node<'_, '_>, attribute: &str) -> Option<String> {
    node.attribute(attribute).map(str::to_owned)
}

/// `xs:dateTime` with a zone (SAML core 1.3.3 asks for UTC).
pub(super) fn moment(node: Node<'_, '_>, attribute: &str) -> Result<Option<OffsetDateTime>, Refusal> {
    node.attribute(attribute)
        .map(|text| {
            OffsetDateTime::parse(text.trim_matches(BLANK), &Rfc3339).map_err(|_| {
                Refusal::new("saml_time", format!("{attribute} of {} is not a time in UTC", node.local()))
            })
        })
        .transpose()
}

fn issued_at(node: Node<'_, '_>) -> Result<OffsetDateTime, Refusal> {
    moment(node, "IssueInstant")?.ok_or_else(|| missing("saml_time", "IssueInstant"))
}

pub(super) fn trimmed(node: Node<'_, '_>) -> Result<String, Refusal> {
    Ok(node.text()?.trim_matches(BLANK).to_owned())
}

/// Reads a Response's own facts.
///
/// # Errors
/// When one is there that cannot be read.
pub fn response(node: Node<'_, '_>) -> Result<ResponseFacts, Refusal> {
    Ok(ResponseFacts {
        version: owned(node, "Version").unwrap_or_default(),
        issued_at: issued_at(node)?,
        destination: owned(node, "Destination"),
        in_response_to: owned(node, "InResponseTo"),
        issuer: node.at_most_one(Ns::Assertion, "Issuer")?.map(trimmed).transpose()?,
    })
}

/// Reads a Response's Status.
///
/// # Errors
/// `saml_status` when there is none.
pub fn status(node: Node<'_, '_>) -> Result<Status, Refusal> {
    let status = node.at_most_one(Ns::Protocol, "Status")?.ok_or_else(|| missing("saml_status", "Status"))?;
    let mut codes = Vec::new();
    let mut next = status.at_most_one(Ns::Protocol, "StatusCode")?;
    while let Some(code) = next {
        codes.push(owned(code, "Value").ok_or_else(|| missing("saml_status", "the Value of StatusCode"))?);
        next = code.at_most_one(Ns::Protocol, "StatusCode")?;
    }
    if codes.is_empty() {
        return Err(missing("saml_status", "StatusCode"));
    }
    let message = status.at_most_one(Ns::Protocol, "StatusMessage")?.map(trimmed).transpose()?;
    Ok(Status { codes, message: message.map(|text| text.chars().take(MAX_STATUS_TEXT).collect()) })
}

/// Reads an assertion. `node` must come from signed bytes; `opener` opens an EncryptedID in it.
///
/// # Errors
/// When something it must say is missing or cannot be read.
pub fn assertion(node: Node<'_, '_>, opener: &Opener<'_>) -> Result<Assertion, Refusal> {
    if !node.is(Ns::Assertion, "Assertion") {
        return Err(Refusal::new("saml_assertion", "the signed bytes do not hold an assertion"));
    }
    let issuer =
        node.at_most_one(Ns::Assertion, "Issuer")?.ok_or_else(|| missing("saml_issuer", "the Issuer"))?;
    let subject =
        node.at_most_one(Ns::Assertion, "Subject")?.ok_or_else(|| missing("saml_subject", "the Subject"))?;
    let conditions = node
        .at_most_one(Ns::Assertion, "Conditions")?
        .ok_or_else(|| missing("saml_audience", "Conditions with an AudienceRestriction"))?;
    Ok(Assertion {
        id: owned(node, "ID").ok_or_else(|| missing("saml_assertion", "the assertion's ID"))?,
        version: owned(node, "Version").unwrap_or_default(),
        issued_at: issued_at(node)?,
        issuer: trimmed(issuer)?,
        name_id: opener.name_id(subject)?,
        confirmations: confirmations(subject)?,
        not_before: moment(conditions, "NotBefore")?,
        not_on_or_after: moment(conditions, "NotOnOrAfter")?,
        audiences: audiences(conditions)?,
        authentications: node
            .named(Ns::Assertion, "AuthnStatement")
            .map(authentication)
            .collect::<Result<_, _>>()?,
        attributes: attributes(node)?,
    })
}

/// Reads the plain NameID in `parent`.
pub(super) fn name_id(parent: Node<'_, '_>) -> Result<NameId, Refusal> {
    let node = parent.at_most_one(Ns::Assertion, "NameID")?.ok_or_else(|| {
        Refusal::new(
            "saml_name_id",
            format!("the {} has no NameID: let the provider send one", parent.local()),
        )
    })?;
    read_name_id(node)
}

/// Reads a NameID itself.
pub(super) fn read_name_id(node: Node<'_, '_>) -> Result<NameId, Refusal> {
    let value = node.text()?.into_owned();
    if value.trim().is_empty() || value.len() > MAX_NAME_ID {
        return Err(Refusal::new(
            "saml_name_id",
            format!("the NameID is empty or longer than {MAX_NAME_ID} bytes"),
        ));
    }
    Ok(NameId {
        value,
        format: owned(node, "Format"),
        name_qualifier: owned(node, "NameQualifier"),
        sp_name_qualifier: owned(node, "SPNameQualifier"),
    })
}

fn confirmations(subject: Node<'_, '_>) -> Result<Vec<Confirmation>, Refusal> {
    let mut found = Vec::new();
    for node in subject.named(Ns::Assertion, "SubjectConfirmation") {
        if node.attribute("Method") != Some(BEARER) {
            continue;
        }
        let Some(data) = node.at_most_one(Ns::Assertion, "SubjectConfirmationData")? else { continue };
        found.push(Confirmation {
            recipient: owned(data, "Recipient"),
            in_response_to: owned(data, "InResponseTo"),
            not_before: moment(data, "NotBefore")?,
            not_on_or_after: moment(data, "NotOnOrAfter")?,
        });
    }
    Ok(found)
}

/// The audiences, and a refusal of any condition that is not understood (SAML core 2.5.1.1).
fn audiences(conditions: Node<'_, '_>) -> Result<Vec<Vec<String>>, Refusal> {
    let mut found = Vec::new();
    for node in conditions.children() {
        match (node.ns(), node.local()) {
            (Ns::Assertion, "AudienceRestriction") => {
                found.push(node.named(Ns::Assertion, "Audience").map(trimmed).collect::<Result<_, _>>()?);
            }
            (Ns::Assertion, "OneTimeUse" | "ProxyRestriction") => {}
            _ => {
                return Err(Refusal::new(
                    "saml_conditions",
                    "the assertion has a condition that is not known",
                ));
            }
        }
    }
    Ok(found)
}

fn authentication(node: Node<'_, '_>) -> Result<Authentication, Refusal> {
    Ok(Authentication {
        at: moment(node, "AuthnInstant")?.ok_or_else(|| missing("saml_time", "AuthnInstant"))?,
        session_index: owned(node, "SessionIndex"),
        session_ends: moment(node, "SessionNotOnOrAfter")?,
        context: context(node)?,
    })
}

fn context(statement: Node<'_, '_>) -> Result<Option<String>, Refusal> {
    let Some(context) = statement.at_most_one(Ns::Assertion, "AuthnContext")? else { return Ok(None) };
    context.at_most_one(Ns::Assertion, "AuthnContextClassRef")?.map(trimmed).transpose()
}

/// Attributes by `Name`, values in order, repeated names merged. A `FriendlyName` is offered as well where
/// it is nobody's `Name`, one Name alone carries it, and that Name carries no other: so no value is there
/// more than twice.
fn attributes(assertion: Node<'_, '_>) -> Result<Attributes, Refusal> {
    let mut found = Attributes::new();
    let (mut names, mut aliases) = (Pairs::new(), Pairs::new());
    for statement in assertion.named(Ns::Assertion, "AttributeStatement") {
        if statement.named(Ns::Assertion, "EncryptedAttribute").next().is_some() {
            return Err(Refusal::new("saml_encrypted_attribute", "encrypted attributes are not supported"));
        }
        for attribute in statement.named(Ns::Assertion, "Attribute") {
            let name = attribute
                .attribute("Name")
                .ok_or_else(|| missing("saml_attribute", "an attribute's Name"))?;
            let values = attribute
                .named(Ns::Assertion, "AttributeValue")
                .filter(|value| !matches!(value.attribute_in(Ns::SchemaInstance, "nil"), Some("true" | "1")))
                .map(|value| value.deep_text().into_owned());
            found.entry(name.to_owned()).or_default().extend(values);
            if let Some(alias) = attribute.attribute("FriendlyName") {
                pair(&mut names, alias, name);
                pair(&mut aliases, name, alias);
            }
        }
    }
    for (alias, name) in names {
        let Some(name) = name.filter(|name| aliases.get(name) == Some(&Some(alias))) else { continue };
        let values = found.get(name).cloned();
        if let Some(values) = values.filter(|_| !found.contains_key(alias)) {
            found.insert(alias.to_owned(), values);
        }
    }
    Ok(found)
}

/// What goes with each text: `None` when more than one does.
type Pairs<'d> = BTreeMap<&'d str, Option<&'d str>>;

fn pair<'d>(pairs: &mut Pairs<'d>, one: &'d str, other: &'d str) {
    let known = pairs.entry(one).or_insert(Some(other));
    if *known != Some(other) {
        *known = None;
    }
}
