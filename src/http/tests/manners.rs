//! What holds for every answer: nobody frames it, keeps it, guesses its type or learns where one came from; no address
//! that somebody made up is ever gone to; cookies are ours alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::json;

use super::house::{
    Answer, Browser, CALLBACK, House, LOGGED_OUT, POOL, authorize_path, callback_path, domain, oidc, person,
    query,
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

/// Where an answer would send a browser, and every address of its page.
fn leads(answer: &Answer) -> Vec<String> {
    let location =
        answer.headers.get("location").map(|value| String::from_utf8(value.as_bytes().to_vec()).unwrap());
    let attributes =
        ["href=\"", "action=\"", "src=\""].into_iter().flat_map(|name| answer.body.split(name).skip(1));
    let addresses =
        attributes.map(|rest| rest.split('"').next().unwrap().replace("&#x2f;", "/").replace("&amp;", "&"));
    location.into_iter().chain(addresses).collect()
}

/// Of this host, of the app, or of the provider.
#[track_caller]
fn assert_leads_nowhere_else(what: &str, answer: &Answer) {
    let known = [
        "http://localhost:9229/",
        "https://app.example/",
        "https://acme.example/",
        "https://globex.example/",
    ];
    for address in leads(answer) {
        let here = address.starts_with('/') && !address.starts_with("//") && !address.starts_with("/\\");
        assert!(here || known.iter().any(|known| address.starts_with(known)), "{what} leads to {address}");
        assert!(!address.chars().any(char::is_control), "{what} leads to {address:?}");
        assert!(here || !address.contains("evil"), "{what} leads to {address}");
    }
    assert!(
        !answer.headers.contains_key("x-evil") && !answer.header("set-cookie").contains("evil"),
        "{what}: {answer:?}"
    );
}

/// Addresses that are nobody's callback, however much they look like it.
const EVIL: [&str; 16] = [
    "https://evil.example/",
    "//evil.example/cb",
    "https://app.example.evil.example/cb",
    "https://app.example@evil.example/cb",
    "https://app.example:443/cb",
    "https://app.example/cb/",
    "https://app.example/cb?",
    "https://app.example/cb#",
    "https://app.example/cb#@evil.example",
    "https://app.example/x/../cb",
    "https://APP.example/cb",
    "https:app.example/cb",
    " https://app.example/cb",
    "https://app.example\\@evil.example/cb",
    "https://app.example/cb\r\nX-Evil: 1",
    "javascript:alert(document.domain)//evil",
];

#[actix_web::test]
async fn no_address_that_is_not_registered_is_ever_gone_to() {
    let house = House::build().await;
    for evil in EVIL {
        let asked = authorize_path(&[("redirect_uri", evil)]);
        let login = asked.replace("/oauth2/authorize", "/login");
        let logouts = ["logout_uri", "post_logout_redirect_uri"]
            .map(|name| format!("/logout?{}", query(&[("client_id", "app"), (name, evil)])));
        let onward = query(&[("client_id", "app"), ("redirect_uri", evil), ("response_type", "code")]);
        let onward = format!("/logout?{onward}");
        let mut paths = vec![&asked, &login, &onward];
        paths.extend(&logouts);
        for path in paths {
            let answer = house.get(&mut Browser::default(), path).await;
            assert_eq!(answer.status, 400, "{path}: {answer:?}");
            assert!(!answer.headers.contains_key("location"), "{path}: {answer:?}");
            assert_leads_nowhere_else(path, &answer);
        }
        let typed = house.post_from(&mut Browser::default(), &login, &[("email", "x@acme.example")]).await;
        assert_eq!(typed.status, 400, "{evil}: {typed:?}");
        assert_leads_nowhere_else(evil, &typed);
        let relay = query(&[("RelayState", evil), ("state", evil), ("SAMLResponse", "x")]);
        for path in ["/oauth2/idpresponse", "/saml2/idpresponse", "/saml2/logout", "/oauth2/logoutresponse"] {
            let path = format!("{path}?{relay}");
            assert_leads_nowhere_else(&path, &house.get(&mut Browser::default(), &path).await);
        }
        let form = [("RelayState", evil), ("state", evil), ("SAMLResponse", "x")];
        for path in ["/oauth2/idpresponse", "/saml2/idpresponse", "/saml2/logout"] {
            let answer = house.post_from(&mut Browser::default(), path, &form).await;
            assert_eq!(answer.status, 400, "{path}: {answer:?}");
            assert_leads_nowhere_else(path, &answer);
        }
    }
}

#[actix_web::test]
async fn what_somebody_adds_to_a_request_stays_text() {
    let house = House::build().await;
    let extras = [
        "&x=%0d%0aX-Evil:%201",
        "&x=%0D%0ASet-Cookie:%20evil=1",
        "&x=%E5%98%8A%E5%98%8DX-Evil:1",
        "&x=%22%3E%3Ca%20href=%22//evil.example",
        "&\"><a href=\"//evil.example",
        "&x=\\..\\evil.example",
        "&x=caf\u{e9}",
        "&next=//evil.example&url=https://evil.example&RelayState=https://evil.example",
        "#@evil.example",
    ];
    for extra in extras {
        // Fragments and bare quotes come only from clients that are no browsers.
        let Ok(uri) = format!("{}{extra}", authorize_path(&[])).parse::<actix_web::http::Uri>() else {
            continue;
        };
        let asked = uri.to_string();
        let answer = house.get(&mut Browser::default(), &asked).await;
        assert_eq!(answer.status, 302, "{extra}: {answer:?}");
        assert!(leads(&answer)[0].starts_with("/login?"), "{extra}: {answer:?}");
        assert_leads_nowhere_else(extra, &answer);
        let login = asked.replacen("/oauth2/authorize", "/login", 1);
        for answer in [
            house.get(&mut Browser::default(), &login).await,
            house
                .post_from(&mut Browser::default(), &login, &[("email", "<a href=\"//evil.example\">")])
                .await,
        ] {
            assert_eq!(answer.status, 200, "{extra}: {answer:?}");
            assert_leads_nowhere_else(extra, &answer);
        }
        let out = format!("/logout?client_id=app&logout_uri={LOGGED_OUT}{extra}&state=%0d%0aX-Evil:1//evil");
        if let Ok(uri) = out.parse::<actix_web::http::Uri>() {
            let answer = house.get(&mut Browser::default(), &uri.to_string()).await;
            assert!(answer.header("location").starts_with(LOGGED_OUT), "{extra}: {answer:?}");
            assert!(!answer.header("location").contains("X-Evil:1//"), "escaped: {answer:?}");
        }
    }
}

#[actix_web::test]
async fn a_host_that_somebody_made_up_is_never_gone_to() {
    let house = House::build().await;
    let mut prefix = domain("acme", POOL);
    prefix.custom_domain_config = None;
    house.edit(vec![Edit::CreateDomain(prefix)]).await;
    let hosts = [
        "evil.example",
        "localhost@evil.example",
        "localhost:80@evil.example",
        "localhost.evil.example",
        "evil.example#localhost",
        "localhost/evil.example",
        "//evil.example",
        "localhost:evil.example",
        "acme.localhost:80@evil.example",
        "acme.localhost.evil.example",
        "acme.localhost",
        "ACME.LOCALHOST:1",
        "[::1]",
        "",
    ];
    let paths = [
        authorize_path(&[]),
        authorize_path(&[("identity_provider", "Acme")]),
        "/logout?client_id=app".into(),
    ];
    for host in hosts {
        for path in paths.iter().map(String::as_str).chain([
            "//evil.example/",
            "//evil.example/login",
            "/\\evil.example/login",
        ]) {
            for forwarded in [None, Some("x-forwarded-host"), Some("forwarded")] {
                let mut request = TestRequest::get().uri(path).insert_header(("host", host));
                if let Some(name) = forwarded {
                    request = request.insert_header((name, "host=evil.example"));
                }
                let answer = house.send(request).await;
                assert_leads_nowhere_else(&format!("{host} {path}"), &answer);
                assert!(answer.status.as_u16() < 500, "{host} {path}: {answer:?}");
            }
        }
    }
}

#[actix_web::test]
async fn a_client_that_was_renamed_by_a_joker_is_a_name_and_no_address() {
    let house = House::build().await;
    house
        .change_client("app", |client| client.client_name = "\"><a href=\"//evil.example\">x</a>".into())
        .await;
    let page = house.get(&mut Browser::default(), "/logout?client_id=app").await;
    assert_eq!(page.status, 200);
    assert_leads_nowhere_else("the name", &page);
    assert_eq!(json!(page.body.contains("<a href=\"//evil")), json!(false));
}
