//! Microsoft Entra ID with every tenant let in.

use super::super::settings::{IssuerRule, Tenants};
use super::*;
use crate::settings::SettingError;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const OTHER: &str = "11111111-2222-3333-4444-555555555555";
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const ENTRA: (&str, &str) = ("issuer_template", "entra");

fn read(changes: &[(&str, &str)], dev: bool) -> Result<OidcSettings, SettingError> {
    OidcSettings::from_details(&details(changes), dev)
}

/// A provider whose `oidc_issuer` ends with this segment, and a token that is good.
async fn entra(segment: &str) -> Idp {
    let issuer = format!("ISSUER/{segment}/v2.0");
    let idp = Idp::with(&[ENTRA, ("oidc_issuer", &issuer)]).await;
    state(&idp, "{tenantid}");
    said(&idp, TENANT, |_| ());
    idp
}

/// The discovery document states the issuer of this tenant.
fn state(idp: &Idp, tenant: &str) {
    let mut metadata = Idp::metadata(&idp.issuer());
    metadata["issuer"] = json!(of(idp, tenant));
    idp.play(|script| script.discovery = ok(&metadata));
}

fn of(idp: &Idp, tenant: &str) -> String {
    format!("{}/{tenant}/v2.0", idp.issuer())
}

/// The token says that it is of this tenant.
fn said(idp: &Idp, tenant: &str, change: impl FnOnce(&mut Value)) {
    let mut said = claims(&of(idp, tenant));
    said["tid"] = json!(tenant);
    change(&mut said);
    idp.tokens(&said);
}

async fn refused(idp: &Idp) -> &'static str {
    check_of(&idp.finish().await.unwrap_err())
}

fn own_keys(idp: &Idp, owners: &[Value]) {
    let jwk = |owner: &Value| {
        let mut jwk = rsa().jwk("k1");
        jwk["issuer"] = owner.clone();
        jwk
    };
    let set = Value::Object(keys(&owners.iter().map(jwk).collect::<Vec<_>>()));
    idp.play(|script| script.jwks = ok(&set));
}

#[test]
fn the_issuer_names_no_tenant() {
    let cloud = "https://login.microsoftonline.com";
    let tenants = [
        ("common", Tenants::All),
        ("organizations", Tenants::Organizations),
        ("consumers", Tenants::Personal),
        ("{tenantid}", Tenants::All),
    ];
    for (segment, tenants) in tenants {
        let settings = read(&[ENTRA, ("oidc_issuer", &format!("{cloud}/{segment}/v2.0"))], false).unwrap();
        assert_eq!(settings.issuer, format!("{cloud}/{{tenantid}}/v2.0"));
        assert_eq!(settings.issuer_rule, IssuerRule::Entra(tenants));
    }
    for cloud in ["https://login.microsoftonline.us", "https://login.partner.microsoftonline.cn"] {
        assert!(read(&[ENTRA, ("oidc_issuer", &format!("{cloud}/common/v2.0"))], false).is_ok());
    }
    for issuer in [
        &format!("{cloud}/{TENANT}/v2.0"),
        &format!("{cloud}/common"),
        &format!("{cloud}/common/v2.0/"),
        &format!("{cloud}/common/v1.0"),
        &format!("{cloud}/x/common/v2.0"),
        &format!("{cloud}/Common/v2.0"),
        &format!("{cloud}/{{tenantId}}/v2.0"),
        &format!("{cloud}:443/common/v2.0"),
        "https://login.microsoftonline.com.evil.example/common/v2.0",
        "http://login.microsoftonline.com/common/v2.0",
        "https://idp.example.com/common/v2.0",
        "http://localhost:1/common/v2.0",
        "https://idp.example.com",
    ] {
        assert_eq!(
            read(&[ENTRA, ("oidc_issuer", issuer)], false).unwrap_err().key,
            "oidc_issuer",
            "{issuer}"
        );
    }
    assert!(read(&[ENTRA, ("oidc_issuer", "http://localhost:1/common/v2.0")], true).is_ok());
    for odd in ["http://evil.example", "http://localhost:1/", "http://localhost:1?a=b"] {
        assert!(read(&[ENTRA, ("oidc_issuer", &format!("{odd}/common/v2.0"))], true).is_err(), "{odd}");
    }
}

