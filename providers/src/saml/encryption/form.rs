//! The form of encrypted parts (XML Encryption 1.1 sections 3 and 5): listed algorithms only, every size
//! known before anything is decoded. All that is judged here is public, so it may be told by name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::content::Content;
use super::keys::Oaep;
use super::{Cover, MAX_ENCRYPTED_KEYS};
use crate::error::shown;
use crate::saml::Refusal;
use crate::saml::xml::{Node, Ns};

const XMLENC: &str = "http://www.w3.org/2001/04/xmlenc#";
const XMLENC11: &str = "http://www.w3.org/2009/xmlenc11#";
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
/// Longest base64 text of an encrypted key, line breaks counted: twice what RSA of 8,192 bits needs.
const MAX_WRAPPED_BASE64: usize = 2800;

/// An encrypted part, as it stands in the message.
pub(super) struct Sealed {
    pub(super) content: Content,
    /// Initialisation vector, ciphertext and, of GCM, the tag.
    pub(super) octets: Vec<u8>,
    /// The content key, once for each key it may be encrypted for: at least one.
    pub(super) keys: Vec<WrappedKey>,
}

pub(super) struct WrappedKey {
    pub(super) padding: Oaep,
    pub(super) octets: Vec<u8>,
}

fn form(detail: impl Into<String>) -> Refusal {
    Refusal::new("saml_encryption_form", detail)
}

fn algorithm(detail: impl Into<String>) -> Refusal {
    Refusal::new("saml_encryption_algorithm", detail)
}

/// Reads the EncryptedData of `container` (an EncryptedAssertion or EncryptedID, SAML core 2.2.4 and 2.3.4)
/// and the EncryptedKeys inside or beside it that are for `recipient` or for nobody in particular.
///
/// # Errors
/// `saml_encryption_form`, `saml_encryption_algorithm`, `saml_encryption_cbc`.
pub(super) fn read(container: Node<'_, '_>, recipient: &str, cover: Cover) -> Result<Sealed, Refusal> {
    let data = one(container, "EncryptedData")?;
    allow(container, &[(Ns::Encryption, "EncryptedData"), (Ns::Encryption, "EncryptedKey")])?;
    allow(
        data,
        &[(Ns::Encryption, "EncryptionMethod"), (Ns::Signature, "KeyInfo"), (Ns::Encryption, "CipherData")],
    )?;
    if data.attribute("Type").is_some_and(|kind| kind != format!("{XMLENC}Element")) {
        return Err(form("the Type of EncryptedData must be Element"));
    }
    let content = content_of(one(data, "EncryptionMethod")?)?;
    if content.is_cbc() && cover == (Cover::Bare { allow_cbc: false }) {
        return Err(Refusal::new(
            "saml_encryption_cbc",
            "the assertion is encrypted with AES-CBC, and nothing signs what was encrypted: let the provider \
             sign the Response or encrypt with AES-GCM, or set insecure_allow_aes_cbc=true",
        ));
    }
    let octets = cipher_value(data)?;
    if !content.fits(octets.len()) {
        return Err(form("the length of the encrypted content fits no content of its algorithm"));
    }
    let keys = encrypted_keys(container, data)?
        .into_iter()
        .filter(|key| key.attribute("Recipient").is_none_or(|named| named == recipient))
        .map(wrapped_key)
        .collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() {
        return Err(form(format!("there is no EncryptedKey for {}", shown(recipient, 300))));
    }
    Ok(Sealed { content, octets, keys })
}

fn one<'d, 'a>(node: Node<'d, 'a>, local: &str) -> Result<Node<'d, 'a>, Refusal> {
    node.at_most_one(Ns::Encryption, local)?.ok_or_else(|| form(format!("{} lacks {local}", node.local())))
}

/// Refuses children of any other name.
fn allow(node: Node<'_, '_>, names: &[(Ns, &str)]) -> Result<(), Refusal> {
    match node.children().find(|child| !names.iter().any(|(ns, local)| child.is(*ns, local))) {
        Some(other) => Err(form(format!("{} may not hold {}", node.local(), shown(other.local(), 100)))),
        None => Ok(()),
    }
}

