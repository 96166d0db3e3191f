//! `GET /assets/{hash}/{name}`: style and script of the hosted pages.

use actix_web::{HttpResponse, web};

use super::pages::{assets, headers};
use super::{State, reply};

/// The file, for ever: its name holds its content's digest.
pub async fn get(state: web::Data<State>, path: web::Path<(String, String)>) -> HttpResponse {
    let Some(asset) = assets::find(&path.0, &path.1) else {
        return HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body("Not found\n");
    };
    let mut builder = HttpResponse::Ok();
    for header in headers::asset(asset, reply::transport(&state), &reply::public_host(&state)) {
        builder.insert_header(header);
    }
    builder.body(asset.bytes)
}
