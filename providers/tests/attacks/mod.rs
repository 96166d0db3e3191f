//! The mutation engine: takes a fresh Response that is believed and makes of it every attack that has a
//! name. Each family is a file; each attack says by which rule it must be refused.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "test code, used by several tests in parts")]

pub mod canonical;
pub mod envelope;
pub mod fields;
pub mod form;
pub mod keys;
pub mod signatures;
pub mod text;
pub mod wrapping;

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poolgate_providers::saml::SamlProvider;
use poolgate_providers::{ExternalIdentity, Inbound, Provider as _, ProviderError, Surroundings};

use crate::saml_idp::{Answer, Key, Memory, NOW, block_on, facts, good_key, provider, surroundings};

/// The refusal of a signature that no key of the provider made.
pub const SIGNATURE: &[&str] = &["saml_unknown_key"];
/// The same, or of what is no longer what was signed.
pub const SIGNATURE_OR_DIGEST: &[&str] = &["saml_unknown_key", "saml_digest"];

/// One hostile answer.
pub struct Attack {
    pub name: String,
    /// The form field, as it would be posted.
    pub field: String,
    /// The rules that may refuse it: any other refusal is an accident.
    pub rules: &'static [&'static str],
}

/// An attack that is a document.
pub fn attack(name: impl Into<String>, xml: impl AsRef<[u8]>, rules: &'static [&'static str]) -> Attack {
    Attack { name: name.into(), field: STANDARD.encode(xml), rules }
}

/// What the provider signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Assertion,
    Response,
    Both,
}

impl Form {
    pub const ALL: [Self; 3] = [Self::Assertion, Self::Response, Self::Both];

    pub fn signs_response(self) -> bool {
        self != Self::Assertion
    }

    pub fn signs_assertion(self) -> bool {
        self != Self::Response
    }

    pub fn answer(self) -> Answer {
        Answer {
            sign_response: self.signs_response(),
            sign_assertion: self.signs_assertion(),
            ..Answer::default()
        }
    }
}

/// A fresh Response that is believed, and the provider that believes it.
pub struct Target {
    pub form: Form,
    pub answer: Answer,
    pub xml: String,
    pub provider: SamlProvider,
    around: Surroundings,
}

impl Target {
    pub fn new(form: Form) -> Self {
        let answer = form.answer();
        let xml = answer.xml();
        let around = surroundings(NOW, Arc::<Memory>::default());
        Self { form, answer, xml, provider: provider(&[]), around }
    }

    pub fn all() -> impl Iterator<Item = Self> {
        Form::ALL.into_iter().map(Self::new)
    }

    /// Sends a field as a browser would.
    pub fn send(&self, field: String) -> Result<ExternalIdentity, ProviderError> {
        block_on(self.provider.finish(&self.around, &facts(), Inbound::SamlResponse(field)))
            .map(poolgate_providers::Verified::into_inner)
    }

    pub fn send_xml(&self, xml: &str) -> Result<ExternalIdentity, ProviderError> {
        self.send(STANDARD.encode(xml))
    }

    /// The honest assertion, its signature included.
    pub fn assertion(&self) -> &str {
        element(&self.xml, "saml:Assertion", 0)
    }

    /// The honest assertion without its signature.
    pub fn bare_assertion(&self) -> String {
        match self.signature_of("_assertion1") {
            Some(signature) => self.assertion().replace(signature, ""),
            None => self.assertion().to_owned(),
        }
    }

    /// The signature that refers to this id.
    pub fn signature_of(&self, id: &str) -> Option<&str> {
        self.signatures().into_iter().find(|signature| signature.contains(&format!("URI=\"#{id}\"")))
    }

    /// Every signature, in document order.
    pub fn signatures(&self) -> Vec<&str> {
        self.xml
            .match_indices("<ds:Signature ")
            .map(|(at, _)| element(&self.xml, "ds:Signature", at))
            .collect()
    }

    /// The document with something else instead of the honest assertion.
    pub fn with_assertion(&self, other: &str) -> String {
        self.xml.replace(self.assertion(), other)
    }

    /// Where both are signed, whatever is done to the inner signature changes what the outer one signs.
    fn fits(&self, rules: &[&str], code: &str) -> bool {
        let outer = self.form == Form::Both && code == "saml_digest" && rules == SIGNATURE;
        outer || rules.contains(&code)
    }

