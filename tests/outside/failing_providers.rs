//! What an app sees of a provider that fails, whichever way and wherever: the documented redirect, in time, and
//! nothing of what the provider said that is not for its eyes.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{App, BadProvider, CALLBACK, Fault, Gateway, Landing, Person, SECRETS};

/// Every step that calls the provider, and the words that the log has for it.
const STEPS: [(&str, &str); 4] = [
    ("discovery", "discovery document"),
    ("token", "token endpoint"),
    ("jwks", "key set (jwks_uri)"),
    ("userinfo", "userinfo endpoint"),
];

/// A sign-in takes this long at most: 10 seconds for the call that hangs, and what a busy machine adds.
const LONGEST: Duration = Duration::from_secs(40);

/// The `error_description` that the app reads (`wire-facts.md` section 2): all of it, or how it begins.
fn told(name: &str, step: &str, words: &str, fault: Fault) -> (bool, String) {
    let status = match fault {
        Fault::Broken => 500,
        Fault::Refuses => 400,
        Fault::Redirect => 302,
        _ => 200,
    };
    match (fault, step) {
        (Fault::Silent | Fault::Drip, "token") => {
            (true, "Timeout occurred in calling IdP token endpoint".into())
        }
        (Fault::Silent | Fault::Drip, "jwks") => (true, "Timeout in calling jwks uri".into()),
        (Fault::Silent | Fault::Drip, _) => (true, "Read timed out".into()),
        (Fault::Reset, _) => (true, "Connection reset".into()),
        (Fault::NoTls, _) => (false, format!("{name}: could not reach the provider's {words}: ")),
        (_, "token") => (true, format!("{name} Error - {status} error getting token")),
        _ => (false, format!("{name} Error - the provider's {words} answered {status}: ")),
    }
}

/// Discovery documents and key sets are served as all sorts of things.
fn is_no_fault(step: &str, fault: Fault) -> bool {
    fault == Fault::WrongType && matches!(step, "discovery" | "jwks")
}

async fn send(app: App, name: String) -> (Landing, Duration) {
    let begun = Instant::now();
    let landing = app.send(&Person::new(), &[("identity_provider", &name)]).await;
    (landing, begun.elapsed())
}

#[tokio::test]
async fn a_provider_that_fails_is_a_redirect_to_the_app_in_time_that_tells_no_secret() {
    let gateway = Gateway::start().await;
    let bad = BadProvider::start().await;
    let cases: Vec<(String, &str, &str, Fault)> = STEPS
        .iter()
        .flat_map(|(step, words)| Fault::ALL.map(|fault| (format!("{step}{fault:?}"), *step, *words, fault)))
        .filter(|(_, step, _, fault)| !is_no_fault(step, *fault))
        .collect();
    let providers =
        cases.iter().map(|(name, step, _, fault)| bad.provider(name, step, *fault)).collect::<Vec<_>>();
    let (pool, app) = gateway.provision_app(providers).await;
    let walks: Vec<_> =
        cases.iter().map(|(name, ..)| tokio::spawn(send(app.clone(), name.clone()))).collect();
    let mut landings = Vec::new();
    for walk in walks {
        landings.push(walk.await.unwrap());
    }
    for ((name, step, words, fault), (landing, took)) in cases.iter().zip(&landings) {
        assert!(landing.url.as_str().starts_with(CALLBACK), "{name}: {landing:?}");
        assert_eq!(landing.query("error").as_deref(), Some("invalid_request"), "{name}: {landing:?}");
        assert_eq!(landing.query("state").as_deref(), Some(App::STATE), "{name}");
        let description = landing.query("error_description").unwrap();
        let (whole, expected) = told(name, step, words, *fault);
        let fits = if whole { description == expected } else { description.starts_with(&expected) };
        assert!(fits, "{name}: {description}");
        assert!(*took < LONGEST, "{name} took {took:?}");
        let logged = gateway.logged();
        let own = format!("\"provider\":\"{name}\"");
        let line = logged.lines().find(|line| line.contains(&own) && line.contains("a sign-in failed"));
        let line = line.unwrap_or_else(|| panic!("{name} is not in the log"));
        assert!(line.contains(words), "the log says which step failed: {line}");
    }
    let seen = format!("{}{landings:?}", gateway.logged());
    assert!(SECRETS.iter().all(|secret| !seen.contains(secret)), "a secret of the provider came out");
    let users = gateway.call("list_users", json!({"UserPoolId": pool.id})).await;
    assert_eq!(users["Users"], json!([]), "nobody was made");
}

#[tokio::test]
async fn documents_that_are_for_everybody_may_come_as_any_content_type() {
    let gateway = Gateway::start().await;
    let bad = BadProvider::start().await;
    let provider = bad.provider("Odd", "jwks", Fault::WrongType);
    let (_pool, app) = gateway.provision_app(vec![provider]).await;
    app.sign_in(&Person::new(), &[]).await;
}
