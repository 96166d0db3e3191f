//! Where the browser may be sent: the rule for callback and logout URLs (`RFC 6749` section 3.1.2).

use url::Url;

use super::ApiError;
use super::error::invalid;
use crate::pool::limits::URLS;

/// Schemes that a browser runs or reads instead of going somewhere.
const NEVER: [&str; 10] =
    ["about", "blob", "data", "file", "filesystem", "ftp", "javascript", "vbscript", "view-source", "ws"];

/// Checks a list of callback or logout URLs; `member` names it in the answer.
pub(super) fn check(member: &str, urls: &[String]) -> Result<(), ApiError> {
    if urls.len() > URLS {
        let given = urls.len();
        return Err(ApiError::LimitExceeded(format!("{member} may hold at most {URLS} URLs, not {given}.")));
    }
    for url in urls {
        if let Some(why) = fault(url) {
            let shown: String = url.chars().take(256).collect();
            return Err(invalid(format!("{member}: '{shown}' is not allowed: {why}")));
        }
    }
    Ok(())
}

/// Why this URL may not be registered.
fn fault(text: &str) -> Option<&'static str> {
    if text.contains('#') {
        return Some("it must have no fragment (#).");
    }
    if text.contains(|letter: char| letter.is_whitespace() || letter.is_control() || letter == '\\') {
        return Some("it must hold no spaces, control characters or backslashes.");
    }
    let Ok(url) = Url::parse(text) else {
        return Some("it must be an absolute URL, such as https://app.example.com/callback.");
    };
    // The parser forgives `https:host` and upper case; the comparison at sign-in does not.
    let spelled = |prefix: &str| text.starts_with(prefix);
    match url.scheme() {
        "https" if spelled("https://") => None,
        "http" if spelled("http://") && is_loopback(&url) => None,
        "https" => Some("it must begin with https:// in lower case."),
        "http" => Some(
            "http is for http://localhost, http://127.0.0.1 and http://[::1] only; use https, or a \
             scheme of your app's own.",
        ),
        scheme if NEVER.contains(&scheme) || scheme == "wss" => Some("this scheme leads to no app."),
        scheme if !spelled(scheme) => Some("its scheme must be in lower case."),
        _ => None,
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
        Some(url::Host::Ipv6(address)) => address == std::net::Ipv6Addr::LOCALHOST,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_loopback_and_the_apps_own_schemes_are_allowed() {
        for url in [
            "https://app.example.com/cb?x=1",
            "http://localhost",
            "http://localhost:3000/cb",
            "http://127.0.0.1:1/",
            "http://[::1]:3000/cb",
            "myapp://cb",
            "com.example.app:/oauth",
            "exp+my-app://cb",
        ] {
            assert_eq!(fault(url), None, "{url}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for url in [
            "http://app.example.com/cb",
            "http://localhost.example.com/",
            "http://127.0.0.2/",
            "http://localhost@evil.example/",
            "https://app.example.com/#top",
            "https://app.example.com/a b",
            "https:\\\\app.example.com",
            "https:app.example.com",
            "HTTPS://app.example.com",
            "MyApp://cb",
            "/callback",
            "app.example.com/cb",
            "javascript://x/%0aalert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "blob:https://x/1",
            "",
        ] {
            assert!(fault(url).is_some(), "{url}");
        }
    }

    #[test]
    fn more_than_a_hundred_is_a_breached_limit() {
        let many = vec!["https://a.example/".to_owned(); URLS + 1];
        let error = check("CallbackURLs", &many).unwrap_err();
        assert!(matches!(&error, ApiError::LimitExceeded(text) if text.contains("100")), "{error}");
        assert!(check("CallbackURLs", &many[..URLS]).is_ok());
    }
}
