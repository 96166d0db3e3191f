//! What an attribute's value must be, beyond what sign-ins are held to: of the schema, mutable, well formed.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use super::ApiError;
use super::error::invalid;
use crate::pool::{AppClient, AttributeDataType, SchemaAttribute, UserPool};

/// `AttributeType` of the model.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Given {
    name: String,
    value: Option<String>,
}

/// What a request changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Attributes with a value.
    pub(super) set: BTreeMap<String, String>,
    /// Attributes without one.
    pub(super) remove: Vec<String>,
}

/// Who changes attributes.
#[derive(Clone, Copy)]
pub(super) enum Writer<'a> {
    /// Whoever holds the management credentials.
    Admin,
    /// The user, through this app client.
    User(&'a AppClient),
}

impl Writer<'_> {
    /// Users write what their client may write. Whether an address is theirs is never for them to say.
    fn may_write(self, rule: &SchemaAttribute) -> Result<(), ApiError> {
        let Self::User(client) = self else { return Ok(()) };
        let flag = matches!(&*rule.name, "email_verified" | "phone_number_verified");
        if flag || rule.developer_only_attribute || !(rule.required || client.may_write(&rule.name)) {
            return Err(ApiError::NotAuthorized(format!(
                "A client attempted to write unauthorized attribute: {}",
                rule.name
            )));
        }
        Ok(())
    }
}

/// Checks values that are to be set; an empty one removes.
///
/// # Errors
/// Which attribute is wrong, and why.
pub(super) fn check(pool: &UserPool, given: Vec<Given>, writer: Writer<'_>) -> Result<Changes, ApiError> {
    let (mut changes, mut seen) = (Changes::default(), BTreeSet::new());
    for Given { name, value } in given {
        if !seen.insert(name.clone()) {
            return Err(invalid(format!("UserAttributes names {name} more than once.")));
        }
        let rule = changeable(pool, &name, writer)?;
        match value.filter(|value| !value.is_empty()) {
            Some(value) => {
                let value = conforming(rule, value).map_err(|why| nonconforming(&name, &why))?;
                changes.set.insert(name, value);
            }
            None => changes.remove.push(dispensable(rule)?),
        }
    }
    Ok(changes)
}

/// Checks attributes that are to be removed.
///
/// # Errors
/// Which attribute cannot be, and why.
pub(super) fn check_removal(
    pool: &UserPool,
    names: Vec<String>,
    writer: Writer<'_>,
) -> Result<Changes, ApiError> {
    let remove = names.iter().map(|name| dispensable(changeable(pool, name, writer)?));
    Ok(Changes { set: BTreeMap::new(), remove: remove.collect::<Result<_, _>>()? })
}

/// The rule of an attribute that this writer may change.
fn changeable<'p>(
    pool: &'p UserPool,
    name: &str,
    writer: Writer<'_>,
) -> Result<&'p SchemaAttribute, ApiError> {
    let unknown = || nonconforming(name, "Attribute does not exist in the schema.");
    let rule = pool.attribute(name).ok_or_else(unknown)?;
    if !rule.mutable || matches!(name, "sub" | "identities") {
        return Err(invalid(format!("user.{name}: Attribute cannot be updated.")));
    }
    writer.may_write(rule)?;
    Ok(rule)
}

fn dispensable(rule: &SchemaAttribute) -> Result<String, ApiError> {
    if rule.required {
        let name = &rule.name;
        return Err(invalid(format!(
            "Invalid user attributes: {name}: The attribute is required: it can be changed, and not removed."
        )));
    }
    Ok(rule.name.clone())
}

fn nonconforming(name: &str, why: &str) -> ApiError {
    invalid(format!("Attributes did not conform to the schema: {name}: {why}"))
}

fn conforming(rule: &SchemaAttribute, value: String) -> Result<String, String> {
    let value = rule.conform(value)?;
    let well_formed = match (&*rule.name, rule.attribute_data_type) {
        ("phone_number", _) => is_phone_number(&value)
            .then_some(())
            .ok_or("Invalid phone number format: write +, country code and number, digits only."),
        ("email", _) => is_address(&value).then_some(()).ok_or("Invalid email address format."),
        ("birthdate", _) => is_date(&value).then_some(()).ok_or("It must be a date, YYYY-MM-DD."),
        (_, AttributeDataType::DateTime) => is_moment(&value)
            .then_some(())
            .ok_or("It must be a moment: RFC 3339 (2026-11-21T12:00:00Z), or seconds since 1970."),
        _ => Ok(()),
    };
    well_formed.map(|()| value).map_err(str::to_owned)
}

