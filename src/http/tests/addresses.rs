//! No address that somebody made up is ever gone to, whatever the request.

use actix_web::test::TestRequest;

use super::house::{Answer, Browser, House, LOGGED_OUT, authorize_path, query};
use crate::testing::attributes;

/// Where an answer would send a browser, and every address of its page.
fn leads(answer: &Answer) -> Vec<String> {
    let location =
        answer.headers.get("location").map(|value| String::from_utf8(value.as_bytes().to_vec()).unwrap());
    let addresses = ["href", "action", "src"].into_iter().flat_map(|name| attributes(&answer.body, name));
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
    house.has_prefix_domain().await;
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
    assert!(!page.body.contains("<a href=\"//evil"), "{page:?}");
}
