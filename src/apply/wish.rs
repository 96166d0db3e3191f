//! What a file asks for: pools, and what is in each, with the names of the management API.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::yaml::{Content, Node, Step, YamlError};
use crate::api::model;

/// The one member at the top of a file.
pub(super) const POOLS: &str = "UserPools";

/// What a pool holds, in the order in which it is made: what others refer to comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ThingKind {
    /// An identity provider.
    IdentityProvider,
    /// A resource server.
    ResourceServer,
    /// An app client.
    UserPoolClient,
    /// A domain.
    UserPoolDomain,
    /// A group.
    Group,
}

impl ThingKind {
    /// All of them.
    pub(super) const ALL: [Self; 5] = [
        Self::IdentityProvider,
        Self::ResourceServer,
        Self::UserPoolClient,
        Self::UserPoolDomain,
        Self::Group,
    ];

    /// The noun in the names of operations.
    pub(super) const fn noun(self) -> &'static str {
        match self {
            Self::IdentityProvider => "IdentityProvider",
            Self::ResourceServer => "ResourceServer",
            Self::UserPoolClient => "UserPoolClient",
            Self::UserPoolDomain => "UserPoolDomain",
            Self::Group => "Group",
        }
    }

    /// Name of the list in a pool.
    pub(super) fn list(self) -> String {
        format!("{}s", self.noun())
    }

    /// The member that names one of them.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::IdentityProvider => "ProviderName",
            Self::ResourceServer => "Identifier",
            Self::UserPoolClient => "ClientName",
            Self::UserPoolDomain => "Domain",
            Self::Group => "GroupName",
        }
    }
}

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Wish {
    pub(super) pools: Vec<PoolWish>,
}

/// A pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PoolWish {
    pub(super) line: usize,
    /// `UserPoolId`, where the file gives it.
    pub(super) id: Option<String>,
    /// As `CreateUserPool` takes them.
    pub(super) members: Map<String, Value>,
    pub(super) things: Vec<Thing>,
}

/// Something in a pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Thing {
    pub(super) kind: ThingKind,
    pub(super) line: usize,
    /// `ClientId`, where the file gives it.
    pub(super) id: Option<String>,
    /// As the operation that makes one takes them, but for `UserPoolId`.
    pub(super) members: Map<String, Value>,
}

impl Thing {
    /// What it is called.
    pub(super) fn name(&self) -> &str {
        self.members.get(self.kind.name()).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Wish {
    /// Reads what a file asks for.
    ///
    /// # Errors
    /// The first member that is not known, or that must be there and is not, with its line. Values are checked by the
    /// API's own rules, later.
    pub(super) fn read(document: &Node) -> Result<Self, YamlError> {
        let members = map(document, "the file")?;
        let mut pools = Vec::new();
        for (name, line, node) in members {
            if name != POOLS {
                return Err(YamlError::new(*line, format!("{name} is not known here: a file holds {POOLS}")));
            }
            for pool in list(node, POOLS)? {
                pools.push(read_pool(pool)?);
            }
        }
        Ok(Self { pools })
    }
}

fn read_pool(node: &Node) -> Result<PoolWish, YamlError> {
    let (mut settings, mut things, mut id) = (Vec::new(), Vec::new(), None);
    for (name, line, node) in map(node, "a pool")? {
        if let Some(kind) = ThingKind::ALL.into_iter().find(|kind| kind.list() == *name) {
            for one in list(node, name)? {
                things.push(read_thing(kind, one)?);
            }
        } else if name == "UserPoolId" {
            id = Some(text(node, name)?);
        } else {
            settings.push((name.clone(), *line, node.clone()));
        }
    }
    // As they depend on each other, whatever order the file has.
    things.sort_by_key(|thing| ThingKind::ALL.iter().position(|kind| *kind == thing.kind));
    let lists: Vec<_> = ThingKind::ALL.into_iter().map(ThingKind::list).collect();
    let more = format!("UserPoolId, {}", lists.join(", "));
    let settings = Node { line: node.line, content: Content::Map(settings) };
    let members = known(&settings, "CreateUserPool", &more)?;
    if !members.get("PoolName").is_some_and(Value::is_string) {
        return Err(YamlError::new(node.line, "a pool needs its PoolName, a text"));
    }
    Ok(PoolWish { line: node.line, id, members, things })
}

fn read_thing(kind: ThingKind, node: &Node) -> Result<Thing, YamlError> {
    let (mut settings, mut id) = (Vec::new(), None);
    for (name, line, node) in map(node, kind.noun())? {
        match name.as_str() {
            "ClientId" if kind == ThingKind::UserPoolClient => id = Some(text(node, name)?),
            "UserPoolId" => {
                let why = "UserPoolId is said once, of the pool that this stands in";
                return Err(YamlError::new(*line, why));
            }
            _ => settings.push((name.clone(), *line, node.clone())),
        }
    }
    let settings = Node { line: node.line, content: Content::Map(settings) };
    let more = if kind == ThingKind::UserPoolClient { "ClientId" } else { "" };
    let members = known(&settings, &format!("Create{}", kind.noun()), more)?;
    if !members.get(kind.name()).is_some_and(Value::is_string) {
        return Err(YamlError::new(node.line, format!("{} needs its {}, a text", kind.noun(), kind.name())));
    }
    Ok(Thing { kind, line: node.line, id, members })
}

/// The members, all of which the operation takes. `null` counts as absent.
fn known(node: &Node, operation: &str, more: &str) -> Result<Map<String, Value>, YamlError> {
    let value = node.value();
    if let Some(path) = model::unknown_member(operation, &value) {
        let line = node.line_of(&path);
        let name = match path.last() {
            Some(Step::Member(name)) => name.as_str(),
            _ => "this",
        };
        let and = if path.len() == 1 && !more.is_empty() { format!(", and {more}") } else { String::new() };
        let taken = model::taken_at(operation, &path).join(", ");
        return Err(YamlError::new(line, format!("{name} is not known here: allowed are {taken}{and}")));
    }
    match value {
        Value::Object(members) => Ok(members.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        _ => Ok(Map::new()),
    }
}

fn map<'n>(node: &'n Node, what: &str) -> Result<&'n [(String, usize, Node)], YamlError> {
    match &node.content {
        Content::Map(members) => Ok(members),
        _ => Err(YamlError::new(node.line, format!("{what} must consist of members (name: value)"))),
    }
}

fn list<'n>(node: &'n Node, what: &str) -> Result<&'n [Node], YamlError> {
    match &node.content {
        Content::List(items) => Ok(items),
        Content::Scalar(Value::Null) => Ok(&[]),
        _ => Err(YamlError::new(node.line, format!("{what} must be a list"))),
    }
}

