//! Refuses who asks too often, before anything is done for him: by source, by pool domain, and by the app client in
//! whose name a page is asked for. What is known later (whose token it is, whether a signature is good) is counted
//! where it is known.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, web};

use super::host::asked_host;
use super::pages::Kind;
use super::reply::{self, OAuthError, Trouble};
use super::{State, api, body, cors, source};
use crate::audit::notes;
use crate::observe::labels::Step;
use crate::pool::AppClient;
use crate::registry::LivePool;
use crate::throttle::TooMany;

/// Stable code of the page.
const CODE: &str = "too_many_requests";

/// Lets through what is within the limits.
///
/// # Errors
/// What the inner service fails with.
pub async fn middleware(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, actix_web::Error> {
    let state = request.app_data::<web::Data<State>>().cloned();
    if let Some(state) = state.filter(|state| state.context.throttle.is_on())
        && let Err(too_many) = check(&request, &state)
    {
        let response = refused(&state, request.request(), Step::of(request.path()), too_many);
        return Ok(request.into_response(response).map_into_right_body());
    }
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}

fn check(request: &ServiceRequest, state: &State) -> Result<(), TooMany> {
    let step = Step::of(request.path());
    let throttle = &state.context.throttle;
    let source = source::of_service(request, state);
    let host = asked_host(request.request(), state).filter(|_| is_of_a_domain(step));
    let snapshot = state.context.registry.snapshot();
    let Some(pool) = host.and_then(|host| snapshot.pool_at_host(&host).cloned()) else {
        return throttle.source(source, None);
    };
    // First: who is refused for himself uses up nothing of others.
    throttle.source(source, Some(pool.id()))?;
    let named = body::query(request.request());
    if let Ok(Some(id)) = body::once(&named, "client_id")
        && pool.client(id).is_some()
    {
        throttle.client_page(pool.id(), id)?;
    }
    throttle.domain(pool.id())
}

/// What the published quotas of a domain are about.
const fn is_of_a_domain(step: Step) -> bool {
    !matches!(step, Step::Management | Step::Discovery | Step::Metadata | Step::Assets | Step::Other)
}

/// One more call of a client that has proved itself.
///
/// # Errors
/// As `/oauth2/token` and `/oauth2/revoke` answer it.
pub fn client_call(state: &State, pool: &LivePool, client: &AppClient) -> Result<(), OAuthError> {
    notes::client(&client.client_id);
    let counted = state.context.throttle.client_call(pool.id(), &client.client_id);
    counted.map_err(|too_many| oauth_error(&too_many))
}

/// As the OAuth endpoints say it.
fn oauth_error(too_many: &TooMany) -> OAuthError {
    let description = format!("too many requests; try again in {} s", too_many.seconds);
    OAuthError::new(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable", &description)
}

/// Without a log line that is seen by default: a flood must not fill the disk.
fn refused(state: &State, request: &HttpRequest, step: Step, too_many: TooMany) -> HttpResponse {
    tracing::debug!(scope = ?too_many.limit, "throttled");
    let mut response = match step {
        Step::Management => api::throttled(request, too_many),
        Step::Token | Step::UserInfo | Step::Revoke => {
            let mut response = reply::oauth_json(&oauth_error(&too_many));
            cors::open(&mut response);
            response
        }
        Step::Discovery => {
            let mut response = plain();
            cors::open(&mut response);
            response
        }
        Step::Authorize | Step::Login | Step::Callback | Step::Logout | Step::LogoutReturn => {
            page(state, request, too_many)
        }
        Step::ProviderLogout | Step::Metadata | Step::Assets | Step::Other => plain(),
    };
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(too_many.seconds));
    response
}

fn plain() -> HttpResponse {
    HttpResponse::TooManyRequests().content_type("text/plain; charset=utf-8").body("Too many requests\n")
}

fn page(state: &State, request: &HttpRequest, too_many: TooMany) -> HttpResponse {
    let trouble =
        Trouble { status: StatusCode::TOO_MANY_REQUESTS, code: CODE, kind: Kind::TooMany, detail: "" };
    let mut response = reply::error_html(state, request, &trouble, too_many.seconds);
    reply::no_store(&mut response);
    response
}
