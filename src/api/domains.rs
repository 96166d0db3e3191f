//! The host names that pools answer at.

use serde_json::{Value, json};
use time::macros::format_description;

use super::error::invalid;
use super::members::Members;
use super::user_pools::unknown_pool;
use super::{ApiContext, ApiError};
use crate::certificates;
use crate::pool::Domain;
use crate::pool::certificate::{ARN_FORM, is_arn};
use crate::pool::domain::CustomDomainConfig;
use crate::registry::{Edit, LivePool, Snapshot, Versioned};

fn public_host(context: &ApiContext) -> &str {
    context.core.surface.public_url.host_str().unwrap_or("localhost")
}

fn no_such_domain() -> ApiError {
    invalid("No such domain or user pool exists.")
}

/// A prefix is one label; a custom domain is a host name.
fn check_name(domain: &str, custom: bool) -> Result<(), ApiError> {
    let label =
        |label: &str| (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-');
    let named = domain.split('.').all(label);
    let numbers = domain.split('.').all(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    match (custom, domain.contains('.')) {
        (false, true) => Err(invalid(
            "A domain prefix is one label of lower-case letters, digits and hyphens, without dots. For a \
             whole host name give CustomDomainConfig.",
        )),
        _ if !named => Err(invalid(
            "Each part of a domain has 1 to 63 lower-case letters, digits and hyphens, and no hyphen at \
             either end.",
        )),
        (true, true) if numbers => Err(invalid("A custom domain is a host name, not an address.")),
        _ => Ok(()),
    }
}

/// `SecurityPolicy` of a host that shall speak nothing older than TLS 1.3.
const TLS_1_3_ONLY: &str = "TLS_V1_3_2025";

fn check_certificate(config: Option<&CustomDomainConfig>) -> Result<(), ApiError> {
    let Some(config) = config else { return Ok(()) };
    if !is_arn(&config.certificate_arn) {
        return Err(invalid(format!(
            "CustomDomainConfig.CertificateArn must be {ARN_FORM}; certificate/default will do."
        )));
    }
    if config.security_policy.as_deref() == Some(TLS_1_3_ONLY) {
        return Err(ApiError::Unsupported(format!(
            "CustomDomainConfig.SecurityPolicy {TLS_1_3_ONLY} is not part of this build: the listener would go on \
             speaking TLS 1.2 too. Without it, TLS 1.2 is the oldest."
        )));
    }
    Ok(())
}

/// A certificate may be imported after the domain is made, so one that does not fit is no fault yet.
fn warn_if_not_covered(snapshot: &Snapshot, domain: &Domain) {
    let imported = domain.certificate_arn().and_then(|arn| snapshot.certificate(arn));
    if imported.is_some_and(|certificate| !certificates::covers(&certificate.value, &domain.domain)) {
        tracing::warn!("the imported certificate of the custom domain {} does not cover it", domain.domain);
    }
}

fn check_login_version(input: &Members) -> Result<(), ApiError> {
    match input.get("ManagedLoginVersion").and_then(Value::as_i64) {
        None | Some(1 | 2) => Ok(()),
        Some(other) => Err(invalid(format!("ManagedLoginVersion must be 1 or 2, not {other}."))),
    }
}

/// `YYYYMMDDhhmmss`, as the reference counts versions.
fn version(context: &ApiContext) -> Value {
    let format = format_description!("[year][month][day][hour][minute][second]");
    context.core.now().format(&format).unwrap_or_default().into()
}

/// Members of a domain beyond the noun's own.
fn settle(context: &ApiContext, mut domain: Domain) -> Domain {
    domain.rest.entry("ManagedLoginVersion").or_insert(json!(1));
    domain.rest.insert("Version".into(), version(context));
    domain
}

/// What creating and updating answer with: where a custom domain's DNS name must lead.
fn made(context: &ApiContext, domain: &Domain) -> Value {
    let mut output = json!({ "ManagedLoginVersion": domain.rest.get("ManagedLoginVersion") });
    if domain.custom_domain_config.is_some() {
        output["CloudFrontDomain"] = public_host(context).into();
    }
    if let Some(routing) = domain.rest.get("Routing") {
        output["Routing"] = routing.clone();
    }
    output
}

pub(super) async fn create(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    check_login_version(&input)?;
    let (name, pool_id) = (input.text("Domain")?, input.text("UserPoolId")?);
    let custom: Option<CustomDomainConfig> = input.take("CustomDomainConfig")?;
    check_name(&name, custom.is_some())?;
    check_certificate(custom.as_ref())?;
    let domain = Domain {
        domain: name,
        user_pool_id: pool_id.clone(),
        custom_domain_config: custom,
        rest: input.rest(),
    };
    let domain = settle(context, domain);
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    let kind = domain.custom_domain_config.is_some();
    if live.domains.iter().any(|known| known.value.custom_domain_config.is_some() == kind) {
        let kind = if kind { "custom domain" } else { "domain prefix" };
        return Err(invalid(format!("User pool already has a {kind} configured.")));
    }
    let taken = snapshot.pool_at_host(&domain.host(public_host(context))).is_some();
    if taken || snapshot.domain(&domain.domain).is_some() {
        return Err(invalid("Domain already associated with another user pool."));
    }
    let output = made(context, &domain);
    warn_if_not_covered(&snapshot, &domain);
    context.core.registry.edit_as_of(&snapshot, vec![Edit::CreateDomain(domain)]).await?;
    Ok(output)
}

pub(super) async fn describe(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let name = input.text("Domain")?;
    let snapshot = context.core.registry.snapshot();
    let Some(domain) = snapshot.domain(&name) else {
        return Ok(json!({ "DomainDescription": {} }));
    };
    let domain = &domain.value;
    let mut shown = json!({
        "UserPoolId": domain.user_pool_id,
        "AWSAccountId": context.core.surface.account_id,
        "Domain": domain.domain,
        "CloudFrontDistribution": public_host(context),
        "Status": "ACTIVE",
        "CustomDomainConfig": domain.custom_domain_config.as_ref().map_or_else(
            || json!({}), |config| json!(config)),
    });
    for member in ["Version", "ManagedLoginVersion"] {
        if let Some(value) = domain.rest.get(member) {
            shown[member] = value.clone();
        }
    }
    Ok(json!({ "DomainDescription": shown }))
}

/// The domain that a request names, in the pool that it names.
fn named<'a>(live: &'a LivePool, name: &str) -> Result<&'a Versioned<Domain>, ApiError> {
    live.domains.iter().find(|domain| domain.value.domain == name).ok_or_else(no_such_domain)
}

