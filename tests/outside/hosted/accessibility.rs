//! WCAG 2.2 AA, as far as a program can tell: axe-core, narrow and zoomed windows, the walk of the Tab key.

use thirtyfour::Key;

use super::facts::{Layout, Stop};
use super::gallery::{Findings, Gallery, Shown};
use crate::harness::{Browser, Screen};

const STILL: (&str, &str) = ("prefers-reduced-motion", "reduce");

/// Screens, schemes, and what to call them.
const VIEWS: [(Screen, &str, &str); 4] = [
    (Screen::DESKTOP, "light", "desk in light"),
    (Screen::PHONE, "dark", "phone in dark"),
    (Screen::DESKTOP, "dark", "desk in dark"),
    (Screen::PHONE, "light", "phone in light"),
];

/// English in every view; one language for each other kind of script in half of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_core_finds_nothing_wrong_on_any_page_in_light_and_dark_on_desk_and_phone() {
    let (gallery, browser) = (Gallery::open().await, Browser::start().await);
    let mut findings = Findings::default();
    let mut pages = gallery.pages(&["en"], &["plain", "custom"]);
    pages.extend(gallery.pages(&["ar", "ja"], &["plain"]).into_iter().filter(Shown::is_of_its_own));
    for page in pages {
        page.show(&browser).await;
        for (screen, scheme, view) in &VIEWS[..if page.language == "en" { 4 } else { 2 }] {
            browser.screen(*screen).await;
            browser.prefer(&[("prefers-color-scheme", scheme), STILL]).await;
            for violation in browser.axe().await {
                for (place, why) in violation.places {
                    let what = format!("{} ({}): {place}\n    {why}", violation.id, violation.impact);
                    findings.add(format!("{page}, {view}"), what);
                }
            }
        }
    }
    findings.assert_none();
    browser.close().await;
}

/// Also with text spaced out, and with text at twice the size that people start with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_in_any_language_scrolls_sideways_or_loses_text_at_320_pixels_or_twice_the_size() {
    let (gallery, browser) = (Gallery::open().await, Browser::start().await);
    browser.prefer(&[STILL]).await;
    let mut findings = Findings::default();
    let mut pages = gallery.pages(&["en"], &["plain", "custom"]);
    let others: Vec<_> = gallery.every_language().into_iter().skip(1).collect();
    pages.extend(gallery.pages(&others, &["plain"]).into_iter().filter(Shown::is_of_its_own));
    for page in pages {
        page.show(&browser).await;
        let views = [
            (Screen::NARROW, 16, "320 px"),
            (Screen::DESKTOP.zoomed(2), 16, "200%"),
            (Screen::DESKTOP, 32, "text of 32 px"),
        ];
        for (screen, text, on) in &views[..if page.language == "en" { 3 } else { 1 }] {
            browser.screen(*screen).await;
            browser.text_size(*text).await;
            let layout = Layout::of(&browser).await;
            let direction = if page.language == "ar" { "rtl" } else { "ltr" };
            findings.check(&page, layout.direction == direction, format!("text runs {}", layout.direction));
            for what in layout.overflow {
                findings.add(&page, format!("{on}: {what}"));
            }
            for what in layout.spaced_overflow {
                findings.add(&page, format!("{on}, text spaced: {what}"));
            }
            for what in layout.small {
                findings.add(&page, format!("{on}: too small to hit, {what}"));
            }
        }
    }
    findings.assert_none();
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tab_visits_every_control_in_the_order_that_it_is_seen_and_always_shows_where_it_is() {
    let (gallery, browser) = (Gallery::open().await, Browser::start().await);
    let mut findings = Findings::default();
    let mut pages = gallery.pages(&["en"], &["plain", "custom"]);
    pages.extend(gallery.pages(&["ar"], &["plain"]));
    for page in pages {
        browser.screen(Screen::PHONE).await;
        page.show(&browser).await;
        browser.prefer(&[STILL]).await;
        walk(&browser, &page, &mut findings).await;
    }
    findings.assert_none();
    browser.close().await;
}

/// Tab from the top of the page until the focus leaves it.
async fn walk(browser: &Browser, page: &Shown, findings: &mut Findings) {
    // A field may take the focus by itself: the walk begins above it.
    browser.ask("document.body.tabIndex = -1; document.body.focus()", vec![]).await;
    let count = Stop::begin(browser).await;
    let mut last: Option<Stop> = None;
    for step in 0..count {
        browser.press(Key::Tab).await;
        let Some(stop) = Stop::now(browser).await else {
            findings.add(page, format!("Tab leaves the page after {step} of {count} controls"));
            return;
        };
        findings.check(page, stop.index == Some(step), format!("out of turn, step {step}: {}", stop.name));
        findings.check(page, !stop.covered, format!("the control with the focus is covered: {}", stop.name));
        for scheme in ["dark", "light"] {
            browser.prefer(&[("prefers-color-scheme", scheme), STILL]).await;
            let stop = Stop::now(browser).await.expect("the focus stays");
            findings.check(page, stop.marked, format!("{scheme}: focus cannot be seen: {}", stop.name));
            let contrast = stop.contrast.unwrap_or(21.0);
            let what = format!("{scheme}: the outline's contrast is {contrast:.1}: {}", stop.name);
            findings.check(page, contrast >= 3.0, what);
        }
        if let Some(last) = &last {
            let what = format!("the focus goes back, from {} to {}", last.name, stop.name);
            findings.check(page, follows(last, &stop, page.language == "ar"), what);
        }
        last = Some(stop);
    }
}

/// Whether a reader comes to `next` after `last`: below it, or further on in the same line.
fn follows(last: &Stop, next: &Stop, right_to_left: bool) -> bool {
    let same_line = next.top < last.bottom && last.top < next.bottom;
    match (same_line, right_to_left) {
        (false, _) => next.top >= last.bottom,
        (true, false) => next.left >= last.right,
        (true, true) => next.right <= last.left,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_stand_still_for_who_asks_and_show_their_controls_in_forced_colours() {
    let (gallery, browser) = (Gallery::open().await, Browser::start().await);
    let mut findings = Findings::default();
    let mut pages = gallery.pages(&["en"], &["plain", "custom"]);
    // Where something moves, it moves the other way.
    pages
        .extend(gallery.pages(&["ar"], &["plain"]).into_iter().filter(|page| page.state.starts_with("hop-")));
    for page in pages {
        browser.prefer(&[STILL, ("forced-colors", "active")]).await;
        page.show(&browser).await;
        let layout = Layout::of(&browser).await;
        for what in layout.moving {
            findings.add(&page, format!("moves: {what}"));
        }
        for what in layout.flat {
            findings.add(&page, format!("forced colours: not to be told from text, {what}"));
        }
    }
    findings.assert_none();
    browser.close().await;
}
