//! Which limit an operation of the API counts against: the guide's rows (p. 311).

use crate::api::model;
use crate::observe::labels::Limit;

/// What "create, update, delete" is limited of.
const RESOURCES: [&str; 7] = [
    "UserPool",
    "UserPoolClient",
    "UserPoolClientSecret",
    "UserImportJob",
    "UserPoolDomain",
    "IdentityProvider",
    "ResourceServer",
];

/// The limit of an operation; `signed`: whether it needs a signature.
pub fn limit_of(operation: &str, signed: bool) -> Limit {
    if !signed {
        let known = model::model().operations.get(operation);
        let with_token = known.is_some_and(|known| known.takes("AccessToken"));
        return if with_token { Limit::User } else { Limit::Auth };
    }
    match operation {
        "AdminInitiateAuth" | "AdminRespondToAuthChallenge" => Limit::AdminAuth,
        "AdminAddUserToGroup" | "AdminRemoveUserFromGroup" | "AdminListGroupsForUser" => Limit::Membership,
        "SetUICustomization" | "AddCustomAttributes" => Limit::Customize,
        _ if is_change(operation) => Limit::Create,
        _ if operation.starts_with("List") => Limit::List,
        _ if operation.starts_with("Describe") || operation.starts_with("Get") => Limit::Describe,
        _ => Limit::Admin,
    }
}

fn is_change(operation: &str) -> bool {
    let verbs = ["Create", "Update", "Delete", "Add"];
    verbs.iter().filter_map(|verb| operation.strip_prefix(verb)).any(|what| RESOURCES.contains(&what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_counts_against_the_guides_row_for_it() {
        for (operation, limit) in [
            ("CreateUserPool", Limit::Create),
            ("UpdateUserPoolClient", Limit::Create),
            ("AddUserPoolClientSecret", Limit::Create),
            ("DeleteResourceServer", Limit::Create),
            ("SetUICustomization", Limit::Customize),
            ("DescribeIdentityProvider", Limit::Describe),
            ("GetSigningCertificate", Limit::Describe),
            ("ListUsers", Limit::List),
            ("AdminAddUserToGroup", Limit::Membership),
            ("AdminInitiateAuth", Limit::AdminAuth),
            ("AdminGetUser", Limit::Admin),
            ("CreateGroup", Limit::Admin),
            ("TagResource", Limit::Admin),
            ("InitiateAuth", Limit::Auth),
            ("GetTokensFromRefreshToken", Limit::Auth),
            ("GetUser", Limit::User),
            ("GlobalSignOut", Limit::User),
        ] {
            let signed = model::model().operations[operation].signed();
            assert_eq!(limit_of(operation, signed), limit, "{operation}");
        }
    }
}
