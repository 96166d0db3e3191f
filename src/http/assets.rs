//! `GET /assets/{hash}/{name}`: style, script and pictures of the hosted pages, and what a pool's administrator gave
//! them to wear.

use actix_web::{FromRequest as _, HttpRequest, HttpResponse, HttpResponseBuilder, web};

use super::host::{self, PoolAtHost};
use super::pages::{assets, headers};
use super::{State, reply};
use crate::style::Served;

/// The file, for ever: its name holds its content's digest. What the pages of a pool wear is found at its domain only.
pub async fn get(
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> HttpResponse {
    let (hash, name) = path.into_inner();
    if let Some(asset) = assets::find(&hash, &name) {
        return kept(&state, asset.content_type).body(asset.bytes);
    }
    match worn(&state, &request, &hash, &name).await {
        Some(file) => kept(&state, file.content_type).body(web::Bytes::from_owner(file.bytes)),
        // A page of another version of us, while replicas are replaced one by one. Like all that says nothing of its
        // keeping, it is not kept.
        None => match assets::named(&name) {
            Some(asset) => HttpResponse::Ok().content_type(asset.content_type).body(asset.bytes),
            None => super::nothing().await,
        },
    }
}

fn kept(state: &State, content_type: &str) -> HttpResponseBuilder {
    let mut builder = HttpResponse::Ok();
    for header in headers::asset(content_type, reply::transport(state), &reply::public_host(state)) {
        builder.insert_header(header);
    }
    builder
}

/// A file of the pool at this host. The page that names it may come from a replica that knows of it already.
async fn worn(state: &State, request: &HttpRequest, hash: &str, name: &str) -> Option<Served> {
    let PoolAtHost(pool) = PoolAtHost::extract(request).await.ok()?;
    let pool = host::knowing(state, pool, |pool| pool.served(hash, name).is_some()).await;
    pool.served(hash, name).cloned()
}
