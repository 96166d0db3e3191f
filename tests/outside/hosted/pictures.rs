//! The pictures of docs/hosted-pages.md: `make screenshots` writes them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use serde_json::json;

use super::gallery::{Gallery, Shown};
use crate::harness::{Browser, Screen, repository};

/// What each state is taken on: the end of the file's name, the screen, the scheme.
const VIEWS: [(&str, Screen, &str); 3] = [
    ("desktop", Screen { width: 800, height: 560, scale: 1 }, "light"),
    ("phone", Screen { width: 390, height: 560, scale: 1 }, "light"),
    ("dark", Screen { width: 800, height: 560, scale: 1 }, "dark"),
];
/// Steps from one shade to the next, of 255: black and white stay what they are.
const SHADE: f32 = 3.0;
/// The sign-in page on a phone in other languages.
const LANGUAGES: [&str; 3] = ["ja", "ar", "de"];

/// The pictures of a state, as docs/hosted-pages.md names them.
pub fn names(state: &str) -> Vec<String> {
    VIEWS.iter().map(|(view, ..)| format!("images/pages/{state}-{view}.png")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "writes docs/images/pages: make screenshots"]
async fn take_pictures_of_every_page() {
    let (gallery, browser) = (Gallery::open().await, Browser::start().await);
    std::fs::create_dir_all(repository().join("docs/images/pages")).unwrap();
    for page in gallery.pages(&["en"], &["plain"]) {
        for ((_, screen, scheme), name) in VIEWS.iter().zip(names(&page.state)) {
            take(&browser, &page, *screen, scheme, &name).await;
        }
    }
    for language in LANGUAGES {
        let page = gallery.page("sign-in", language, "plain");
        take(&browser, &page, VIEWS[1].1, "light", &format!("images/pages/sign-in-{language}.png")).await;
    }
    let page = gallery.page("sign-in", "en", "custom");
    take(&browser, &page, VIEWS[0].1, "light", "images/pages/sign-in-custom.png").await;
    browser.close().await;
}

/// The whole page, at least as high as the screen.
async fn take(browser: &Browser, page: &Shown, screen: Screen, scheme: &str, name: &str) {
    browser.prefer(&[("prefers-color-scheme", scheme), ("prefers-reduced-motion", "reduce")]).await;
    browser.screen(screen).await;
    page.show(browser).await;
    let script = "document.activeElement.blur(); return document.documentElement.scrollHeight";
    let height = browser.ask(script, vec![]).await.as_u64().unwrap();
    let clip = json!({"x": 0, "y": 0, "width": screen.width, "height": height, "scale": 1});
    let parameters = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
    let taken = browser.devtools("Page.captureScreenshot", parameters).await;
    let picture = STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
    std::fs::write(repository().join("docs").join(name), small(&picture)).unwrap();
}

/// The picture in fewer shades, which PNG keeps in a fraction of the bytes.
fn small(picture: &[u8]) -> Vec<u8> {
    let mut pixels = image::load_from_memory(picture).unwrap().to_rgb8();
    for shade in pixels.iter_mut() {
        *shade = ((f32::from(*shade) / SHADE).round() * SHADE) as u8;
    }
    let mut file = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut file, CompressionType::Best, FilterType::NoFilter);
    pixels.write_with_encoder(encoder).unwrap();
    file
}
