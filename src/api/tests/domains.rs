use super::*;

const CERTIFICATE: &str = "arn:aws:acm:us-east-1:000000000000:certificate/default";

fn domain(pool: &str, name: &str) -> Value {
    json!({ "UserPoolId": pool, "Domain": name })
}

fn custom(pool: &str, name: &str, certificate: &str) -> Value {
    merged(domain(pool, name), json!({ "CustomDomainConfig": { "CertificateArn": certificate } }))
}

#[tokio::test]
async fn a_pool_may_have_a_prefix_and_a_custom_domain() {
    let world = World::new().await;
    let pool = world.pool().await;
    let made = world.ok("CreateUserPoolDomain", domain(&pool, "acme")).await;
    assert_eq!(made, json!({ "ManagedLoginVersion": 1 }));
    let made = world.ok("CreateUserPoolDomain", custom(&pool, "login.acme.example", CERTIFICATE)).await;
    assert_eq!(made["CloudFrontDomain"], "localhost");
    let described = world.ok("DescribeUserPoolDomain", json!({ "Domain": "acme" })).await;
    assert_eq!(
        described["DomainDescription"],
        json!({
            "UserPoolId": pool, "AWSAccountId": "000000000000", "Domain": "acme", "Status": "ACTIVE",
            "CloudFrontDistribution": "localhost", "CustomDomainConfig": {}, "Version": "20261121120000",
            "ManagedLoginVersion": 1,
        })
    );
    let shown = world.ok("DescribeUserPool", json!({ "UserPoolId": pool })).await;
    assert_eq!(shown["UserPool"]["Domain"], "acme");
    assert_eq!(shown["UserPool"]["CustomDomain"], "login.acme.example");
    for more in [domain(&pool, "acme2"), custom(&pool, "b.example", CERTIFICATE)] {
        let (name, text) = world.refused("CreateUserPoolDomain", more).await;
        assert!(name == "InvalidParameterException" && text.contains("already has"), "{text}");
    }
}

#[tokio::test]
async fn a_custom_domain_keeps_the_security_policy_that_the_listener_honours() {
    let world = World::new().await;
    let pool = world.pool().await;
    let with = |policy: &str| {
        let config = json!({ "CertificateArn": CERTIFICATE, "SecurityPolicy": policy });
        merged(domain(&pool, "a.example"), json!({ "CustomDomainConfig": config }))
    };
    let (name, text) = world.refused("CreateUserPoolDomain", with("TLS_V1_3_2025")).await;
    assert!(name == "UnsupportedOperationException" && text.contains("TLS 1.2"), "{text}");
    world.ok("CreateUserPoolDomain", with("TLS_V1_2_2021")).await;
    let described = world.ok("DescribeUserPoolDomain", json!({ "Domain": "a.example" })).await;
    let config = json!({ "CertificateArn": CERTIFICATE, "SecurityPolicy": "TLS_V1_2_2021" });
    assert_eq!(described["DomainDescription"]["CustomDomainConfig"], config);
    let (name, _) = world.refused("UpdateUserPoolDomain", with("TLS_V1_3_2025")).await;
    assert_eq!(name, "UnsupportedOperationException");
}

#[tokio::test]
async fn an_unknown_domain_has_an_empty_description() {
    let world = World::new().await;
    let described = world.ok("DescribeUserPoolDomain", json!({ "Domain": "nobody" })).await;
    assert_eq!(described, json!({ "DomainDescription": {} }));
}

#[tokio::test]
async fn a_domain_that_breaks_a_rule_is_refused() {
    let world = World::new().await;
    let pool = world.pool().await;
    for input in [
        domain(&pool, "Acme"),
        domain(&pool, "-acme"),
        domain(&pool, "acme-"),
        domain(&pool, "ac_me"),
        domain(&pool, "login.acme"),
        domain(&pool, &"a".repeat(64)),
        custom(&pool, "a..example", CERTIFICATE),
        custom(&pool, "a.-b.example", CERTIFICATE),
        custom(&pool, "10.0.0.1", CERTIFICATE),
        custom(&pool, "a.example", "arn:aws:iam::000000000000:role/x"),
        custom(&pool, "a.example", "arn:aws:acm:us-east-1:000000000000:certificate"),
        merged(domain(&pool, "acme"), json!({ "ManagedLoginVersion": 3 })),
    ] {
        let shown = input.to_string();
        let (name, text) = world.refused("CreateUserPoolDomain", input).await;
        assert_eq!(name, "InvalidParameterException", "{shown}: {text}");
    }
}

#[tokio::test]
async fn a_host_answers_for_one_pool_only() {
    let world = World::new().await;
    let (one, two) = (world.pool().await, world.pool().await);
    world.ok("CreateUserPoolDomain", domain(&one, "acme")).await;
    for taken in [domain(&two, "acme"), custom(&two, "acme.localhost", CERTIFICATE)] {
        let (name, text) = world.refused("CreateUserPoolDomain", taken).await;
        assert!(name == "InvalidParameterException" && text.contains("already associated"), "{text}");
    }
    world.ok("CreateUserPoolDomain", custom(&two, "localhost", CERTIFICATE)).await;
}

#[tokio::test]
async fn a_domain_is_updated_and_deleted_in_its_own_pool_only() {
    let world = World::new().await;
    let (pool, other) = (world.pool().await, world.pool().await);
    world.ok("CreateUserPoolDomain", domain(&pool, "acme")).await;
    world.ok("CreateUserPoolDomain", custom(&pool, "a.example", CERTIFICATE)).await;
    let newer = "arn:aws:acm:us-east-1:000000000000:certificate/newer";
    world.ok("UpdateUserPoolDomain", custom(&pool, "a.example", newer)).await;
    world
        .ok("UpdateUserPoolDomain", merged(domain(&pool, "acme"), json!({ "ManagedLoginVersion": 2 })))
        .await;
    let described = world.ok("DescribeUserPoolDomain", json!({ "Domain": "a.example" })).await;
    assert_eq!(described["DomainDescription"]["CustomDomainConfig"]["CertificateArn"], newer);
    let described = world.ok("DescribeUserPoolDomain", json!({ "Domain": "acme" })).await;
    assert_eq!(described["DomainDescription"]["ManagedLoginVersion"], 2);
    let (name, _) = world.refused("UpdateUserPoolDomain", custom(&pool, "acme", CERTIFICATE)).await;
    assert_eq!(name, "InvalidParameterException", "a prefix has no certificate");
    for operation in ["UpdateUserPoolDomain", "DeleteUserPoolDomain"] {
        for wrong in [domain(&other, "acme"), domain(&pool, "nobody")] {
            let (name, text) = world.refused(operation, wrong).await;
            assert!(name == "InvalidParameterException" && text.contains("No such domain"), "{text}");
        }
    }
    assert_eq!(world.ok("DeleteUserPoolDomain", domain(&pool, "acme")).await, json!({}));
    world.ok("CreateUserPoolDomain", domain(&other, "acme")).await;
}
