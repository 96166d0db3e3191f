//! Tags of user pools.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::error::invalid;
use super::members::Members;
use super::{ApiContext, ApiError};
use crate::pool::limits::TAGS;
use crate::pool::{Rest, UserPool};
use crate::registry::{Edit, Snapshot, Versioned};

type Tags = BTreeMap<String, String>;

/// The member that holds them in a pool.
const MEMBER: &str = "UserPoolTags";
/// Begins the names that only the service itself may use.
const RESERVED: &str = "aws:";

#[expect(clippy::expect_used, reason = "the pattern is part of the program, and a test uses it")]
static LETTERS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\A[\p{L}\p{M}\p{N}\p{Z}_.:/=+@-]*\z").expect("the pattern must compile"));

/// Checks the tags of a whole pool. Lengths are the model's matter.
fn check(tags: &Tags) -> Result<(), ApiError> {
    for (key, value) in tags {
        if key.get(..RESERVED.len()).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED)) {
            return Err(invalid(format!(
                "The tag {key} is not allowed: names that begin with aws: are reserved."
            )));
        }
        if !LETTERS.is_match(key) || !LETTERS.is_match(value) {
            return Err(invalid(format!(
                "The tag {key} is not allowed: names and values hold letters, digits, spaces and _ . : / = + - @ only."
            )));
        }
    }
    if tags.len() > TAGS {
        let given = tags.len();
        return Err(ApiError::LimitExceeded(format!(
            "A user pool may have at most {TAGS} tags, not {given}."
        )));
    }
    Ok(())
}

fn parse(value: &Value) -> Result<Tags, ApiError> {
    serde_json::from_value(value.clone()).map_err(|error| ApiError::Internal(error.to_string()))
}

/// Checks `UserPoolTags` of a request.
pub(super) fn check_given(input: &Members) -> Result<(), ApiError> {
    input.get(MEMBER).map_or(Ok(()), |given| check(&parse(given)?))
}

/// The tags of a pool.
fn of(rest: &Rest) -> Result<Tags, ApiError> {
    rest.get(MEMBER).map_or_else(|| Ok(Tags::new()), parse)
}

/// The pool of this ARN.
fn named<'a>(snapshot: &'a Snapshot, arn: &str) -> Result<&'a Versioned<UserPool>, ApiError> {
    let parts: Vec<&str> = arn.split(':').collect();
    let id = match parts[..] {
        ["arn", _, "cognito-idp", _, _, resource] => resource.strip_prefix("userpool/"),
        _ => None,
    };
    let id = id.ok_or_else(|| {
        invalid("ResourceArn must be that of a user pool: arn:aws:cognito-idp:REGION:ACCOUNT:userpool/ID.")
    })?;
    let pool = snapshot.pool(id).map(|live| &live.pool).filter(|pool| pool.value.arn == arn);
    pool.ok_or_else(|| ApiError::ResourceNotFound(format!("Resource {arn} does not exist.")))
}

/// Changes the tags of the pool that the request names.
async fn change(
    context: &ApiContext,
    arn: &str,
    change: impl FnOnce(&mut Tags) + Send,
) -> Result<Value, ApiError> {
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let mut pool = named(&snapshot, arn)?.clone();
    let mut tags = of(&pool.value.rest)?;
    change(&mut tags);
    check(&tags)?;
    pool.value.rest.insert(MEMBER.to_owned(), json!(tags));
    context.core.registry.edit_as_of(&snapshot, vec![Edit::UpdatePool(pool)]).await?;
    Ok(json!({}))
}

/// A tag that is there already gets the new value.
pub(super) async fn tag(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let arn = input.text("ResourceArn")?;
    let mut given: Tags = input.take("Tags")?.unwrap_or_default();
    change(context, &arn, |tags| tags.append(&mut given)).await
}

/// Names of tags that are not there are no fault.
pub(super) async fn untag(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let arn = input.text("ResourceArn")?;
    let keys = input.list("TagKeys")?;
    change(context, &arn, |tags| tags.retain(|key, _| !keys.contains(key))).await
}

pub(super) async fn list(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let arn = input.text("ResourceArn")?;
    let snapshot = context.core.registry.snapshot();
    Ok(json!({ "Tags": of(&named(&snapshot, &arn)?.value.rest)? }))
}
