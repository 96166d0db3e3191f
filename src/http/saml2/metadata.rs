//! `GET /saml2/metadata`: what a SAML provider's administrator loads to know this pool.

use actix_web::{HttpResponse, web};
use poolgate_providers::saml::service_provider::ServiceProvider;

use crate::http::State;
use crate::http::host::PoolAtHost;

/// The pool as a SAML service provider.
pub async fn get(state: web::Data<State>, pool: PoolAtHost) -> HttpResponse {
    let Some(mut address) = pool.0.domain_url(&state.context.surface) else {
        return HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body("Not found\n");
    };
    address.set_path("/saml2/idpresponse");
    let provider = ServiceProvider {
        entity_id: &pool.0.entity_id(),
        assertion_consumer_service: &address,
        signing_certificates: vec![pool.0.keys.saml().certificate()],
    };
    match provider.metadata() {
        Ok(document) => HttpResponse::Ok()
            .content_type("application/samlmetadata+xml")
            .insert_header(("cache-control", "public, max-age=300"))
            .body(document),
        Err(error) => {
            tracing::error!(%error, "the SAML metadata cannot be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}
