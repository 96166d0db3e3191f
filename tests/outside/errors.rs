//! Every way to be refused, as an app, a person and a script see it: `docs/errors.md` in tables.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::harness::{App, CALLBACK, Gateway, LOGGED_OUT, Oidc, Person, Pool};

struct Stage {
    gateway: Gateway,
    oidc: Oidc,
    pool: Pool,
    app: App,
}

/// Two clients: `app` has a secret and the code flow, `public` has neither secret nor revocation.
async fn stage() -> Stage {
    let gateway = Gateway::start().await;
    let oidc = Oidc::start(&gateway.url(), "client_secret_post").await;
    let scopes = ["openid", "email", "profile", "aws.cognito.signin.user.admin"];
    let client = |name: &str, secret: bool, more: Value| {
        json!({
            "name": name, "secret": secret, "callbacks": [CALLBACK], "logouts": [LOGGED_OUT],
            "providers": ["Acme", "Other"], "scopes": scopes, "more": more,
        })
    };
    let clients = json!([
        client("app", true, json!({})),
        client("public", false, json!({"EnableTokenRevocation": false})),
    ]);
    let providers = json!([oidc.provider("Acme"), oidc.provider("Other")]);
    let pool = gateway.provision(providers, clients).await;
    let app = App::new(&pool, "app");
    Stage { gateway, oidc, pool, app }
}

impl Stage {
    async fn sign_in(&self, app: &App, scope: &str) -> crate::harness::Tokens {
        app.sign_in(&Person::new(), &[("identity_provider", "Acme"), ("scope", scope)]).await
    }

    /// Without `openid` there is no ID token either.
    async fn access_token_without_openid(&self) -> String {
        let more = [("identity_provider", "Acme"), ("scope", "aws.cognito.signin.user.admin")];
        let code = self.app.code(&self.app.send(&Person::new(), &more).await);
        let (status, answer) = self.app.token(&App::code_form(&code)).await;
        assert_eq!((status, answer.get("id_token")), (200, None), "{answer}");
        answer["access_token"].as_str().unwrap().to_owned()
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> crate::harness::Landing {
        let mut url = Url::parse(&format!("{}{path}", self.gateway.url())).unwrap();
        url.query_pairs_mut().extend_pairs(query);
        Person::new().open(url.as_str(), "http://localhost:3000/").await
    }
}

/// A page for a person: says what is wrong, carries the request's id, may be framed by nobody.
fn assert_page(landing: &crate::harness::Landing, what: &str) {
    assert_eq!(landing.status, 400, "{what}: {landing:?}");
    let id = landing.header("x-amzn-requestid");
    assert!(!id.is_empty() && landing.body.contains(id), "{what}: the page shows the request's id {id}");
    assert!(landing.header("content-type").starts_with("text/html"), "{what}");
    let policy = landing.header("content-security-policy");
    assert!(policy.contains("frame-ancestors 'none'"), "{what}: {policy}");
    assert!(!policy.contains("unsafe-inline"), "{what}: {policy}");
}

#[tokio::test]
async fn authorize_tells_the_app_what_was_wrong_with_its_request() {
    let stage = stage().await;
    let id = stage.app.client_id.as_str();
    let good = [("client_id", id), ("redirect_uri", CALLBACK), ("response_type", "code"), ("state", "s/1")];
    let challenge = ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    // (what, parameter to leave out, parameters to add, error)
    type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str);
    let rows: &[Row<'_>] = &[
        ("no response_type", "response_type", &[], "invalid_request"),
        ("unknown response_type", "response_type", &[("response_type", "magic")], "invalid_request"),
        ("challenge without method", "", &[challenge], "invalid_request"),
        ("plain challenge", "", &[challenge, ("code_challenge_method", "plain")], "invalid_request"),
        (
            "a challenge that is none",
            "",
            &[("code_challenge", "x"), ("code_challenge_method", "S256")],
            "invalid_request",
        ),
        ("unknown prompt", "", &[("prompt", "maybe")], "invalid_request"),
        ("unknown scope", "", &[("scope", "openid nonsense")], "invalid_scope"),
        ("malformed scope", "", &[("scope", "openid \"")], "invalid_scope"),
        ("email without openid", "", &[("scope", "email")], "invalid_scope"),
        ("nobody signed in", "", &[("prompt", "none")], "login_required"),
        ("flow not allowed", "response_type", &[("response_type", "token")], "unauthorized_client"),
    ];
    for (what, without, with, error) in rows {
        let query: Vec<_> = good.iter().filter(|(name, _)| name != without).chain(*with).copied().collect();
        let landing = stage.get("/oauth2/authorize", &query).await;
        assert!(landing.url.as_str().starts_with(CALLBACK), "{what}: {landing:?}");
        let in_fragment = query.contains(&("response_type", "token"));
        let told = |name: &str| if in_fragment { landing.fragment(name) } else { landing.query(name) };
        assert_eq!(told("error").as_deref(), Some(*error), "{what}: {landing:?}");
        assert_eq!(told("state").as_deref(), Some("s/1"), "{what}: {landing:?}");
        assert_eq!(told("code"), None, "{what}");
    }
}

