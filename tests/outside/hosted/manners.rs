//! What every page owes: a language, a title, landmarks, headers; nothing inline, nothing from elsewhere, few bytes.

use std::collections::BTreeSet;

use reqwest::header::HeaderMap;
use url::Url;

use super::facts::{Layout, Structure};
use super::gallery::{Findings, Gallery, Shown};
use crate::harness::{Browser, repository};

/// What the first page may weigh with everything that it loads, uncompressed, headers and all.
const BYTES: usize = 30 * 1024;
/// Languages that run from right to left.
const RIGHT_TO_LEFT: [&str; 1] = ["ar"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_named_and_told_in_its_own_language() {
    let (gallery, browser) = (Gallery::open().await, Browser::start().await);
    let mut findings = Findings::default();
    browser.driver.goto("about:blank").await.unwrap();
    for state in &gallery.states {
        let pages =
            gallery.every_language().into_iter().map(|language| gallery.page(state, language, "plain"));
        let (pages, mut html): (Vec<_>, _) = (pages.collect(), Vec::new());
        for page in &pages {
            html.push(gallery.fetch(&page.url).await.text().await.unwrap());
        }
        let told = Structure::of(&browser, &html).await;
        for (page, structure) in pages.iter().zip(&told) {
            check(page, structure, &mut findings);
        }
        let (english, others) = told.split_first().unwrap();
        for (page, other) in pages[1..].iter().zip(others) {
            findings.check(page, other.title != english.title, format!("an English title: {}", other.title));
            for text in other.texts.iter().filter(|text| is_sentence(text)) {
                findings.check(page, !english.texts.contains(text), format!("English words: {text}"));
            }
        }
    }
    findings.assert_none();
    browser.close().await;
}

/// Three words or more: no name, and no example of an address.
fn is_sentence(text: &str) -> bool {
    text.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic)).count() >= 3
}

fn check(page: &Shown, told: &Structure, findings: &mut Findings) {
    let dir = if RIGHT_TO_LEFT.contains(&page.language.as_str()) { "rtl" } else { "ltr" };
    findings.check(page, told.lang == page.language, format!("lang is {}", told.lang));
    findings.check(page, told.dir == dir, format!("dir is {}", told.dir));
    findings.check(page, told.headings == 1, format!("{} h1", told.headings));
    findings.check(page, told.mains == 1, format!("{} main", told.mains));
    findings.check(page, !told.title.is_empty(), "no title");
    for what in told.inline.iter().chain(&told.nameless) {
        findings.add(page, format!("inline, or without a name: {what}"));
    }
    if page.is_trouble() {
        let announced = told.alerts.len() == 1 && !told.alerts[0].is_empty();
        findings.check(page, announced, format!("announces {:?}", told.alerts));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_asks_anybody_else_breaks_its_own_policy_or_weighs_much() {
    let (gallery, browser) = (Gallery::open().await, Browser::start().await);
    let mut findings = Findings::default();
    for page in gallery.pages(&["en", "ar"], &["plain", "custom"]) {
        page.show(&browser).await;
        for complaint in browser.complaints().await {
            findings.check(&page, is_meant(&page, &complaint), complaint);
        }
        let mut loaded = browser.requests().await;
        loaded.extend(Layout::of(&browser).await.addresses);
        let origin = Url::parse(&page.url).unwrap().origin();
        let is_own = |address: &String| Url::parse(address).unwrap().origin() == origin;
        let (own, foreign): (BTreeSet<String>, BTreeSet<String>) = loaded.into_iter().partition(is_own);
        for address in foreign {
            findings.add(&page, format!("asks somebody else: {address}"));
        }
        let bytes = weigh(&gallery, &page, &own, &mut findings).await;
        if page.look == "plain" {
            findings.check(&page, bytes <= BYTES, format!("{bytes} bytes"));
        }
    }
    findings.assert_none();
    browser.close().await;
}

/// That an error page comes with an error's status is no news, and the preview forbids the script that would send a
/// page away before anybody has seen it.
fn is_meant(page: &Shown, complaint: &str) -> bool {
    let status = format!("{} - Failed to load resource: the server responded with a status of", page.url);
    complaint.starts_with(&status) || page.state.starts_with("hop-") && complaint.contains("/auto-post.js'")
}

/// The bytes of a page and of everything that it loads; their headers are looked at on the way.
async fn weigh(gallery: &Gallery, page: &Shown, loaded: &BTreeSet<String>, findings: &mut Findings) -> usize {
    let mut bytes = 0;
    for address in loaded {
        let answer = gallery.fetch(address).await;
        let headers = answer.headers().clone();
        let found = *address == page.url || answer.status() == 200;
        findings.check(page, found, format!("loads what is not there: {address}"));
        let wanted: &[(&str, &[&str])] = if *address == page.url { &OF_PAGES } else { &OF_FILES };
        for (name, parts) in wanted {
            for part in *parts {
                let what = format!("{name} without {part}: {:?}", header(&headers, name));
                findings.check(page, header(&headers, name).contains(part), what);
            }
        }
        let policy = header(&headers, "content-security-policy");
        findings.check(page, !policy.contains("unsafe"), format!("policy: {policy}"));
        bytes += headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>();
        bytes += answer.bytes().await.unwrap().len();
    }
    bytes
}

/// Headers of pages, and what each holds (`gateway.md` section 8).
const OF_PAGES: [(&str, &[&str]); 6] = [
    ("content-type", &["text/html; charset=utf-8"]),
    (
        "content-security-policy",
        &["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"],
    ),
    ("cache-control", &["no-store"]),
    ("referrer-policy", &["no-referrer"]),
    ("x-content-type-options", &["nosniff"]),
    ("x-frame-options", &["DENY"]),
];
/// The same of what they load: its path changes with its content.
const OF_FILES: [(&str, &[&str]); 4] = [
    ("cache-control", &["immutable", "max-age=31536000"]),
    ("referrer-policy", &["no-referrer"]),
    ("x-content-type-options", &["nosniff"]),
    ("content-security-policy", &["default-src 'none'"]),
];

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn every_state_of_a_page_is_shown_in_the_documentation() {
    let gallery = Gallery::open().await;
    let documentation = std::fs::read_to_string(repository().join("docs/hosted-pages.md")).unwrap();
    let mut findings = Findings::default();
    for state in &gallery.states {
        for picture in super::pictures::names(state) {
            let file = repository().join("docs").join(&picture);
            findings.check(state, file.exists(), format!("no {picture}: make screenshots"));
            findings.check(
                state,
                documentation.contains(&picture),
                format!("docs/hosted-pages.md lacks {picture}"),
            );
        }
    }
    findings.assert_none();
}
