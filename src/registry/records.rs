//! Between nouns and stored records: documents as JSON, secrets sealed.

use std::collections::BTreeMap;
use std::sync::Arc;

use poolgate_providers::Clock;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::snapshot::{Certificates, LivePool, LiveProvider};
use super::{Surface, Versioned, adapters, client_secrets};
use crate::directory::{DirectoryError, INSTALLATION, Kind, Record, UniqueName};
use crate::keys::pool_keys::NewKey;
use crate::keys::{KeyRecord, KeyUse, PoolKeys, Sealer};
use crate::pool::identity_provider::SECRET_DETAILS;
use crate::pool::{
    AppClient, Certificate, Domain, Group, IdentityProvider, ResourceServer, UiCustomization, UserPool,
};
use crate::style::Dress;

fn broken(what: &str, why: impl std::fmt::Display) -> DirectoryError {
    DirectoryError::Away(format!("{what}: {why}"))
}

/// What a sealed secret is bound to: it opens in this place only.
fn context(kind: Kind, pool_id: &str, id: &str) -> String {
    format!("{}/{pool_id}/{id}", kind.as_str())
}

fn record(
    kind: Kind,
    pool_id: &str,
    id: &str,
    document: &impl Serialize,
    version: i64,
) -> Result<Record, DirectoryError> {
    let document = serde_json::to_string(document).map_err(|error| broken(id, error))?;
    Ok(Record {
        kind,
        pool_id: pool_id.to_owned(),
        id: id.to_owned(),
        document,
        sealed: None,
        names: Vec::new(),
        version,
    })
}

fn seal(record: &mut Record, secret: &[u8], sealer: &Sealer) -> Result<(), DirectoryError> {
    let place = context(record.kind, &record.pool_id, &record.id);
    record.sealed = Some(sealer.seal(&place, secret).map_err(|error| broken(&record.id, error))?);
    Ok(())
}

/// What is sealed in a record, opened.
///
/// # Errors
/// When this master key does not open it.
pub(crate) fn secret_of(
    record: &Record,
    sealer: &Sealer,
) -> Result<Option<Zeroizing<Vec<u8>>>, DirectoryError> {
    unseal(record, sealer)
}

fn unseal(record: &Record, sealer: &Sealer) -> Result<Option<Zeroizing<Vec<u8>>>, DirectoryError> {
    let Some(sealed) = &record.sealed else { return Ok(None) };
    let place = context(record.kind, &record.pool_id, &record.id);
    sealer.open(&place, sealed).map(Some).map_err(|error| broken(&place, error))
}

/// Whether what is sealed in a record of this kind, pool and id opens.
pub(crate) fn opens(kind: Kind, pool_id: &str, id: &str, sealed: &[u8], sealer: &Sealer) -> bool {
    sealer.open(&context(kind, pool_id, id), sealed).is_ok()
}

fn parse<T: DeserializeOwned>(record: &Record) -> Result<T, DirectoryError> {
    serde_json::from_str(&record.document).map_err(|error| broken(&record.id, error))
}

pub(super) fn of_pool(pool: &UserPool, version: i64) -> Result<Record, DirectoryError> {
    record(Kind::UserPool, &pool.id, &pool.id, pool, version)
}

pub(super) fn of_key(pool_id: &str, key: &NewKey, sealer: &Sealer) -> Result<Record, DirectoryError> {
    let mut record = record(Kind::Key, pool_id, &key.record.id, &key.record, 0)?;
    seal(&mut record, &key.secret, sealer)?;
    Ok(record)
}

/// What a stored key is for; `None` for a record of another kind.
pub(super) fn key_use(record: &Record) -> Result<Option<KeyUse>, DirectoryError> {
    if record.kind == Kind::Key { Ok(Some(parse::<KeyRecord>(record)?.key_use)) } else { Ok(None) }
}

pub(super) fn of_client(client: &AppClient, version: i64, sealer: &Sealer) -> Result<Record, DirectoryError> {
    let mut record = record(Kind::AppClient, &client.user_pool_id, &client.client_id, client, version)?;
    record.names.push(UniqueName { scope: "client".into(), name: client.client_id.clone() });
    if let Some(secrets) = client_secrets::write(client) {
        let secrets = secrets.map_err(|error| broken(&client.client_id, error))?;
        seal(&mut record, &secrets, sealer)?;
    }
    Ok(record)
}