/// The EncryptedKeys: those inside, and those beside that a RetrievalMethod names, or all of them where
/// there is no RetrievalMethod.
fn encrypted_keys<'d, 'a>(container: Node<'d, 'a>, data: Node<'d, 'a>) -> Result<Vec<Node<'d, 'a>>, Refusal> {
    let info = data.at_most_one(Ns::Signature, "KeyInfo")?;
    if let Some(info) = info {
        allow(
            info,
            &[
                (Ns::Encryption, "EncryptedKey"),
                (Ns::Signature, "RetrievalMethod"),
                (Ns::Signature, "KeyName"),
                (Ns::Signature, "KeyValue"),
                (Ns::Signature, "X509Data"),
            ],
        )?;
    }
    let inside: Vec<_> = info.iter().flat_map(|info| info.named(Ns::Encryption, "EncryptedKey")).collect();
    let beside: Vec<_> = container.named(Ns::Encryption, "EncryptedKey").collect();
    if inside.len() + beside.len() > MAX_ENCRYPTED_KEYS {
        return Err(form(format!("there are more than {MAX_ENCRYPTED_KEYS} EncryptedKeys")));
    }
    let mut named = Vec::new();
    for method in info.iter().flat_map(|info| info.named(Ns::Signature, "RetrievalMethod")) {
        named.push(retrieved(method)?);
    }
    let is_named = |key: &Node<'_, '_>| key.attribute("Id").is_some_and(|id| named.contains(&id));
    if !named.iter().all(|id| beside.iter().any(|key| key.attribute("Id") == Some(id))) {
        return Err(form("a RetrievalMethod names no EncryptedKey beside the EncryptedData"));
    }
    let beside = beside.into_iter().filter(|key| named.is_empty() || is_named(key));
    Ok(inside.into_iter().chain(beside).collect())
}

/// The id that a RetrievalMethod names, in the one form that SAML senders use.
fn retrieved<'d>(method: Node<'d, '_>) -> Result<&'d str, Refusal> {
    let id = method.attribute("URI").and_then(|uri| uri.strip_prefix('#')).filter(|id| !id.is_empty());
    let typed = method.attribute("Type").is_some_and(|kind| kind == format!("{XMLENC}EncryptedKey"));
    match id {
        Some(id) if typed && method.children().next().is_none() => Ok(id),
        _ => Err(form("a RetrievalMethod must name an EncryptedKey by `#` and its Id, without transforms")),
    }
}

fn wrapped_key(key: Node<'_, '_>) -> Result<WrappedKey, Refusal> {
    allow(
        key,
        &[
            (Ns::Encryption, "EncryptionMethod"),
            (Ns::Signature, "KeyInfo"),
            (Ns::Encryption, "CipherData"),
            (Ns::Encryption, "ReferenceList"),
            (Ns::Encryption, "CarriedKeyName"),
        ],
    )?;
    let padding = padding_of(one(key, "EncryptionMethod")?)?;
    let length = one(one(key, "CipherData")?, "CipherValue")?.text().map_or(0, |text| text.len());
    if length > MAX_WRAPPED_BASE64 {
        return Err(form("the encrypted key is too long for RSA of 8,192 bits"));
    }
    Ok(WrappedKey { padding, octets: cipher_value(key)? })
}

/// The octets of a CipherData that holds its CipherValue itself.
fn cipher_value(node: Node<'_, '_>) -> Result<Vec<u8>, Refusal> {
    let data = one(node, "CipherData")?;
    allow(data, &[(Ns::Encryption, "CipherValue")])?;
    let text = one(data, "CipherValue")?.text().map_err(|_| form("CipherValue may hold text only"))?;
    let compact: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(compact).map_err(|_| form("CipherValue is not base64"))
}

