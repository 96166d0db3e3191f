//! What a signature does not cover, and what it does: facts changed outside and inside.

use super::{Attack, Form, Target, attack};
use crate::saml_idp::{ACS, Answer, IDP, SP};

type Rules = &'static [&'static str];

/// Facts of the Response: unsigned where the assertion alone is signed, and then they can only refuse.
pub fn facts(target: &Target) -> Vec<Attack> {
    let xml = &target.xml;
    let signed = target.form.signs_response();
    let own = |rules: Rules| -> Rules { if signed { &["saml_digest"] } else { rules } };
    let head = xml.find("<samlp:Status>").unwrap();
    let issuer = format!("<saml:Issuer>{IDP}</saml:Issuer>");
    let response = |from: &str, to: &str| {
        assert!(xml[..head].contains(from), "{from}");
        xml.replacen(from, to, 1)
    };
    vec![
        attack(
            "another Issuer",
            response(&issuer, "<saml:Issuer>https://evil.example/</saml:Issuer>"),
            own(&["saml_issuer"]),
        ),
        attack("an empty Issuer", response(&issuer, "<saml:Issuer/>"), own(&["saml_issuer"])),
        attack(
            "two Issuers",
            response(&issuer, &format!("{issuer}{issuer}")),
            if signed { &["saml_digest", "saml_signature_form"] } else { &["saml_xml"] },
        ),
        attack("another Destination", response(ACS, "https://evil.example/"), own(&["saml_destination"])),
        attack("an empty Destination", response(ACS, ""), own(&["saml_destination"])),
        attack("a Destination like ours", response(ACS, &format!("{ACS}/")), own(&["saml_destination"])),
        attack(
            "another InResponseTo",
            response("InResponseTo=\"_", "InResponseTo=\"_other"),
            own(&["saml_in_response_to"]),
        ),
        attack("no InResponseTo", response("InResponseTo", "Consent"), own(&["unsolicited_response"])),
        attack(
            "an empty InResponseTo",
            response("InResponseTo=\"_request0123456789\"", "InResponseTo=\"\""),
            own(&["saml_in_response_to"]),
        ),
        attack("another Version", response("Version=\"2.0\"", "Version=\"1.1\""), own(&["saml_version"])),
        attack("no Version", response("Version=\"2.0\"", ""), own(&["saml_version"])),
        attack(
            "long ago",
            response("2026-11-21T11:59:59", "2020-11-21T11:59:59"),
            own(&["saml_issue_instant"]),
        ),
        attack(
            "in the future",
            response("2026-11-21T11:59:59", "2030-11-21T11:59:59"),
            own(&["saml_issue_instant"]),
        ),
        attack("no time", response("2026-11-21T11:59:59Z", "now"), own(&["saml_time"])),
        attack("no Status", xml.replacen("samlp:Status>", "samlp:X>", 2), &["saml_status"]),
        attack(
            "two Statuses",
            xml.replacen(
                "<samlp:Status>",
                "<samlp:Status><samlp:StatusCode Value=\"x\"/></samlp:Status><samlp:Status>",
                1,
            ),
            &["saml_xml"],
        ),
        attack("no StatusCode", xml.replacen("samlp:StatusCode", "samlp:X", 1), &["saml_status"]),
        attack(
            "a failed Status",
            xml.replacen("status:Success", "status:Responder", 1),
            &["provider_refused"],
        ),
        attack(
            "nobody there",
            xml.replacen("status:Success", "status:NoPassive", 1),
            &["provider_login_required"],
        ),
    ]
}

/// A signed failure does not become a success, nor another person's.
pub fn of_a_failure(target: &Target) -> Vec<Attack> {
    if !target.form.signs_response() {
        return Vec::new();
    }
    let failed =
        Answer { status: target.answer.status.replace("Success", "Responder"), ..target.answer.clone() }
            .xml();
    vec![attack(
        "a failure made a success",
        failed.replace("status:Responder", "status:Success"),
        &["saml_digest"],
    )]
}

