//! `POST /` on any host: the management API, AWS JSON 1.1.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::{State, correlation, cors};
use crate::api;
use crate::api::sigv4::Request;

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
    let answer = api::handle(&state.api, &raw, &correlation::of(&request)).await;
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut builder = HttpResponse::build(status);
    for (name, value) in answer.headers() {
        builder.insert_header((name.as_str(), value.as_bytes()));
    }
    let mut response = builder.body(answer.into_body());
    cors::open(&mut response);
    response
}
