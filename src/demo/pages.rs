//! Pages of the simulators and the sample app: one style, no inline script.

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use serde::Serialize;

use super::DemoError;
use super::people::{self, Person};

const STYLE: &str = include_str!("../../templates/demo/style.css");
const AUTO_POST: &str = include_str!("../../templates/assets/auto-post.js");

/// How a simulated provider looks.
pub struct Brand {
    /// What it is called.
    pub name: &'static str,
    /// Its class in the style sheet.
    pub style: &'static str,
}

/// Templates, ready to render.
pub struct DemoPages {
    environment: Environment<'static>,
}

impl DemoPages {
    /// Parses every template.
    ///
    /// # Errors
    /// A template that does not parse.
    pub fn new() -> Result<Self, DemoError> {
        let mut environment = Environment::new();
        for (name, source) in [
            ("layout.html", include_str!("../../templates/demo/layout.html")),
            ("provider.html", include_str!("../../templates/demo/provider.html")),
            ("apple.html", include_str!("../../templates/demo/apple.html")),
            ("auto_post.html", include_str!("../../templates/demo/auto_post.html")),
            ("home.html", include_str!("../../templates/demo/home.html")),
            ("signed_in.html", include_str!("../../templates/demo/signed_in.html")),
            ("sessions.html", include_str!("../../templates/demo/sessions.html")),
            ("trouble.html", include_str!("../../templates/demo/trouble.html")),
            ("preview.html", include_str!("../../templates/demo/preview.html")),
            ("preview_nowhere.html", include_str!("../../templates/demo/preview_nowhere.html")),
            ("response.xml", include_str!("../../templates/demo/response.xml")),
            ("metadata.xml", include_str!("../../templates/demo/metadata.xml")),
        ] {
            environment.add_template(name, source)?;
        }
        Ok(Self { environment })
    }

    /// Renders one template as text.
    ///
    /// # Errors
    /// A fault of the template.
    pub fn text(&self, name: &str, facts: Value) -> Result<String, DemoError> {
        Ok(self.environment.get_template(name)?.render(facts)?)
    }

    /// Renders one page.
    pub fn page(&self, status: StatusCode, name: &str, facts: Value) -> HttpResponse {
        match self.text(name, facts) {
            Ok(html) => HttpResponse::build(status)
                .content_type("text/html; charset=utf-8")
                .insert_header(("cache-control", "no-store"))
                .insert_header(("referrer-policy", "no-referrer"))
                .body(html),
            Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
        }
    }

    /// A page that says what is wrong.
    pub fn trouble(&self, who: &str, what: &str) -> HttpResponse {
        self.page(StatusCode::BAD_REQUEST, "trouble.html", context! { who, what })
    }

    /// The page on which a person is chosen, of a provider that shows what the app asks for and can be told no.
    pub fn chooser(&self, brand: &Brand, people: &[&Person], asks: &[&str], encoded: &[u8]) -> HttpResponse {
        let fields: Vec<_> = url::form_urlencoded::parse(encoded).into_owned().collect();
        let facts = context! {
            provider => brand.name, kind => brand.name, brand => brand.style, people => shown(people),
            asks => shown(asks), fields, cancel => true,
        };
        self.page(StatusCode::OK, "provider.html", facts)
    }

    /// A provider's page about a request it does not answer.
    pub fn refusal(&self, brand: &Brand, status: StatusCode, code: &str, what: &str) -> HttpResponse {
        let facts = context! { who => format!("Simulated {}", brand.name), brand => brand.style, code, what };
        self.page(status, "trouble.html", facts)
    }
}

/// Style and script, at every simulator and at the app.
pub fn assets(config: &mut ServiceConfig) {
    config
        .route("/style.css", web::get().to(async || HttpResponse::Ok().content_type("text/css").body(STYLE)))
        .route(
            "/auto-post.js",
            web::get().to(async || HttpResponse::Ok().content_type("text/javascript").body(AUTO_POST)),
        );
}

/// The portrait of somebody: their initials.
pub async fn portrait(id: web::Path<String>) -> HttpResponse {
    let Some(person) = people::find(&id) else { return HttpResponse::NotFound().finish() };
    let initials: String =
        [person.given_name, person.family_name].iter().filter_map(|name| name.chars().next()).collect();
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"96\" height=\"96\"><rect width=\"96\" height=\"96\" \
         fill=\"#5b6475\"/><text x=\"48\" y=\"61\" font-size=\"38\" font-family=\"sans-serif\" \
         text-anchor=\"middle\" fill=\"#fff\">{initials}</text></svg>"
    );
    HttpResponse::Ok().content_type("image/svg+xml").body(svg)
}

/// Something as a template sees it.
pub fn shown(facts: impl Serialize) -> Value {
    Value::from(Serde(facts))
}

/// A value of the query.
pub fn query(request: &HttpRequest, name: &str) -> Option<String> {
    value(request.query_string().as_bytes(), name)
}

/// A value of a form or query.
pub fn value(encoded: &[u8], name: &str) -> Option<String> {
    url::form_urlencoded::parse(encoded).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
