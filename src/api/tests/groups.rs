use super::*;
use crate::directory::{Change, Kind};
use crate::pool::limits::{GROUPS, GROUPS_OF_A_USER};
use crate::registry::Edit;

const ROLE: &str = "arn:aws:iam::123456789012:role/Editors";

/// A pool with the provider Corp, and what every request about it says.
async fn with_corp(world: &World) -> (String, impl Fn(Value) -> Value + use<>) {
    let pool = world.pool().await;
    world.ok("CreateIdentityProvider", oidc(&pool, "Corp", json!({}))).await;
    let id = pool.clone();
    (pool, move |more: Value| merged(json!({ "UserPoolId": id }), more))
}

fn names(answer: &Value) -> Vec<&str> {
    answer["Groups"].as_array().unwrap().iter().map(|group| group["GroupName"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_group_is_made_shown_changed_and_deleted() {
    let world = World::new().await;
    let (pool, of) = with_corp(&world).await;
    let made =
        json!({ "GroupName": "editors", "Description": "They edit", "RoleArn": ROLE, "Precedence": 0 });
    let group = world.ok("CreateGroup", of(made.clone())).await["Group"].clone();
    let mut shown = merged(made, json!({ "UserPoolId": pool }));
    shown["CreationDate"] = json!(1_795_262_400.0);
    shown["LastModifiedDate"] = shown["CreationDate"].clone();
    assert_eq!(group, shown);
    let this = of(json!({ "GroupName": "editors" }));
    assert_eq!(world.ok("GetGroup", this.clone()).await["Group"], shown);
    // A member that is absent stays.
    let changed = world.ok("UpdateGroup", merged(this.clone(), json!({ "Precedence": 7 }))).await;
    assert_eq!((&changed["Group"]["Precedence"], &changed["Group"]["RoleArn"]), (&json!(7), &json!(ROLE)));
    assert_eq!(world.ok("GetGroup", this.clone()).await, changed);
    assert_eq!(world.ok("DeleteGroup", this.clone()).await, json!({}));
    for operation in ["GetGroup", "UpdateGroup", "DeleteGroup", "ListUsersInGroup"] {
        let (name, text) = world.refused(operation, this.clone()).await;
        assert_eq!(name, "ResourceNotFoundException", "{operation}");
        assert!(text.contains("editors"), "{text}");
    }
}

#[tokio::test]
async fn a_group_needs_a_name_of_its_own_and_bounds_are_kept() {
    let world = World::new().await;
    let (pool, of) = with_corp(&world).await;
    world.ok("CreateGroup", of(json!({ "GroupName": "a" }))).await;
    let again = world.refused("CreateGroup", of(json!({ "GroupName": "a" }))).await;
    assert_eq!(again.0, "GroupExistsException");
    let reserved = of(json!({ "GroupName": format!("{pool}_Okta") }));
    let (name, text) = world.refused("CreateGroup", reserved).await;
    assert!(name == "InvalidParameterException" && text.contains("identity provider"), "{text}");
    for wrong in [
        json!({ "GroupName": "b c" }),
        json!({ "GroupName": "b".repeat(129) }),
        json!({ "GroupName": "b", "Precedence": -1 }),
        json!({ "GroupName": "b", "Precedence": 2_147_483_648_i64 }),
        json!({ "GroupName": "b", "RoleArn": "editors" }),
        json!({ "GroupName": "b", "Description": "d".repeat(2_049) }),
    ] {
        let shown = wrong.to_string();
        assert_eq!(world.refused("CreateGroup", of(wrong)).await.0, "InvalidParameterException", "{shown}");
    }
    let widest = json!({
        "GroupName": "b".repeat(128), "Precedence": 2_147_483_647, "Description": "d".repeat(2_048) });
    world.ok("CreateGroup", of(widest)).await;
}

#[tokio::test]
async fn the_last_of_500_groups_may_be_made_and_providers_own_are_not_counted() {
    let world = World::new().await;
    let (pool, of) = with_corp(&world).await;
    let live = world.api.core.registry.snapshot();
    let own = live.pool(&pool).unwrap().groups.values().next().unwrap().value.clone();
    let many = (1..GROUPS).map(|number| {
        Edit::CreateGroup(crate::pool::Group { group_name: format!("g{number}"), ..own.clone() })
    });
    world.api.core.registry.edit(many.collect()).await.unwrap();
    world.ok("CreateGroup", of(json!({ "GroupName": "last" }))).await;
    let (name, text) = world.refused("CreateGroup", of(json!({ "GroupName": "more" }))).await;
    assert!(name == "LimitExceededException" && text.contains("500"), "{name}: {text}");
}

#[tokio::test]
async fn groups_are_listed_by_name_page_by_page() {
    let world = World::new().await;
    let (pool, of) = with_corp(&world).await;
    for name in ["zeta", "alpha", "beta"] {
        world.ok("CreateGroup", of(json!({ "GroupName": name }))).await;
    }
    let first = world.ok("ListGroups", of(json!({ "Limit": 2 }))).await;
    assert_eq!(names(&first), ["alpha", "beta"]);
    let token = &first["NextToken"];
    let second = world.ok("ListGroups", of(json!({ "Limit": 2, "NextToken": token }))).await;
    assert_eq!((names(&second), second.get("NextToken")), (vec![&*format!("{pool}_Corp"), "zeta"], None));
    for wrong in [json!({ "NextToken": "made-up" }), json!({ "Limit": 61 })] {
        assert_eq!(world.refused("ListGroups", of(wrong)).await.0, "InvalidParameterException");
    }
    let elsewhere = json!({ "GroupName": "alpha", "NextToken": token });
    assert_eq!(world.refused("ListUsersInGroup", of(elsewhere)).await.0, "InvalidParameterException");
}

#[tokio::test]
async fn a_providers_own_group_comes_and_goes_with_it_alone() {
    let world = World::new().await;
    let (pool, of) = with_corp(&world).await;
    let own = of(json!({ "GroupName": format!("{pool}_Corp") }));
    let shown = world.ok("GetGroup", own.clone()).await;
    assert_eq!(shown["Group"]["Description"], "Autogenerated group for users who sign in using Corp");
    let (name, text) = world.refused("DeleteGroup", own.clone()).await;
    assert!(name == "InvalidParameterException" && text.contains("Corp"), "{text}");
    world.ok("UpdateGroup", merged(own.clone(), json!({ "RoleArn": ROLE }))).await;
    super::users::sign_in(&world, &pool, "ann", "ann@corp.example").await;
    world.ok("DeleteIdentityProvider", of(json!({ "ProviderName": "Corp" }))).await;
    assert_eq!(world.refused("GetGroup", own.clone()).await.0, "ResourceNotFoundException");
    // One made later under the name begins anew.
    world.ok("CreateIdentityProvider", oidc(&pool, "Corp", json!({}))).await;
    let anew = world.ok("GetGroup", own.clone()).await;
    assert_eq!(anew["Group"].get("RoleArn"), None);
    assert_eq!(world.ok("ListUsersInGroup", own).await["Users"], json!([]));
}

#[tokio::test]
async fn a_provider_that_was_stored_before_there_were_groups_gets_its_own() {
    let world = World::new().await;
    let (pool, of) = with_corp(&world).await;
    let own = format!("{pool}_Corp");
    let directory = &world.api.core.directory;
    directory.write(vec![Change::Delete(Kind::Group, pool.clone(), own.clone())]).await.unwrap();
    let registry = crate::registry::Registry::open(
        Arc::clone(directory),
        world.api.sealer.clone(),
        Arc::new(FixedClock),
        Arc::new(SystemRandom),
        testing::surface(),
    );
    let opened = registry.await.unwrap().snapshot();
    let group = &opened.pool(&pool).unwrap().groups[&own].value;
    assert_eq!(group.creation_date.0, 1_795_262_400.0);
    // The gateway that runs sees it, too.
    world.ok("GetGroup", of(json!({ "GroupName": own }))).await;
}

#[tokio::test]
async fn users_are_put_into_groups_listed_and_taken_out() {
    let world = World::new().await;
    let (pool, of) = with_corp(&world).await;
    for subject in ["a", "bb", "ccc"] {
        super::users::sign_in(&world, &pool, subject, &format!("{subject}@corp.example")).await;
    }
    for name in ["admins", "editors"] {
        world.ok("CreateGroup", of(json!({ "GroupName": name }))).await;
    }
    let place = |name: &str, user: &str| of(json!({ "GroupName": name, "Username": user }));
    for user in ["Corp_a", "Corp_bb", "Corp_ccc"] {
        assert_eq!(world.ok("AdminAddUserToGroup", place("admins", user)).await, json!({}));
    }
    // Once more is no mistake.
    world.ok("AdminAddUserToGroup", place("admins", "Corp_a")).await;
    world.ok("AdminAddUserToGroup", place("editors", "Corp_a")).await;

    let user = of(json!({ "Username": "Corp_a", "Limit": 2 }));
    let first = world.ok("AdminListGroupsForUser", user.clone()).await;
    assert_eq!(names(&first), ["admins", "editors"]);
    let rest = merged(user, json!({ "NextToken": first["NextToken"] }));
    assert_eq!(names(&world.ok("AdminListGroupsForUser", rest).await), [format!("{pool}_Corp")]);

    let listed = of(json!({ "GroupName": "admins", "Limit": 2 }));
    let first = world.ok("ListUsersInGroup", listed.clone()).await;
    let rest = world.ok("ListUsersInGroup", merged(listed, json!({ "NextToken": first["NextToken"] }))).await;
    let users = |answer: &Value| answer["Users"].as_array().unwrap().clone();
    let all = [users(&first), users(&rest)].concat();
    assert_eq!((users(&first).len(), rest.get("NextToken")), (2, None));
    let mut found: Vec<_> = all.iter().map(|user| user["Username"].as_str().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, ["Corp_a", "Corp_bb", "Corp_ccc"]);
    assert!(all[0]["Attributes"].as_array().unwrap().iter().any(|one| one["Name"] == "sub"));

    // Only a group without members goes.
    let (name, text) = world.refused("DeleteGroup", of(json!({ "GroupName": "editors" }))).await;
    assert!(name == "InvalidParameterException" && text.contains("members"), "{name}: {text}");
    for _ in 0..2 {
        assert_eq!(world.ok("AdminRemoveUserFromGroup", place("editors", "Corp_a")).await, json!({}));
    }
    world.ok("DeleteGroup", of(json!({ "GroupName": "editors" }))).await;

    for operation in ["AdminAddUserToGroup", "AdminRemoveUserFromGroup"] {
        assert_eq!(world.refused(operation, place("admins", "nobody")).await.0, "UserNotFoundException");
        assert_eq!(world.refused(operation, place("editors", "Corp_a")).await.0, "ResourceNotFoundException");
    }
    let nobody = of(json!({ "Username": "nobody" }));
    assert_eq!(world.refused("AdminListGroupsForUser", nobody).await.0, "UserNotFoundException");
    world.ok("AdminDeleteUser", of(json!({ "Username": "Corp_a" }))).await;
    let left = world.ok("ListUsersInGroup", of(json!({ "GroupName": "admins" }))).await;
    assert_eq!(users(&left).len(), 2);
}

#[tokio::test]
async fn a_user_in_25_groups_is_put_into_no_other() {
    let world = World::new().await;
    let (pool, of) = with_corp(&world).await;
    super::users::sign_in(&world, &pool, "a", "a@corp.example").await;
    for number in 0..GROUPS_OF_A_USER {
        let name = format!("g{number}");
        world.ok("CreateGroup", of(json!({ "GroupName": name }))).await;
        let place = of(json!({ "GroupName": name, "Username": "Corp_a" }));
        if number + 1 < GROUPS_OF_A_USER {
            // One place is that of the provider's own group.
            world.ok("AdminAddUserToGroup", place).await;
        } else {
            let (name, text) = world.refused("AdminAddUserToGroup", place).await;
            assert!(name == "LimitExceededException" && text.contains("25"), "{name}: {text}");
        }
    }
}
