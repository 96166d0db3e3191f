//! An app: sends the person to sign in, exchanges the code, holds the tokens.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, Response};
use serde_json::Value;
use url::Url;

use super::{Landing, Person, Pool};

/// Where the app wants its code.
pub const CALLBACK: &str = "http://localhost:3000/callback?from=poolgate";
/// Where the app wants the person after sign-out.
pub const LOGGED_OUT: &str = "http://localhost:3000/bye";

const VERIFIER: &str = "a-verifier-of-the-tests-that-is-long-enough-to-be-one-0123456789";
/// Every character that is unsafe somewhere: it must come back byte for byte.
const STATE: &str = "st/a+te=&%20 é{\"x\":[1]}";
/// Sent with the sign-in, found in the ID token.
const NONCE: &str = "nonce-of-the-app";

/// An app with its client id, and secret when it has one.
#[derive(Clone)]
pub struct App {
    pub url: String,
    pub client_id: String,
    pub secret: Option<String>,
    http: Client,
}

/// What the token endpoint gave.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub id: String,
    pub access: String,
    pub refresh: String,
    pub answer: Value,
}

/// The claims of a token, as the app reads them; `tokens.rs` proves the signatures.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a token has three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

impl App {
    /// The state that it sends.
    pub const STATE: &str = STATE;

    /// The app that uses the pool's client of this name.
    pub fn new(pool: &Pool, client: &str) -> Self {
        let client = &pool.clients[client];
        Self {
            url: pool.url.clone(),
            client_id: client["id"].as_str().expect("the client was provisioned").to_owned(),
            secret: client["secret"].as_str().map(str::to_owned),
            http: Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// The address of a sign-in with PKCE, state and nonce, and further parameters.
    pub fn authorize_url(&self, more: &[(&str, &str)]) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
        let mut url = Url::parse(&format!("{}/oauth2/authorize", self.url)).unwrap();
        url.query_pairs_mut()
            .append_pair("client_id", &self.client_id)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", CALLBACK)
            .append_pair("state", STATE)
            .append_pair("nonce", NONCE)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(more);
        url.into()
    }

    /// Sends the person to sign in; the walk ends at the app or at a page.
    pub async fn send(&self, person: &Person, more: &[(&str, &str)]) -> Landing {
        person.open(&self.authorize_url(more), CALLBACK).await
    }

    /// The code of a sign-in that must succeed, with the app's state as it was.
    pub fn code(&self, landing: &Landing) -> String {
        let code = landing.query("code").unwrap_or_else(|| panic!("no code: {landing:?}"));
        assert_eq!(
            landing.query("state").as_deref(),
            Some(STATE),
            "the app's state comes back byte for byte"
        );
        assert!(landing.url.as_str().starts_with(CALLBACK), "{}", landing.url);
        code
    }

    /// A whole sign-in.
    pub async fn sign_in(&self, person: &Person, more: &[(&str, &str)]) -> Tokens {
        let code = self.code(&self.send(person, more).await);
        let tokens = self.redeem(&code).await;
        assert_eq!(claims(&tokens.id)["nonce"], NONCE);
        tokens
    }

    /// Exchanges a code that must be good.
    pub async fn redeem(&self, code: &str) -> Tokens {
        let (status, answer) = self.token(&Self::code_form(code)).await;
        assert_eq!(status, 200, "{answer}");
        Tokens::from(answer)
    }

    /// Whether a browser's session here lives: the app asks without any page or provider.
    pub async fn knows(&self, person: &Person) -> bool {
        let landing = self.send(person, &[("prompt", "none")]).await;
        match landing.query("error").as_deref() {
            None => !self.code(&landing).is_empty(),
            Some("login_required") => false,
            Some(error) => panic!("{error}: {landing:?}"),
        }
    }

    /// Signs out as the app's sign-out link does; the walk ends at the app, or at a page.
    pub async fn sign_out(&self, person: &Person) -> Landing {
        let mut url = Url::parse(&format!("{}/logout", self.url)).unwrap();
        url.query_pairs_mut().append_pair("client_id", &self.client_id).append_pair("logout_uri", LOGGED_OUT);
        person.open(url.as_str(), LOGGED_OUT).await
    }

    /// The form that exchanges a code.
    pub fn code_form(code: &str) -> [(&str, &str); 4] {
        [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ]
    }

    /// Refreshes with a token that must be good.
    pub async fn refresh(&self, refresh: &str) -> Value {
        let (status, answer) = self.try_refresh(refresh).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Refreshes; status and answer.
    pub async fn try_refresh(&self, refresh: &str) -> (u16, Value) {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await
    }

    /// `POST /oauth2/token` as this client; status and answer.
    pub async fn token(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let response = self.post("/oauth2/token", form).await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// `POST /oauth2/revoke` as this client; status and body.
    pub async fn revoke(&self, token: &str) -> (u16, String) {
        let response = self.post("/oauth2/revoke", &[("token", token)]).await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// A form posted as this client: with Basic when it has a secret, else with `client_id`.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<Response, reqwest::Error> {
        let request = self.http.post(format!("{}{path}", self.url));
        match &self.secret {
            Some(secret) => request.basic_auth(&self.client_id, Some(secret)).form(form).send().await,
            None => {
                let form: Vec<_> =
                    form.iter().copied().chain([("client_id", self.client_id.as_str())]).collect();
                request.form(&form).send().await
            }
        }
    }

    /// `GET /oauth2/userInfo`.
    pub async fn user_info(&self, access_token: &str) -> Response {
        self.http.get(format!("{}/oauth2/userInfo", self.url)).bearer_auth(access_token).send().await.unwrap()
    }

    /// A plain client for requests of the test's own making.
    pub fn http(&self) -> &Client {
        &self.http
    }
}

impl From<Value> for Tokens {
    fn from(answer: Value) -> Self {
        let token =
            |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("no {name}: {answer}")).to_owned();
        Self { id: token("id_token"), access: token("access_token"), refresh: token("refresh_token"), answer }
    }
}
