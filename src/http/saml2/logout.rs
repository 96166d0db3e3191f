//! `GET|POST /saml2/logout`: a SAML provider's sign-out messages, by HTTP-Redirect and by HTTP-POST (SAML
//! bindings 3.4, 3.5; `gateway.md` section 4). They need no cookie of ours.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use poolgate_providers::{ProviderError, SignOutMessage};
use url::Url;

use crate::http::body::{self, Pairs, once};
use crate::http::host::PoolAtHost;
use crate::http::logout::{go_on, unasked};
use crate::http::pages::{Kind, SignedOutPage};
use crate::http::reply::{self, Trouble};
use crate::http::visit::Visit;
use crate::http::{State, onward};
use crate::observe::labels::SignOutStart;
use crate::registry::LivePool;
use crate::sign_out::hearing::{self, Heard, Refused};
use crate::sign_out::leaving::Onward;

/// HTTP-Redirect: what is signed is the query, byte for byte.
pub async fn get(request: HttpRequest, state: web::Data<State>, pool: PoolAtHost) -> HttpResponse {
    let message = SignOutMessage::SamlRedirect { query: request.query_string().to_owned() };
    receive(&request, &state, &pool.0, &message).await
}

/// HTTP-POST: a form.
pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    pool: PoolAtHost,
    bytes: web::Bytes,
) -> HttpResponse {
    let form = Some(&bytes).filter(|bytes| bytes.len() <= body::MAX_SAML_FORM);
    let form = form.and_then(|bytes| body::form(&request, bytes));
    let message =
        form.ok_or_else(|| "it is not a form, or too large".to_owned()).and_then(|form| read(&form));
    match message {
        Ok(message) => receive(&request, &state, &pool.0, &message).await,
        Err(what) => refused(&state, &request, "saml_logout_message", &what),
    }
}

fn read(form: &Pairs) -> Result<SignOutMessage, String> {
    let field = |name| Ok::<_, String>(once(form, name)?.map(str::to_owned));
    Ok(SignOutMessage::SamlPost {
        request: field("SAMLRequest")?,
        response: field("SAMLResponse")?,
        relay_state: field("RelayState")?,
    })
}

async fn receive(
    request: &HttpRequest,
    state: &State,
    pool: &LivePool,
    message: &SignOutMessage,
) -> HttpResponse {
    let heard = hearing::hear(&state.context, pool, message).await;
    // What comes back from a sign-out of ours began elsewhere.
    let ours = matches!(heard, Ok(Heard::GoOn { .. }));
    let response = answer(request, state, heard);
    if !ours {
        state.context.metrics.signed_out(SignOutStart::Saml, response.status().as_u16());
    }
    response
}

fn answer(request: &HttpRequest, state: &State, heard: Result<Heard, Refused>) -> HttpResponse {
    match heard {
        Ok(Heard::GoOn { onward, by_form: false }) => go_on(request, state, onward),
        Ok(Heard::GoOn { onward, by_form: true }) => {
            let host = match &onward {
                Onward::There(address) => {
                    Url::parse(address).ok().and_then(|url| Some(url.host_str()?.to_owned()))
                }
                _ => None,
            };
            onward::past_our_form(state, request, host.as_deref(), go_on(request, state, onward))
        }
        Ok(Heard::Answer(provider, outbound)) => onward::outbound(state, request, &provider, outbound, None),
        Ok(Heard::Untold) => {
            let visit = Visit::of(request, state);
            let html = state.pages.signed_out(&visit.look, &SignedOutPage { back: visit.back() });
            reply::page(state, StatusCode::OK, html, &[])
        }
        Err(Refused::Away(error)) => {
            tracing::error!(%error, "a sign-out message could not be followed");
            reply::unavailable_page(state, request)
        }
        Err(Refused::NotBelieved(ProviderError::StoreAway)) => reply::unavailable_page(state, request),
        Err(Refused::NotBelieved(error)) => refused(state, request, error.code(), &error.to_string()),
        Err(error @ Refused::Unasked) => unasked(state, request, &error.to_string()),
    }
}

fn refused(state: &State, request: &HttpRequest, code: &str, what: &str) -> HttpResponse {
    let trouble = Trouble {
        status: StatusCode::BAD_REQUEST,
        code,
        kind: Kind::SignOutMessage,
        detail: &format!("What the identity provider sent could not be followed: {what}."),
    };
    reply::error_page(state, request, &trouble)
}