#[tokio::test]
async fn authorize_never_redirects_to_an_address_that_is_not_registered() {
    let stage = stage().await;
    let id = stage.app.client_id.as_str();
    let upper = CALLBACK.replace("callback", "Callback");
    let longer = format!("{CALLBACK}&more=1");
    let fragment = format!("{CALLBACK}#here");
    let slash = CALLBACK.replace("/callback", "/callback/");
    let rows: &[(&str, &[(&str, &str)])] = &[
        ("no client", &[("redirect_uri", CALLBACK), ("response_type", "code")]),
        ("unknown client", &[("client_id", "nobody"), ("redirect_uri", CALLBACK), ("response_type", "code")]),
        ("markup as client", &[("client_id", "<script>alert(1)</script>"), ("redirect_uri", CALLBACK)]),
        ("no redirect_uri", &[("client_id", id), ("response_type", "code")]),
        (
            "another site",
            &[("client_id", id), ("redirect_uri", "https://evil.example/"), ("response_type", "code")],
        ),
        ("another case", &[("client_id", id), ("redirect_uri", &upper), ("response_type", "code")]),
        ("a longer one", &[("client_id", id), ("redirect_uri", &longer), ("response_type", "code")]),
        ("a fragment", &[("client_id", id), ("redirect_uri", &fragment), ("response_type", "code")]),
        ("a slash more", &[("client_id", id), ("redirect_uri", &slash), ("response_type", "code")]),
        (
            "a script",
            &[("client_id", id), ("redirect_uri", "javascript:alert(1)"), ("response_type", "code")],
        ),
    ];
    for (what, query) in rows {
        for path in ["/oauth2/authorize", "/login"] {
            let landing = stage.get(path, query).await;
            assert_page(&landing, what);
            assert!(!landing.body.contains("<script>alert"), "{what}: markup is escaped");
        }
    }
}

/// A refusal in OAuth's JSON.
async fn assert_oauth(what: &str, response: Response, status: u16, errors: &[&str]) {
    assert_eq!(response.status().as_u16(), status, "{what}");
    assert_eq!(response.headers()["cache-control"], "no-store", "{what}");
    assert!(response.headers().contains_key("x-amzn-requestid"), "{what}");
    let answer: Value = response.json().await.unwrap();
    assert!(errors.iter().any(|error| answer["error"] == *error), "{what}: {answer} is none of {errors:?}");
    assert_eq!(answer["error_description"], answer["error_message"], "{what}: {answer}");
}

