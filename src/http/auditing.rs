//! An audit event for each request to a pool's domain that signs somebody in or out, or is about tokens.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web;
use serde_json::{Map, Value, json};

use super::host::asked_host;
use super::{State, body, correlation, source};
use crate::audit::{Actor, Event, HIDDEN, Kind, Notes, noting};

/// Parameters of the query whose values an event holds: what an app asks, and nothing of a person.
const SHOWN: [&str; 12] = [
    "client_id",
    "code_challenge_method",
    "identity_provider",
    "lang",
    "logout_uri",
    "max_age",
    "post_logout_redirect_uri",
    "prompt",
    "redirect_uri",
    "resource",
    "response_type",
    "scope",
];
/// Parameters that an event names without their values.
const NAMED: [&str; 13] = [
    "RelayState",
    "SAMLRequest",
    "SAMLResponse",
    "SigAlg",
    "Signature",
    "code",
    "code_challenge",
    "id_token_hint",
    "idp_identifier",
    "login_hint",
    "nonce",
    "state",
    "error",
];
/// Longest value that is shown, in characters.
const LONGEST: usize = 512;
/// Most values of one parameter.
const MOST: usize = 4;

/// Records the request once it is answered, where that is asked for.
///
/// # Errors
/// What the inner service fails with.
pub async fn middleware(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let state = request.app_data::<web::Data<State>>().cloned();
    let name = event_name(request.path(), request.method().as_str());
    let (Some(state), Some(name)) = (state.filter(|state| state.context.audit.is_on()), name) else {
        return next.call(request).await;
    };
    let asked = Asked::of(&request, &state, name);
    let (answer, notes) = noting(next.call(request)).await;
    let status = match &answer {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    record(&state, &asked, notes, status.as_u16());
    answer
}

/// As CloudTrail calls the events of the hosted UI; the last rows are of endpoints that the reference lacks.
fn event_name(path: &str, method: &str) -> Option<&'static str> {
    Some(match (path, method) {
        ("/oauth2/authorize", "GET") => "Authorize_GET",
        ("/login", "GET") => "Login_GET",
        ("/login", "POST") => "Login_POST",
        ("/oauth2/token", "POST") => "Token_POST",
        ("/oauth2/userInfo", "GET") => "UserInfo_GET",
        ("/oauth2/userInfo", "POST") => "UserInfo_POST",
        ("/oauth2/revoke", "POST") => "Revoke_POST",
        ("/again", "GET") => "Again_GET",
        ("/logout", "GET") => "Logout_GET",
        ("/saml2/idpresponse", "GET") => "SAML2Response_GET",
        ("/saml2/idpresponse", "POST") => "SAML2Response_POST",
        ("/saml2/logout", "GET") => "SAML2Logout_GET",
        ("/saml2/logout", "POST") => "SAML2Logout_POST",
        ("/oauth2/logoutresponse", "GET") => "OAuth2LogoutResponse_GET",
        ("/oauth2/backchannel-logout", "POST") => "OAuth2BackchannelLogout_POST",
        ("/oauth2/frontchannel-logout", "GET") => "OAuth2FrontchannelLogout_GET",
        _ if path == "/oauth2/idpresponse" || path.starts_with("/oauth2/idpresponse/") => match method {
            "GET" => "OAuth2Response_GET",
            "POST" => "OAuth2Response_POST",
            _ => return None,
        },
        _ => return None,
    })
}

/// What of a request stands in its event.
struct Asked {
    name: &'static str,
    request_id: String,
    source: String,
    user_agent: String,
    host: String,
    parameters: Value,
}

impl Asked {
    fn of(request: &ServiceRequest, state: &State, name: &'static str) -> Self {
        let user_agent = request.headers().get("user-agent").and_then(|value| value.to_str().ok());
        Self {
            name,
            request_id: correlation::of(request.request()),
            source: source::of_service(request, state).to_string(),
            user_agent: user_agent.unwrap_or_default().to_owned(),
            host: asked_host(request.request(), state).unwrap_or_default(),
            parameters: parameters(&body::query(request.request())),
        }
    }
}

fn parameters(pairs: &body::Pairs) -> Value {
    let mut kept = Map::new();
    for (name, value) in pairs {
        let value = if SHOWN.contains(&name.as_str()) {
            value.chars().take(LONGEST).collect()
        } else if NAMED.contains(&name.as_str()) {
            HIDDEN.to_owned()
        } else {
            continue;
        };
        let values = kept.entry(name.clone()).or_insert_with(|| json!([]));
        if let Some(values) = values.as_array_mut().filter(|values| values.len() < MOST) {
            values.push(value.into());
        }
    }
    Value::Object(kept)
}

fn record(state: &State, asked: &Asked, notes: Notes, status: u16) {
    // No pool answers at that host: nobody's event.
    let Some(pool_id) = notes.pool_id else { return };
    let mut more = Map::from_iter([
        ("userPoolId".to_owned(), json!(pool_id)),
        ("userPoolDomain".to_owned(), json!(asked.host)),
        ("requestParameters".to_owned(), asked.parameters.clone()),
        ("responseParameters".to_owned(), json!({ "status": status })),
    ]);
    let told = [
        ("clientId", notes.client_id),
        ("identityProvider", notes.provider),
        ("sub", notes.sub),
        ("grantType", notes.grant.map(str::to_owned)),
    ];
    more.extend(told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))));
    // What was refused without a word of why is refused all the same.
    let error = notes.error.or_else(|| (status >= 400).then(|| (format!("Http{status}"), String::new())));
    let context = &state.context;
    context.audit.record(&Event {
        name: asked.name,
        kind: Kind::ServiceEvent,
        actor: Actor::Visitor,
        at: context.now(),
        id: context.uuid(),
        request_id: &asked.request_id,
        source: &asked.source,
        user_agent: &asked.user_agent,
        read_only: false,
        request: Value::Null,
        response: Value::Null,
        error: error.as_ref().map(|(code, text)| (code.as_str(), text.as_str())),
        more,
        surface: &context.surface,
    });
}
