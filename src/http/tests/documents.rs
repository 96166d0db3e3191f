//! Discovery, keys, hosts, methods and cross-origin rules.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::json;

use super::house::{Answer, Browser, House, ISSUER, POOL, authorize_path};

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
