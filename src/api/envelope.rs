//! AWS JSON 1.1: from a raw request at `POST /` to an operation, and back.

use poolgate_providers::ambient::random_hex;
use serde_json::{Value, json};

use super::sigv4::{self, Request, Scope};
use super::{ApiContext, ApiError, call, model};

/// Largest body that is read, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;
/// The one content type, both ways.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

const IDENTITY_POOLS: &str = "AWSCognitoIdentityService";

/// A request id: what `x-amzn-requestid` carries when the caller has none yet.
pub fn new_request_id(random: &dyn poolgate_providers::Random) -> String {
    let hex = random_hex(random, 16);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// Answers one request of the management API. Never fails: every fault is an answer.
///
/// The body must have been capped at [`MAX_BODY`] while it was read; a larger one is refused here too.
pub async fn handle(
    context: &ApiContext,
    request: &Request<'_>,
    request_id: &str,
) -> http::Response<Vec<u8>> {
    let operation = request.only("x-amz-target").unwrap_or("-");
    match answer(context, request).await {
        Ok(output) => {
            tracing::info!(request_id, operation, "management call");
            respond(200, None, &output, request_id)
        }
        Err(error) => {
            let (status, name) = error.status_and_name();
            if let Some(reason) = error.reason() {
                tracing::error!(request_id, operation, error = name, reason, "management call failed");
            } else {
                tracing::info!(request_id, operation, error = name, "management call refused");
            }
            let body = json!({ "__type": name, "message": error.to_string() });
            respond(status, Some(name), &body, request_id)
        }
    }
}

async fn answer(context: &ApiContext, request: &Request<'_>) -> Result<Value, ApiError> {
    if request.body.len() > MAX_BODY {
        return Err(ApiError::TooLarge);
    }
    check_content_type(request)?;
    let operation = target(request)?;
    let known = model::model().operations.get(operation);
    let known =
        known.ok_or_else(|| ApiError::UnknownOperation(format!("There is no operation {operation}.")))?;
    if known.signed() {
        let scope = Scope { region: &context.core.surface.region, service: "cognito-idp" };
        sigv4::verify(request, &context.credentials, scope, context.core.now())?;
    }
    let body = if request.body.is_empty() { b"{}" } else { request.body };
    let input = serde_json::from_slice(body)
        .map_err(|error| ApiError::Serialization(format!("The body is not JSON: {error}.")))?;
    call(context, operation, input).await
}

fn check_content_type(request: &Request<'_>) -> Result<(), ApiError> {
    let given = request.only("content-type").unwrap_or_default();
    let media_type = given.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case(CONTENT_TYPE) { Ok(()) } else { Err(ApiError::MediaType) }
}

/// The operation that `X-Amz-Target` names.
fn target<'a>(request: &Request<'a>) -> Result<&'a str, ApiError> {
    let target = request.only("x-amz-target").unwrap_or_default();
    match target.split_once('.') {
        Some((service, operation)) if service == model::model().target_prefix => Ok(operation),
        Some((IDENTITY_POOLS, operation)) => {
            let operation: String = operation.chars().take(64).collect();
            Err(ApiError::Unsupported(format!("{operation}: identity pools are not part of this build.")))
        }
        _ => Err(ApiError::UnknownOperation(format!(
            "X-Amz-Target must be '{}.OPERATION', once.",
            model::model().target_prefix
        ))),
    }
}

fn respond(
    status: u16,
    error: Option<&'static str>,
    body: &Value,
    request_id: &str,
) -> http::Response<Vec<u8>> {
    let mut response = http::Response::builder()
        .status(status)
        .header("content-type", CONTENT_TYPE)
        .header("cache-control", "no-store")
        .header("x-amzn-requestid", request_id);
    if let Some(name) = error {
        response = response.header("x-amzn-errortype", name);
    }
    // Only a request id that is no header value can fail here.
    response.body(body.to_string().into_bytes()).unwrap_or_default()
}
