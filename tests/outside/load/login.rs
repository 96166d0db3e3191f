//! One visit: sign in, take the tokens, use them. Every answer is compared with the person who signed in.

use reqwest::Response;
use serde_json::Value;
use url::Url;

use super::people::Soul;
use super::{Load, challenge};
use crate::harness::{CALLBACK, LOGGED_OUT, Landing, Person};
use crate::light_providers::SAML_BASE;

/// How the sign-in begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The app asks.
    Asked,
    /// The provider starts it (SAML).
    Unsolicited,
}

/// Where in a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    Authorize,
    Callback,
    Code,
    Refresh,
    UserInfo,
    /// A second sign-in of the same browser, which is known by then.
    Session,
    Logout,
    /// Something used once is used again.
    Again,
}

/// Why a visit did not succeed.
#[derive(Debug, Clone)]
pub enum Trouble {
    /// The gateway said so: a store is away, or (`lost`) it no longer knows what was under way.
    Refused { step: Step, lost: bool },
    /// The connection ended without an answer.
    Cut { step: Step },
    /// What must never be.
    Wrong { step: Step, what: String },
}

/// What a sign-in gave.
#[derive(Debug, Clone)]
pub struct Signed {
    pub sub: String,
    pub code: String,
    pub verifier: Option<String>,
    pub refresh: String,
    pub access: String,
    /// The provider's answer, as the browser posted it; empty for OIDC.
    pub posted: Vec<(String, String)>,
}

/// What one authorize request sends and must get back.
pub struct Request {
    pub url: String,
    pub state: String,
    nonce: Option<String>,
    verifier: Option<String>,
    client: String,
}

fn wrong(step: Step, what: impl Into<String>) -> Trouble {
    Trouble::Wrong { step, what: what.into() }
}

impl Load {
    /// What `client` asks when it names this provider.
    pub fn request(&self, client: &str, provider: &str) -> Request {
        let number = self.next_number();
        let verifier = format!("verifier-{number}-of-a-login-that-is-long-enough-to-be-one-0123456789");
        let (state, nonce) = (format!("state {number} ü&="), format!("nonce-{number}"));
        let mut url = Url::parse(&format!("{}/oauth2/authorize", self.url)).unwrap();
        url.query_pairs_mut()
            .append_pair("client_id", client)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", CALLBACK)
            .append_pair("scope", "openid email")
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", &challenge(&verifier))
            .append_pair("code_challenge_method", "S256")
            .append_pair("identity_provider", provider);
        let (nonce, verifier) = (Some(nonce), Some(verifier));
        Request { url: url.into(), state, nonce, verifier, client: client.to_owned() }
    }

    pub(super) async fn whole_visit(&self, soul: &Soul, way: Way) -> Result<(), Trouble> {
        let (browser, number) = (self.browser(), self.next_number());
        let (request, landing) = match way {
            Way::Asked => {
                let request = self.request(self.client("app"), soul.provider);
                let asked = self.ask(&browser, &request).await?;
                let landing = self.provider_answers(&browser, soul, &asked).await?;
                (request, landing)
            }
            Way::Unsolicited => self.start_at_provider(&browser, soul).await?,
        };
        let signed = self.redeem(soul, &request, &landing).await?;
        self.refresh(soul, &signed).await?;
        self.user_info(soul, &signed).await?;
        if number % 4 == 0 {
            self.return_with_session(&browser, soul).await?;
        }
        if number % 6 == 0 {
            self.use_again(&browser, &signed).await?;
        }
        self.record.finished(signed);
        Ok(())
    }

    /// The app sends the browser to sign in; where the gateway sends it on to.
    pub async fn ask(&self, browser: &Person, request: &Request) -> Result<Url, Trouble> {
        let stops = [CALLBACK, SAML_BASE, &self.oidc.issuer];
        let landing = self.walk(Step::Authorize, browser.try_walk(&request.url, &stops)).await?;
        if [SAML_BASE, &self.oidc.issuer].iter().any(|base| landing.url.as_str().starts_with(base)) {
            return Ok(landing.url);
        }
        Err(refusal(Step::Authorize, &landing, &request.state))
    }

