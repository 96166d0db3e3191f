//! A request against the model: types, required members, lengths, ranges, patterns, value sets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Model, Shape, Type, model, pattern};
use crate::api::ApiError;

/// Faults that one answer names at most.
const MOST: usize = 10;
/// Characters of a faulty value that an answer repeats at most.
const ECHO: usize = 128;

/// Checks `input` against the input shape of `operation`. A `null` member counts as absent.
///
/// # Errors
/// `SerializationException` for a value of another JSON type, `InvalidParameterException` for all else,
/// naming every member that is wrong. Sensitive values are not repeated.
pub fn validate(operation: &str, input: &Value) -> Result<(), ApiError> {
    let model = model();
    let known = model.operations.get(operation);
    let known = known.ok_or_else(|| ApiError::UnknownOperation(format!("There is no {operation}.")))?;
    let mut check = Check { model, faults: Vec::new() };
    match &known.input {
        Some(shape) => check.value(shape, input, "", false)?,
        None if input.as_object().is_some_and(serde_json::Map::is_empty) => {}
        None => return Err(ApiError::Serialization(format!("{operation} takes no members."))),
    }
    if check.faults.is_empty() {
        return Ok(());
    }
    let (count, s) = (check.faults.len(), if check.faults.len() == 1 { "" } else { "s" });
    let faults = check.faults.join("; ");
    Err(ApiError::InvalidParameter(format!("{count} validation error{s} detected: {faults}")))
}

struct Check {
    model: &'static Model,
    faults: Vec<String>,
}

impl Check {
    fn value(&mut self, name: &str, value: &Value, path: &str, secret: bool) -> Result<(), ApiError> {
        let Some(shape) = self.model.shapes.get(name) else {
            return Err(ApiError::Internal(format!("the model lacks the shape {name}")));
        };
        let secret = secret || shape.sensitive;
        match (shape.kind, value) {
            (Type::Structure, Value::Object(members)) => self.structure(shape, members, path, secret),
            (Type::Map, Value::Object(entries)) => self.map(shape, entries, path, secret),
            (Type::List, Value::Array(items)) => self.list(shape, items, path, secret),
            (Type::String, Value::String(text)) => {
                self.text(shape, text, path, secret);
                Ok(())
            }
            (Type::Integer | Type::Long, Value::Number(number)) if number.as_i64().is_some() => {
                self.integer(shape, number.as_i64().unwrap_or_default(), path);
                Ok(())
            }
            (Type::Blob, Value::String(text)) => self.blob(shape, text, path),
            (Type::Boolean, Value::Bool(_)) | (Type::Timestamp, Value::Number(_)) => Ok(()),
            (kind, given) => Err(wrong_type(kind, given, path)),
        }
    }

    fn structure(
        &mut self,
        shape: &Shape,
        members: &serde_json::Map<String, Value>,
        path: &str,
        secret: bool,
    ) -> Result<(), ApiError> {
        for required in &shape.required {
            if members.get(required).is_none_or(Value::is_null) {
                let place = join(path, &lower_first(required));
                self.fault(format!(
                    "Value null at '{place}' failed to satisfy constraint: Member must not be null"
                ));
            }
        }
        for (name, value) in members {
            match shape.members.get(name) {
                Some(_) if value.is_null() => {}
                Some(member) => self.value(member, value, &join(path, &lower_first(name)), secret)?,
                None => {
                    let name: String = name.chars().take(ECHO).collect();
                    let place = if path.is_empty() { "the request" } else { path };
                    self.fault(format!("'{name}' is not a member that '{place}' may have"));
                }
            }
        }
        Ok(())
    }

    fn map(
        &mut self,
        shape: &Shape,
        entries: &serde_json::Map<String, Value>,
        path: &str,
        secret: bool,
    ) -> Result<(), ApiError> {
        self.size(shape, entries.len(), path);
        for (key, value) in entries {
            let shown: String = key.chars().take(ECHO).collect();
            if let Some(shape) = shape.key.as_deref().and_then(|name| self.model.shapes.get(name)) {
                self.text(shape, key, &join(path, "key"), false);
            }
            if let Some(name) = shape.value.as_deref() {
                self.value(name, value, &join(path, &format!("{shown}.member")), secret)?;
            }
        }
        Ok(())
    }

