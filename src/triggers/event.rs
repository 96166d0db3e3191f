//! The event: what every trigger has in common.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Asking, TriggerError};
use crate::pool::{Trigger, User};
use crate::tokens::claims;

/// What a function is sent, and sends back.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event<'a, Q, R> {
    /// Of the event's shape.
    version: &'static str,
    trigger_source: &'static str,
    region: &'a str,
    user_pool_id: &'a str,
    user_name: &'a str,
    caller_context: CallerContext<'a>,
    request: Q,
    response: R,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallerContext<'a> {
    aws_sdk_version: &'static str,
    client_id: &'a str,
}

/// A response without fields.
#[derive(Serialize)]
pub(super) struct Nothing {}

/// Which event it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind<'a> {
    pub(super) trigger: Trigger,
    pub(super) source: &'static str,
    pub(super) version: &'static str,
    pub(super) user_name: &'a str,
}

impl<'a, Q, R> Event<'a, Q, R> {
    pub(super) fn new(asking: &Asking<'a>, kind: Kind<'a>, request: Q, response: R) -> Self {
        Self {
            version: kind.version,
            trigger_source: kind.source,
            region: &asking.surface.region,
            user_pool_id: asking.pool.id(),
            user_name: kind.user_name,
            caller_context: CallerContext {
                aws_sdk_version: "aws-sdk-unknown-unknown",
                client_id: &asking.client.client_id,
            },
            request,
            response,
        }
    }
}

/// What of the returned event is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Returned {
    trigger_source: Option<String>,
    user_pool_id: Option<String>,
    user_name: Option<String>,
    response: Option<Map<String, Value>>,
}

/// `response` of a returned event, which must be the one that was sent. What a function did to `request` is of no
/// account: some write to it.
pub(super) fn response(
    asking: &Asking<'_>,
    kind: Kind<'_>,
    body: &[u8],
) -> Result<Map<String, Value>, TriggerError> {
    let invalid = |why: &str| TriggerError::invalid(kind.trigger, why);
    let returned: Returned = serde_json::from_slice(body)
        .map_err(|_| invalid("it is not the event as a JSON object, with an object as response"))?;
    for (member, came, sent) in [
        ("triggerSource", &returned.trigger_source, kind.source),
        ("userPoolId", &returned.user_pool_id, asking.pool.id()),
        ("userName", &returned.user_name, kind.user_name),
    ] {
        if came.as_deref().is_some_and(|came| came != sent) {
            return Err(invalid(&format!(
                "its {member} is not that of the event: only response may be changed"
            )));
        }
    }
    returned.response.ok_or_else(|| invalid("it has no response: the event must be returned"))
}

/// A user's attributes as an event has them.
pub(crate) fn user_attributes(user: &User) -> BTreeMap<String, String> {
    let mut attributes = user.attributes.clone();
    attributes.insert("sub".into(), user.sub.clone());
    attributes.insert("cognito:user_status".into(), user.status.as_str().into());
    if let Some(identities) = claims::identities_attribute(user) {
        attributes.insert("identities".into(), identities);
    }
    attributes
}