    /// The provider's answer is taken back to the gateway: where the browser ends.
    pub async fn provider_answers(
        &self,
        browser: &Person,
        soul: &Soul,
        asked: &Url,
    ) -> Result<Landing, Trouble> {
        if soul.provider == "Saml" {
            let form = self.saml.answer_with(asked, &soul.name, &soul.mail(), self.next_number());
            self.post_answer(browser, &form).await
        } else {
            let back = self.oidc.answer_with(asked, &soul.name, &soul.mail());
            self.walk(Step::Callback, browser.try_walk(&back, &[CALLBACK])).await
        }
    }

    /// A SAML answer is posted to the gateway.
    pub async fn post_answer(&self, browser: &Person, form: &[(String, String)]) -> Result<Landing, Trouble> {
        let (from, acs) = (Url::parse(SAML_BASE).unwrap(), self.acs());
        self.walk(Step::Callback, browser.try_post_from(&from, &acs, form, &[CALLBACK])).await
    }

    fn acs(&self) -> Url {
        Url::parse(&format!("{}/saml2/idpresponse", self.url)).unwrap()
    }

    /// A sign-in that nobody asked for.
    async fn start_at_provider(&self, browser: &Person, soul: &Soul) -> Result<(Request, Landing), Trouble> {
        let (request, form) = self.started(soul);
        let landing = self.post_answer(browser, &form).await?;
        Ok((request, landing))
    }

    /// The same, to the end; what the browser posted.
    pub async fn start_and_keep(&self, soul: &Soul) -> Result<Vec<(String, String)>, Trouble> {
        let (request, landing) = self.start_at_provider(&self.browser(), soul).await?;
        self.redeem(soul, &request, &landing).await?;
        Ok(landing.posted)
    }

