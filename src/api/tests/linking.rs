use std::collections::BTreeMap;

use super::*;
use crate::pool::{FederatedProfile, Identity};
use crate::registry::Edit;

const VERIFIES: &str = "email_verified";

/// A pool with the SAML-like provider Corp (OIDC here: no metadata is fetched), Acme that verifies addresses, and
/// Google. Corp's alice is a user.
struct Office {
    world: World,
    pool: String,
}

fn profile(pool: &str, provider: &str, subject: &str, recognised: &[(&str, &str)]) -> FederatedProfile {
    let pairs = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>()
    };
    FederatedProfile {
        pool_id: pool.into(),
        username: format!("{provider}_{subject}"),
        new_sub: format!("sub of {provider} and {subject}"),
        identity: Identity {
            provider_name: provider.into(),
            provider_type: "OIDC".into(),
            user_id: subject.into(),
            issuer: None,
            primary: true,
            date_created: 1_795_262_400_000,
        },
        set: pairs(&[("email", &format!("{subject}@corp.example"))]),
        remove: Vec::new(),
        recognised: pairs(recognised),
        mapped_groups: Vec::new(),
        session: None,
        may_sign_up: true,
        required: Vec::new(),
        immutable: Vec::new(),
        group: format!("{pool}_{provider}"),
        at: NOW,
    }
}

impl Office {
    async fn open() -> Self {
        let world = World::new().await;
        let fixed = json!({"Name": "badge", "AttributeDataType": "String", "Mutable": false});
        let staff = json!({"Name": "staff", "AttributeDataType": "String", "Mutable": true});
        let pool = world.pool_with(json!({"Schema": [fixed, staff]})).await;
        let mapping = json!({"email": "mail", "custom:staff": "staffNumber"});
        let verifying = json!({"email": "mail", VERIFIES: "ok"});
        world.ok("CreateIdentityProvider", oidc(&pool, "Corp", json!({"AttributeMapping": mapping}))).await;
        world.ok("CreateIdentityProvider", oidc(&pool, "Acme", json!({"AttributeMapping": verifying}))).await;
        let google =
            crate::testing::provider("Google", json!({"UserPoolId": pool, "ProviderType": "Google"}));
        world.api.core.registry.edit(vec![Edit::CreateProvider(google)]).await.unwrap();
        let office = Self { world, pool };
        office.arrives("Corp", "alice", &[]).await;
        office
    }

    async fn arrives(&self, provider: &str, subject: &str, recognised: &[(&str, &str)]) -> String {
        let profile = profile(&self.pool, provider, subject, recognised);
        self.world.api.core.directory.sign_in(profile).await.unwrap().username
    }

    fn links(&self, destination: Value, source: Value) -> Value {
        json!({"UserPoolId": self.pool, "DestinationUser": destination, "SourceUser": source})
    }

    async fn link(&self, source: Value) {
        let input = self.links(user("Corp_alice"), source);
        assert_eq!(self.world.ok("AdminLinkProviderForUser", input).await, json!({}));
    }

    async fn refuses(&self, source: Value) -> (&'static str, String) {
        self.world.refused("AdminLinkProviderForUser", self.links(user("Corp_alice"), source)).await
    }

    fn unlinks(&self, source: Value) -> Value {
        json!({"UserPoolId": self.pool, "User": source})
    }

    async fn shown(&self, username: &str) -> Value {
        let input = json!({"UserPoolId": self.pool, "Username": username});
        let user = self.world.ok("AdminGetUser", input).await;
        let attributes = user["UserAttributes"].as_array().unwrap();
        let text =
            attributes.iter().find(|one| one["Name"] == "identities").unwrap()["Value"].as_str().unwrap();
        serde_json::from_str(text).unwrap()
    }
}

fn user(name: &str) -> Value {
    json!({"ProviderName": "Cognito", "ProviderAttributeValue": name})
}

fn source(provider: &str, attribute: &str, value: &str) -> Value {
    json!({"ProviderName": provider, "ProviderAttributeName": attribute, "ProviderAttributeValue": value})
}

fn subject(provider: &str, value: &str) -> Value {
    source(provider, "Cognito_Subject", value)
}

