//! One suite for every OpenID provider that nobody here wrote: sign-in, whatever the provider does about it.
//!
//! What a provider does not offer is in [`Make::NOT_OFFERED`], and what it announces is held against that table.

use serde_json::{Value, json};
use url::Url;

use crate::harness::{
    App, CALLBACK, ClientKey, Gateway, Landing, Make, Oidc, Person, Pool, claims, with_details,
};

for_each_provider! {
    what_a_provider_does_not_offer_is_known,
    a_person_signs_in_whichever_way_the_client_proves_itself,
    an_id_token_may_be_signed_with_each_algorithm,
    a_provider_may_change_its_signing_key_while_people_sign_in,
    the_answer_may_come_by_form_post,
    explicit_endpoints_work_without_discovery,
    claims_come_from_the_id_token_or_from_userinfo,
    userinfo_may_be_signed_and_what_cannot_be_read_is_refused,
    what_the_app_asks_for_reaches_the_provider,
    prompt_none_needs_a_session_at_the_provider,
    a_provider_is_held_to_max_age,
    an_answer_is_of_no_use_with_another_issuer_or_in_another_browser,
    a_sign_in_that_the_provider_refuses_signs_nobody_in,
    a_provider_that_is_gone_is_an_error_at_the_app_and_never_a_hang,
}

/// A provider of the pool: its name, what its client is registered with at the provider, and further details.
type Case = (&'static str, Value, Value);

struct Stage {
    gateway: Gateway,
    oidc: Oidc,
    pool: Pool,
    app: App,
}

async fn stage(make: Make, cases: Vec<Case>) -> Stage {
    let gateway = Gateway::start().await;
    let clients: Vec<_> = cases.iter().map(|(name, registered, _)| (*name, registered.clone())).collect();
    let oidc = Oidc::of(make, &gateway.url(), &clients).await;
    let providers = cases
        .into_iter()
        .map(|(name, _, details)| with_details(oidc.provider_of(name, name), details))
        .collect();
    let (pool, app) = gateway.provision_app(providers).await;
    Stage { gateway, oidc, pool, app }
}

fn usual(name: &'static str) -> Case {
    (name, json!({}), json!({}))
}

impl Stage {
    /// Signs a fresh person in through this provider of the pool; the claims of the ID token.
    async fn sign_in(&self, provider: &str) -> Value {
        let tokens = self.app.sign_in(&Person::new(), &[("identity_provider", provider)]).await;
        assert_eq!(
            (&tokens.answer["token_type"], &tokens.answer["expires_in"]),
            (&json!("Bearer"), &json!(3600))
        );
        claims(&tokens.id)
    }

    async fn send(&self, provider: &str, more: &[(&str, &str)]) -> Landing {
        self.send_person(&Person::new(), provider, more).await
    }

    async fn send_person(&self, person: &Person, provider: &str, more: &[(&str, &str)]) -> Landing {
        self.app.send(person, &[&[("identity_provider", provider)], more].concat()).await
    }

    /// Signs somebody in at the provider, and stops with its answer at the gateway's door.
    async fn answer(&self, person: &Person, provider: &str) -> Url {
        let url = self.app.authorize_url(&[("identity_provider", provider)]);
        let answer = person.open(&url, &format!("{}/oauth2/idpresponse", self.app.url)).await;
        assert!(answer.query("code").is_some(), "{answer:?}");
        answer.url
    }

    async fn users(&self) -> usize {
        let users = self.gateway.call("list_users", json!({"UserPoolId": self.pool.id})).await;
        users["Users"].as_array().unwrap().len()
    }
}

/// The same address with another value of a parameter, or without it.
fn changed(url: &Url, name: &str, value: Option<&str>) -> Url {
    let others: Vec<_> = url.query_pairs().into_owned().filter(|(key, _)| key != name).collect();
    let mut changed = url.clone();
    changed.query_pairs_mut().clear().extend_pairs(others).extend_pairs(value.map(|value| (name, value)));
    changed
}

fn told(landing: &Landing) -> (String, String) {
    assert!(landing.url.as_str().starts_with(CALLBACK), "{landing:?}");
    assert_eq!(landing.query("state").as_deref(), Some(App::STATE), "{landing:?}");
    (landing.query("error").unwrap(), landing.query("error_description").unwrap_or_default())
}

async fn what_a_provider_does_not_offer_is_known(make: Make) {
    let oidc = Oidc::of(make, "http://localhost:1", &[("poolgate", json!({}))]).await;
    let url = format!("{}/.well-known/openid-configuration", oidc.issuer());
    let announced: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    for what in [
        "backchannel_logout_supported",
        "frontchannel_logout_supported",
        "authorization_response_iss_parameter_supported",
        "id_token_encryption_alg_values_supported",
        "userinfo_encryption_alg_values_supported",
    ] {
        let announces = !announced[what].is_null() && announced[what] != false;
        assert_eq!(announces, make.offers(what), "{make:?} {what}");
    }
    let lists = |member: &str, value: &str| {
        announced[member].as_array().is_some_and(|all| all.iter().any(|one| one == value))
    };
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        assert!(lists("id_token_signing_alg_values_supported", algorithm), "{make:?} {algorithm}");
    }
    assert!(
        lists("response_modes_supported", "form_post")
            && lists("userinfo_signing_alg_values_supported", "RS256")
    );
}