pub(super) fn of_provider(
    provider: &IdentityProvider,
    version: i64,
    sealer: &Sealer,
) -> Result<Record, DirectoryError> {
    let mut public = provider.clone();
    let mut secrets = BTreeMap::new();
    for key in SECRET_DETAILS {
        if let Some(secret) = public.provider_details.remove(key) {
            secrets.insert(key, secret);
        }
    }
    let (pool_id, name) = (&provider.user_pool_id, &provider.provider_name);
    let mut record = record(Kind::IdentityProvider, pool_id, name, &public, version)?;
    for identifier in &provider.idp_identifiers {
        let scope = format!("identifier:{pool_id}");
        record.names.push(UniqueName { scope, name: identifier.to_lowercase() });
    }
    if !secrets.is_empty() {
        let plain = Zeroizing::new(serde_json::to_vec(&secrets).map_err(|error| broken(name, error))?);
        seal(&mut record, &plain, sealer)?;
    }
    Ok(record)
}

pub(super) fn of_domain(domain: &Domain, version: i64, surface: &Surface) -> Result<Record, DirectoryError> {
    let mut record = record(Kind::Domain, &domain.user_pool_id, &domain.domain, domain, version)?;
    let host = domain.host(surface.public_url.host_str().unwrap_or("localhost"));
    record.names.push(UniqueName { scope: "domain".into(), name: host });
    Ok(record)
}

pub(super) fn of_resource_server(server: &ResourceServer, version: i64) -> Result<Record, DirectoryError> {
    record(Kind::ResourceServer, &server.user_pool_id, &server.identifier, server, version)
}

pub(super) fn of_group(group: &Group, version: i64) -> Result<Record, DirectoryError> {
    record(Kind::Group, &group.user_pool_id, &group.group_name, group, version)
}

/// The group that belongs to a stored provider.
pub(super) fn own_group(provider: &Record) -> Result<Group, DirectoryError> {
    Ok(Group::of_provider(&parse(provider)?))
}

pub(super) fn of_ui_customization(ui: &UiCustomization, version: i64) -> Result<Record, DirectoryError> {
    record(Kind::UiCustomization, &ui.user_pool_id, &ui.client_id, ui, version)
}

pub(super) fn of_certificate(
    certificate: &Certificate,
    version: i64,
    sealer: &Sealer,
) -> Result<Record, DirectoryError> {
    let mut record = record(Kind::Certificate, INSTALLATION, &certificate.arn, certificate, version)?;
    if let Some(key) = &certificate.key {
        seal(&mut record, key.expose_secret().as_bytes(), sealer)?;
    }
    Ok(record)
}

/// The certificates among the records of the installation, by ARN.
pub(super) fn read_certificates(
    records: Vec<Record>,
    sealer: &Sealer,
) -> Result<Certificates, DirectoryError> {
    let mut certificates = Certificates::new();
    for record in records.into_iter().filter(|record| record.kind == Kind::Certificate) {
        let mut value: Certificate = parse(&record)?;
        if let Some(key) = unseal(&record, sealer)? {
            let key = std::str::from_utf8(&key).map_err(|error| broken(&record.id, error))?;
            value.key = Some(SecretString::from(key));
        }
        certificates.insert(record.id, Versioned { value, version: record.version });
    }
    Ok(certificates)
}

fn read_client(record: &Record, sealer: &Sealer) -> Result<AppClient, DirectoryError> {
    let mut client: AppClient = parse(record)?;
    if let Some(secret) = unseal(record, sealer)? {
        client.client_secrets =
            client_secrets::read(&secret, &client).map_err(|error| broken(&record.id, error))?;
    }
    Ok(client)
}

fn read_provider(record: &Record, sealer: &Sealer) -> Result<IdentityProvider, DirectoryError> {
    let mut provider: IdentityProvider = parse(record)?;
    if let Some(secrets) = unseal(record, sealer)? {
        let secrets: BTreeMap<String, String> =
            serde_json::from_slice(&secrets).map_err(|error| broken(&record.id, error))?;
        provider.provider_details.extend(secrets);
    }
    Ok(provider)
}

/// What a pool's adapters are made with.
pub(super) struct Around<'a> {
    pub(super) surface: &'a Surface,
    pub(super) clock: &'a Arc<dyn Clock>,
}

