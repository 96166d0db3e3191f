//! Functions written as users of Amazon Cognito write them, invoked over the API of AWS Lambda.

use serde_json::{Value, json};

use crate::harness::{Gateway, Oidc, Person, claims, python_helper};

fn arn(function: &str) -> String {
    format!("arn:aws:lambda:us-east-1:000000000000:function:{function}")
}

async fn name(gateway: &Gateway, pool: &str, functions: Value) {
    let members = json!({"UserPoolId": pool, "LambdaConfig": functions});
    let answers = gateway.calls(&[("update_user_pool", members)]).await;
    assert!(answers[0].get("error").is_none(), "{answers:?}");
}

#[tokio::test]
async fn a_function_refuses_a_stranger_and_others_shape_the_user_and_the_tokens() {
    let lambda = python_helper("lambda_runtime.py", &[]).await;
    let gateway =
        Gateway::start_with(&[("POOLGATE_LAMBDA_ENDPOINT", lambda.told["url"].as_str().unwrap())]).await;
    let oidc = Oidc::start(&gateway.url(), "client_secret_post").await;
    let (pool, app) = gateway.provision_app(vec![oidc.provider("Acme")]).await;
    let alice = json!({"UserPoolId": pool.id, "Username": "Acme_alice"});

    name(&gateway, &pool.id, json!({"PreSignUp": arn("only_invited")})).await;
    let landing = app.send(&Person::new(), &[("identity_provider", "Acme")]).await;
    assert_eq!(landing.query("error").as_deref(), Some("invalid_request"), "{}", landing.url);
    let why = landing.query("error_description").unwrap();
    assert_eq!(why, "PreSignUp failed with error Not invited.");
    let missing = gateway.calls(&[("admin_get_user", alice.clone())]).await;
    assert_eq!(missing[0]["error"], "UserNotFoundException", "nothing was written: {missing:?}");

    let tokens_by = json!({"LambdaArn": arn("add_claims"), "LambdaVersion": "V2_0"});
    let functions = json!({"PreSignUp": arn("verify_email"), "PreTokenGenerationConfig": tokens_by});
    name(&gateway, &pool.id, functions).await;
    let tokens = app.sign_in(&Person::new(), &[("identity_provider", "Acme")]).await;
    let stored = gateway.calls(&[("admin_get_user", alice)]).await;
    let verified = json!({"Name": "email_verified", "Value": "true"});
    assert!(stored[0]["UserAttributes"].as_array().unwrap().contains(&verified), "{stored:?}");
    let refreshed = app.refresh(&tokens.refresh).await;
    let fresh = |token: &str| refreshed[token].as_str().unwrap().to_owned();
    for (id, access, occasion) in [
        (tokens.id, tokens.access, "TokenGeneration_HostedAuth"),
        (fresh("id_token"), fresh("access_token"), "TokenGeneration_RefreshTokens"),
    ] {
        let (id, access) = (claims(&id), claims(&access));
        assert_eq!((&id["department"], id.get("email")), (&json!("research"), None), "{id}");
        assert_eq!(id["sub"], access["sub"], "reserved");
        assert_ne!(id["sub"], "somebody-else");
        assert_eq!(
            (&access["source"], &access["limits"]),
            (&json!(occasion), &json!({"daily": 5})),
            "{access}"
        );
        assert!(access["scope"].as_str().unwrap().split(' ').any(|scope| scope == "books/read"), "{access}");
        assert_eq!(id["cognito:groups"], json!(["readers"]), "{id}");
    }
}
