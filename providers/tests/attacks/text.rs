//! What cuts, hides or multiplies text: comments, instructions, sections, DTDs, entities, characters.

use super::{Attack, Target, attack};

const XML: &[&str] = &["saml_xml"];

/// Comments, processing instructions and sections, in every text that means something and between them.
pub fn hidden_pieces(target: &Target) -> Vec<Attack> {
    let mut made = Vec::new();
    for (kind, piece) in [
        ("a comment", "<!---->"),
        ("a comment with text", "<!-- x -->"),
        ("an instruction", "<?x y?>"),
        ("a section", "<![CDATA[]]>"),
        ("a section with text", "<![CDATA[.evil.example]]>"),
    ] {
        for (place, before) in [
            ("NameID", "@example.com</saml:NameID>"),
            ("the end of NameID", "</saml:NameID>"),
            ("Audience", "_Pool</saml:Audience>"),
            ("Issuer", "/metadata</saml:Issuer>"),
            ("DigestValue", "</ds:DigestValue>"),
            ("SignatureValue", "</ds:SignatureValue>"),
            ("AttributeValue", "@example.com</saml:AttributeValue>"),
            ("AuthnContextClassRef", "Password</saml:AuthnContextClassRef>"),
            ("SignedInfo", "<ds:Reference"),
            ("Signature", "</ds:Signature>"),
            ("Subject", "<saml:NameID"),
            ("Conditions", "<saml:AudienceRestriction>"),
            ("Response", "<samlp:Status>"),
            ("Status", "<samlp:StatusCode"),
            ("the end", "</samlp:Response>"),
            ("the start", "<samlp:Response"),
        ] {
            let xml = target.xml.replacen(before, &format!("{piece}{before}"), 1);
            made.push(attack(format!("{kind} in {place}"), xml, XML));
        }
        made.push(attack(format!("{kind} behind the end"), format!("{}{piece}", target.xml), XML));
    }
    made
}

/// DTDs and entities: none at all.
pub fn document_types(target: &Target) -> Vec<Attack> {
    let xml = &target.xml;
    let laughs = (1..10)
        .map(|at| format!("<!ENTITY l{at} \"{}\">", format!("&l{};", at - 1).repeat(10)))
        .collect::<String>();
    let mut made = Vec::new();
    for (name, declared) in [
        ("an empty one", "<!DOCTYPE samlp:Response>".to_owned()),
        ("a public one", "<!DOCTYPE r PUBLIC \"-//X//X\" \"http://127.0.0.1:1/x.dtd\">".to_owned()),
        ("one of the network", "<!DOCTYPE r SYSTEM \"http://127.0.0.1:1/x.dtd\">".to_owned()),
        ("one of a file", "<!DOCTYPE r SYSTEM \"file:///etc/passwd\">".to_owned()),
        ("an internal entity", "<!DOCTYPE r [<!ENTITY e \"admin\">]>".to_owned()),
        ("an external entity", "<!DOCTYPE r [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>".to_owned()),
        ("a parameter entity", "<!DOCTYPE r [<!ENTITY % e SYSTEM \"http://127.0.0.1:1/e\"> %e;]>".to_owned()),
        ("a default attribute", "<!DOCTYPE r [<!ATTLIST saml:NameID Format CDATA \"x\">]>".to_owned()),
        ("an id attribute", "<!DOCTYPE r [<!ATTLIST saml:Assertion Name ID #IMPLIED>]>".to_owned()),
        ("many laughs", format!("<!DOCTYPE r [<!ENTITY l0 \"ha\">{laughs}]>")),
        ("an entity that is itself", "<!DOCTYPE r [<!ENTITY e \"&e;\">]>".to_owned()),
        ("a notation", "<!DOCTYPE r [<!NOTATION n SYSTEM \"x\">]>".to_owned()),
        ("one in small letters", "<!doctype r>".to_owned()),
    ] {
        made.push(attack(format!("a document type: {name}"), format!("{declared}{xml}"), XML));
        made.push(attack(
            format!("a document type inside: {name}"),
            xml.replacen("<saml:Issuer>", &format!("{declared}<saml:Issuer>"), 1),
            XML,
        ));
        for entity in ["&e;", "&l9;"] {
            let used = xml.replace(">user@example.com</saml:NameID>", &format!(">{entity}</saml:NameID>"));
            made.push(attack(
                format!("a document type: {name}, {entity} used"),
                format!("{declared}{used}"),
                XML,
            ));
        }
    }
    for entity in [
        "&nbsp;",
        "&e;",
        "&",
        "&;",
        "&#;",
        "&#x;",
        "&#0;",
        "&#1;",
        "&#xFFFE;",
        "&#xD800;",
        "&#x110000;",
        "&#99999999999;",
        "&amp",
        "%e;&e;",
    ] {
        for before in ["</saml:NameID>", "</saml:Audience>", "\" Recipient"] {
            let used = xml.replacen(before, &format!("{entity}{before}"), 1);
            made.push(attack(format!("{entity} before {before}"), used, XML));
        }
    }
    made
}

