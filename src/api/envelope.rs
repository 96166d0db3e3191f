//! AWS JSON 1.1: from a raw request at `POST /` to an operation, and back.

use std::net::IpAddr;

use poolgate_providers::ambient::random_hex;
use serde_json::{Value, json};

use super::model::redact::{self, Redacted};
use super::sigv4::{self, Request, Scope};
use super::{ApiContext, ApiError, call, model};
use crate::audit::{Actor, Event, Kind, Notes, notes, noting};

/// Largest body that is read, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;
/// The one content type, both ways.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// Longest username that is looked up for the audit log, in bytes.
const MAX_NAME: usize = 1_024;

const IDENTITY_POOLS: &str = "AWSCognitoIdentityService";

/// A request id: what `x-amzn-requestid` carries when the caller has none yet.
pub fn new_request_id(random: &dyn poolgate_providers::Random) -> String {
    let hex = random_hex(random, 16);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// What is known of a request besides itself.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// `x-amzn-requestid`.
    pub request_id: &'a str,
    /// Where it came from.
    pub source: IpAddr,
}

/// Answers one request of the management API. Never fails: every fault is an answer.
///
/// The body must have been capped at [`MAX_BODY`] while it was read; a larger one is refused here too.
pub async fn handle(
    context: &ApiContext,
    request: &Request<'_>,
    caller: Caller<'_>,
) -> http::Response<Vec<u8>> {
    let operation = request.only("x-amz-target").unwrap_or("-");
    let request_id = caller.request_id;
    let mut seen = Seen::default();
    let (answer, notes) = noting(answer(context, request, caller.source, &mut seen)).await;
    seen.record(context, request, caller, &answer, notes);
    match answer {
        Ok(output) => {
            tracing::info!(request_id, operation, "management call");
            respond(200, None, &output, request_id)
        }
        Err(error) => {
            if let Some(reason) = error.reason() {
                tracing::error!(
                    request_id,
                    operation,
                    error = error.name(),
                    reason,
                    "management call failed"
                );
            } else if matches!(error, ApiError::TooManyRequests(_)) {
                // As many as somebody likes: they are counted.
                tracing::debug!(request_id, operation, "management call throttled");
            } else {
                tracing::info!(request_id, operation, error = error.name(), "management call refused");
            }
            refuse(&error, request_id)
        }
    }
}

/// The answer of a call that is refused.
pub fn refuse(error: &ApiError, request_id: &str) -> http::Response<Vec<u8>> {
    let (status, name) = error.status_and_name();
    let body = json!({ "__type": name, "message": error.to_string() });
    let mut response = respond(status, Some(name), &body, request_id);
    if let ApiError::TooManyRequests(seconds) = error {
        response.headers_mut().insert("retry-after", http::HeaderValue::from(*seconds));
    }
    response
}

/// What is known of a call by the time it was answered.
#[derive(Default)]
struct Seen {
    /// As the model calls it.
    operation: Option<&'static str>,
    /// The signature was verified.
    signed: bool,
    /// What was asked, where an event is wanted.
    input: Redacted,
}

impl Seen {
    fn record(
        &self,
        context: &ApiContext,
        request: &Request<'_>,
        caller: Caller<'_>,
        answer: &Result<Value, ApiError>,
        notes: Notes,
    ) {
        let core = &context.core;
        let Some(operation) = self.operation.filter(|_| core.audit.is_on()) else { return };
        // A stranger's refusals are counted: as many lines as he likes would fill the disk.
        if !self.signed && matches!(answer, Err(ApiError::TooManyRequests(_))) {
            return;
        }
        let read_only = is_read_only(operation);
        let why = |error: &ApiError| match error {
            ApiError::Trigger(error) => error.impersonal(),
            error => self.input.strike(&error.to_string()),
        };
        let error = answer.as_ref().err().map(|error| (error.name(), why(error)));
        let output = answer.as_ref().ok().filter(|_| !read_only);
        core.audit.record(&Event {
            name: operation,
            kind: Kind::ApiCall,
            actor: match self.signed {
                true => Actor::Administrator { access_key_id: &context.credentials.access_key_id },
                false => Actor::Anonymous,
            },
            at: core.now(),
            id: core.uuid(),
            request_id: caller.request_id,
            source: &caller.source.to_string(),
            user_agent: request.only("user-agent").unwrap_or_default(),
            read_only,
            request: self.input.value.clone(),
            response: output.map_or(Value::Null, |output| redact::output(operation, output)),
            error: error.as_ref().map(|(name, text)| (*name, text.as_str())),
            more: notes.sub.map(|sub| ("sub".to_owned(), json!(sub))).into_iter().collect(),
            surface: &core.surface,
        });
    }
}

/// Whether an operation changes nothing, by its name.
fn is_read_only(operation: &str) -> bool {
    let plain = operation.strip_prefix("Admin").unwrap_or(operation);
    let reads = ["Describe", "List", "Get"].iter().any(|verb| plain.starts_with(verb));
    // These make something, whatever they are called.
    reads && !matches!(operation, "GetTokensFromRefreshToken" | "GetUserAttributeVerificationCode")
}

async fn answer(
    context: &ApiContext,
    request: &Request<'_>,
    source: IpAddr,
    seen: &mut Seen,
) -> Result<Value, ApiError> {
    if request.body.len() > MAX_BODY {
        return Err(ApiError::TooLarge);
    }
    check_content_type(request)?;
    let operation = target(request)?;
    let known = model::model().operations.get_key_value(operation);
    let (operation, known) =
        known.ok_or_else(|| ApiError::UnknownOperation(format!("There is no operation {operation}.")))?;
    seen.operation = Some(operation);
    if known.signed() {
        let scope = Scope { region: &context.core.surface.region, service: "cognito-idp" };
        sigv4::verify(request, &context.credentials, scope, context.core.now())?;
        seen.signed = true;
        // Not before: strangers would use up what administrators may ask.
        context.core.throttle.signed(operation)?;
    } else {
        context.core.throttle.unsigned(operation, source)?;
    }
    let body = if request.body.is_empty() { b"{}" } else { request.body };
    let input = serde_json::from_slice(body)
        .map_err(|error| ApiError::Serialization(format!("The body is not JSON: {error}.")))?;
    if context.core.audit.is_on() {
        seen.input = redact::input(operation, &input);
        if seen.signed {
            note_user(context, &input).await;
        }
    }
    call(context, operation, input).await
}

/// Notes whom an administrator's call is about, before it is done: afterwards the user may be gone.
async fn note_user(context: &ApiContext, input: &Value) {
    let text = |value: &Value| {
        let text = value.as_str().filter(|text| text.len() <= MAX_NAME && !text.contains('\0'));
        text.map(str::to_owned)
    };
    let linked = &input["DestinationUser"]["ProviderAttributeValue"];
    let username = text(&input["Username"]).or_else(|| text(linked));
    let (Some(pool_id), Some(username)) = (text(&input["UserPoolId"]), username) else { return };
    // That it cannot be asked will show in what the call itself is answered.
    if let Ok(Some(user)) = context.core.directory.user(&pool_id, &username).await {
        notes::user(&user.sub);
    }
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