#[tokio::test]
async fn the_token_endpoint_says_what_was_wrong() {
    let stage = stage().await;
    let app = &stage.app;
    let code = async || app.code(&app.send(&Person::new(), &[("identity_provider", "Acme")]).await);
    let edited = |code: &str, name: &str, value: Option<&str>| {
        let form = App::code_form(code).map(|(key, given)| (key.to_owned(), given.to_owned()));
        let mut form: Vec<_> = form.into_iter().filter(|(key, _)| key != name).collect();
        form.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        form
    };
    // (what, what to change in the good form, to what, errors that are right)
    type Row<'a> = (&'a str, &'a str, Option<&'a str>, &'a [&'a str]);
    let rows: &[Row<'_>] = &[
        ("no grant_type", "grant_type", None, &["invalid_request"]),
        ("unknown grant_type", "grant_type", Some("password"), &["unsupported_grant_type"]),
        ("no code", "code", None, &["invalid_request"]),
        ("unknown code", "code", Some("7d1c0a6e-0000-4000-8000-000000000000"), &["invalid_grant"]),
        ("no redirect_uri", "redirect_uri", None, &["invalid_grant", "invalid_request"]),
        ("another redirect_uri", "redirect_uri", Some(LOGGED_OUT), &["invalid_grant"]),
        ("no verifier", "code_verifier", None, &["invalid_grant", "invalid_request"]),
        (
            "another verifier",
            "code_verifier",
            Some("another-verifier-that-is-long-enough-for-the-rules"),
            &["invalid_grant"],
        ),
    ];
    for (what, name, value, errors) in rows {
        let form = edited(&code().await, name, *value);
        let form: Vec<_> = form.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_oauth(what, app.post("/oauth2/token", &form).await.unwrap(), 400, errors).await;
    }
    let form = [("grant_type", "refresh_token"), ("refresh_token", "eyJhbGciOiJkaXIifQ..AAAA.AAAA.AAAA")];
    assert_oauth(
        "a made-up refresh token",
        app.post("/oauth2/token", &form).await.unwrap(),
        400,
        &["invalid_grant"],
    )
    .await;
    let other = App::new(&stage.pool, "public");
    let taken = code().await;
    let response = other.post("/oauth2/token", &App::code_form(&taken)).await.unwrap();
    assert_oauth("a code of another client", response, 400, &["invalid_grant"]).await;
    let tokens = stage.sign_in(app, "openid").await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    let response = other.post("/oauth2/token", &form).await.unwrap();
    assert_oauth("a refresh token of another client", response, 400, &["invalid_grant"]).await;
    app.refresh(&tokens.refresh).await;
}

#[tokio::test]
async fn a_verifier_without_a_challenge_is_refused() {
    let stage = stage().await;
    let id = stage.app.client_id.as_str();
    let query = [
        ("client_id", id),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("identity_provider", "Acme"),
    ];
    let landing = stage.get("/oauth2/authorize", &query).await;
    let code = landing.query("code").unwrap_or_else(|| panic!("{landing:?}"));
    let response = stage.app.post("/oauth2/token", &App::code_form(&code)).await.unwrap();
    assert_oauth("verifier out of nowhere", response, 400, &["invalid_grant", "invalid_request"]).await;
}

