//! `/healthz`, `/readyz`, `/metrics` and `/attempts`, on their own listener.

use actix_web::http::header::{ACCEPT, CONTENT_TYPE, VARY};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use super::State;
use crate::observe::{scrape, text};

/// Routes of the metrics listener.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/healthz").route(web::get().to(alive)))
        .service(web::resource("/readyz").route(web::get().to(ready)))
        .service(web::resource("/metrics").route(web::get().to(metrics)))
        .service(web::resource("/attempts").route(web::get().to(super::attempts::get)));
}

/// The process answers.
async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}

/// Both stores answer, and the process is not told to stop.
async fn ready(state: web::Data<State>) -> HttpResponse {
    match state.readiness.probe(&state.context).await {
        Ok(()) => HttpResponse::Ok().content_type("text/plain").body("ready\n"),
        Err(why) => HttpResponse::ServiceUnavailable().content_type("text/plain").body(format!("{why}\n")),
    }
}

/// Prometheus text, in the form that was asked for.
async fn metrics(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let ready = state.readiness.check(&state.context).await.is_ok();
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match scrape::open_metrics(&state.context, ready) {
        Ok(told) => {
            let (kind, told) = if text::wants_open_metrics(accept) {
                (text::OPEN_METRICS, told)
            } else {
                (text::PLAIN, text::plain(&told))
            };
            HttpResponse::Ok().insert_header((CONTENT_TYPE, kind)).insert_header((VARY, "accept")).body(told)
        }
        Err(error) => {
            tracing::error!(%error, "metrics cannot be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}
