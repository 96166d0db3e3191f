//! The endpoints: one file each, with its parameters, its handler and its errors. No rule lives here.

pub mod again;
pub mod api;
pub mod arrival;
pub mod assets;
pub mod attempts;
pub mod auditing;
pub mod body;
pub mod cookies;
pub mod correlation;
pub mod cors;
pub mod discovery;
pub mod health;
pub mod host;
pub mod login;
pub mod logout;
pub mod oauth2;
pub mod onward;
pub mod pages;
pub mod prefetch;
pub mod reply;
pub mod saml2;
pub mod source;
#[cfg(test)]
pub(crate) mod tests;
pub mod throttling;
pub mod visit;

use std::sync::Arc;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Route, guard};
use ipnet::IpNet;

use crate::api::ApiContext;
use crate::context::Context;
use crate::diagnosis::attempts::Attempts;
use crate::observe::readiness::Readiness;
use pages::Pages;

/// What every handler may use. Cheap to clone.
#[derive(Clone)]
pub struct State {
    /// Stores, configuration, time, randomness.
    pub context: Context,
    /// The management API.
    pub api: Arc<ApiContext>,
    /// The hosted pages.
    pub pages: Arc<Pages>,
    /// Whether traffic should come here.
    pub readiness: Arc<Readiness>,
    /// How the last sign-ins ended.
    pub attempts: Arc<Attempts>,
    /// Whose `Forwarded` headers are believed.
    pub trusted_proxies: Arc<[IpNet]>,
}

impl State {
    /// Whether browsers reach us over TLS: cookies are `Secure` then.
    pub fn is_secure(&self) -> bool {
        self.context.surface.public_url.scheme() == "https"
    }
}

/// Every public route.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(
            web::resource("/")
                .route(looked_at().to(nothing))
                .route(web::post().to(api::post))
                .route(web::method(actix_web::http::Method::OPTIONS).to(cors::preflight)),
        )
        .service(web::resource("/oauth2/authorize").route(web::get().to(oauth2::authorize::get)))
        .service(open_resource("/oauth2/token").route(web::post().to(oauth2::token::post)))
        .service(
            open_resource("/oauth2/userInfo")
                .route(web::get().to(oauth2::user_info::handle))
                .route(web::post().to(oauth2::user_info::handle)),
        )
        .service(open_resource("/oauth2/revoke").route(web::post().to(oauth2::revoke::post)))
        .service(
            web::resource("/oauth2/idpresponse")
                .route(web::get().to(oauth2::idp_response::get))
                .route(web::post().to(oauth2::idp_response::post)),
        )
        .service(
            web::resource("/oauth2/idpresponse/{provider}")
                .route(web::get().to(oauth2::idp_response::get))
                .route(web::post().to(oauth2::idp_response::post)),
        )
        .service(web::resource("/oauth2/logoutresponse").route(web::get().to(oauth2::logout_response::get)))
        .service(
            web::resource("/oauth2/backchannel-logout")
                .route(web::post().to(oauth2::backchannel_logout::post)),
        )
        .service(
            web::resource("/oauth2/frontchannel-logout")
                .route(web::get().to(oauth2::frontchannel_logout::get)),
        )
        .service(web::resource("/saml2/metadata").route(looked_at().to(saml2::metadata::get)))
        .service(
            web::resource("/saml2/idpresponse")
                .route(web::get().to(saml2::idp_response::get))
                .route(web::post().to(saml2::idp_response::post)),
        )
        .service(
            web::resource("/saml2/logout")
                .route(web::get().to(saml2::logout::get))
                .route(web::post().to(saml2::logout::post)),
        )
        .service(web::resource("/login").route(web::get().to(login::get)).route(web::post().to(login::post)))
        .service(web::resource("/again").route(web::get().to(again::get)))
        .service(web::resource("/logout").route(web::get().to(logout::get)))
        .service(web::resource("/assets/{hash}/{name}").route(looked_at().to(assets::get)))
        .service(
            open_resource("/{pool}/.well-known/openid-configuration")
                .route(looked_at().to(discovery::document)),
        )
        .service(open_resource("/{pool}/.well-known/jwks.json").route(looked_at().to(discovery::keys)))
        .service(
            open_resource("/.well-known/openid-configuration")
                .route(looked_at().to(discovery::document_at_domain)),
        )
        .service(open_resource("/.well-known/jwks.json").route(looked_at().to(discovery::keys_at_domain)));
}

/// What changes nothing is shown, or by HEAD only described (RFC 9110 section 9.3.2).
fn looked_at() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// There is nothing here.
pub async fn nothing() -> HttpResponse {
    HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body("Not found\n")
}

/// A resource that browsers of other origins may read, without credentials.
fn open_resource(path: &str) -> actix_web::Resource {
    web::resource(path).route(web::method(actix_web::http::Method::OPTIONS).to(cors::preflight))
}
