//! Real providers' Responses, with the verdicts that the corpus gives.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "test code")]

mod saml_idp;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::RsaKeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::DeflateDecoder;
use poolgate_providers::saml::gate::{Policy, Root};
use poolgate_providers::saml::keys::VerifyKey;
use poolgate_providers::saml::validator::Expected;
use poolgate_providers::saml::{KeyDecryption, RsaDecryption, SamlSettings, gate};
use poolgate_providers::{AttemptFacts, Provider as _, ProviderError, SignOutFacts, SignOutNotice};
use saml_idp::logout::{post, sign_out_facts};
use saml_idp::{block_on, details, engine, facts, metadata_of, provider_of, surroundings};
use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use url::Url;

fn corpus(name: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus")).join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: the corpus is not at {}", path.display());
    None
}

fn der(pem: &Path) -> Vec<u8> {
    let text = std::fs::read_to_string(pem).unwrap();
    STANDARD.decode(text.lines().filter(|line| !line.starts_with("---")).collect::<String>()).unwrap()
}

fn attribute(xml: &str, name: &str) -> Option<String> {
    let root = &xml[xml.find("Response")?..];
    let tag = &root[..root.find('>')?];
    let from = tag.find(&format!("{name}=\""))? + name.len() + 2;
    Some(tag[from..].split('"').next()?.to_owned())
}

fn read(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    if text.trim_start().starts_with('<') {
        return text;
    }
    let compact: String = text.split_whitespace().collect();
    let bytes = STANDARD.decode(compact).unwrap();
    // Some were captured as the redirect binding packs them.
    String::from_utf8(bytes).unwrap_or_else(|packed| {
        let mut text = String::new();
        DeflateDecoder::new(packed.as_bytes()).read_to_string(&mut text).unwrap();
        text
    })
}

/// Verdicts that ours differ from: the check that refuses, and why.
fn exception(file: &str) -> Option<(&'static str, &'static str)> {
    match file {
        "onelogin/olgn09_response_155.b64" => Some((
            "saml_destination",
            "a signed Response without Destination, like number 50 that the corpus rejects",
        )),
        "saml.oktadev.com/response_2" => {
            Some(("saml_signature_form", "its Reference has an empty URI, through C14N 1.1"))
        }
        _ => None,
    }
}

/// Captures whose parts were made more than the default skew apart.
fn far_issued(file: &str) -> bool {
    !file.starts_with("onelogin/")
}

/// What is let through that is refused by default.
#[derive(Clone, Copy)]
struct Weak {
    sha1: bool,
    cbc: bool,
}

fn judge(group: &Value, case: &Value, root: &Path, weak: Weak) -> Result<(), ProviderError> {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap().to_owned();
    let xml = read(&root.join(text(case, "file")));
    let now = match case["at"].as_str().unwrap() {
        "issue" => {
            attribute(&xml, "IssueInstant").and_then(|at| OffsetDateTime::parse(&at, &Rfc3339).ok()).unwrap()
                + Duration::SECOND
        }
        at => OffsetDateTime::parse(at, &Rfc3339).unwrap(),
    };
    let certificate = der(&root.join(text(group, "idp_cert")));
    let metadata = metadata_of(&text(group, "issuer"), &[&certificate]);
    let skew = if far_issued(&text(case, "file")) { "300" } else { "60" };
    let settings = details(&[
        ("insecure_allow_sha1", if weak.sha1 { "true" } else { "false" }),
        ("insecure_allow_aes_cbc", if weak.cbc { "true" } else { "false" }),
        ("clock_skew_seconds", skew),
    ]);
    let decryption: Vec<Arc<dyn KeyDecryption>> = match group["decrypt_key"].as_str() {
        Some(key) => vec![Arc::new(RsaDecryption::from_pkcs8(&der(&root.join(key))).unwrap())],
        None => Vec::new(),
    };
    let provider = provider_of(SamlSettings::from_details(&settings, metadata, true).unwrap())
        .with_decryption(decryption);
    let facts = AttemptFacts {
        callback: Url::parse(&text(group, "acs")).unwrap(),
        entity_id: text(group, "audience"),
        ..facts()
    };
    // The requests were made at random long ago: each capture is judged as the answer to the one it names.
    let request_id = attribute(&xml, "InResponseTo");
    // One that names none is judged while it is fresh: nobody asked for it, so it may be six minutes old only.
    let now = match &request_id {
        None => now.min(
            OffsetDateTime::parse(&attribute(&xml, "IssueInstant").unwrap(), &Rfc3339).unwrap()
                + Duration::minutes(5),
        ),
        Some(_) => now,
    };
    let expected = Expected { request_id: request_id.as_deref(), ..provider.expected(&facts, now) };
    provider.examine(&expected, &STANDARD.encode(&xml)).map(|_| ())
}

