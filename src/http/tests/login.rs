//! `GET|POST /login`, and what the configuration has to say.

use serde_json::json;

use super::house::{Browser, House, POOL, authorize_path};
use super::moods::Mood;
use crate::registry::{Edit, Versioned};
use crate::testing;

/// Acme is found by e-mail.
async fn with_identifier(house: &House) {
    let snapshot = house.state.context.registry.snapshot();
    let Versioned { mut value, version } = snapshot.pool(POOL).unwrap().providers["Acme"].config.clone();
    value.idp_identifiers = vec!["acme.example".into()];
    house.edit(vec![Edit::UpdateProvider(Versioned { value, version })]).await;
}

#[actix_web::test]
async fn the_address_that_was_typed_leads_to_its_provider_and_travels_there() {
    let house = House::build().await;
    with_identifier(&house).await;
    let page = authorize_path(&[("login_hint", "app@guess.example")]).replace("/oauth2/authorize", "/login");
    let rows = [
        ("jane@acme.example", "jane@acme.example"),
        ("acme.example", "app@guess.example"),
        ("jane@acme.example.", "jane@acme.example."),
    ];
    for (typed, hint) in rows {
        let mut browser = Browser::default();
        let answer = house.post_from(&mut browser, &page, &[("email", typed)]).await.led_on();
        assert!(answer.body.contains("Taking you to"), "{answer:?}");
        assert!(answer.header("location").starts_with("https://acme.example/authorize"), "{answer:?}");
        assert_eq!(answer.told("login_hint").as_deref(), Some(hint), "{typed}");
        assert!(browser.0.contains_key("csrf-state"));
    }
}

/// Identifiers are ASCII. Chromium writes the domain of an e-mail box so by itself, other browsers leave it as it is.
#[actix_web::test]
async fn an_international_domain_is_found_however_it_is_written() {
    let house = House::build().await;
    let snapshot = house.state.context.registry.snapshot();
    let Versioned { mut value, version } = snapshot.pool(POOL).unwrap().providers["Acme"].config.clone();
    value.idp_identifiers = vec!["xn--mller-kva.example".into(), "boss@xn--bcher-kva.example".into()];
    house.edit(vec![Edit::UpdateProvider(Versioned { value, version })]).await;
    let page = authorize_path(&[]).replace("/oauth2/authorize", "/login");
    for typed in ["jane@m\u{fc}ller.example", "jane@M\u{dc}LLER.example", "boss@b\u{fc}cher.example"] {
        let answer = house.post_from(&mut Browser::default(), &page, &[("email", typed)]).await.led_on();
        assert!(answer.header("location").starts_with("https://acme.example/"), "{typed}: {answer:?}");
    }
    for typed in [
        "jane@b\u{fc}cher.example",
        "jane@127.0.0.1",
        "jane@[::1]",
        "jane@",
        "@",
        "jane@m\u{fc}ller.example..",
    ] {
        let answer = house.post_from(&mut Browser::default(), &page, &[("email", typed)]).await;
        assert!(answer.status == 200 && !answer.body.contains("http-equiv"), "{typed}: {answer:?}");
    }
}

#[actix_web::test]
async fn an_address_that_leads_nowhere_shows_the_page_again_and_no_more() {
    let house = House::build().await;
    let page = authorize_path(&[]).replace("/oauth2/authorize", "/login");
    for typed in ["jane@unknown.example", "", "<script>alert(1)</script>"] {
        let answer = house.post_from(&mut Browser::default(), &page, &[("email", typed)]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(!answer.body.contains("<script>alert"), "{typed}");
        assert!(!answer.headers.contains_key("set-cookie"), "{typed}");
    }
}

#[actix_web::test]
async fn the_hosted_page_is_shown_where_there_is_a_choice() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let answer = house.authorize(&mut browser, &[]).await;
    let to = answer.header("location").to_owned();
    assert!(to.starts_with("/login?"), "{answer:?}");
    let page = house.get(&mut browser, &to).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Acme") && page.body.contains("Globex"));
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
    let named = house.authorize(&mut browser, &[("identity_provider", "COGNITO")]).await;
    assert!(named.header("location").starts_with("/login?"), "always the page: {named:?}");
    let one = house.authorize(&mut browser, &[("client_id", "narrow")]).await;
    assert!(one.header("location").starts_with("https://globex.example/"), "nothing to choose: {one:?}");
}