#[tokio::test]
async fn a_client_that_cannot_prove_itself_gets_nothing() {
    let stage = stage().await;
    let app = &stage.app;
    let tokens = stage.sign_in(app, "openid").await;
    let secret = app.secret.clone().unwrap();
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    let post = |path: &str| app.http().post(format!("{}{path}", app.url));
    let form = |more: &[(&'static str, String)]| {
        let mut form: Vec<(String, String)> =
            refresh.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        form.extend(more.iter().map(|(name, value)| (name.to_string(), value.clone())));
        form
    };
    let id = || ("client_id", app.client_id.clone());
    let wrong = || ("client_secret", "wrong".to_owned());
    // (what, what to add to the form, Basic)
    type Row<'a> = (&'a str, Vec<(&'static str, String)>, Option<(&'a str, &'a str)>);
    let rows: Vec<Row<'_>> = vec![
        ("no client", vec![], None),
        ("unknown client", vec![("client_id", "nobody".into()), wrong()], None),
        ("no secret", vec![id()], None),
        ("empty secret", vec![id(), ("client_secret", String::new())], None),
        ("wrong secret by post", vec![id(), wrong()], None),
        ("wrong secret by basic", vec![], Some((&app.client_id, "wrong"))),
        ("empty secret by basic", vec![], Some((&app.client_id, ""))),
        ("unknown client by basic", vec![], Some(("nobody", &secret))),
    ];
    for (what, more, basic) in &rows {
        for path in ["/oauth2/token", "/oauth2/revoke"] {
            let mut request =
                post(path).form(&form(&[more.as_slice(), &[("token", tokens.refresh.clone())]].concat()));
            if let Some((user, password)) = basic {
                request = request.basic_auth(user, Some(password));
            }
            let response = request.send().await.unwrap();
            let what = format!("{what} at {path}");
            let missing = what.starts_with("no client ");
            let status = response.status().as_u16();
            assert!(
                status == if path == "/oauth2/token" { 400 } else { 401 } || missing && status == 400,
                "{what}: {status}"
            );
            let answer: Value = response.json().await.unwrap();
            assert!(
                answer["error"] == "invalid_client" || missing && answer["error"] == "invalid_request",
                "{what}: {answer}"
            );
        }
    }
    // Nothing of this has ended anything; and both ways of proving work.
    let by_post =
        post("/oauth2/token").form(&form(&[id(), ("client_secret", secret.clone())])).send().await.unwrap();
    assert_eq!(by_post.status(), 200);
    app.refresh(&tokens.refresh).await;
}

#[tokio::test]
async fn user_info_refuses_what_is_no_access_token_for_it() {
    let stage = stage().await;
    let tokens = stage.sign_in(&stage.app, "openid email").await;
    let narrow = stage.access_token_without_openid().await;
    let (head, _) = tokens.access.rsplit_once('.').unwrap();
    let tampered = format!("{head}.{}", "A".repeat(342));
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", tokens.access.split('.').nth(1).unwrap());
    for (what, token) in [
        ("an ID token", tokens.id.as_str()),
        ("a refresh token", &tokens.refresh),
        ("another signature", &tampered),
        ("no signature", &unsigned),
        ("garbage", "garbage"),
        ("no openid", &narrow),
    ] {
        let response = stage.app.user_info(token).await;
        assert_eq!(response.status(), 401, "{what}");
        let challenge = response.headers()["www-authenticate"].to_str().unwrap();
        assert!(challenge.starts_with("Bearer error=\""), "{what}: {challenge}");
        assert!(challenge.contains("error_description=\""), "{what}: {challenge}");
        assert!(!challenge.contains(token), "{what}: the token is not repeated");
    }
    let url = format!("{}/oauth2/userInfo", stage.gateway.url());
    let bare = stage.app.http().get(&url).send().await.unwrap();
    assert!([400, 401].contains(&bare.status().as_u16()));
    assert!(bare.headers().contains_key("www-authenticate"));
    let posted = stage.app.http().post(&url).bearer_auth(&tokens.access).send().await.unwrap();
    assert_eq!(posted.status(), 200, "POST works too");
}

#[tokio::test]
async fn revoke_takes_refresh_tokens_of_the_client_alone() {
    let stage = stage().await;
    let app = &stage.app;
    let public = App::new(&stage.pool, "public");
    let tokens = stage.sign_in(app, "openid").await;
    assert_oauth_error(app.post("/oauth2/revoke", &[]).await.unwrap(), 400, "invalid_request").await;
    let access = app.post("/oauth2/revoke", &[("token", &tokens.access)]).await.unwrap();
    assert_oauth_error(access, 400, "unsupported_token_type").await;
    let off = public.post("/oauth2/revoke", &[("token", "anything")]).await.unwrap();
    assert_oauth_error(off, 400, "invalid_request").await;
    assert_eq!(app.revoke("eyJhbGciOiJkaXIifQ..AAAA.AAAA.AAAA").await, (200, String::new()), "unknown");
    app.refresh(&tokens.refresh).await;
}

async fn assert_oauth_error(response: Response, status: u16, error: &str) {
    assert_eq!(response.status().as_u16(), status);
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["error"], error, "{answer}");
}

