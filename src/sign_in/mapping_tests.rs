use poolgate_providers::{ProviderSession, Told};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::pool::ProfileError;
use crate::testing::{NOW, client, provider, user_pool};

fn identity(subject: &str, attributes: &[(&str, &[&str])]) -> ExternalIdentity {
    ExternalIdentity {
        subject: subject.to_owned(),
        attributes: attributes
            .iter()
            .map(|(name, values)| {
                ((*name).to_owned(), values.iter().map(|value| (*value).to_owned()).collect())
            })
            .collect(),
        issuer: "https://idp.example".to_owned(),
        session: ProviderSession::default(),
        authenticated_at: None,
        told_once: &[],
        told: Told::default(),
    }
}

fn map_with(
    provider_members: Value,
    client_members: Value,
    attributes: &[(&str, &[&str])],
) -> Result<FederatedProfile, MappingError> {
    let (pool, client) = (user_pool(), client(client_members));
    let provider = provider("Acme", provider_members);
    let place = Place { pool: &pool, client: &client, provider: &provider, groups: &BTreeMap::new() };
    profile_of(&identity("jane", attributes), None, &place, "sub-1".into(), NOW)
}

fn map(mapping: Value, attributes: &[(&str, &[&str])]) -> Result<FederatedProfile, MappingError> {
    map_with(json!({"AttributeMapping": mapping}), json!({}), attributes)
}

#[test]
fn a_user_is_named_by_provider_and_subject_and_joins_the_providers_group() {
    let profile = map(json!({"email": "mail"}), &[("mail", &["jane@acme.example"])]).unwrap();
    assert_eq!(profile.username, "Acme_jane");
    assert_eq!(profile.group, "us-east-1_Tests0001_Acme");
    assert_eq!(profile.identity.user_id, "jane");
    assert_eq!(profile.identity.issuer.as_deref(), Some("https://idp.example"));
    assert_eq!(profile.set["email"], "jane@acme.example");
}

#[test]
fn only_a_saml_identity_carries_its_issuer() {
    let members = json!({"ProviderType": "OIDC"});
    let profile = map_with(members, json!({}), &[("mail", &["jane@acme.example"])]).unwrap();
    assert_eq!(profile.identity.issuer, None);
}

#[test]
fn a_username_over_128_characters_is_refused_and_says_so() {
    let (pool, client, provider) = (user_pool(), client(json!({})), provider("Acme", json!({})));
    let place = Place { pool: &pool, client: &client, provider: &provider, groups: &BTreeMap::new() };
    let error =
        |length: usize| profile_of(&identity(&"ü".repeat(length), &[]), None, &place, "s".into(), NOW);
    assert!(error(123).is_ok());
    let text = error(124).unwrap_err().to_string();
    assert!(text.contains("less than or equal to 128"), "{text}");
}

#[test]
fn an_address_counts_as_verified_only_when_this_sign_in_says_so() {
    let mail: &[(&str, &[&str])] = &[("mail", &["jane@acme.example"])];
    let unmapped = map(json!({"email": "mail"}), mail).unwrap();
    assert_eq!(unmapped.set["email_verified"], "false");
    let mapping = json!({"email": "mail", "email_verified": "ok"});
    let said = map(mapping.clone(), &[("mail", &["j@a.example"]), ("ok", &["True"])]).unwrap();
    assert_eq!(said.set["email_verified"], "true");
    let unsaid = map(mapping, mail).unwrap();
    assert_eq!(unsaid.set["email_verified"], "false", "an older true must not outlive its address");
}

#[test]
fn verified_said_of_no_address_verifies_none_that_is_kept() {
    let mapping = json!({"email": "mail", "email_verified": "ok"});
    let said = map(mapping.clone(), &[("ok", &["true"])]).unwrap();
    assert!(said.set.is_empty() && said.remove.is_empty(), "{said:?}");
    let taken_back = map(mapping, &[("ok", &["false"])]).unwrap();
    assert_eq!(taken_back.set["email_verified"], "false");
}

#[test]
fn an_address_in_a_trusted_domain_counts_as_verified_and_no_other_does() {
    let trust = |address: &str| {
        let members = json!({"ProviderDetails": {"trusted_email_domains": "acme.example, b.example"}});
        map_with(members, json!({}), &[("mail", &[address])]).unwrap().set["email_verified"].clone()
    };
    assert_eq!(trust("jane@ACME.example"), "true");
    assert_eq!(trust("jane@b.example"), "true");
    for other in
        ["jane@evil.acme.example", "jane@acme.example.evil", "acme.example", "jane@acme.example@c.example"]
    {
        assert_eq!(trust(other), "false", "{other}");
    }
}