#[actix_web::test]
async fn a_button_says_what_people_know_a_social_provider_by() {
    let house = House::build().await;
    let of = |name: &str, kind: &str| {
        let members = json!({ "UserPoolId": POOL, "ProviderType": kind });
        Edit::CreateProvider(testing::provider(name, members))
    };
    let providers = [
        ("Google", "Google"),
        ("Facebook", "Facebook"),
        ("LoginWithAmazon", "LoginWithAmazon"),
        ("SignInWithApple", "SignInWithApple"),
        ("Staff", "Google"),
        ("Apple", "OIDC"),
    ];
    house.edit(providers.iter().map(|(name, kind)| of(name, kind)).collect()).await;
    let names: Vec<&str> = providers.iter().map(|(name, _)| *name).collect();
    let client = testing::client(json!({ "ClientId": "many", "SupportedIdentityProviders": names }));
    house.edit(vec![Edit::CreateClient(client)]).await;
    let page = authorize_path(&[("client_id", "many")]).replace("/oauth2/authorize", "/login");
    let body = house.get(&mut Browser::default(), &page).await.body;
    let said: Vec<&str> = body
        .split(r#"<span class="name">"#)
        .skip(1)
        .filter_map(|rest| rest.split("</span>").next())
        .collect();
    let expected = [
        "Continue with Google",
        "Continue with Facebook",
        "Login with Amazon",
        "Sign in with Apple",
        "Continue with Staff",
        "Continue with Apple",
    ];
    assert_eq!(said, expected, "{body}");
}

#[actix_web::test]
async fn an_edit_comes_into_force_even_when_its_caller_goes_away() {
    let house = House::build().await;
    let registry = &house.state.context.registry;
    let client = testing::client(json!({"ClientId": "late"}));
    let mut edit = Box::pin(registry.edit(vec![Edit::CreateClient(client)]));
    std::future::poll_fn(|context| {
        let _ = std::future::Future::poll(edit.as_mut(), context);
        std::task::Poll::Ready(())
    })
    .await;
    drop(edit);
    let in_force = async {
        while registry.snapshot().pool(POOL).unwrap().client("late").is_none() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), in_force).await.expect("the client is there");
}

#[actix_web::test]
async fn an_edit_that_could_not_be_read_back_comes_into_force_as_soon_as_it_can() {
    let house = House::build().await;
    let registry = &house.state.context.registry;
    house.directory.becomes(Mood::Unreadable);
    let gone = Edit::DeleteClient { pool_id: POOL.to_owned(), client_id: "app".to_owned() };
    registry.edit(vec![gone]).await.unwrap_err();
    house.directory.becomes(Mood::Well);
    let in_force = async {
        while registry.snapshot().pool(POOL).unwrap().client("app").is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), in_force).await.expect("the client is gone");
}

#[actix_web::test]
async fn of_a_batch_with_one_bad_edit_nothing_is_written() {
    let house = House::build().await;
    let registry = &house.state.context.registry;
    let fresh = testing::client(json!({"ClientId": "fresh"}));
    let taken = testing::client(json!({}));
    let edits = vec![Edit::CreateClient(fresh), Edit::CreateClient(taken)];
    registry.edit(edits).await.unwrap_err();
    house.edit(vec![Edit::CreateClient(testing::client(json!({"ClientId": "other"})))]).await;
    let snapshot = registry.snapshot();
    assert!(snapshot.pool(POOL).unwrap().client("fresh").is_none());
    assert!(snapshot.pool(POOL).unwrap().client("other").is_some());
}

#[actix_web::test]
async fn an_edit_of_what_somebody_else_changed_is_refused() {
    let house = House::build().await;
    let before = house.state.context.registry.snapshot().pool(POOL).unwrap().clients["app"].clone();
    house.change_client("app", |client| client.client_name = "first".into()).await;
    let stale = house.state.context.registry.edit(vec![Edit::UpdateClient(before)]).await;
    assert!(matches!(stale, Err(crate::directory::DirectoryError::Stale(_))), "{stale:?}");
    let snapshot = house.state.context.registry.snapshot();
    assert_eq!(snapshot.pool(POOL).unwrap().client("app").unwrap().client_name, "first");
}

#[actix_web::test]
async fn a_page_repeats_nothing_that_nobody_here_reads() {
    let house = House::build().await;
    with_identifier(&house).await;
    let page = authorize_path(&[]).replace("/oauth2/authorize", "/login");
    let plain = house.get(&mut Browser::default(), &page).await.body;
    let stuffed = format!("{page}{}&tracking=x&lang=", "&a".repeat(10_000));
    let answer = house.get(&mut Browser::default(), &stuffed).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, plain.len()), "{}", answer.body.len());
    let long = format!("{}@nowhere.example", "x".repeat(300));
    let answer = house.post_from(&mut Browser::default(), &page, &[("email", &long)]).await;
    assert!(answer.status == 200 && !answer.body.contains("xxxxx"), "{answer:?}");
}