fn content_of(method: Node<'_, '_>) -> Result<Content, Refusal> {
    allow(method, &[])?;
    let named = method.attribute("Algorithm").unwrap_or_default();
    let local = named.strip_prefix(XMLENC11).map(|local| (true, local));
    match local.or_else(|| named.strip_prefix(XMLENC).map(|local| (false, local))) {
        Some((true, "aes128-gcm")) => Ok(Content::Aes128Gcm),
        Some((true, "aes256-gcm")) => Ok(Content::Aes256Gcm),
        Some((false, "aes128-cbc")) => Ok(Content::Aes128Cbc),
        Some((false, "aes256-cbc")) => Ok(Content::Aes256Cbc),
        Some((false, "tripledes-cbc")) => Err(algorithm(
            "the content is encrypted with 3DES, which is broken: let the provider encrypt with AES-256-GCM",
        )),
        _ => Err(algorithm(format!(
            "content encryption {} is not accepted: let the provider use AES-128 or AES-256, in GCM best",
            shown(named, 100)
        ))),
    }
}

/// The padding of the key transport (XML Encryption 1.1 section 5.5.2).
fn padding_of(method: Node<'_, '_>) -> Result<Oaep, Refusal> {
    allow(
        method,
        &[(Ns::Signature, "DigestMethod"), (Ns::Encryption11, "MGF"), (Ns::Encryption, "OAEPparams")],
    )?;
    let named = method.attribute("Algorithm").unwrap_or_default();
    let fixed = named.strip_prefix(XMLENC) == Some("rsa-oaep-mgf1p");
    if named.strip_prefix(XMLENC) == Some("rsa-1_5") {
        return Err(algorithm(
            "the content key is encrypted with RSA PKCS #1 v1.5, which can be opened by asking: let the \
             provider use RSA-OAEP",
        ));
    }
    if !fixed && named.strip_prefix(XMLENC11) != Some("rsa-oaep") {
        return Err(algorithm(format!(
            "key transport {} is not accepted: let the provider use RSA-OAEP",
            shown(named, 100)
        )));
    }
    if let Some(label) = method.at_most_one(Ns::Encryption, "OAEPparams")?
        && !label.text()?.trim().is_empty()
    {
        return Err(algorithm("RSA-OAEP with OAEPparams is not accepted: let the provider leave them out"));
    }
    let digest = match method.at_most_one(Ns::Signature, "DigestMethod")? {
        None => Oaep::Sha1,
        Some(digest) => digest_of(digest)?,
    };
    let mask = match method.at_most_one(Ns::Encryption11, "MGF")? {
        Some(_) if fixed => return Err(form("rsa-oaep-mgf1p takes no MGF")),
        None => Oaep::Sha1,
        Some(mask) => mask_of(mask)?,
    };
    if digest == mask {
        return Ok(digest);
    }
    // Some write rsa-oaep-mgf1p with a DigestMethod of SHA-256 and mean MGF1 of SHA-256, others mean MGF1 of
    // SHA-1 as the specification says. Nobody guesses here.
    Err(algorithm(
        "RSA-OAEP with one hash for its digest and another for its mask is not accepted: let the provider use \
         rsa-oaep-mgf1p with SHA-1, or rsa-oaep with a DigestMethod of SHA-256 and an MGF of mgf1sha256",
    ))
}

fn digest_of(digest: Node<'_, '_>) -> Result<Oaep, Refusal> {
    let named = digest.attribute("Algorithm").unwrap_or_default();
    if digest.children().next().is_some() {
        return Err(form("DigestMethod holds more than it may"));
    }
    if named.strip_prefix(DSIG) == Some("sha1") {
        Ok(Oaep::Sha1)
    } else if named.strip_prefix(XMLENC) == Some("sha256") {
        Ok(Oaep::Sha256)
    } else {
        Err(algorithm(format!(
            "RSA-OAEP with digest {} is not accepted: let the provider use SHA-1 or SHA-256",
            shown(named, 100)
        )))
    }
}

fn mask_of(mask: Node<'_, '_>) -> Result<Oaep, Refusal> {
    let named = mask.attribute("Algorithm").unwrap_or_default();
    match named.strip_prefix(XMLENC11) {
        Some("mgf1sha1") if mask.children().next().is_none() => Ok(Oaep::Sha1),
        Some("mgf1sha256") if mask.children().next().is_none() => Ok(Oaep::Sha256),
        _ => Err(algorithm(format!(
            "RSA-OAEP with mask generation {} is not accepted: let the provider use mgf1sha1 or mgf1sha256",
            shown(named, 100)
        ))),
    }
}
