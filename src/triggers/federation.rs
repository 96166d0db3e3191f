//! Between a provider's verified answer and the attribute mapping.

use poolgate_providers::{Attributes, ExternalIdentity};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::event::Kind;
use super::{Asking, TriggerError};
use crate::context::Context;
use crate::pool::{IdentityProvider, ProviderType, Trigger};

/// Most attributes that a function may return, and most values of one.
const MOST: usize = 1000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    provider_name: &'a str,
    provider_type: &'static str,
    attributes: Parts,
}

/// The provider's answer. With OAuth it holds the provider's tokens.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Parts {
    #[serde(skip_serializing_if = "Option::is_none")]
    token_response: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_info: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    saml_response: Option<Map<String, Value>>,
}

impl Parts {
    fn of(identity: &ExternalIdentity, provider_type: ProviderType) -> Self {
        let all = || identity.attributes.iter().map(|(name, values)| (name.clone(), shown(values))).collect();
        let told = &identity.told;
        if provider_type == ProviderType::Saml {
            return Self {
                token_response: None,
                id_token: None,
                user_info: None,
                saml_response: Some(all()),
            };
        }
        let said = |claims: &Map<String, Value>| (!claims.is_empty()).then(|| texts(claims));
        // A provider without ID tokens has said everything in one document.
        let user_info = if told.id_token.is_empty() { Some(all()) } else { said(&told.user_info) };
        Self {
            token_response: said(&told.token_response),
            id_token: said(&told.id_token),
            user_info,
            saml_response: None,
        }
    }
}

/// One value is a text, several are an array: what is copied back stays what it was.
fn shown(values: &[String]) -> Value {
    match values {
        [one] => one.clone().into(),
        several => several.to_vec().into(),
    }
}

/// Claims as the event has them: texts, and arrays of texts.
fn texts(claims: &Map<String, Value>) -> Map<String, Value> {
    let values = claims.iter().filter(|(_, value)| !value.is_null());
    values.map(|(name, value)| (name.clone(), text_or_list(value))).collect()
}

fn text_or_list(value: &Value) -> Value {
    match value {
        Value::String(_) => value.clone(),
        Value::Array(items) => items.iter().filter(|item| !item.is_null()).map(text).collect(),
        other => text(other).into(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The attributes that are mapped in place of the provider's, where a function is named for it and wants others. Who
/// the person is stays what the provider has proved.
///
/// # Errors
/// See [`TriggerError`]: nothing has been written.
pub(crate) async fn attributes(
    context: &Context,
    asking: &Asking<'_>,
    provider: &IdentityProvider,
    identity: &ExternalIdentity,
) -> Result<Option<Attributes>, TriggerError> {
    let Some(function) = asking.function(Trigger::InboundFederation) else { return Ok(None) };
    let user_name = format!("{}_{}", provider.provider_name, identity.subject);
    let kind = Kind {
        trigger: Trigger::InboundFederation,
        source: "InboundFederation_ExternalProvider",
        version: "1",
        user_name: &user_name,
    };
    let request = Request {
        provider_name: &provider.provider_name,
        provider_type: provider.provider_type.as_str(),
        attributes: Parts::of(identity, provider.provider_type),
    };
    let sent = (request, json!({ "userAttributesToMap": {} }));
    let response = context.triggers.ask(&context.metrics, asking, function, kind, sent).await?;
    let Some(mut wanted) = read(&response)? else { return Ok(None) };
    if let Some(subject) = wanted.get_mut("sub") {
        *subject = vec![identity.subject.clone()];
    }
    Ok(Some(wanted))
}

/// `userAttributesToMap`: texts, also numbers and truth values; several values in an array. `None`, the empty object,
/// keeps what the provider said.
fn read(response: &Map<String, Value>) -> Result<Option<Attributes>, TriggerError> {
    let invalid = |why: String| TriggerError::invalid(Trigger::InboundFederation, why);
    let Some(Value::Object(members)) = response.get("userAttributesToMap") else {
        return Err(invalid("userAttributesToMap is not an object ({} keeps every attribute)".into()));
    };
    if members.is_empty() {
        return Ok(None);
    }
    if members.len() > MOST {
        return Err(invalid(format!("userAttributesToMap has more than {MOST} attributes")));
    }
    let mut attributes = Attributes::new();
    for (name, value) in members {
        let values = values(value).ok_or_else(|| {
            invalid(format!("an attribute of userAttributesToMap is no text: {}", brief(name)))
        })?;
        if !values.is_empty() {
            attributes.insert(name.clone(), values);
        }
    }
    Ok(Some(attributes))
}

fn values(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(items) if items.len() <= MOST => items.iter().map(scalar).collect(),
        other => Some(vec![scalar(other)?]),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(_) | Value::Bool(_) | Value::Number(_) => Some(text(value)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn brief(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(100).collect()
}
