use url::Url;

use super::headers::{FormTarget, Transport};
use super::*;

const HOSTILE: &str = "\"><script>alert(1)</script>'&";

fn pages() -> Pages {
    Pages::new().unwrap()
}

fn local(path: &str) -> Href {
    Href::local(path).unwrap()
}

fn choice(name: &str) -> ProviderChoice {
    ProviderChoice::new(name, local(&format!("/oauth2/authorize?client_id=c&identity_provider={name}")))
}

fn login() -> LoginPage {
    LoginPage {
        app: "Acme Portal".into(),
        message: None,
        discovery: Some(EmailDiscovery {
            action: local("/login?client_id=c"),
            input: "username".into(),
            fields: vec![("state".into(), "a&b".into())],
            value: String::new(),
            problem: None,
        }),
        organisations: vec![choice("Okta"), choice("Contoso")],
        socials: vec![choice("Google")],
    }
}

fn error() -> ErrorPage {
    ErrorPage {
        title: "This sign-in link is not valid".into(),
        what: "The address to return to is not registered for this app client.".into(),
        advice: "Ask the people who run the app to add it to the callback URLs.".into(),
        code: "redirect_mismatch".into(),
        correlation: "5c1f0a9e".into(),
        back: Some(Link { href: local("/login"), label: "Back to Acme Portal".into() }),
    }
}

fn auto_post() -> AutoPostPage {
    AutoPostPage {
        to: Some("Okta".into()),
        action: Href::absolute(&Url::parse("https://idp.example/sso").unwrap()).unwrap(),
        fields: vec![("SAMLRequest".into(), "PHNhbWw+".into()), ("RelayState".into(), "h".into())],
    }
}

/// Asset paths change with their content: snapshots hold the words, not the hash.
fn stable(html: String) -> String {
    assets::all().iter().fold(html, |html, asset| html.replace(&asset.hash, "HASH"))
}

fn every_page_with(text: &str) -> Vec<String> {
    let text = text.to_owned();
    let pages = pages();
    let back = Some(Link { href: local("/login"), label: text.clone() });
    let mut login = login();
    login.app = text.clone();
    login.message = Some(text.clone());
    login.organisations = vec![ProviderChoice::new(&text, local("/a"))];
    login.socials = vec![ProviderChoice::new(&text, local("/a"))];
    if let Some(discovery) = &mut login.discovery {
        discovery.value = text.clone();
        discovery.problem = Some(text.clone());
        discovery.fields = vec![(text.clone(), text.clone())];
        discovery.input = text.clone();
    }
    let error = ErrorPage {
        title: text.clone(),
        what: text.clone(),
        advice: text.clone(),
        code: text.clone(),
        correlation: text.clone(),
        back: back.clone(),
    };
    let expired = ExpiredPage { code: text.clone(), correlation: text.clone(), back: back.clone() };
    let mut post = auto_post();
    post.to = Some(text.clone());
    post.fields = vec![(text.clone(), text.clone())];
    vec![
        pages.login(&login).unwrap(),
        pages.error(&error).unwrap(),
        pages.signed_out(&SignedOutPage { app: Some(text), back }).unwrap(),
        pages.expired(&expired).unwrap(),
        pages.auto_post(&post).unwrap(),
    ]
}

#[test]
fn the_login_page_shows_every_choice() {
    insta::assert_snapshot!(stable(pages().login(&login()).unwrap()));
}

