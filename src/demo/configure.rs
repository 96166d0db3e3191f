//! Makes the demo's pool through the management API, as an administrator would.

use serde::Serialize;
use serde_json::{Value, json};

use super::{DemoError, amazon_idp, apple_idp, facebook_idp, google_idp, oidc_idp};
use crate::api::{self, ApiContext};

/// Name of the SAML provider in the pool.
pub const SAML: &str = "Acme";
/// Name of the OIDC provider in the pool.
pub const OIDC: &str = "Globex";

/// A provider that the pool is to trust.
pub struct Plan {
    name: &'static str,
    /// What it speaks, in words.
    kind: &'static str,
    /// `ProviderType`, `ProviderDetails` and `AttributeMapping`.
    input: Value,
}

/// What was made.
#[derive(Debug, Clone)]
pub struct Made {
    /// The pool.
    pub pool_id: String,
    /// The app client: public, code with PKCE.
    pub client_id: String,
    /// The providers.
    pub providers: Vec<ProviderMade>,
}

/// A provider that was made.
#[derive(Debug, Clone, Serialize)]
pub struct ProviderMade {
    /// Its name in the pool.
    pub name: &'static str,
    /// What it speaks, in words.
    pub kind: &'static str,
}

/// The SAML provider with this metadata.
pub fn saml(metadata: &str) -> Plan {
    let input = json!({
        "ProviderType": "SAML",
        "ProviderDetails": {"MetadataFile": metadata, "multi_valued": "json"},
        "AttributeMapping": {"email": "email", "given_name": "given_name", "family_name": "family_name",
                             "custom:department": "department", "custom:groups": "groups"},
    });
    Plan { name: SAML, kind: "SAML 2.0", input }
}

/// The OIDC provider at `issuer`.
pub fn oidc(issuer: &str, secret: &str) -> Plan {
    let input = json!({
        "ProviderType": "OIDC",
        "ProviderDetails": {"client_id": oidc_idp::CLIENT_ID, "client_secret": secret, "oidc_issuer": issuer,
                            "authorize_scopes": "openid email profile", "attributes_request_method": "GET",
                            "multi_valued": "json", "IDPSignout": "true"},
        "AttributeMapping": {"email": "email", "email_verified": "email_verified", "name": "name",
                             "given_name": "given_name", "family_name": "family_name", "custom:groups": "groups"},
    });
    Plan { name: OIDC, kind: "OpenID Connect", input }
}

/// Google, simulated at `base`. A birthday is none of the standard claims: it comes from the People API.
pub fn google(base: &str, secret: &str) -> Plan {
    let input = json!({
        "ProviderType": "Google",
        "ProviderDetails": {
            "client_id": google_idp::CLIENT_ID, "client_secret": secret,
            "authorize_scopes": "openid email profile https://www.googleapis.com/auth/user.birthday.read",
            "authorize_url": format!("{base}/o/oauth2/v2/auth"), "token_url": format!("{base}/oauth2/v4/token"),
            "attributes_url": format!("{base}/v1/people/me?personFields="), "oidc_issuer": base,
            "jwks_uri": format!("{base}/oauth2/v3/certs"),
        },
        "AttributeMapping": {"email": "email", "email_verified": "email_verified", "name": "name",
                             "given_name": "given_name", "family_name": "family_name", "picture": "picture",
                             "birthdate": "birthdays"},
    });
    Plan { name: "Google", kind: "OpenID Connect", input }
}

/// Facebook, simulated at `base`.
pub fn facebook(base: &str, secret: &str) -> Plan {
    let version = "v17.0";
    let input = json!({
        "ProviderType": "Facebook",
        "ProviderDetails": {
            "client_id": facebook_idp::CLIENT_ID, "client_secret": secret, "api_version": version,
            "authorize_scopes": "public_profile,email",
            "authorize_url": format!("{base}/{version}/dialog/oauth"),
            "token_url": format!("{base}/{version}/oauth/access_token"),
            "attributes_url": format!("{base}/{version}/me?fields="),
        },
        "AttributeMapping": {"email": "email", "name": "name", "given_name": "first_name",
                             "family_name": "last_name", "picture": "picture"},
    });
    Plan { name: "Facebook", kind: "OAuth 2.0", input }
}

