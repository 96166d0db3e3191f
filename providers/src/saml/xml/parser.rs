//! The parser: events in, tree out, every bound kept.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::events::attributes::Attributes;
use quick_xml::events::{BytesDecl, BytesRef, Event};
use quick_xml::name::{QName, ResolveResult};
use quick_xml::reader::NsReader;

use super::{Attribute, Document, Element, Limits, Ns, XML_NS, malformed, too_big};
use crate::saml::Refusal;

const XMLNS_NS: &str = "http://www.w3.org/2000/xmlns/";

pub(super) struct Parser<'a> {
    text: &'a str,
    reader: NsReader<&'a [u8]>,
    limits: Limits,
    open: Vec<usize>,
    document: Document<'a>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, limits: Limits) -> Self {
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

    pub(super) fn step(&mut self) -> Result<bool, Refusal> {
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
                self.close()?;
            }
            Event::End(_) => self.close()?,
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
            span: (from, from),
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
            check_characters(&value)?;
            if name == "xmlns" || name.starts_with("xmlns:") {
                declarations += 1;
                if declarations > self.limits.namespaces {
                    return Err(too_big(format!(
                        "an element declares more than {} namespaces",
                        self.limits.namespaces
                    )));
                }
                // Names are resolved by the text as it stands: written otherwise, a namespace would be another
                // one here than for whoever reads it after us.
                if attribute.value != value {
                    return Err(malformed("a namespace is written with references or white space"));
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

    fn close(&mut self) -> Result<(), Refusal> {
        let to = self.position()?;
        if let Some(index) = self.open.pop() {
            let (end, texts) = (self.document.elements.len(), self.document.texts.len());
            if let Some(element) = self.document.elements.get_mut(index) {
                element.end = end;
                element.texts.1 = texts;
                element.span.1 = to;
            }
        }
        Ok(())
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

    pub(super) fn finish(self) -> Result<Document<'a>, Refusal> {
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

/// The reader itself refuses to bind the prefixes xml and xmlns to anything else, and any other prefix to their
/// namespaces, but not to make one of them the default.
fn check_declared(name: &str, uri: &str) -> Result<(), Refusal> {
    match name.strip_prefix("xmlns:") {
        None if uri.is_empty() => return Ok(()),
        Some("xml") if uri == XML_NS => return Ok(()),
        _ if uri == XML_NS || uri == XMLNS_NS => {
            return Err(malformed("a reserved namespace cannot be bound"));
        }
        _ => {}
    }
    if Ns::of(uri) != Ns::Other || is_absolute(uri) {
        Ok(())
    } else {
        Err(malformed("a namespace is not an absolute URI"))
    }
}

/// RFC 3986 section 4.3, and a fragment at most. Of a namespace that is none, canonicalisation may fail, and
/// what an implementation then digests is nothing.
fn is_absolute(uri: &str) -> bool {
    let (scheme, rest) = uri.split_once(':').unwrap_or_default();
    let mut rest = rest.bytes();
    let mut fragments = 0;
    while let Some(byte) = rest.next() {
        match byte {
            b'%' if !(0..2).all(|_| rest.next().is_some_and(|digit| digit.is_ascii_hexdigit())) => {
                return false;
            }
            b'#' => fragments += 1,
            b'%' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {}
            b':' | b'/' | b'?' | b'@' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b','
            | b';' | b'=' => {}
            _ => return false,
        }
    }
    fragments <= 1
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        && url::Url::parse(uri).is_ok()
}

/// XML 1.0 section 2.2: what may come out of a character reference or stand in a value.
fn check_characters(text: &str) -> Result<(), Refusal> {
    let legal = text.chars().all(
        |character| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..='\u{10ffff}'),
    );
    if legal { Ok(()) } else { Err(malformed("there is a character that XML forbids")) }
}
