//! `GET /attempts`, on the metrics listener: how the last sign-ins of each provider ended.

use actix_web::http::header::{ACCEPT, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::body::{self, once};
use super::{State, reply};
use crate::diagnosis::attempts::text;

const PLAIN: &str = "text/plain";

/// JSON, or text for `Accept: text/plain` and `?format=text`; `?pool=` and `?provider=` narrow it.
pub async fn get(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let pairs = body::query(&request);
    let refuse = |why: &str| HttpResponse::BadRequest().content_type(PLAIN).body(format!("{why}\n"));
    if pairs.iter().any(|(name, _)| !["pool", "provider", "format"].contains(&name.as_str())) {
        return refuse("/attempts knows pool, provider and format");
    }
    let (pool, provider, format) =
        match (once(&pairs, "pool"), once(&pairs, "provider"), once(&pairs, "format")) {
            (Ok(pool), Ok(provider), Ok(format)) => (pool, provider, format),
            _ => return refuse("a parameter was given more than once"),
        };
    let accepted = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let plain = match format {
        Some("text") => true,
        Some("json") => false,
        None => accepted.starts_with(PLAIN),
        Some(_) => return refuse("format is json or text"),
    };
    let seen = state.attempts.list(pool, provider);
    let mut response = if plain {
        HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; charset=utf-8")).body(text(&seen))
    } else {
        reply::json(&json!({ "providers": seen }))
    };
    reply::no_store(&mut response);
    response
}
