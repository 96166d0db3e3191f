//! The one XML reader of this crate: a strict, bounded parse into a small read-only tree.
//!
//! It takes the part of XML that SAML needs and refuses the rest by name: no DOCTYPE, processing
//! instruction, comment, CDATA or entity but the five of XML 1.0 section 4.6 and character references.

mod parser;

use std::borrow::Cow;

use parser::Parser;

use super::Refusal;

/// Bounds of one document.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the whole document.
    pub bytes: usize,
    /// Elements in all.
    pub elements: usize,
    /// Elements inside each other, the root counted.
    pub depth: usize,
    /// Attributes of one element, namespace declarations counted.
    pub attributes: usize,
    /// Namespace declarations of one element.
    pub namespaces: usize,
    /// Whether comments may stand in it (they are dropped). Only metadata, which is not signed here.
    pub comments: bool,
}

/// A protocol message: 256 KiB, 20,000 elements, depth 32, 256 attributes and 64 namespaces an element.
pub const MESSAGE: Limits = Limits {
    bytes: 256 * 1024,
    elements: 20_000,
    depth: 32,
    attributes: 256,
    namespaces: 64,
    comments: false,
};

/// The namespaces that mean something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ns {
    /// No namespace.
    None,
    /// `urn:oasis:names:tc:SAML:2.0:protocol`.
    Protocol,
    /// `urn:oasis:names:tc:SAML:2.0:assertion`.
    Assertion,
    /// `urn:oasis:names:tc:SAML:2.0:metadata`.
    Metadata,
    /// XML Signature.
    Signature,
    /// XML Encryption.
    Encryption,
    /// What XML Encryption 1.1 added.
    Encryption11,
    /// Exclusive canonicalisation.
    ExcC14n,
    /// XML Schema instance.
    SchemaInstance,
    /// The `xml` prefix.
    Xml,
    /// Any other.
    Other,
}

/// XML Signature's namespace.
pub const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
/// SAML protocol namespace.
pub const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// SAML assertion namespace.
pub const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const XML_NS: &str = "http://www.w3.org/XML/1998/namespace";

impl Ns {
    fn of(uri: &str) -> Self {
        match uri {
            PROTOCOL => Self::Protocol,
            ASSERTION => Self::Assertion,
            "urn:oasis:names:tc:SAML:2.0:metadata" => Self::Metadata,
            DSIG => Self::Signature,
            "http://www.w3.org/2001/04/xmlenc#" => Self::Encryption,
            "http://www.w3.org/2009/xmlenc11#" => Self::Encryption11,
            "http://www.w3.org/2001/10/xml-exc-c14n#" => Self::ExcC14n,
            "http://www.w3.org/2001/XMLSchema-instance" => Self::SchemaInstance,
            XML_NS => Self::Xml,
            _ => Self::Other,
        }
    }
}

#[derive(Debug)]
struct Element<'a> {
    ns: Ns,
    local: &'a str,
    parent: usize,
    /// One past the last element of this subtree.
    end: usize,
    /// Where it stands in the document's text, from the first byte of its start tag to the end of its end tag.
    span: (usize, usize),
    attributes: (usize, usize),
    /// Text pieces of this subtree, in document order.
    texts: (usize, usize),
}

#[derive(Debug)]
struct Attribute<'a> {
    ns: Ns,
    local: &'a str,
    value: Cow<'a, str>,
}

/// A parsed document. Element 0 is the root; every subtree is a contiguous range.
#[derive(Debug)]
pub struct Document<'a> {
    elements: Vec<Element<'a>>,
    attributes: Vec<Attribute<'a>>,
    texts: Vec<(usize, Cow<'a, str>)>,
}

/// One element of a [`Document`].
#[derive(Debug, Clone, Copy)]
pub struct Node<'d, 'a> {
    document: &'d Document<'a>,
    index: usize,
}

fn malformed(detail: impl Into<String>) -> Refusal {
    Refusal::new("saml_xml", detail)
}

fn too_big(detail: impl Into<String>) -> Refusal {
    Refusal::new("saml_limits", detail)
}

/// Parses `text` within `limits`.
///
/// # Errors
/// `saml_limits` for a broken bound, `saml_xml` for everything that is not the XML described above.
pub fn parse<'a>(text: &'a str, limits: &Limits) -> Result<Document<'a>, Refusal> {
    if text.len() > limits.bytes {
        return Err(too_big(format!(
            "the document has {} bytes, at most {} are allowed",
            text.len(),
            limits.bytes
        )));
    }
    if !text.bytes().all(|byte| byte >= 0x20 || matches!(byte, b'\t' | b'\n' | b'\r')) {
        return Err(malformed("the document holds a control character"));
    }
    let mut parser = Parser::new(text, *limits);
    while parser.step()? {}
    parser.finish()
}

