//! Our own metadata, for the provider's administrator (SAML metadata 2.4.4).

use quick_xml::Writer;
use quick_xml::events::BytesText;
use url::Url;

use super::binding::{HTTP_POST, HTTP_REDIRECT};
use super::xml::{DSIG, PROTOCOL};

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";

const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";

/// What can be decrypted (SAML metadata 2.4.1.1, XML Encryption 1.1 section 5), the best first: a provider that
/// reads this takes the first of each kind that it knows. RSA-OAEP is said with its digest: digest and mask must
/// be of one hash here, SHA-1 or SHA-256, and for a mask of SHA-256 the schema has no words.
const ENCRYPTION_METHODS: [(&str, Option<&str>); 6] = [
    ("http://www.w3.org/2009/xmlenc11#aes256-gcm", None),
    ("http://www.w3.org/2009/xmlenc11#aes128-gcm", None),
    ("http://www.w3.org/2001/04/xmlenc#aes256-cbc", None),
    ("http://www.w3.org/2001/04/xmlenc#aes128-cbc", None),
    ("http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", Some(SHA1)),
    ("http://www.w3.org/2009/xmlenc11#rsa-oaep", Some(SHA1)),
];

/// What the metadata says of us.
#[derive(Debug, Clone)]
pub struct ServiceProvider<'a> {
    /// Entity id.
    pub entity_id: &'a str,
    /// Assertion consumer service, HTTP-POST.
    pub assertion_consumer_service: &'a Url,
    /// Single logout service, HTTP-POST (preferred) and HTTP-Redirect.
    pub single_logout_service: &'a Url,
    /// `AuthnRequestsSigned`: a provider that believes it may refuse a request without a signature.
    pub signs_requests: bool,
    /// Base64 of the DER certificates that our messages are or will be signed with.
    pub signing_certificates: Vec<&'a str>,
    /// Base64 of the DER certificates that assertions may be encrypted for, the best first.
    pub encryption_certificates: Vec<&'a str>,
}

impl ServiceProvider<'_> {
    /// The document, UTF-8, not signed. It has no `validUntil` and no `cacheDuration`: some providers take
    /// either for the end of a copy that was pasted by hand.
    ///
    /// # Errors
    /// When memory cannot be written to.
    pub fn metadata(&self) -> std::io::Result<Vec<u8>> {
        let mut writer = Writer::new(Vec::new());
        let entity = writer
            .create_element("md:EntityDescriptor")
            .with_attributes([("xmlns:md", METADATA), ("entityID", self.entity_id)]);
        entity.write_inner_content(|entity| {
            let signed = if self.signs_requests { "true" } else { "false" };
            let role = entity.create_element("md:SPSSODescriptor").with_attributes([
                ("protocolSupportEnumeration", PROTOCOL),
                ("AuthnRequestsSigned", signed),
                ("WantAssertionsSigned", "true"),
            ]);
            role.write_inner_content(|role| self.role(role))?;
            Ok(())
        })?;
        Ok(writer.into_inner())
    }

    /// In the order of the schema.
    fn role(&self, role: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
        for certificate in &self.signing_certificates {
            key_descriptor(role, "signing", certificate, &[])?;
        }
        for certificate in &self.encryption_certificates {
            key_descriptor(role, "encryption", certificate, &ENCRYPTION_METHODS)?;
        }
        for binding in [HTTP_POST, HTTP_REDIRECT] {
            let location = self.single_logout_service.as_str();
            role.create_element("md:SingleLogoutService")
                .with_attributes([("Binding", binding), ("Location", location)])
                .write_empty()?;
        }
        role.create_element("md:AssertionConsumerService")
            .with_attributes([
                ("Binding", HTTP_POST),
                ("Location", self.assertion_consumer_service.as_str()),
                ("index", "0"),
                ("isDefault", "true"),
            ])
            .write_empty()?;
        Ok(())
    }
}

fn key_descriptor(
    role: &mut Writer<Vec<u8>>,
    key_use: &str,
    certificate: &str,
    methods: &[(&str, Option<&str>)],
) -> std::io::Result<()> {
    let descriptor = role.create_element("md:KeyDescriptor").with_attribute(("use", key_use));
    descriptor.write_inner_content(|descriptor| {
        key_info(descriptor, certificate)?;
        for (algorithm, digest) in methods {
            let method = descriptor.create_element("md:EncryptionMethod");
            let method = method.with_attribute(("Algorithm", *algorithm));
            let Some(digest) = digest else {
                method.write_empty()?;
                continue;
            };
            method.write_inner_content(|method| {
                let attributes = [("xmlns:ds", DSIG), ("Algorithm", *digest)];
                method.create_element("ds:DigestMethod").with_attributes(attributes).write_empty()?;
                Ok(())
            })?;
        }
        Ok(())
    })?;
    Ok(())
}

/// A KeyInfo with this certificate (XML Signature section 4.5.4).
pub(super) fn key_info(writer: &mut Writer<Vec<u8>>, certificate: &str) -> std::io::Result<()> {
    let info = writer.create_element("ds:KeyInfo").with_attribute(("xmlns:ds", DSIG));
    info.write_inner_content(|info| {
        info.create_element("ds:X509Data").write_inner_content(|data| {
            data.create_element("ds:X509Certificate").write_text_content(BytesText::new(certificate))?;
            Ok(())
        })?;
        Ok(())
    })?;
    Ok(())
}