#[test]
fn real_responses_get_the_verdict_that_the_corpus_gives() {
    let Some(root) = corpus("vendor-responses") else { return };
    let expect: Value =
        serde_json::from_str(&std::fs::read_to_string(root.join("expect.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    let mut accepted = 0;
    let mut table = Vec::new();
    for group in expect["groups"].as_array().unwrap() {
        for case in group["cases"].as_array().unwrap() {
            let file = case["file"].as_str().unwrap();
            if file == "oam_response.xml" {
                let key = VerifyKey::from_der(&der(&root.join("oam_cert.pem")));
                assert!(key.is_err_and(|why| why.contains("1024")));
                continue;
            }
            // The list looks at what stands open in the file, and sees SHA-1 in RSA-OAEP as well.
            let sha1 = match file {
                "saml.oktadev.com/response_16" | "onelogin/olgn09_response_05.b64" => true,
                "oktaenc_response.b64" | "adfs_response_enc.b64" => false,
                _ => case["sha1"].as_bool().unwrap(),
            };
            if let Some((check, why)) = exception(file) {
                let code = judge(group, case, &root, Weak { sha1: true, cbc: true })
                    .err()
                    .map(|error| error.code().to_owned());
                assert_eq!(code.as_deref(), Some(check), "{file}: {why}");
                continue;
            }
            let xml = read(&root.join(file));
            let encrypted = xml.contains("EncryptedAssertion");
            // All of these are encrypted with AES-CBC.
            let bare = encrypted && !xml.contains("SignatureValue");
            let outcome = judge(group, case, &root, Weak { sha1, cbc: bare });
            table.push(format!(
                "{file}: {} {} -> {}",
                case["verdict"],
                case["reason"],
                outcome.as_ref().map_or_else(ProviderError::code, |()| "accepted")
            ));
            let accept = case["verdict"] == "accept";
            let either = case["reason"].as_str().is_some_and(|reason| reason.contains("ours may accept"));
            if outcome.is_ok() != accept && !either {
                wrong.push(format!("{file}: {} {}: {outcome:?}", case["verdict"], case["reason"]));
            }
            accepted += u32::from(outcome.is_ok());
            let code = |weak| judge(group, case, &root, weak).err().map(|error| error.code());
            if bare && code(Weak { sha1: true, cbc: false }) != Some("saml_encryption_cbc") {
                wrong.push(format!("{file}: AES-CBC that nothing signs is not refused by default"));
            }
            // Of what is encrypted so that anybody may change it, nothing more is told.
            let refusal = if bare { "saml_decryption" } else { "saml_algorithm" };
            if sha1 && accept && code(Weak { sha1: false, cbc: bare }) != Some(refusal) {
                wrong.push(format!("{file}: SHA-1 is not refused by default"));
            }
        }
    }
    println!("{}\n{accepted} accepted", table.join("\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(accepted >= 25);
}

#[test]
fn logout_requests_of_the_node_saml_set_are_judged_as_it_says() {
    const SP_SLO: &str = "http://idp.example.com/SingleLogoutService.php";
    let Some(root) = corpus("node-saml-signatures") else { return };
    let certificate = der(&root.join("cert.pem"));
    // The certificate lasted a month, a year after the requests were issued: it is given the time it lacks.
    let mut metadata = metadata_of("http://sp.example.com/demo1/metadata.php", &[&certificate]);
    metadata.keys[0].not_before = OffsetDateTime::UNIX_EPOCH;
    metadata.keys[0].not_after = time::macros::datetime!(2030-01-01 00:00:00 UTC);
    let issued = time::macros::datetime!(2014-07-18 01:13:06 UTC);
    let hear = |file: &str, sha1: &str, now: OffsetDateTime| {
        let settings = details(&[("insecure_allow_sha1", sha1)]);
        let settings = SamlSettings::from_details(&settings, metadata.clone(), true).unwrap();
        let facts = SignOutFacts { callback: Url::parse(SP_SLO).unwrap(), ..sign_out_facts() };
        let message = post("SAMLRequest", &std::fs::read_to_string(root.join(file)).unwrap());
        let around = surroundings(now, std::sync::Arc::<saml_idp::Memory>::default());
        let provider = provider_of(settings);
        let heard = block_on(provider.hear_sign_out(&around, &facts, &message));
        heard.map(poolgate_providers::Verified::into_inner).map_err(|error| error.code().to_owned())
    };
    let heard = |file: &str| match hear(file, "true", issued) {
        Ok(SignOutNotice::Request(request)) => (request.subject, request.session_indexes),
        other => panic!("{file}: {other:?}"),
    };
    let subject = "ONELOGIN_f92cc1834efc0f73e9c09f482fce80037a6251e7";
    let (good, index) = ("logout_request_with_good_signature.xml", "logout_request_with_session_index.xml");
    assert_eq!(heard(good), (subject.to_owned(), vec![]));
    assert_eq!(heard(index), (subject.to_owned(), vec!["1".to_owned()]));
    let refused = |file: &str, sha1: &str, now: OffsetDateTime| hear(file, sha1, now).unwrap_err();
    for file in [good, index] {
        assert_eq!(refused(file, "false", issued), "saml_algorithm");
        assert_eq!(refused(file, "true", issued + Duration::minutes(7)), "saml_issue_instant");
    }
    assert_eq!(refused("logout_request_with_bad_signature.xml", "true", issued), "saml_unknown_key");
    let (file, issued_then) =
        ("logout_request_with_bad_expiration.xml", time::macros::datetime!(2013-08-17 22:17:51 UTC));
    let expired = time::macros::datetime!(2022-08-17 22:17:51 UTC);
    assert_eq!(hear(file, "true", issued_then).map(|_| ()), Ok(()));
    assert_eq!(refused(file, "true", expired), "saml_issue_instant");
    let encrypted = refused("logout_request_with_encrypted_name_id.xml", "true", issued);
    assert_eq!(encrypted, "saml_name_id", "its EncryptedID is in no namespace");
}

/// Valid files outside of our narrow form.
fn outside_the_form(file: &str) -> Option<&'static str> {
    let name = file.trim_end_matches(".xml");
    if name.contains("advice") {
        return Some("an assertion inside Advice");
    }
    if name.contains("encrypted") {
        return Some("its key is encrypted for an RSA key of 4,096 bits, and key.pem of the set has 2,048");
    }
    None
}

#[test]
fn signatures_of_the_node_saml_set_are_judged_as_it_says() {
    let Some(root) = corpus("node-saml-signatures") else { return };
    let keys = [VerifyKey::from_der(&der(&root.join("cert.pem"))).unwrap()];
    let now = time::macros::datetime!(2015-08-31 09:00:00 UTC);
    let metadata = metadata_of("https://evil-corp.com", &[&der(&root.join("cert.pem"))]);
    let settings = details(&[("insecure_allow_sha1", "true")]);
    let pair = RsaKeyPair::from_der(&der(&root.join("key.pem"))).unwrap();
    let key = RsaDecryption::from_pkcs8(pair.as_der().unwrap().as_ref()).unwrap();
    let opened = provider_of(SamlSettings::from_details(&settings, metadata, true).unwrap())
        .with_decryption(vec![Arc::new(key)]);
    let verify = |path: &Path| {
        let xml = std::fs::read_to_string(path).unwrap();
        let policy = Policy { allow_sha1: true };
        let gated = gate::admit(&xml, Root::Response, policy).map_err(|refusal| refusal.to_string())?;
        engine().verify(&gated, &keys, policy, now).map_err(|refusal| refusal.to_string())?;
        if gated.encrypted {
            let error = opened.examine(&opened.expected(&facts(), now), &STANDARD.encode(&xml)).unwrap_err();
            assert_eq!(error.code(), "saml_decryption", "{}: {error}", path.display());
            return Err(error.to_string());
        }
        Ok(())
    };
    let mut wrong = Vec::new();
    for (folder, good) in [("valid", true), ("invalid", false)] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let outcome = verify(&path);
            if outcome.is_ok() != good && !(good && outside_the_form(&name).is_some()) {
                wrong.push(format!("{folder}/{name}: {:?}", outcome.map(|_| ())));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
