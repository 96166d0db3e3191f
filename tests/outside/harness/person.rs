//! A person with a browser that keeps cookies and follows what it is told, without JavaScript.
//!
//! As browsers do with `SameSite=Lax`, a form posted from another site carries no cookie but those with
//! `SameSite=None`.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use regex::Regex;
use reqwest::cookie::{CookieStore, Jar};
use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use url::Url;

static FORM: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?is)<form\b([^>]*)>(.*?)</form>").unwrap());
static INPUT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?is)<(?:input|button)\b([^>]*)>").unwrap());
static FIELD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?is)<input\b([^>]*)>").unwrap());
static ATTRIBUTE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"(?s)([\w-]+)\s*=\s*"([^"]*)""#).unwrap());

/// Steps after which a walk is a loop.
const STEPS: usize = 25;

/// A person at a browser.
#[derive(Clone)]
pub struct Person {
    jar: Arc<Jar>,
    /// Those with `SameSite=None` once more.
    cross_site: Arc<Jar>,
    http: Client,
}

/// Where a walk ended.
#[derive(Debug, Clone)]
pub struct Landing {
    /// The address bar.
    pub url: Url,
    /// Status; 0 when the walk stopped before the app's own address.
    pub status: u16,
    /// The page.
    pub body: String,
    /// `x-amzn-requestid`, `content-type` and the like, by name.
    pub headers: reqwest::header::HeaderMap,
    /// What was posted last: field → value.
    pub posted: Vec<(String, String)>,
}

struct Form {
    action: String,
    fields: Vec<(String, String)>,
}

impl Person {
    /// A fresh browser profile.
    pub fn new() -> Self {
        let http = Client::builder().redirect(Policy::none()).timeout(Duration::from_secs(60)).no_proxy();
        Self::with(http.pool_max_idle_per_host(0).build().unwrap())
    }

    /// A fresh browser profile over this client, which must follow no redirects.
    pub fn with(http: Client) -> Self {
        Self { jar: Arc::default(), cross_site: Arc::default(), http }
    }

    /// Another fresh profile on the same machine.
    pub fn another(&self) -> Self {
        Self::with(self.http.clone())
    }

    /// Opens `url` and goes wherever that leads; stops before an address that begins with `until`.
    pub async fn open(&self, url: &str, until: &str) -> Landing {
        self.try_open(url, until).await.unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    /// The same; a connection that fails is an error.
    pub async fn try_open(&self, url: &str, until: &str) -> Result<Landing, reqwest::Error> {
        self.try_walk(url, &[until]).await
    }

    /// The same; stops before an address that begins with one of `until`.
    pub async fn try_walk(&self, url: &str, until: &[&str]) -> Result<Landing, reqwest::Error> {
        let url = Url::parse(url).unwrap();
        self.walk(self.get(&url), url, until).await
    }

    /// [`Person::post_from`] where a connection that fails is an error.
    pub async fn try_post_from(
        &self,
        from: &Url,
        action: &Url,
        fields: &[(String, String)],
        until: &[&str],
    ) -> Result<Landing, reqwest::Error> {
        self.walk(self.post(from, action, fields), action.clone(), until).await
    }

    /// Loads `url` in a frame of another site's page, which the browser gives no cookie but those of such use.
    pub async fn frame(&self, url: &str) -> Landing {
        let url = Url::parse(url).unwrap();
        let request = with_cookies(self.http.get(url.clone()), &self.cross_site, &url);
        self.walk(request, url, &["nowhere:"]).await.unwrap()
    }

    /// Posts a form as a page of the site `from` would.
    pub async fn post_from(
        &self,
        from: &Url,
        action: &Url,
        fields: &[(String, String)],
        until: &str,
    ) -> Landing {
        self.try_post_from(from, action, fields, &[until]).await.unwrap()
    }

    /// Fills the form of the page where a walk ended, sends it, and goes wherever that leads.
    pub async fn fill(&self, page: &Landing, answers: &[(&str, &str)], until: &str) -> Landing {
        let form = FORM.captures(&page.body).unwrap_or_else(|| panic!("a form: {page:?}"));
        let mut fields = Vec::new();
        for input in INPUT.captures_iter(&form[2]) {
            let Some(name) = attribute(&input[1], "name") else { continue };
            let answer = answers.iter().find(|(field, _)| *field == name);
            match answer.map(|(_, value)| (*value).to_owned()).or_else(|| attribute(&input[1], "value")) {
                Some(value) => fields.push((name, value)),
                None => panic!("{name} wants an answer: {}", page.body),
            }
        }
        let action = page.url.join(&attribute(&form[1], "action").unwrap_or_default()).unwrap();
        self.post_from(&page.url, &action, &fields, until).await
    }

    /// Presses one of the buttons of the form of the page where a walk ended, and goes wherever that leads.
    pub async fn press(&self, page: &Landing, button: (&str, &str), until: &str) -> Landing {
        let form = FORM.captures(&page.body).unwrap_or_else(|| panic!("a form: {page:?}"));
        let there = format!("name=\"{}\" value=\"{}\"", button.0, button.1);
        assert!(button.0.is_empty() || form[2].contains(&there), "{there}: {}", page.body);
        let mut fields = Vec::new();
        for input in FIELD.captures_iter(&form[2]) {
            let chosen = attribute(&input[1], "type").is_none_or(|kind| kind != "radio")
                || input[1].contains("checked");
            let (Some(name), true) = (attribute(&input[1], "name"), chosen) else { continue };
            fields.push((name, attribute(&input[1], "value").unwrap_or_default()));
        }
        if !button.0.is_empty() {
            fields.push((button.0.to_owned(), button.1.to_owned()));
        }
        let action = page.url.join(&attribute(&form[1], "action").unwrap_or_default()).unwrap();
        self.post_from(&page.url, &action, &fields, until).await
    }

    fn get(&self, url: &Url) -> RequestBuilder {
        with_cookies(self.http.get(url.clone()), &self.jar, url)
    }

    fn post(&self, from: &Url, action: &Url, fields: &[(String, String)]) -> RequestBuilder {
        let request =
            self.http.post(action.clone()).header(ORIGIN, from.origin().ascii_serialization()).form(fields);
        let same_site = from.host_str() == action.host_str();
        with_cookies(request, if same_site { &self.jar } else { &self.cross_site }, action)
    }

    async fn walk(
        &self,
        first: RequestBuilder,
        mut url: Url,
        until: &[&str],
    ) -> Result<Landing, reqwest::Error> {
        let mut request = first;
        let mut posted = Vec::new();
        for _ in 0..STEPS {
            let response = request.send().await?;
            self.keep_cookies(&url, &response);
            if let Some(location) =
                response.headers().get(LOCATION).filter(|_| response.status().is_redirection())
            {
                url = url.join(location.to_str().unwrap()).unwrap();
                if until.iter().any(|until| url.as_str().starts_with(until)) {
                    let headers = response.headers().clone();
                    return Ok(Landing { url, status: 0, body: String::new(), headers, posted });
                }
                request = self.get(&url);
                continue;
            }
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = response.text().await?;
            if let Some(to) = refresh(&body) {
                url = url.join(&to).unwrap();
                if until.iter().any(|until| url.as_str().starts_with(until)) {
                    return Ok(Landing { url, status: 0, body, headers, posted });
                }
                request = self.get(&url);
                continue;
            }
            let Some(form) = self_posting_form(&body) else {
                return Ok(Landing { url, status, body, headers, posted });
            };
            let action = url.join(&form.action).unwrap();
            request = self.post(&url, &action, &form.fields);
            (url, posted) = (action, form.fields);
        }
        panic!("still not there after {STEPS} steps, at {url}");
    }

    fn keep_cookies(&self, url: &Url, response: &Response) {
        for cookie in response.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            self.jar.add_cookie_str(cookie, url);
            if cookie.to_ascii_lowercase().contains("samesite=none") {
                self.cross_site.add_cookie_str(cookie, url);
            }
        }
    }
}

impl Landing {
    /// A parameter of the query.
    pub fn query(&self, name: &str) -> Option<String> {
        self.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// A parameter of the fragment.
    pub fn fragment(&self, name: &str) -> Option<String> {
        let fragment = self.url.fragment()?;
        url::form_urlencoded::parse(fragment.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    /// A response header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

fn with_cookies(request: RequestBuilder, jar: &Jar, url: &Url) -> RequestBuilder {
    match jar.cookies(url) {
        Some(cookies) => request.header(COOKIE, cookies),
        None => request,
    }
}

/// Where a page leads by itself.
fn refresh(page: &str) -> Option<String> {
    let tag = page.split("<meta http-equiv=\"refresh\"").nth(1)?;
    Some(attribute(tag.split('>').next()?, "content")?.strip_prefix("0;url=")?.to_owned())
}

/// The page's form, when it is one that posts itself: the only one, and all its fields hidden.
fn self_posting_form(page: &str) -> Option<Form> {
    let mut forms = FORM.captures_iter(page);
    let form = forms.next()?;
    if forms.next().is_some() || !attribute(&form[1], "method")?.eq_ignore_ascii_case("post") {
        return None;
    }
    let mut fields = Vec::new();
    for input in INPUT.captures_iter(&form[2]) {
        let hidden = attribute(&input[1], "type").is_some_and(|kind| kind == "hidden");
        match attribute(&input[1], "name") {
            Some(name) if hidden => fields.push((name, attribute(&input[1], "value").unwrap_or_default())),
            Some(_) => return None,
            None => {}
        }
    }
    (!fields.is_empty()).then_some(Form { action: attribute(&form[1], "action").unwrap_or_default(), fields })
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let found = ATTRIBUTE.captures_iter(tag).find(|one| one[1].eq_ignore_ascii_case(name))?;
    Some(quick_xml::escape::unescape(&found[2]).unwrap().into_owned())
}
