//! A message of the HTTP-Redirect binding (SAML bindings 3.4.4.1): its signature stands beside it in the query.
//!
//! What is signed is the query as its sender wrote it. Encoders differ (.NET escapes with lower-case digits), so
//! nothing is ever decoded and encoded again: the signed string is put together from the raw values, in the
//! order that the binding fixes, whatever order they came in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Decompress, FlushDecompress, Status};
use time::OffsetDateTime;
use url::form_urlencoded;

use super::message;
use crate::saml::gate::{self, Policy, Root};
use crate::saml::keys::VerifyKey;
use crate::saml::xml::MESSAGE;
use crate::saml::{Refusal, UNKNOWN_KEY};

/// Longest query that is looked at, in bytes.
const MAX_QUERY: usize = 64 * 1024;
/// Longest signature, in characters of base64: RSA with 8,192 bits, escaped.
const MAX_SIGNATURE: usize = 4096;
const DEFLATE: &str = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";

/// A query, still encoded.
#[derive(Debug)]
pub(super) struct Query<'q> {
    /// Which message it brings.
    pub(super) root: Root,
    message: &'q str,
    relay_state: Option<&'q str>,
    algorithm: &'q str,
    signature: &'q str,
}

impl<'q> Query<'q> {
    /// Finds the parameters, each there once at most. Others mean nothing: nobody signed them.
    pub(super) fn read(query: &'q str) -> Result<Self, Refusal> {
        if query.len() > MAX_QUERY {
            return Err(Refusal::new("saml_limits", format!("the query is longer than {MAX_QUERY} bytes")));
        }
        let names = ["SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature", "SAMLEncoding"];
        let mut found = [None; 6];
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            for (known, slot) in names.iter().zip(&mut found) {
                if name == *known && slot.replace(value).is_some() {
                    return Err(message(format!("{known} was given more than once")));
                }
            }
        }
        let [request, response, relay_state, algorithm, signature, encoding] = found;
        let (root, text) = match (request, response) {
            (Some(request), None) => (Root::LogoutRequest, request),
            (None, Some(response)) => (Root::LogoutResponse, response),
            _ => return Err(message("there must be a SAMLRequest or a SAMLResponse, and not both")),
        };
        if encoding.is_some_and(|encoding| decoded(encoding) != DEFLATE) {
            return Err(message("SAMLEncoding may be DEFLATE only"));
        }
        let unsigned = || {
            Refusal::new("saml_unsigned", "the message is not signed: the query needs SigAlg and Signature")
        };
        Ok(Self {
            root,
            message: text,
            relay_state,
            algorithm: algorithm.ok_or_else(unsigned)?,
            signature: signature.ok_or_else(unsigned)?,
        })
    }

    /// RelayState, decoded.
    pub(super) fn relay_state(&self) -> Option<String> {
        self.relay_state.map(decoded)
    }

    /// The message's text: base64, then DEFLATE with an end to its size, then UTF-8.
    pub(super) fn unpack(&self) -> Result<String, Refusal> {
        let encoding = |detail: &str| Refusal::new("saml_encoding", detail);
        let packed = base64(self.message).ok_or_else(|| encoding("the message is not base64"))?;
        let mut inflater = Decompress::new(false);
        let mut text = Vec::with_capacity(packed.len().saturating_mul(8).min(MESSAGE.bytes));
        loop {
            let from = usize::try_from(inflater.total_in()).unwrap_or(usize::MAX);
            let rest = packed.get(from..).unwrap_or_default();
            let before = text.len();
            let status = inflater
                .decompress_vec(rest, &mut text, FlushDecompress::None)
                .map_err(|_| encoding("the message is not packed with DEFLATE"))?;
            match status {
                Status::StreamEnd => break,
                _ if text.len() >= MESSAGE.bytes => {
                    return Err(Refusal::new(
                        "saml_limits",
                        format!("the message is larger than {} bytes", MESSAGE.bytes),
                    ));
                }
                _ if text.len() < text.capacity() && text.len() == before => {
                    return Err(encoding("the packed message breaks off"));
                }
                _ => text.reserve_exact((text.capacity().max(1024)).min(MESSAGE.bytes - text.len())),
            }
        }
        if usize::try_from(inflater.total_in()) != Ok(packed.len()) {
            return Err(encoding("something follows the packed message"));
        }
        String::from_utf8(text).map_err(|_| encoding("the message is not UTF-8"))
    }

    /// Checks the signature with the keys whose certificate is in its time.
    pub(super) fn verify(
        &self,
        keys: &[VerifyKey],
        policy: Policy,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        let method = gate::method_of(&decoded(self.algorithm), policy)?;
        let short = Some(self.signature).filter(|signature| signature.len() <= MAX_SIGNATURE);
        let signature = short
            .and_then(base64)
            .ok_or_else(|| Refusal::new("saml_signature_form", "the Signature is not base64, or too long"))?;
        let signed = self.signed();
        if keys
            .iter()
            .any(|key| key.is_current(now) && key.verify_detached(method, signed.as_bytes(), &signature))
        {
            return Ok(());
        }
        Err(Refusal::new(
            UNKNOWN_KEY,
            "the signature was made by none of the provider's current signing certificates, or not over \
             SAMLRequest or SAMLResponse, RelayState and SigAlg, URL-encoded as they were sent",
        ))
    }

    /// The signed string.
    fn signed(&self) -> String {
        let name = if self.root == Root::LogoutRequest { "SAMLRequest" } else { "SAMLResponse" };
        let relay_state = self.relay_state.map(|value| format!("&RelayState={value}")).unwrap_or_default();
        format!("{name}={}{relay_state}&SigAlg={}", self.message, self.algorithm)
    }
}

/// A value of a query, as a form writes it.
fn decoded(raw: &str) -> String {
    let pair = format!("v={raw}");
    form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn base64(raw: &str) -> Option<Vec<u8>> {
    let compact: String = decoded(raw).split_ascii_whitespace().collect();
    STANDARD.decode(compact).ok()
}
