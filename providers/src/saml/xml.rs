//! The one XML reader of this crate: a strict, bounded parse into a small read-only tree.
//!
//! It takes the part of XML that SAML needs and refuses the rest by name: no DOCTYPE, processing
//! instruction, comment, CDATA or entity but the five of XML 1.0 section 4.6 and character references.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::events::attributes::Attributes;
use quick_xml::events::{BytesDecl, BytesRef, Event};
use quick_xml::name::{QName, ResolveResult};
use quick_xml::reader::NsReader;

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
const XMLNS_NS: &str = "http://www.w3.org/2000/xmlns/";

impl Ns {
    fn of(uri: &str) -> Self {
        match uri {
            PROTOCOL => Self::Protocol,
            ASSERTION => Self::Assertion,
            "urn:oasis:names:tc:SAML:2.0:metadata" => Self::Metadata,
            DSIG => Self::Signature,
            "http://www.w3.org/2001/04/xmlenc#" => Self::Encryption,
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

struct Parser<'a> {
    text: &'a str,
    reader: NsReader<&'a [u8]>,
    limits: Limits,
    open: Vec<usize>,
    document: Document<'a>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, limits: Limits) -> Self {
        let mut reader = NsReader::from_str(text);
        reader.resolver_mut().set_max_namespace_bindings(limits.namespaces * 4);
        let size = (text.len() / 48).min(limits.elements);
        let document = Document {
            elements: Vec::with_capacity(size),
            attributes: Vec::with_capacity(size),
            texts: Vec::with_capacity(size),
        };
        Self { text, reader, limits, open: Vec::with_capacity(limits.depth), document }
    }

    fn step(&mut self) -> Result<bool, Refusal> {
        let from = self.position()?;
        let event =
            self.reader.read_event().map_err(|error| malformed(format!("not well-formed: {error}")))?;
        match event {
            Event::Start(start) => {
                let to = self.position()?.saturating_sub(1);
                self.element(from, to, start.name().into_inner().len())?;
            }
            Event::Empty(start) => {
                let to = self.position()?.saturating_sub(2);
                self.element(from, to, start.name().into_inner().len())?;
                self.close();
            }
            Event::End(_) => self.close(),
            Event::Text(text) => self.characters(text.into_inner())?,
            Event::GeneralRef(reference) => self.reference(&reference)?,
            Event::Decl(declaration) => check_declaration(&declaration, from)?,
            Event::Comment(_) if self.limits.comments => {}
            Event::Comment(_) => return Err(malformed("a comment is not allowed")),
            Event::CData(_) => return Err(malformed("a CDATA section is not allowed")),
            Event::PI(_) => return Err(malformed("a processing instruction is not allowed")),
            Event::DocType(_) => return Err(malformed("a DOCTYPE is not allowed")),
            Event::Eof => return Ok(false),
        }
        Ok(true)
    }

    fn position(&self) -> Result<usize, Refusal> {
        usize::try_from(self.reader.buffer_position()).map_err(|_| malformed("the document is too long"))
    }

    fn element(&mut self, from: usize, to: usize, name_length: usize) -> Result<(), Refusal> {
        let tag = self.text.get(from + 1..to).ok_or_else(|| malformed("a tag is broken"))?;
        let name = tag.get(..name_length).ok_or_else(|| malformed("a tag is broken"))?;
        if self.open.is_empty() && !self.document.elements.is_empty() {
            return Err(malformed("there is a second root element"));
        }
        if self.document.elements.len() >= self.limits.elements {
            return Err(too_big(format!("more than {} elements", self.limits.elements)));
        }
        if self.open.len() >= self.limits.depth {
            return Err(too_big(format!("elements are nested more than {} deep", self.limits.depth)));
        }
        let local = check_name(name)?;
        let ns = self.namespace(name, true)?.0;
        let first = self.document.attributes.len();
        self.attributes(tag, name_length)?;
        let index = self.document.elements.len();
        self.document.elements.push(Element {
            ns,
            local,
            parent: self.open.last().copied().unwrap_or(0),
            end: index + 1,
            attributes: (first, self.document.attributes.len()),
            texts: (self.document.texts.len(), self.document.texts.len()),
        });
        self.open.push(index);
        Ok(())
    }

    fn namespace(&self, name: &str, element: bool) -> Result<(Ns, &str), Refusal> {
        match self.reader.resolver().resolve(QName(name), element).0 {
            ResolveResult::Unbound => Ok((Ns::None, "")),
            ResolveResult::Bound(namespace) => Ok((Ns::of(namespace.into_inner()), namespace.into_inner())),
            ResolveResult::Unknown(_) => Err(malformed("a namespace prefix is not declared")),
        }
    }

    fn attributes(&mut self, tag: &'a str, name_length: usize) -> Result<(), Refusal> {
        let (mut count, mut declarations) = (0, 0);
        let mut prefixed: Vec<(String, &'a str)> = Vec::new();
        let mut spaced = tag.get(name_length..).unwrap_or_default();
        for attribute in Attributes::new(tag, name_length) {
            let attribute =
                attribute.map_err(|error| malformed(format!("an attribute is broken: {error}")))?;
            count += 1;
            if count > self.limits.attributes {
                return Err(too_big(format!(
                    "an element has more than {} attributes",
                    self.limits.attributes
                )));
            }
            let name = attribute.key.into_inner();
            let local = check_name(name)?;
            spaced = after_attribute(spaced, name, &attribute.value)?;
            if attribute.value.contains('<') {
                return Err(malformed("`<` stands in an attribute value"));
            }
            let value = attribute
                .normalized_value(XmlVersion::Explicit1_0)
                .map_err(|error| malformed(format!("an attribute value is broken: {error}")))?;
            if let Cow::Owned(text) = &value {
                check_characters(text)?;
            }
            if name == "xmlns" || name.starts_with("xmlns:") {
                declarations += 1;
                if declarations > self.limits.namespaces {
                    return Err(too_big(format!(
                        "an element declares more than {} namespaces",
                        self.limits.namespaces
                    )));
                }
                check_declared(name, &value)?;
                continue;
            }
            let (ns, uri) = self.namespace(name, false)?;
            if ns != Ns::None {
                if prefixed.iter().any(|(other, other_local)| other == uri && *other_local == local) {
                    return Err(malformed("an attribute comes twice"));
                }
                prefixed.push((uri.to_owned(), local));
            }
            self.document.attributes.push(Attribute { ns, local, value });
        }
        if spaced.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
            Ok(())
        } else {
            Err(malformed("a tag is broken"))
        }
    }

    fn close(&mut self) {
        if let Some(index) = self.open.pop() {
            let (end, texts) = (self.document.elements.len(), self.document.texts.len());
            if let Some(element) = self.document.elements.get_mut(index) {
                element.end = end;
                element.texts.1 = texts;
            }
        }
    }

    fn characters(&mut self, text: Cow<'a, str>) -> Result<(), Refusal> {
        let Some(&owner) = self.open.last() else {
            return if text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
                Ok(())
            } else {
                Err(malformed("text stands outside the root element"))
            };
        };
        if text.contains("]]>") || text.contains(['\u{fffe}', '\u{ffff}']) {
            return Err(malformed("a text holds what XML forbids"));
        }
        let text = if text.contains('\r') {
            Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
        } else {
            text
        };
        self.document.texts.push((owner, text));
        Ok(())
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), Refusal> {
        let owner = *self.open.last().ok_or_else(|| malformed("text stands outside the root element"))?;
        let text = match reference.resolve_char_ref() {
            Ok(Some(character)) => {
                let text = character.to_string();
                check_characters(&text)?;
                Cow::Owned(text)
            }
            Ok(None) => Cow::Borrowed(
                quick_xml::escape::resolve_xml_entity(reference)
                    .ok_or_else(|| malformed("an entity other than the five of XML is not allowed"))?,
            ),
            Err(error) => return Err(malformed(format!("a character reference is broken: {error}"))),
        };
        self.document.texts.push((owner, text));
        Ok(())
    }

