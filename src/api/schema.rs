//! The attributes of a pool: the standard ones as the reference service has them, then the custom ones.

use serde::Deserialize;
use serde_json::{Value, json};

use super::error::invalid;
use super::{ApiError, model};
use crate::pool::limits::{ATTRIBUTE_VALUE, CUSTOM_ATTRIBUTE_NAME, CUSTOM_ATTRIBUTES};
use crate::pool::user_pool::{NumberConstraints, StringConstraints};
use crate::pool::{AttributeDataType, SchemaAttribute};

/// `SchemaAttributeType` as a request gives it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Wanted {
    name: Option<String>,
    attribute_data_type: Option<AttributeDataType>,
    developer_only_attribute: Option<bool>,
    mutable: Option<bool>,
    required: Option<bool>,
    string_attribute_constraints: Option<StringConstraints>,
    number_attribute_constraints: Option<NumberConstraints>,
}

fn text(name: &str, min: usize, max: usize) -> SchemaAttribute {
    SchemaAttribute {
        name: name.to_owned(),
        attribute_data_type: AttributeDataType::String,
        developer_only_attribute: false,
        mutable: true,
        required: false,
        string_attribute_constraints: Some(StringConstraints {
            min_length: Some(min.to_string()),
            max_length: Some(max.to_string()),
        }),
        number_attribute_constraints: None,
    }
}

fn flag(name: &str) -> SchemaAttribute {
    SchemaAttribute {
        attribute_data_type: AttributeDataType::Boolean,
        string_attribute_constraints: None,
        ..text(name, 0, 0)
    }
}

/// The standard attributes (OpenID Connect Core 5.1, and the reference service's own), in its order.
pub(crate) fn standard() -> Vec<SchemaAttribute> {
    let sub = SchemaAttribute { mutable: false, required: true, ..text("sub", 1, ATTRIBUTE_VALUE) };
    let updated_at = SchemaAttribute {
        attribute_data_type: AttributeDataType::Number,
        string_attribute_constraints: None,
        number_attribute_constraints: Some(NumberConstraints {
            min_value: Some("0".to_owned()),
            max_value: None,
        }),
        ..text("updated_at", 0, 0)
    };
    let identities = SchemaAttribute {
        string_attribute_constraints: Some(StringConstraints::default()),
        ..text("identities", 0, 0)
    };
    let plain = |name| text(name, 0, ATTRIBUTE_VALUE);
    vec![
        sub,
        plain("name"),
        plain("given_name"),
        plain("family_name"),
        plain("middle_name"),
        plain("nickname"),
        plain("preferred_username"),
        plain("profile"),
        plain("picture"),
        plain("website"),
        plain("email"),
        flag("email_verified"),
        plain("gender"),
        text("birthdate", 10, 10),
        plain("zoneinfo"),
        plain("locale"),
        plain("phone_number"),
        flag("phone_number_verified"),
        plain("address"),
        updated_at,
        identities,
    ]
}

/// The whole schema of a new pool.
pub(super) fn of_new_pool(wanted: Vec<Wanted>) -> Result<Vec<SchemaAttribute>, ApiError> {
    let mut schema = standard();
    let mut custom: Vec<SchemaAttribute> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for one in wanted {
        let Some(name) = one.name.clone() else {
            return Err(invalid("Every attribute in Schema must have a Name."));
        };
        if !seen.insert(name.clone()) {
            return Err(invalid(format!("Schema names {name} more than once.")));
        }
        match schema.iter_mut().find(|attribute| attribute.name == name) {
            Some(attribute) => change_standard(attribute, one)?,
            None => custom.push(new_custom(&name, one)?),
        }
    }
    schema.append(&mut custom);
    check_count(&schema)?;
    Ok(schema)
}

/// Adds custom attributes to the schema of a pool. They stay for good.
pub(super) fn add(schema: &mut Vec<SchemaAttribute>, wanted: Vec<Wanted>) -> Result<(), ApiError> {
    for one in wanted {
        let Some(name) = one.name.clone() else {
            return Err(invalid("Every attribute in CustomAttributes must have a Name."));
        };
        let attribute = new_custom(&name, one)?;
        if schema.iter().any(|known| known.name == attribute.name) {
            let name = attribute.name;
            return Err(invalid(format!("{name}: Existing attribute already has name {name}.")));
        }
        schema.push(attribute);
    }
    check_count(schema)
}

fn check_count(schema: &[SchemaAttribute]) -> Result<(), ApiError> {
    let custom = schema.iter().filter(|attribute| attribute.name.contains(':')).count();
    if custom > CUSTOM_ATTRIBUTES {
        return Err(ApiError::LimitExceeded(format!(
            "A user pool may have at most {CUSTOM_ATTRIBUTES} custom attributes, not {custom}."
        )));
    }
    Ok(())
}

/// Each attribute that a `Schema` names, and what a new pool makes of it.
///
/// # Errors
/// As making the pool has them.
pub(crate) fn of_request(schema: &Value) -> Result<Vec<(Value, SchemaAttribute)>, ApiError> {
    let internal = |error: serde_json::Error| ApiError::Internal(error.to_string());
    model::validate("CreateUserPool", &json!({ "PoolName": "schema", "Schema": schema }))?;
    let wanted: Vec<Wanted> = serde_json::from_value(schema.clone()).map_err(internal)?;
    let made = of_new_pool(wanted)?;
    let found = schema.as_array().into_iter().flatten().filter_map(|given| {
        let name = given.get("Name")?.as_str()?;
        let is_it = |attribute: &&SchemaAttribute| {
            attribute.name == name || attribute.name.split_once(':').is_some_and(|(_, own)| own == name)
        };
        Some((given.clone(), made.iter().find(is_it)?.clone()))
    });
    Ok(found.collect())
}

