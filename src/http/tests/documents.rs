//! Discovery, keys, hosts, methods and cross-origin rules.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::json;

use super::house::{Answer, Browser, House, ISSUER, POOL, authorize_path};
use crate::testing::attributes;

#[actix_web::test]
async fn discovery_names_everything_a_client_needs() {
    let house = House::build().await;
    let at = "http://localhost:9229";
    let expected = json!({
        "authorization_endpoint": format!("{at}/oauth2/authorize"),
        "authorization_response_iss_parameter_supported": true,
        "code_challenge_methods_supported": ["S256"],
        "end_session_endpoint": format!("{at}/logout"),
        "grant_types_supported": ["authorization_code", "implicit", "refresh_token", "client_credentials"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "issuer": ISSUER,
        "jwks_uri": format!("{ISSUER}/.well-known/jwks.json"),
        "response_types_supported": ["code", "token"],
        "revocation_endpoint": format!("{at}/oauth2/revoke"),
        "scopes_supported": ["openid", "email", "phone", "profile"],
        "subject_types_supported": ["public"],
        "token_endpoint": format!("{at}/oauth2/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "userinfo_endpoint": format!("{at}/oauth2/userInfo"),
    });
    for path in
        [format!("/{POOL}/.well-known/openid-configuration"), "/.well-known/openid-configuration".into()]
    {
        let answer = house.get(&mut Browser::default(), &path).await;
        assert_eq!(answer.json(), expected, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
    }
}

#[actix_web::test]
async fn the_key_set_holds_both_public_keys_and_no_private_part() {
    let house = House::build().await;
    for path in [format!("/{POOL}/.well-known/jwks.json"), "/.well-known/jwks.json".into()] {
        let answer = house.get(&mut Browser::default(), &path).await;
        let keys = answer.json()["keys"].as_array().unwrap().clone();
        assert_eq!(keys.len(), 2);
        assert_ne!(keys[0]["kid"], keys[1]["kid"]);
        for key in keys {
            let names: Vec<_> = key.as_object().unwrap().keys().cloned().collect();
            assert_eq!(names, ["alg", "e", "kid", "kty", "n", "use"]);
            assert_eq!(
                (&key["alg"], &key["e"], &key["use"]),
                (&json!("RS256"), &json!("AQAB"), &json!("sig"))
            );
        }
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
}

async fn at(house: &House, host: &str, path: &str) -> Answer {
    house.get_at(host, &mut Browser::default(), path).await
}

#[actix_web::test]
async fn an_unknown_host_is_a_plain_404() {
    let house = House::build().await;
    let authorize = authorize_path(&[]);
    for host in
        ["evil.example", "localhost.evil.example", "xlocalhost", "", "localhost@evil.example", "[::1]"]
    {
        for path in
            [&authorize, "/login", "/logout?client_id=app", "/oauth2/userInfo", "/.well-known/jwks.json"]
        {
            let answer = at(&house, host, path).await;
            assert_eq!(answer.status, 404, "{host} {path}");
            assert!(answer.header("content-type").starts_with("text/plain"), "{host} {path}: {answer:?}");
            assert!(!answer.body.contains(host) || host.is_empty(), "{host} {path}");
        }
    }
    assert_eq!(
        at(&house, "LOCALHOST:1", "/.well-known/jwks.json").await.status,
        200,
        "neither case nor port"
    );
}

#[actix_web::test]
async fn only_a_trusted_proxy_may_name_the_host_and_only_the_last_one_counts() {
    let mut house = House::build().await;
    let ask = |headers: &[(&'static str, &'static str)]| {
        let request =
            TestRequest::get().uri("/.well-known/jwks.json").peer_addr("10.1.1.1:4000".parse().unwrap());
        headers.iter().fold(request, |request, (name, value)| request.append_header((*name, *value)))
    };
    let inside = ("host", "10.1.1.2");
    let forwarded = [inside, ("x-forwarded-host", "localhost")];
    assert_eq!(house.send(ask(&forwarded)).await.status, 404, "nobody is trusted");
    house.state.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()].into();
    let rows: [(&[(&'static str, &'static str)], u16); 7] = [
        (&forwarded, 200),
        (&[inside, ("forwarded", "for=1.2.3.4;host=\"localhost:9229\";proto=https")], 200),
        (&[inside, ("x-forwarded-host", "localhost"), ("x-forwarded-host", "evil.example")], 404),
        (&[inside, ("x-forwarded-host", "evil.example"), ("x-forwarded-host", "localhost")], 200),
        (&[inside, ("x-forwarded-host", "evil.example, localhost")], 200),
        (&[inside, ("forwarded", "host=evil.example"), ("forwarded", "host=localhost")], 200),
        (&[("host", "localhost")], 200),
    ];
    for (headers, status) in rows {
        assert_eq!(house.send(ask(headers)).await.status.as_u16(), status, "{headers:?}");
    }
}

#[actix_web::test]
async fn preflights_are_answered_exactly_where_other_origins_may_read() {
    let house = House::build().await;
    let preflight = async |path: &str| {
        let request = TestRequest::default()
            .method(Method::OPTIONS)
            .uri(path)
            .insert_header(("host", "localhost"))
            .insert_header(("origin", "https://app.example"))
            .insert_header(("access-control-request-method", "POST"))
            .insert_header(("access-control-request-headers", "x-amz-target,authorization"));
        house.send(request).await
    };
    let discovery = format!("/{POOL}/.well-known/openid-configuration");
    let keys = format!("/{POOL}/.well-known/jwks.json");
    for path in ["/", "/oauth2/token", "/oauth2/userInfo", "/oauth2/revoke", &discovery, &keys] {
        let answer = preflight(path).await;
        assert_eq!(answer.status, 204, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        assert_eq!(answer.header("access-control-allow-headers"), "x-amz-target,authorization", "{path}");
        assert_eq!(answer.header("access-control-expose-headers"), "x-amzn-requestid, x-amzn-errortype");
        assert_eq!(answer.header("access-control-max-age"), "86400", "{path}");
        assert!(!answer.headers.contains_key("access-control-allow-credentials"), "{path}");
    }
    let closed =
        ["/oauth2/authorize", "/oauth2/idpresponse", "/saml2/idpresponse", "/login", "/logout", "/nowhere"];
    for path in closed {
        let answer = preflight(path).await;
        assert!([404, 405].contains(&answer.status.as_u16()), "{path}: {answer:?}");
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{path}");
    }
    let page = house.get(&mut Browser::default(), &authorize_path(&[])).await;
    assert!(!page.headers.contains_key("access-control-allow-origin"));
}

#[actix_web::test]
async fn every_answer_forbids_guessing_its_type_and_telling_where_one_came_from() {
    let house = House::build().await;
    let paths =
        [authorize_path(&[]), "/.well-known/jwks.json".into(), "/nowhere".into(), "/oauth2/userInfo".into()];
    for path in paths {
        let answer = house.get(&mut Browser::default(), &path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(!answer.header("x-amzn-requestid").is_empty(), "{path}");
    }
}

#[actix_web::test]
async fn documents_may_be_asked_for_by_head() {
    let house = House::build().await;
    let page = house.get(&mut Browser::default(), "/logout?client_id=app").await;
    let style = attributes(&page.body, "href").into_iter().find(|href| href.ends_with(".css")).unwrap();
    let (discovery, keys) =
        (format!("/{POOL}/.well-known/openid-configuration"), format!("/{POOL}/.well-known/jwks.json"));
    let at_domain = ["/.well-known/openid-configuration", "/.well-known/jwks.json", "/saml2/metadata"];
    for path in at_domain.into_iter().chain([discovery.as_str(), &keys, &style]) {
        let request =
            TestRequest::default().method(Method::HEAD).uri(path).insert_header(("host", "localhost"));
        let (head, get) = (house.send(request).await, house.get(&mut Browser::default(), path).await);
        assert_eq!(
            (head.status, head.header("content-type")),
            (get.status, get.header("content-type")),
            "{path}"
        );
        assert_eq!(head.status, 200, "{path}");
    }
}

#[actix_web::test]
async fn there_is_no_front_page() {
    let house = House::build().await;
    for path in ["/", "/nowhere"] {
        let answer = house.get(&mut Browser::default(), path).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
    }
    assert_eq!(house.get(&mut Browser::default(), "/").await.body, "Not found\n");
}

/// While replicas are replaced one by one, the page comes from one version and its style from another.
#[actix_web::test]
async fn style_of_another_version_is_given_and_not_kept() {
    let house = House::build().await;
    for name in ["poolgate.css", "auto-post.js", "poolgate.svg"] {
        let answer = house.get(&mut Browser::default(), &format!("/assets/elsewhere000/{name}")).await;
        assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store"), "{answer:?}");
    }
    let answer = house.get(&mut Browser::default(), "/assets/elsewhere000/evil.js").await;
    assert_eq!(answer.status, 404, "{answer:?}");
}

#[actix_web::test]
async fn what_a_browser_loads_ahead_of_the_person_does_nothing() {
    let house = House::build().await;
    let mut browser = Browser::default();
    house.sign_in(&mut browser, &[]).await.code();
    let session = browser.session().to_owned();
    let (asked, page) = (authorize_path(&[]), authorize_path(&[]).replace("/oauth2/authorize", "/login"));
    let paths = ["/logout?client_id=app", &asked, &page, "/again?attempt=x", "/oauth2/idpresponse?state=x"];
    let words = [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("sec-purpose", "prefetch;anonymous-client-ip"),
        ("purpose", "prefetch"),
        ("x-purpose", "preview"),
        ("x-moz", "prefetch"),
    ];
    for (name, value) in words {
        for path in paths {
            let request = TestRequest::get().uri(path).insert_header(("host", "localhost"));
            let request = request.insert_header(("cookie", format!("cognito={session}")));
            let answer = house.send(request.insert_header((name, value))).await;
            assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (403, "no-store"), "{path}");
            assert!(!answer.headers.contains_key("set-cookie"), "{path}: {answer:?}");
        }
        let request = TestRequest::get().uri("/.well-known/jwks.json").insert_header(("host", "localhost"));
        assert_eq!(house.send(request.insert_header((name, value))).await.status, 200, "changes nothing");
    }
    let request = TestRequest::get().uri(paths[0]).insert_header(("host", "localhost"));
    let asked = house.send(request.insert_header(("sec-purpose", "none"))).await;
    assert_eq!(asked.status, 200, "{asked:?}");
    house.authorize(&mut browser, &[("prompt", "none")]).await.code();
}
