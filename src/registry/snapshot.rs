//! One unchanging view of the whole configuration.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use poolgate_providers::Provider;
use time::Duration;
use url::Url;

use super::{Surface, Versioned};
use crate::keys::PoolKeys;
use crate::pool::resource_server::RESERVED_SCOPES;
use crate::pool::ui_customization::ALL;
use crate::pool::{
    AppClient, Certificate, Domain, Group, IdentityProvider, ResourceServer, UiCustomization, UserPool,
};
use crate::style::{Dress, Served};

/// A pool with everything in it.
pub struct LivePool {
    /// The pool.
    pub pool: Versioned<UserPool>,
    /// By client id.
    pub clients: BTreeMap<String, Versioned<AppClient>>,
    /// By provider name.
    pub providers: BTreeMap<String, LiveProvider>,
    /// A prefix domain, a custom one, or both.
    pub domains: Vec<Versioned<Domain>>,
    /// By identifier.
    pub resource_servers: BTreeMap<String, Versioned<ResourceServer>>,
    /// By name.
    pub groups: BTreeMap<String, Versioned<Group>>,
    /// How the hosted pages look, by client id, or `ALL`.
    pub ui: BTreeMap<String, Versioned<UiCustomization>>,
    /// What browsers may fetch of that, by the same.
    pub dresses: BTreeMap<String, Arc<Dress>>,
    /// Its keys.
    pub keys: PoolKeys,
}

/// A provider, and the adapter that speaks its protocol.
pub struct LiveProvider {
    /// As configured.
    pub config: Versioned<IdentityProvider>,
    /// Ready for use, or why it is not.
    pub adapter: Result<Arc<dyn Provider>, String>,
}

/// The whole configuration.
#[derive(Default)]
pub struct Snapshot {
    generation: i64,
    pools: BTreeMap<String, Arc<LivePool>>,
    hosts: HashMap<String, String>,
    clients: HashMap<String, String>,
    certificates: Arc<Certificates>,
    /// Host of a custom domain → the ARN that it names.
    certificate_arns: HashMap<String, String>,
}

/// Imported certificates, by ARN.
pub type Certificates = BTreeMap<String, Versioned<Certificate>>;

impl Snapshot {
    /// From these pools, with every write up to `generation` in them.
    pub fn new(
        pools: Vec<Arc<LivePool>>,
        certificates: Arc<Certificates>,
        generation: i64,
        surface: &Surface,
    ) -> Self {
        let mut snapshot = Self { generation, certificates, ..Self::default() };
        let public_host = surface.public_url.host_str().unwrap_or("localhost").to_owned();
        for pool in pools {
            let id = pool.pool.value.id.clone();
            for domain in &pool.domains {
                let host = domain.value.host(&public_host);
                if let Some(arn) = domain.value.certificate_arn() {
                    snapshot.certificate_arns.insert(host.clone(), arn.to_owned());
                }
                snapshot.hosts.insert(host, id.clone());
            }
            for client in pool.clients.keys() {
                snapshot.clients.insert(client.clone(), id.clone());
            }
            snapshot.pools.insert(id, pool);
        }
        snapshot
    }

    /// The same, with these pools changed or removed, and with other certificates where they changed.
    pub(super) fn with_changes(
        &self,
        changed: BTreeMap<String, Option<Arc<LivePool>>>,
        certificates: Option<Certificates>,
        generation: i64,
        surface: &Surface,
    ) -> Self {
        let others = self.pools.iter().filter(|(id, _)| !changed.contains_key(*id));
        let mut pools: Vec<_> = others.map(|(_, pool)| Arc::clone(pool)).collect();
        pools.extend(changed.into_values().flatten());
        let certificates = certificates.map_or_else(|| Arc::clone(&self.certificates), Arc::new);
        Self::new(pools, certificates, generation, surface)
    }

    /// The generation that it stands for: every write up to it is in, and perhaps later ones.
    pub const fn generation(&self) -> i64 {
        self.generation
    }

    /// The pool of this id.
    pub fn pool(&self, id: &str) -> Option<&Arc<LivePool>> {
        self.pools.get(id)
    }

    /// Every pool, by id.
    pub fn pools(&self) -> impl Iterator<Item = &Arc<LivePool>> {
        self.pools.values()
    }