/// Login with Amazon, simulated at `base`.
pub fn amazon(base: &str, secret: &str) -> Plan {
    let input = json!({
        "ProviderType": "LoginWithAmazon",
        "ProviderDetails": {
            "client_id": amazon_idp::CLIENT_ID, "client_secret": secret,
            "authorize_scopes": "profile postal_code", "authorize_url": format!("{base}/ap/oa"),
            "token_url": format!("{base}/auth/o2/token"), "attributes_url": format!("{base}/user/profile"),
        },
        "AttributeMapping": {"email": "email", "name": "name", "custom:postal_code": "postal_code"},
    });
    Plan { name: "LoginWithAmazon", kind: "OAuth 2.0", input }
}

/// Sign in with Apple, simulated at `base`.
pub fn apple(base: &str, private_key: &str) -> Plan {
    let input = json!({
        "ProviderType": "SignInWithApple",
        "ProviderDetails": {
            "client_id": apple_idp::CLIENT_ID, "team_id": apple_idp::TEAM_ID, "key_id": apple_idp::KEY_ID,
            "private_key": private_key, "authorize_scopes": "email name",
            "authorize_url": format!("{base}/auth/authorize"), "token_url": format!("{base}/auth/token"),
            "oidc_issuer": base, "jwks_uri": format!("{base}/auth/keys"),
        },
        "AttributeMapping": {"email": "email", "email_verified": "email_verified", "given_name": "firstName",
                             "family_name": "lastName"},
    });
    Plan { name: "SignInWithApple", kind: "OpenID Connect", input }
}

async fn call(context: &ApiContext, operation: &str, input: Value) -> Result<Value, DemoError> {
    let answer = api::call(context, operation, input).await;
    answer.map_err(|error| DemoError::Configuration(format!("{operation}: {error}")))
}

fn text(answer: &Value, pointer: &str) -> Result<String, DemoError> {
    let found = answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| DemoError::Configuration(format!("the answer has no {pointer}")))
}

/// Makes pool, domain `localhost`, the providers and the client of the app at `app`.
///
/// # Errors
/// What the management API refuses.
pub async fn configure(context: &ApiContext, plans: &[Plan], app: &str) -> Result<Made, DemoError> {
    let custom = |name: &str| json!({"Name": name, "AttributeDataType": "String", "Mutable": true});
    let schema = json!([custom("department"), custom("groups"), custom("postal_code")]);
    let pool = call(context, "CreateUserPool", json!({"PoolName": "demo", "Schema": schema})).await?;
    let pool_id = text(&pool, "/UserPool/Id")?;
    let certificate = "arn:aws:acm:us-east-1:000000000000:certificate/default";
    let domain = json!({"UserPoolId": pool_id, "Domain": "localhost",
                        "CustomDomainConfig": {"CertificateArn": certificate}});
    call(context, "CreateUserPoolDomain", domain).await?;
    for Plan { name, input, .. } in plans {
        let mut input = input.clone();
        input["UserPoolId"] = pool_id.as_str().into();
        input["ProviderName"] = (*name).into();
        call(context, "CreateIdentityProvider", input).await?;
    }
    let names: Vec<_> = plans.iter().map(|plan| plan.name).collect();
    let client = json!({
        "UserPoolId": pool_id, "ClientName": "Sample app",
        "CallbackURLs": [format!("{app}/callback")], "LogoutURLs": [format!("{app}/")],
        "AllowedOAuthFlows": ["code"], "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthScopes": ["openid", "email", "profile"], "SupportedIdentityProviders": names,
    });
    let client = call(context, "CreateUserPoolClient", client).await?;
    let providers = plans.iter().map(|Plan { name, kind, .. }| ProviderMade { name, kind }).collect();
    Ok(Made { pool_id, client_id: text(&client, "/UserPoolClient/ClientId")?, providers })
}
