//! One change of the configuration, and what it writes.

use std::sync::Arc;

use super::{Registry, records};
use crate::directory::{Change, DirectoryError, INSTALLATION, Kind};
use crate::keys::pool_keys::{self, NewKey};
use crate::pool::{
    AppClient, Certificate, Domain, Group, IdentityProvider, ResourceServer, UiCustomization, UserPool,
};

/// A stored thing and its version, for [`Edit`]s that must not overwrite somebody else's.
#[derive(Debug, Clone)]
pub struct Versioned<T> {
    /// The thing.
    pub value: T,
    /// Of the write that made it so: never that of another content of the same name.
    pub version: i64,
}

/// One change of the configuration.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Make a pool, and its keys.
    CreatePool(UserPool),
    /// Change a pool.
    UpdatePool(Versioned<UserPool>),
    /// Remove a pool and everything in it.
    DeletePool(String),
    /// Make an app client.
    CreateClient(AppClient),
    /// Change an app client.
    UpdateClient(Versioned<AppClient>),
    /// Remove an app client.
    DeleteClient {
        /// Its pool.
        pool_id: String,
        /// Its id.
        client_id: String,
    },
    /// Make an identity provider, and its group.
    CreateProvider(IdentityProvider),
    /// Change an identity provider.
    UpdateProvider(Versioned<IdentityProvider>),
    /// Remove an identity provider, and its group.
    DeleteProvider {
        /// Its pool.
        pool_id: String,
        /// Its name.
        name: String,
    },
    /// Make a domain.
    CreateDomain(Domain),
    /// Change a domain.
    UpdateDomain(Versioned<Domain>),
    /// Remove a domain.
    DeleteDomain {
        /// Its pool.
        pool_id: String,
        /// The domain.
        domain: String,
    },
    /// Make a resource server.
    CreateResourceServer(ResourceServer),
    /// Change a resource server.
    UpdateResourceServer(Versioned<ResourceServer>),
    /// Remove a resource server.
    DeleteResourceServer {
        /// Its pool.
        pool_id: String,
        /// Its identifier.
        identifier: String,
    },
    /// Make a group.
    CreateGroup(Group),
    /// Change a group.
    UpdateGroup(Versioned<Group>),
    /// Remove a group.
    DeleteGroup {
        /// Its pool.
        pool_id: String,
        /// Its name.
        name: String,
    },
    /// Make a customisation of the hosted pages.
    CreateUiCustomization(UiCustomization),
    /// Change a customisation of the hosted pages.
    UpdateUiCustomization(Versioned<UiCustomization>),
    /// Remove a customisation of the hosted pages.
    DeleteUiCustomization {
        /// Its pool.
        pool_id: String,
        /// The app client, or `ALL`.
        client_id: String,
    },
    /// Import a certificate.
    CreateCertificate(Certificate),
    /// Import a certificate in the place of another of the same ARN.
    UpdateCertificate(Versioned<Certificate>),
    /// Remove the imported certificate of this ARN.
    DeleteCertificate(String),
    /// Set a key beside the others of a pool.
    AddKey {
        /// The pool.
        pool_id: String,
        /// The key.
        key: Arc<NewKey>,
    },
    /// Remove a key of a pool for good.
    RemoveKey {
        /// The pool.
        pool_id: String,
        /// The key's id.
        key_id: String,
    },
}

