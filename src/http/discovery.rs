//! `/.well-known/openid-configuration` and `/.well-known/jwks.json`, below the issuer and at the domain.

use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use super::host::PoolAtHost;
use super::{State, cors, reply};
use crate::pool::resource_server::RESERVED_SCOPES;
use crate::registry::{LivePool, Surface};
use crate::tokens::jwks;

/// How long clients may keep either document, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("public, max-age=300");

fn answer(document: &Value) -> HttpResponse {
    let mut response = reply::json(document);
    response.headers_mut().insert(CACHE_CONTROL, MAX_AGE);
    cors::open(&mut response);
    response
}

fn not_found() -> HttpResponse {
    let mut response = HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body("Not found\n");
    cors::open(&mut response);
    response
}

/// The pool of this id; another replica may have just made it.
async fn named(state: &State, id: &str) -> Option<Arc<LivePool>> {
    let registry = &state.context.registry;
    if let Some(pool) = registry.snapshot().pool(id) {
        return Some(Arc::clone(pool));
    }
    registry.look_again().await;
    registry.snapshot().pool(id).cloned()
}

/// The document of the pool named in the path.
pub async fn document(state: web::Data<State>, pool: web::Path<String>) -> HttpResponse {
    let found = named(&state, &pool).await;
    found.map_or_else(not_found, |pool| answer(&configuration(&pool, &state.context.surface)))
}

/// The document of the pool at this host.
pub async fn document_at_domain(state: web::Data<State>, pool: PoolAtHost) -> HttpResponse {
    answer(&configuration(&pool.0, &state.context.surface))
}

/// The keys of the pool named in the path.
pub async fn keys(state: web::Data<State>, pool: web::Path<String>) -> HttpResponse {
    named(&state, &pool).await.map_or_else(not_found, |pool| answer(&jwks::jwks(&pool)))
}

/// The keys of the pool at this host.
pub async fn keys_at_domain(pool: PoolAtHost) -> HttpResponse {
    answer(&jwks::jwks(&pool.0))
}

/// Those of OpenID Connect, and those of the pool's resource servers.
fn scopes(pool: &LivePool) -> Vec<String> {
    let reserved = RESERVED_SCOPES[..4].iter().map(|scope| (*scope).to_owned());
    let servers = pool.resource_servers.values();
    reserved.chain(servers.flat_map(|server| server.value.full_scopes())).collect()
}

/// OpenID Connect Discovery 1.0 section 3. A pool without a domain has no endpoints to name.
fn configuration(pool: &LivePool, surface: &Surface) -> Value {
    let issuer = pool.issuer(surface);
    let mut document = json!({
        "id_token_signing_alg_values_supported": ["RS256"],
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "response_types_supported": ["code", "token"],
        "scopes_supported": scopes(pool),
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "grant_types_supported": ["authorization_code", "implicit", "refresh_token", "client_credentials"],
        "authorization_response_iss_parameter_supported": true,
    });
    if let Some(domain) = pool.domain_url(surface)
        && let Some(document) = document.as_object_mut()
    {
        for (name, path) in [
            ("authorization_endpoint", "oauth2/authorize"),
            ("token_endpoint", "oauth2/token"),
            ("userinfo_endpoint", "oauth2/userInfo"),
            ("revocation_endpoint", "oauth2/revoke"),
            ("end_session_endpoint", "logout"),
        ] {
            document.insert(name.to_owned(), format!("{domain}{path}").into());
        }
    }
    document
}
