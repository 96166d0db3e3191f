//! Sign-out across the bridge, both ways, with every OpenID provider that nobody here wrote.
//!
//! A provider's session is gone when the person has to sign in there again: the providers count that.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use crate::harness::{App, CALLBACK, Gateway, LOGGED_OUT, Landing, Make, Oidc, Person, Tokens, with_details};

for_each_provider! {
    a_sign_out_here_ends_the_session_at_the_provider_too,
    whoever_signs_out_and_in_again_is_asked_by_the_provider,
    a_provider_that_is_gone_leaves_the_person_signed_out_here,
    a_provider_ends_one_of_a_persons_sessions_from_behind,
    a_provider_may_change_its_key_before_it_ends_a_session,
    a_provider_may_be_set_up_to_end_sessions_only,
    a_sign_out_here_comes_back_from_behind_and_does_no_harm,
}

static FRAME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"<iframe src="([^"]+)""#).unwrap());

const ALL: (bool, bool, bool) = (true, true, true);
const NOTHING: (bool, bool, bool) = (false, false, false);

/// What a client that takes part in back-channel logout is registered with.
fn from_behind(gateway: &Gateway) -> Value {
    json!({
        "backchannel_logout_uri": format!("{}/oauth2/backchannel-logout", gateway.url()),
        "backchannel_logout_session_required": true,
    })
}

struct Stage {
    gateway: Gateway,
    oidc: Oidc,
    app: App,
}

/// A pool that knows one provider under two names, each with a client of its own, registered with what
/// `registered` makes; the details are those of Acme.
async fn stage(make: Make, registered: fn(&Gateway) -> Value, details: Value) -> Stage {
    let gateway = Gateway::start().await;
    let clients = ["poolgate", "other"].map(|id| (id, registered(&gateway)));
    let oidc = Oidc::of(make, &gateway.url(), &clients).await;
    let providers = vec![with_details(oidc.provider("Acme"), details), oidc.provider_of("Other", "other")];
    let (_, app) = gateway.provision_app(providers).await;
    Stage { gateway, oidc, app }
}

struct SignedIn {
    person: Person,
    tokens: Tokens,
}

impl Stage {
    async fn sign_in(&self, name: &str) -> SignedIn {
        self.sign_in_at("Acme", name).await
    }

    async fn sign_in_at(&self, provider: &str, name: &str) -> SignedIn {
        let person = Person::new();
        let wants = [("identity_provider", provider), ("login_hint", name)];
        let tokens = self.app.sign_in(&person, &wants).await;
        SignedIn { person, tokens }
    }

    /// The person signs out at the provider, which tells the gateway once.
    async fn provider_signs_out(&self, signed_in: &SignedIn) {
        self.oidc.sign_out(&signed_in.person).await;
        let told = self.oidc.told().await;
        assert!(matches!(told.as_slice(), [(200, _)]), "{told:?}");
    }

    /// What has not ended: (session, refresh token, access token).
    async fn left(&self, signed_in: &SignedIn) -> (bool, bool, bool) {
        let (status, _) = self.app.try_refresh(&signed_in.tokens.refresh).await;
        let access = self.app.user_info(&signed_in.tokens.access).await.status();
        (self.app.knows(&signed_in.person).await, status == 200, access == 200)
    }

    /// Sends somebody to sign in again, who has no session here; whether the provider asked.
    async fn asks(&self, person: &Person, name: &str) -> bool {
        let before = self.oidc.logins(name).await;
        self.app.sign_in(person, &[("identity_provider", "Acme"), ("login_hint", name)]).await;
        self.oidc.logins(name).await > before
    }
}

async fn a_sign_out_here_ends_the_session_at_the_provider_too(make: Make) {
    let stage = stage(make, |_| json!({}), json!({"IDPSignout": "true"})).await;
    let (alice, bob) = (stage.sign_in("alice").await, stage.sign_in("bob").await);
    let landing = stage.app.sign_out(&alice.person).await;
    assert_eq!(landing.url.as_str(), LOGGED_OUT, "{landing:?}");
    assert!(!stage.app.knows(&alice.person).await);
    assert!(stage.asks(&alice.person, "alice").await, "the provider's session has ended");
    assert_eq!(stage.left(&bob).await, ALL, "somebody else");
    // Without the setting, the session at the provider lives on.
    let update = json!({
        "UserPoolId": stage.gateway.call("list_user_pools", json!({"MaxResults": 1})).await["UserPools"][0]["Id"],
        "ProviderName": "Acme",
        "ProviderDetails": stage.oidc.details(),
    });
    assert!(stage.gateway.call("update_identity_provider", update).await["error"].is_null());
    assert_eq!(stage.app.sign_out(&bob.person).await.url.as_str(), LOGGED_OUT);
    assert!(!stage.app.knows(&bob.person).await);
    assert!(!stage.asks(&bob.person, "bob").await, "the provider was not told");
}

async fn whoever_signs_out_and_in_again_is_asked_by_the_provider(make: Make) {
    let stage = stage(make, |_| json!({}), json!({"IDPSignout": "true"})).await;
    let alice = stage.sign_in("alice").await;
    let again =
        stage.app.authorize_url(&[("identity_provider", "Acme")]).replace("/oauth2/authorize?", "/logout?");
    stage.app.code(&alice.person.open(&again, CALLBACK).await);
    assert_eq!(stage.oidc.logins("alice").await, 2);
}

async fn a_provider_that_is_gone_leaves_the_person_signed_out_here(make: Make) {
    let stage = stage(make, |_| json!({}), json!({"IDPSignout": "true"})).await;
    let alice = stage.sign_in("alice").await;
    let url = format!("{}/logout?client_id={}&logout_uri={LOGGED_OUT}", stage.app.url, stage.app.client_id);
    let Stage { gateway: _gateway, oidc, app } = stage;
    drop(oidc);
    alice.person.try_open(&url, LOGGED_OUT).await.expect_err("the browser is sent to the provider");
    assert!(!app.knows(&alice.person).await);
}

async fn a_provider_ends_one_of_a_persons_sessions_from_behind(make: Make) {
    let stage = stage(make, from_behind, json!({})).await;
    let (here, elsewhere) = (stage.sign_in("alice").await, stage.sign_in("alice").await);
    let (bob, at_other) = (stage.sign_in("bob").await, stage.sign_in_at("Other", "alice").await);
    stage.provider_signs_out(&here).await;
    assert_eq!(stage.left(&here).await, NOTHING);
    assert_eq!(stage.left(&bob).await, ALL, "somebody else");
    assert_eq!(stage.left(&at_other).await, ALL, "the same person through another client");
    assert!(stage.app.knows(&elsewhere.person).await, "the same person's other browser");
    let refreshed = stage.app.refresh(&elsewhere.tokens.refresh).await;
    assert_eq!(stage.app.user_info(refreshed["access_token"].as_str().unwrap()).await.status(), 200);
    assert!(stage.asks(&here.person, "alice").await);
}

async fn a_provider_may_change_its_key_before_it_ends_a_session(make: Make) {
    let stage = stage(make, from_behind, json!({})).await;
    let alice = stage.sign_in("alice").await;
    stage.oidc.new_key(false).await;
    stage.provider_signs_out(&alice).await;
    assert_eq!(stage.left(&alice).await, NOTHING);
}

async fn a_provider_may_be_set_up_to_end_sessions_only(make: Make) {
    let stage = stage(make, from_behind, json!({"logout_ends": "session"})).await;
    let alice = stage.sign_in("alice").await;
    stage.provider_signs_out(&alice).await;
    assert_eq!(stage.left(&alice).await, (false, true, true), "the app's tokens live on");
}

async fn a_sign_out_here_comes_back_from_behind_and_does_no_harm(make: Make) {
    let stage = stage(make, from_behind, json!({"IDPSignout": "true"})).await;
    let (alice, bob) = (stage.sign_in("alice").await, stage.sign_in("bob").await);
    let landing = stage.app.sign_out(&alice.person).await;
    assert_eq!(landing.url.as_str(), LOGGED_OUT, "{landing:?}");
    let told = stage.oidc.told().await;
    assert!(matches!(told.as_slice(), [(200, _)]), "{told:?}");
    assert!(!stage.app.knows(&alice.person).await);
    assert_eq!(stage.left(&bob).await, ALL, "somebody else");
    assert!(stage.asks(&alice.person, "alice").await);
}

/// oidc-provider has no front-channel logout: [`Make::NOT_OFFERED`].
#[tokio::test]
async fn a_provider_ends_a_session_through_a_frame_of_its_page() {
    let registered = |gateway: &Gateway| {
        json!({
            "frontchannel_logout_uri": format!("{}/oauth2/frontchannel-logout", gateway.url()),
            "frontchannel_logout_session_required": true,
        })
    };
    let stage = stage(Make::Idpyoidc, registered, json!({})).await;
    let (here, elsewhere) = (stage.sign_in("alice").await, stage.sign_in("alice").await);
    let page = stage.oidc.sign_out(&here.person).await;
    let address = |page: &Landing| {
        let frame = FRAME.captures(&page.body).unwrap_or_else(|| panic!("a frame: {page:?}"));
        frame[1].replace("&amp;", "&")
    };
    let framed = here.person.frame(&address(&page)).await;
    assert_eq!(framed.status, 200, "{framed:?}");
    let policy = framed.header("content-security-policy");
    assert!(policy.contains("frame-ancestors") && policy.contains(stage.oidc.issuer()), "{framed:?}");
    assert_eq!(stage.left(&here).await, NOTHING);
    assert!(stage.app.knows(&elsewhere.person).await, "the same person's other browser");
}
