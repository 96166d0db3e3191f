//! A preview for administrators: each hosted page in each state, language and look, made by the gateway's own code
//! out of made-up facts. It signs nobody in and holds no secret.

mod look;
mod scenes;
mod sign_in;

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use minijinja::context;
use serde::Serialize;
use serde_json::json;

use super::DemoError;
use super::pages::{self as demo_pages, DemoPages, query, shown};
use crate::http::pages::assets;
use crate::http::pages::headers::{self, Header, Transport};
use crate::http::pages::{Look as Dressed, PageError, Pages};
use crate::style::Dress;
use crate::words::Language;
use look::Look;
use scenes::{Facts, Scene, Way};

/// The app that the pages are about.
const APP: &str = "Northwind";
/// Where it is served: the gateway's headers depend on it.
const HOST: &str = "127.0.0.1";
/// What a page without scripts is not allowed.
const SCRIPTS: &str = " script-src 'self';";

/// The preview.
pub struct Preview {
    pages: Pages,
    own: DemoPages,
    dress: Dress,
    scenes: Vec<Scene>,
}

/// In which language and look the pages are.
struct Chosen {
    language: Arc<Language>,
    look: Look,
}

/// A state, a language or a look that there is not.
struct Unknown {
    status: StatusCode,
    what: String,
}

#[derive(Serialize)]
struct Part<'a> {
    name: &'static str,
    states: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    slug: &'a str,
    name: &'a str,
    status: u16,
}

impl Preview {
    /// Reads templates, messages and the sample look.
    ///
    /// # Errors
    /// A template or a message file that does not parse.
    pub fn new() -> Result<Self, DemoError> {
        let pages = Pages::new()?;
        let scenes = scenes::all(pages.words());
        Ok(Self { pages, own: DemoPages::new()?, dress: look::custom(), scenes })
    }

    fn scene(&self, slug: &str) -> Result<&Scene, Unknown> {
        let known = || self.scenes.iter().map(|scene| scene.slug.as_str());
        let found = self.scenes.iter().find(|scene| scene.slug == slug);
        found.ok_or_else(|| unknown(StatusCode::NOT_FOUND, "state", slug, known()))
    }

    /// Language and look of the query: English and plain where it says nothing.
    fn chosen(&self, request: &HttpRequest) -> Result<Chosen, Unknown> {
        let words = self.pages.words();
        let tag = query(request, "lang").unwrap_or_else(|| words.default().tag().to_owned());
        let tags = || words.all().iter().map(|language| language.tag());
        let language = words
            .tagged(&tag)
            .cloned()
            .ok_or_else(|| unknown(StatusCode::BAD_REQUEST, "language (lang)", &tag, tags()))?;
        let slug = query(request, "look").unwrap_or_else(|| Look::Plain.slug().to_owned());
        let look = Look::ALL
            .into_iter()
            .find(|look| look.slug() == slug)
            .ok_or_else(|| unknown(StatusCode::BAD_REQUEST, "look", &slug, Look::ALL.map(Look::slug)))?;
        Ok(Chosen { language, look })
    }

    fn html(&self, scene: &Scene, chosen: &Chosen) -> Option<Result<String, PageError>> {
        let mut look = Dressed::plain(Arc::clone(&chosen.language));
        look.app = scene.knows_app().then(|| APP.to_owned());
        if chosen.look == Look::Custom {
            look.wear(&self.dress);
        }
        let way = Way::of(scene, &chosen.language, chosen.look)?;
        Some(match scene.facts(&way) {
            Facts::SignIn(page) => self.pages.login(&look, &page),
            Facts::SignedOut(page) => self.pages.signed_out(&look, &page),
            Facts::Hop(page) => self.pages.auto_post(&look, &page),
            Facts::Onward(page) => self.pages.onward(&look, &page),
            Facts::Error(page) => self.pages.error(&look, &page),
        })
    }

    fn show(&self, scene: &Scene, chosen: &Chosen) -> HttpResponse {
        match self.html(scene, chosen) {
            Some(Ok(html)) => {
                let status = StatusCode::from_u16(scene.status).unwrap_or_default();
                let mut response = HttpResponse::build(status);
                for header in page_headers(scene) {
                    response.insert_header(header);
                }
                response.body(html)
            }
            Some(Err(error)) => HttpResponse::InternalServerError().body(error.to_string()),
            None => HttpResponse::InternalServerError().finish(),
        }
    }

    fn index(&self, chosen: &Chosen) -> HttpResponse {
        let mut parts: Vec<Part<'_>> = Vec::new();
        for scene in &self.scenes {
            let row = Row { slug: &scene.slug, name: &scene.name, status: scene.status };
            match parts.last_mut().filter(|part| part.name == scene.part) {
                Some(part) => part.states.push(row),
                None => parts.push(Part { name: scene.part, states: vec![row] }),
            }
        }
        let languages: Vec<_> = self
            .pages
            .words()
            .all()
            .iter()
            .map(|language| json!({"tag": language.tag(), "name": language.name()}))
            .collect();
        let looks = Look::ALL.map(|look| json!({"slug": look.slug(), "name": look.name()}));
        let facts = context! {
            app => APP, parts => shown(parts), languages => shown(languages), looks => shown(looks),
            lang => chosen.language.tag(), look => chosen.look.slug(),
        };
        self.own.page(StatusCode::OK, "preview.html", facts)
    }