#[actix_web::test]
async fn an_address_typed_for_another_account_asks_anew_and_one_that_leads_nowhere_loses_nothing() {
    let house = House::build().await;
    with_identifier(&house).await;
    let page = authorize_path(&[("prompt", "select_account")]).replace("/oauth2/authorize", "/login");
    let mut browser = Browser::default();
    house.sign_in(&mut browser, &[("identity_provider", "Globex")]).await.code();
    let again = house.post_from(&mut browser, &page, &[("email", "jane@nowhere.example")]).await;
    assert!(again.body.contains("Continue as alice"), "the account is still on offer: {again:?}");
    assert!(again.body.contains("prompt=select_account"), "{again:?}");
    for (mut browser, prompt) in [(browser, "login"), (Browser::default(), "select_account")] {
        let leaving = house.post_from(&mut browser, &page, &[("email", "jane@acme.example")]).await.led_on();
        assert_eq!(leaving.told("prompt").as_deref(), Some(prompt), "{leaving:?}");
    }
}

/// Choosing a language asks the same once more: it may go straight on then.
#[actix_web::test]
async fn no_form_of_the_page_ends_elsewhere_by_a_redirect() {
    let house = House::build().await;
    with_identifier(&house).await;
    let browser = &mut Browser::default();
    let page = authorize_path(&[("client_id", "narrow"), ("identity_provider", "COGNITO")]);
    let answer = house.get(browser, &page.replace("/oauth2/authorize", "/login")).await;
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("form-action 'self';"), "{policy}");
    assert!(answer.body.contains(r#"<input type="hidden" name="poolgate_form" value="1">"#), "{answer:?}");

    let asked = authorize_path(&[("client_id", "narrow")]).replace("/oauth2/authorize", "/login");
    let of_an_app = house.get(browser, &asked).await;
    assert!(of_an_app.header("location").starts_with("https://globex.example/"), "{of_an_app:?}");
    let ours = house.get(browser, &format!("{asked}&lang=de&poolgate_form=1")).await;
    assert!(ours.body.contains("Globex"), "{ours:?}");
    assert!(ours.led_on().header("location").starts_with("https://globex.example/"));

    // What the app is told ends there as well.
    let wrong = authorize_path(&[("scope", "unknown")]).replace("/oauth2/authorize", "/login");
    let told = house.post_from(browser, &wrong, &[("email", "jane@acme.example")]).await.led_on();
    assert_eq!(told.told("error").as_deref(), Some("invalid_scope"), "{told:?}");
}

#[actix_web::test]
async fn a_page_that_leads_back_to_the_app_does_not_name_the_provider_that_could_not_be_asked() {
    let house = House::build().await;
    with_identifier(&house).await;
    house.web.says("https://acme.example/.well-known/openid-configuration", 503, json!({}));
    let page = authorize_path(&[]).replace("/oauth2/authorize", "/login");
    let answer = house.post_from(&mut Browser::default(), &page, &[("email", "jane@acme.example")]).await;
    assert!(answer.body.contains("Finishing your sign-in."), "{answer:?}");
    assert!(answer.led_on().told("error").is_some());
}

/// Nothing comes after it, and a phone opens an app more readily from a redirect.
#[actix_web::test]
async fn an_apps_own_scheme_is_named_and_redirected_to() {
    let house = House::build().await;
    with_identifier(&house).await;
    house.change_client("app", |client| client.callback_urls.push("myapp://cb".to_owned())).await;
    let more = [("redirect_uri", "myapp://cb"), ("scope", "unknown")];
    let page = authorize_path(&more).replace("/oauth2/authorize", "/login");
    let wrong = house.post_from(&mut Browser::default(), &page, &[("email", "jane@acme.example")]).await;
    assert!(wrong.location().as_str().starts_with("myapp://cb?error=invalid_scope"), "{wrong:?}");
    let page = authorize_path(&more[..1]).replace("/oauth2/authorize", "/login");
    let answer = house.get(&mut Browser::default(), &page).await;
    assert!(answer.header("content-security-policy").contains("form-action 'self' myapp:;"), "{answer:?}");
}
