//! What tokens and triggers say of a user's groups (`user-pools.md` section 10).

use crate::pool::{Group, User};
use crate::registry::LivePool;

/// The groups of a user, as tokens and the triggers' `groupConfiguration` tell them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupConfiguration {
    /// Names: lowest precedence first, none last, of the same the one joined earlier first.
    pub groups: Vec<String>,
    /// The roles of these groups in the same order, each once.
    pub roles: Vec<String>,
    /// The role that counts most, where there is one such.
    pub preferred_role: Option<String>,
}

/// The groups of this user that the pool has: a place in one that is gone is none.
pub fn group_configuration(pool: &LivePool, user: &User) -> GroupConfiguration {
    let mut groups: Vec<&Group> =
        user.groups.iter().filter_map(|name| Some(&pool.groups.get(name)?.value)).collect();
    groups.sort_by_key(|group| rank(group));
    let mut roles: Vec<String> = Vec::new();
    for role in groups.iter().filter_map(|group| group.role_arn.as_ref()) {
        if !roles.contains(role) {
            roles.push(role.clone());
        }
    }
    GroupConfiguration {
        preferred_role: preferred(&groups),
        roles,
        groups: groups.into_iter().map(|group| group.group_name.clone()).collect(),
    }
}

/// Every number counts more than none.
fn rank(group: &Group) -> (bool, u32) {
    (group.precedence.is_none(), group.precedence.unwrap_or_default())
}

/// The role of the first of the groups that have one, unless another of the same precedence has another role. (Where
/// all have the same role this is that role, whatever they count.)
fn preferred(sorted: &[&Group]) -> Option<String> {
    let with_role = || sorted.iter().filter(|group| group.role_arn.is_some());
    let first = with_role().next()?;
    let agreed = with_role()
        .take_while(|group| rank(group) == rank(first))
        .all(|group| group.role_arn == first.role_arn);
    if agreed { first.role_arn.clone() } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::registry::Versioned;
    use crate::testing;

    /// A pool with these groups, and what is told of a user in all of them and in one that is gone.
    fn told(groups: &[(&str, Option<u32>, Option<&str>)]) -> GroupConfiguration {
        let mut pool =
            std::sync::Arc::into_inner(testing::live_pool(testing::client(json!({})), vec![])).unwrap();
        let mut user = testing::user();
        user.groups = vec!["gone".into()];
        for (name, precedence, role) in groups {
            let value = serde_json::from_value(json!({
                "GroupName": name, "UserPoolId": pool.id(), "Precedence": precedence, "RoleArn": role,
                "CreationDate": 0.0, "LastModifiedDate": 0.0,
            }));
            pool.groups.insert((*name).to_owned(), Versioned { value: value.unwrap(), version: 0 });
            user.groups.push((*name).to_owned());
        }
        group_configuration(&pool, &user)
    }

    #[test]
    fn groups_come_by_precedence_and_those_without_one_last() {
        let all =
            told(&[("a", None, None), ("b", Some(7), None), ("c", Some(0), None), ("0", Some(7), None)]);
        assert_eq!(all.groups, ["c", "b", "0", "a"]);
        assert_eq!((all.roles, all.preferred_role), (vec![], None));
        assert_eq!(told(&[]), GroupConfiguration::default());
    }

    #[test]
    fn roles_come_in_the_same_order_and_each_once() {
        let all = told(&[("a", Some(3), Some("r3")), ("b", Some(1), Some("r1")), ("c", None, Some("r3"))]);
        assert_eq!(all.roles, ["r1", "r3"]);
    }

    #[test]
    fn the_lowest_precedence_makes_the_preferred_role() {
        for (groups, preferred) in [
            // GRP-06, GRP-07: lower wins over higher, and over none.
            (vec![("a", Some(1), Some("r1")), ("b", Some(0), Some("r0"))], Some("r0")),
            (vec![("a", None, Some("r1")), ("b", Some(9), Some("r9"))], Some("r9")),
            // GRP-08: two that count the same must agree.
            (
                vec![("a", Some(1), Some("r")), ("b", Some(1), Some("r")), ("c", Some(2), Some("x"))],
                Some("r"),
            ),
            (vec![("a", Some(1), Some("r")), ("b", Some(1), Some("s")), ("c", Some(2), Some("x"))], None),
            (vec![("a", None, Some("r")), ("b", None, Some("s"))], None),
            // GRP-09: the only role there is, whatever its group counts.
            (vec![("a", None, Some("r")), ("b", Some(0), None)], Some("r")),
            (vec![("a", Some(0), None)], None),
        ] {
            assert_eq!(told(&groups).preferred_role.as_deref(), preferred, "{groups:?}");
        }
    }
}
