use std::time::{Duration as StdDuration, SystemTime};

use aws_credential_types::Credentials as AwsCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use proptest::prelude::*;
use time::macros::datetime;

use super::*;

const KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const NOW: OffsetDateTime = datetime!(2026-11-21 10:00:00 UTC);
const SCOPE: Scope<'static> = Scope { region: "us-east-1", service: "cognito-idp" };
const BODY: &[u8] = br#"{"PoolName":"acme"}"#;

/// A request that owns its parts, so that tests may bend them.
#[derive(Debug, Clone)]
struct Sent {
    method: String,
    path: String,
    query: Option<String>,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Sent {
    fn request(&self) -> Request<'_> {
        Request {
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            headers: self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect(),
            body: &self.body,
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.into(), value.into()));
    }

    fn get(&self, name: &str) -> String {
        self.request().only(name).unwrap().to_owned()
    }

    fn replace(&mut self, header: &str, from: &str, to: &str) {
        let value = self.get(header);
        assert!(value.contains(from), "{value} holds no {from}");
        self.set(header, &value.replace(from, to));
    }
}

fn credentials() -> Credentials {
    Credentials { access_key_id: KEY.into(), secret_access_key: SECRET.into() }
}

fn check(sent: &Sent) -> Result<(), SignatureFault> {
    verify(&sent.request(), &credentials(), SCOPE, NOW)
}

fn unsigned(body: &[u8]) -> Sent {
    Sent {
        method: "POST".into(),
        path: "/".into(),
        query: None,
        headers: vec![
            ("host".into(), b"localhost:9229".to_vec()),
            ("content-type".into(), b"application/x-amz-json-1.1".to_vec()),
            ("x-amz-target".into(), b"AWSCognitoIdentityProviderService.CreateUserPool".to_vec()),
        ],
        body: body.to_vec(),
    }
}

/// Signs with the signer of the AWS SDK for Rust: the oracle.
fn signed_as(mut sent: Sent, secret: &str, region: &str, service: &str, at: OffsetDateTime) -> Sent {
    let identity = AwsCredentials::new(KEY, secret, None, None, "test").into();
    let time = SystemTime::UNIX_EPOCH + StdDuration::from_secs(at.unix_timestamp().unsigned_abs());
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let uri = match &sent.query {
        Some(query) => format!("http://localhost:9229{}?{query}", sent.path),
        None => format!("http://localhost:9229{}", sent.path),
    };
    let headers: Vec<(String, String)> = sent
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), String::from_utf8(value.clone()).unwrap()))
        .collect();
    let pairs = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let body = sent.body.clone();
    let signable = SignableRequest::new(&sent.method, uri, pairs, SignableBody::Bytes(&body)).unwrap();
    let (instructions, _) = sign(signable, &params).unwrap().into_parts();
    for (name, value) in instructions.headers() {
        sent.set(name, value);
    }
    sent
}

fn signed(body: &[u8]) -> Sent {
    signed_as(unsigned(body), SECRET, "us-east-1", "cognito-idp", NOW)
}

fn fault(sent: &Sent) -> SignatureFault {
    check(sent).unwrap_err()
}

fn is_invalid(fault: &SignatureFault) -> bool {
    matches!(fault, SignatureFault::Invalid(_))
}

fn is_incomplete(fault: &SignatureFault) -> bool {
    matches!(fault, SignatureFault::Incomplete(_))
}

#[test]
fn what_the_sdk_signs_is_accepted() {
    assert_eq!(check(&signed(BODY)), Ok(()));
    assert_eq!(check(&signed(b"")), Ok(()));
    let mut with_query = unsigned(BODY);
    with_query.query = Some("b=2&a=1%20x&a=0&empty".into());
    assert_eq!(check(&signed_as(with_query, SECRET, "us-east-1", "cognito-idp", NOW)), Ok(()));
    let mut folded = unsigned(BODY);
    folded.headers.push(("x-amz-user-agent".into(), b"  aws-sdk   js  ".to_vec()));
    assert_eq!(check(&signed_as(folded, SECRET, "us-east-1", "cognito-idp", NOW)), Ok(()));
}

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    method: String,
    path: String,
    query: Option<String>,
    headers: Vec<(String, String)>,
    body: String,
    service: String,
    region: String,
    secret: String,
    canonical: String,
}

#[test]
fn the_published_test_suite_verifies() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("aws-cases.json")).unwrap();
    assert!(cases.len() > 25);
    for case in cases {
        let headers =
            case.headers.iter().map(|(name, value)| (name.clone(), value.as_bytes().to_vec())).collect();
        let sent = Sent {
            method: case.method,
            path: case.path,
            query: case.query,
            headers,
            body: case.body.into_bytes(),
        };
        let request = sent.request();
        let header = request.only("authorization").unwrap();
        let given = Authorization::parse(header).unwrap();
        let hash = hex(digest(&SHA256, &sent.body).as_ref());
        let canonical = canonical_request(&request, &given.signed_headers, &hash);
        assert_eq!(String::from_utf8(canonical).unwrap(), case.canonical.trim_end(), "{}", case.name);
        let keys = Credentials { access_key_id: KEY.into(), secret_access_key: case.secret.into() };
        let scope = Scope { region: &case.region, service: &case.service };
        let verdict = verify(&request, &keys, scope, datetime!(2015-08-30 12:36:00 UTC));
        let token = request.has("x-amz-security-token");
        let expected = if token { Err(SignatureFault::UnknownKey) } else { Ok(()) };
        assert_eq!(verdict, expected, "{}", case.name);
    }
}