#[test]
fn a_trusted_domain_verifies_no_telephone_number() {
    let members = json!({"AttributeMapping": {"phone_number": "tel"},
                         "ProviderDetails": {"trusted_email_domains": "acme.example"}});
    let profile = map_with(members, json!({}), &[("tel", &["jane@acme.example"])]).unwrap();
    assert_eq!(profile.set["phone_number_verified"], "false");
}

#[test]
fn several_values_become_one_string_or_json_as_the_provider_is_set() {
    let groups: &[(&str, &[&str])] = &[("groups", &["a b", "c,d"])];
    let mapping = json!({"custom:groups": "groups"});
    assert_eq!(map(mapping.clone(), groups).unwrap().set["custom:groups"], "[a+b, c%2Cd]");
    let members = json!({"AttributeMapping": mapping, "ProviderDetails": {"multi_valued": "json"}});
    let profile = map_with(members, json!({}), groups).unwrap();
    assert_eq!(profile.set["custom:groups"], r#"["a b","c,d"]"#);
}

#[test]
fn a_missing_value_is_kept_unless_the_provider_is_set_to_remove() {
    let kept =
        map(json!({"email": "mail", "name": "cn"}), &[("mail", &["j@a.example"]), ("cn", &[""])]).unwrap();
    assert!(kept.remove.is_empty() && !kept.set.contains_key("name"));
    let members = json!({"AttributeMapping": {"email": "mail", "name": "cn"},
                         "ProviderDetails": {"missing_attributes": "remove"}});
    let removed = map_with(members, json!({}), &[]).unwrap();
    assert_eq!(removed.remove, ["email", "name", "email_verified"]);
}

#[test]
fn what_a_provider_tells_once_is_kept_when_it_is_missing_later() {
    let (pool, client) = (user_pool(), client(json!({})));
    let members = json!({"AttributeMapping": {"email": "email", "name": "name"},
                         "ProviderDetails": {"missing_attributes": "remove"}});
    let provider = provider("Acme", members);
    let place = Place { pool: &pool, client: &client, provider: &provider, groups: &BTreeMap::new() };
    let with = |attributes: &[(&str, &[&str])]| {
        let identity = ExternalIdentity { told_once: &["name"], ..identity("jane", attributes) };
        profile_of(&identity, None, &place, "sub-1".into(), NOW).unwrap()
    };
    let first = with(&[("name", &["Jane"]), ("email", &["j@a.example"])]);
    assert_eq!((first.set["name"].as_str(), first.remove.len()), ("Jane", 0));
    let later = with(&[]);
    assert_eq!(later.remove, ["email", "email_verified"], "only what is told every time can be missing");
    assert!(!later.set.contains_key("name"));
}

#[test]
fn a_required_attribute_that_is_missing_fails_and_is_named() {
    let profile = map(json!({"email": "mail"}), &[]).unwrap();
    assert_eq!(profile.apply(None).unwrap_err(), ProfileError::Required("email".into()));
}

#[test]
fn an_immutable_attribute_may_be_set_once_and_not_change() {
    let sign_in = |badge: &str| {
        let mapping = json!({"email": "mail", "custom:badge": "badge"});
        map(mapping, &[("mail", &["j@a.example"]), ("badge", &[badge])]).unwrap()
    };
    let (user, _) = sign_in("7").apply(None).unwrap();
    assert!(!sign_in("7").apply(Some(&user)).unwrap().1, "nothing changed: nothing is written");
    let refused = sign_in("8").apply(Some(&user)).unwrap_err();
    assert_eq!(refused, ProfileError::Immutable("custom:badge".into()));
}

#[test]
fn a_disabled_user_does_not_sign_in() {
    let profile = map(json!({"email": "mail"}), &[("mail", &["j@a.example"])]).unwrap();
    let (mut user, _) = profile.apply(None).unwrap();
    user.enabled = false;
    assert_eq!(profile.apply(Some(&user)).unwrap_err(), ProfileError::Disabled);
}

#[test]
fn an_attribute_that_the_client_may_not_write_fails_and_is_named() {
    let members = json!({"AttributeMapping": {"email": "mail", "name": "cn"}});
    let client = json!({"WriteAttributes": ["email"]});
    let error = map_with(members, client, &[("mail", &["j@a.example"])]).unwrap_err();
    assert_eq!(error, MappingError::NotWritable("name".into()));
}

#[test]
fn a_client_that_may_write_an_address_may_have_it_verified() {
    let members = json!({"AttributeMapping": {"email": "mail", "email_verified": "checked"}});
    let claims: &[(&str, &[&str])] = &[("mail", &["j@a.example"]), ("checked", &["true"])];
    let profile = map_with(members.clone(), json!({"WriteAttributes": ["email"]}), claims).unwrap();
    assert_eq!(profile.set["email_verified"], "true");
    let error = map_with(members, json!({"WriteAttributes": ["name"]}), claims).unwrap_err();
    assert_eq!(error, MappingError::NotWritable("email".into()));
}

#[test]
fn a_value_that_breaks_its_attributes_rule_fails_and_names_it() {
    for (attribute, value) in [
        ("custom:age", "old"),
        ("custom:age", "151"),
        ("custom:age", "-1"),
        ("custom:short", "x"),
        ("custom:short", "xxxxx"),
        ("email_verified", "perhaps"),
    ] {
        let error = map(json!({attribute: "claim"}), &[("claim", &[value])]).unwrap_err().to_string();
        assert!(error.contains(attribute), "{error}");
        assert!(!error.contains(&format!("'{value}'")));
    }
    let long = "x".repeat(2_049);
    let error = map(json!({"name": "claim"}), &[("claim", &[&long])]).unwrap_err();
    assert_eq!(error, MappingError::ValueTooLong("name".into()));
    assert_eq!(map(json!({"name": "claim"}), &[("claim", &[&long[1..]])]).unwrap().set["name"].len(), 2_048);
}

#[test]
fn an_attribute_that_the_pool_lacks_fails_and_is_named() {
    let error = map(json!({"custom:none": "claim"}), &[("claim", &["x"])]).unwrap_err();
    assert_eq!(error, MappingError::Unknown("custom:none".into()));
}

proptest! {
    #[test]
    fn whatever_the_provider_says_only_mapped_attributes_are_set(
        claims in proptest::collection::btree_map("[a-z_]{1,12}", proptest::collection::vec("\\PC{0,20}", 0..3), 0..8)
    ) {
        let (pool, client, provider) = (user_pool(), client(json!({})), provider("Acme", json!({})));
        let place = Place { pool: &pool, client: &client, provider: &provider, groups: &BTreeMap::new() };
        let mut who = identity("jane", &[]);
        who.attributes = claims;
        if let Ok(profile) = profile_of(&who, None, &place, "s".into(), NOW) {
            for name in profile.set.keys() {
                prop_assert!(["email", "email_verified", "phone_number_verified"].contains(&name.as_str()));
            }
            prop_assert_ne!(profile.set.get("email_verified").map(String::as_str), Some("true"));
        }
    }
}

fn group(name: &str) -> (String, Versioned<Group>) {
    let value = serde_json::from_value(json!({
        "GroupName": name, "UserPoolId": "us-east-1_Tests0001", "CreationDate": 0.0, "LastModifiedDate": 0.0,
    }));
    (name.to_owned(), Versioned { value: value.unwrap(), version: 0 })
}

#[test]
fn a_mapping_names_groups_of_the_pool_and_nobodys_own() {
    let own = ["us-east-1_Tests0001_Acme", "us-east-1_Tests0001_Globex"];
    let groups: BTreeMap<_, _> = ["admins", "staff", own[0], own[1]].into_iter().map(group).collect();
    let (pool, client) = (user_pool(), client(json!({})));
    let provider =
        provider("Acme", json!({"AttributeMapping": {"cognito:groups": "roles", "email": "mail"}}));
    let place = Place { pool: &pool, client: &client, provider: &provider, groups: &groups };
    let said = &["staff", "Admins", "staff", "nobody", own[0], own[1], "", "admins,staff"];
    let identity =
        identity("jane", &[("roles", said), ("groups", &["admins"]), ("mail", &["j@acme.example"])]);
    let mapped = mapped_groups(&identity.attributes, &place);
    assert_eq!(mapped.groups, ["staff"]);
    assert_eq!(mapped.ignored, ["Admins", "nobody", own[0], own[1], "", "admins,staff"]);
    let profile = profile_of(&identity, None, &place, "sub-1".into(), NOW).unwrap();
    assert_eq!((profile.mapped_groups, profile.group.as_str()), (vec!["staff".to_owned()], own[0]));
    assert!(!profile.set.contains_key(GROUPS));
}

#[test]
fn without_a_mapping_nobody_is_in_a_mapped_group() {
    let groups = BTreeMap::from([group("admins")]);
    let (pool, client, provider) = (user_pool(), client(json!({})), provider("Acme", json!({})));
    let place = Place { pool: &pool, client: &client, provider: &provider, groups: &groups };
    let identity = identity("jane", &[("cognito:groups", &["admins"]), ("mail", &["j@acme.example"])]);
    assert_eq!(mapped_groups(&identity.attributes, &place), MappedGroups::default());
}