#[test]
fn an_issuer_of_every_tenant_needs_the_setting_and_the_error_names_it() {
    for segment in ["common", "organizations", "consumers", "{tenantid}"] {
        let issuer = format!("https://login.microsoftonline.com/{segment}/v2.0");
        let error = read(&[("oidc_issuer", &issuer)], false).unwrap_err();
        assert_eq!(error.key, "oidc_issuer");
        assert!(error.allowed.contains("issuer_template=entra"), "{error}");
    }
    assert!(
        read(&[("oidc_issuer", &format!("https://login.microsoftonline.com/{TENANT}/v2.0"))], false).is_ok()
    );
    assert!(read(&[("oidc_issuer", "https://idp.example.com/common/v2.0")], false).is_ok());
}

#[test]
fn no_domain_of_addresses_is_trusted_when_every_tenant_may_state_them() {
    let issuer = ("oidc_issuer", "https://login.microsoftonline.com/common/v2.0");
    let error = read(&[ENTRA, issuer, ("trusted_email_domains", "example.com")], false).unwrap_err();
    assert_eq!(error.key, "trusted_email_domains");
}

#[tokio::test]
async fn a_document_with_a_place_for_the_tenant_needs_the_setting_and_the_error_names_it() {
    let idp = Idp::new().await;
    state(&idp, "{tenantid}");
    let error = idp.provider.begin(&idp.around, &idp.facts).await.unwrap_err();
    assert_eq!(check_of(&error), "oidc_discovery_issuer");
    assert!(error.to_string().contains("issuer_template=entra"), "{error}");
}

#[tokio::test]
async fn a_person_of_any_tenant_signs_in_and_is_from_that_tenants_issuer() {
    for segment in ["common", "organizations", "{tenantid}"] {
        let idp = entra(segment).await;
        for tenant in [TENANT, OTHER] {
            said(&idp, tenant, |_| ());
            let person = idp.finish().await.unwrap();
            assert_eq!((person.issuer, person.subject.as_str()), (of(&idp, tenant), "person-1"));
            assert_eq!(person.attributes["tid"], [tenant]);
        }
        let segment = segment.replace("{tenantid}", "common");
        let path = format!("/{segment}/v2.0/.well-known/openid-configuration");
        assert_eq!(idp.requests(&path).await.len(), 1);
    }
}

#[tokio::test]
async fn the_issuer_must_be_the_template_with_the_tokens_own_tenant() {
    let idp = entra("common").await;
    let good = of(&idp, TENANT);
    for issuer in [
        of(&idp, OTHER),
        of(&idp, "{tenantid}"),
        of(&idp, "common"),
        of(&idp, &TENANT.to_uppercase()),
        format!("{good}/"),
        format!("{good}?"),
        good.replace("http:", "https:"),
        format!("{}/x/{TENANT}/v2.0", idp.issuer()),
        good.replace("/v2.0", ""),
        format!("https://sts.windows.net/{TENANT}/"),
        format!("https://evil.example/{TENANT}/v2.0"),
        String::new(),
    ] {
        said(&idp, TENANT, |c| c["iss"] = json!(issuer));
        assert_eq!(refused(&idp).await, "oidc_issuer", "{issuer}");
    }
    for tid in
        [json!(OTHER), json!(""), json!("common"), Value::Null, json!([TENANT]), json!(TENANT.to_uppercase())]
    {
        said(&idp, TENANT, |c| c["tid"] = tid.clone());
        assert_eq!(refused(&idp).await, "oidc_issuer", "{tid}");
    }
    // Neither names a tenant: that they agree about none is no agreement.
    for issuer in ["https://evil.example", "", &of(&idp, "common")] {
        said(&idp, TENANT, |c| {
            c["iss"] = json!(issuer);
            c.as_object_mut().unwrap().remove("tid");
        });
        assert_eq!(refused(&idp).await, "oidc_issuer", "{issuer}");
    }
}

#[tokio::test]
async fn what_stands_for_the_tenant_must_be_an_id() {
    let idp = entra("common").await;
    for odd in [
        "contoso.onmicrosoft.com",
        "common",
        "{tenantid}",
        "",
        "..",
        "72f988bf86f141af91ab2d7cd011db47",
        "72f988bf-86f1-41af-91ab-2d7cd011db4",
        "72f988bf-86f1-41af-91ab-2d7cd011db477",
        "72f988bf-86f1-41af-91ab-2d7cd011db4g",
        "72F988BF-86F1-41AF-91AB-2D7CD011DB47",
        "72f988bf/86f1-41af-91ab-2d7cd011db47",
        "72f988bf-86f1-41af-91ab-2d7cd011db4\u{e9}",
    ] {
        said(&idp, odd, |_| ());
        assert_eq!(refused(&idp).await, "oidc_issuer", "{odd}");
    }
}

