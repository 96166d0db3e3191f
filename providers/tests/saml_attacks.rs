//! Attacks on a SAML Response, family by family: each is refused by its own rule, and the honest Response
//! is believed afterwards.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]
#![allow(clippy::print_stdout, reason = "test code")]

mod attacks;
mod saml_idp;

use std::sync::Arc;

use attacks::{Form, Target, canonical, envelope, fields, form, keys, resigned, signatures, text, wrapping};
use poolgate_providers::ProviderError;
use poolgate_providers::saml::SamlSettings;
use proptest::prelude::*;
use saml_idp::{
    ACS, Answer, ECDSA_SHA256, IDP, Key, Memory, NOW, details, ec_key, evil_key, facts, finish, finish_with,
    good_key, metadata_of, provider, provider_of, refused, surroundings,
};
use url::Url;

#[test]
fn each_honest_form_is_believed() {
    for target in Target::all() {
        let identity = target.send_xml(&target.xml).unwrap();
        assert_eq!(identity.subject, "user@example.com");
        assert_eq!(identity.issuer, IDP);
        assert_eq!(identity.attributes["groups"], ["a", "b", "c & d"]);
        assert_eq!(identity.attributes["mail"], ["user@example.com"]);
        assert_eq!(identity.session.session_indexes, ["s1"]);
        assert_eq!(identity.session.sp_name_qualifier.as_deref(), Some("q"));
        for signature in target.signatures() {
            assert_eq!(resigned(signature, good_key()), signature, "what is signed anew is as good");
        }
    }
    let ec = Answer { method: ECDSA_SHA256, ..Answer::default() };
    assert!(finish(&ec.signed_by(ec_key())).is_ok());
    let xml = Answer::default().xml();
    assert!(finish(&format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n{xml}\n")).is_ok());
    assert!(finish(&format!("\u{feff}{xml}")).is_ok());
}

#[test]
fn a_forged_assertion_with_the_signed_one_hidden_anywhere_is_refused() {
    Target::all().for_each(|target| target.repels(wrapping::of_the_assertion(&target)));
}

#[test]
fn a_forged_response_around_the_signed_one_is_refused() {
    for form in [Form::Response, Form::Both] {
        let target = Target::new(form);
        target.repels(wrapping::of_the_response(&target));
    }
}

#[test]
fn a_signature_of_another_element_is_refused() {
    Target::all().for_each(|target| target.repels(wrapping::without_a_hiding_place(&target)));
}

#[test]
fn more_than_one_assertion_is_refused() {
    Target::all().for_each(|target| target.repels(wrapping::several(&target)));
}

#[test]
fn an_unsigned_response_is_refused() {
    Target::all().for_each(|target| target.repels(signatures::stripped(&target)));
}

#[test]
fn a_broken_signature_is_refused() {
    Target::all().for_each(|target| target.repels(signatures::broken(&target)));
}

#[test]
fn a_signature_at_another_place_is_refused() {
    Target::all().for_each(|target| target.repels(signatures::moved(&target)));
}

#[test]
fn parts_of_a_signature_elsewhere_are_refused() {
    Target::all().for_each(|target| target.repels(signatures::strewn(&target)));
}

#[test]
fn where_both_are_signed_the_inner_signature_stands_by_itself() {
    let target = Target::new(Form::Both);
    let without = target.xml.replace(target.signature_of("_response1").unwrap(), "");
    assert_eq!(target.send_xml(&without).unwrap().subject, "user@example.com");
}

#[test]
fn a_reference_to_anything_but_the_signatures_parent_is_refused() {
    Target::all().for_each(|target| target.repels(form::references(&target)));
}

#[test]
fn a_second_signed_info_is_refused() {
    Target::all().for_each(|target| target.repels(form::several_signed_infos(&target)));
}

#[test]
fn other_transforms_are_refused() {
    Target::all().for_each(|target| target.repels(form::transforms(&target)));
}

#[test]
fn algorithms_outside_the_list_are_refused() {
    Target::all().for_each(|target| target.repels(form::algorithms(&target)));
}

#[test]
fn a_key_that_is_not_the_providers_is_never_used() {
    Target::all().for_each(|target| target.repels(keys::own_key(&target)));
}

#[test]
fn a_signature_of_another_algorithm_than_the_keys_is_refused() {
    Target::all().for_each(|target| target.repels(keys::other_algorithm(&target)));
}

#[test]
fn an_hmac_with_the_certificate_is_refused() {
    Target::all().for_each(|target| target.repels(keys::hmac_with_the_certificate(&target)));
}

#[test]
fn neither_the_digest_nor_the_signature_alone_is_enough() {
    Target::all().for_each(|target| target.repels(keys::digest_and_signature_are_both_checked(&target)));
}

#[test]
fn comments_instructions_and_sections_are_refused_wherever_they_are() {
    Target::all().for_each(|target| target.repels(text::hidden_pieces(&target)));
}

#[test]
fn document_types_and_entities_are_refused() {
    Target::all().for_each(|target| target.repels(text::document_types(&target)));
}

#[test]
fn what_is_no_xml_is_refused() {
    Target::all().for_each(|target| target.repels(text::malformed(&target)));
}

#[test]
fn a_response_cut_off_anywhere_is_refused() {
    let target = Target::new(Form::Both);
    target.repels(text::truncated(&target));
}

#[test]
fn namespaces_that_could_be_read_in_two_ways_are_refused() {
    Target::all().for_each(|target| target.repels(canonical::namespaces(&target)));
}

#[test]
fn ids_that_come_twice_are_refused() {
    Target::all().for_each(|target| target.repels(canonical::ids(&target)));
}

#[test]
fn what_is_signed_is_what_is_read_to_the_last_character() {
    Target::all().for_each(|target| target.repels(canonical::signed_forms(&target)));
}

#[test]
fn facts_around_the_assertion_can_refuse_it_and_no_more() {
    for target in Target::all() {
        let honest = format!("{:?}", finish(&target.xml).unwrap());
        for xml in envelope::harmless(&target) {
            assert_ne!(xml, target.xml);
            assert_eq!(format!("{:?}", finish(&xml).unwrap()), honest);
        }
        target.repels(envelope::facts(&target));
    }
    for form in [Form::Response, Form::Both] {
        let target = Target::new(form);
        target.repels(envelope::of_a_failure(&target));
    }
}

#[test]
fn a_changed_assertion_is_refused() {
    Target::all().for_each(|target| target.repels(envelope::of_the_assertion(&target)));
}

#[test]
fn other_encodings_are_refused() {
    Target::all().for_each(|target| target.repels(fields::encodings(&target)));
}

#[test]
fn documents_beyond_the_limits_are_refused() {
    Target::all().for_each(|target| target.repels(fields::sizes(&target)));
}

#[test]
fn a_large_response_within_the_limits_is_believed() {
    let value = format!("<saml:AttributeValue>{}</saml:AttributeValue>", "g".repeat(90)).repeat(900);
    let attributes = format!(
        "<saml:AttributeStatement><saml:Attribute Name=\"g\">{value}</saml:Attribute></saml:AttributeStatement>"
    );
    let xml = Answer { attributes, ..Answer::default() }.xml();
    assert!(xml.len() > 100_000);
    assert_eq!(finish(&xml).unwrap().attributes["g"].len(), 900);
}

#[test]
fn one_bit_of_the_signed_part_changed_is_refused() {
    let target = Target::new(Form::Assertion);
    let from = target.xml.find("<saml:Assertion").unwrap();
    let signed = target.assertion().len();
    // The Response declares the prefix too, so that the assertion's own declaration of it may well be of
    // another: what is signed is the same.
    let declared = from + target.assertion().find("xmlns:saml=").unwrap() + "xmlns:".len();
    for at in (from..from + signed).filter(|at| !(declared..declared + "saml".len()).contains(at)) {
        for bit in [0x01, 0x20] {
            let mut bytes = target.xml.clone().into_bytes();
            bytes[at] ^= bit;
            let Ok(changed) = String::from_utf8(bytes) else { panic!("an honest Response is ASCII") };
            let outcome = target.send_xml(&changed);
            assert!(outcome.is_err(), "byte {at} ^ {bit}: {outcome:?}");
        }
    }
    assert!(target.send_xml(&target.xml).is_ok());
}

/// An edit that knows nothing of XML.
#[derive(Debug, Clone)]
enum Edit {
    Copy(usize, usize, usize),
    Delete(usize, usize),
    Swap(usize, usize, usize),
    Replace(usize, char),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = || 0_usize..100_000;
    prop_oneof![
        (at(), 1_usize..600, at()).prop_map(|(from, length, to)| Edit::Copy(from, length, to)),
        (at(), 1_usize..600).prop_map(|(from, length)| Edit::Delete(from, length)),
        (at(), at(), 1_usize..200).prop_map(|(one, two, length)| Edit::Swap(one, two, length)),
        (at(), any::<char>()).prop_map(|(at, letter)| Edit::Replace(at, letter)),
        (at(), "[<>&\"'/=: _#\\-a-zA-Z0-9]")
            .prop_map(|(at, text)| Edit::Replace(at, text.chars().next().unwrap())),
    ]
}

fn edited(xml: &str, edits: &[Edit]) -> String {
    let mut letters: Vec<char> = xml.chars().collect();
    for edit in edits {
        let size = letters.len().max(1);
        match *edit {
            Edit::Copy(from, length, to) => {
                let (from, to) = (from % size, to % size);
                let piece: Vec<char> = letters.iter().skip(from).take(length).copied().collect();
                letters.splice(to..to, piece);
            }
            Edit::Delete(from, length) => {
                let from = from % size;
                letters.drain(from..(from + length).min(letters.len()));
            }
            Edit::Swap(one, two, length) => {
                for step in 0..length {
                    letters.swap((one + step) % size, (two + step) % size);
                }
            }
            Edit::Replace(at, letter) => letters[at % size] = letter,
        }
        if letters.is_empty() {
            break;
        }
    }
    letters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is edited, nobody is signed in but who was signed.
    #[test]
    fn no_edit_signs_anybody_else_in(edits in proptest::collection::vec(edit(), 1..4), which in 0_usize..3) {
        let xml = Form::ALL[which].answer().xml();
        if let Ok(identity) = finish(&edited(&xml, &edits)) {
            prop_assert_eq!(format!("{identity:?}"), format!("{:?}", finish(&xml).unwrap()));
        }
    }
}

#[test]
fn an_assertion_is_believed_once() {
    for target in Target::all() {
        let used = Arc::<Memory>::default();
        let around = surroundings(NOW, used.clone());
        let changed = target.xml.replace("user@", "admin@");
        refused(finish_with(&target.provider, &around, &facts(), &changed), "saml_digest");
        assert!(used.0.lock().unwrap().is_empty(), "a refused assertion must not use its id up");
        assert!(finish_with(&target.provider, &around, &facts(), &target.xml).is_ok());
        assert!(used.0.lock().unwrap().contains(&format!("saml/{IDP} _assertion1")));
        assert_eq!(*used.1.lock().unwrap(), Some(time::macros::datetime!(2026-11-21 12:10:00 UTC)));
        refused(finish_with(&target.provider, &around, &facts(), &target.xml), "saml_replay");
        // In another envelope, with the other signature gone, it is the same assertion.
        let other = target.xml.replacen("ID=\"_response1\"", "ID=\"_response2\"", 1);
        assert!(finish_with(&target.provider, &around, &facts(), &other).is_err());
    }
    let (provider, around) = (provider(&[]), surroundings(NOW, Arc::<Memory>::default()));
    let both = Form::Both.answer().xml();
    assert!(finish_with(&provider, &around, &facts(), &both).is_ok());
    let outer = Target::new(Form::Both);
    let bare = outer.xml.replace(outer.signature_of("_response1").unwrap(), "");
    refused(finish_with(&provider, &around, &facts(), &bare), "saml_replay");
}

#[test]
fn a_response_to_another_request_of_the_same_browser_is_refused() {
    for target in Target::all() {
        let around = surroundings(NOW, Arc::<Memory>::default());
        let later = poolgate_providers::AttemptFacts { request_id: "_another".to_owned(), ..facts() };
        refused(finish_with(&target.provider, &around, &later, &target.xml), "saml_in_response_to");
        if target.form == Form::Assertion {
            let aimed =
                target.xml.replacen("InResponseTo=\"_request0123456789\"", "InResponseTo=\"_another\"", 1);
            let outcome = finish_with(&target.provider, &around, &later, &aimed);
            refused(outcome, "saml_confirmation_in_response_to");
        }
        assert!(finish_with(&target.provider, &around, &facts(), &target.xml).is_ok());
    }
}

/// Another provider, of the same pool.
fn other(entity: &str, key: &Key) -> poolgate_providers::saml::SamlProvider {
    let metadata = metadata_of(entity, &[&key.certificate]);
    provider_of(SamlSettings::from_details(&details(&[]), metadata, false).unwrap())
}

#[test]
fn what_another_provider_of_the_pool_signed_is_refused() {
    const OTHER: &str = "https://other.example";
    let theirs = |answer: Answer| Answer {
        issuer: format!("<saml:Issuer>{OTHER}</saml:Issuer>"),
        assertion_issuer: format!("<saml:Issuer>{OTHER}</saml:Issuer>"),
        ..answer
    };
    for form in Form::ALL {
        let (ours, fresh) = (other(IDP, good_key()), || surroundings(NOW, Arc::<Memory>::default()));
        let send = |xml: &str| finish_with(&ours, &fresh(), &facts(), xml);
        // Of good faith, and in our provider's name.
        refused(send(&theirs(form.answer()).signed_by(evil_key())), "saml_unknown_key");
        refused(send(&form.answer().signed_by(evil_key())), "saml_unknown_key");
        // Both with the same key, as one vendor's tenants can have.
        let same = theirs(form.answer()).xml();
        refused(send(&same), "saml_issuer");
        assert!(finish_with(&other(OTHER, good_key()), &fresh(), &facts(), &same).is_ok());
        if form == Form::Assertion {
            // The envelope names our provider, the assertion does not.
            let renamed = same.replacen(OTHER, IDP, 1);
            refused(send(&renamed), "saml_issuer");
        }
        assert!(send(&form.answer().xml()).is_ok());
    }
}

#[test]
fn a_response_for_another_pool_or_address_is_refused() {
    let there = |acs: &str, entity: &str| poolgate_providers::AttemptFacts {
        callback: Url::parse(acs).unwrap(),
        entity_id: entity.to_owned(),
        ..facts()
    };
    const OTHER_ACS: &str = "https://b.auth.example/saml2/idpresponse";
    const OTHER_SP: &str = "urn:amazon:cognito:sp:eu-west-1_Other";
    for target in Target::all() {
        let around = surroundings(NOW, Arc::<Memory>::default());
        let send = |acs, entity, xml: &str| finish_with(&target.provider, &around, &there(acs, entity), xml);
        refused(send(OTHER_ACS, OTHER_SP, &target.xml), "saml_destination");
        refused(send(ACS, OTHER_SP, &target.xml), "saml_audience");
        if target.form == Form::Assertion {
            // Nobody signed the Destination: the attacker writes the right one.
            let aimed = target.xml.replacen(ACS, OTHER_ACS, 1);
            refused(send(OTHER_ACS, OTHER_SP, &aimed), "saml_audience");
            refused(send(OTHER_ACS, saml_idp::SP, &aimed), "saml_recipient");
        }
        assert!(send(ACS, saml_idp::SP, &target.xml).is_ok());
    }
}

#[test]
fn text_is_the_whole_of_its_pieces() {
    let answer =
        Answer { subject: "<saml:NameID>a&amp;b&#64;c&lt;d</saml:NameID>".to_owned(), ..Answer::default() };
    assert_eq!(finish(&answer.xml()).unwrap().subject, "a&b@c<d");
    let nested = Answer { subject: "<saml:NameID>a<b>c</b></saml:NameID>".to_owned(), ..Answer::default() };
    refused(finish(&nested.xml()), "saml_xml");
}

#[test]
fn no_refusal_repeats_the_assertion() {
    let target = Target::new(Form::Assertion);
    let families = [
        wrapping::of_the_assertion(&target),
        form::references(&target),
        envelope::facts(&target),
        envelope::of_the_assertion(&target),
        text::hidden_pieces(&target),
    ];
    for attack in families.into_iter().flatten() {
        let error: ProviderError = target.send(attack.field).unwrap_err();
        let said = error.to_string();
        assert!(!said.contains("user@example.com") && !said.contains("admin@"), "{}: {said}", attack.name);
        assert!(!said.contains(&target.signatures()[0][..40]), "{}: {said}", attack.name);
    }
}