fn text(node: &Node, what: &str) -> Result<String, YamlError> {
    match &node.content {
        Content::Scalar(Value::String(text)) => Ok(text.clone()),
        _ => Err(YamlError::new(node.line, format!("{what} must be a text; put it in quotes"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::yaml;

    fn read(text: &str) -> Result<Wish, YamlError> {
        Wish::read(&yaml::read(text).unwrap().unwrap())
    }

    #[test]
    fn a_file_is_read_in_the_order_in_which_things_are_made() {
        let wish = read(
            "UserPools:\n- PoolName: acme\n  UserPoolId: us-east-1_Acme00001\n  UserPoolClients:\n  - ClientName: web\n    \
             ClientId: abc\n  IdentityProviders:\n  - ProviderName: Okta\n    ProviderType: SAML\n    ProviderDetails: {}\n",
        )
        .unwrap();
        let [pool] = &wish.pools[..] else { panic!("{wish:?}") };
        assert_eq!((pool.id.as_deref(), pool.line), (Some("us-east-1_Acme00001"), 2));
        let things: Vec<_> =
            pool.things.iter().map(|thing| (thing.kind.noun(), thing.name(), thing.line)).collect();
        assert_eq!(things, [("IdentityProvider", "Okta", 8), ("UserPoolClient", "web", 5)]);
        assert_eq!(pool.things[1].id.as_deref(), Some("abc"));
    }

    #[test]
    fn what_is_not_known_is_refused_by_name_and_line() {
        for (text, line, words) in [
            ("Pools: []\n", 1, ["Pools", "UserPools"]),
            ("UserPools:\n- PoolName: a\n  Colour: red\n", 3, ["Colour", "UserPoolClients"]),
            (
                "UserPools:\n- PoolName: a\n  Schema:\n  - Name: b\n    Nam: c\n",
                5,
                ["Nam", "AttributeDataType"],
            ),
            ("UserPools:\n- PoolName: a\n  Groups:\n  - GroupName: b\n    Role: c\n", 5, ["Role", "RoleArn"]),
            (
                "UserPools:\n- PoolName: a\n  Groups:\n  - GroupName: b\n    UserPoolId: c\n",
                5,
                ["UserPoolId", "once"],
            ),
            ("UserPools:\n- Schema: []\n", 2, ["PoolName", "needs"]),
            ("UserPools:\n- PoolName: 7\n", 2, ["PoolName", "text"]),
            ("UserPools:\n- PoolName: a\n  Groups:\n  - RoleArn: b\n", 4, ["Group", "GroupName"]),
            ("UserPools: {}\n", 1, ["UserPools", "list"]),
            ("- a\n", 1, ["file", "members"]),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.line, line, "{text}: {error}");
            assert!(words.iter().all(|word| error.why.contains(word)), "{text}: {error}");
        }
    }
}
