//! Every way in which `/oauth2/authorize` refuses, and where it says so.

use serde_json::json;

use super::house::{Answer, Browser, CALLBACK, House, ISSUER, callback_path, claims, person};

async fn asked(house: &House, more: &[(&str, &str)]) -> Answer {
    house.authorize(&mut Browser::default(), more).await
}

/// Back at the app, with this error in the query, the app's state and the issuer.
fn assert_told(what: &str, answer: &Answer, error: &str) {
    assert!(answer.location().as_str().starts_with(&format!("{CALLBACK}?")), "{what}: {answer:?}");
    assert_eq!(answer.told("error").as_deref(), Some(error), "{what}: {answer:?}");
    assert_eq!(answer.told("state").as_deref(), Some("the state"), "{what}");
    assert_eq!(answer.told("iss").as_deref(), Some(ISSUER), "{what}");
    assert_eq!(answer.told("code"), None, "{what}");
    assert!(answer.told("error_description").is_some_and(|text| !text.is_empty()), "{what}");
}

fn assert_page(what: &str, answer: &Answer) {
    assert_eq!(answer.status, 400, "{what}: {answer:?}");
    assert!(!answer.headers.contains_key("location"), "{what}");
    assert!(answer.header("content-type").starts_with("text/html"), "{what}");
}

#[actix_web::test]
async fn a_bad_client_id_or_redirect_uri_is_a_page_and_never_a_redirect() {
    let house = House::build().await;
    for (what, more) in [
        ("no client", ("client_id", "")),
        ("an unknown client", ("client_id", "nobody")),
        ("no redirect_uri", ("redirect_uri", "")),
        ("an unknown redirect_uri", ("redirect_uri", "https://evil.example/cb")),
        ("one with more at its end", ("redirect_uri", "https://app.example/cb/")),
    ] {
        assert_page(what, &asked(&house, &[more]).await);
        // Whatever else is wrong.
        assert_page(what, &asked(&house, &[more, ("response_type", "token"), ("scope", "none")]).await);
    }
}

#[actix_web::test]
async fn a_missing_or_unknown_response_type_is_an_invalid_request() {
    let house = House::build().await;
    for response_type in ["", "id_token", "code token", "CODE"] {
        let answer = asked(&house, &[("response_type", response_type)]).await;
        assert_told(response_type, &answer, "invalid_request");
    }
}

#[actix_web::test]
async fn a_challenge_without_method_or_with_another_than_s256_is_an_invalid_request() {
    let house = House::build().await;
    for (what, more) in [
        ("no method", ("code_challenge_method", "")),
        ("plain", ("code_challenge_method", "plain")),
        ("another case", ("code_challenge_method", "s256")),
        ("no challenge", ("code_challenge", "")),
        ("a short challenge", ("code_challenge", "short")),
    ] {
        assert_told(what, &asked(&house, &[more]).await, "invalid_request");
    }
}

#[actix_web::test]
async fn a_response_type_that_the_client_may_not_use_is_an_unauthorized_client() {
    let house = House::build().await;
    let code = asked(&house, &[("client_id", "spa")]).await;
    assert_told("code for a client of the implicit grant", &code, "unauthorized_client");
    let token = asked(&house, &[("response_type", "token")]).await;
    let fragment = token.location().fragment().unwrap().to_owned();
    assert!(fragment.starts_with("error=unauthorized_client&"), "{fragment}");
    assert!(fragment.ends_with("&state=the%20state"), "{fragment}");
    assert_eq!(token.location().query(), None);
}

#[actix_web::test]
async fn an_unknown_or_malformed_scope_is_an_invalid_scope() {
    let house = House::build().await;
    for scope in ["openid none", "openid api.example/read", "openid \"", "email", "openid\u{e9}", " "] {
        assert_told(scope, &asked(&house, &[("scope", scope)]).await, "invalid_scope");
    }
}

