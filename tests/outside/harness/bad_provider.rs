//! An OpenID provider on loopback that fails in every way a server can, at a step of one's choice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// What every answer of the provider holds that must never be seen again.
pub const SECRETS: [&str; 3] = ["upstream-client-secret", "upstream-code", "upstream-access-token"];

/// How it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It closes the connection instead of answering.
    Reset,
    /// It takes the request and never answers.
    Silent,
    /// It answers one byte at a time, without end.
    Drip,
    /// 500 with a page.
    Broken,
    /// 400 with an OAuth error and a description that holds secrets.
    Refuses,
    /// 200 and no JSON.
    Garbage,
    /// 200 and 2 MB.
    Huge,
    /// 200 and the right JSON as a page.
    WrongType,
    /// 302 to where it would be right.
    Redirect,
    /// It speaks no TLS where https was asked for.
    NoTls,
}

impl Fault {
    pub const ALL: [Self; 10] = [
        Self::Reset,
        Self::Silent,
        Self::Drip,
        Self::Broken,
        Self::Refuses,
        Self::Garbage,
        Self::Huge,
        Self::WrongType,
        Self::Redirect,
        Self::NoTls,
    ];
}

/// The provider. Each name is one of its own: below `/{name}` it fails with one fault at one step.
pub struct BadProvider {
    port: u16,
    cases: Arc<Mutex<HashMap<String, Case>>>,
}

struct Case {
    step: &'static str,
    fault: Fault,
    nonce: String,
}

impl BadProvider {
    /// Starts it.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cases = Arc::<Mutex<HashMap<String, Case>>>::default();
        let shared = Arc::clone(&cases);
        let key = Arc::new(KeyPair::generate(KeySize::Rsa2048).unwrap());
        let key_id = URL_SAFE_NO_PAD.encode(&key.public_key().as_der().unwrap().as_ref()[40..50]);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (cases, key, key_id) = (Arc::clone(&shared), Arc::clone(&key), key_id.clone());
                tokio::spawn(async move { serve(stream, port, &cases, &key, &key_id).await });
            }
        });
        Self { port, cases }
    }

    /// For [`super::Gateway::provision`]: a provider that fails with `fault` at `step`, which is `token`, `jwks`,
    /// `userinfo` or `discovery`.
    pub fn provider(&self, name: &str, step: &'static str, fault: Fault) -> Value {
        let case = Case { step, fault, nonce: String::new() };
        self.cases.lock().unwrap().insert(name.to_owned(), case);
        let at = |path: &str| {
            let scheme = if fault == Fault::NoTls && path == step { "https" } else { "http" };
            format!("{scheme}://127.0.0.1:{}/{name}/{path}", self.port)
        };
        let mut details = json!({
            "client_id": "poolgate", "client_secret": SECRETS[0], "authorize_scopes": "openid",
            "attributes_request_method": "GET", "oidc_issuer": self.issuer(name, fault, step),
        });
        if step != "discovery" {
            let explicit = json!({"authorize_url": at("authorize"), "token_url": at("token"),
                                  "attributes_url": at("userinfo"), "jwks_uri": at("jwks")});
            details.as_object_mut().unwrap().extend(explicit.as_object().unwrap().clone());
        }
        json!({"name": name, "type": "OIDC", "details": details, "mapping": {"email": "email"}})
    }

    fn issuer(&self, name: &str, fault: Fault, step: &str) -> String {
        let scheme = if fault == Fault::NoTls && step == "discovery" { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}/{name}", self.port)
    }
}

