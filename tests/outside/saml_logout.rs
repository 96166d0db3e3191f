//! Sign-out across the bridge, both ways, with an identity provider that nobody here wrote: pysaml2 with xmlsec1.
//!
//! pysaml2 verifies every signature of ours, and has sessions of its own that end or do not.

use serde_json::{Value, json};

use crate::harness::{App, CALLBACK, Gateway, LOGGED_OUT, Landing, Person, Saml, Tokens, with_details};

struct Stage {
    _gateway: Gateway,
    saml: Saml,
    app: App,
}

/// Providers, each as `(name, variant, further details)`.
async fn stage(providers: &[(&str, &str, Value)]) -> Stage {
    let gateway = Gateway::start().await;
    let saml = Saml::start(&gateway.url()).await;
    let made = providers
        .iter()
        .map(|(name, variant, more)| with_details(saml.provider(name, variant), more.clone()))
        .collect();
    let (_, app) = gateway.provision_app(made).await;
    Stage { _gateway: gateway, saml, app }
}

/// A browser of somebody who has signed in.
struct SignedIn {
    person: Person,
    tokens: Tokens,
    /// Of the session at the provider.
    index: String,
}

impl Stage {
    async fn sign_in(&self, provider: &str, variant: &str, name: &str) -> SignedIn {
        let before = self.saml.sessions(variant).await;
        let person = Person::new();
        person.open(&format!("{}/as/{name}", self.saml.base()), CALLBACK).await;
        let tokens = self.app.sign_in(&person, &[("identity_provider", provider)]).await;
        let after = self.saml.sessions(variant).await;
        let mut new = after.into_keys().filter(|index| !before.contains_key(index));
        let index = new.next().expect("the provider has a session more");
        SignedIn { person, tokens, index }
    }

    /// What has not ended: (session, refresh token, access token).
    async fn left(&self, signed_in: &SignedIn) -> (bool, bool, bool) {
        let (status, _) = self.app.try_refresh(&signed_in.tokens.refresh).await;
        let access = self.app.user_info(&signed_in.tokens.access).await.status();
        (self.app.knows(&signed_in.person).await, status == 200, access == 200)
    }

    /// The provider signs somebody out: pysaml2 sends a browser that has never been here.
    async fn provider_signs_out(&self, variant: &str, query: &str) -> Landing {
        let url = format!("{}?{query}", self.saml.address(variant, "start-logout"));
        Person::new().open(&url, CALLBACK).await
    }
}

const ALL: (bool, bool, bool) = (true, true, true);
const NOTHING: (bool, bool, bool) = (false, false, false);

#[tokio::test]
async fn a_sign_out_here_ends_the_session_at_the_provider_too() {
    let signs_out = json!({"IDPSignout": "true"});
    let stage = stage(&[
        ("Post", "both", signs_out.clone()),
        ("Redirect", "answers-by-redirect", signs_out.clone()),
        ("Partial", "partial", signs_out),
    ])
    .await;
    for (provider, variant) in [("Post", "both"), ("Redirect", "answers-by-redirect"), ("Partial", "partial")]
    {
        let alice = stage.sign_in(provider, variant, "alice").await;
        let bob = stage.sign_in(provider, variant, "bob").await;
        let landing = stage.app.sign_out(&alice.person).await;
        assert_eq!(landing.url.as_str(), LOGGED_OUT, "{provider}: {landing:?}");
        let left = stage.saml.sessions(variant).await;
        assert!(!left.contains_key(&alice.index) && left.contains_key(&bob.index), "{provider}: {left:?}");
        assert!(!stage.app.knows(&alice.person).await, "{provider}");
        assert!(stage.app.knows(&bob.person).await, "{provider}");
        let again = stage.app.send(&alice.person, &[("identity_provider", provider)]).await;
        assert!(stage.saml.asks(&again), "{provider}: {again:?}");
    }
}

#[tokio::test]
async fn a_provider_that_never_answers_leaves_the_person_signed_out_here() {
    let stage = stage(&[("Silent", "silent", json!({"IDPSignout": "true"}))]).await;
    let alice = stage.sign_in("Silent", "silent", "alice").await;
    let landing = stage.app.sign_out(&alice.person).await;
    assert!(landing.url.as_str().starts_with(stage.saml.base()), "{landing:?}");
    assert_eq!(landing.status, 200, "{landing:?}");
    assert!(!stage.app.knows(&alice.person).await);
    assert!(stage.saml.sessions("silent").await.is_empty());
}

