//! The members of a request that the model has accepted.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::ApiError;
use crate::pool::Rest;

/// What is left of a request: operations take what they know, the rest is stored as it came.
pub(super) struct Members(Rest);

impl Members {
    /// `null` counts as absent, at any depth.
    pub(super) fn new(input: Value) -> Self {
        match without_nulls(input) {
            Value::Object(members) => Self(members),
            _ => Self(Rest::new()),
        }
    }

    /// A member that the model requires to be a string.
    pub(super) fn text(&mut self, name: &'static str) -> Result<String, ApiError> {
        let value = self.take(name)?;
        value.ok_or_else(|| ApiError::Internal(format!("the model let {name} be absent")))
    }

    /// A member, if given.
    pub(super) fn take<T: DeserializeOwned>(&mut self, name: &'static str) -> Result<Option<T>, ApiError> {
        let Some(value) = self.0.remove(name) else { return Ok(None) };
        serde_json::from_value(value)
            .map(Some)
            .map_err(|error| ApiError::Internal(format!("the model let {name} be something else: {error}")))
    }

    /// A list, empty when absent.
    pub(super) fn list(&mut self, name: &'static str) -> Result<Vec<String>, ApiError> {
        Ok(self.take(name)?.unwrap_or_default())
    }

    /// Looks at a member without taking it.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Everything not taken.
    pub(super) fn rest(self) -> Rest {
        self.0
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}
