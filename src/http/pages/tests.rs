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

fn look() -> Look {
    Look { app: Some("Acme Portal".into()), ..Look::plain(Arc::clone(pages().words().default())) }
}

fn speaking(tag: &str) -> Look {
    Look { language: Arc::clone(pages().words().tagged(tag).unwrap()), ..look() }
}

fn choice(name: &str) -> ProviderChoice {
    ProviderChoice::new(name, local(&format!("/oauth2/authorize?client_id=c&identity_provider={name}")))
}

fn login() -> LoginPage {
    LoginPage {
        app: "Acme Portal".into(),
        account: None,
        discovery: Some(EmailDiscovery {
            action: local("/login?client_id=c"),
            input: "username".into(),
            value: String::new(),
            problem: false,
        }),
        organisations: vec![choice("Okta"), choice("Contoso")],
        socials: vec![choice("Google").branded("google")],
        asked: vec![("client_id".into(), "c".into()), ("state".into(), "a&b".into())],
    }
}

fn account(name: &str) -> Account {
    let email = Some(format!("{name}@acme.example"));
    Account::new(name.into(), email, "Okta".into(), local("/oauth2/authorize?client_id=c"))
}

fn error() -> ErrorPage {
    ErrorPage {
        kind: Kind::SignInLink,
        seconds: 0,
        detail: Some("The redirect_uri is missing.".into()),
        code: "redirect_mismatch".into(),
        correlation: "5c1f0a9e".into(),
        again: Some(Again::from_the_start(local("/again"))),
        back: Some(local("/back")),
    }
}

fn auto_post() -> AutoPostPage {
    AutoPostPage {
        to: Some("Okta".into()),
        action: Href::absolute(&Url::parse("https://idp.example/sso").unwrap()).unwrap(),
        fields: vec![("SAMLRequest".into(), "PHNhbWw+".into()), ("RelayState".into(), "h".into())],
    }
}

/// Asset paths change with their content: snapshots hold the words, not the hash. Nor the list of languages.
fn stable(html: String) -> String {
    let html = assets::all().iter().fold(html, |html, asset| html.replace(&asset.hash, "HASH"));
    html.lines().filter(|line| !line.starts_with("<option ")).map(|line| format!("{line}\n")).collect()
}

fn every_page_with(text: &str) -> Vec<String> {
    let text = text.to_owned();
    let pages = pages();
    let look = Look { app: Some(text.clone()), ..look() };
    let mut login = login();
    login.app = text.clone();
    login.account = Some(account(&text));
    login.organisations = vec![ProviderChoice::new(&text, local("/a"))];
    login.socials = vec![ProviderChoice::new(&text, local("/a")).branded("apple")];
    login.asked = vec![(text.clone(), text.clone())];
    if let Some(discovery) = &mut login.discovery {
        discovery.value = text.clone();
        discovery.input = text.clone();
        discovery.problem = true;
    }
    let error =
        ErrorPage { detail: Some(text.clone()), code: text.clone(), correlation: text.clone(), ..error() };
    let mut post = auto_post();
    post.to = Some(text.clone());
    post.fields = vec![(text.clone(), text)];
    vec![
        pages.login(&look, &login).unwrap(),
        pages.error(&look, &error).unwrap(),
        pages.signed_out(&look, &SignedOutPage { back: Some(local("/back")) }).unwrap(),
        pages.auto_post(&look, &post).unwrap(),
        pages.onward(&look, &OnwardPage { to: post.to, href: local("/a"), by_itself: true }).unwrap(),
    ]
}

#[test]
fn the_login_page_shows_every_choice() {
    insta::assert_snapshot!(stable(pages().login(&look(), &login()).unwrap()));
}

