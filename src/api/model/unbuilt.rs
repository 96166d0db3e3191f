//! The operations of the service model that this build does not have, and why.

/// Operations that are missing for one reason.
pub struct Unbuilt {
    /// What a caller is told.
    pub why: &'static str,
    /// Their names.
    pub operations: &'static [&'static str],
}

const PASSWORDS: &str = "users of this build sign in through an identity provider, so that they have no password and no code to confirm";
const FACTORS: &str = "second factors, passkeys and remembered devices are the identity provider's matter";
const SESSIONS: &str =
    "sessions are not listed or limited one by one: sign users out with AdminUserGlobalSignOut";
const IMPORT: &str =
    "users come with their first sign-in through an identity provider, and cannot be imported";
const BRANDING: &str = "the hosted pages are styled with SetUICustomization, and have no terms";
const RISK: &str = "there is no threat protection that rates sign-ins";
const ELSEWHERE: &str = "logs, limits and replicas are settings of the installation";
const EXCHANGE: &str = "tokens are not exchanged for others than by a refresh token";

/// All of them.
pub static UNBUILT: [Unbuilt; 8] = [
    Unbuilt {
        why: PASSWORDS,
        operations: &[
            "AdminConfirmSignUp",
            "AdminCreateUser",
            "AdminResetUserPassword",
            "AdminRespondToAuthChallenge",
            "AdminSetUserPassword",
            "ChangePassword",
            "ConfirmForgotPassword",
            "ConfirmSignUp",
            "ForgotPassword",
            "GetUserAttributeVerificationCode",
            "ResendConfirmationCode",
            "RespondToAuthChallenge",
            "SignUp",
            "VerifyUserAttribute",
        ],
    },
    Unbuilt {
        why: FACTORS,
        operations: &[
            "AdminDeleteSoftwareToken",
            "AdminForgetDevice",
            "AdminGetDevice",
            "AdminGetUserAuthFactors",
            "AdminListDevices",
            "AdminSetUserMFAPreference",
            "AdminSetUserSettings",
            "AdminUpdateDeviceStatus",
            "AssociateSoftwareToken",
            "CompleteWebAuthnRegistration",
            "ConfirmDevice",
            "DeleteWebAuthnCredential",
            "ForgetDevice",
            "GetDevice",
            "GetUserAuthFactors",
            "ListDevices",
            "ListWebAuthnCredentials",
            "SetUserMFAPreference",
            "SetUserSettings",
            "StartWebAuthnRegistration",
            "UpdateDeviceStatus",
            "VerifySoftwareToken",
        ],
    },
    Unbuilt {
        why: SESSIONS,
        operations: &[
            "AdminListUserSessions",
            "AdminRevokeUserSession",
            "GetUserPoolClientSessionConfiguration",
            "GetUserPoolSessionConfiguration",
            "ListUserSessions",
            "RevokeUserSession",
            "SetUserPoolClientSessionConfiguration",
            "SetUserPoolSessionConfiguration",
        ],
    },
    Unbuilt {
        why: IMPORT,
        operations: &[
            "CreateUserImportJob",
            "DescribeUserImportJob",
            "GetCSVHeader",
            "ListUserImportJobs",
            "StartUserImportJob",
            "StopUserImportJob",
        ],
    },
    Unbuilt {
        why: BRANDING,
        operations: &[
            "CreateManagedLoginBranding",
            "CreateTerms",
            "DeleteManagedLoginBranding",
            "DeleteTerms",
            "DescribeManagedLoginBranding",
            "DescribeManagedLoginBrandingByClient",
            "DescribeTerms",
            "DescribeTermsByClient",
            "ListTerms",
            "UpdateManagedLoginBranding",
            "UpdateTerms",
        ],
    },
    Unbuilt {
        why: RISK,
        operations: &[
            "AdminListUserAuthEvents",
            "AdminUpdateAuthEventFeedback",
            "DescribeRiskConfiguration",
            "SetRiskConfiguration",
            "UpdateAuthEventFeedback",
        ],
    },
    Unbuilt {
        why: ELSEWHERE,
        operations: &[
            "CreateUserPoolReplica",
            "DeleteUserPoolReplica",
            "GetLogDeliveryConfiguration",
            "GetProvisionedLimit",
            "ListUserPoolReplicas",
            "SetLogDeliveryConfiguration",
            "UpdateProvisionedLimit",
            "UpdateUserPoolReplica",
        ],
    },
    Unbuilt { why: EXCHANGE, operations: &["GetClientToken", "GetDerivedToken"] },
];

/// Why this operation is not there; `None` for every other.
pub fn why_unbuilt(operation: &str) -> Option<&'static str> {
    UNBUILT.iter().find(|group| group.operations.contains(&operation)).map(|group| group.why)
}
