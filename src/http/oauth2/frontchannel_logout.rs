//! `GET /oauth2/frontchannel-logout` (OpenID Connect Front-Channel Logout 1.0 section 2; `gateway.md` section 4): a
//! frame in the provider's page, which as a rule brings no cookie of ours.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::http::body::{self, once};
use crate::http::host::PoolAtHost;
use crate::http::pages::Kind;
use crate::http::pages::headers::{self, FormTarget};
use crate::http::reply::{self, Trouble};
use crate::http::{State, cookies};
use crate::observe::labels::SignOutStart;
use crate::sign_out::frontchannel::{self, Heard, Said};
use crate::sign_out::hearing::Refused;

/// All that a frame nobody looks at has to say; the same whether or not anybody was signed in.
const PAGE: &str = "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Signed out</title><p>Signed out.</p></html>\n";

/// Ends the session that the provider's page names.
pub async fn get(request: HttpRequest, state: web::Data<State>, pool: PoolAtHost) -> HttpResponse {
    let response = end(&request, &state, &pool).await;
    state.context.metrics.signed_out(SignOutStart::Frontchannel, response.status().as_u16());
    response
}

async fn end(request: &HttpRequest, state: &State, pool: &PoolAtHost) -> HttpResponse {
    let pairs = body::query(request);
    let (issuer, sid) = match (once(&pairs, "iss"), once(&pairs, "sid")) {
        (Ok(Some(issuer)), Ok(Some(sid))) => (issuer, sid),
        (Err(why), _) | (_, Err(why)) => return odd(state, request, &format!("In this address, {why}.")),
        _ => {
            let what = "The address must name the provider (iss) and the session (sid): set the client up at \
                        the provider so that it sends both.";
            return odd(state, request, what);
        }
    };
    let cookie = cookies::read(request, cookies::SESSION);
    match frontchannel::hear(&state.context, &pool.0, &Said { issuer, sid }, cookie.as_deref()).await {
        Ok(Some(heard)) => framed(state, &heard),
        Ok(None) => odd(state, request, "The issuer (iss) is no OpenID provider of this user pool."),
        Err(Refused::NotBelieved(_) | Refused::Unasked) => odd(state, request, "It cannot be followed."),
        Err(Refused::Away(error)) => {
            tracing::error!(%error, "a front-channel sign-out could not be followed");
            reply::unavailable_page(state, request)
        }
    }
}

fn framed(state: &State, heard: &Heard) -> HttpResponse {
    let ancestors: Vec<_> = heard.framed_by.iter().filter_map(FormTarget::of_origin).collect();
    let mut builder = HttpResponse::Ok();
    for header in headers::framed(&ancestors, reply::transport(state), &reply::public_host(state)) {
        builder.insert_header(header);
    }
    if heard.cookie_ended {
        builder.cookie(cookies::no_session(state));
    }
    builder.body(PAGE)
}

fn odd(state: &State, request: &HttpRequest, what: &str) -> HttpResponse {
    let trouble = Trouble {
        status: StatusCode::BAD_REQUEST,
        code: "invalid_frontchannel_logout",
        kind: Kind::SignOutAddress,
        detail: what,
    };
    reply::error_page(state, request, &trouble)
}
