//! The People API's `people.get` for the person who signed in ("Method: people.get",
//! developers.google.com/people/api/rest/v1/people/get).

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};

use super::{GoogleIdp, scopes, subject};
use crate::demo::grants::{Access, bearer};
use crate::demo::pages::query;

/// The values that `personFields` may have.
const FIELDS: [&str; 29] = [
    "addresses",
    "ageRanges",
    "biographies",
    "birthdays",
    "calendarUrls",
    "clientData",
    "coverPhotos",
    "emailAddresses",
    "events",
    "externalIds",
    "genders",
    "imClients",
    "interests",
    "locales",
    "locations",
    "memberships",
    "metadata",
    "miscKeywords",
    "names",
    "nicknames",
    "occupations",
    "organizations",
    "phoneNumbers",
    "photos",
    "relations",
    "sipAddresses",
    "skills",
    "urls",
    "userDefined",
];
/// "Query parameters", and the standard ones of every Google API.
const PARAMETERS: [&str; 6] = ["personFields", "sources", "alt", "fields", "key", "prettyPrint"];
const SOURCES: [&str; 4] = [
    "READ_SOURCE_TYPE_PROFILE",
    "READ_SOURCE_TYPE_CONTACT",
    "READ_SOURCE_TYPE_DOMAIN_CONTACT",
    "READ_SOURCE_TYPE_OTHER_CONTACT",
];
const DOCUMENTED: &str = "Valid paths are documented at \
                          https://developers.google.com/people/api/rest/v1/people/get.";

/// `{"error": {"code", "message", "status"}}` ("Error model" of Google's API design guide).
fn fault(code: StatusCode, status: &str, message: &str) -> HttpResponse {
    let error = json!({"code": code.as_u16(), "message": message, "status": status});
    HttpResponse::build(code).json(json!({ "error": error }))
}

/// `GET /v1/people/me`.
pub async fn me(http: HttpRequest, idp: web::Data<Arc<GoogleIdp>>) -> HttpResponse {
    let Some(Ok(access)) = bearer(&http).map(|token| idp.grants.access(token)) else {
        let message = "Request had invalid authentication credentials. Expected OAuth 2 access token, login \
                       cookie or other valid authentication credential.";
        return fault(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message);
    };
    // "Authorization scopes: … one of the following". What opens none of it is not let in at all.
    let opens = |scope: &String| scope != scopes::OPENID;
    if !access.scopes.iter().any(opens) {
        let message = "Request had insufficient authentication scopes.";
        return fault(StatusCode::FORBIDDEN, "PERMISSION_DENIED", message);
    }
    for (name, value) in url::form_urlencoded::parse(http.query_string().as_bytes()) {
        if !PARAMETERS.contains(&name.as_ref()) {
            let message = format!(
                "Invalid JSON payload received. Unknown name \"{name}\": Cannot bind query parameter. Field \
                 '{name}' could not be found in request message."
            );
            return fault(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", &message);
        }
        if name == "sources" && !SOURCES.contains(&value.as_ref()) {
            let message = format!("Invalid value at 'sources': \"{value}\"");
            return fault(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", &message);
        }
    }
    let mask = query(&http, "personFields").unwrap_or_default();
    let fields: Vec<_> = mask.split(',').filter(|field| !field.is_empty()).collect();
    if fields.is_empty() {
        let message =
            format!("personFields mask is required. Please specify one or more valid paths. {DOCUMENTED}");
        return fault(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", &message);
    }
    if let Some(unknown) = fields.iter().find(|field| !FIELDS.contains(field)) {
        let message = format!("Invalid personFields mask path: \"{unknown}\". {DOCUMENTED}");
        return fault(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", &message);
    }
    let mut person = Map::new();
    let id = subject(access.person);
    person.insert("resourceName".to_owned(), format!("people/{id}").into());
    person.insert("etag".to_owned(), format!("%EgUBAj0JLhoEAQIFBw{id}==").into());
    for field in fields {
        if let Some(found) = idp.field(&access, field) {
            person.insert(field.to_owned(), found);
        }
    }
    HttpResponse::Ok().json(person)
}

impl GoogleIdp {
    /// A field, unless its scope was not granted or nothing is known: then it is left out.
    fn field(&self, access: &Access, field: &str) -> Option<Value> {
        let person = access.person;
        let [birthday, phone, organization] = scopes::MORE.map(|(scope, _)| scope);
        let (scope, found) = match field {
            "names" => (
                scopes::PROFILE,
                json!({"displayName": person.name(), "displayNameLastFirst":
                       format!("{}, {}", person.family_name, person.given_name),
                       "givenName": person.given_name, "familyName": person.family_name,
                       "unstructuredName": person.name()}),
            ),
            "photos" => (scopes::PROFILE, json!({"url": self.portrait(person)})),
            "locales" => (scopes::PROFILE, json!({"value": "en"})),
            "emailAddresses" => (scopes::EMAIL, json!({"value": person.email})),
            "birthdays" => {
                let (year, month, day) = person.born;
                (birthday, json!({"date": {"year": year, "month": month, "day": day}}))
            }
            "phoneNumbers" => {
                (phone, json!({"value": person.phone, "canonicalForm": person.phone, "type": "mobile"}))
            }
            "organizations" => {
                (organization, json!({"type": "work", "current": true, "name": person.department}))
            }
            _ => return None,
        };
        if !access.scopes.contains(scope) {
            return None;
        }
        let source = json!({"type": "PROFILE", "id": subject(person)});
        let mut found = found;
        found["metadata"] = json!({"primary": true, "verified": true, "source": source});
        Some(json!([found]))
    }
}
