//! Which members of an input the model does not know.

use serde_json::Value;

use super::{Shape, Type, model};

/// One step of the way into a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Of a structure or a map.
    Member(String),
    /// Of a list, from 0.
    Item(usize),
}

/// The way to the first member that the input of this operation may not have.
pub fn unknown_member(operation: &str, input: &Value) -> Option<Vec<Step>> {
    let shape = model().operations.get(operation)?.input.as_deref()?;
    let mut path = Vec::new();
    find(shape, input, &mut path).then_some(path)
}

/// The members that may stand where this way ends.
pub fn taken_at(operation: &str, path: &[Step]) -> Vec<&'static str> {
    let model = model();
    let root = model.operations.get(operation).and_then(|known| known.input.as_deref());
    let mut shape = root.and_then(|name| model.shapes.get(name));
    for step in path.iter().take(path.len().saturating_sub(1)) {
        shape = shape.and_then(|shape| {
            let next = match step {
                Step::Member(name) => shape.members.get(name).or(shape.value.as_ref()),
                Step::Item(_) => shape.member.as_ref(),
            };
            model.shapes.get(next?)
        });
    }
    let names = shape.into_iter().flat_map(|shape| shape.members.keys());
    names.map(String::as_str).filter(|name| *name != "UserPoolId").collect()
}

/// Whether the input of this operation has this member.
pub fn takes(operation: &str, member: &str) -> bool {
    let model = model();
    let root = model.operations.get(operation).and_then(|known| known.input.as_deref());
    root.and_then(|name| model.shapes.get(name)).is_some_and(|shape| shape.members.contains_key(member))
}

/// Whether there is one, and `path` leads to it.
fn find(name: &str, value: &Value, path: &mut Vec<Step>) -> bool {
    let Some(shape) = model().shapes.get(name) else { return false };
    match (shape.kind, value) {
        (Type::Structure | Type::Map, Value::Object(members)) => {
            members.iter().any(|(name, value)| in_member(shape, name, value, path))
        }
        (Type::List, Value::Array(items)) => items.iter().enumerate().any(|(place, item)| {
            path.push(Step::Item(place));
            let found = shape.member.as_deref().is_some_and(|member| find(member, item, path));
            if !found {
                path.pop();
            }
            found
        }),
        _ => false,
    }
}

fn in_member(shape: &Shape, name: &str, value: &Value, path: &mut Vec<Step>) -> bool {
    path.push(Step::Member(name.to_owned()));
    let found = match (shape.kind, shape.members.get(name)) {
        (Type::Map, _) => shape.value.as_deref().is_some_and(|of| find(of, value, path)),
        (_, Some(member)) => find(member, value, path),
        (_, None) => true,
    };
    if !found {
        path.pop();
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_unknown_member_is_found_at_any_depth() {
        let at = |input: Value| unknown_member("CreateUserPool", &input);
        assert_eq!(at(json!({ "PoolName": "a", "UserPoolTags": { "any": "tag" } })), None);
        assert_eq!(at(json!({ "PoolNam": "a" })), Some(vec![Step::Member("PoolNam".into())]));
        let deep = at(json!({ "Schema": [{ "Name": "a" }, { "Nam": "b" }] }));
        let path = [Step::Member("Schema".into()), Step::Item(1), Step::Member("Nam".into())];
        assert_eq!(deep.as_deref(), Some(&path[..]));
        assert!(taken_at("CreateUserPool", &path).contains(&"AttributeDataType"));
        assert!(
            takes("CreateUserPoolClient", "GenerateSecret")
                && !takes("UpdateUserPoolClient", "GenerateSecret")
        );
    }
}
