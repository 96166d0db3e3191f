//! `/healthz`, `/readyz`, `/metrics` and `/attempts`, on their own listener.

use std::sync::Arc;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, http::header::CONTENT_TYPE};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::State;
use crate::upkeep::Upkeep;
use crate::upkeep::metrics::Ends;

/// Class of an answer: `2xx`, `3xx`, `4xx`, `5xx`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Answered {
    class: &'static str,
}

/// What is counted.
pub struct Metrics {
    registry: Registry,
    answers: Family<Answered, Counter>,
}

impl Metrics {
    /// Everything at zero; what lasts how long is worked out when it is asked.
    pub fn new(upkeep: &Arc<Upkeep>) -> Arc<Self> {
        let mut registry = Registry::with_prefix("poolgate");
        let answers = Family::<Answered, Counter>::default();
        registry.register("http_answers", "Answers of the public listener, by class", answers.clone());
        registry.register_collector(Box::new(Ends(Arc::clone(upkeep))));
        Arc::new(Self { registry, answers })
    }

    /// Counts an answer of the public listener.
    pub fn answered(&self, status: u16) {
        let class = match status / 100 {
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        self.answers.get_or_create(&Answered { class }).inc();
    }
}

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

/// Both stores answer.
async fn ready(state: web::Data<State>) -> HttpResponse {
    let context = &state.context;
    let directory = context.directory.ping().await.map_err(|error| error.to_string());
    let sessions = context.sessions.ping().await.map_err(|error| error.to_string());
    match directory.and(sessions) {
        Ok(()) => HttpResponse::Ok().content_type("text/plain").body("ready\n"),
        Err(why) => {
            tracing::warn!(%why, "not ready");
            HttpResponse::ServiceUnavailable().content_type("text/plain").body("a store is away\n")
        }
    }
}

/// Prometheus text.
async fn metrics(state: web::Data<State>) -> HttpResponse {
    let mut text = String::new();
    match encode(&mut text, &state.metrics.registry) {
        Ok(()) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8"))
            .body(text),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}