async fn a_person_signs_in_whichever_way_the_client_proves_itself(make: Make) {
    let key = ClientKey::new("client-key");
    let stage = stage(
        make,
        vec![
            usual("Post"),
            (
                "Basic",
                json!({"token_endpoint_auth_method": "client_secret_basic"}),
                json!({"token_endpoint_auth_method": "client_secret_basic"}),
            ),
            (
                "Key",
                json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks,
                       "token_endpoint_auth_signing_alg": "ES256"}),
                json!({"token_endpoint_auth_method": "private_key_jwt", "private_key": key.pem,
                       "private_key_id": "client-key"}),
            ),
            ("PostEverything", json!({}), json!({"attributes_request_method": "POST"})),
        ],
    )
    .await;
    for provider in ["Post", "Basic", "Key", "PostEverything"] {
        let id = stage.sign_in(provider).await;
        assert_eq!(id["cognito:username"], format!("{provider}_alice"));
        assert_eq!(id["email"], "alice@example.com");
        assert_eq!(id["email_verified"], true, "mapped from the provider's claim");
        assert_eq!(id["family_name"], "Ångström 😀");
        assert_eq!(id["identities"][0]["providerType"], "OIDC");
        assert!(id["identities"][0]["issuer"].is_null());
        let asked = stage.oidc.asked().await;
        assert_eq!(asked["code_challenge_method"], "S256", "{asked:?}");
        assert!(asked["nonce"].len() >= 20 && asked["state"].len() >= 20, "{asked:?}");
    }
    assert_eq!(stage.users().await, 4);
}

async fn an_id_token_may_be_signed_with_each_algorithm(make: Make) {
    let signed = |name, algorithm| (name, json!({"id_token_signed_response_alg": algorithm}), json!({}));
    let cases =
        vec![signed("Ps", "PS256"), signed("Es", "ES256"), signed("Ed", "EdDSA"), signed("Rs", "RS256")];
    let stage = stage(make, cases).await;
    for provider in ["Ps", "Es", "Ed", "Rs"] {
        assert_eq!(stage.sign_in(provider).await["email"], "alice@example.com", "{provider}");
    }
}

async fn a_provider_may_change_its_signing_key_while_people_sign_in(make: Make) {
    let stage = stage(make, vec![usual("First"), usual("Second")]).await;
    for provider in ["First", "Second"] {
        stage.sign_in(provider).await;
    }
    stage.oidc.new_key(true).await;
    stage.sign_in("First").await;
    stage.oidc.new_key(false).await;
    // The keys of First were fetched a moment ago, those of Second before either change.
    stage.sign_in("Second").await;
}

async fn the_answer_may_come_by_form_post(make: Make) {
    let stage = stage(make, vec![("Acme", json!({}), json!({"response_mode": "form_post"}))]).await;
    let person = Person::new();
    let landing = stage.send_person(&person, "Acme", &[]).await;
    assert!(landing.posted.iter().any(|(name, _)| name == "code"), "{landing:?}");
    stage.app.redeem(&stage.app.code(&landing)).await;
    let refused = stage.send("Acme", &[("login_hint", "deny")]).await;
    assert!(refused.posted.iter().any(|(name, _)| name == "error"), "{refused:?}");
    assert_eq!(told(&refused).0, "access_denied");
}

async fn explicit_endpoints_work_without_discovery(make: Make) {
    let gateway = Gateway::start().await;
    let oidc = Oidc::of(make, &gateway.url(), &[("poolgate", json!({}))]).await;
    let details = json!({
        "authorize_url": oidc.endpoint("authorization"),
        "token_url": oidc.endpoint("token"),
        "attributes_url": oidc.endpoint("userinfo"),
        "jwks_uri": oidc.endpoint("jwks"),
    });
    let (_, app) = gateway.provision_app(vec![with_details(oidc.provider("Acme"), details)]).await;
    // A single provider needs no page and no name either.
    let tokens = app.sign_in(&Person::new(), &[]).await;
    assert_eq!(claims(&tokens.id)["email"], "alice@example.com");
}

