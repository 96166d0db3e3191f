//! What is no document yet: encodings, packings, sizes.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};

use super::{Attack, Target, attack};

const ENCODING: &[&str] = &["saml_encoding"];
const LIMITS: &[&str] = &["saml_limits"];

fn field(name: &str, field: String, rules: &'static [&'static str]) -> Attack {
    Attack { name: name.to_owned(), field, rules }
}

/// Other encodings of characters and of bytes.
pub fn encodings(target: &Target) -> Vec<Attack> {
    let xml = &target.xml;
    let wide = |mark: &[u8], bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        mark.iter().copied().chain(xml.encode_utf16().flat_map(bytes)).collect()
    };
    let spliced = |bytes: &[u8]| {
        let at = xml.find("user@").unwrap();
        [&xml.as_bytes()[..at], bytes, &xml.as_bytes()[at..]].concat()
    };
    let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    deflated.write_all(xml.as_bytes()).unwrap();
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    zipped.write_all(xml.as_bytes()).unwrap();
    // 64 MiB of spaces in some 64 KiB.
    let mut bomb = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    (0..64).for_each(|_| bomb.write_all(&vec![b' '; 1024 * 1024]).unwrap());
    let encoded = STANDARD.encode(xml);
    // No padding to leave away: one byte more makes some.
    let padded = STANDARD.encode(format!("{xml}{}", " ".repeat(3 - xml.len() % 3 + 1)));
    vec![
        attack("UTF-16 with a mark", wide(&[0xfe, 0xff], u16::to_be_bytes), ENCODING),
        attack("UTF-16 from the small end", wide(&[0xff, 0xfe], u16::to_le_bytes), ENCODING),
        attack("UTF-16 without a mark", wide(&[], u16::to_be_bytes), &["saml_encoding", "saml_xml"]),
        attack("an overlong character", spliced(&[0xc0, 0xaf]), ENCODING),
        attack("an overlong NUL", spliced(&[0xc0, 0x80]), ENCODING),
        attack("half a pair", spliced(&[0xed, 0xa0, 0x80]), ENCODING),
        attack("Latin 1", spliced(&[0xe9]), ENCODING),
        attack("a character cut off", spliced(&[0xf0, 0x9f]), ENCODING),
        attack("a mark twice", format!("\u{feff}\u{feff}{xml}"), &["saml_xml"]),
        attack("a mark inside", String::from_utf8(spliced("\u{feff}".as_bytes())).unwrap(), &["saml_digest"]),
        attack("base64 twice", &encoded, &["saml_xml"]),
        attack("deflated", deflated.finish().unwrap(), ENCODING),
        attack("zipped", zipped.finish().unwrap(), ENCODING),
        attack("a deflate bomb", bomb.finish().unwrap(), ENCODING),
        field("no base64", xml.clone(), ENCODING),
        field("nothing", String::new(), &["saml_xml"]),
        field("padding alone", "====".to_owned(), ENCODING),
        field("URL-safe base64", URL_SAFE.encode([0xfb, 0xff, 0xfe]), ENCODING),
        field(
            "no padding",
            STANDARD_NO_PAD.encode(format!("{xml}{}", " ".repeat(3 - xml.len() % 3 + 1))),
            ENCODING,
        ),
        field("padding in the middle", format!("{padded}{encoded}"), ENCODING),
        field("something behind", format!("{padded}AAAA"), ENCODING),
        field("bits left over", padded.replace("==", "B="), &["saml_encoding", "saml_xml"]),
        field("a NUL in base64", encoded.replacen('A', "A\0", 1), ENCODING),
        field("percent signs", encoded.replacen('A', "%41", 1), ENCODING),
    ]
}

/// Documents without end: bytes, elements, depth, attributes, namespaces, names, prefixes.
pub fn sizes(target: &Target) -> Vec<Attack> {
    let xml = &target.xml;
    let filled = |more: &str| {
        xml.replacen("</saml:AttributeStatement>", &format!("{more}</saml:AttributeStatement>"), 1)
    };
    let around = |more: &str| {
        xml.replacen(
            "<samlp:Status>",
            &format!("<samlp:Extensions>{more}</samlp:Extensions><samlp:Status>"),
            1,
        )
    };
    let mut made = Vec::new();
    let deep = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    let attributes: String = (0..257).map(|at| format!(" a{at}=\"\"")).collect();
    let namespaces: String = (0..65).map(|at| format!(" xmlns:n{at}=\"urn:{at}\"")).collect();
    for (name, more) in [
        ("elements", "<a/>".repeat(20_001)),
        ("depth", deep(40)),
        ("great depth", deep(15_000)),
        ("attributes", format!("<a{attributes}/>")),
        ("namespaces", format!("<a{namespaces}/>")),
        ("bytes", "x".repeat(256 * 1024)),
        ("spaces", " ".repeat(256 * 1024)),
        ("one attribute's bytes", format!("<a b=\"{}\"/>", "x".repeat(256 * 1024))),
        ("one name's bytes", format!("<{}/>", "x".repeat(256 * 1024))),
    ] {
        made.push(attack(format!("too many {name} in what is signed"), filled(&more), LIMITS));
        made.push(attack(format!("too many {name} beside it"), around(&more), LIMITS));
    }
    let open = (0..6).map(|one| {
        let many: String = (0..60).map(|at| format!(" xmlns:n{one}x{at}=\"urn:{at}\"")).collect();
        format!("<a{many}>")
    });
    let scopes = format!("{}{}", open.collect::<String>(), "</a>".repeat(6));
    made.push(attack("too many namespaces in force", filled(&scopes), &["saml_xml"]));
    made.push(attack("an open depth", "<a>".repeat(60_000), &["saml_structure", "saml_limits"]));
    made.push(field("a field without end", "A".repeat(400_000), LIMITS));
    made.push(field("spaces without end", " ".repeat(400_000), LIMITS));
    let prefixes = (0..33).map(|at| format!("p{at}")).collect::<Vec<_>>().join(" ");
    for signature in target.signatures() {
        let list = format!(
            "xml-exc-c14n#\"><ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"{prefixes}\"/></ds:Transform></ds:Transforms>"
        );
        let other = signature.replace("xml-exc-c14n#\"/></ds:Transforms>", &list);
        made.push(attack("prefixes without end", xml.replace(signature, &other), &["saml_signature_form"]));
    }
    made
}