#[test]
fn a_social_button_bears_the_brand_s_sign_and_words() {
    let button = |choice: ProviderChoice| {
        let page = LoginPage { socials: vec![choice], ..login() };
        pages().login(&look(), &page).unwrap()
    };
    let apple = button(choice("Apple").branded("apple").saying("continue-with-apple"));
    assert!(apple.contains(r#"<span class="name">Sign in with Apple</span>"#), "{apple}");
    assert!(apple.contains(r#"class="choice apple socialButton-customizable""#), "{apple}");
    for brand in ["google", "facebook", "amazon", "apple"] {
        let html = button(choice("X").branded(brand));
        assert!(html.contains(r#"<svg class="sign""#), "{brand}: {html}");
    }
    assert!(!button(choice("X")).contains(r#"<svg class="sign""#), "no brand, no sign");
}

#[test]
fn the_login_page_says_so_when_nothing_is_enabled() {
    let page = LoginPage { discovery: None, organisations: vec![], socials: vec![], ..login() };
    insta::assert_snapshot!(stable(pages().login(&look(), &page).unwrap()));
}

#[test]
fn the_login_page_offers_the_account_that_is_signed_in_and_others() {
    let page = LoginPage { account: Some(account("Ada")), ..login() };
    insta::assert_snapshot!(stable(pages().login(&look(), &page).unwrap()));
}

#[test]
fn an_address_that_led_nowhere_is_told_at_its_box_and_in_the_title() {
    let mut page = login();
    if let Some(discovery) = &mut page.discovery {
        (discovery.value, discovery.problem) = ("ada@nowhere.example".into(), true);
    }
    let html = pages().login(&look(), &page).unwrap();
    assert!(html.contains("<title>Error: Sign in to Acme Portal</title>"), "{html}");
    assert!(html.contains(r#"aria-invalid="true" aria-describedby="email-problem" autofocus"#), "{html}");
    assert!(html.contains(r#"id="email-problem" role="alert">No organization is known"#), "{html}");
    assert!(html.contains(r#"value="ada@nowhere.example""#), "{html}");
}

#[test]
fn the_error_page_names_the_code_and_the_reference() {
    insta::assert_snapshot!(stable(pages().error(&look(), &error()).unwrap()));
}

#[test]
fn every_kind_of_error_is_told_in_every_language() {
    let pages = pages();
    for language in pages.words().all() {
        let look = Look { language: Arc::clone(language), ..look() };
        for kind in Kind::ALL {
            let html = pages.error(&look, &ErrorPage { kind, seconds: 7, ..error() }).unwrap();
            let heading = language.say(kind.message(), &[]).unwrap();
            let heading = minijinja::HtmlEscape(&heading).to_string();
            assert!(html.contains(&format!("<h1>{heading}</h1>")), "{language:?} {kind:?}: {html}");
            assert!(kind != Kind::TooMany || html.contains('7'), "{language:?}: {html}");
        }
    }
}

#[test]
fn the_signed_out_page() {
    insta::assert_snapshot!(stable(pages().signed_out(&look(), &SignedOutPage::default()).unwrap()));
}

#[test]
fn the_auto_post_page_has_a_button_and_an_external_script() {
    insta::assert_snapshot!(stable(pages().auto_post(&look(), &auto_post()).unwrap()));
}

#[test]
fn the_onward_page_leads_on_without_a_script_and_has_a_link() {
    let href = Href::absolute(&Url::parse("https://app.example/cb?code=1&state='\"<>").unwrap()).unwrap();
    insta::assert_snapshot!(stable(
        pages().onward(&look(), &OnwardPage { to: None, href, by_itself: true }).unwrap()
    ));
}

#[test]
fn a_page_names_its_language_and_the_way_it_runs() {
    let open = |tag: &str| pages().login(&speaking(tag), &login()).unwrap();
    assert!(open("ja").contains(r#"<html lang="ja" dir="ltr">"#));
    assert!(open("ar").contains(r#"<html lang="ar" dir="rtl">"#));
    assert!(open("zh-TW").contains(r#"<option value="zh-TW" lang="zh-TW" selected>繁體中文</option>"#));
}

#[test]
fn an_administrator_s_style_comes_after_ours_and_shows_in_the_light_it_was_made_for() {
    let logo = Logo { path: "/assets/x/logo.png".into(), width: 120, height: 40 };
    let look = Look { css: Some("/assets/x/custom.css".into()), logo: Some(logo), ..look() };
    let html = pages().login(&look, &login()).unwrap();
    let (ours, theirs) = (html.find("poolgate.css"), html.find("/assets/x/custom.css"));
    assert!(ours.is_some() && ours < theirs, "{html}");
    assert!(html.contains(r#"class="customized""#) && html.contains(r#"content="light">"#), "{html}");
    assert!(html.contains(r#"src="/assets/x/logo.png" width="120" height="40" alt="Acme Portal""#), "{html}");
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
    assert!(pages().login(&look(), &login()).unwrap().len() + css.bytes.len() < 30_000);
}

#[test]
fn three_hundred_providers_fit_on_a_page() {
    let page = LoginPage { organisations: vec![choice("Okta"); 300], ..login() };
    assert!(pages().login(&look(), &page).is_ok());
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
