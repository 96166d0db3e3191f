//! A user pool: its schema and whatever else was configured.

use serde::{Deserialize, Serialize};

use super::limits::ATTRIBUTE_VALUE;
use super::{LambdaConfig, Rest, Timestamp};

/// A user pool, in the shape `DescribeUserPool` gives it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UserPool {
    /// `{region}_{9 letters and digits}`.
    pub id: String,
    /// Name, 1 to 128 characters.
    pub name: String,
    /// Amazon resource name.
    pub arn: String,
    /// When it was made.
    pub creation_date: Timestamp,
    /// When it was last changed.
    pub last_modified_date: Timestamp,
    /// Every attribute a user may have: the standard ones, then the custom ones.
    pub schema_attributes: Vec<SchemaAttribute>,
    /// `ACTIVE` refuses `DeleteUserPool`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_protection: Option<String>,
    /// Whether usernames differ by case. Absent: they do. (Provider subjects are never folded.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username_configuration: Option<UsernameConfiguration>,
    /// Functions that take part in sign-ins.
    #[serde(default)]
    pub lambda_config: LambdaConfig,
    /// Members kept as they came.
    #[serde(flatten)]
    pub rest: Rest,
}

/// Case rule of usernames.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UsernameConfiguration {
    /// Whether usernames differ by case.
    pub case_sensitive: bool,
}

/// One attribute a user of the pool may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SchemaAttribute {
    /// `email`, `custom:department`, …
    pub name: String,
    /// Type of its values.
    pub attribute_data_type: AttributeDataType,
    /// Whether only developers may see it (`dev:`).
    #[serde(default)]
    pub developer_only_attribute: bool,
    /// Whether a value may change once set.
    #[serde(default)]
    pub mutable: bool,
    /// Whether every user must have it.
    #[serde(default)]
    pub required: bool,
    /// Length bounds, decimal numbers as strings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string_attribute_constraints: Option<StringConstraints>,
    /// Value bounds, decimal numbers as strings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_attribute_constraints: Option<NumberConstraints>,
}

impl SchemaAttribute {
    /// The value as it is stored, when it is of the attribute's type and within its bounds.
    ///
    /// # Errors
    /// Why it is not, in words.
    pub fn conform(&self, value: String) -> Result<String, String> {
        let length = value.chars().count();
        if length > ATTRIBUTE_VALUE {
            return Err(format!("The value is longer than {ATTRIBUTE_VALUE} characters"));
        }
        match self.attribute_data_type {
            AttributeDataType::String => {
                let bounds = self.string_attribute_constraints.as_ref();
                let shortest = bounds.and_then(|bounds| bounds.min_length.as_deref()?.parse::<usize>().ok());
                let longest = bounds.and_then(|bounds| bounds.max_length.as_deref()?.parse::<usize>().ok());
                if let Some(least) = shortest.filter(|least| length < *least) {
                    return Err(format!("The value is shorter than {least} characters"));
                }
                if let Some(most) = longest.filter(|most| length > *most) {
                    return Err(format!("The value is longer than {most} characters"));
                }
                Ok(value)
            }
            AttributeDataType::Number => {
                let Ok(number) = value.parse::<i64>() else { return Err("The value is not a number".into()) };
                let bounds = self.number_attribute_constraints.as_ref();
                let least = bounds.and_then(|bounds| bounds.min_value.as_deref()?.parse::<i64>().ok());
                let most = bounds.and_then(|bounds| bounds.max_value.as_deref()?.parse::<i64>().ok());
                if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
                    return Err("The value is outside the attribute's range".into());
                }
                Ok(value)
            }
            AttributeDataType::Boolean => match value.to_ascii_lowercase().as_str() {
                flag @ ("true" | "false") => Ok(flag.to_owned()),
                _ => Err("The value is neither true nor false".into()),
            },
            AttributeDataType::DateTime => Ok(value),
        }
    }
}

/// `AttributeDataType` of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttributeDataType {
    /// Text.
    String,
    /// A decimal integer.
    Number,
    /// A date and time.
    DateTime,
    /// `true` or `false`.
    Boolean,
}

/// `StringAttributeConstraintsType` of the model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StringConstraints {
    /// Shortest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<String>,
    /// Longest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<String>,
}

/// `NumberAttributeConstraintsType` of the model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NumberConstraints {
    /// Smallest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_value: Option<String>,
    /// Largest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_value: Option<String>,
}

impl UserPool {
    /// The attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&SchemaAttribute> {
        self.schema_attributes.iter().find(|attribute| attribute.name == name)
    }

    /// Names of the attributes that every user must have, `sub` apart (Poolgate makes that one).
    pub fn required_attributes(&self) -> impl Iterator<Item = &str> {
        self.schema_attributes
            .iter()
            .filter(|attribute| attribute.required && attribute.name != "sub")
            .map(|attribute| attribute.name.as_str())
    }
}