#[tokio::test]
async fn a_link_is_shown_among_the_identities_and_its_person_is_the_user() {
    let office = Office::open().await;
    office.link(subject("Google", "117")).await;
    office.link(source("Corp", "custom:staff", "7")).await;
    let own = json!({"userId": "alice", "providerName": "Corp", "providerType": "OIDC", "issuer": null,
                     "primary": true, "dateCreated": 1_795_262_400_000_i64});
    let linked = json!({"userId": "117", "providerName": "Google", "providerType": "Google", "issuer": null,
                        "primary": false, "dateCreated": 1_795_262_400_000_i64});
    let waiting = json!({"userId": "7", "providerName": "Corp", "providerType": "OIDC", "issuer": null,
                         "primary": false, "dateCreated": 1_795_262_400_000_i64,
                         "providerAttributeName": "custom:staff"});
    assert_eq!(office.shown("Corp_alice").await, json!([own, linked, waiting]));
    assert_eq!(office.arrives("Google", "117", &[]).await, "Corp_alice");
    assert_eq!(office.arrives("Corp", "a.smith", &[("custom:staff", "7")]).await, "Corp_alice");
    let mut bound = waiting;
    bound["userId"] = "a.smith".into();
    bound.as_object_mut().unwrap().remove("providerAttributeName");
    assert_eq!(office.shown("Corp_alice").await, json!([own, linked, bound]));
    assert_eq!(office.arrives("Corp", "bob", &[]).await, "Corp_bob");
    office.link(source("Corp", "custom:staff", "8")).await;
    let list = json!({"UserPoolId": office.pool, "Filter": r#"username ^= "Corp""#});
    let users = office.world.ok("ListUsers", list).await;
    let texts: Vec<&str> = users["Users"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| {
            let attributes = user["Attributes"].as_array().unwrap();
            attributes.iter().find(|one| one["Name"] == "identities").unwrap()["Value"].as_str().unwrap()
        })
        .collect();
    let ids = |text: &str| {
        let all: Vec<Value> = serde_json::from_str(text).unwrap();
        all.iter().map(|one| one["userId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(texts[0]), ["alice", "117", "a.smith", "8"]);
    assert_eq!(ids(texts[1]), ["bob"]);
}

#[tokio::test]
async fn the_destination_is_named_by_username_or_by_an_identity() {
    let office = Office::open().await;
    for (number, destination) in [
        user("Corp_alice"),
        json!({"ProviderName": "COGNITO", "ProviderAttributeName": "x", "ProviderAttributeValue": "Corp_alice"}),
        json!({"ProviderName": "Corp", "ProviderAttributeName": "email", "ProviderAttributeValue": "alice"}),
        // By what was linked just before, too.
        subject("Acme", "2"),
    ]
    .into_iter()
    .enumerate()
    {
        let input = office.links(destination, subject("Acme", &number.to_string()));
        office.world.ok("AdminLinkProviderForUser", input).await;
        assert_eq!(office.arrives("Acme", &number.to_string(), &[]).await, "Corp_alice");
    }
    for nobody in [user("alice"), user("corp_alice"), subject("Corp", "bob"), subject("Nowhere", "alice")] {
        let input = office.links(nobody, subject("Acme", "x"));
        let refused = office.world.refused("AdminLinkProviderForUser", input).await;
        assert_eq!(refused.0, "UserNotFoundException");
    }
}

#[tokio::test]
async fn a_source_that_cannot_be_linked_is_refused_and_says_why() {
    let office = Office::open().await;
    let long = "x".repeat(124);
    let longer = "x".repeat(2049);
    for (given, name, text) in [
        (user("Corp_alice"), "InvalidParameterException", "not a user of the pool"),
        (subject("Nowhere", "x"), "ResourceNotFoundException", "Nowhere does not exist"),
        (
            json!({"ProviderName": "Corp", "ProviderAttributeValue": "x"}),
            "InvalidParameterException",
            "Cognito_Subject",
        ),
        (
            json!({"ProviderName": "Corp", "ProviderAttributeName": "Cognito_Subject"}),
            "InvalidParameterException",
            "SourceUser.ProviderAttributeValue is missing",
        ),
        (subject("Corp", ""), "InvalidParameterException", "SourceUser.ProviderAttributeValue is missing"),
        (json!({}), "InvalidParameterException", "SourceUser.ProviderName is missing"),
        (source("Google", "email", "a@x.example"), "InvalidParameterException", "must be Cognito_Subject"),
        (subject("Corp", &long), "InvalidParameterException", "128"),
        (source("Corp", "custom:staff", &longer), "InvalidParameterException", "2048"),
        (subject("Corp", "a\0b"), "InvalidParameterException", "U+0000"),
        (source("Corp", "staffNumber", "7"), "InvalidParameterException", "maps staffNumber to custom:staff"),
        (source("Corp", "given_name", "Ann"), "InvalidParameterException", "Mapped: custom:staff, email."),
        (source("Corp", "username", "x"), "InvalidParameterException", "does not tell"),
        (source("Acme", "email_verified", "true"), "InvalidParameterException", "does not tell"),
        // Nothing of Corp's ever says that an address is verified.
        (source("Corp", "email", "a@corp.example"), "InvalidParameterException", "trusted_email_domains"),
        (
            source("Corp", "custom:staff", "a@corp.example"),
            "InvalidParameterException",
            "trusted_email_domains",
        ),
    ] {
        let shown = given.to_string();
        let refused = office.refuses(given).await;
        assert!(refused.0 == name && refused.1.contains(text), "{shown}: {refused:?}");
    }
    assert_eq!(office.shown("Corp_alice").await.as_array().unwrap().len(), 1);
    // The longest subject that can sign in.
    office.link(subject("Corp", &long[..123])).await;
    office.link(source("Acme", "email", "a@corp.example")).await;
}

#[tokio::test]
async fn who_is_linked_or_signed_up_is_told_in_the_references_words() {
    let office = Office::open().await;
    office.arrives("Corp", "bob", &[]).await;
    let (name, text) = office.refuses(subject("Corp", "bob")).await;
    assert_eq!(name, "InvalidParameterException");
    assert_eq!(
        text,
        "Merging is not currently supported, provide a SourceUser that has not been signed up in order to link"
    );
    for given in [subject("Acme", "7"), source("Acme", "email", "a@x.example")] {
        office.link(given.clone()).await;
        let (name, text) = office.refuses(given.clone()).await;
        assert_eq!(
            (name, text.as_str()),
            ("InvalidParameterException", "SourceUser is already linked to DestinationUser")
        );
        let moved = office.links(user("Corp_bob"), given);
        let (name, text) = office.world.refused("AdminLinkProviderForUser", moved).await;
        assert_eq!(name, "AliasExistsException");
        assert!(text.contains("AdminDisableProviderForUser"), "{text}");
    }
    // The user itself, by its own identity and by an attribute that its own provider gave it.
    let (_, text) = office.refuses(subject("Corp", "alice")).await;
    assert_eq!(text, "SourceUser is already linked to DestinationUser");
    let mut carol = profile(&office.pool, "Acme", "carol", &[]);
    carol.set.insert("email".into(), "carol@x.example".into());
    office.world.api.core.directory.sign_in(carol).await.unwrap();
    let herself = office.links(user("Acme_carol"), source("Acme", "email", "carol@x.example"));
    let (_, text) = office.world.refused("AdminLinkProviderForUser", herself).await;
    assert_eq!(text, "SourceUser is already linked to DestinationUser");
}

#[tokio::test]
async fn a_person_at_another_provider_is_linked_by_the_address_that_the_user_has() {
    let office = Office::open().await;
    office.link(source("Acme", "email", "alice@corp.example")).await;
    assert_eq!(office.arrives("Acme", "a", &[("email", "alice@corp.example")]).await, "Corp_alice");
}

#[tokio::test]
async fn a_sixth_link_is_refused_with_the_number() {
    let office = Office::open().await;
    for number in 0..5 {
        office.link(subject("Acme", &number.to_string())).await;
    }
    let (name, text) = office.refuses(subject("Acme", "5")).await;
    assert_eq!(name, "LimitExceededException");
    assert!(text.contains("at most 5 links"), "{text}");
}

#[tokio::test]
async fn a_user_with_an_immutable_attribute_is_not_linked() {
    let office = Office::open().await;
    let mut dora = profile(&office.pool, "Corp", "dora", &[]);
    dora.set.insert("custom:badge".into(), "D".into());
    office.world.api.core.directory.sign_in(dora).await.unwrap();
    let input = office.links(user("Corp_dora"), subject("Acme", "d"));
    let (name, text) = office.world.refused("AdminLinkProviderForUser", input).await;
    assert!(name == "InvalidParameterException" && text.contains("custom:badge"), "{name} {text}");
}

#[tokio::test]
async fn a_link_is_removed_as_it_was_made_and_once_taken_by_its_subject() {
    let office = Office::open().await;
    let waiting = source("Acme", "email", "a@x.example");
    office.link(waiting.clone()).await;
    let remove =
        async |given: Value| office.world.call("AdminDisableProviderForUser", office.unlinks(given)).await;
    let missing =
        |answer: Result<Value, ApiError>| assert_eq!(answer.unwrap_err().name(), "UserNotFoundException");
    missing(remove(subject("Acme", "a@x.example")).await);
    assert_eq!(remove(waiting.clone()).await.unwrap(), json!({}));
    missing(remove(waiting.clone()).await);
    assert_eq!(office.arrives("Acme", "x", &[("email", "a@x.example")]).await, "Acme_x");
    office.link(source("Acme", "email", "b@x.example")).await;
    assert_eq!(office.arrives("Acme", "y", &[("email", "b@x.example")]).await, "Corp_alice");
    missing(remove(source("Acme", "email", "b@x.example")).await);
    assert_eq!(remove(subject("Acme", "y")).await.unwrap(), json!({}));
    assert_eq!(office.arrives("Acme", "y", &[]).await, "Acme_y");
    assert_eq!(office.shown("Corp_alice").await.as_array().unwrap().len(), 1);
    // A link by an attribute that is mapped no longer can still be removed.
    office.link(source("Corp", "custom:staff", "7")).await;
    let unmapped = json!({"UserPoolId": office.pool, "ProviderName": "Corp", "AttributeMapping": {}});
    office.world.ok("UpdateIdentityProvider", unmapped).await;
    assert_eq!(remove(source("Corp", "custom:staff", "7")).await.unwrap(), json!({}));
}

#[tokio::test]
async fn what_is_no_link_is_not_taken_away_and_says_what_to_do() {
    let office = Office::open().await;
    for (given, name, text) in [
        (subject("Corp", "alice"), "InvalidParameterException", "AdminDeleteUser"),
        (subject("Cognito", "Corp_alice"), "InvalidParameterException", "no password"),
        (subject("Cognito", "nobody"), "UserNotFoundException", ""),
        (subject("Nowhere", "x"), "ResourceNotFoundException", "Nowhere"),
        (source("Google", "email", "a@x.example"), "InvalidParameterException", "must be Cognito_Subject"),
        (subject("Corp", "nobody"), "UserNotFoundException", "no user"),
        (source("Corp", "custom:staff", "7"), "UserNotFoundException", "link"),
        (json!({"ProviderName": "Corp"}), "InvalidParameterException", "User.ProviderAttributeValue"),
    ] {
        let shown = given.to_string();
        let refused = office.world.refused("AdminDisableProviderForUser", office.unlinks(given)).await;
        let said = refused.1.to_lowercase().contains(&text.to_lowercase());
        assert!(refused.0 == name && said, "{shown}: {refused:?}");
    }
    assert_eq!(office.arrives("Corp", "alice", &[]).await, "Corp_alice");
}

#[tokio::test]
async fn with_its_provider_a_link_goes() {
    let office = Office::open().await;
    office.link(subject("Acme", "7")).await;
    office.link(source("Acme", "email", "a@x.example")).await;
    office
        .world
        .ok("DeleteIdentityProvider", json!({"UserPoolId": office.pool, "ProviderName": "Acme"}))
        .await;
    assert_eq!(office.shown("Corp_alice").await.as_array().unwrap().len(), 1);
    let refused =
        office.world.refused("AdminDisableProviderForUser", office.unlinks(subject("Acme", "7"))).await;
    assert_eq!(refused.0, "ResourceNotFoundException");
}