    /// The pool that answers at this host (no port; case does not count).
    pub fn pool_at_host(&self, host: &str) -> Option<&Arc<LivePool>> {
        self.pools.get(self.hosts.get(&host.to_ascii_lowercase())?)
    }

    /// The ARN that the custom domain of this host names (case does not count).
    pub fn certificate_arn_at_host(&self, host: &str) -> Option<&str> {
        self.certificate_arns.get(&host.to_ascii_lowercase()).map(String::as_str)
    }

    /// The imported certificate of this ARN.
    pub fn certificate(&self, arn: &str) -> Option<&Versioned<Certificate>> {
        self.certificates.get(arn)
    }

    /// Every imported certificate, by ARN.
    pub fn certificates(&self) -> impl Iterator<Item = &Versioned<Certificate>> {
        self.certificates.values()
    }

    /// The pool of this app client.
    pub fn pool_of_client(&self, client_id: &str) -> Option<&Arc<LivePool>> {
        self.pools.get(self.clients.get(client_id)?)
    }

    /// The domain of this name, in whichever pool.
    pub fn domain(&self, name: &str) -> Option<&Versioned<Domain>> {
        self.pools.values().flat_map(|pool| &pool.domains).find(|domain| domain.value.domain == name)
    }
}

impl LivePool {
    /// The pool's id.
    pub fn id(&self) -> &str {
        &self.pool.value.id
    }

    /// `{public url}/{pool id}`.
    pub fn issuer(&self, surface: &Surface) -> String {
        format!("{}/{}", surface.public_url.as_str().trim_end_matches('/'), self.id())
    }

    /// SAML entity id.
    pub fn entity_id(&self) -> String {
        format!("urn:amazon:cognito:sp:{}", self.id())
    }

    /// Base URL of the pool's domain, without a slash at the end: the custom one where there are both.
    ///
    /// Scheme and port are those of the public URL.
    pub fn domain_url(&self, surface: &Surface) -> Option<Url> {
        let domain = self
            .domains
            .iter()
            .find(|domain| domain.value.custom_domain_config.is_some())
            .or_else(|| self.domains.first())?;
        let host = domain.value.host(surface.public_url.host_str().unwrap_or("localhost"));
        let mut url = surface.public_url.clone();
        url.set_host(Some(&host)).ok()?;
        url.set_path("/");
        Some(url)
    }

    /// How the hosted pages of this client look: as it was given for the client, however little that is, or else as
    /// it was given for all. A client that once had a look of its own never falls back to that of all.
    pub fn dress(&self, client_id: &str) -> Option<&Dress> {
        self.dresses.get(client_id).or_else(|| self.dresses.get(ALL)).map(Arc::as_ref)
    }

    /// The file of a customisation at `/assets/{hash}/{name}`, whoever's it is.
    pub fn served(&self, hash: &str, name: &str) -> Option<&Served> {
        let mut files = self.dresses.values().flat_map(|dress| dress.files());
        files.find(|file| file.name == name && file.hash == hash)
    }

    /// The provider that one of its identifiers names, without case.
    pub fn provider_by_identifier(&self, identifier: &str) -> Option<&LiveProvider> {
        self.providers.values().find(|provider| provider.config.value.has_identifier(identifier))
    }

    /// Whether a resource server of the pool defines this scope (`identifier/name`). An identifier may hold slashes,
    /// a name never does.
    pub fn defines_scope(&self, scope: &str) -> bool {
        let Some((identifier, name)) = scope.rsplit_once('/') else { return false };
        let server = self.resource_servers.get(identifier);
        server.is_some_and(|server| server.value.scopes.iter().any(|known| known.scope_name == name))
    }

    /// Whether the client may be granted this scope: it may use it, and it exists. A scope that was deleted on its
    /// resource server is of no use to anybody.
    pub fn grants_scope(&self, client: &AppClient, scope: &str) -> bool {
        client.allowed_oauth_scopes.iter().any(|own| own == scope)
            && (RESERVED_SCOPES.contains(&scope) || self.defines_scope(scope))
    }

    /// The longest that a refresh token of one of its clients lives, as they are set now.
    pub fn longest_refresh(&self) -> Duration {
        let lives = self.clients.values().map(|client| client.value.refresh_token_lifetime());
        lives.max().unwrap_or_default()
    }

    /// The client of this id.
    pub fn client(&self, client_id: &str) -> Option<&AppClient> {
        self.clients.get(client_id).map(|client| &client.value)
    }
}
