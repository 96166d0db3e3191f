//! The members of a request that the model has accepted.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::ApiError;
use crate::pool::Rest;

/// What is left of a request: operations take what they know, the rest is stored as it came.
pub(super) struct Members {
    rest: Rest,
    id: Option<String>,
}

impl Members {
    /// `null` counts as absent, at any depth.
    pub(super) fn new(input: Value) -> Self {
        match without_nulls(input) {
            Value::Object(rest) => Self { rest, id: None },
            _ => Self { rest: Rest::new(), id: None },
        }
    }

    /// What is made by this request shall have this id.
    pub(super) fn naming(mut self, id: Option<&str>) -> Self {
        self.id = id.map(str::to_owned);
        self
    }

    /// The id that what is made shall have, where it is not a matter of chance.
    pub(super) fn wanted_id(&mut self) -> Option<String> {
        self.id.take()
    }

    /// A member that the model requires to be a string.
    pub(super) fn text(&mut self, name: &'static str) -> Result<String, ApiError> {
        let value = self.take(name)?;
        value.ok_or_else(|| ApiError::Internal(format!("the model let {name} be absent")))
    }

    /// A member, if given.
    pub(super) fn take<T: DeserializeOwned>(&mut self, name: &'static str) -> Result<Option<T>, ApiError> {
        let Some(value) = self.rest.remove(name) else { return Ok(None) };
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
        self.rest.get(name)
    }

    /// Everything not taken.
    pub(super) fn rest(self) -> Rest {
        self.rest
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
