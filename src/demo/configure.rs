//! Makes the demo's pool through the management API, as an administrator would.

use serde_json::{Value, json};

use super::{DemoError, oidc_idp};
use crate::api::{self, ApiContext};

/// Name of the SAML provider in the pool.
pub const SAML: &str = "Acme";
/// Name of the OIDC provider in the pool.
pub const OIDC: &str = "Globex";

/// What the pool is to trust and serve.
pub struct Plan {
    /// Metadata of the SAML provider.
    pub saml_metadata: String,
    /// Issuer of the OIDC provider.
    pub oidc_issuer: String,
    /// Client secret at the OIDC provider.
    pub oidc_secret: String,
    /// Base URL of the app.
    pub app: String,
}

/// What was made.
#[derive(Debug, Clone)]
pub struct Made {
    /// The pool.
    pub pool_id: String,
    /// The app client: public, code with PKCE.
    pub client_id: String,
}

async fn call(context: &ApiContext, operation: &str, input: Value) -> Result<Value, DemoError> {
    let answer = api::call(context, operation, input).await;
    answer.map_err(|error| DemoError::Configuration(format!("{operation}: {error}")))
}

fn text(answer: &Value, pointer: &str) -> Result<String, DemoError> {
    let found = answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| DemoError::Configuration(format!("the answer has no {pointer}")))
}

/// Makes pool, domain `localhost`, both providers and the app client.
///
/// # Errors
/// What the management API refuses.
pub async fn configure(context: &ApiContext, plan: &Plan) -> Result<Made, DemoError> {
    let schema = json!([
        {"Name": "department", "AttributeDataType": "String", "Mutable": true},
        {"Name": "groups", "AttributeDataType": "String", "Mutable": true},
    ]);
    let pool = call(context, "CreateUserPool", json!({"PoolName": "demo", "Schema": schema})).await?;
    let pool_id = text(&pool, "/UserPool/Id")?;
    let certificate = "arn:aws:acm:us-east-1:000000000000:certificate/default";
    let domain = json!({"UserPoolId": pool_id, "Domain": "localhost",
                        "CustomDomainConfig": {"CertificateArn": certificate}});
    call(context, "CreateUserPoolDomain", domain).await?;
    let saml = json!({
        "UserPoolId": pool_id, "ProviderName": SAML, "ProviderType": "SAML",
        "ProviderDetails": {"MetadataFile": plan.saml_metadata, "multi_valued": "json"},
        "AttributeMapping": {"email": "email", "given_name": "given_name", "family_name": "family_name",
                             "custom:department": "department", "custom:groups": "groups"},
    });
    call(context, "CreateIdentityProvider", saml).await?;
    let oidc = json!({
        "UserPoolId": pool_id, "ProviderName": OIDC, "ProviderType": "OIDC",
        "ProviderDetails": {"client_id": oidc_idp::CLIENT_ID, "client_secret": plan.oidc_secret,
                            "oidc_issuer": plan.oidc_issuer, "authorize_scopes": "openid email profile",
                            "attributes_request_method": "GET", "multi_valued": "json"},
        "AttributeMapping": {"email": "email", "email_verified": "email_verified", "name": "name",
                             "given_name": "given_name", "family_name": "family_name", "custom:groups": "groups"},
    });
    call(context, "CreateIdentityProvider", oidc).await?;
    let client = json!({
        "UserPoolId": pool_id, "ClientName": "Sample app",
        "CallbackURLs": [format!("{}/callback", plan.app)], "LogoutURLs": [format!("{}/", plan.app)],
        "AllowedOAuthFlows": ["code"], "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthScopes": ["openid", "email", "profile"], "SupportedIdentityProviders": [SAML, OIDC],
    });
    let client = call(context, "CreateUserPoolClient", client).await?;
    Ok(Made { pool_id, client_id: text(&client, "/UserPoolClient/ClientId")? })
}