    /// What the app's tile at the provider makes the browser post.
    fn started(&self, soul: &Soul) -> (Request, Vec<(String, String)>) {
        let number = self.next_number();
        let (client, state) = (self.client("portal").to_owned(), format!("portal-{number}"));
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("identity_provider", "Saml"),
                ("client_id", &client),
                ("redirect_uri", CALLBACK),
                ("response_type", "code"),
                ("scope", "openid email"),
                ("state", &state),
            ])
            .finish();
        let audience = format!("urn:amazon:cognito:sp:{}", self.pool.id);
        let (acs, mail) = (self.acs(), soul.mail());
        let form = self.saml.start((acs.as_str(), &audience), &query, (&soul.name, &mail), number);
        (Request { url: String::new(), state, nonce: None, verifier: None, client }, form)
    }

    /// The code of a landing at the app, exchanged; the tokens are those of this person.
    pub async fn redeem(&self, soul: &Soul, request: &Request, landing: &Landing) -> Result<Signed, Trouble> {
        let code = self.code_of(request, landing)?;
        let answer = self.exchange(&request.client, &code, request.verifier.as_deref()).await?;
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        let missing = || wrong(Step::Code, format!("tokens are missing: {answer}"));
        let id = text("id_token").ok_or_else(missing)?;
        let (access, refresh) =
            (text("access_token").ok_or_else(missing)?, text("refresh_token").ok_or_else(missing)?);
        let sub = self.belongs(Step::Code, soul, &id, &access)?;
        let claims = self.verified(&id).map_err(|why| wrong(Step::Code, why))?;
        if claims["nonce"].as_str() != request.nonce.as_deref() || claims["aud"] != request.client.as_str() {
            return Err(wrong(Step::Code, format!("another request's tokens: {claims}")));
        }
        let (verifier, posted) = (request.verifier.clone(), landing.posted.clone());
        Ok(Signed { sub, code, verifier, refresh, access, posted })
    }

    /// The code of a landing at the app, with the state that this request sent.
    pub fn code_of(&self, request: &Request, landing: &Landing) -> Result<String, Trouble> {
        // A page of the gateway's own may still have the provider's code in its address.
        let at_app = landing.url.as_str().starts_with(CALLBACK);
        let Some(code) = landing.query("code").filter(|_| at_app) else {
            return Err(refusal(Step::Callback, landing, &request.state));
        };
        if landing.query("state").as_deref() != Some(&request.state) {
            return Err(wrong(Step::Callback, format!("a foreign state: {}", landing.url)));
        }
        Ok(code)
    }

    /// `grant_type=authorization_code`.
    pub async fn exchange(&self, client: &str, code: &str, verifier: Option<&str>) -> Result<Value, Trouble> {
        let mut form = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        form.extend([("client_id", client)]);
        form.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        self.token(Step::Code, &form).await
    }

    /// The refresh token gives this person's tokens.
    pub async fn refresh(&self, soul: &Soul, signed: &Signed) -> Result<(), Trouble> {
        let answer = self.try_refresh(signed).await.map_err(|trouble| match trouble {
            // A good refresh token that is refused signs its owner out.
            Trouble::Refused { lost: true, .. } => {
                wrong(Step::Refresh, "a good token is called invalid_grant")
            }
            other => other,
        })?;
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        let sub = self.belongs(Step::Refresh, soul, &text("id_token"), &text("access_token"))?;
        if sub == signed.sub { Ok(()) } else { Err(wrong(Step::Refresh, format!("{sub} is not {signed:?}"))) }
    }

    /// `grant_type=refresh_token`.
    pub async fn try_refresh(&self, signed: &Signed) -> Result<Value, Trouble> {
        let client = self.client_of(signed).to_owned();
        let form =
            [("grant_type", "refresh_token"), ("refresh_token", &signed.refresh), ("client_id", &client)];
        self.token(Step::Refresh, &form).await
    }

    fn client_of(&self, signed: &Signed) -> &str {
        self.client(if signed.verifier.is_some() { "app" } else { "portal" })
    }

    /// userInfo names this person.
    pub async fn user_info(&self, soul: &Soul, signed: &Signed) -> Result<(), Trouble> {
        let asked = self.http.get(format!("{}/oauth2/userInfo", self.url)).bearer_auth(&signed.access);
        let (status, answer) = self.json(Step::UserInfo, asked).await?;
        let is = |name: &str, value: &str| answer[name] == value;
        match status {
            200 if is("sub", &signed.sub)
                && is("email", &soul.mail())
                && is("username", &soul.username()) =>
            {
                Ok(())
            }
            503 => Err(Trouble::Refused { step: Step::UserInfo, lost: false }),
            _ => Err(wrong(Step::UserInfo, format!("{status} {answer} for {soul:?}"))),
        }
    }

    /// The browser is known: a second sign-in needs no provider, and is the same person's.
    async fn return_with_session(&self, browser: &Person, soul: &Soul) -> Result<(), Trouble> {
        let (request, landing) = self.return_to_app(browser, soul).await?;
        self.redeem(soul, &request, &landing).await.map(|_| ())
    }

    /// The app asks a browser that is known: it comes back at once.
    pub async fn return_to_app(&self, browser: &Person, soul: &Soul) -> Result<(Request, Landing), Trouble> {
        let request = self.request(self.client("app"), soul.provider);
        let stops = [CALLBACK, SAML_BASE, &self.oidc.issuer];
        let landing = self.walk(Step::Session, browser.try_walk(&request.url, &stops)).await?;
        if !landing.url.as_str().starts_with(CALLBACK) && landing.status == 0 {
            // Sent to the provider: the session is not there any more.
            return Err(Trouble::Refused { step: Step::Session, lost: true });
        }
        self.code_of(&request, &landing)?;
        Ok((request, landing))
    }

    /// The browser signs out.
    pub async fn sign_out(&self, browser: &Person) -> Result<(), Trouble> {
        let mut url = Url::parse(&format!("{}/logout", self.url)).unwrap();
        let client = self.client("app");
        url.query_pairs_mut().append_pair("client_id", client).append_pair("logout_uri", LOGGED_OUT);
        let landing = self.walk(Step::Logout, browser.try_walk(url.as_str(), &[LOGGED_OUT])).await?;
        if landing.url.as_str() == LOGGED_OUT && landing.status == 0 {
            return Ok(());
        }
        Err(refusal(Step::Logout, &landing, ""))
    }

    /// Neither answer nor code is good a second time; the code's second use ends the tokens of the first.
    pub async fn use_again(&self, browser: &Person, signed: &Signed) -> Result<(), Trouble> {
        if !signed.posted.is_empty() {
            let landing = self.post_answer(browser, &signed.posted).await?;
            if landing.query("code").is_some() {
                return Err(wrong(Step::Again, format!("an answer was good twice: {}", landing.url)));
            }
            if landing.status == 503 {
                return Err(Trouble::Refused { step: Step::Again, lost: false });
            }
        }
        let client = self.client_of(signed);
        match self.exchange(client, &signed.code, signed.verifier.as_deref()).await {
            Ok(answer) => return Err(wrong(Step::Again, format!("a code was good twice: {answer}"))),
            Err(Trouble::Refused { lost: true, .. }) => {}
            Err(other) => return Err(other),
        }
        match self.try_refresh(signed).await {
            Ok(_) => Err(wrong(Step::Again, "the tokens of a code used twice still work")),
            Err(Trouble::Refused { lost: true, .. }) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// ID and access token are this person's; their `sub`.
    fn belongs(&self, step: Step, soul: &Soul, id: &str, access: &str) -> Result<String, Trouble> {
        let read = |token: &str| self.verified(token).map_err(|why| wrong(step, format!("{why}: {token}")));
        let (id, access) = (read(id)?, read(access)?);
        let sub = id["sub"].as_str().unwrap_or_default().to_owned();
        let right = id["cognito:username"] == soul.username().as_str()
            && id["email"] == soul.mail().as_str()
            && access["username"] == soul.username().as_str()
            && access["sub"] == sub.as_str()
            && id["token_use"] == "id"
            && access["token_use"] == "access";
        if !right {
            return Err(wrong(step, format!("{soul:?} was given {id} and {access}")));
        }
        self.record.is(&soul.username(), &sub).map_err(|what| wrong(step, what))?;
        Ok(sub)
    }

    async fn token(&self, step: Step, form: &[(&str, &str)]) -> Result<Value, Trouble> {
        let asked = self.http.post(format!("{}/oauth2/token", self.url)).form(form);
        let (status, answer) = self.json(step, asked).await?;
        match (status, answer["error"].as_str()) {
            (200, None) => Ok(answer),
            (503, Some("temporarily_unavailable")) => Err(Trouble::Refused { step, lost: false }),
            (400, Some("invalid_grant")) => Err(Trouble::Refused { step, lost: true }),
            _ => Err(wrong(step, format!("{status} {answer}"))),
        }
    }

    async fn json(&self, step: Step, asked: reqwest::RequestBuilder) -> Result<(u16, Value), Trouble> {
        let answered = async {
            let response: Response = asked.send().await?;
            Ok((response.status().as_u16(), response.text().await?))
        };
        let (status, body) = self.timed(step, answered).await?;
        Ok((status, serde_json::from_str(&body).unwrap_or_else(|_| Value::String(body))))
    }

    async fn walk(
        &self,
        step: Step,
        walk: impl Future<Output = Result<Landing, reqwest::Error>>,
    ) -> Result<Landing, Trouble> {
        self.timed(step, walk).await
    }

    async fn timed<T>(
        &self,
        step: Step,
        asked: impl Future<Output = Result<T, reqwest::Error>>,
    ) -> Result<T, Trouble> {
        let begun = std::time::Instant::now();
        let answer = asked.await;
        self.record.answered(step, begun.elapsed());
        answer.map_err(|error| {
            if error.is_timeout() {
                wrong(step, format!("no answer after {:?}", begun.elapsed()))
            } else {
                Trouble::Cut { step }
            }
        })
    }
}

/// A walk that ended without what was asked for: a page that says why, or an error at the app.
fn refusal(step: Step, landing: &Landing, state: &str) -> Trouble {
    if landing.url.as_str().starts_with(CALLBACK) {
        if landing.query("state").as_deref() != Some(state) {
            return wrong(step, format!("an error with a foreign state: {}", landing.url));
        }
        return match landing.query("error").as_deref() {
            Some("temporarily_unavailable") => Trouble::Refused { step, lost: false },
            _ => wrong(step, format!("{}", landing.url)),
        };
    }
    let id = landing.header("x-amzn-requestid");
    match landing.status {
        503 if !id.is_empty() && landing.body.contains(id) => Trouble::Refused { step, lost: false },
        400 if step == Step::Callback && landing.body.contains(id) => Trouble::Refused { step, lost: true },
        _ => wrong(step, format!("{} {} {}", landing.status, landing.url, landing.body)),
    }
}