impl Registry {
    /// What this edit writes.
    pub(super) async fn changes_of(
        &self,
        edit: Edit,
        changes: &mut Vec<Change>,
    ) -> Result<(), DirectoryError> {
        match edit {
            Edit::CreatePool(pool) => {
                let keys = self.make_keys(pool.id.clone()).await?;
                changes.push(Change::Create(records::of_pool(&pool, 0)?));
                for key in keys {
                    changes.push(Change::Create(records::of_key(&pool.id, &key, &self.sealer)?));
                }
            }
            Edit::UpdatePool(pool) => {
                changes.push(Change::Replace(records::of_pool(&pool.value, pool.version)?));
            }
            Edit::DeletePool(pool_id) => changes.push(Change::DeletePool(pool_id)),
            Edit::CreateClient(client) => {
                changes.push(Change::Create(records::of_client(&client, 0, &self.sealer)?));
            }
            Edit::UpdateClient(client) => {
                changes.push(Change::Replace(records::of_client(
                    &client.value,
                    client.version,
                    &self.sealer,
                )?));
            }
            Edit::DeleteClient { pool_id, client_id } => {
                changes.push(Change::Delete(Kind::AppClient, pool_id, client_id));
            }
            Edit::CreateProvider(provider) => {
                changes.push(Change::Create(records::of_provider(&provider, 0, &self.sealer)?));
                // An older release leaves the group when it deletes a provider.
                let snapshot = self.snapshot();
                let left =
                    snapshot.pool(&provider.user_pool_id).and_then(|pool| pool.groups.get(&provider.group()));
                if left.is_none() {
                    changes.push(Change::Create(records::of_group(&Group::of_provider(&provider), 0)?));
                }
            }
            Edit::UpdateProvider(provider) => {
                let record = records::of_provider(&provider.value, provider.version, &self.sealer)?;
                changes.push(Change::Replace(record));
            }
            Edit::DeleteProvider { pool_id, name } => {
                changes.push(Change::Delete(Kind::IdentityProvider, pool_id, name));
            }
            Edit::CreateDomain(domain) => {
                changes.push(Change::Create(records::of_domain(&domain, 0, &self.surface)?));
            }
            Edit::UpdateDomain(domain) => {
                changes.push(Change::Replace(records::of_domain(
                    &domain.value,
                    domain.version,
                    &self.surface,
                )?));
            }
            Edit::DeleteDomain { pool_id, domain } => {
                changes.push(Change::Delete(Kind::Domain, pool_id, domain));
            }
            Edit::CreateResourceServer(made) => {
                changes.push(Change::Create(records::of_resource_server(&made, 0)?))
            }
            Edit::UpdateResourceServer(made) => {
                changes.push(Change::Replace(records::of_resource_server(&made.value, made.version)?));
            }
            Edit::DeleteResourceServer { pool_id, identifier } => {
                changes.push(Change::Delete(Kind::ResourceServer, pool_id, identifier));
            }
            Edit::CreateGroup(made) => changes.push(Change::Create(records::of_group(&made, 0)?)),
            Edit::UpdateGroup(made) => {
                changes.push(Change::Replace(records::of_group(&made.value, made.version)?));
            }
            Edit::DeleteGroup { pool_id, name } => {
                changes.push(Change::Delete(Kind::Group, pool_id, name));
            }
            Edit::CreateUiCustomization(made) => {
                changes.push(Change::Create(records::of_ui_customization(&made, 0)?));
            }
            Edit::UpdateUiCustomization(made) => {
                changes.push(Change::Replace(records::of_ui_customization(&made.value, made.version)?));
            }
            Edit::DeleteUiCustomization { pool_id, client_id } => {
                changes.push(Change::Delete(Kind::UiCustomization, pool_id, client_id));
            }
            Edit::CreateCertificate(made) => {
                changes.push(Change::Create(records::of_certificate(&made, 0, &self.sealer)?));
            }
            Edit::UpdateCertificate(made) => {
                let record = records::of_certificate(&made.value, made.version, &self.sealer)?;
                changes.push(Change::Replace(record));
            }
            Edit::DeleteCertificate(arn) => {
                changes.push(Change::Delete(Kind::Certificate, INSTALLATION.to_owned(), arn));
            }
            Edit::AddKey { pool_id, key } => {
                changes.push(Change::Create(records::of_key(&pool_id, &key, &self.sealer)?));
            }
            Edit::RemoveKey { pool_id, key_id } => {
                changes.push(Change::Delete(Kind::Key, pool_id, key_id));
            }
        }
        Ok(())
    }

    async fn make_keys(&self, pool_id: String) -> Result<Vec<NewKey>, DirectoryError> {
        let (random, now) = (Arc::clone(&self.random), self.clock.now());
        tokio::task::spawn_blocking(move || pool_keys::make(&pool_id, &random, now))
            .await
            .map_err(|error| DirectoryError::Away(error.to_string()))?
            .map_err(|error| DirectoryError::Away(error.to_string()))
    }
}

impl Edit {
    /// The pool that it touches, or [`INSTALLATION`].
    pub(super) fn pool_id(&self) -> &str {
        match self {
            Self::CreatePool(pool) => &pool.id,
            Self::UpdatePool(pool) => &pool.value.id,
            Self::CreateClient(client) => &client.user_pool_id,
            Self::UpdateClient(client) => &client.value.user_pool_id,
            Self::CreateProvider(provider) => &provider.user_pool_id,
            Self::UpdateProvider(provider) => &provider.value.user_pool_id,
            Self::CreateDomain(domain) => &domain.user_pool_id,
            Self::UpdateDomain(domain) => &domain.value.user_pool_id,
            Self::CreateResourceServer(made) => &made.user_pool_id,
            Self::UpdateResourceServer(made) => &made.value.user_pool_id,
            Self::CreateGroup(made) => &made.user_pool_id,
            Self::UpdateGroup(made) => &made.value.user_pool_id,
            Self::CreateUiCustomization(made) => &made.user_pool_id,
            Self::UpdateUiCustomization(made) => &made.value.user_pool_id,
            Self::CreateCertificate(_) | Self::UpdateCertificate(_) | Self::DeleteCertificate(_) => {
                INSTALLATION
            }
            Self::DeletePool(pool_id)
            | Self::DeleteClient { pool_id, .. }
            | Self::DeleteProvider { pool_id, .. }
            | Self::DeleteDomain { pool_id, .. }
            | Self::DeleteResourceServer { pool_id, .. }
            | Self::DeleteGroup { pool_id, .. }
            | Self::DeleteUiCustomization { pool_id, .. }
            | Self::AddKey { pool_id, .. }
            | Self::RemoveKey { pool_id, .. } => pool_id,
        }
    }
}
