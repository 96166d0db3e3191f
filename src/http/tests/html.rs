//! What a page says to a browser.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use quick_xml::escape::unescape;

use super::house::Answer;

/// The values of this attribute, in order.
pub(super) fn attributes(body: &str, name: &str) -> Vec<String> {
    let marks = format!(" {name}=\"");
    let values = body.split(&marks).skip(1).filter_map(|rest| rest.split('"').next());
    values.map(|value| unescape(value).unwrap().into_owned()).collect()
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
