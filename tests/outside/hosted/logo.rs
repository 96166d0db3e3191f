//! Logos of administrators, from the API to the page.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{ImageFormat, Rgb, RgbImage};
use reqwest::Response;
use serde_json::{Value, json};

use super::facts::Layout;
use crate::harness::{Browser, Gateway, Pool, Screen};

/// A picture of one colour, in base64.
pub fn picture(format: ImageFormat, width: u32, height: u32, colour: [u8; 3]) -> String {
    let mut file = Cursor::new(Vec::new());
    RgbImage::from_pixel(width, height, Rgb(colour)).write_to(&mut file, format).unwrap();
    STANDARD.encode(file.into_inner())
}

/// The same as PNG.
pub fn png(width: u32, height: u32, colour: [u8; 3]) -> String {
    picture(ImageFormat::Png, width, height, colour)
}

async fn set(gateway: &Gateway, pool: &Pool, image: Value) -> Value {
    let call = json!({"UserPoolId": pool.id, "ImageFile": image});
    gateway.call("set_ui_customization", call).await
}

async fn fetch(address: &str) -> Response {
    reqwest::get(address).await.unwrap()
}

/// The logo as the page shows it: address, text, and the sides of what is painted.
const LOGO: &str = "const logo = document.querySelector('img.logo-customizable');
    return {src: logo.src, alt: logo.alt, loaded: logo.complete && logo.naturalWidth > 0,
        width: logo.getBoundingClientRect().width, height: logo.getBoundingClientRect().height,
        room: document.querySelector('main').getBoundingClientRect().width}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logo_of_any_size_is_shown_whole_under_the_apps_name_and_changes_at_once() {
    let gateway = Gateway::start().await;
    let client = json!([{"name": "Shop", "callbacks": ["https://shop.example/"], "providers": ["Acme"]}]);
    let provider = json!([{"name": "Acme", "type": "OIDC", "details": {
        "client_id": "c", "client_secret": "s", "authorize_scopes": "openid", "oidc_issuer": "http://127.0.0.1:9",
        "attributes_request_method": "GET", "authorize_url": "http://127.0.0.1:9/a",
        "token_url": "http://127.0.0.1:9/t", "attributes_url": "http://127.0.0.1:9/u",
        "jwks_uri": "http://127.0.0.1:9/j",
    }}]);
    let pool = gateway.provision(provider, client).await;
    let browser = Browser::start().await;
    browser.screen(Screen::NARROW).await;
    // Signed out: a page of every client, with no provider to go to.
    let id = pool.clients["Shop"]["id"].as_str().unwrap();
    let page = format!("{}/logout?client_id={id}", gateway.url());
    let mut last = String::new();
    for (image, sides, kind) in [
        (png(120, 40, [0, 80, 0]), (120.0, 40.0), "image/png"),
        (png(4_000, 400, [0, 0, 80]), (4_000.0, 400.0), "image/png"),
        (picture(ImageFormat::Jpeg, 200, 1_600, [80, 0, 0]), (200.0, 1_600.0), "image/jpeg"),
    ] {
        let told = set(&gateway, &pool, json!({"base64": image})).await;
        browser.driver.goto(&page).await.unwrap();
        let logo = browser.ask(LOGO, vec![]).await;
        let (width, height) = (logo["width"].as_f64().unwrap(), logo["height"].as_f64().unwrap());
        assert_eq!((&logo["alt"], &logo["loaded"]), (&json!("Shop"), &json!(true)), "{logo}");
        assert!(
            width <= logo["room"].as_f64().unwrap() && height <= 200.0,
            "it leaves room for the page: {logo}"
        );
        let stretched = (width / height) / (sides.0 / sides.1);
        assert!((0.95..1.05).contains(&stretched), "as wide for its height as it was: {logo}");
        assert_eq!(Layout::of(&browser).await.overflow, Vec::<String>::new());
        let address = logo["src"].as_str().unwrap().to_owned();
        assert_ne!(address, last, "a new address for new content");
        assert_eq!(told["UICustomization"]["ImageUrl"], address);
        let answer = fetch(&address).await;
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()),
            (200, kind)
        );
        let caching = answer.headers()["cache-control"].to_str().unwrap();
        assert!(caching.contains("immutable") && caching.contains("max-age=31536000"), "{caching}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        last = address;
    }
    let wrong = last.replace("/assets/", "/assets/x");
    assert_eq!(fetch(&wrong).await.status(), 404, "the address is of this content");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
}

#[tokio::test]
async fn a_logo_that_is_no_picture_or_too_large_is_refused() {
    let gateway = Gateway::start().await;
    let pool = gateway.provision(json!([]), json!([])).await;
    let script = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    let polyglot = b"\x89PNG\r\n\x1a\n<html><script>alert(1)</script>";
    let large = json!({"base64": png(40, 20, [0, 0, 0]), "size": 102_401});
    let file = |bytes: &[u8]| json!({"base64": STANDARD.encode(bytes)});
    for (image, error) in [
        (file(script.as_bytes()), "InvalidParameterException"),
        (file(b"GIF89a<script>alert(1)</script>"), "InvalidParameterException"),
        (file(polyglot), "InvalidParameterException"),
        (large, "LimitExceededException"),
    ] {
        let answer = set(&gateway, &pool, image).await;
        assert_eq!(answer["error"], error, "{answer}");
        assert!(answer["message"].as_str().unwrap().contains("ImageFile"), "{answer}");
    }
    let shown = gateway.call("get_ui_customization", json!({"UserPoolId": pool.id})).await;
    assert_eq!(shown["UICustomization"], json!({}), "nothing was kept");
}
