//! How our SAML messages travel: HTTP-Redirect with DEFLATE, HTTP-POST (SAML bindings 3.4, 3.5).

use std::cell::RefCell;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compress, Compression, FlushCompress, Status};
use thiserror::Error;
use url::Url;
use url::form_urlencoded::byte_serialize;

use super::enveloped;
use crate::{Outbound, ProviderError};

/// The one algorithm that our messages are signed with (RFC 9231 section 2.3.2).
pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/// The HTTP-POST binding.
pub const HTTP_POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
/// The HTTP-Redirect binding.
pub const HTTP_REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";

/// Signs with the pool's SAML key.
pub trait RequestSigner: Send + Sync {
    /// RSA PKCS #1 v1.5 with SHA-256 over `message`, with the key that is in use at this moment.
    ///
    /// # Errors
    /// When the key cannot sign.
    fn sign_rsa_sha256(&self, message: &[u8]) -> Result<RequestSignature, SigningFailed>;
}

/// A signature and the certificate of the key that made it: they come together, so that a roll-over between
/// two calls cannot set one key's certificate beside the other's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestSignature {
    /// The signature's bytes.
    pub value: Vec<u8>,
    /// Base64 of the DER certificate, in one line.
    pub certificate: Arc<str>,
}

/// The pool's key could not sign.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the pool's SAML signing key could not sign: {0}")]
pub struct SigningFailed(pub String);

/// One message of ours on its way.
#[derive(Debug, Clone, Copy)]
pub struct Message<'m> {
    /// `SAMLRequest` or `SAMLResponse`.
    pub parameter: &'static str,
    /// The document, UTF-8. To be signed by [`post`] its root needs an `ID` and the saml:Issuer as first child.
    pub xml: &'m [u8],
    /// `RelayState`.
    pub relay_state: Option<&'m str>,
}

fn broken(detail: &str) -> ProviderError {
    ProviderError::Settings(detail.to_owned())
}

/// `more` behind `query`, which is kept as it is.
pub(super) fn join(query: &str, more: &str) -> String {
    if query.is_empty() { more.to_owned() } else { format!("{query}&{more}") }
}

pub(super) fn encode(bytes: &[u8]) -> String {
    byte_serialize(bytes).collect()
}

/// HTTP-Redirect with DEFLATE (SAML bindings 3.4.4.1): what is signed is exactly what is sent, in the order
/// `SAMLRequest`, `RelayState`, `SigAlg`.
///
/// # Errors
/// When the message cannot be packed or signed.
pub fn redirect(
    target: &Url,
    message: Message<'_>,
    signer: Option<&dyn RequestSigner>,
) -> Result<Outbound, ProviderError> {
    let deflated = deflate(message.xml)
        .map_err(|error| broken(&format!("the {} could not be packed: {error}", message.parameter)))?;
    let mut query = format!("{}={}", message.parameter, encode(STANDARD.encode(deflated).as_bytes()));
    if let Some(relay_state) = message.relay_state {
        query = format!("{query}&RelayState={}", encode(relay_state.as_bytes()));
    }
    if let Some(signer) = signer {
        query = format!("{query}&SigAlg={}", encode(RSA_SHA256.as_bytes()));
        let signature =
            signer.sign_rsa_sha256(query.as_bytes()).map_err(|error| broken(&error.to_string()))?;
        query = format!("{query}&Signature={}", encode(STANDARD.encode(signature.value).as_bytes()));
    }
    let mut target = target.clone();
    target.set_fragment(None);
    let query = join(target.query().unwrap_or_default(), &query);
    target.set_query(Some(&query));
    Ok(Outbound::Redirect(target))
}

/// HTTP-POST (SAML bindings 3.5.4). The signature is in the message itself: an enveloped XML signature.
///
/// # Errors
/// When the message cannot be signed.
pub fn post(
    target: &Url,
    message: Message<'_>,
    signer: Option<&dyn RequestSigner>,
) -> Result<Outbound, ProviderError> {
    let encoded = match signer {
        Some(signer) => STANDARD.encode(enveloped::sign(message.xml, signer)?),
        None => STANDARD.encode(message.xml),
    };
    let mut fields = vec![(message.parameter.to_owned(), encoded)];
    fields.extend(message.relay_state.map(|relay_state| ("RelayState".to_owned(), relay_state.to_owned())));
    let mut action = target.clone();
    action.set_fragment(None);
    Ok(Outbound::PostForm { action, fields })
}

fn deflate(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    thread_local! {
        /// Its tables are a third of a megabyte: making them anew costs more than packing a request.
        static PACKER: RefCell<Compress> = RefCell::new(Compress::new(Compression::default(), false));
    }
    PACKER.with_borrow_mut(|packer| {
        packer.reset();
        let mut packed = Vec::with_capacity(bytes.len() + 64);
        loop {
            let rest =
                bytes.get(usize::try_from(packer.total_in()).unwrap_or(usize::MAX)..).unwrap_or_default();
            match packer.compress_vec(rest, &mut packed, FlushCompress::Finish)? {
                Status::StreamEnd => return Ok(packed),
                Status::Ok | Status::BufError => packed.reserve(1024),
            }
        }
    })
}
