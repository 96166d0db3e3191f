//! `POST /saml2/idpresponse`: the assertion consumer service (SAML bindings 3.5).

use actix_web::{HttpRequest, HttpResponse, web};
use poolgate_providers::Inbound;

use crate::http::body::{self, once};
use crate::http::host::PoolAtHost;
use crate::http::{State, arrival, reply};
use crate::pool::ProviderType;

/// What the reference service says of an answer that fits no attempt.
const NOT_OURS: &str = "Invalid samlResponse or relayState from identity provider";

/// The answer in a form, cross-site and so without our cookie at first.
pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    pool: PoolAtHost,
    bytes: web::Bytes,
) -> HttpResponse {
    let Some(pairs) = body::form(&request, &bytes).filter(|_| bytes.len() <= body::MAX_SAML_FORM) else {
        return reply::unsolicited_page(
            &state,
            &request,
            "The identity provider's answer is not a form, or too large",
        );
    };
    let (Ok(Some(handle)), Ok(Some(response))) = (once(&pairs, "RelayState"), once(&pairs, "SAMLResponse"))
    else {
        return reply::unsolicited_page(&state, &request, NOT_OURS);
    };
    let arrival = arrival::Arrival {
        handle: handle.to_owned(),
        speaks: |provider_type| provider_type == ProviderType::Saml,
        inbound: Inbound::SamlResponse(response.to_owned()),
        fields: Some(vec![
            ("SAMLResponse".to_owned(), response.to_owned()),
            ("RelayState".to_owned(), handle.to_owned()),
        ]),
    };
    arrival::receive(&request, &state, &pool.0, arrival).await
}
