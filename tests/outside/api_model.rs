//! Every operation of the public service model, called in ways that are generated from the model itself.

use serde_json::{Value, json};

use crate::harness::{Gateway, Oidc, python};

/// What the product must have. More may be built, and is tested just so.
const WANTED: [&str; 65] = [
    "AddCustomAttributes",
    "AddUserPoolClientSecret",
    "AdminAddUserToGroup",
    "AdminDeleteUser",
    "AdminDeleteUserAttributes",
    "AdminDisableProviderForUser",
    "AdminDisableUser",
    "AdminEnableUser",
    "AdminGetUser",
    "AdminInitiateAuth",
    "AdminLinkProviderForUser",
    "AdminListGroupsForUser",
    "AdminRemoveUserFromGroup",
    "AdminUpdateUserAttributes",
    "AdminUserGlobalSignOut",
    "CreateGroup",
    "CreateIdentityProvider",
    "CreateResourceServer",
    "CreateUserPool",
    "CreateUserPoolClient",
    "CreateUserPoolDomain",
    "DeleteGroup",
    "DeleteIdentityProvider",
    "DeleteResourceServer",
    "DeleteUser",
    "DeleteUserAttributes",
    "DeleteUserPool",
    "DeleteUserPoolClient",
    "DeleteUserPoolClientSecret",
    "DeleteUserPoolDomain",
    "DescribeIdentityProvider",
    "DescribeResourceServer",
    "DescribeUserPool",
    "DescribeUserPoolClient",
    "DescribeUserPoolDomain",
    "GetGroup",
    "GetIdentityProviderByIdentifier",
    "GetSigningCertificate",
    "GetTokensFromRefreshToken",
    "GetUICustomization",
    "GetUser",
    "GetUserPoolMfaConfig",
    "GlobalSignOut",
    "InitiateAuth",
    "ListGroups",
    "ListIdentityProviders",
    "ListResourceServers",
    "ListTagsForResource",
    "ListUserPoolClientSecrets",
    "ListUserPoolClients",
    "ListUserPools",
    "ListUsers",
    "ListUsersInGroup",
    "RevokeToken",
    "SetUICustomization",
    "SetUserPoolMfaConfig",
    "TagResource",
    "UntagResource",
    "UpdateGroup",
    "UpdateIdentityProvider",
    "UpdateResourceServer",
    "UpdateUserAttributes",
    "UpdateUserPool",
    "UpdateUserPoolClient",
    "UpdateUserPoolDomain",
];

#[tokio::test]
async fn every_operation_answers_as_the_service_model_says() {
    let gateway = Gateway::start_with(&[("POOLGATE_RATE_LIMITS", "off")]).await;
    let oidc = Oidc::start(&gateway.url(), "client_secret_post").await;
    let mut spec = gateway.access();
    spec["provider"] = oidc.provider("Acme");
    if let Ok(only) = std::env::var("POOLGATE_TEST_OPERATIONS") {
        spec["only"] = json!(only.split(',').collect::<Vec<_>>());
    }
    let report = python("every_operation.py", &[&spec.to_string()]).await;
    let texts = |name: &str| -> Vec<&str> {
        report[name].as_array().unwrap().iter().filter_map(Value::as_str).collect()
    };
    let (built, failures) = (texts("built"), texts("failures"));
    eprintln!("{} operations, {} cases", built.len(), report["cases"]);
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    if spec.get("only").is_none() {
        let missing: Vec<_> = WANTED.iter().filter(|name| !built.contains(name)).collect();
        assert!(missing.is_empty(), "not built: {missing:?}");
        assert_eq!(built.len() + texts("not_built").len(), 141, "the operations of the model");
    }
}
