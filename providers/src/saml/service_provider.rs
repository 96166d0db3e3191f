//! Our own metadata, for the provider's administrator (SAML metadata 2.4.4).

use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
use url::Url;

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const POST_BINDING: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// What the metadata says of us.
pub struct ServiceProvider<'a> {
    /// Entity id.
    pub entity_id: &'a str,
    /// Assertion consumer service, HTTP-POST.
    pub assertion_consumer_service: &'a Url,
    /// Base64 of the DER certificates that our requests may be signed with.
    pub signing_certificates: Vec<&'a str>,
}

impl ServiceProvider<'_> {
    /// The document, UTF-8.
    ///
    /// # Errors
    /// When memory cannot be written to.
    pub fn metadata(&self) -> std::io::Result<Vec<u8>> {
        let mut writer = Writer::new(Vec::new());
        let entity = BytesStart::new("md:EntityDescriptor")
            .with_attributes([("xmlns:md", METADATA), ("entityID", self.entity_id)]);
        writer.write_event(Event::Start(entity))?;
        let role = BytesStart::new("md:SPSSODescriptor").with_attributes([
            ("protocolSupportEnumeration", PROTOCOL),
            ("AuthnRequestsSigned", "false"),
            ("WantAssertionsSigned", "true"),
        ]);
        writer.write_event(Event::Start(role))?;
        for certificate in &self.signing_certificates {
            key_descriptor(&mut writer, certificate)?;
        }
        let service = BytesStart::new("md:AssertionConsumerService").with_attributes([
            ("Binding", POST_BINDING),
            ("Location", self.assertion_consumer_service.as_str()),
            ("index", "0"),
            ("isDefault", "true"),
        ]);
        writer.write_event(Event::Empty(service))?;
        writer.write_event(Event::End(BytesEnd::new("md:SPSSODescriptor")))?;
        writer.write_event(Event::End(BytesEnd::new("md:EntityDescriptor")))?;
        Ok(writer.into_inner())
    }
}

fn key_descriptor(writer: &mut Writer<Vec<u8>>, certificate: &str) -> std::io::Result<()> {
    let names = ["ds:X509Data", "ds:X509Certificate"];
    writer.write_event(Event::Start(
        BytesStart::new("md:KeyDescriptor").with_attributes([("use", "signing")]),
    ))?;
    writer.write_event(Event::Start(
        BytesStart::new("ds:KeyInfo").with_attributes([("xmlns:ds", SIGNATURE)]),
    ))?;
    for name in names {
        writer.write_event(Event::Start(BytesStart::new(name)))?;
    }
    writer.write_event(Event::Text(BytesText::new(certificate)))?;
    for name in names.iter().rev() {
        writer.write_event(Event::End(BytesEnd::new(*name)))?;
    }
    writer.write_event(Event::End(BytesEnd::new("ds:KeyInfo")))?;
    writer.write_event(Event::End(BytesEnd::new("md:KeyDescriptor")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_names_entity_address_and_certificate_and_escapes_them() {
        let address = Url::parse("https://a.example/saml2/idpresponse?x=1&y=2").unwrap();
        let provider = ServiceProvider {
            entity_id: "urn:a\"<b",
            assertion_consumer_service: &address,
            signing_certificates: vec!["QUJD"],
        };
        let text = String::from_utf8(provider.metadata().unwrap()).unwrap();
        assert!(text.contains("entityID=\"urn:a&quot;&lt;b\""), "{text}");
        assert!(text.contains("Location=\"https://a.example/saml2/idpresponse?x=1&amp;y=2\""), "{text}");
        assert!(text.contains("<ds:X509Certificate>QUJD</ds:X509Certificate>"), "{text}");
        let document: String = text.chars().filter(|c| !c.is_control()).collect();
        assert_eq!(document, text);
    }
}