    /// Every attack is refused by its rule; afterwards the honest Response is believed, once.
    #[track_caller]
    pub fn repels(&self, attacks: impl IntoIterator<Item = Attack>) {
        let mut wrong = Vec::new();
        let mut refused = BTreeMap::<&str, u32>::new();
        for Attack { name, field, rules } in attacks {
            if field == STANDARD.encode(&self.xml) {
                wrong.push(format!("{name}: changed nothing"));
                continue;
            }
            match self.send(field) {
                Ok(identity) => wrong.push(format!("{name}: LET IN as {}", identity.subject)),
                Err(error) if self.fits(rules, error.code()) => {
                    *refused.entry(error.code()).or_default() += 1
                }
                Err(error) => {
                    wrong.push(format!("{name}: refused by {} ({error}), not by {rules:?}", error.code()));
                }
            }
        }
        assert!(wrong.is_empty(), "{:?}:\n{}", self.form, wrong.join("\n"));
        assert!(!refused.is_empty(), "there were attacks");
        println!("{:?}: refused {refused:?}", self.form);
        assert_eq!(self.send_xml(&self.xml).unwrap().subject, "user@example.com");
        assert_eq!(self.send_xml(&self.xml).unwrap_err().code(), "saml_replay");
    }
}

/// The first element of this name at or after `from`, tags included. Names must not nest.
pub fn element<'x>(xml: &'x str, name: &str, from: usize) -> &'x str {
    let rest = &xml[from..];
    let start = rest.find(&format!("<{name}")).unwrap_or_else(|| panic!("no {name}"));
    let close = format!("</{name}>");
    let end = rest[start..].find(&close).unwrap_or_else(|| panic!("{name} is not closed")) + close.len();
    &rest[start..start + end]
}

/// The text between the tags of an element.
pub fn content<'x>(xml: &'x str, name: &str) -> &'x str {
    let whole = element(xml, name, 0);
    &whole[whole.find('>').unwrap() + 1..whole.rfind("</").unwrap()]
}

/// An assertion about somebody else, unsigned. Without an id where `id` is none.
pub fn evil_assertion(id: Option<&str>) -> String {
    let evil = Answer {
        subject: "<saml:NameID>admin@example.com</saml:NameID>".to_owned(),
        assertion_id: id.unwrap_or_default().to_owned(),
        ..Answer::default()
    };
    let assertion = evil.assertion("");
    if id.is_some() { assertion } else { assertion.replace("ID=\"\" ", "") }
}

/// `assertion` with `signature` where the schema wants it.
pub fn carrying(assertion: &str, signature: &str) -> String {
    assertion.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1)
}

/// What remains when the provider itself signs whatever SignedInfo now stands in a signature: its own rules.
/// The canonical form of the SignedInfo is made by hand, for the text that the tests' provider writes.
pub fn resigned(signature: &str, key: &Key) -> String {
    let info = element(signature, "ds:SignedInfo", 0);
    let named = info.replacen(
        "<ds:SignedInfo>",
        "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">",
        1,
    );
    let pair = rcgen::KeyPair::from_pem(&key.pem).unwrap().serialize_der();
    let pair = RsaKeyPair::from_pkcs8(&pair).unwrap();
    let mut made = vec![0; pair.public_modulus_len()];
    let random = aws_lc_rs::rand::SystemRandom::new();
    pair.sign(&RSA_PKCS1_SHA256, &random, spelled_out(&named).as_bytes(), &mut made).unwrap();
    let value = element(signature, "ds:SignatureValue", 0);
    signature.replace(value, &format!("<ds:SignatureValue>{}</ds:SignatureValue>", STANDARD.encode(made)))
}

/// Empty elements in two tags.
fn spelled_out(xml: &str) -> String {
    let mut whole = String::new();
    let mut rest = xml;
    while let Some(at) = rest.find("/>") {
        let start = rest[..at].rfind('<').unwrap();
        let name: String = rest[start + 1..at]
            .chars()
            .take_while(|letter| !letter.is_whitespace() && *letter != '/')
            .collect();
        whole.push_str(&rest[..at]);
        whole.push_str(&format!("></{name}>"));
        rest = &rest[at + 2..];
    }
    whole + rest
}

/// For every signature of the target: the document with `change` made to it, as it is, and again signed anew
/// by the provider's own key.
pub fn in_each_signature(
    target: &Target,
    name: &str,
    rules: &'static [&'static str],
    change: impl Fn(&str) -> String,
) -> Vec<Attack> {
    let mut made = Vec::new();
    for signature in target.signatures() {
        let changed = change(signature);
        if changed.contains("<ds:SignedInfo>") && changed.contains("</ds:SignatureValue>") {
            let anew = resigned(&changed, good_key());
            made.push(attack(format!("{name}, signed anew"), target.xml.replace(signature, &anew), rules));
        }
        made.push(attack(name, target.xml.replace(signature, &changed), rules));
    }
    made
}
