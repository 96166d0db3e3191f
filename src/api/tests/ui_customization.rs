use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, ImageFormat};

use super::*;

const CSS: &str = ".banner-customizable { background-color: navy; }";
const DOMAIN: &str = "http://acme.localhost:9229";

fn padded(start: &[u8], length: usize) -> String {
    let mut bytes = start.to_vec();
    bytes.resize(length.max(start.len()), 0);
    STANDARD.encode(bytes)
}

/// A picture, and zeros after it up to this length.
fn image(format: ImageFormat, length: usize) -> String {
    let mut bytes = Vec::new();
    DynamicImage::new_rgb8(40, 20).write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    padded(&bytes, length)
}

async fn furnished(world: &World) -> (String, Value) {
    let pool = world.pool().await;
    world.ok("CreateUserPoolDomain", json!({ "UserPoolId": pool, "Domain": "acme" })).await;
    let client = json!({ "UserPoolId": pool, "ClientName": "web" });
    let made = world.ok("CreateUserPoolClient", client).await;
    let this = json!({ "UserPoolId": pool, "ClientId": made["UserPoolClient"]["ClientId"] });
    (pool, this)
}

#[tokio::test]
async fn a_client_that_had_its_own_look_never_falls_back_to_that_of_all() {
    let world = World::new().await;
    let (pool, client) = furnished(&world).await;
    let all = json!({ "UserPoolId": pool });
    let empty = json!({ "UICustomization": {} });
    assert_eq!(world.ok("GetUICustomization", client.clone()).await, empty);
    let set = merged(all.clone(), json!({ "CSS": CSS, "ImageFile": image(ImageFormat::Png, 0) }));
    let set = world.ok("SetUICustomization", set).await;
    let address = set["UICustomization"]["ImageUrl"].clone();
    let expected = json!({
        "UserPoolId": pool, "ClientId": "ALL", "CSS": CSS, "CSSVersion": "20261121120000",
        "CreationDate": 1_795_262_400.0, "LastModifiedDate": 1_795_262_400.0,
        "ImageUrl": address,
    });
    assert_eq!(set, json!({ "UICustomization": expected }));
    let snapshot = world.api.core.registry.snapshot();
    let logo = snapshot.pool(&pool).unwrap().dress("ALL").unwrap().logo.clone().unwrap();
    assert_eq!((logo.width, logo.height), (40, 20));
    let expected = format!("{}{}", DOMAIN, logo.file.path());
    assert_eq!(address, json!(expected));
    assert_eq!(world.ok("GetUICustomization", all.clone()).await, set);
    assert_eq!(world.ok("GetUICustomization", client.clone()).await, set, "it has none of its own yet");

    let own = ".banner-customizable { background-color: red; }";
    world.ok("SetUICustomization", merged(client.clone(), json!({ "CSS": own }))).await;
    let shown = world.ok("GetUICustomization", client.clone()).await["UICustomization"].take();
    assert_eq!((&shown["CSS"], &shown["ClientId"]), (&json!(own), &client["ClientId"]));
    assert_eq!(world.ok("GetUICustomization", all).await, set, "that of all stays");

    world.ok("SetUICustomization", client.clone()).await;
    let shown = world.ok("GetUICustomization", client.clone()).await["UICustomization"].take();
    assert_eq!(shown["ClientId"], client["ClientId"], "its own, though it is empty");
    assert!(shown.get("CSS").is_none(), "what is not given is reset");
}

#[tokio::test]
async fn a_look_that_breaks_a_rule_is_refused() {
    let world = World::new().await;
    let (pool, client) = furnished(&world).await;
    let bare = world.pool().await;
    let all = |more: Value| merged(json!({ "UserPoolId": pool }), more);
    let invalid = "InvalidParameterException";
    for (input, error, says) in [
        (json!({ "UserPoolId": bare, "CSS": CSS }), invalid, "domain"),
        (all(json!({ "CSS": ".header { color: red }" })), invalid, "label-customizable"),
        (all(json!({ "CSS": "@import 'x';" })), invalid, "@import"),
        (all(json!({ "CSS": "x".repeat(131_073) })), invalid, "131072"),
        (all(json!({ "ImageFile": "no base64!" })), "SerializationException", "imageFile"),
        (all(json!({ "ImageFile": padded(b"GIF89a", 100) })), invalid, "PNG or JPEG"),
        (all(json!({ "ImageFile": padded(b"\x89PNG\r\n\x1a\n<html>", 100) })), invalid, "damaged"),
        (all(json!({ "ImageFile": padded(b"<svg xmlns", 100) })), invalid, "PNG or JPEG"),
        (all(json!({ "ImageFile": image(ImageFormat::Png, 102_401) })), "LimitExceededException", "102400"),
        (all(json!({ "ImageFile": image(ImageFormat::Png, 131_073) })), invalid, "131072"),
        (all(json!({ "ClientId": "nobody" })), "ResourceNotFoundException", "nobody"),
        (json!({ "UserPoolId": bare, "ClientId": client["ClientId"] }), "ResourceNotFoundException", ""),
    ] {
        let (name, text) = world.refused("SetUICustomization", input).await;
        assert_eq!(name, error, "{text}");
        assert!(text.contains(says), "{text}");
    }
    for good in [image(ImageFormat::Png, 102_400), image(ImageFormat::Jpeg, 102_400)] {
        world.ok("SetUICustomization", all(json!({ "ImageFile": good }))).await;
    }
    let foreign = json!({ "UserPoolId": bare, "ClientId": client["ClientId"] });
    assert_eq!(world.refused("GetUICustomization", foreign).await.0, "ResourceNotFoundException");
}

#[tokio::test]
async fn the_look_of_a_client_goes_with_it() {
    let world = World::new().await;
    let (pool, client) = furnished(&world).await;
    world.ok("SetUICustomization", merged(client.clone(), json!({ "CSS": CSS }))).await;
    world.ok("DeleteUserPoolClient", client).await;
    assert!(world.api.core.registry.snapshot().pool(&pool).unwrap().ui.is_empty());
}