    fn list(&mut self, shape: &Shape, items: &[Value], path: &str, secret: bool) -> Result<(), ApiError> {
        self.size(shape, items.len(), path);
        let Some(member) = shape.member.as_deref() else { return Ok(()) };
        for (index, item) in items.iter().enumerate() {
            self.value(member, item, &join(path, &format!("{}.member", index + 1)), secret)?;
        }
        Ok(())
    }

    fn text(&mut self, shape: &Shape, text: &str, path: &str, secret: bool) {
        let shown = if secret || shape.sensitive { String::new() } else { format!(" '{}'", echo(text)) };
        let mut fault = |must: String| {
            self.fault(format!("Value{shown} at '{path}' failed to satisfy constraint: Member must {must}"));
        };
        // No store keeps it: PostgreSQL's text cannot.
        if text.contains('\0') {
            return fault("hold no character U+0000".to_owned());
        }
        if !shape.values.is_empty() {
            if !shape.values.iter().any(|value| value == text) {
                fault(format!("satisfy enum value set: [{}]", shape.values.join(", ")));
            }
            return;
        }
        let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        if let Some(max) = shape.max.filter(|max| length > *max) {
            return fault(format!("have length less than or equal to {max}"));
        }
        if let Some(min) = shape.min.filter(|min| length < *min) {
            return fault(format!("have length greater than or equal to {min}"));
        }
        if let Some(java) = &shape.pattern {
            let compiled = shape.compiled.get_or_init(|| pattern::compile(java));
            if !compiled.as_ref().is_some_and(|pattern| pattern.is_match(text)) {
                fault(format!("satisfy regular expression pattern: {java}"));
            }
        }
    }

    /// Bytes in base64: the bounds are about the bytes.
    fn blob(&mut self, shape: &Shape, text: &str, path: &str) -> Result<(), ApiError> {
        let bytes = STANDARD.decode(text);
        let bytes =
            bytes.map_err(|_| ApiError::Serialization(format!("'{path}' must be bytes in base64.")))?;
        self.size(shape, bytes.len(), path);
        Ok(())
    }

    fn integer(&mut self, shape: &Shape, number: i64, path: &str) {
        let bound = match (shape.min, shape.max) {
            (_, Some(max)) if number > max => format!("less than or equal to {max}"),
            (Some(min), _) if number < min => format!("greater than or equal to {min}"),
            _ => return,
        };
        self.fault(format!(
            "Value '{number}' at '{path}' failed to satisfy constraint: Member must have value {bound}"
        ));
    }

    fn size(&mut self, shape: &Shape, count: usize, path: &str) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let bound = match (shape.min, shape.max) {
            (_, Some(max)) if count > max => format!("less than or equal to {max}"),
            (Some(min), _) if count < min => format!("greater than or equal to {min}"),
            _ => return,
        };
        self.fault(format!(
            "Value at '{path}' failed to satisfy constraint: Member must have length {bound}"
        ));
    }

    fn fault(&mut self, fault: String) {
        if self.faults.len() < MOST {
            self.faults.push(fault);
        }
    }
}

fn echo(text: &str) -> String {
    let mut shown: String = text.chars().take(ECHO).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

fn wrong_type(kind: Type, given: &Value, path: &str) -> ApiError {
    let wanted = match kind {
        Type::Blob | Type::String => "a string",
        Type::Boolean => "true or false",
        Type::Integer | Type::Long => "a whole number",
        Type::List => "a list",
        Type::Map | Type::Structure => "an object",
        Type::Timestamp => "a number of seconds",
    };
    let given = match given {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    let place = if path.is_empty() { "The request".to_owned() } else { format!("'{path}'") };
    ApiError::Serialization(format!("{place} must be {wanted}, not {given}."))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// `PoolName` is shown as `poolName`, as the reference shows it.
fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