/// What is no XML 1.0 with namespaces, or no document.
pub fn malformed(target: &Target) -> Vec<Attack> {
    let xml = &target.xml;
    let subject = |tag: &str| xml.replacen("<saml:Subject>", tag, 1);
    let mut made: Vec<Attack> = [
        ("a second root", format!("{xml}{xml}")),
        ("an empty second root", format!("{xml}<x/>")),
        ("text before", format!("x{xml}")),
        ("text behind", format!("{xml}x")),
        ("a NUL behind", format!("{xml}\0")),
        ("an open end", xml.replace("</samlp:Response>", "")),
        ("an end too many", format!("{xml}</samlp:Response>")),
        (
            "ends exchanged",
            xml.replace("</saml:Assertion></samlp:Response>", "</samlp:Response></saml:Assertion>"),
        ),
        ("another end", xml.replace("</saml:Subject>", "</saml:subject>")),
        ("an attribute twice", subject("<saml:Subject a=\"1\" a=\"2\">")),
        ("an id twice in one tag", xml.replacen("ID=\"_assertion1\"", "ID=\"_assertion1\" ID=\"_evil\"", 1)),
        (
            "an attribute twice by two prefixes",
            subject("<saml:Subject xmlns:p=\"urn:x\" xmlns:q=\"urn:x\" p:a=\"1\" q:a=\"2\">"),
        ),
        ("no space between attributes", subject("<saml:Subject a=\"1\"b=\"2\">")),
        ("no quotes", subject("<saml:Subject a=1>")),
        ("no value", subject("<saml:Subject a>")),
        ("one quote", subject("<saml:Subject a=\"1>")),
        ("a tag in a value", subject("<saml:Subject a=\"<\">")),
        ("a name of digits", subject("<saml:Subject 1x=\"1\">")),
        ("a name of two prefixes", subject("<saml:Subject><a:b:c/>")),
        ("a space before the name", subject("< saml:Subject>")),
        ("a prefix of nobody", subject("<saml:Subject><nope:x/>")),
        ("an attribute's prefix of nobody", subject("<saml:Subject nope:x=\"1\">")),
        ("a NUL in a text", xml.replacen("user@", "user\0@", 1)),
        ("a control character", xml.replacen("user@", "user\u{8}@", 1)),
        ("a character that is none", xml.replacen("user@", "user\u{ffff}@", 1)),
        ("the end of a section", xml.replacen("user@", "]]>user@", 1)),
        ("XML 1.1", format!("<?xml version=\"1.1\"?>{xml}")),
        ("XML 2.0", format!("<?xml version=\"2.0\"?>{xml}")),
        ("another encoding", format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{xml}")),
        ("an encoding of seven bits", format!("<?xml version=\"1.0\" encoding=\"UTF-7\"?>{xml}")),
        ("an encoding of IBM", format!("<?xml version=\"1.0\" encoding=\"cp037\"?>{xml}")),
        ("Latin 1", format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{xml}")),
        ("a declaration after a space", format!(" <?xml version=\"1.0\"?>{xml}")),
        ("two declarations", format!("<?xml version=\"1.0\"?><?xml version=\"1.0\"?>{xml}")),
        ("a declaration behind", format!("{xml}<?xml version=\"1.0\"?>")),
        ("a style sheet", format!("<?xml-stylesheet href=\"http://127.0.0.1:1/\"?>{xml}")),
    ]
    .into_iter()
    .map(|(name, xml)| attack(name, xml, XML))
    .collect();
    made.push(attack("nothing", "", XML));
    made.push(attack("spaces", "   ", XML));
    made
}

/// Every prefix of the document.
pub fn truncated(target: &Target) -> Vec<Attack> {
    let cut = (0..target.xml.len()).filter(|at| target.xml.is_char_boundary(*at));
    cut.map(|at| attack(format!("cut at {at}"), &target.xml[..at], XML)).collect()
}