    fn refuse(&self, unknown: Unknown) -> HttpResponse {
        let facts = context! { who => "Preview", what => unknown.what, home => true };
        self.own.page(unknown.status, "trouble.html", facts)
    }

    fn answer(&self, answer: Result<HttpResponse, Unknown>) -> HttpResponse {
        answer.unwrap_or_else(|unknown| self.refuse(unknown))
    }
}

fn unknown<'a>(
    status: StatusCode,
    what: &str,
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Unknown {
    let known: Vec<_> = known.into_iter().collect();
    Unknown { status, what: format!("There is no {what} {given}. There are: {}.", known.join(", ")) }
}

/// Those of the gateway. A page that would leave at once is not allowed its script: it is there to be looked at.
fn page_headers(scene: &Scene) -> Vec<Header> {
    let mut headers = headers::page(&[], Transport::Plain, HOST);
    if scene.leaves() {
        for (_, value) in headers.iter_mut().filter(|(name, _)| *name == "content-security-policy") {
            *value = value.replace(SCRIPTS, "");
        }
    }
    headers
}

/// Its routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/", web::get().to(index))
        .route("/states.json", web::get().to(states))
        .route("/preview/{state}", web::get().to(page))
        .route("/login", web::get().to(in_another_language))
        .route("/nowhere", web::get().to(nowhere))
        .route("/nowhere", web::post().to(nowhere))
        .route("/assets/{hash}/{name}", web::get().to(asset))
        .configure(demo_pages::assets);
}

async fn index(request: HttpRequest, preview: web::Data<Arc<Preview>>) -> HttpResponse {
    preview.answer(preview.chosen(&request).map(|chosen| preview.index(&chosen)))
}

async fn states(preview: web::Data<Arc<Preview>>) -> HttpResponse {
    let states: Vec<_> = preview.scenes.iter().map(|scene| &scene.slug).collect();
    let languages: Vec<_> = preview.pages.words().all().iter().map(|language| language.tag()).collect();
    let looks = Look::ALL.map(Look::slug);
    HttpResponse::Ok().json(json!({"states": states, "languages": languages, "looks": looks}))
}

async fn page(
    state: web::Path<String>,
    request: HttpRequest,
    preview: web::Data<Arc<Preview>>,
) -> HttpResponse {
    let found = preview.scene(&state).and_then(|scene| Ok((scene, preview.chosen(&request)?)));
    preview.answer(found.map(|(scene, chosen)| preview.show(scene, &chosen)))
}

/// The state, language and look that an address asks for, as the address of the page.
fn address(preview: &Preview, request: &HttpRequest) -> Result<(String, Chosen), Unknown> {
    let scene = preview.scene(&query(request, "state").unwrap_or_default())?;
    let chosen = preview.chosen(request)?;
    let (lang, look) = (chosen.language.tag(), chosen.look.slug());
    Ok((format!("/preview/{}?lang={lang}&look={look}", scene.slug), chosen))
}

/// Where the login page's form for another language leads.
async fn in_another_language(request: HttpRequest, preview: web::Data<Arc<Preview>>) -> HttpResponse {
    let there = address(&preview, &request)
        .map(|(path, _)| HttpResponse::SeeOther().insert_header(("location", path)).finish());
    preview.answer(there)
}

/// Where every other link and form of the pages leads.
async fn nowhere(request: HttpRequest, preview: web::Data<Arc<Preview>>) -> HttpResponse {
    let left = address(&preview, &request).map(|(back, chosen)| {
        let (lang, look) = (chosen.language.tag(), chosen.look.slug());
        let index = format!("/?lang={lang}&look={look}");
        preview.own.page(StatusCode::OK, "preview_nowhere.html", context! { back, index })
    });
    preview.answer(left)
}

/// What the pages wear, and the sample look.
async fn asset(path: web::Path<(String, String)>, preview: web::Data<Arc<Preview>>) -> HttpResponse {
    let (hash, name) = path.into_inner();
    if let Some(asset) = assets::find(&hash, &name) {
        return kept(asset.content_type, web::Bytes::from_static(asset.bytes));
    }
    match preview.dress.files().find(|file| file.hash == hash && file.name == name).cloned() {
        Some(file) => kept(file.content_type, web::Bytes::from_owner(file.bytes)),
        None => HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body("Not found\n"),
    }
}

fn kept(content_type: &str, body: web::Bytes) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    for header in headers::asset(content_type, Transport::Plain, HOST) {
        response.insert_header(header);
    }
    response.body(body)
}