#[test]
fn a_button_says_what_it_is_told_to_say() {
    let apple = ProviderChoice::saying("Sign in with Apple", "Apple", local("/a"));
    let page = LoginPage { socials: vec![apple], ..login() };
    let html = pages().login(&page).unwrap();
    assert!(html.contains(r#"<span class="name">Sign in with Apple</span>"#), "{html}");
    assert!(html.contains(r#"<span class="initial" aria-hidden="true">A</span>"#), "{html}");
}

#[test]
fn the_login_page_says_so_when_nothing_is_enabled() {
    let page = LoginPage { discovery: None, organisations: vec![], socials: vec![], ..login() };
    insta::assert_snapshot!(stable(pages().login(&page).unwrap()));
}

#[test]
fn the_error_page_names_the_code_and_the_reference() {
    insta::assert_snapshot!(stable(pages().error(&error()).unwrap()));
}

#[test]
fn the_signed_out_page() {
    insta::assert_snapshot!(stable(pages().signed_out(&SignedOutPage::default()).unwrap()));
}

#[test]
fn the_expired_page() {
    let page = ExpiredPage { code: "attempt_expired".into(), correlation: "5c1f0a9e".into(), back: None };
    insta::assert_snapshot!(stable(pages().expired(&page).unwrap()));
}

#[test]
fn the_auto_post_page_has_a_button_and_an_external_script() {
    insta::assert_snapshot!(stable(pages().auto_post(&auto_post()).unwrap()));
}

#[test]
fn hostile_text_is_escaped_on_every_page() {
    for html in every_page_with(HOSTILE) {
        assert!(!html.contains("<script>"), "{html}");
        assert!(!html.contains("\"><script>"), "{html}");
        assert!(html.contains("&lt;script&gt;"), "{html}");
    }
}

#[test]
fn no_page_holds_inline_script_or_style() {
    for html in every_page_with("x") {
        assert!(!html.contains("<style") && !html.contains(" style=") && !html.contains("javascript:"));
        assert_eq!(html.matches("<script").count(), html.matches("<script src=\"/assets/").count());
        assert!(!html.contains(" onclick=") && !html.contains(" onload="));
    }
}

#[test]
fn the_first_page_with_its_style_is_below_30_kilobytes() {
    let css = assets::all().iter().find(|asset| asset.name == "poolgate.css").unwrap();
    assert!(pages().login(&login()).unwrap().len() + css.bytes.len() < 30_000);
}

#[test]
fn three_hundred_providers_fit_on_a_page() {
    let page = LoginPage { organisations: vec![choice("Okta"); 300], ..login() };
    assert!(pages().login(&page).is_ok());
}

#[test]
fn a_link_that_would_run_a_script_or_leave_the_gateway_cannot_be_made() {
    for path in
        ["//evil.example", "/\\evil.example", "evil", "https://evil.example", "", "/a\r\nb", "/\t/evil"]
    {
        assert_eq!(Href::local(path), None, "{path}");
    }
    for address in
        ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "blob:https://a/b", "file:///etc"]
    {
        let address = Url::parse(address).unwrap();
        assert_eq!(Href::absolute(&address), None);
        assert_eq!(FormTarget::of(&address), None);
    }
    assert!(Href::absolute(&Url::parse("myapp://cb").unwrap()).is_some());
}

#[test]
fn an_asset_is_found_by_its_own_hash_only() {
    let css = assets::all().iter().find(|asset| asset.name == "poolgate.css").unwrap();
    assert!(assets::find(&css.hash, "poolgate.css").is_some());
    assert!(assets::find("000000000000", "poolgate.css").is_none());
    assert!(assets::find(&css.hash, "auto-post.js").is_none());
}

fn target(address: &str) -> FormTarget {
    FormTarget::of(&Url::parse(address).unwrap()).unwrap()
}

fn value(headers: &[headers::Header], name: &str) -> Option<String> {
    headers.iter().find(|(header, _)| *header == name).map(|(_, value)| value.clone())
}

#[test]
fn form_action_names_self_and_exactly_the_given_origins() {
    let targets = [
        target("https://App.Example/callback?x=1"),
        target("myapp://cb"),
        target("http://localhost:3000/cb"),
        target("https://app.example/other"),
    ];
    let headers = headers::page(&targets, Transport::Plain, "auth.example");
    assert_eq!(
        value(&headers, "content-security-policy").unwrap(),
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action 'self' \
         https://app.example myapp: http://localhost:3000; frame-ancestors 'none'; base-uri 'none'"
    );
    assert_eq!(value(&headers, "referrer-policy").unwrap(), "no-referrer");
    assert_eq!(value(&headers, "x-content-type-options").unwrap(), "nosniff");
    assert_eq!(value(&headers, "cache-control").unwrap(), "no-store");
}

#[test]
fn an_ipv6_callback_keeps_its_scheme_and_port() {
    assert_eq!(target("http://[::1]:3000/cb").to_string(), "http://*:3000");
    assert_eq!(target("http://[::1]/cb").to_string(), "http://*:80");
}

#[test]
fn an_address_cannot_add_words_to_the_policy() {
    let target = target("https://a.example/;script-src%20*; default-src *");
    assert_eq!(target.to_string(), "https://a.example");
    for address in ["https://a.example;script-src/", "https://a.example,b/", "https://*/"] {
        assert_eq!(Url::parse(address).ok().as_ref().and_then(FormTarget::of), None, "{address}");
    }
}

#[test]
fn hsts_is_sent_on_tls_and_never_for_localhost() {
    let hsts = |transport, host| value(&headers::common(transport, host), "strict-transport-security");
    assert_eq!(hsts(Transport::Tls, "auth.example:8443").unwrap(), "max-age=31536000");
    assert_eq!(hsts(Transport::Plain, "auth.example"), None);
    for host in
        ["localhost", "LOCALHOST:9229", "acme.localhost:1", "127.0.0.1:9229", "[::1]:9229", "localhost."]
    {
        assert_eq!(hsts(Transport::Tls, host), None, "{host}");
    }
}

/// Writes every page where `POOLGATE_PAGES_DIR` says, for a look in a browser.
#[test]
fn every_page_can_be_looked_at() {
    let Ok(directory) = std::env::var("POOLGATE_PAGES_DIR") else { return };
    let one = LoginPage { discovery: None, socials: vec![], ..login() };
    let none = LoginPage { discovery: None, organisations: vec![], socials: vec![], ..login() };
    let mut wrong = login();
    wrong.message = Some("The identity provider refused the sign-in.".into());
    if let Some(discovery) = &mut wrong.discovery {
        discovery.value = "ada@nowhere.example".into();
        discovery.problem = Some("No organization here uses nowhere.example.".into());
    }
    let expired = ExpiredPage { code: "attempt_expired".into(), correlation: "5c1f0a9e".into(), back: None };
    let pages = pages();
    let out = SignedOutPage { app: Some("Acme Portal".into()), back: error().back };
    let all = [
        ("login", pages.login(&login())),
        ("login-list", pages.login(&one)),
        ("login-none", pages.login(&none)),
        ("login-wrong", pages.login(&wrong)),
        ("error", pages.error(&error())),
        ("signed-out", pages.signed_out(&out)),
        ("expired", pages.expired(&expired)),
        ("auto-post", pages.auto_post(&auto_post())),
    ];
    for (name, html) in all {
        let html = html.unwrap();
        std::fs::write(format!("{directory}/{name}.html"), html.replace("\"/assets/", "\"assets/")).unwrap();
    }
    for asset in assets::all() {
        let folder = format!("{directory}/assets/{}", asset.hash);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(format!("{folder}/{}", asset.name), asset.bytes).unwrap();
    }
}
