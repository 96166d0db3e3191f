//! `GET /attempts`, on the metrics listener: how the last sign-ins of each provider ended.

use std::net::IpAddr;

use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HOST};
use actix_web::http::uri::Authority;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::body::{self, once};
use super::{State, reply};
use crate::diagnosis::attempts::text;

const PLAIN: &str = "text/plain";

/// Whether a browser can have been led here under this name only by somebody who runs the gateway. There is no
/// password, so a page of a stranger whose own domain name was pointed at this address (DNS rebinding) must not be
/// of this origin: such a name has a dot in it and is no address.
fn is_own_name(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    !name.is_empty() && (address.parse::<IpAddr>().is_ok() || !name.contains('.'))
}

/// JSON, or text for `Accept: text/plain` and `?format=text`; `?pool=` and `?provider=` narrow it.
pub async fn get(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let host = request.headers().get(HOST).map(|host| host.to_str().unwrap_or_default());
    if !host.is_none_or(is_own_name) {
        let why = "/attempts is read by an IP address, localhost, or a name without dots\n";
        return HttpResponse::Forbidden().content_type(PLAIN).body(why);
    }
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
