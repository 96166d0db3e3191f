use super::*;

#[tokio::test]
async fn a_pool_says_that_there_is_no_second_factor() {
    let world = World::new().await;
    let pool = world.pool().await;
    let this = json!({ "UserPoolId": pool });
    let off = json!({ "MfaConfiguration": "OFF" });
    assert_eq!(world.ok("GetUserPoolMfaConfig", this.clone()).await, off);
    assert_eq!(world.ok("SetUserPoolMfaConfig", merged(this.clone(), off.clone())).await, off);
    let software = json!({ "SoftwareTokenMfaConfiguration": { "Enabled": false } });
    let both = merged(off.clone(), software.clone());
    assert_eq!(world.ok("SetUserPoolMfaConfig", merged(this.clone(), software)).await, both);
    world.ok("UpdateUserPool", this.clone()).await;
    assert_eq!(world.ok("GetUserPoolMfaConfig", this.clone()).await, both, "an update of the pool keeps it");
    let shown = world.ok("DescribeUserPool", this.clone()).await;
    assert!(shown["UserPool"].get("SoftwareTokenMfaConfiguration").is_none());
    world.ok("SetUserPoolMfaConfig", this.clone()).await;
    assert_eq!(world.ok("GetUserPoolMfaConfig", this).await, off);
}

#[tokio::test]
async fn whatever_would_promise_a_second_factor_is_refused_by_name() {
    let world = World::new().await;
    let pool = world.pool().await;
    let sms = json!({ "SnsCallerArn": "arn:aws:iam::000000000000:role/sms" });
    for (setting, value) in [
        ("MfaConfiguration", json!("ON")),
        ("MfaConfiguration", json!("OPTIONAL")),
        ("SoftwareTokenMfaConfiguration", json!({ "Enabled": true })),
        ("SmsMfaConfiguration", json!({ "SmsConfiguration": sms })),
        ("EmailMfaConfiguration", json!({ "Message": "Code {####}" })),
        ("WebAuthnConfiguration", json!({ "UserVerification": "required" })),
    ] {
        let input = json!({ "UserPoolId": pool, setting: value });
        let (name, text) = world.refused("SetUserPoolMfaConfig", input).await;
        assert_eq!(name, "UnsupportedOperationException", "{text}");
        assert!(text.contains(setting), "{text}");
    }
    for value in ["ON", "OPTIONAL"] {
        let made = json!({ "PoolName": "acme", "MfaConfiguration": value });
        assert_eq!(world.refused("CreateUserPool", made).await.0, "UnsupportedOperationException");
        let changed = json!({ "UserPoolId": pool, "MfaConfiguration": value });
        assert_eq!(world.refused("UpdateUserPool", changed).await.0, "UnsupportedOperationException");
    }
}