#[tokio::test]
async fn organizations_lets_no_personal_account_in_and_consumers_nothing_else() {
    let idp = entra("organizations").await;
    said(&idp, PERSONAL, |_| ());
    assert_eq!(refused(&idp).await, "oidc_issuer");
    let idp = entra("common").await;
    said(&idp, PERSONAL, |_| ());
    assert!(idp.finish().await.is_ok());
    let idp = entra("consumers").await;
    state(&idp, PERSONAL);
    assert_eq!(refused(&idp).await, "oidc_issuer");
    said(&idp, PERSONAL, |_| ());
    assert_eq!(idp.finish().await.unwrap().issuer, of(&idp, PERSONAL));
}

#[tokio::test]
async fn the_discovery_document_states_the_template_and_nothing_else() {
    for issuer in ["common", TENANT, PERSONAL, "{tenantId}", "{tenantid}/x"] {
        let idp = entra("common").await;
        state(&idp, issuer);
        let error = idp.provider.begin(&idp.around, &idp.facts).await.unwrap_err();
        assert_eq!(check_of(&error), "oidc_discovery_issuer", "{issuer}");
    }
}

#[tokio::test]
async fn a_key_that_is_anothers_does_not_sign_for_this_issuer() {
    for (owner, good) in
        [("{tenantid}", true), (TENANT, true), (OTHER, false), (PERSONAL, false), ("common", false)]
    {
        let idp = entra("common").await;
        own_keys(&idp, &[json!(of(&idp, owner))]);
        match good {
            true => assert!(idp.finish().await.is_ok(), "{owner}"),
            false => assert_eq!(refused(&idp).await, "oidc_key_issuer", "{owner}"),
        }
    }
    for odd in [json!(7), Value::Null, json!("")] {
        let idp = entra("common").await;
        own_keys(&idp, &[odd]);
        assert_eq!(refused(&idp).await, "oidc_key_issuer");
    }
}

#[tokio::test]
async fn a_key_that_is_anothers_signs_no_logout_token_of_this_issuer_either() {
    for (owner, good) in [("{tenantid}", true), (TENANT, true), (OTHER, false), (PERSONAL, false)] {
        let idp = entra("common").await;
        own_keys(&idp, &[json!(of(&idp, owner))]);
        let token = logout_tokens::signed(&idp, &json!({ "iss": of(&idp, TENANT), "tid": TENANT }));
        match logout_tokens::hear(&idp, &token).await {
            Ok(_) => assert!(good, "{owner}"),
            Err(error) => {
                assert!(!good, "{owner}: {error}");
                assert_eq!(check_of(&error), "oidc_key_issuer", "{owner}");
            }
        }
    }
}

#[tokio::test]
async fn a_key_that_stands_in_the_set_for_two_issuers_signs_for_both_and_no_third() {
    let idp = entra("common").await;
    own_keys(&idp, &[json!(of(&idp, OTHER)), json!(of(&idp, TENANT))]);
    for tenant in [TENANT, OTHER] {
        said(&idp, tenant, |_| ());
        assert!(idp.finish().await.is_ok());
    }
    said(&idp, PERSONAL, |_| ());
    assert_eq!(refused(&idp).await, "oidc_key_issuer");
}

#[tokio::test]
async fn without_the_template_a_keys_issuer_means_nothing() {
    let idp = Idp::new().await;
    own_keys(&idp, &[json!("https://sts.example.com")]);
    assert!(idp.finish().await.is_ok());
}

#[tokio::test]
async fn the_issuer_of_the_answer_is_that_of_the_id_token() {
    let idp = entra("organizations").await;
    let answer = |iss: String| {
        let idp = &idp;
        async move { idp.finish_with(&[("state", HANDLE), ("code", "c"), ("iss", &iss)]).await }
    };
    assert!(answer(of(&idp, TENANT)).await.is_ok());
    for other in [of(&idp, OTHER), of(&idp, PERSONAL), "https://evil.example".to_owned(), of(&idp, "common")]
    {
        assert_eq!(check_of(&answer(other.clone()).await.unwrap_err()), "oidc_iss_parameter", "{other}");
    }
    // Only the one that names a tenant has to wait for the ID token.
    assert_eq!(idp.requests("/token").await.len(), 2);
}