    fn finish(self) -> Result<Document<'a>, Refusal> {
        if !self.open.is_empty() {
            return Err(malformed("an element is not closed"));
        }
        if self.document.elements.is_empty() {
            return Err(malformed("there is no root element"));
        }
        Ok(self.document)
    }
}

fn check_declaration(declaration: &BytesDecl<'_>, at: usize) -> Result<(), Refusal> {
    if at != 0 {
        return Err(malformed("the XML declaration is not at the start"));
    }
    if declaration.version().ok().as_deref() != Some("1.0") {
        return Err(malformed("only XML 1.0 is accepted"));
    }
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(encoding)) if encoding.eq_ignore_ascii_case("utf-8") => Ok(()),
        Some(_) => Err(malformed("only UTF-8 is accepted")),
    }
}

/// The local part of a name that is a QName of Namespaces in XML 1.0, as far as ASCII decides it.
fn check_name(name: &str) -> Result<&str, Refusal> {
    let (prefix, local) = name.split_once(':').map_or((None, name), |(prefix, local)| (Some(prefix), local));
    let is_name = |part: &str| {
        part.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_' || first >= 0x80)
            && part.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || byte >= 0x80
            })
    };
    if is_name(local) && prefix.is_none_or(is_name) {
        Ok(local)
    } else {
        Err(malformed("a name is not an XML name"))
    }
}

/// Steps over ` name="value"`, insisting on the space that XML wants between attributes.
fn after_attribute<'t>(rest: &'t str, name: &str, value: &str) -> Result<&'t str, Refusal> {
    let broken = || malformed("attributes are not separated as XML wants");
    let blank = [' ', '\t', '\r', '\n'];
    if !rest.starts_with(blank) {
        return Err(broken());
    }
    let rest = rest.trim_start_matches(blank).strip_prefix(name).ok_or_else(broken)?;
    let rest = rest.trim_start_matches(blank).strip_prefix('=').ok_or_else(broken)?.trim_start_matches(blank);
    let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\'')).ok_or_else(broken)?;
    rest.get(1..)
        .and_then(|rest| rest.strip_prefix(value))
        .and_then(|rest| rest.strip_prefix(quote))
        .ok_or_else(broken)
}

fn check_declared(name: &str, uri: &str) -> Result<(), Refusal> {
    match name.strip_prefix("xmlns:") {
        None if uri.is_empty() => return Ok(()),
        Some("xml") if uri == XML_NS => return Ok(()),
        Some("xml" | "xmlns") => return Err(malformed("the prefixes xml and xmlns cannot be bound")),
        _ if uri == XML_NS || uri == XMLNS_NS => {
            return Err(malformed("a reserved namespace cannot be bound"));
        }
        _ => {}
    }
    let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
    let absolute = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    if absolute { Ok(()) } else { Err(malformed("a namespace is not an absolute URI")) }
}

/// XML 1.0 section 2.2: what may come out of a character reference.
fn check_characters(text: &str) -> Result<(), Refusal> {
    let legal = text.chars().all(
        |character| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..='\u{10ffff}'),
    );
    if legal { Ok(()) } else { Err(malformed("a character reference names a character that XML forbids")) }
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
