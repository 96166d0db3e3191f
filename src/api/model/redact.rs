//! A request or an answer without what must not stand in the audit log: what the model calls sensitive, what is
//! secret by its name, and whatever is not in the model.

use serde_json::{Map, Value, json};

use super::{Shape, Type, model};
use crate::audit::HIDDEN;

/// Members that are secret, or personal, though the model does not say so, and free text that may be either.
const NAMES: [&str; 48] = [
    "AccessToken",
    "ActorToken",
    "AnalyticsMetadata",
    "AuthParameters",
    "ChallengeParameters",
    "ChallengeResponses",
    "ClientMetadata",
    "ClientSecret",
    "ClientSecretValue",
    "Code",
    "ConfirmationCode",
    "ContextData",
    "Credential",
    "CredentialCreationOptions",
    "CredentialId",
    "Destination",
    "DeviceKey",
    "DeviceSecretVerifierConfig",
    "EncodedData",
    "EventContextData",
    "FeedbackToken",
    "Filter",
    "FriendlyCredentialName",
    "IdToken",
    "IssuedToken",
    "NextToken",
    "OriginSessionId",
    "PaginationToken",
    "Password",
    "PasswordVerifier",
    "PreSignedUrl",
    "PreviousPassword",
    "ProposedPassword",
    "ProviderAttributeValue",
    "RefreshToken",
    "SSOSession",
    "Secret",
    "SecretCode",
    "SecretHash",
    "Session",
    "SessionId",
    "SubjectToken",
    "TemporaryPassword",
    "Token",
    "TokenSession",
    "UserCode",
    "UserContextData",
    "ValidationData",
];

/// Shapes that the model calls sensitive, and every authorize URL shows.
const SHOWN: [&str; 1] = ["ClientIdType"];

/// What of `ProviderDetails` may be shown. Whatever is not here may be a secret, or one under a wrong name.
const DETAILS: [&str; 38] = [
    "EncryptedResponses",
    "IDPInit",
    "IDPSignout",
    "MetadataURL",
    "RequestSigningAlgorithm",
    "SLORedirectBindingURI",
    "SSORedirectBindingURI",
    "api_version",
    "attributes_request_method",
    "attributes_url",
    "attributes_url_add_attributes",
    "authn_context_class_refs",
    "authorize_scopes",
    "authorize_url",
    "callback",
    "client_id",
    "clock_skew_seconds",
    "end_session_endpoint",
    "hd",
    "insecure_allow_sha1",
    "issuer_template",
    "jwks_uri",
    "key_id",
    "login_hint",
    "logout_ends",
    "missing_attributes",
    "multi_valued",
    "name_id_policy",
    "oidc_issuer",
    "pkce",
    "private_key_id",
    "response_mode",
    "team_id",
    "token_endpoint_auth_method",
    "token_request_method",
    "token_url",
    "trusted_email_domains",
    "userinfo_url",
];

/// Longest text that is shown, in characters.
const LONGEST: usize = 1_024;
/// Longest key of a map that is shown, in characters.
const LONGEST_KEY: usize = 131;
/// Hidden texts that are remembered, to be struck from messages.
const REMEMBERED: usize = 256;

/// What may be shown, with member names in CloudTrail's case.
#[derive(Debug, Default)]
pub struct Redacted {
    /// Without what is hidden.
    pub value: Value,
    hidden: Vec<String>,
}

impl Redacted {
    /// A message without what was hidden.
    pub fn strike(&self, message: &str) -> String {
        // Who hides more than can be looked for may have hidden anything.
        if self.hidden.len() >= REMEMBERED {
            return HIDDEN.to_owned();
        }
        let mut struck = message.to_owned();
        for text in &self.hidden {
            if struck.contains(text.as_str()) {
                struck = struck.replace(text.as_str(), HIDDEN);
            }
        }
        struck
    }
}

/// The input of an operation.
pub fn input(operation: &str, value: &Value) -> Redacted {
    redact(model().operations.get(operation).and_then(|known| known.input.as_deref()), value)
}

/// The output of an operation.
pub fn output(operation: &str, value: &Value) -> Value {
    redact(model().operations.get(operation).and_then(|known| known.output.as_deref()), value).value
}

fn redact(shape: Option<&str>, value: &Value) -> Redacted {
    let mut redacted = Redacted::default();
    let empty = value.as_object().is_some_and(Map::is_empty);
    if let Some(shape) = shape.filter(|_| !empty) {
        redacted.value = redacted.walk(shape, value);
    }
    // Longest first: one may be part of another.
    redacted.hidden.sort_by_key(|text| std::cmp::Reverse(text.len()));
    redacted
}

impl Redacted {
    fn walk(&mut self, name: &str, value: &Value) -> Value {
        if name == "ProviderDetailsType" {
            return self.details(value);
        }
        let Some(shape) = model().shapes.get(name) else { return self.hide(value) };
        if shape.sensitive && !SHOWN.contains(&name) {
            return self.hide(value);
        }
        match (shape.kind, value) {
            (_, Value::Null) => Value::Null,
            (Type::Structure, Value::Object(members)) => self.structure(shape, members),
            (Type::Map, Value::Object(entries)) => self.map(shape, entries),
            (Type::List, Value::Array(items)) => {
                let Some(member) = &shape.member else { return Value::Null };
                items.iter().map(|item| self.walk(member, item)).collect()
            }
            (Type::String, Value::String(text)) => shown(text),
            (Type::Blob, Value::String(text)) => json!(format!("({} characters)", text.chars().count())),
            (Type::Integer | Type::Long | Type::Timestamp, Value::Number(_))
            | (Type::Boolean, Value::Bool(_)) => value.clone(),
            // Another type than the model's: it can be anything.
            _ => self.hide(value),
        }
    }