async fn claims_come_from_the_id_token_or_from_userinfo(make: Make) {
    let cases = ["id_token", "userinfo"].map(|place| json!({"claims_in": place}));
    let [id_token, userinfo] = cases;
    let stage = stage(make, vec![("IdToken", id_token, json!({})), ("UserInfo", userinfo, json!({}))]).await;
    for provider in ["IdToken", "UserInfo"] {
        let id = stage.sign_in(provider).await;
        assert_eq!(
            (&id["email"], &id["given_name"]),
            (&json!("alice@example.com"), &json!("Alice")),
            "{provider}"
        );
    }
}

async fn userinfo_may_be_signed_and_what_cannot_be_read_is_refused(make: Make) {
    let encryption = ClientKey::new("encryption").jwks;
    let encrypted = |what: &str| {
        let mut registered = json!({"jwks": encryption});
        registered[format!("{what}_signed_response_alg")] = "RS256".into();
        registered[format!("{what}_encrypted_response_alg")] = "ECDH-ES".into();
        registered[format!("{what}_encrypted_response_enc")] = "A128GCM".into();
        registered
    };
    let stage = stage(
        make,
        vec![
            ("Rsa", json!({"userinfo_signed_response_alg": "RS256"}), json!({})),
            ("Ec", json!({"userinfo_signed_response_alg": "ES256"}), json!({})),
            ("SealedUserInfo", encrypted("userinfo"), json!({})),
            ("SealedIdToken", encrypted("id_token"), json!({})),
        ],
    )
    .await;
    for provider in ["Rsa", "Ec"] {
        assert_eq!(stage.sign_in(provider).await["email"], "alice@example.com", "{provider}");
    }
    let mut sealed = vec!["SealedUserInfo"];
    if make.offers("id_token_encryption_alg_values_supported") {
        sealed.push("SealedIdToken");
    }
    for provider in sealed {
        let (error, description) = told(&stage.send(provider, &[]).await);
        assert!(["invalid_request", "server_error"].contains(&error.as_str()), "{error}: {description}");
        assert!(description.contains("encrypted"), "{description}");
    }
    assert_eq!(stage.users().await, 2);
}

async fn what_the_app_asks_for_reaches_the_provider(make: Make) {
    let stage = stage(make, vec![usual("Acme"), ("Mute", json!({}), json!({"login_hint": "none"}))]).await;
    let person = Person::new();
    let classes = "urn:example:hardware-key urn:example:password";
    let wants = [
        ("login_hint", "bob"),
        ("ui_locales", "de-AT en"),
        ("max_age", "600"),
        ("prompt", "login"),
        ("acr_values", classes),
    ];
    let tokens = stage.app.redeem(&stage.app.code(&stage.send_person(&person, "Acme", &wants).await)).await;
    assert_eq!(claims(&tokens.id)["profile"], "urn:example:hardware-key", "mapped from acr");
    let asked = stage.oidc.asked().await;
    for (name, value) in wants {
        assert_eq!(asked.get(name).map(String::as_str), Some(value), "{name} of {asked:?}");
    }
    assert_eq!(stage.oidc.logins("bob").await, 1);
    // The session here would do, and so would the one at the provider.
    stage.app.code(&stage.send_person(&person, "Acme", &wants).await);
    assert_eq!(stage.oidc.logins("bob").await, 2, "prompt=login asks again");
    stage.app.code(&stage.send("Mute", &wants).await);
    assert!(!stage.oidc.asked().await.contains_key("login_hint"));
}

async fn prompt_none_needs_a_session_at_the_provider(make: Make) {
    let stage = stage(make, vec![usual("Acme")]).await;
    let person = Person::new();
    let (error, _) = told(&stage.send_person(&person, "Acme", &[("prompt", "none")]).await);
    assert_eq!(error, "login_required");
    assert_eq!(stage.oidc.asked().await["prompt"], "none");
    stage.app.sign_in(&person, &[]).await;
    stage.app.sign_out(&person).await;
    stage.app.code(&stage.send_person(&person, "Acme", &[("prompt", "none")]).await);
    assert_eq!(stage.oidc.logins("alice").await, 1, "single sign-on at the provider");
}