/// ITU-T E.164: at most 15 digits, of which the first is not 0.
fn is_phone_number(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    (2..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Something on both sides of the last `@`, and nothing that no address holds.
fn is_address(text: &str) -> bool {
    let odd = |letter: char| letter.is_whitespace() || letter.is_control();
    let sides = text.rsplit_once('@');
    sides.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty()) && !text.contains(odd)
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && Date::parse(text, format_description!("[year]-[month]-[day]")).is_ok()
}

fn is_moment(text: &str) -> bool {
    let seconds = text.parse::<i64>().is_ok_and(|at| OffsetDateTime::from_unix_timestamp(at).is_ok());
    seconds || OffsetDateTime::parse(text, &Rfc3339).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{client, user_pool};

    fn pool() -> UserPool {
        let mut pool = user_pool();
        for (name, kind) in [
            ("birthdate", "String"),
            ("identities", "String"),
            ("custom:since", "DateTime"),
            ("dev:custom:note", "String"),
        ] {
            let developer = name.starts_with("dev:");
            let rule = json!({"Name": name, "AttributeDataType": kind, "Mutable": true,
                              "DeveloperOnlyAttribute": developer});
            pool.schema_attributes.push(serde_json::from_value(rule).unwrap());
        }
        pool
    }

    fn given(name: &str, value: &str) -> Vec<Given> {
        vec![Given { name: name.to_owned(), value: Some(value.to_owned()) }]
    }

    fn by_admin(name: &str, value: &str) -> Result<Changes, ApiError> {
        check(&pool(), given(name, value), Writer::Admin)
    }

    #[test]
    fn values_are_held_to_their_type_and_bounds() {
        for (name, value) in [
            ("name", "Ann"),
            ("email", "a@b.example"),
            ("email", "\"a@x\"@b.example"),
            ("email_verified", "true"),
            ("phone_number", "+14325551212"),
            ("phone_number", "+123456789012345"),
            ("birthdate", "2000-02-29"),
            ("custom:age", "0"),
            ("custom:age", "150"),
            ("custom:short", "ab"),
            ("custom:short", "éééé"),
            ("custom:since", "2026-11-21T12:00:00+01:00"),
            ("custom:since", "1795262400"),
            ("dev:custom:note", "x"),
        ] {
            let changes = by_admin(name, value).unwrap_or_else(|error| panic!("{name} {value}: {error}"));
            assert_eq!(changes.set, BTreeMap::from([(name.to_owned(), value.to_owned())]));
        }
        assert_eq!(by_admin("email_verified", "TRUE").unwrap().set["email_verified"], "true");
        let long = "x".repeat(2_049);
        for (name, value) in [
            ("name", long.as_str()),
            ("email", "a.example"),
            ("email", "@b.example"),
            ("email", "a@"),
            ("email", "a @b.example"),
            ("email_verified", "yes"),
            ("phone_number", "14325551212"),
            ("phone_number", "+1 432 555 1212"),
            ("phone_number", "+0432"),
            ("phone_number", "+1"),
            ("phone_number", "+1234567890123456"),
            ("phone_number", "+１２３４"),
            ("birthdate", "2000-02-30"),
            ("birthdate", "29.02.2000"),
            ("birthdate", "+02000-02-29"),
            ("custom:age", "151"),
            ("custom:age", "-1"),
            ("custom:age", "1.5"),
            ("custom:age", "old"),
            ("custom:short", "a"),
            ("custom:short", "abcde"),
            ("custom:since", "yesterday"),
            ("custom:none", "x"),
            ("username", "x"),
        ] {
            let Err(ApiError::InvalidParameter(text)) = by_admin(name, value) else {
                panic!("{name} {value}")
            };
            assert!(text.contains(name) && !text.contains(long.as_str()), "{text}");
        }
    }

    #[test]
    fn what_never_changes_is_refused_and_so_is_what_must_stay() {
        for name in ["sub", "identities", "custom:badge"] {
            let Err(ApiError::InvalidParameter(text)) = by_admin(name, "x") else { panic!("{name}") };
            assert!(text.contains("cannot be updated"), "{text}");
            assert!(check_removal(&pool(), vec![name.to_owned()], Writer::Admin).is_err(), "{name}");
        }
        let Err(ApiError::InvalidParameter(text)) = by_admin("email", "") else { panic!("email") };
        assert!(text.contains("required"), "{text}");
        for name in ["email", "custom:none"] {
            assert!(check_removal(&pool(), vec![name.to_owned()], Writer::Admin).is_err(), "{name}");
        }
    }

    #[test]
    fn an_empty_value_removes_and_no_name_comes_twice() {
        let expected = Changes { set: BTreeMap::new(), remove: vec!["name".to_owned()] };
        assert_eq!(by_admin("name", "").unwrap(), expected);
        assert_eq!(by_admin("custom:short", "").unwrap().remove, ["custom:short"]);
        let absent = vec![Given { name: "name".to_owned(), value: None }];
        assert_eq!(check(&pool(), absent, Writer::Admin).unwrap(), expected);
        let mut twice = given("name", "Ann");
        twice.extend(given("name", ""));
        assert!(check(&pool(), twice, Writer::Admin).is_err());
    }

    #[test]
    fn a_user_writes_what_the_client_may_write_and_never_that_an_address_is_verified() {
        let through = |members: Value, name: &str, value: &str| {
            let client = client(members);
            let set = check(&pool(), given(name, value), Writer::User(&client)).map(|_| ());
            let removed = check_removal(&pool(), vec![name.to_owned()], Writer::User(&client)).map(|_| ());
            (set, removed)
        };
        let narrow = || json!({"WriteAttributes": ["name"]});
        assert!(matches!(through(narrow(), "name", "Ann"), (Ok(()), Ok(()))));
        assert!(matches!(through(json!({}), "phone_number", "+1234"), (Ok(()), Ok(()))));
        // What is required is always writable.
        assert!(matches!(through(narrow(), "email", "a@b.example").0, Ok(())));
        for (members, name, value) in [
            (narrow(), "phone_number", "+1234"),
            (json!({}), "email_verified", "true"),
            (json!({"WriteAttributes": ["phone_number_verified"]}), "phone_number_verified", "true"),
            (json!({}), "dev:custom:note", "x"),
        ] {
            let (set, removed) = through(members, name, value);
            assert!(matches!(&set, Err(ApiError::NotAuthorized(text)) if text.contains(name)), "{set:?}");
            assert!(matches!(removed, Err(ApiError::NotAuthorized(_))), "{name}");
        }
    }
}