#[test]
fn a_request_without_a_signature_is_told_so() {
    assert_eq!(fault(&unsigned(BODY)), SignatureFault::Missing);
}

#[test]
fn an_authorization_header_that_is_not_put_together_right_is_incomplete() {
    for (from, to) in [
        ("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA512 "),
        ("Credential=", "Credentials="),
        ("Credential=AKIDEXAMPLE/", "Credential="),
        ("/aws4_request", ""),
        ("SignedHeaders=", "SignedHeaders=host, SignedHeaders="),
        ("Signature=", "Signature=, Other="),
        ("Signature=", "Signature"),
        ("SignedHeaders=content-type;host;", "SignedHeaders=host;content-type;"),
        ("SignedHeaders=content-type;host;", "SignedHeaders=content-type;content-type;host;"),
        ("SignedHeaders=content-type;host;", "SignedHeaders=content-type;host;not-there;"),
    ] {
        let mut sent = signed(BODY);
        sent.replace("authorization", from, to);
        let fault = fault(&sent);
        assert!(is_incomplete(&fault), "{from} → {to}: {fault:?}");
    }
    let mut twice = signed(BODY);
    let header = twice.get("authorization").into_bytes();
    twice.headers.push(("authorization".into(), header));
    assert!(is_incomplete(&fault(&twice)));
}

#[test]
fn an_unknown_access_key_is_unrecognized() {
    let mut sent = signed(BODY);
    sent.replace("authorization", KEY, "AKIDSOMEBODY");
    assert_eq!(fault(&sent), SignatureFault::UnknownKey);
}

#[test]
fn a_session_token_is_unrecognized_since_none_was_issued() {
    let mut sent = unsigned(BODY);
    sent.set("x-amz-security-token", "token");
    let sent = signed_as(sent, SECRET, "us-east-1", "cognito-idp", NOW);
    assert_eq!(fault(&sent), SignatureFault::UnknownKey);
}

#[test]
fn another_secret_region_or_service_is_invalid() {
    for (secret, region, service) in [
        ("another", "us-east-1", "cognito-idp"),
        (SECRET, "eu-west-1", "cognito-idp"),
        (SECRET, "us-east-1", "cognito-identity"),
    ] {
        let sent = signed_as(unsigned(BODY), secret, region, service, NOW);
        assert!(is_invalid(&fault(&sent)), "{region} {service}");
    }
    let mut terminator = signed(BODY);
    terminator.replace("authorization", "aws4_request", "aws5_request");
    assert!(fault(&terminator).to_string().contains("terminator"));
}

#[test]
fn a_signature_is_good_for_five_minutes_either_way() {
    for (offset, good) in [(0, true), (300, true), (301, false), (-300, true), (-301, false)] {
        let at = NOW + Duration::seconds(offset);
        let sent = signed_as(unsigned(BODY), SECRET, "us-east-1", "cognito-idp", at);
        assert_eq!(check(&sent).is_ok(), good, "{offset}");
        if !good {
            let text = fault(&sent).to_string();
            assert!(text.contains("5 min"), "{text}");
        }
    }
}

#[test]
fn the_date_must_be_there_once_and_in_basic_form() {
    for date in ["", "2026-11-21T10:00:00Z", "20261121T100000", "yesterday"] {
        let mut sent = signed(BODY);
        sent.set("x-amz-date", date);
        assert!(is_incomplete(&fault(&sent)), "{date}");
    }
    let mut twice = signed(BODY);
    twice.headers.push(("x-amz-date".into(), b"20261121T100000Z".to_vec()));
    assert!(is_incomplete(&fault(&twice)));
    let mut without = signed(BODY);
    without.headers.retain(|(name, _)| name != "x-amz-date");
    without.replace("authorization", ";x-amz-date", "");
    assert!(is_incomplete(&fault(&without)));
}

#[test]
fn the_day_of_the_scope_must_be_the_day_of_the_request() {
    let mut sent = signed(BODY);
    sent.replace("authorization", "20261121", "20261120");
    assert!(fault(&sent).to_string().contains("YYYYMMDD"));
}