async fn a_provider_is_held_to_max_age(make: Make) {
    let stage = stage(make, vec![usual("Acme")]).await;
    let person = Person::new();
    stage.app.sign_in(&person, &[]).await;
    stage.app.sign_out(&person).await;
    stage.oidc.grow_older(3600).await;
    // Whoever sits at the browser can take the wish out of the address.
    let url = stage.app.authorize_url(&[("max_age", "600")]);
    let away = person.open(&url, stage.oidc.endpoint("authorization")).await;
    let landing = person.open(changed(&away.url, "max_age", None).as_str(), CALLBACK).await;
    let (error, description) = told(&landing);
    assert_eq!((error.as_str(), stage.oidc.logins("alice").await), ("server_error", 1), "{description}");
    assert!(description.contains("max_age"), "{description}");
    stage.app.code(&stage.send_person(&person, "Acme", &[("max_age", "600")]).await);
    assert_eq!(stage.oidc.logins("alice").await, 2, "the provider asked again");
}

async fn an_answer_is_of_no_use_with_another_issuer_or_in_another_browser(make: Make) {
    let stage = stage(make, vec![usual("Acme")]).await;
    let person = Person::new();
    let answer = stage.answer(&person, "Acme").await;
    let foreign = person.open(changed(&answer, "iss", Some("https://evil.example")).as_str(), CALLBACK).await;
    assert_eq!(told(&foreign).0, "server_error", "{foreign:?}");
    let answer = stage.answer(&person, "Acme").await;
    let unnamed = person.open(changed(&answer, "iss", None).as_str(), CALLBACK).await;
    match make {
        Make::OidcProvider => {
            assert_eq!(told(&unnamed).0, "server_error", "it always names itself: {unnamed:?}")
        }
        Make::Idpyoidc => assert!(!stage.app.code(&unnamed).is_empty(), "it never said that it would"),
    }
    let users = stage.users().await;
    let answer = stage.answer(&Person::new(), "Acme").await;
    let landing = Person::new().open(answer.as_str(), CALLBACK).await;
    // The page is at the address the attacker made, provider's code and all: no code of ours came of it.
    assert_eq!((landing.status, landing.url.path()), (400, "/oauth2/idpresponse"), "{landing:?}");
    assert_eq!(stage.users().await, users);
}

async fn a_sign_in_that_the_provider_refuses_signs_nobody_in(make: Make) {
    let elsewhere = json!({"redirect_uris": ["https://other.example/callback"]});
    let (key, wrong) = (ClientKey::new("client-key"), ClientKey::new("client-key"));
    let stage = stage(
        make,
        vec![
            usual("Acme"),
            ("WrongSecret", json!({}), json!({"client_secret": "wrong"})),
            (
                "WrongKey",
                json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks,
                       "token_endpoint_auth_signing_alg": "ES256"}),
                json!({"token_endpoint_auth_method": "private_key_jwt", "private_key": wrong.pem,
                       "private_key_id": "client-key"}),
            ),
            ("NoPkce", json!({}), json!({"pkce": "off"})),
            ("Elsewhere", elsewhere, json!({})),
            ("Unknown", json!({}), json!({"client_id": "nobody-knows-me"})),
        ],
    )
    .await;
    let (error, description) = told(&stage.send("Acme", &[("login_hint", "deny")]).await);
    assert_eq!((error.as_str(), description.as_str()), ("access_denied", "the person said no"));
    for provider in ["WrongSecret", "WrongKey"] {
        let (error, description) = told(&stage.send(provider, &[]).await);
        assert_eq!(
            (error, description),
            ("invalid_request".into(), format!("{provider} Error - 401 error getting token"))
        );
    }
    for provider in ["NoPkce", "Elsewhere", "Unknown"] {
        let landing = stage.send(provider, &[]).await;
        if provider == "NoPkce" && make == Make::OidcProvider {
            let (error, description) = told(&landing);
            assert!(error == "server_error" && description.contains("PKCE"), "{error}: {description}");
        } else {
            assert!(landing.status == 400 && stage.oidc.shows(&landing), "{provider}: {landing:?}");
        }
    }
    assert_eq!(stage.users().await, 0);
}

async fn a_provider_that_is_gone_is_an_error_at_the_app_and_never_a_hang(make: Make) {
    let stage = stage(make, vec![usual("Acme")]).await;
    let person = Person::new();
    let answer = stage.answer(&person, "Acme").await;
    let Stage { oidc, .. } = stage;
    drop(oidc);
    let landing = person.open(answer.as_str(), CALLBACK).await;
    let (error, description) = told(&landing);
    assert_eq!(error, "invalid_request", "{description}");
    // A connection that was kept open is reset, a new one is not taken.
    let refused = "Acme: could not reach the provider's token endpoint: ";
    assert!(description == "Connection reset" || description.starts_with(refused), "{description}");
}
