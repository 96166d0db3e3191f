//! What a browser remembers of the attempts that it began: how much, how long, and of whom.

use actix_web::test::TestRequest;
use time::Duration;

use super::again::{ACME, FIVE_MINUTES, PREFIX, assert_no_start, holding, links, remembered, start_again};
use super::house::{Browser, House, LOGGED_OUT, authorize_path, callback_path, person};

#[actix_web::test]
async fn a_browser_remembers_the_last_four_attempts_in_three_thousand_bytes() {
    let house = House::build().await;
    let mut browser = Browser::default();
    for number in 0..6 {
        house.authorize(&mut browser, &[ACME, ("state", &format!("s{number}"))]).await;
        house.advance(Duration::seconds(1));
    }
    let states = |browser: &Browser| {
        let mut states: Vec<_> = remembered(browser)
            .iter()
            .map(|(_, asked)| asked.split("state=").nth(1).unwrap()[..2].to_owned())
            .collect();
        states.sort();
        states
    };
    assert_eq!(states(&browser), ["s2", "s3", "s4", "s5"]);

    let bytes = |browser: &Browser| -> usize {
        let ours = browser.0.iter().filter(|(name, _)| name.starts_with(PREFIX));
        ours.map(|(name, value)| name.len() + value.len()).sum()
    };
    let long = format!("s6{}", "x".repeat(1_500));
    house.authorize(&mut browser, &[ACME, ("state", &long)]).await;
    house.advance(Duration::seconds(1));
    assert!(bytes(&browser) <= 3_000, "{}", bytes(&browser));
    assert_eq!(states(&browser).last().unwrap(), "s6");
    assert!(states(&browser).len() < 4);

    let before = remembered(&browser).len();
    let leaving = house.authorize(&mut browser, &[ACME, ("state", &"x".repeat(3_000))]).await;
    assert!(remembered(&browser).len() <= 4, "{before}");
    let kept = remembered(&browser);
    assert!(kept.iter().any(|(_, asked)| asked == "client_id=app"), "too large: only whose it was: {kept:?}");
    house.advance(FIVE_MINUTES);
    let page = house.get(&mut browser, &callback_path(&leaving, &person("alice"))).await;
    assert_no_start("not remembered", &page);
    assert_eq!(links(&page), [LOGGED_OUT], "but there is a way back: {page:?}");
}

#[actix_web::test]
async fn what_a_browser_remembers_is_neither_the_handle_nor_the_person() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let more = [ACME, ("login_hint", "jane@acme.example"), ("tracking", "jane"), ("prompt", "login")];
    let leaving = house.authorize(&mut browser, &more).await;
    let handle = leaving.told("state").unwrap();
    let (name, asked) = remembered(&browser).remove(0);
    assert!(!asked.contains("jane") && !asked.contains("hint"), "{asked}");
    assert!(asked.contains("prompt=login") && asked.contains("scope=openid"), "{asked}");
    assert!(!name.contains(&handle[..8]) && !asked.contains(&handle[..8]), "{name}");
    assert_eq!(name.len(), PREFIX.len() + 16);
    let line = leaving.headers.get_all("set-cookie").nth(1).unwrap().to_str().unwrap();
    let mut attributes: Vec<_> = line.split("; ").skip(1).collect();
    attributes.sort_unstable();
    assert_eq!(attributes, ["HttpOnly", "Max-Age=14400", "Path=/", "SameSite=Lax"], "{line}");
}

#[actix_web::test]
async fn over_tls_no_other_host_can_say_what_a_browser_was_asked() {
    let mut house = House::build().await;
    house.state.context.surface.public_url = "https://localhost".parse().unwrap();
    let mut browser = Browser::default();
    let leaving = house.authorize(&mut browser, &[ACME]).await;
    let line = leaving.headers.get_all("set-cookie").nth(1).unwrap().to_str().unwrap();
    assert!(line.starts_with(&format!("__Host-{PREFIX}")), "{line}");
    assert!(line.contains("; Secure") && line.contains("; Path=/") && !line.contains("Domain"), "{line}");
    house.advance(FIVE_MINUTES);
    let back = callback_path(&leaving, &person("alice"));
    start_again(&house.get(&mut browser, &back).await);
    // The same without the prefix is what a neighbour may have set.
    let tossed = browser.0.iter().map(|(name, value)| (name.replace("__Host-", ""), value.clone()));
    assert_no_start("tossed", &house.get(&mut Browser(tossed.collect()), &back).await);
    // To a browser this is another name, and any neighbour's to set.
    for space in ['\u{2000}', '\u{a0}', '\u{85}'] {
        let tossed = browser.0.iter().map(|(name, value)| (format!("{space}{name}"), value.clone()));
        assert_no_start("behind a space", &house.get(&mut Browser(tossed.collect()), &back).await);
    }
}

#[actix_web::test]
async fn what_was_set_in_the_future_was_not_set_here() {
    let house = House::build().await;
    let query = authorize_path(&[]).split_once('?').unwrap().1.to_owned();
    let now = house.state.context.now().unix_timestamp();
    for (at, believed) in [(now + 30, true), (now + 61, false), (i64::MAX, false), (i64::MIN, false)] {
        let mut browser = holding(&house, &query);
        for value in browser.0.values_mut() {
            *value = format!("{at}.{}", value.split_once('.').unwrap().1);
        }
        let link = format!("/again?attempt={}", "A".repeat(16));
        let answer = house.get(&mut browser, &link).await;
        assert_eq!(answer.status.as_u16() == 302, believed, "{at}: {answer:?}");
    }
}

#[actix_web::test]
async fn a_browser_forgets_after_four_hours_and_when_it_signs_out() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let leaving = house.authorize(&mut browser, &[ACME]).await;
    let back = callback_path(&leaving, &person("alice"));
    house.advance(Duration::hours(4) - Duration::seconds(1));
    let link = start_again(&house.get(&mut browser, &back).await);
    let mut leaver = browser.clone();
    house.advance(Duration::seconds(1));
    assert_no_start("too old", &house.get(&mut browser, &back).await);
    assert_eq!(house.get(&mut browser, &link).await.status, 400);

    house.authorize(&mut leaver, &[ACME]).await;
    assert!(!remembered(&leaver).is_empty());
    assert_eq!(house.get(&mut leaver, "/logout?client_id=app").await.status, 200);
    assert_eq!(remembered(&leaver), []);
}

#[actix_web::test]
async fn a_cookie_of_somebody_else_that_is_no_text_hides_none_of_ours() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let leaving = house.authorize(&mut browser, &[ACME]).await;
    let ours: Vec<_> = browser.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut line = b"theirs=caf\xe9; flag; ".to_vec();
    line.extend(ours.join("; ").into_bytes());
    let line = actix_web::http::header::HeaderValue::from_bytes(&line).unwrap();
    let back = callback_path(&leaving, &person("alice"));
    let request = TestRequest::get().uri(&back).insert_header(("host", "localhost"));
    house.send(request.insert_header(("cookie", line))).await.code();
}
