//! `POST /` on any host: the management API, AWS JSON 1.1.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::{State, correlation, cors, source};
use crate::api::sigv4::Request;
use crate::api::{self, ApiError, Caller};
use crate::throttle::TooMany;

/// Hands the raw request to the API and its answer back.
pub async fn post(request: HttpRequest, state: web::Data<State>, body: web::Bytes) -> HttpResponse {
    let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let raw = Request {
        method: request.method().as_str(),
        path: request.uri().path(),
        query: request.uri().query(),
        headers,
        body: &body,
    };
    let request_id = correlation::of(&request);
    let caller = Caller { request_id: &request_id, source: source::of(&request, &state) };
    answer(api::handle(&state.api, &raw, caller).await)
}

/// A call that was one too many, whatever it asks.
pub fn throttled(request: &HttpRequest, too_many: TooMany) -> HttpResponse {
    answer(api::refuse(&ApiError::from(too_many), &correlation::of(request)))
}

fn answer(answer: ::http::Response<Vec<u8>>) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut builder = HttpResponse::build(status);
    for (name, value) in answer.headers() {
        builder.insert_header((name.as_str(), value.as_bytes()));
    }
    let mut response = builder.body(answer.into_body());
    cors::open(&mut response);
    response
}
