//! The Graph API's `me` node ("User", developers.facebook.com/docs/graph-api/reference/user), its errors ("Handling
//! Errors") and `appsecret_proof` ("Secure Graph API Calls"), which this app requires.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use aws_lc_rs::hmac;
use serde_json::{Map, Value, json};

use super::{FacebookIdp, is_version, user_id};
use crate::demo::grants::{Access, Closed, bearer};
use crate::demo::pages::query;

/// Fields of a user: the field and the permission that it needs.
const FIELDS: [(&str, &str); 15] = [
    ("id", "public_profile"),
    ("name", "public_profile"),
    ("first_name", "public_profile"),
    ("middle_name", "public_profile"),
    ("last_name", "public_profile"),
    ("short_name", "public_profile"),
    ("name_format", "public_profile"),
    ("picture", "public_profile"),
    ("email", "email"),
    ("birthday", "user_birthday"),
    ("gender", "user_gender"),
    ("hometown", "user_hometown"),
    ("link", "user_link"),
    ("location", "user_location"),
    ("age_range", "user_age_range"),
];

/// `{"error": {"message", "type", "code", "error_subcode", "fbtrace_id"}}`.
pub(super) struct Fault {
    kind: &'static str,
    code: u16,
    subcode: Option<u32>,
    message: String,
}

impl Fault {
    /// An `OAuthException`.
    pub(super) fn oauth(code: u16, message: impl Into<String>) -> Self {
        Self { kind: "OAuthException", code, subcode: None, message: message.into() }
    }

    /// A `GraphMethodException`.
    pub(super) fn method(code: u16, message: impl Into<String>) -> Self {
        Self { kind: "GraphMethodException", code, subcode: None, message: message.into() }
    }

    /// With its subcode.
    pub(super) fn sub(mut self, subcode: u32) -> Self {
        self.subcode = Some(subcode);
        self
    }

    /// The answer.
    pub(super) fn answer(&self, trace: &str) -> HttpResponse {
        let mut error = json!({
            "message": self.message, "type": self.kind, "code": self.code, "fbtrace_id": trace,
        });
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = subcode.into();
        }
        let challenge =
            format!("OAuth \"Facebook Platform\" \"invalid_request\" \"{}\"", self.message.replace('"', "'"));
        HttpResponse::build(StatusCode::BAD_REQUEST)
            .insert_header(("www-authenticate", challenge))
            .insert_header(("cache-control", "no-store"))
            .json(json!({ "error": error }))
    }
}

/// `GET /{version}/me`.
pub async fn me(
    http: HttpRequest,
    version: web::Path<String>,
    idp: web::Data<Arc<FacebookIdp>>,
) -> HttpResponse {
    if !is_version(&version) {
        return idp.fault(&Fault::oauth(2_500, "Unknown path components: /me"));
    }
    match idp.me(&http) {
        Ok(user) => HttpResponse::Ok().json(user),
        Err(fault) => idp.fault(&fault),
    }
}

impl FacebookIdp {
    fn me(&self, http: &HttpRequest) -> Result<Map<String, Value>, Fault> {
        let token = query(http, "access_token").or_else(|| bearer(http).map(str::to_owned));
        let token = token.ok_or_else(|| {
            let what = "An active access token must be used to query information about the current user.";
            Fault::oauth(2_500, what)
        })?;
        let access = self.grants.access(&token).map_err(|why| match why {
            Closed::Unknown => Fault::oauth(190, "Invalid OAuth access token - Cannot parse access token"),
            Closed::Expired(at) => {
                let now = self.grants.now();
                let what = format!(
                    "Error validating access token: Session has expired at unix time {at}. The current unix \
                     time is {now}."
                );
                Fault::oauth(190, what).sub(463)
            }
        })?;
        match query(http, "appsecret_proof") {
            None => {
                let what = "API calls from the server require an appsecret_proof argument";
                return Err(Fault::method(100, what));
            }
            Some(proof) if !self.is_proof(&token, &proof) => {
                return Err(Fault::method(100, "Invalid appsecret_proof provided in the API argument"));
            }
            Some(_) => {}
        }
        let fields = query(http, "fields").unwrap_or_else(|| "id,name".to_owned());
        let fields: Vec<_> = fields.split(',').map(str::trim).filter(|field| !field.is_empty()).collect();
        if let Some(unknown) = fields.iter().find(|field| FIELDS.iter().all(|(known, _)| known != *field)) {
            let what = format!("(#100) Tried accessing nonexisting field ({unknown}) on node type (User)");
            return Err(Fault::oauth(100, what));
        }
        let mut user = Map::new();
        // The id is always there; what was not agreed to, or is not known, is left out.
        for field in fields.into_iter().chain(["id"]) {
            if let Some(found) = self.field(&access, field) {
                user.insert(field.to_owned(), found);
            }
        }
        Ok(user)
    }

    /// "hash_hmac('sha256', $access_token, $app_secret)", in hexadecimal.
    fn is_proof(&self, token: &str, proof: &str) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.client.secret.as_bytes());
        let digits = || proof.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
        let bytes: Option<Vec<_>> = digits().map(|pair| u8::from_str_radix(pair?, 16).ok()).collect();
        bytes.is_some_and(|bytes| hmac::verify(&key, token.as_bytes(), &bytes).is_ok())
    }

    fn field(&self, access: &Access, field: &str) -> Option<Value> {
        let person = access.person;
        let (_, permission) = FIELDS.iter().find(|(known, _)| *known == field)?;
        if !access.scopes.contains(*permission) {
            return None;
        }
        Some(match field {
            "id" => user_id(person).into(),
            "name" => person.name().into(),
            "first_name" | "short_name" => person.given_name.into(),
            "last_name" => person.family_name.into(),
            "name_format" => "{first} {last}".into(),
            "email" => person.email.into(),
            "birthday" => {
                let (year, month, day) = person.born;
                format!("{month:02}/{day:02}/{year}").into()
            }
            "link" => format!("{}/app_scoped_user_id/{}", self.base, user_id(person)).into(),
            "picture" => {
                let url = format!("{}/portrait/{}", self.base, person.id);
                json!({"data": {"height": 50, "is_silhouette": false, "url": url, "width": 50}})
            }
            _ => return None,
        })
    }
}
