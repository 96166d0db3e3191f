use super::*;
use std::net::{IpAddr, Ipv4Addr};

use crate::api::envelope::{CONTENT_TYPE, Caller, MAX_BODY, handle, new_request_id};
use crate::api::sigv4::Request;

const CALLER: Caller<'static> = Caller { request_id: "id-1", source: IpAddr::V4(Ipv4Addr::LOCALHOST) };
const TARGET: &str = "AWSCognitoIdentityProviderService.";

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: http::HeaderMap,
    pub(super) body: Value,
}

async fn send(world: &World, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    let request = Request { method: "POST", path: "/", query: None, headers, body };
    let response = handle(&world.api, &request, CALLER).await;
    let (parts, body) = response.into_parts();
    let body = serde_json::from_slice(&body).unwrap();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

fn plain(target: &str) -> Vec<(&str, &str)> {
    vec![("host", "localhost:9229"), ("content-type", CONTENT_TYPE), ("x-amz-target", target)]
}

#[tokio::test]
async fn a_fault_carries_type_message_and_request_id() {
    let world = World::new().await;
    let target = format!("{TARGET}ListUserPools");
    let answer = send(&world, &plain(&target), b"{\"MaxResults\":1}").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.body["__type"], "MissingAuthenticationTokenException");
    assert_eq!(answer.body["message"], "Request is missing Authentication Token");
    assert_eq!(answer.headers["x-amzn-errortype"], "MissingAuthenticationTokenException");
    assert_eq!(answer.headers["x-amzn-requestid"], "id-1");
    assert_eq!(answer.headers["content-type"], CONTENT_TYPE);
}

#[tokio::test]
async fn every_operation_that_the_model_does_not_free_needs_a_signature() {
    let world = World::new().await;
    for (name, operation) in &model::model().operations {
        let target = format!("{TARGET}{name}");
        let answer = send(&world, &plain(&target), b"{}").await;
        let missing = answer.body["__type"] == "MissingAuthenticationTokenException";
        assert_eq!(missing, operation.signed(), "{name}: {}", answer.body);
    }
}

#[tokio::test]
async fn requests_that_are_no_aws_json_calls_are_refused() {
    let world = World::new().await;
    let free = format!("{TARGET}GetUser");
    let with = |content_type: &'static str| {
        vec![("host", "localhost"), ("content-type", content_type), ("x-amz-target", free.as_str())]
    };
    let mut twice = plain(&free);
    twice.push(("x-amz-target", &free));
    for (headers, body, status, name) in [
        (plain("Nonsense"), &b"{}"[..], 404, "UnknownOperationException"),
        (plain("Other.GetUser"), b"{}", 404, "UnknownOperationException"),
        (plain("AWSCognitoIdentityProviderService.Fly"), b"{}", 404, "UnknownOperationException"),
        (twice, b"{}", 404, "UnknownOperationException"),
        (plain("AWSCognitoIdentityService.GetId"), b"{}", 400, "UnsupportedOperationException"),
        (with("application/json"), b"{}", 415, "UnsupportedMediaTypeException"),
        (with("application/x-amz-json-1.1; charset=utf-8"), b"{", 400, "SerializationException"),
        (plain(&free), b"[]", 400, "SerializationException"),
        (plain(&free), b"\xff", 400, "SerializationException"),
        (plain(&free), &vec![b' '; MAX_BODY + 1], 413, "RequestEntityTooLargeException"),
    ] {
        let answer = send(&world, &headers, body).await;
        assert_eq!((answer.status, &answer.body["__type"]), (status, &json!(name)), "{}", answer.body);
    }
}

/// The headers of a call, signed.
pub(super) fn signed(operation: &str, body: &[u8]) -> Vec<(String, String)> {
    use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
    let target = format!("{TARGET}{operation}");
    let identity = aws_credential_types::Credentials::new("AKIDEXAMPLE", "secret", None, None, "test").into();
    let seconds = NOW.unix_timestamp().unsigned_abs();
    let params = aws_sigv4::sign::v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("cognito-idp")
        .time(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds))
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let headers = plain(&target);
    let signable = SignableRequest::new(
        "POST",
        "http://localhost:9229/",
        headers.iter().copied(),
        SignableBody::Bytes(body),
    );
    let (instructions, _) = sign(signable.unwrap(), &params).unwrap().into_parts();
    let all = headers.iter().copied().chain(instructions.headers());
    all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Calls as an administrator.
pub(super) async fn call_signed(world: &World, operation: &str, input: &Value) -> Answer {
    let body = input.to_string().into_bytes();
    let headers = signed(operation, &body);
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    send(world, &headers, &body).await
}

/// Calls without a signature.
pub(super) async fn call_plain(world: &World, operation: &str, input: &Value) -> Answer {
    send(world, &plain(&format!("{TARGET}{operation}")), input.to_string().as_bytes()).await
}

#[tokio::test]
async fn a_signed_request_is_answered_and_a_changed_one_is_not() {
    let world = World::new().await;
    let signed = signed("ListUserPools", b"{\"MaxResults\":1}");
    let signed: Vec<_> = signed.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = send(&world, &signed, b"{\"MaxResults\":1}").await;
    assert_eq!((answer.status, answer.body), (200, json!({ "UserPools": [] })));
    assert!(!answer.headers.contains_key("x-amzn-errortype"));
    let answer = send(&world, &signed, b"{\"MaxResults\":2}").await;
    assert_eq!(answer.body["__type"], "InvalidSignatureException");
}

#[test]
fn request_ids_have_the_shape_of_a_uuid() {
    let id = new_request_id(&SystemRandom);
    assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
}