#[tokio::test]
async fn logout_ends_nothing_when_it_may_not_return() {
    let stage = stage().await;
    let (app, person) = (&stage.app, Person::new());
    app.sign_in(&person, &[("identity_provider", "Acme")]).await;
    let logout = format!("{}/logout", stage.gateway.url());
    let id = &app.client_id;
    for (what, url) in [
        ("unregistered", format!("{logout}?client_id={id}&logout_uri=https://evil.example/")),
        ("a longer one", format!("{logout}?client_id={id}&logout_uri={LOGGED_OUT}/x")),
        ("unknown client", format!("{logout}?client_id=nobody&logout_uri={LOGGED_OUT}")),
        ("no client", format!("{logout}?logout_uri={LOGGED_OUT}")),
        (
            "callback of nobody",
            format!("{logout}?client_id={id}&redirect_uri=https://evil.example/&response_type=code"),
        ),
    ] {
        assert_page(&person.open(&url, "https://evil.example/").await, what);
    }
    // The session is still there: no provider is asked.
    let landing = person.open(&app.authorize_url(&[]), CALLBACK).await;
    app.code(&landing);
    let page = person.open(&format!("{logout}?client_id={id}"), CALLBACK).await;
    assert_eq!(page.status, 200, "the signed-out page");
    let landing = person.open(&app.authorize_url(&[("prompt", "none")]), CALLBACK).await;
    assert_eq!(landing.query("error").as_deref(), Some("login_required"), "{landing:?}");
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_a_page() {
    let stage = stage().await;
    for query in
        [vec![], vec![("code", "x")], vec![("code", "x"), ("state", "nobody")], vec![("state", "<script>")]]
    {
        assert_page(&stage.get("/oauth2/idpresponse", &query).await, &format!("{query:?}"));
    }
    let idp: Url = stage.oidc.issuer().parse().unwrap();
    let acs: Url = format!("{}/saml2/idpresponse", stage.gateway.url()).parse().unwrap();
    for fields in [
        vec![],
        vec![("SAMLResponse", "not base64!")],
        vec![("SAMLResponse", "PHg+"), ("RelayState", "nobody")],
        vec![("SAMLResponse", "PHg+"), ("RelayState", "identity_provider=Acme&client_id=x")],
    ] {
        let fields: Vec<_> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_page(&Person::new().post_from(&idp, &acs, &fields, CALLBACK).await, &format!("{fields:?}"));
    }
}

#[tokio::test]
async fn unknown_hosts_and_paths_are_a_plain_404() {
    let stage = stage().await;
    let get = async |host: &str, path: &str| {
        let url = format!("{}{path}", stage.gateway.url());
        stage.app.http().get(url).header("host", host).send().await.unwrap().status()
    };
    assert_eq!(get("localhost", "/nowhere").await, StatusCode::NOT_FOUND);
    assert_eq!(get("evil.example", "/oauth2/authorize").await, StatusCode::NOT_FOUND);
    assert_eq!(get("evil.example", "/login").await, StatusCode::NOT_FOUND);
    assert_eq!(get("localhost", "/us-east-1_nowhere/.well-known/jwks.json").await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn other_origins_may_read_tokens_endpoints_and_nothing_else() {
    let stage = stage().await;
    let issuer = format!("/{}", stage.pool.id);
    let preflight = async |path: &str| {
        let url = format!("{}{path}", stage.gateway.url());
        let request = stage.app.http().request(Method::OPTIONS, url);
        let request = request
            .header("origin", "https://app.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "x-amz-target,content-type,cache-control");
        let response = request.send().await.unwrap();
        let header =
            |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_lowercase());
        (
            header("access-control-allow-origin"),
            header("access-control-allow-headers"),
            header("access-control-allow-credentials"),
        )
    };
    let open = ["/", "/oauth2/token", "/oauth2/userInfo", "/oauth2/revoke"].map(str::to_owned).into_iter();
    let documents = ["openid-configuration", "jwks.json"].map(|name| format!("{issuer}/.well-known/{name}"));
    for path in open.chain(documents) {
        let (origin, headers, credentials) = preflight(&path).await;
        assert_eq!(origin.as_deref(), Some("*"), "{path}");
        let headers = headers.unwrap_or_default();
        assert!(headers == "*" || headers.contains("x-amz-target"), "{path}: {headers}");
        assert_eq!(credentials, None, "{path}");
    }
    for path in ["/oauth2/authorize", "/login", "/logout", "/saml2/idpresponse", "/saml2/metadata"] {
        assert_eq!(preflight(path).await.0, None, "{path}");
    }
}

#[tokio::test]
async fn health_is_told_on_the_other_listener() {
    let stage = stage().await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        let there =
            stage.app.http().get(format!("{}{path}", stage.gateway.metrics_url())).send().await.unwrap();
        assert_eq!(there.status(), 200, "{path}");
        let here = stage.app.http().get(format!("{}{path}", stage.gateway.url())).send().await.unwrap();
        assert_eq!(here.status(), 404, "{path} is not public");
    }
}

#[tokio::test]
async fn no_secret_and_no_token_is_ever_logged() {
    let stage = stage().await;
    let tokens = stage.sign_in(&stage.app, "openid").await;
    stage.app.refresh(&tokens.refresh).await;
    stage.app.user_info(&tokens.access).await;
    stage.app.revoke(&tokens.refresh).await;
    let log = stage.gateway.logged();
    let secret = stage.app.secret.clone().unwrap();
    for (what, hidden) in [
        ("ID token", tokens.id.rsplit('.').next().unwrap()),
        ("access token", tokens.access.rsplit('.').next().unwrap()),
        ("refresh token", &tokens.refresh),
        ("client secret", &secret),
        ("provider's secret", stage.oidc.details()["client_secret"].as_str().unwrap()),
    ] {
        assert!(!log.contains(hidden), "the {what} is in the log");
    }
}
