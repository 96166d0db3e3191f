//! `ProviderDetails`: what may be given, what is kept, what is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use poolgate_providers::saml::{SamlSettings, metadata};
use poolgate_providers::settings::CommonSettings;

use super::error::invalid;
use super::{ApiContext, ApiError};
use crate::pool::{IdentityProvider, ProviderType, Timestamp};
use crate::registry::adapters;
use crate::upkeep::document::{self, Unusable};

/// Settings as given.
pub(super) type Details = BTreeMap<String, String>;

/// What describing a SAML provider adds: tools send it back, and it is worked out anew.
const DERIVED_SAML: [&str; 3] =
    ["SSORedirectBindingURI", "SLORedirectBindingURI", "ActiveEncryptionCertificate"];

/// Settings that were accepted, and the metadata document behind them.
pub(super) struct Accepted {
    pub(super) details: Details,
    /// SAML: as given, or as fetched just now.
    pub(super) metadata_document: Option<String>,
    /// When it was fetched, if it was.
    pub(super) metadata_fetched: Option<Timestamp>,
}

/// Checks the settings of a provider; for SAML by URL this fetches the metadata.
///
/// # Errors
/// The first setting that is missing, unknown or not allowed, by name.
pub(super) async fn check(
    context: &ApiContext,
    kind: ProviderType,
    mut details: Details,
) -> Result<Accepted, ApiError> {
    match kind {
        ProviderType::Saml => {
            DERIVED_SAML.iter().for_each(|key| drop(details.remove(*key)));
            saml(context, details).await
        }
        kind => {
            adapters::oauth(kind, &details, &BTreeSet::new(), context.core.surface.dev)
                .map_err(|error| invalid(error.to_string()))?;
            Ok(Accepted { details, metadata_document: None, metadata_fetched: None })
        }
    }
}

async fn saml(context: &ApiContext, details: Details) -> Result<Accepted, ApiError> {
    let failed =
        |place: &str, why: &dyn Display| invalid(format!("Error retrieving metadata from {place}: {why}."));
    let (place, document) = match (details.get("MetadataURL"), details.get("MetadataFile")) {
        (Some(url), None) => {
            let fetched = document::fetch(&*context.core.around.http, url).await;
            (url.as_str(), fetched.map_err(|error| failed(url, &error))?)
        }
        (None, Some(document)) => ("MetadataFile", document.clone()),
        (Some(_), Some(_)) => {
            return Err(invalid("ProviderDetails: give MetadataURL or MetadataFile, not both."));
        }
        (None, None) => {
            return Err(invalid("ProviderDetails: a SAML provider needs MetadataURL or MetadataFile."));
        }
    };
    let now = context.core.now();
    document::read(&details, &document, context.core.surface.dev, now).map_err(|error| match error {
        Unusable::Metadata(error) => failed(place, &error),
        Unusable::Setting(error) => invalid(error.to_string()),
    })?;
    // Those that the gateway reads where profiles are mapped and sessions end.
    CommonSettings::from_details(&details).map_err(|error| invalid(error.to_string()))?;
    let metadata_fetched = details.contains_key("MetadataURL").then(|| now.into());
    Ok(Accepted { details, metadata_document: Some(document), metadata_fetched })
}

/// The secrets of `before` that `given` does not replace.
///
/// A private key is kept only where the settings still use one.
pub(super) fn keep_secrets(given: &mut Details, before: &IdentityProvider) {
    let uses_key = before.provider_type == ProviderType::SignInWithApple
        || given.get("token_endpoint_auth_method").is_some_and(|method| method == "private_key_jwt");
    for (key, keep) in [("client_secret", true), ("private_key", uses_key)] {
        if let Some(secret) = before.provider_details.get(key).filter(|_| keep) {
            given.entry(key.to_owned()).or_insert_with(|| secret.clone());
        }
    }
}

/// The settings as describing the provider shows them: without the private key, with what follows from them.
pub(super) fn shown(context: &ApiContext, provider: &IdentityProvider) -> Details {
    let mut details = provider.provider_details.clone();
    details.remove("private_key");
    match provider.provider_type {
        ProviderType::Saml => {
            details.extend(derived_from_metadata(context, provider).unwrap_or_default());
            if let Some(pool) = context.core.registry.snapshot().pool(&provider.user_pool_id) {
                let certificate = pool.keys.encryption_certificate().to_owned();
                details.insert("ActiveEncryptionCertificate".to_owned(), certificate);
            }
        }
        kind => {
            let adapter =
                adapters::oauth(kind, &provider.provider_details, &BTreeSet::new(), context.core.surface.dev);
            let derived = adapter.map(|adapter| adapter.derived()).unwrap_or_default();
            details.extend(derived.into_iter().map(|(key, value)| (key.to_owned(), value)));
        }
    }
    details
}

/// Nothing when the metadata in store cannot be read.
fn derived_from_metadata(context: &ApiContext, provider: &IdentityProvider) -> Option<Details> {
    let document = provider.metadata_document.as_ref()?;
    let metadata = metadata::parse(document.as_bytes()).ok()?;
    let settings =
        SamlSettings::from_details(&provider.provider_details, metadata, context.core.surface.dev).ok()?;
    Some(settings.derived())
}
