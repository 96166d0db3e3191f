//! The preview of the hosted pages: every state in every language and look, with the gateway's own headers.

use super::*;
use crate::demo::preview::{self, Preview};
use crate::http::pages::{Kind, Pages};

fn site() -> Site<Preview> {
    Site::new(preview::routes, |_| Preview::new().unwrap())
}

impl Site<Preview> {
    /// One of the lists of `/states.json`.
    async fn list(&self, name: &str) -> Vec<String> {
        serde_json::from_value(self.get("/states.json", &[]).await.json()[name].clone()).unwrap()
    }

    async fn page(&self, state: &str, lang: &str, look: &str) -> Answer {
        self.get(&format!("/preview/{state}"), &[("lang", lang), ("look", look)]).await
    }
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The values of an attribute, wherever it stands.
    fn attributes(&self, name: &str) -> Vec<String> {
        crate::testing::attributes(&self.body, name)
    }
}

#[actix_web::test]
async fn every_state_is_shown_in_every_language_and_look_and_is_in_the_index() {
    let site = site();
    let (states, languages, looks) =
        (site.list("states").await, site.list("languages").await, site.list("looks").await);
    assert_eq!(looks, ["plain", "custom"]);
    let known: Vec<_> = Pages::new().unwrap().words().all().iter().map(|language| language.tag()).collect();
    assert_eq!(languages, known);
    for (lang, look) in languages.iter().flat_map(|lang| looks.iter().map(move |look| (lang, look))) {
        let index = site.get("/", &[("lang", lang), ("look", look)]).await;
        let linked = index.attributes("href");
        for state in &states {
            assert!(linked.contains(&format!("/preview/{state}?lang={lang}&look={look}")), "{state}");
            let page = site.page(state, lang, look).await;
            let status = match state.as_str() {
                state if state.starts_with("error-too-many") => 429,
                state if state.starts_with("error-unavailable") => 503,
                state if state.starts_with("error-") => 400,
                _ => 200,
            };
            assert_eq!(page.status.as_u16(), status, "{state}: {}", page.body);
            assert!(page.body.contains(&format!("<html lang=\"{lang}\"")), "{state}: {}", page.body);
            assert!(page.body.contains("<h1>"), "{state}");
            assert_eq!(page.body.contains("class=\"customized\""), look == "custom", "{state} {look}");
        }
    }
}

#[actix_web::test]
async fn no_kind_of_error_is_missing() {
    let states = site().list("states").await;
    for kind in Kind::ALL {
        assert!(states.iter().any(|state| state == kind.message()), "{kind:?} in {states:?}");
    }
    let again: std::collections::BTreeSet<_> = states.iter().collect();
    assert_eq!(again.len(), states.len(), "each has an address of its own");
}

#[actix_web::test]
async fn what_there_is_not_is_answered_with_what_there_is() {
    let site = site();
    for (path, status, listed) in [
        ("/preview/sign-up", 404, "choose-account-email-only, "),
        ("/preview/sign-in?lang=tlh", 400, "There are: en"),
        ("/preview/sign-in?look=tweed", 400, "plain, custom"),
        ("/?lang=tlh", 400, "There are: en"),
        ("/?look=tweed", 400, "plain, custom"),
        ("/nowhere", 404, "choose-account-email-only, "),
        ("/login?state=sign-in&lang=tlh", 400, "There are: en"),
    ] {
        let answer = site.send(TestRequest::get().uri(path)).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.body);
        assert!(answer.body.contains(listed), "{path}: {}", answer.body);
    }
    let hostile = site.send(TestRequest::get().uri("/preview/%3Cscript%3E")).await;
    assert!(!hostile.body.contains("<script>"), "{}", hostile.body);
}

#[actix_web::test]
async fn a_page_has_the_gateway_s_headers_and_everything_that_it_loads() {
    let site = site();
    for look in ["plain", "custom"] {
        let page = site.page("sign-in", "en", look).await;
        assert_eq!(
            page.header("content-security-policy"),
            "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action 'self'; \
             frame-ancestors 'none'; base-uri 'none'"
        );
        assert_eq!(page.header("cache-control"), "no-store");
        let loaded: Vec<_> = [page.attributes("href"), page.attributes("src")]
            .concat()
            .into_iter()
            .filter(|path| path.starts_with("/assets/"))
            .collect();
        let worn = ["custom.css", "logo.png"].map(|name| loaded.iter().any(|path| path.ends_with(name)));
        assert_eq!(worn, [look == "custom"; 2], "{loaded:?}");
        for path in loaded {
            let request = TestRequest::get().uri(&path).to_request();
            let app = App::new().app_data(web::Data::new(Arc::clone(&site.idp))).configure(site.routes);
            let answer = test::call_service(&test::init_service(app).await, request).await;
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            let kept = answer.headers().get("cache-control").unwrap().to_str().unwrap().to_owned();
            assert_eq!(kept, "public, max-age=31536000, immutable", "{path}");
            assert!(!test::read_body(answer).await.is_empty(), "{path}");
        }
    }
    let gone = site.send(TestRequest::get().uri("/assets/AAAAAAAAAAAAAAAA/custom.css")).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn nothing_on_a_page_leaves_the_preview_and_the_way_back_is_there() {
    let site = site();
    for state in site.list("states").await {
        let page = site.page(&state, "en", "custom").await;
        let away = format!("/nowhere?state={state}&lang=en&look=custom");
        for target in [page.attributes("href"), page.attributes("action")].concat() {
            assert!(
                target == away || target.starts_with("/assets/") || target == "/login",
                "{state}: {target}"
            );
        }
        for request in [TestRequest::get(), TestRequest::post()] {
            let nowhere = site.send(request.uri(&away)).await;
            assert_eq!(nowhere.status, StatusCode::OK);
            let back = format!("/preview/{state}?lang=en&look=custom");
            assert!(nowhere.attributes("href").contains(&back), "{}", nowhere.body);
        }
    }
}

#[actix_web::test]
async fn a_page_that_leaves_by_itself_stays_to_be_looked_at() {
    let site = site();
    for state in site.list("states").await {
        let page = site.page(&state, "en", "plain").await;
        let leaves = state.starts_with("hop-");
        assert!(!page.body.contains("http-equiv"), "{state}");
        let leaves = leaves && state != "hop-onward";
        assert_eq!(page.body.contains("<script src="), leaves, "{state}");
        let allowed = page.header("content-security-policy").contains("script-src");
        assert_eq!(allowed, !leaves, "{state}");
    }
}

#[actix_web::test]
async fn the_form_for_another_language_shows_the_same_state_in_it() {
    let site = site();
    let page = site.page("sign-in-list", "en", "custom").await;
    let field =
        |name: &str, value: &str| format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
    assert!(page.body.contains(&field("state", "sign-in-list")), "{}", page.body);
    assert!(page.body.contains(&field("look", "custom")), "{}", page.body);
    let asked = [("state", "sign-in-list"), ("look", "custom"), ("lang", "en")];
    let answer = site.get("/login", &asked).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/preview/sign-in-list?lang=en&look=custom");
}

#[actix_web::test]
async fn no_page_prints_that_the_app_is_unknown() {
    let site = site();
    for state in site.list("states").await {
        let page = site.page(&state, "en", "custom").await;
        assert!(!page.body.contains("None"), "{state}: {}", page.body);
        let alone = ["signed-out", "error-expired-no-way-back"].contains(&state.as_str());
        let picture = if alone { "alt=\"\"" } else { "alt=\"" };
        assert!(page.body.contains(picture), "{state}: {}", page.body);
    }
}
