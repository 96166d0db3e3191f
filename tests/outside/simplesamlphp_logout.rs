//! Sign-out across the bridge, both ways, with SimpleSAMLphp: it verifies what we sign, and asks for the password
//! again where its session has ended.

use serde_json::json;

use crate::harness::{LOGGED_OUT, Landing, Person, Tokens, claims};
use crate::simplesamlphp::{ALICE, Stage, stage};

impl Stage {
    async fn sign_in(&self, provider: &str) -> (Person, Tokens) {
        let person = Person::new();
        let landing = self.send(&person, provider, ALICE).await;
        let tokens = self.app.redeem(&self.app.code(&landing)).await;
        assert_eq!(claims(&tokens.id)["cognito:username"], format!("{provider}_alice"));
        (person, tokens)
    }

    /// The person signs out at the provider, in this browser.
    async fn signs_out_there(&self, person: &Person, variant: &str) -> Landing {
        let mut url =
            url::Url::parse(&self.saml.address(variant, "saml2/idp/SingleLogoutService.php")).unwrap();
        url.query_pairs_mut().append_pair("ReturnTo", LOGGED_OUT);
        person.open(url.as_str(), LOGGED_OUT).await
    }
}

#[tokio::test]
async fn a_sign_out_here_ends_the_session_at_simplesamlphp_too() {
    let signs_out = json!({"IDPSignout": "true"});
    let stage =
        stage(&[("Redirect", "plain", signs_out.clone()), ("Post", "logout-by-post", signs_out)]).await;
    for provider in ["Redirect", "Post"] {
        let (person, tokens) = stage.sign_in(provider).await;
        let landing = stage.app.sign_out(&person).await;
        assert_eq!(landing.url.as_str(), LOGGED_OUT, "{provider}: {landing:?}\n{}", stage.saml.log());
        assert!(!stage.app.knows(&person).await, "{provider}");
        let again = stage.app.send(&person, &[("identity_provider", provider)]).await;
        assert!(stage.saml.asks(&again), "{provider}: {again:?}");
        // What the app holds is the app's to revoke.
        stage.app.refresh(&tokens.refresh).await;
    }
}

#[tokio::test]
async fn a_sign_out_at_simplesamlphp_ends_that_browsers_session_here() {
    let stage = stage(&[
        ("Redirect", "plain", json!({})),
        ("Post", "logout-by-post", json!({})),
        ("Hidden", "nameid", json!({})),
    ])
    .await;
    for (provider, variant) in [("Redirect", "plain"), ("Post", "logout-by-post"), ("Hidden", "nameid")] {
        let (here, tokens) = stage.sign_in(provider).await;
        let (elsewhere, others) = stage.sign_in(provider).await;
        let landing = stage.signs_out_there(&here, variant).await;
        assert_eq!(landing.url.as_str(), LOGGED_OUT, "{provider}: {landing:?}\n{}", stage.saml.log());
        assert!(!stage.app.knows(&here).await, "{provider}");
        let (status, answer) = stage.app.try_refresh(&tokens.refresh).await;
        assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")), "{provider}");
        assert!(stage.app.knows(&elsewhere).await, "{provider}: the other browser's session stays");
        stage.app.refresh(&others.refresh).await;
        let again = stage.app.send(&here, &[("identity_provider", provider)]).await;
        assert!(stage.saml.asks(&again), "{provider}: {again:?}");
    }
}
