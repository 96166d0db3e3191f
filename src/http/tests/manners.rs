//! What holds for every answer: nobody frames it, keeps it, guesses its type or learns where one came from; cookies are
//! ours alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::test::TestRequest;

use super::house::{
    Answer, Browser, CALLBACK, House, LOGGED_OUT, POOL, authorize_path, callback_path, oidc, person,
};
use super::moods::Mood;
use crate::http::pages::Kind;
use crate::registry::Edit;
use crate::throttle::{Rates, Throttle};

/// A route, what was asked there, and the answer.
type Seen = (&'static str, String, Answer);

/// An answer or more of every route, and every kind of page.
struct Round {
    house: House,
    seen: Vec<Seen>,
}

impl Round {
    async fn of(house: House) -> Self {
        let mut own = oidc("Own");
        own.provider_details.insert("callback".into(), "own".into());
        house.edit(vec![Edit::CreateProvider(own)]).await;
        let mut round = Self { house, seen: Vec::new() };
        round.sign_in_and_out().await;
        round.errors().await;
        round.for_machines().await;
        round.out_of_order().await;
        round
    }

    async fn get(&mut self, route: &'static str, browser: &mut Browser, path: &str) -> usize {
        let answer = self.house.get(browser, path).await;
        self.seen.push((route, format!("GET {path}"), answer));
        self.seen.len() - 1
    }

    async fn post(&mut self, route: &'static str, browser: &mut Browser, path: &str, form: &[(&str, &str)]) {
        let answer = self.house.post_from(browser, path, form).await;
        self.seen.push((route, format!("POST {path}"), answer));
    }

    async fn other(&mut self, route: &'static str, method: Method, path: &str) {
        let request =
            TestRequest::default().method(method.clone()).uri(path).insert_header(("host", "localhost"));
        let answer = self.house.send(request).await;
        self.seen.push((route, format!("{method} {path}"), answer));
    }

    fn answer(&self, place: usize) -> &Answer {
        &self.seen[place].2
    }

    async fn sign_in_and_out(&mut self) {
        let (authorize, callback) = ("/oauth2/authorize", "/oauth2/idpresponse");
        let mut browser = Browser::default();
        let page = authorize_path(&[]);
        self.get(authorize, &mut browser, &page).await;
        self.get("/login", &mut browser, &page.replace(authorize, "/login")).await;
        let typed = [("email", "jane@unknown.example")];
        self.post("/login", &mut browser, &page.replace(authorize, "/login"), &typed).await;
        let left = self.get(authorize, &mut browser, &authorize_path(&[("identity_provider", "Acme")])).await;
        let back = callback_path(self.answer(left), &person("alice"));
        let form = back.split_once('?').unwrap().1.to_owned();
        let form: Vec<(String, String)> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post(callback, &mut Browser::default(), callback, &form).await;
        self.get(callback, &mut Browser::default(), &back).await;
        self.get(callback, &mut browser, &back).await;
        self.get(callback, &mut browser, &back).await;
        self.get(authorize, &mut browser, &page).await;
        self.get(authorize, &mut browser, &authorize_path(&[("scope", "nothing")])).await;
        let again = browser.0.keys().find_map(|name| name.split("again-").nth(1)).unwrap().to_owned();
        self.get("/again", &mut browser, &format!("/again?attempt={again}")).await;
        self.get("/logout", &mut browser, "/logout?client_id=app").await;
        self.get("/logout", &mut browser, &format!("/logout?client_id=app&logout_uri={LOGGED_OUT}")).await;
        let login = format!("/logout?client_id=app&redirect_uri={CALLBACK}&response_type=code");
        self.get("/logout", &mut browser, &login).await;
        self.get("/oauth2/idpresponse/{provider}", &mut browser, "/oauth2/idpresponse/Own?state=x").await;
        let left = self.get(authorize, &mut browser, &authorize_path(&[("identity_provider", "Acme")])).await;
        let link = browser.0.keys().find_map(|name| name.split("again-").nth(1)).unwrap().to_owned();
        assert_eq!(self.answer(left).status, 302);
        self.get("/again", &mut browser, &format!("/again?attempt={link}")).await;
    }

    async fn errors(&mut self) {
        let mut browser = Browser::default();
        let none = &mut browser;
        self.get("/oauth2/authorize", none, "/oauth2/authorize?client_id=nobody").await;
        self.get("/login", none, "/login").await;
        self.post("/login", none, "/login", &[]).await;
        self.get("/logout", none, "/logout").await;
        self.get("/again", none, "/again").await;
        self.get("/oauth2/idpresponse", none, "/oauth2/idpresponse").await;
        self.get("/saml2/idpresponse", none, "/saml2/idpresponse").await;
        self.post("/saml2/idpresponse", none, "/saml2/idpresponse", &[]).await;
        self.post(
            "/saml2/idpresponse",
            none,
            "/saml2/idpresponse",
            &[("SAMLResponse", "x"), ("RelayState", "y")],
        )
        .await;
        self.get("/oauth2/logoutresponse", none, "/oauth2/logoutresponse?state=x").await;
        self.get("/oauth2/frontchannel-logout", none, "/oauth2/frontchannel-logout").await;
        self.get("/saml2/logout", none, "/saml2/logout").await;
        self.post("/saml2/logout", none, "/saml2/logout", &[("SAMLRequest", "x")]).await;
        self.get("(none)", none, "/nowhere").await;
        self.get("(none)", none, "//evil.example/login").await;
        self.other("(none)", Method::DELETE, "/login").await;
    }

    async fn for_machines(&mut self) {
        let mut browser = Browser::default();
        let none = &mut browser;
        self.post("/", none, "/", &[]).await;
        self.other("/", Method::OPTIONS, "/").await;
        self.post("/oauth2/token", none, "/oauth2/token", &[]).await;
        self.other("/oauth2/token", Method::OPTIONS, "/oauth2/token").await;
        self.get("/oauth2/userInfo", none, "/oauth2/userInfo").await;
        self.post("/oauth2/revoke", none, "/oauth2/revoke", &[]).await;
        self.post("/oauth2/backchannel-logout", none, "/oauth2/backchannel-logout", &[]).await;
        self.get("/saml2/metadata", none, "/saml2/metadata").await;
        let assets = |page: &Answer| {
            let rest = page.body.split("/assets/").nth(1).unwrap();
            format!("/assets/{}", rest.split('"').next().unwrap())
        };
        let page = self.house.get(none, "/logout?client_id=app").await;
        self.get("/assets/{hash}/{name}", none, &assets(&page)).await;
        self.get("/assets/{hash}/{name}", none, "/assets/x/y").await;
        for (route, path) in [
            ("/{pool}/.well-known/openid-configuration", format!("/{POOL}/.well-known/openid-configuration")),
            ("/{pool}/.well-known/jwks.json", format!("/{POOL}/.well-known/jwks.json")),
            ("/.well-known/openid-configuration", "/.well-known/openid-configuration".to_owned()),
            ("/.well-known/jwks.json", "/.well-known/jwks.json".to_owned()),
        ] {
            self.get(route, none, &path).await;
        }
    }

    async fn out_of_order(&mut self) {
        let mut browser = Browser::default();
        self.house.sessions.becomes(Mood::Away);
        let path = authorize_path(&[("identity_provider", "Acme")]);
        self.get("/oauth2/authorize", &mut browser, &path).await;
        self.house.sessions.becomes(Mood::Well);
        let context = &mut self.house.state.context;
        let (rates, metrics) = (Rates::parse("source=1").unwrap(), Arc::clone(&context.metrics));
        context.throttle =
            Arc::new(Throttle::new(&rates, &context.around.clock, &context.around.random, metrics));
        for path in [path.as_str(), "/logout?client_id=app", "/login", "/again", "/oauth2/userInfo"] {
            self.get("(throttled)", &mut browser, path).await;
        }
    }
}

/// Every path in the list of routes.
fn routes() -> BTreeSet<&'static str> {
    let source = include_str!("../mod.rs");
    source.split("resource(\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

fn assert_manners(what: &str, route: &str, answer: &Answer, secure: bool) {
    let what = format!("{what} ({})", answer.status);
    assert_eq!(answer.header("referrer-policy"), "no-referrer", "{what}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
    assert!(!answer.header("x-amzn-requestid").is_empty(), "{what}");
    let hsts = if secure { "max-age=31536000" } else { "" };
    assert_eq!(answer.header("strict-transport-security"), hsts, "{what}");
    let kept = answer.status == 200
        && match route {
            "/assets/{hash}/{name}" | "/saml2/metadata" => true,
            _ => route.contains(".well-known"),
        };
    let cached = answer.header("cache-control");
    match kept {
        true => assert!(cached.starts_with("public, max-age="), "{what}: {cached}"),
        false => assert!(cached.contains("no-store"), "{what}: {cached}"),
    }
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("default-src 'none'"), "{what}: {policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{what}: {policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("data:"), "{what}: {policy}");
    if answer.body.starts_with("<!doctype html>") && route != "/oauth2/frontchannel-logout" {
        assert_eq!(answer.header("x-frame-options"), "DENY", "{what}");
        assert!(
            policy.contains("form-action 'self'") && policy.contains("base-uri 'none'"),
            "{what}: {policy}"
        );
        for inline in ["<style", " style=", " onclick=", " onload=", "javascript:"] {
            assert!(!answer.body.contains(inline), "{what}: {inline}");
        }
        assert_eq!(
            answer.body.matches("<script").count(),
            answer.body.matches("<script src=\"/assets/").count()
        );
    }
    for cookie in answer.headers.get_all("set-cookie") {
        let cookie = cookie.to_str().unwrap();
        let attributes: BTreeSet<_> =
            cookie.split("; ").skip(1).filter(|part| !part.starts_with("Max-Age=")).collect();
        let mut expected = BTreeSet::from(["HttpOnly", "SameSite=Lax", "Path=/"]);
        expected.extend(secure.then_some("Secure"));
        assert_eq!(attributes, expected, "{what}: {cookie}");
    }
}

#[actix_web::test]
async fn every_answer_of_every_route_has_manners() {
    for secure in [false, true] {
        let mut house = House::build().await;
        if secure {
            house.state.context.surface.public_url = "https://gateway.example".parse().unwrap();
        }
        let round = Round::of(house).await;
        let seen: BTreeSet<_> = round.seen.iter().map(|(route, ..)| *route).collect();
        let missing: Vec<_> = routes().into_iter().filter(|route| !seen.contains(route)).collect();
        assert!(missing.is_empty(), "ask these as well: {missing:?}");
        for kind in Kind::ALL {
            let heading = round.house.state.pages.words().default().say(kind.message(), &[]).unwrap();
            let heading = format!("<h1>{heading}</h1>");
            assert!(
                round.seen.iter().any(|(.., answer)| answer.body.contains(&heading)),
                "no page: {heading}"
            );
        }
        for (route, what, answer) in &round.seen {
            assert_manners(what, route, answer, secure);
        }
    }
}
