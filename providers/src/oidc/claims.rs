//! Claims become attributes.

use serde_json::{Map, Value};

use crate::Attributes;

/// Claims of the protocol: they say something of a token, nothing of a person.
const PROTOCOL: [&str; 14] = [
    "iss",
    "aud",
    "azp",
    "exp",
    "iat",
    "nbf",
    "jti",
    "nonce",
    "at_hash",
    "c_hash",
    "s_hash",
    "typ",
    "_claim_names",
    "_claim_sources",
];
/// Claims of the sign-in: only the ID token, which is bound to this sign-in, may state them.
pub(super) const OF_THE_SIGN_IN: [&str; 5] = ["sub", "sid", "acr", "amr", "auth_time"];

/// Entra's statement that an e-mail address is of a domain whose owner was verified (Microsoft identity platform,
/// "Optional claims reference"): `true`, and in practice also `1`, as a number or a text.
const DOMAIN_VERIFIED: &str = "xms_edov";

/// An address, and what a provider says of that one address and of no other.
const SAID_OF: [(&str, &[&str]); 2] =
    [("email", &["email_verified", DOMAIN_VERIFIED]), ("phone_number", &["phone_number_verified"])];

/// The attributes of a person: what the ID token says, and over it what userinfo says, name by name.
///
/// Userinfo is asked later and is where a provider answers with current values, so a claim it states
/// replaces the ID token's claim of that name whole. It never replaces `sub`, `sid`, `acr`, `amr` and
/// `auth_time`. Protocol claims are left out; distributed claims are not followed.
///
/// With an address goes what the ID token says of it: people change their address between the two answers, and
/// "verified" said of the one they had is not said of the one they wrote in its place.
pub(super) fn merge(id_token: &Map<String, Value>, userinfo: Option<&Map<String, Value>>) -> Attributes {
    let (mut attributes, mut later) = (Attributes::new(), Attributes::new());
    for (name, value) in id_token {
        insert(&mut attributes, name, value);
    }
    for (name, value) in userinfo.into_iter().flatten() {
        if !OF_THE_SIGN_IN.contains(&name.as_str()) {
            insert(&mut later, name, value);
        }
    }
    for (address, said) in SAID_OF {
        if later.get(address).is_some_and(|new| attributes.get(address) != Some(new)) {
            attributes.retain(|name, _| !said.contains(&name.as_str()));
        }
    }
    attributes.extend(later);
    attributes
}

fn insert(attributes: &mut Attributes, name: &str, value: &Value) {
    if PROTOCOL.contains(&name) {
        return;
    }
    let mut values = values(value);
    if name == DOMAIN_VERIFIED {
        values = values.iter().map(|value| truth(value)).collect();
    }
    if !values.is_empty() {
        attributes.insert(name.to_owned(), values);
    }
}

/// The values that a member of a JSON document holds: none, one or several.
pub(crate) fn values(value: &Value) -> Vec<String> {
    match value {
        Value::Array(several) => several.iter().filter_map(text).collect(),
        one => text(one).into_iter().collect(),
    }
}

/// A text as it is; a number, truth value, object or nested array as its JSON text; nothing for null.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// A truth value in the words of JSON; what is none stays what it is.
fn truth(text: &str) -> String {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" => "true".to_owned(),
        "0" | "false" => "false".to_owned(),
        _ => text.to_owned(),
    }
}