#[actix_web::test]
async fn prompt_none_and_nobody_signed_in_is_login_required() {
    let house = House::build().await;
    assert_told("no session", &asked(&house, &[("prompt", "none")]).await, "login_required");
    let silent = [("prompt", "none"), ("identity_provider", "Acme")];
    let leaving = asked(&house, &silent).await;
    assert_eq!(leaving.told("prompt").as_deref(), Some("none"), "the provider is asked silently");
    for prompt in ["none login", "sometimes"] {
        assert_told(prompt, &asked(&house, &[("prompt", prompt)]).await, "invalid_request");
    }
}

#[actix_web::test]
async fn a_parameter_that_comes_twice_or_is_no_value_of_its_kind_is_an_invalid_request() {
    let house = House::build().await;
    for more in [
        ("max_age", "soon"),
        ("max_age", "-1"),
        ("resource", "http://api.example"),
        ("resource", "http://localhost.example"),
        ("resource", "api.example"),
        ("resource", "https://api.example/#part"),
        ("identity_provider", "Nobody"),
        ("idp_identifier", "nobody.example"),
    ] {
        assert_told(more.1, &asked(&house, &[more]).await, "invalid_request");
    }
    let twice = format!("{}&nonce=a&nonce=b", super::house::authorize_path(&[]));
    let answer = house.get(&mut Browser::default(), &twice).await;
    assert_told("nonce twice", &answer, "invalid_request");
}

#[actix_web::test]
async fn who_or_whose_provider_refuses_is_access_denied() {
    let house = House::build().await;
    let browser = &mut Browser::default();
    let leaving = house.authorize(browser, &[("identity_provider", "Acme")]).await;
    let state = leaving.told("state").unwrap();
    let back = super::house::query(&[("error", "access_denied"), ("state", &state)]);
    let answer = house.get(browser, &format!("/oauth2/idpresponse?{back}")).await;
    assert_told("refused there", &answer, "access_denied");
}

#[actix_web::test]
async fn the_resource_is_the_audience_of_the_access_token_and_a_refresh_keeps_it() {
    let house = House::build().await;
    house.rotate("app", 0).await;
    for resource in
        ["https://api.example/v1?x=1", "http://localhost:8080/api", "myapi://billing", "urn:example:api"]
    {
        let tokens = house.tokens(&[("resource", resource)]).await;
        assert_eq!(claims(&tokens["access_token"])["aud"], resource);
        assert_eq!(claims(&tokens["id_token"])["aud"], "app");
        let second = house.refresh("app", tokens["refresh_token"].as_str().unwrap()).await.json();
        let third = house.refresh("app", second["refresh_token"].as_str().unwrap()).await.json();
        assert_eq!(claims(&third["access_token"])["aud"], resource);
    }
    let plain = house.tokens(&[]).await;
    assert_eq!(claims(&plain["access_token"]).get("aud"), None);
}

#[actix_web::test]
async fn the_implicit_grant_gives_an_id_token_with_openid_alone_and_binds_it_all() {
    let house = House::build().await;
    house
        .change_client("spa", |client| {
            client.allowed_oauth_scopes =
                ["openid", "aws.cognito.signin.user.admin"].map(str::to_owned).to_vec();
        })
        .await;
    let resource = "https://api.example";
    let implicit = [
        ("client_id", "spa"),
        ("response_type", "token"),
        ("code_challenge", ""),
        ("code_challenge_method", ""),
        ("resource", resource),
        ("nonce", "n-1"),
        ("identity_provider", "Acme"),
    ];
    for (scope, with_id) in [("openid", true), ("aws.cognito.signin.user.admin", false)] {
        let browser = &mut Browser::default();
        let leaving = house.authorize(browser, &[&implicit[..], &[("scope", scope)]].concat()).await;
        let answer = house.get(browser, &callback_path(&leaving, &person("alice"))).await;
        let pairs: std::collections::HashMap<String, String> =
            url::form_urlencoded::parse(answer.location().fragment().unwrap().as_bytes())
                .into_owned()
                .collect();
        assert_eq!(pairs.contains_key("id_token"), with_id, "{scope}");
        let access = claims(&json!(pairs["access_token"]));
        assert_eq!((&access["aud"], &access["scope"]), (&json!(resource), &json!(scope)));
        if with_id {
            assert_eq!(claims(&json!(pairs["id_token"]))["nonce"], "n-1");
        }
    }
}
