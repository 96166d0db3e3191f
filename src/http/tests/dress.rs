//! What the pages of a pool wear, as a browser fetches it.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, ImageFormat};
use serde_json::json;
use time::Duration;

use super::house::{Browser, House, POOL};
use crate::api;
use crate::http::pages::assets;
use crate::pool::UiCustomization;
use crate::registry::Edit;
use crate::style::{Dress, Served};
use crate::testing;

fn picture(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    DynamicImage::new_rgb8(40, 20).write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

async fn dress(house: &House, client_id: &str, colour: &str) -> Dress {
    let input = json!({
        "UserPoolId": POOL, "ClientId": client_id,
        "CSS": format!(".background-customizable {{ background-color: {colour} }}"),
        "ImageFile": STANDARD.encode(picture(ImageFormat::Png)),
    });
    api::call(&house.state.api, "SetUICustomization", input).await.unwrap();
    worn(house, client_id)
}

fn worn(house: &House, client_id: &str) -> Dress {
    let snapshot = house.state.context.registry.snapshot();
    snapshot.pool(POOL).unwrap().dress(client_id).unwrap().clone()
}

fn css(dress: &Dress) -> &Served {
    dress.css.as_ref().unwrap()
}

#[actix_web::test]
async fn what_pages_wear_is_served_by_its_content_for_ever() {
    let house = House::build().await;
    let (all, own) = (dress(&house, "ALL", "navy").await, dress(&house, "app", "red").await);
    assert_ne!(css(&all).hash, css(&own).hash);
    assert_eq!(worn(&house, "narrow"), all, "it has none of its own");
    let logo = all.logo.as_ref().unwrap();
    assert_eq!((logo.width, logo.height), (40, 20));
    for file in [css(&all), css(&own), &logo.file] {
        let answer = house.get(&mut Browser::default(), &file.path()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        for (name, value) in [
            ("content-type", file.content_type),
            ("cache-control", "public, max-age=31536000, immutable"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ] {
            assert_eq!(answer.header(name), value);
        }
        assert!(answer.headers.get("set-cookie").is_none());
    }
    let answer = house.get(&mut Browser::default(), &css(&own).path()).await;
    assert_eq!(answer.body, ".background-customizable{background-color:red;}\n");
    for path in [format!("/assets/{}/logo.png", css(&own).hash), "/assets/AAAAAAAAAAAAAAAA/custom.css".into()]
    {
        assert_eq!(house.get(&mut Browser::default(), &path).await.status, 404);
    }
}

#[actix_web::test]
async fn another_pool_does_not_serve_it_and_a_host_of_no_pool_serves_what_is_built_in() {
    let house = House::build().await;
    let other = house.second_pool().await;
    let all = dress(&house, "ALL", "navy").await;
    let built_in = assets::path("poolgate.css").unwrap();
    for (host, path, status) in [
        (other, css(&all).path(), 404),
        (other, built_in.clone(), 200),
        ("nobody.example", built_in, 200),
        ("nobody.example", css(&all).path(), 404),
    ] {
        let answer = house.get_at(host, &mut Browser::default(), &path).await;
        assert_eq!(answer.status, status, "{host} {path}");
    }
}

#[actix_web::test]
async fn a_page_of_one_replica_is_dressed_by_the_other() {
    let house = House::build().await;
    let other = house.beside(Duration::ZERO).await;
    let all = dress(&house, "ALL", "navy").await;
    assert_eq!(other.get(&mut Browser::default(), &css(&all).path()).await.status, 200);
}

fn stored(client_id: &str, css: &str, logo: &[u8]) -> UiCustomization {
    serde_json::from_value(json!({
        "UserPoolId": POOL, "ClientId": client_id, "CSS": css, "Logo": STANDARD.encode(logo),
        "CSSVersion": "20261121120000", "CreationDate": 1_795_262_400, "LastModifiedDate": 1_795_262_400,
    }))
    .unwrap()
}

#[actix_web::test]
async fn what_was_stored_before_it_was_checked_is_served_only_if_it_is_good() {
    let house = House::build().await;
    let mut trailing = picture(ImageFormat::Jpeg);
    trailing.extend(b"<script>alert(1)</script>");
    let good = stored("app", ".label-customizable { color: red }", &trailing);
    let bad = stored("ALL", "body { color: red }", b"\x89PNG\r\n\x1a\n<html>");
    house.edit(vec![Edit::CreateUiCustomization(good), Edit::CreateUiCustomization(bad)]).await;
    assert_eq!(worn(&house, "narrow"), Dress::default());
    let good = worn(&house, "app");
    assert!(good.css.is_some());
    let logo = good.logo.unwrap();
    assert_eq!((logo.file.name, logo.width, logo.height), ("logo.jpg", 40, 20));
    assert!(!String::from_utf8_lossy(&logo.file.bytes).contains("script"));
}

#[actix_web::test]
async fn a_dress_is_made_once_not_at_every_change_of_its_pool() {
    let house = House::build().await;
    let before = dress(&house, "ALL", "navy").await;
    house.edit(vec![Edit::CreateClient(testing::client(json!({"ClientId": "fresh"})))]).await;
    let after = worn(&house, "fresh");
    assert!(std::sync::Arc::ptr_eq(&css(&before).bytes, &css(&after).bytes));
    let changed = dress(&house, "ALL", "teal").await;
    assert_ne!(css(&changed).hash, css(&after).hash);
}
