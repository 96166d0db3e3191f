//! What somebody tells a client at their first sign-in: a name that they may change, and their e-mail address or one
//! that Apple makes up ("Communicating using the private email relay service").

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use minijinja::context;
use serde_json::json;

use crate::demo::grants::Grant;
use crate::demo::pages::{DemoPages, shown, value};
use crate::demo::people::Person;

/// What they tell.
pub(super) struct Told {
    first_name: String,
    last_name: String,
    pub(super) email: String,
}

impl Told {
    /// From the form of the page, if it was filled in.
    pub(super) fn read(form: &[u8], person: &Person) -> Option<Self> {
        let email = match value(form, "share")?.as_str() {
            "email" => person.email.to_owned(),
            "hide" => format!("{:010x}@privaterelay.appleid.com", person.number("relay") >> 24),
            _ => return None,
        };
        let of = |name: &str| value(form, name).unwrap_or_default().trim().to_owned();
        Some(Self { first_name: of("first_name"), last_name: of("last_name"), email })
    }

    /// The `user` that is sent once, if a scope asks for any of it.
    pub(super) fn user_field(&self, scopes: &BTreeSet<String>) -> Option<String> {
        let mut user = json!({});
        if scopes.contains("name") {
            user["name"] = json!({"firstName": self.first_name, "lastName": self.last_name});
        }
        if scopes.contains("email") {
            user["email"] = self.email.as_str().into();
        }
        user.as_object().is_some_and(|user| !user.is_empty()).then(|| user.to_string())
    }
}

/// The page that asks.
pub(super) fn page(pages: &DemoPages, grant: &Grant, form: &[u8]) -> HttpResponse {
    let fields: Vec<_> = url::form_urlencoded::parse(form).into_owned().collect();
    let facts = context! {
        person => shown(grant.person), fields, name => grant.scopes.contains("name"),
        email => grant.scopes.contains("email"),
    };
    pages.page(StatusCode::OK, "apple.html", facts)
}