    fn structure(&mut self, shape: &Shape, members: &Map<String, Value>) -> Value {
        let mut kept = Map::new();
        for (name, value) in members {
            let Some(member) = shape.members.get(name) else {
                self.hide(value);
                continue;
            };
            let value =
                if NAMES.contains(&name.as_str()) { self.hide(value) } else { self.walk(member, value) };
            kept.insert(lower_first(name), value);
        }
        Value::Object(kept)
    }

    fn map(&mut self, shape: &Shape, entries: &Map<String, Value>) -> Value {
        let Some(member) = &shape.value else { return Value::Null };
        entries
            .iter()
            .map(|(key, value)| (key.chars().take(LONGEST_KEY).collect(), self.walk(member, value)))
            .collect::<Map<_, _>>()
            .into()
    }

    fn details(&mut self, value: &Value) -> Value {
        let Value::Object(entries) = value else { return self.hide(value) };
        let mut kept = Map::new();
        for (key, value) in entries {
            let value = match value {
                Value::String(text) if DETAILS.contains(&key.as_str()) => shown(bare_url(text)),
                value => self.hide(value),
            };
            kept.insert(key.chars().take(LONGEST_KEY).collect(), value);
        }
        Value::Object(kept)
    }

    /// Remembers every text in it.
    fn hide(&mut self, value: &Value) -> Value {
        match value {
            Value::Null => return Value::Null,
            // Shorter ones would strike what has nothing to do with them.
            Value::String(text) if text.len() > 3 && self.hidden.len() < REMEMBERED => {
                self.hidden.push(text.clone());
            }
            Value::Array(items) => items.iter().for_each(|item| drop(self.hide(item))),
            Value::Object(members) => members.values().for_each(|item| drop(self.hide(item))),
            _ => {}
        }
        json!(HIDDEN)
    }
}

fn shown(text: &str) -> Value {
    let length = text.chars().count();
    if length > LONGEST { json!(format!("({length} characters)")) } else { json!(text) }
}

/// A URL without its query, which may hold a key.
fn bare_url(text: &str) -> &str {
    if text.starts_with("http") { text.split(['?', '#']).next().unwrap_or_default() } else { text }
}

fn lower_first(name: &str) -> String {
    let mut rest = name.chars();
    rest.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_by_name_is_in_the_model_under_that_name() {
        for name in NAMES {
            let known = model().shapes.values().any(|shape| shape.members.contains_key(name));
            assert!(known, "{name}");
        }
    }

    #[test]
    fn a_client_id_is_shown_and_a_secret_a_person_and_what_the_model_does_not_know_are_not() {
        let given = json!({
            "ClientId": "1example23456789", "Username": "jane@example.com", "SecretHash": "hash", "Surprise": "x",
            "UserAttributes": [{"Name": "email", "Value": "jane@example.com"}],
        });
        let redacted = input("SignUp", &given);
        let attributes = json!([{"name": "email", "value": HIDDEN}]);
        let expected = json!({"clientId": "1example23456789", "username": HIDDEN, "secretHash": HIDDEN,
                              "userAttributes": attributes});
        assert_eq!(redacted.value, expected);
        let many: Vec<_> =
            (0..300).map(|n| json!({"Name": "email", "Value": format!("person {n}")})).collect();
        let many = input("SignUp", &json!({ "UserAttributes": many }));
        assert_eq!(many.strike("no person 299"), HIDDEN);
        assert_eq!(redacted.strike("no jane@example.com here"), format!("no {HIDDEN} here"));
    }

    #[test]
    fn what_speaks_of_a_person_without_the_models_knowing_is_hidden_by_its_name() {
        let filter =
            input("ListUsers", &json!({"UserPoolId": "p", "Filter": "email = \"jane@example.com\""}));
        assert_eq!(filter.value, json!({"userPoolId": "p", "filter": HIDDEN}));
        let subject = json!({"ProviderName": "Acme", "ProviderAttributeValue": "jane@example.com"});
        let linked = input("AdminLinkProviderForUser", &json!({ "SourceUser": subject })).value;
        assert_eq!(linked["sourceUser"], json!({"providerName": "Acme", "providerAttributeValue": HIDDEN}));
    }

    #[test]
    fn of_a_providers_settings_only_those_are_shown_that_hold_no_secret() {
        let details = json!({"client_id": "c", "client_secret": "s3cret", "client_secert": "s3cret",
                             "private_key": "k3y", "MetadataURL": "https://idp.example/metadata?key=s3cret"});
        let shown = input("CreateIdentityProvider", &json!({"ProviderDetails": details})).value;
        let expected = json!({"client_id": "c", "client_secret": HIDDEN, "client_secert": HIDDEN,
                              "private_key": HIDDEN, "MetadataURL": "https://idp.example/metadata"});
        assert_eq!(shown["providerDetails"], expected);
    }
}