impl<'a> Document<'a> {
    /// The root element.
    pub const fn root(&self) -> Node<'_, 'a> {
        Node { document: self, index: 0 }
    }

    /// Every element, in document order.
    pub fn all(&self) -> impl Iterator<Item = Node<'_, 'a>> {
        (0..self.elements.len()).map(|index| Node { document: self, index })
    }
}

#[expect(clippy::indexing_slicing, reason = "indexes are made by the parser and stay in their ranges")]
impl<'d, 'a> Node<'d, 'a> {
    fn element(self) -> &'d Element<'a> {
        &self.document.elements[self.index]
    }

    /// Position in document order.
    pub const fn index(self) -> usize {
        self.index
    }

    /// Namespace.
    pub fn ns(self) -> Ns {
        self.element().ns
    }

    /// Local name.
    pub fn local(self) -> &'a str {
        self.element().local
    }

    /// Whether it is this element.
    pub fn is(self, ns: Ns, local: &str) -> bool {
        let element = self.element();
        element.ns == ns && element.local == local
    }

    /// The parent, none for the root.
    pub fn parent(self) -> Option<Self> {
        (self.index != 0).then(|| Node { document: self.document, index: self.element().parent })
    }

    /// Whether `other` is this element or inside it.
    pub fn holds(self, other: Self) -> bool {
        (self.index..self.element().end).contains(&other.index)
    }

    /// The elements inside it, itself first.
    pub fn subtree(self) -> impl Iterator<Item = Self> {
        let document = self.document;
        (self.index..self.element().end).map(move |index| Node { document, index })
    }

    /// Its child elements.
    pub fn children(self) -> impl Iterator<Item = Self> {
        let document = self.document;
        let end = self.element().end;
        let mut next = self.index + 1;
        std::iter::from_fn(move || {
            (next < end).then(|| {
                let node = Node { document, index: next };
                next = document.elements[next].end;
                node
            })
        })
    }

    /// Its children of this name.
    pub fn named<'n>(self, ns: Ns, local: &'n str) -> impl Iterator<Item = Self> + use<'d, 'a, 'n> {
        self.children().filter(move |child| child.is(ns, local))
    }

    /// Its one child of this name, if there is any.
    ///
    /// # Errors
    /// When there are several.
    pub fn at_most_one(self, ns: Ns, local: &str) -> Result<Option<Self>, Refusal> {
        let mut found = self.named(ns, local);
        let first = found.next();
        if found.next().is_some() {
            return Err(malformed(format!("{} holds more than one {local}", self.local())));
        }
        Ok(first)
    }

    /// Its attribute of this name, in no namespace.
    pub fn attribute(self, local: &str) -> Option<&'d str> {
        self.attribute_in(Ns::None, local)
    }

    /// Its attribute of this name in a namespace.
    pub fn attribute_in(self, ns: Ns, local: &str) -> Option<&'d str> {
        let (from, to) = self.element().attributes;
        self.document.attributes[from..to]
            .iter()
            .find(|attribute| attribute.ns == ns && attribute.local == local)
            .map(|attribute| attribute.value.as_ref())
    }

    /// Its attributes: namespace, local name, value.
    pub fn attributes(self) -> impl Iterator<Item = (Ns, &'a str, &'d str)> {
        let (from, to) = self.element().attributes;
        self.document.attributes[from..to]
            .iter()
            .map(|attribute| (attribute.ns, attribute.local, attribute.value.as_ref()))
    }

    /// The bytes of the document's text that are this element, its tags included.
    pub fn span(self) -> std::ops::Range<usize> {
        let (from, to) = self.element().span;
        from..to
    }

    /// All text in it and in its children, put together.
    pub fn deep_text(self) -> Cow<'d, str> {
        let (from, to) = self.element().texts;
        join(self.document.texts[from..to].iter().map(|(_, text)| text.as_ref()))
    }

    /// The text of an element that holds nothing else.
    ///
    /// # Errors
    /// When it has child elements.
    pub fn text(self) -> Result<Cow<'d, str>, Refusal> {
        if self.children().next().is_some() {
            return Err(malformed(format!("{} may hold text only", self.local())));
        }
        Ok(self.deep_text())
    }
}

fn join<'d>(mut pieces: impl Iterator<Item = &'d str>) -> Cow<'d, str> {
    let Some(first) = pieces.next() else { return Cow::Borrowed("") };
    let mut whole = Cow::Borrowed(first);
    for piece in pieces {
        whole.to_mut().push_str(piece);
    }
    whole
}