/// The pool that these records make; `None` when there is none of them.
///
/// A provider that did not change keeps its adapter, and with it what the adapter has learned (key sets).
pub(super) fn read_pool(
    pool_id: &str,
    records: Vec<Record>,
    sealer: &Sealer,
    around: &Around<'_>,
    before: Option<&LivePool>,
) -> Result<Option<LivePool>, DirectoryError> {
    let mut pool = None;
    let (mut clients, mut domains) = (BTreeMap::new(), Vec::new());
    let (mut providers, mut keys) = (Vec::new(), Vec::new());
    let (mut resource_servers, mut groups) = (BTreeMap::new(), BTreeMap::new());
    let (mut ui, mut dresses) = (BTreeMap::new(), BTreeMap::new());
    for record in records {
        let version = record.version;
        match record.kind {
            Kind::UserPool => pool = Some(Versioned { value: parse::<UserPool>(&record)?, version }),
            Kind::AppClient => {
                let value = read_client(&record, sealer)?;
                clients.insert(record.id, Versioned { value, version });
            }
            Kind::IdentityProvider => {
                providers.push(Versioned { value: read_provider(&record, sealer)?, version });
            }
            Kind::Domain => domains.push(Versioned { value: parse::<Domain>(&record)?, version }),
            Kind::ResourceServer => {
                let value = parse::<ResourceServer>(&record)?;
                resource_servers.insert(record.id, Versioned { value, version });
            }
            Kind::Group => {
                let value = parse::<Group>(&record)?;
                groups.insert(record.id, Versioned { value, version });
            }
            Kind::UiCustomization => {
                let value = parse::<UiCustomization>(&record)?;
                let made = Versioned { value, version };
                dresses.insert(record.id.clone(), dress(&record.id, &made, before));
                ui.insert(record.id, made);
            }
            // Of the installation: see `read_certificates`.
            Kind::Certificate => {}
            Kind::Key => {
                let secret = unseal(&record, sealer)?;
                let secret = secret.ok_or_else(|| broken(&record.id, "the key has no private half"))?;
                keys.push((parse::<KeyRecord>(&record)?, secret));
            }
        }
    }
    let Some(pool) = pool else { return Ok(None) };
    let keys = match before {
        Some(before) if before.keys.ids() == key_ids(&keys) => before.keys.clone(),
        _ => PoolKeys::from_stored(pool_id, keys).map_err(|error| broken(pool_id, error))?,
    };
    let providers = providers
        .into_iter()
        .map(|config| (config.value.provider_name.clone(), live(config, &keys, around, before)))
        .collect();
    Ok(Some(LivePool { pool, clients, providers, domains, resource_servers, groups, ui, dresses, keys }))
}

/// A customisation that did not change keeps what was made of it.
fn dress(client_id: &str, made: &Versioned<UiCustomization>, before: Option<&LivePool>) -> Arc<Dress> {
    let known = before.and_then(|pool| Some((pool.ui.get(client_id)?, pool.dresses.get(client_id)?)));
    match known {
        Some((ui, dress)) if ui.version == made.version && ui.value == made.value => Arc::clone(dress),
        _ => Arc::new(Dress::of(&made.value)),
    }
}

fn key_ids(keys: &[(KeyRecord, Zeroizing<Vec<u8>>)]) -> Vec<String> {
    let mut ids: Vec<_> = keys.iter().map(|(record, _)| record.id.clone()).collect();
    ids.sort();
    ids
}

fn live(
    config: Versioned<IdentityProvider>,
    keys: &PoolKeys,
    around: &Around<'_>,
    before: Option<&LivePool>,
) -> LiveProvider {
    // An adapter holds keys of the pool: with other keys it is another one.
    let known = before
        .filter(|pool| pool.keys.ids() == keys.ids())
        .and_then(|pool| pool.providers.get(&config.value.provider_name));
    let adapter = match known {
        Some(known) if known.adapter.is_ok() && unchanged(&known.config, &config) => known.adapter.clone(),
        _ => adapters::build(&config.value, keys, around.clock, around.surface),
    };
    LiveProvider { config, adapter }
}

/// No two contents have the same version, unless the directory was set back to an older state: hence the rest.
fn unchanged(before: &Versioned<IdentityProvider>, now: &Versioned<IdentityProvider>) -> bool {
    before.version == now.version
        && before.value.provider_type == now.value.provider_type
        && before.value.provider_details == now.value.provider_details
        && before.value.metadata_document == now.value.metadata_document
}
