//! What every step of a sign-in stands on.

use std::sync::Arc;

use poolgate_providers::ambient::{random_hex, random_token};
use poolgate_providers::{Clock, Random, Surroundings};
use time::OffsetDateTime;
use uuid::Builder;

use crate::audit::Audit;
use crate::directory::stored::millis;
use crate::directory::{Directory, DirectoryError};
use crate::keys::Sealer;
use crate::observe::metrics::Metrics;
use crate::registry::{Registry, Surface};
use crate::sessions::SessionStore;
use crate::throttle::Throttle;
use crate::triggers::Triggers;
use crate::upkeep::Upkeep;

/// The stores, the configuration in force, time and randomness. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    /// The configuration in force.
    pub registry: Arc<Registry>,
    /// What lasts.
    pub directory: Arc<dyn Directory>,
    /// What expires.
    pub sessions: Arc<dyn SessionStore>,
    /// What provider adapters may use: clock, randomness, outgoing HTTP, memory of used assertions.
    pub around: Surroundings,
    /// How the installation is reached.
    pub surface: Surface,
    /// Keeps the configuration fresh.
    pub upkeep: Arc<Upkeep>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Functions of the administrator that take part.
    pub triggers: Arc<Triggers>,
    /// Who did what, for auditors.
    pub audit: Arc<Audit>,
    /// Who asks too often.
    pub throttle: Arc<Throttle>,
}

/// What a [`Context`] is made of.
pub struct Parts {
    /// What lasts.
    pub directory: Arc<dyn Directory>,
    /// What expires.
    pub sessions: Arc<dyn SessionStore>,
    /// Seals what is stored, under the master key.
    pub sealer: Sealer,
    /// What provider adapters may use.
    pub around: Surroundings,
    /// How the installation is reached.
    pub surface: Surface,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Functions of the administrator that take part.
    pub triggers: Triggers,
    /// Who did what, for auditors.
    pub audit: Audit,
    /// Who asks too often.
    pub throttle: Throttle,
}

impl Context {
    /// Loads the configuration; edits of it are announced through the session store from now on.
    ///
    /// # Errors
    /// When the directory is away, or holds something that the master key does not open.
    pub async fn open(parts: Parts) -> Result<Self, DirectoryError> {
        let Parts { directory, sessions, sealer, around, surface, metrics, .. } = parts;
        let registry = Registry::open(
            Arc::clone(&directory),
            sealer,
            Arc::clone(&around.clock),
            Arc::clone(&around.random),
            surface.clone(),
        );
        let registry = Arc::new(registry.await?);
        registry.announce_through(Arc::clone(&sessions));
        let upkeep = Upkeep::new(Arc::clone(&registry), Arc::clone(&sessions), around.clone(), surface.dev);
        let (triggers, audit) = (Arc::new(parts.triggers), Arc::new(parts.audit));
        let throttle = Arc::new(parts.throttle);
        Ok(Self {
            registry,
            directory,
            sessions,
            around,
            surface,
            upkeep,
            metrics,
            triggers,
            audit,
            throttle,
        })
    }

    /// Now.
    pub fn now(&self) -> OffsetDateTime {
        self.around.clock.now()
    }

    /// The moment it is in the order that all replicas share: for what is compared with what a provider ends.
    pub fn common_now(&self) -> OffsetDateTime {
        self.registry.common_time().now()
    }

    /// The moment at which something ends, in the same order.
    pub fn end_now(&self) -> OffsetDateTime {
        self.registry.common_time().end()
    }

    /// Randomness.
    pub fn random(&self) -> &dyn Random {
        &self.around.random
    }

    /// The clock.
    pub fn clock(&self) -> &dyn Clock {
        &self.around.clock
    }

    /// A random (version 4) UUID.
    pub fn uuid(&self) -> String {
        let mut bytes = [0_u8; 16];
        self.random().fill(&mut bytes);
        Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// A UUID that tells its millisecond (version 7, RFC 9562 section 5.7) in the order that all replicas share, for
    /// what is compared with what a provider ends.
    pub fn timed_uuid(&self) -> String {
        self.uuid_of(millis(self.common_now()))
    }

    /// The same of another moment, in milliseconds since 1970.
    pub fn uuid_of(&self, at: i64) -> String {
        let mut bytes = [0_u8; 10];
        self.random().fill(&mut bytes);
        let millis = u64::try_from(at).unwrap_or_default();
        Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid().to_string()
    }

    /// 256 random bits in base64url: 43 characters.
    pub fn handle(&self) -> String {
        random_token(self.random(), 32)
    }

    /// A SAML request id: an NCName of 160 random bits (SAML core 1.3.4).
    pub fn request_id(&self) -> String {
        format!("_{}", random_hex(self.random(), 20))
    }
}

/// Under what name a secret (code, cookie) is stored: its SHA-256, so that the store holds nothing to steal.
pub fn digest_name(secret: &str) -> String {
    use base64::Engine as _;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes());
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest)
}
