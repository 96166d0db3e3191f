//! What the unit tests of several rooms share: a pool in memory, and nothing around it.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use poolgate_providers::SystemRandom;
use poolgate_providers::saml::Engines;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::keys::{PoolKeys, pool_keys};
use crate::pool::{AppClient, Domain, FederatedProfile, Group, Identity, IdentityProvider, User, UserPool};
use crate::registry::{LivePool, LiveProvider, Surface, Versioned};

/// The moment at which tests live.
pub const NOW: OffsetDateTime = datetime!(2026-11-21 10:00 UTC);

/// How the tests' installation is reached.
pub fn surface() -> Surface {
    Surface {
        public_url: "http://localhost:9229".parse().unwrap(),
        region: "us-east-1".to_owned(),
        account_id: "000000000000".to_owned(),
        dev: true,
        engines: Engines::Rust,
    }
}

/// Keys made once for all tests: making them is slow.
pub fn keys() -> PoolKeys {
    static KEYS: OnceLock<PoolKeys> = OnceLock::new();
    let make = || {
        let keys = pool_keys::make("us-east-1_Tests0001", &SystemRandom, NOW).unwrap();
        let stored = keys.into_iter().map(|key| (key.record, key.secret)).collect();
        PoolKeys::from_stored("us-east-1_Tests0001", stored).unwrap()
    };
    KEYS.get_or_init(make).clone()
}

fn attribute(name: &str, mutable: bool, required: bool) -> Value {
    json!({"Name": name, "AttributeDataType": "String", "Mutable": mutable, "Required": required,
           "StringAttributeConstraints": {"MinLength": "0", "MaxLength": "2048"}})
}

/// A pool whose users must have an e-mail address.
pub fn user_pool() -> UserPool {
    let mut schema = vec![
        attribute("sub", false, true),
        attribute("email", true, true),
        attribute("name", true, false),
        attribute("phone_number", true, false),
        attribute("custom:groups", true, false),
        attribute("custom:badge", false, false),
    ];
    schema.push(json!({"Name": "email_verified", "AttributeDataType": "Boolean", "Mutable": true}));
    schema.push(json!({"Name": "phone_number_verified", "AttributeDataType": "Boolean", "Mutable": true}));
    schema.push(json!({"Name": "custom:age", "AttributeDataType": "Number", "Mutable": true,
                       "NumberAttributeConstraints": {"MinValue": "0", "MaxValue": "150"}}));
    schema.push(json!({"Name": "custom:short", "AttributeDataType": "String", "Mutable": true,
                       "StringAttributeConstraints": {"MinLength": "2", "MaxLength": "4"}}));
    let pool = json!({"Id": "us-east-1_Tests0001", "Name": "tests", "Arn": "arn", "CreationDate": 0.0,
                      "LastModifiedDate": 0.0, "SchemaAttributes": schema});
    serde_json::from_value(pool).unwrap()
}

/// An app client called `app`, with these members over the usual ones.
pub fn client(members: Value) -> AppClient {
    let mut document = json!({
        "ClientId": "app", "ClientName": "App", "UserPoolId": "us-east-1_Tests0001",
        "CreationDate": 0.0, "LastModifiedDate": 0.0,
        "CallbackURLs": ["https://app.example/cb", "myapp://cb"], "LogoutURLs": ["https://app.example/bye"],
        "AllowedOAuthFlows": ["code"], "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthScopes": ["openid", "email", "profile"],
        "SupportedIdentityProviders": ["Acme", "Globex"],
    });
    let members = members.as_object().cloned().unwrap_or_default();
    document.as_object_mut().unwrap().extend(members);
    serde_json::from_value(document).unwrap()
}

/// A provider with these members over the usual ones; no adapter speaks for it.
pub fn provider(name: &str, members: Value) -> IdentityProvider {
    let mut document = json!({
        "UserPoolId": "us-east-1_Tests0001", "ProviderName": name, "ProviderType": "SAML",
        "ProviderDetails": {}, "AttributeMapping": {"email": "mail"},
        "CreationDate": 0.0, "LastModifiedDate": 0.0,
    });
    let members = members.as_object().cloned().unwrap_or_default();
    document.as_object_mut().unwrap().extend(members);
    serde_json::from_value(document).unwrap()
}

/// A live pool of one client and these providers, at the custom domain `localhost`.
pub fn live_pool(client: AppClient, providers: Vec<IdentityProvider>) -> Arc<LivePool> {
    let domain: Domain = serde_json::from_value(json!({
        "Domain": "localhost", "UserPoolId": "us-east-1_Tests0001",
        "CustomDomainConfig": {"CertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/default"},
    }))
    .unwrap();
    let live = |value: IdentityProvider| {
        let name = value.provider_name.clone();
        (name, LiveProvider { config: Versioned { value, version: 0 }, adapter: Err("no adapter".into()) })
    };
    let own_group = |provider: &IdentityProvider| {
        (provider.group(), Versioned { value: Group::of_provider(provider), version: 0 })
    };
    let groups = providers.iter().map(own_group).collect();
    Arc::new(LivePool {
        pool: Versioned { value: user_pool(), version: 0 },
        clients: BTreeMap::from([(client.client_id.clone(), Versioned { value: client, version: 0 })]),
        providers: providers.into_iter().map(live).collect(),
        domains: vec![Versioned { value: domain, version: 0 }],
        resource_servers: BTreeMap::new(),
        groups,
        ui: BTreeMap::new(),
        dresses: BTreeMap::new(),
        keys: keys(),
    })
}

/// A user as the provider Acme makes one.
pub fn user() -> User {
    let profile = FederatedProfile {
        pool_id: "us-east-1_Tests0001".to_owned(),
        username: "Acme_ann".to_owned(),
        new_sub: "00000000-0000-4000-8000-000000000001".to_owned(),
        identity: Identity {
            provider_name: "Acme".to_owned(),
            provider_type: "SAML".to_owned(),
            user_id: "ann".to_owned(),
            issuer: None,
            primary: true,
            date_created: 0,
        },
        set: BTreeMap::new(),
        remove: Vec::new(),
        recognised: BTreeMap::new(),
        required: Vec::new(),
        immutable: Vec::new(),
        group: "us-east-1_Tests0001_Acme".to_owned(),
        mapped_groups: Vec::new(),
        session: None,
        may_sign_up: true,
        at: NOW,
    };
    profile.apply(None).unwrap().0
}

/// The values of this attribute in a page, in order.
pub fn attributes(body: &str, name: &str) -> Vec<String> {
    let marks = format!(" {name}=\"");
    let values = body.split(&marks).skip(1).filter_map(|rest| rest.split('"').next());
    values.map(|value| quick_xml::escape::unescape(value).unwrap().into_owned()).collect()
}