/// Facts of the assertion, which are always signed.
pub fn of_the_assertion(target: &Target) -> Vec<Attack> {
    let xml = &target.xml;
    let from = xml.find("<saml:Assertion").unwrap();
    let mut made = Vec::new();
    for (name, old, new) in [
        ("the NameID", ">user@example.com</saml:NameID>", ">admin@example.com</saml:NameID>"),
        ("the NameID's end", "example.com</saml:NameID>", "example.com.evil.example</saml:NameID>"),
        ("the NameID's case", ">user@", ">User@"),
        ("the Format", "nameid-format:persistent", "nameid-format:emailAddress"),
        ("an attribute", "<saml:AttributeValue>user@example.com<", "<saml:AttributeValue>admin@example.com<"),
        ("an attribute's name", "Name=\"urn:mail\"", "Name=\"urn:other\""),
        ("an attribute's other name", "FriendlyName=\"mail\"", "FriendlyName=\"email\""),
        ("a group", ">a</saml:AttributeValue>", ">admins</saml:AttributeValue>"),
        (
            "one value more",
            "<saml:AttributeValue>a<",
            "<saml:AttributeValue>admins</saml:AttributeValue><saml:AttributeValue>a<",
        ),
        ("the audience", SP, "urn:amazon:cognito:sp:eu-west-1_Other"),
        ("the recipient", "Recipient=\"https://auth", "Recipient=\"https://evil"),
        ("the confirmation's request", "InResponseTo=\"_request", "InResponseTo=\"_other"),
        ("the method", "cm:bearer", "cm:sender-vouches"),
        ("the end", "NotOnOrAfter=\"2026-11-21T12:05:00Z\"", "NotOnOrAfter=\"2036-11-21T12:05:00Z\""),
        ("the start", "NotBefore=\"2026-11-21T11:55:00Z\"", "NotBefore=\"2006-11-21T11:55:00Z\""),
        ("the issuer", "idp.example/metadata</saml:Issuer>", "evil.example/metadata</saml:Issuer>"),
        ("the session", "SessionIndex=\"s1\"", "SessionIndex=\"s2\""),
        ("the sign-in's time", "AuthnInstant=\"2026", "AuthnInstant=\"2025"),
        ("the context", "classes:Password", "classes:Smartcard"),
        (
            "the issue instant",
            "IssueInstant=\"2026-11-21T11:59:59Z\"",
            "IssueInstant=\"2026-11-21T11:59:58Z\"",
        ),
    ] {
        assert!(xml[from..].contains(old), "{name}");
        let changed = format!("{}{}", &xml[..from], xml[from..].replacen(old, new, 1));
        made.push(attack(format!("changed: {name}"), changed, &["saml_digest"]));
    }
    for part in [
        "saml:Conditions",
        "saml:AudienceRestriction",
        "saml:SubjectConfirmation",
        "saml:AuthnStatement",
        "saml:AttributeStatement",
        "saml:Subject",
    ] {
        let whole = super::element(xml, part, 0);
        made.push(attack(format!("gone: {part}"), xml.replace(whole, ""), &["saml_digest"]));
        made.push(attack(
            format!("twice: {part}"),
            xml.replace(whole, &format!("{whole}{whole}")),
            &["saml_digest"],
        ));
    }
    made
}

/// What a Response whose envelope nobody signed may carry along: it changes nothing, it is not read.
pub fn harmless(target: &Target) -> Vec<String> {
    if target.form != Form::Assertion {
        return Vec::new();
    }
    let with = |before: &str, more: &str| target.xml.replacen(before, &format!("{more}{before}"), 1);
    let forged = "<saml:AttributeStatement><saml:Attribute Name=\"groups\"><saml:AttributeValue>admins</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>";
    let subject = "<saml:Subject><saml:NameID>admin@example.com</saml:NameID></saml:Subject>";
    vec![
        with("<samlp:Status>", &format!("<samlp:Extensions>{subject}{forged}</samlp:Extensions>")),
        with("</samlp:Status>", &format!("<samlp:StatusDetail>{subject}{forged}</samlp:StatusDetail>")),
        with("<saml:Assertion", &format!("{subject}{forged}")),
        with("</samlp:Response>", &format!("{subject}{forged}")),
        target.xml.replacen(
            "ID=\"_response1\"",
            "ID=\"_response1\" Consent=\"urn:x\" xml:lang=\"en\" xmlns:p=\"urn:p\" p:q=\"1\"",
            1,
        ),
    ]
}