/// One connection: requests until it fails or the other side closes.
async fn serve(
    stream: TcpStream,
    port: u16,
    cases: &Mutex<HashMap<String, Case>>,
    key: &KeyPair,
    key_id: &str,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let url = read_request(&mut stream, port).await?;
        let mut path = url.path_segments()?;
        let (name, at) = (path.next()?.to_owned(), path.next_back()?.to_owned());
        let issuer = format!("http://127.0.0.1:{port}/{name}");
        let (fault, nonce) = {
            let mut cases = cases.lock().unwrap();
            let case = cases.get_mut(&name)?;
            if at == "authorize" {
                case.nonce = parameter(&url, "nonce");
            }
            let here = at == case.step || (at == "openid-configuration" && case.step == "discovery");
            (here.then_some(case.fault), case.nonce.clone())
        };
        if at == "authorize" {
            let back = parameter(&url, "redirect_uri");
            let location = format!("{back}?code={}&state={}", SECRETS[1], parameter(&url, "state"));
            answer(&mut stream, "302 Found", &format!("location: {location}\r\n"), "").await?;
            continue;
        }
        let right = match at.as_str() {
            "token" => {
                json!({"access_token": SECRETS[2], "token_type": "Bearer", "id_token": id_token(&issuer, &nonce, key, key_id)})
            }
            "jwks" => json!({"keys": [jwk(key, key_id)]}),
            "userinfo" => json!({"sub": "alice", "email": "alice@example.com"}),
            _ => json!({"issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
                        "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/jwks")}),
        };
        misbehave(&mut stream, fault, &right.to_string(), &url).await?;
    }
}

async fn misbehave(
    stream: &mut BufReader<TcpStream>,
    fault: Option<Fault>,
    right: &str,
    url: &Url,
) -> Option<()> {
    const JSON: &str = "content-type: application/json\r\n";
    const HTML: &str = "content-type: text/html\r\n";
    match fault {
        None | Some(Fault::NoTls) => answer(stream, "200 OK", JSON, right).await,
        Some(Fault::Reset) => None,
        Some(Fault::Silent) => {
            // Until the other side has had enough.
            let _ = stream.read(&mut [0; 1]).await;
            None
        }
        Some(Fault::Drip) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n").await.ok()?;
            let mut pace = tokio::time::interval(Duration::from_millis(100));
            loop {
                pace.tick().await;
                stream.write_all(b" ").await.ok()?;
            }
        }
        Some(Fault::Broken) => answer(stream, "500 Oops", HTML, "<h1>Internal error</h1>").await,
        Some(Fault::Refuses) => {
            let told = json!({"error": "invalid_grant", "error_description": SECRETS.join(" ")});
            answer(stream, "400 Bad Request", JSON, &told.to_string()).await
        }
        Some(Fault::Garbage) => answer(stream, "200 OK", JSON, &format!("{{{}", SECRETS.join(" "))).await,
        Some(Fault::Huge) => answer(stream, "200 OK", JSON, &" ".repeat(2_000_000)).await,
        Some(Fault::WrongType) => answer(stream, "200 OK", HTML, right).await,
        Some(Fault::Redirect) => {
            answer(stream, "302 Found", &format!("location: {url}\r\n{JSON}"), right).await
        }
    }
}

async fn answer(stream: &mut BufReader<TcpStream>, status: &str, headers: &str, body: &str) -> Option<()> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body.as_bytes()).await.ok()
}

/// The address of the next request; its headers and body are read and dropped.
async fn read_request(stream: &mut BufReader<TcpStream>, port: u16) -> Option<Url> {
    let mut first = String::new();
    stream.read_line(&mut first).await.ok()?;
    let target = first.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(given) = line.strip_prefix("content-length:") {
            length = given.trim().parse().ok()?;
        }
    }
    stream.read_exact(&mut vec![0; length]).await.ok()?;
    Url::parse(&format!("http://127.0.0.1:{port}{target}")).ok()
}

fn parameter(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn jwk(key: &KeyPair, key_id: &str) -> Value {
    let public = key.public_key();
    json!({"kty": "RSA", "kid": key_id, "use": "sig", "alg": "RS256",
           "n": URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
           "e": URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero())})
}

fn id_token(issuer: &str, nonce: &str, key: &KeyPair, key_id: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let header = json!({"alg": "RS256", "kid": key_id});
    let claims = json!({"iss": issuer, "aud": "poolgate", "sub": "alice", "nonce": nonce, "iat": now, "exp": now + 60});
    let signed = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}