fn change_standard(attribute: &mut SchemaAttribute, wanted: Wanted) -> Result<(), ApiError> {
    let name = attribute.name.clone();
    let other_type = wanted.attribute_data_type.is_some_and(|kind| kind != attribute.attribute_data_type);
    if other_type || wanted.developer_only_attribute == Some(true) {
        return Err(invalid(format!(
            "You can not change AttributeDataType or set developerOnlyAttribute for standard schema attribute {name}"
        )));
    }
    if name == "sub" && (wanted.mutable == Some(true) || wanted.required == Some(false)) {
        return Err(invalid("The attribute sub is always required and never mutable."));
    }
    let constrained = (&wanted.string_attribute_constraints, &wanted.number_attribute_constraints);
    check_constraints(&name, attribute.attribute_data_type, constrained.0.as_ref(), constrained.1.as_ref())?;
    if name == "identities" && (wanted.required == Some(true) || wanted.mutable == Some(false)) {
        return Err(invalid("The attribute identities is kept by the pool and cannot be changed."));
    }
    attribute.mutable = wanted.mutable.unwrap_or(attribute.mutable);
    attribute.required = wanted.required.unwrap_or(attribute.required);
    if wanted.string_attribute_constraints.is_some() {
        attribute.string_attribute_constraints = wanted.string_attribute_constraints;
    }
    if wanted.number_attribute_constraints.is_some() {
        attribute.number_attribute_constraints = wanted.number_attribute_constraints;
    }
    Ok(())
}

fn new_custom(name: &str, wanted: Wanted) -> Result<SchemaAttribute, ApiError> {
    if name.contains(':') {
        return Err(invalid(format!(
            "Schema attribute {name} is not allowed: give custom attributes without a prefix, and no colon."
        )));
    }
    if name.chars().count() > CUSTOM_ATTRIBUTE_NAME {
        return Err(invalid(format!(
            "A custom attribute's name has at most {CUSTOM_ATTRIBUTE_NAME} characters."
        )));
    }
    // These would be taken for something else in a mapping or a token.
    if matches!(name, "username" | "cognito") {
        return Err(invalid(format!("Schema attribute {name} is reserved.")));
    }
    if wanted.required == Some(true) {
        return Err(invalid("Required custom attributes are not supported currently."));
    }
    let Some(kind) = wanted.attribute_data_type else {
        return Err(invalid(format!(
            "Invalid AttributeDataType input of {name}, consider using the provided AttributeDataType enum."
        )));
    };
    let (strings, numbers) = (wanted.string_attribute_constraints, wanted.number_attribute_constraints);
    check_constraints(name, kind, strings.as_ref(), numbers.as_ref())?;
    let developer = wanted.developer_only_attribute.unwrap_or(false);
    Ok(SchemaAttribute {
        name: format!("{}custom:{name}", if developer { "dev:" } else { "" }),
        attribute_data_type: kind,
        developer_only_attribute: developer,
        mutable: wanted.mutable.unwrap_or(true),
        required: false,
        string_attribute_constraints: (kind == AttributeDataType::String)
            .then(|| strings.unwrap_or_default()),
        number_attribute_constraints: (kind == AttributeDataType::Number)
            .then(|| numbers.unwrap_or_default()),
    })
}

/// Bounds are whole numbers as strings, in order, of the attribute's own type; lengths end at 2,048.
fn check_constraints(
    name: &str,
    kind: AttributeDataType,
    strings: Option<&StringConstraints>,
    numbers: Option<&NumberConstraints>,
) -> Result<(), ApiError> {
    let number = |value: &Option<String>| match value {
        None => Ok(None),
        Some(text) => text
            .parse::<i64>()
            .map(Some)
            .map_err(|_| invalid(format!("A bound of schema attribute {name} is not a whole number."))),
    };
    let (of, low, high) = match (kind, strings, numbers) {
        (_, None, None) => return Ok(()),
        (AttributeDataType::String, Some(bounds), None) => {
            let (low, high) = (number(&bounds.min_length)?, number(&bounds.max_length)?);
            let longest = i64::try_from(ATTRIBUTE_VALUE).unwrap_or(i64::MAX);
            if low.is_some_and(|low| low < 0) || low.max(high).is_some_and(|bound| bound > longest) {
                return Err(invalid(format!(
                    "Lengths of schema attribute {name} range from 0 to {longest}."
                )));
            }
            ("length", low, high)
        }
        (AttributeDataType::Number, None, Some(bounds)) => {
            ("value", number(&bounds.min_value)?, number(&bounds.max_value)?)
        }
        _ => return Err(invalid(format!("Constraints of schema attribute {name} are not of its type."))),
    };
    match (low, high) {
        (Some(low), Some(high)) if low > high => {
            Err(invalid(format!("The smallest {of} of schema attribute {name} is greater than the largest.")))
        }
        _ => Ok(()),
    }
}
