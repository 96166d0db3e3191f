//! `GET /saml2/metadata`: what a SAML provider's administrator loads to know this pool.

use actix_web::{HttpResponse, web};
use poolgate_providers::saml::service_provider::ServiceProvider;

use crate::http::State;
use crate::http::host::PoolAtHost;
use crate::pool::ProviderType;
use crate::registry::LivePool;

/// The pool as a SAML service provider.
///
/// Every signing certificate is in it, also one that is used later only, so that providers know it by then; of
/// the encryption certificates the newest alone, so that no provider takes up one that is about to be retired.
pub async fn get(state: web::Data<State>, pool: PoolAtHost) -> HttpResponse {
    let pool = pool.0;
    let Some(mut consumer) = pool.domain_url(&state.context.surface) else {
        return HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body("Not found\n");
    };
    let mut logout = consumer.clone();
    consumer.set_path("/saml2/idpresponse");
    logout.set_path("/saml2/logout");
    let provider = ServiceProvider {
        entity_id: &pool.entity_id(),
        assertion_consumer_service: &consumer,
        single_logout_service: &logout,
        signs_requests: signs_requests(&pool),
        signing_certificates: pool.keys.saml_signing().published(state.context.around.clock.now()),
        encryption_certificates: vec![pool.keys.encryption_certificate()],
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

/// All SAML providers of a pool read the same metadata, and one that reads `AuthnRequestsSigned="true"` may
/// refuse requests that are not: it is said when every one of them gets signed requests.
fn signs_requests(pool: &LivePool) -> bool {
    let mut saml = pool
        .providers
        .values()
        .filter(|provider| provider.config.value.provider_type == ProviderType::Saml)
        .peekable();
    saml.peek().is_some()
        && saml.all(|provider| provider.adapter.as_ref().is_ok_and(|adapter| adapter.signs_requests()))
}
