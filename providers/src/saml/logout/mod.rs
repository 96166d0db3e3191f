//! Single logout, both ways (SAML core 3.7, profiles 4.4): what a provider sends is verified here like a
//! Response, and what we send is written and always signed.
//!
//! A message by HTTP-POST carries an enveloped signature and goes through gate and engine; one by HTTP-Redirect
//! is signed beside itself, over the very bytes of the query ([`redirect`]). Either way it is read from signed
//! bytes only. Whatever is not signed is refused.

mod redirect;
mod rules;
mod write;

use time::OffsetDateTime;

pub use rules::{MAX_SESSION_INDEXES, REQUEST_LIFETIME};
pub use write::{answer, request};

use super::encryption::Opener;
use super::gate::{self, Policy, Root};
use super::reader;
use super::response::signed_as;
use super::settings::SamlSettings;
use super::validator::Expected;
use super::xml::{self, MESSAGE, Ns};
use super::{Refusal, SignedXml};
use crate::{SignOutMessage, SignOutNotice};
use redirect::Query;

/// Longest RelayState that an answer carries back, in bytes.
pub const MAX_RELAY_STATE: usize = 4096;

/// A message that passed every check but the one for replay.
#[derive(Debug)]
pub struct Heard {
    /// What it says.
    pub notice: SignOutNotice,
    /// The id of a request, and until when it must be remembered as used. An answer is used up with what it
    /// answers.
    pub once: Option<(String, OffsetDateTime)>,
}

fn message(detail: impl Into<String>) -> Refusal {
    Refusal::new("saml_logout_message", detail)
}

/// Which message a form or a query brings, and its text. Nothing is verified.
struct Opened<'m> {
    root: Root,
    text: String,
    relay_state: Option<String>,
    /// The signed query, where the message came by redirect.
    query: Option<Query<'m>>,
}

fn open(came: &SignOutMessage) -> Result<Opened<'_>, Refusal> {
    let opened = match came {
        SignOutMessage::SamlRedirect { query } => {
            let query = Query::read(query)?;
            let relay_state = query.relay_state();
            Opened { root: query.root, text: query.unpack()?, relay_state, query: Some(query) }
        }
        SignOutMessage::SamlPost { request, response, relay_state } => {
            let (root, field) = match (request, response) {
                (Some(request), None) => (Root::LogoutRequest, request),
                (None, Some(response)) => (Root::LogoutResponse, response),
                _ => return Err(message("there must be a SAMLRequest or a SAMLResponse, and not both")),
            };
            let relay_state = relay_state.clone();
            Opened { root, text: gate::decode(field)?, relay_state, query: None }
        }
        SignOutMessage::LogoutToken(_) => return Err(message("it is a logout token of OpenID Connect")),
    };
    if opened.relay_state.as_ref().is_some_and(|state| state.len() > MAX_RELAY_STATE) {
        return Err(message(format!("the RelayState is longer than {MAX_RELAY_STATE} bytes")));
    }
    Ok(opened)
}

/// Who the message says sent it. Nobody has verified that: it is good for nothing but to know whose keys to try.
///
/// # Errors
/// When the message cannot be opened, or names nobody.
pub fn claimed_issuer(came: &SignOutMessage) -> Result<String, Refusal> {
    let opened = open(came)?;
    let document = xml::parse(&opened.text, &MESSAGE)?;
    let issuer = document.root().at_most_one(Ns::Assertion, "Issuer")?;
    reader::trimmed(issuer.ok_or_else(|| reader::missing("saml_issuer", "the Issuer of the message"))?)
}

/// Verifies a message of this provider, and reads it from the bytes that were signed.
///
/// # Errors
/// A refusal with the name of the rule; `saml_unsigned` for what is not signed.
pub fn hear(
    settings: &SamlSettings,
    engine: &dyn SignedXml,
    opener: &Opener<'_>,
    expected: &Expected<'_>,
    came: &SignOutMessage,
) -> Result<Heard, Refusal> {
    let policy = Policy { allow_sha1: settings.allow_sha1 };
    let opened = open(came)?;
    let gated = gate::admit(&opened.text, opened.root, policy)?;
    let keys = &settings.metadata.keys;
    let signed = if let Some(query) = &opened.query {
        if gated.root_signature.is_some() {
            // Bindings 3.4.4.1: it must be removed. Two signatures are two opinions.
            return Err(Refusal::new(
                "saml_signature_form",
                "a message of the redirect binding may not hold a Signature element",
            ));
        }
        query.verify(keys, policy, expected.now)?;
        opened.text.clone()
    } else {
        let signed = engine.verify(&gated, keys, policy, expected.now)?;
        signed.root.ok_or_else(|| Refusal::new("saml_unsigned", "the message is not signed"))?
    };
    let document = xml::parse(&signed, &MESSAGE)?;
    let root = document.root();
    match opened.root {
        Root::LogoutRequest => {
            signed_as(root, Ns::Protocol, "LogoutRequest")?;
            rules::request(expected, opener, root, opened.relay_state)
        }
        _ => {
            signed_as(root, Ns::Protocol, "LogoutResponse")?;
            rules::answer(expected, root)
        }
    }
}
