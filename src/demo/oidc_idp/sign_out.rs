//! Signing out: at the wish of the client (OpenID Connect RP-Initiated Logout 1.0), and here, which the client hears
//! by a back-channel message (OpenID Connect Back-Channel Logout 1.0).

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use minijinja::context;
use poolgate_providers::ambient::random_token;
use serde_json::{Value, json};

use super::{CLIENT_ID, NAME, OidcIdp};
use crate::demo::grants::with_query;
use crate::demo::pages::{query, shown, value};

/// Seconds that a logout token is good for.
const LIFETIME: i64 = 120;

impl OidcIdp {
    /// The session that an ID token of ours belongs to. It may have expired (section 2 of RP-Initiated Logout).
    fn hinted(&self, id_token: &str) -> Option<String> {
        let (signed, signature) = id_token.rsplit_once('.')?;
        if !self.key.verifies(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?) {
            return None;
        }
        let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.')?.1).ok()?;
        let claims: Value = serde_json::from_slice(&claims).ok()?;
        let ours = claims["iss"] == self.base.as_str() && claims["aud"] == CLIENT_ID;
        claims["sid"].as_str().filter(|_| ours).map(str::to_owned)
    }

    /// Tells the client that a session has ended; what it answered.
    async fn announce(&self, sid: &str, subject: &str) -> Result<StatusCode, String> {
        let now = self.grants.now();
        let claims = json!({
            "iss": self.base, "aud": CLIENT_ID, "iat": now, "exp": now + LIFETIME,
            "jti": random_token(&self.own.random, 16), "sub": subject, "sid": sid,
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        });
        let token = self.key.sign_jwt(claims.to_string().as_bytes()).map_err(|error| error.to_string())?;
        let form =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", &token).finish();
        let request = http::Request::post(format!("{}/oauth2/backchannel-logout", self.own.gateway))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.into_bytes())
            .map_err(|error| error.to_string())?;
        let client = self.http.as_ref().ok_or("this provider has no way out")?;
        let answer = client.send(request).await.map_err(|error| error.to_string())?;
        StatusCode::from_u16(answer.status().as_u16()).map_err(|error| error.to_string())
    }
}

/// `GET /end-session`.
pub(super) async fn end_session(http: HttpRequest, idp: web::Data<Arc<OidcIdp>>) -> HttpResponse {
    let Some(sid) = query(&http, "id_token_hint").and_then(|hint| idp.hinted(&hint)) else {
        return idp
            .pages
            .trouble(NAME, "The id_token_hint is missing, or is no ID token of ours for this client.");
    };
    let back = query(&http, "post_logout_redirect_uri");
    let registered = format!("{}/oauth2/logoutresponse", idp.own.gateway);
    if back.as_ref().is_some_and(|back| *back != registered) {
        return idp.pages.trouble(NAME, "The post_logout_redirect_uri is not the registered one.");
    }
    idp.sessions().remove(&sid);
    let Some(back) = back else {
        return HttpResponse::SeeOther().insert_header(("location", "/")).finish();
    };
    let state = query(&http, "state");
    let pairs: Vec<_> = state.iter().map(|state| ("state", state.as_str())).collect();
    let location = if pairs.is_empty() { back } else { with_query(&back, &pairs) };
    HttpResponse::SeeOther().insert_header(("location", location)).finish()
}

/// The provider's own page: who is signed in, each with a button.
pub(super) async fn home(idp: web::Data<Arc<OidcIdp>>) -> HttpResponse {
    let sessions: Vec<_> = idp.sessions().iter().map(|(sid, person)| (sid.clone(), person.name())).collect();
    let facts = context! { provider => NAME, sessions => shown(sessions) };
    idp.pages.page(StatusCode::OK, "sessions.html", facts)
}

/// One of those buttons.
pub(super) async fn sign_out(idp: web::Data<Arc<OidcIdp>>, body: web::Bytes) -> HttpResponse {
    let sid = value(&body, "sid").unwrap_or_default();
    let Some(person) = idp.sessions().remove(&sid) else {
        return idp.pages.trouble(NAME, "There is no such session.");
    };
    match idp.announce(&sid, person.id).await {
        Ok(status) if status.is_success() => {
            HttpResponse::SeeOther().insert_header(("location", "/")).finish()
        }
        Ok(status) => idp.pages.trouble(NAME, &format!("The client answered {status}.")),
        Err(why) => idp.pages.trouble(NAME, &format!("The client was not reached: {why}.")),
    }
}