#[tokio::test]
async fn a_provider_without_idp_signout_is_not_told() {
    let stage = stage(&[("Corp", "both", json!({}))]).await;
    let alice = stage.sign_in("Corp", "both", "alice").await;
    assert_eq!(stage.app.sign_out(&alice.person).await.url.as_str(), LOGGED_OUT);
    assert!(!stage.app.knows(&alice.person).await);
    assert!(stage.saml.sessions("both").await.contains_key(&alice.index));
    stage.app.code(&stage.app.send(&alice.person, &[("identity_provider", "Corp")]).await);
}

#[tokio::test]
async fn a_provider_ends_one_of_a_persons_sessions() {
    let stage = stage(&[("Corp", "both", json!({}))]).await;
    for binding in ["post", "redirect"] {
        let here = stage.sign_in("Corp", "both", "alice").await;
        let elsewhere = stage.sign_in("Corp", "both", "alice").await;
        let query = format!("binding={binding}&person=alice&index={}", here.index);
        let landing = stage.provider_signs_out("both", &query).await;
        assert!(landing.body.contains("logout: Success"), "{binding}: {landing:?}");
        assert_eq!(stage.left(&here).await, NOTHING, "{binding}");
        assert!(stage.app.knows(&elsewhere.person).await, "{binding}: the other session stays");
        // An access token does not say which session it comes from, so the old one has ended: a new one is good.
        let refreshed = stage.app.refresh(&elsewhere.tokens.refresh).await;
        let access = refreshed["access_token"].as_str().unwrap();
        assert_eq!(stage.app.user_info(access).await.status(), 200, "{binding}");
        stage.app.sign_in(&here.person, &[("identity_provider", "Corp")]).await;
    }
}

#[tokio::test]
async fn a_provider_ends_all_sessions_of_a_person_and_of_nobody_else() {
    let stage = stage(&[("Corp", "both", json!({})), ("Branch", "assertion", json!({}))]).await;
    let one = stage.sign_in("Corp", "both", "alice").await;
    let two = stage.sign_in("Corp", "both", "alice").await;
    let bob = stage.sign_in("Corp", "both", "bob").await;
    let at_branch = stage.sign_in("Branch", "assertion", "alice").await;
    let landing = stage.provider_signs_out("both", "binding=redirect&person=alice").await;
    assert!(landing.body.contains("logout: Success"), "{landing:?}");
    assert_eq!((stage.left(&one).await, stage.left(&two).await), (NOTHING, NOTHING));
    assert_eq!(stage.left(&bob).await, ALL, "somebody else");
    assert_eq!(stage.left(&at_branch).await, ALL, "another provider's person of the same name");
}

#[tokio::test]
async fn a_provider_may_be_set_up_to_end_sessions_only() {
    let stage = stage(&[("Corp", "both", json!({"logout_ends": "session"}))]).await;
    let alice = stage.sign_in("Corp", "both", "alice").await;
    let landing = stage.provider_signs_out("both", "binding=post&person=alice").await;
    assert!(landing.body.contains("logout: Success"), "{landing:?}");
    assert_eq!(stage.left(&alice).await, (false, true, true), "the app's tokens live on");
}

#[tokio::test]
async fn a_sign_out_that_the_provider_did_not_sign_ends_nothing() {
    let stage = stage(&[("Corp", "both", json!({}))]).await;
    let alice = stage.sign_in("Corp", "both", "alice").await;
    for binding in ["post", "redirect"] {
        let landing =
            stage.provider_signs_out("both", &format!("binding={binding}&person=alice&unsigned=1")).await;
        assert_eq!(landing.status, 400, "{binding}: {landing:?}");
        assert!(landing.url.as_str().starts_with(&stage.app.url), "{binding}: {landing:?}");
        assert_eq!(stage.left(&alice).await, ALL, "{binding}");
    }
    // A provider that this pool does not know, whose signature is as good as any.
    let landing = stage.provider_signs_out("response", "binding=post&person=alice").await;
    assert_eq!(landing.status, 400, "{landing:?}");
    assert_eq!(stage.left(&alice).await, ALL);
}

#[tokio::test]
async fn a_provider_that_signs_out_somebody_unknown_is_told_so() {
    let stage = stage(&[("Corp", "both", json!({}))]).await;
    let landing = stage.provider_signs_out("both", "binding=post&person=carol").await;
    assert_eq!(landing.status, 200, "{landing:?}");
    assert!(landing.body.contains("logout: ") && !landing.body.contains("Success"), "{landing:?}");
}