/// Signs by hand, for what the SDK's signer does not produce.
fn sign_by_hand(sent: &mut Sent, signed_headers: &str) {
    let scope = "AKIDEXAMPLE/20261121/us-east-1/cognito-idp/aws4_request";
    let header = format!("{ALGORITHM} Credential={scope}, SignedHeaders={signed_headers}, Signature=0");
    sent.set("authorization", &header);
    let request = sent.request();
    let given = Authorization::parse(request.only("authorization").unwrap()).unwrap();
    let hash = hex(digest(&SHA256, request.body).as_ref());
    let canonical = canonical_request(&request, &given.signed_headers, &hash);
    let value = signature(&canonical, &given, NOW, &SECRET.into()).unwrap();
    sent.set("authorization", &header.replace("Signature=0", &format!("Signature={value}")));
}

#[test]
fn the_date_header_stands_in_for_x_amz_date() {
    let mut sent = unsigned(BODY);
    sent.set("date", "Sat, 21 Nov 2026 10:00:00 GMT");
    sign_by_hand(&mut sent, "date;host;x-amz-target");
    assert_eq!(check(&sent), Ok(()));
    sent.set("date", "Sat, 21 Nov 2026 10:00:01 GMT");
    assert!(is_invalid(&fault(&sent)));
}

#[test]
fn host_and_every_amazon_header_must_be_signed() {
    let mut sent = unsigned(BODY);
    sent.set("x-amz-date", "20261121T100000Z");
    for (list, missing) in [
        ("x-amz-date;x-amz-target", "Host"),
        ("host;x-amz-date", "x-amz-target"),
        ("host;x-amz-target", "x-amz-date"),
    ] {
        let mut sent = sent.clone();
        sign_by_hand(&mut sent, list);
        let fault = fault(&sent);
        assert!(is_invalid(&fault) && fault.to_string().contains(missing), "{list}: {fault}");
    }
    let mut without_content_type = sent.clone();
    sign_by_hand(&mut without_content_type, "host;x-amz-date;x-amz-target");
    assert_eq!(check(&without_content_type), Ok(()));
    let mut added = signed(BODY);
    added.set("x-amz-other", "1");
    assert!(fault(&added).to_string().contains("x-amz-other"));
}

#[test]
fn a_stated_body_hash_must_be_the_hash_of_the_body() {
    let hash = hex(digest(&SHA256, BODY).as_ref());
    for (stated, good) in [(hash.as_str(), true), ("UNSIGNED-PAYLOAD", false), ("00", false)] {
        let mut sent = unsigned(BODY);
        sent.set("x-amz-date", "20261121T100000Z");
        sent.set("x-amz-content-sha256", stated);
        sign_by_hand(&mut sent, "host;x-amz-content-sha256;x-amz-date;x-amz-target");
        assert_eq!(check(&sent).is_ok(), good, "{stated}");
    }
}

#[test]
fn faults_never_repeat_a_signature() {
    let mut sent = signed(BODY);
    let header = sent.get("authorization");
    let (_, signature) = header.split_once("Signature=").unwrap();
    sent.body.push(b' ');
    assert!(!fault(&sent).to_string().contains(signature));
}

/// Changes one byte of a text to another letter or digit.
fn bend(bytes: &mut [u8], at: usize, add: u8) {
    const LETTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let old = bytes[at];
    let mut index = usize::from(add) % LETTERS.len();
    if LETTERS[index] == old {
        index = (index + 1) % LETTERS.len();
    }
    bytes[at] = LETTERS[index];
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_one_byte_change_of_what_was_signed_is_refused(
        part in 0_usize..5, at in any::<prop::sample::Index>(), add in any::<u8>(),
    ) {
        let mut sent = unsigned(BODY);
        sent.path = "/a".into();
        sent.query = Some("query=value".into());
        let mut sent = signed_as(sent, SECRET, "us-east-1", "cognito-idp", NOW);
        let whole = sent.clone();
        match part {
            0 => {
                let mut bytes = sent.method.clone().into_bytes();
                bend(&mut bytes, at.index(whole.method.len()), add);
                sent.method = String::from_utf8(bytes).unwrap();
            }
            1 => {
                let mut bytes = sent.path.clone().into_bytes();
                bend(&mut bytes[1..], at.index(whole.path.len() - 1), add);
                sent.path = String::from_utf8(bytes).unwrap();
            }
            2 => {
                let mut bytes = whole.query.clone().unwrap().into_bytes();
                bend(&mut bytes, at.index(whole.query.as_ref().unwrap().len()), add);
                sent.query = Some(String::from_utf8(bytes).unwrap());
            }
            3 => bend(&mut sent.body, at.index(BODY.len()), add),
            _ => {
                let (_, value) = &mut sent.headers[at.index(whole.headers.len())];
                let length = value.len();
                bend(value, at.index(length), add);
            }
        }
        let changed = sent.method != whole.method || sent.path != whole.path || sent.query != whole.query
            || sent.body != whole.body || sent.headers != whole.headers;
        prop_assert!(!changed || check(&sent).is_err());
    }

    #[test]
    fn no_authorization_header_makes_it_panic(header in "AWS4-HMAC-SHA256 [ -~]{0,120}") {
        let mut sent = unsigned(BODY);
        sent.set("authorization", &header);
        prop_assert!(check(&sent).is_err());
    }
}
