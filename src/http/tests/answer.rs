//! What the gateway answers, and what a browser keeps of it.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use url::Url;

use super::house::CALLBACK;
use crate::testing::attributes;

/// An answer of the gateway.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Where a redirect goes.
    pub(super) fn location(&self) -> Url {
        assert_eq!(self.status, 302, "{self:?}");
        self.header("location").parse().unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A parameter of the redirect's query.
    pub(super) fn told(&self, name: &str) -> Option<String> {
        let url = self.location();
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The code that goes back to the app.
    pub(super) fn code(&self) -> String {
        assert!(self.header("location").starts_with(CALLBACK), "{self:?}");
        self.told("code").unwrap_or_else(|| panic!("no code: {self:?}"))
    }
}

/// A browser's cookies of the pool's host.
#[derive(Debug, Clone, Default)]
pub(super) struct Browser(pub(super) BTreeMap<String, String>);

impl Browser {
    pub(super) fn keep(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if cookie.contains("Max-Age=0") {
                self.0.remove(name);
            } else {
                self.0.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    pub(super) fn session(&self) -> &str {
        self.0.get("cognito").map_or("", String::as_str)
    }
}

impl Answer {
    /// The redirect that this page stands for: after a form of ours, a browser is led on by a page.
    #[track_caller]
    pub(super) fn led_on(mut self) -> Self {
        assert_eq!(self.status, 200, "{self:?}");
        assert!(!self.headers.contains_key("location"), "{self:?}");
        let refresh = attributes(&self.body, "content");
        let to = refresh.iter().find_map(|content| content.strip_prefix("0;url=")).expect("it leads on");
        assert_eq!(attributes(&self.body, "href").last().map(String::as_str), Some(to), "and by hand too");
        assert!(!self.body.contains("<form"), "{self:?}");
        self.headers.insert(HeaderName::from_static("location"), HeaderValue::from_str(to).unwrap());
        self.status = StatusCode::FOUND;
        self
    }
}