pub(super) async fn update(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    check_login_version(&input)?;
    let (name, pool_id) = (input.text("Domain")?, input.text("UserPoolId")?);
    let custom: Option<CustomDomainConfig> = input.take("CustomDomainConfig")?;
    check_certificate(custom.as_ref())?;
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    let before = named(live, &name)?;
    let mut domain = before.value.clone();
    if custom.is_some() && domain.custom_domain_config.is_none() {
        return Err(invalid("A domain prefix has no certificate: CustomDomainConfig is for custom domains."));
    }
    domain.custom_domain_config = custom.or(domain.custom_domain_config);
    domain.rest.extend(input.rest());
    let domain = settle(context, domain);
    let output = made(context, &domain);
    warn_if_not_covered(&snapshot, &domain);
    let edit = Edit::UpdateDomain(Versioned { value: domain, version: before.version });
    context.core.registry.edit_as_of(&snapshot, vec![edit]).await?;
    Ok(output)
}

pub(super) async fn delete(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (domain, pool_id) = (input.text("Domain")?, input.text("UserPoolId")?);
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(no_such_domain)?;
    named(live, &domain)?;
    context.core.registry.edit_as_of(&snapshot, vec![Edit::DeleteDomain { pool_id, domain }]).await?;
    Ok(json!({}))
}
