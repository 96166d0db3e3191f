//! What a sign-in would find at the provider, looked at without one.

use url::Url;

use super::{OidcProvider, keys};
use crate::oauth::json;
use crate::{ProviderError, Surroundings};

/// Longest key name that is shown, in characters.
const LONGEST_NAME: usize = 100;

/// A provider as its discovery document and its key set describe it.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The issuer its ID tokens must name.
    pub issuer: String,
    /// Authorization endpoint.
    pub authorize: Url,
    /// Token endpoint.
    pub token: Url,
    /// Userinfo endpoint, if there is one.
    pub userinfo: Option<Url>,
    /// Key set.
    pub jwks: Url,
    /// End-session endpoint, if there is one.
    pub end_session: Option<Url>,
    /// Algorithms its ID tokens may be signed with.
    pub algorithms: Vec<&'static str>,
    /// Each usable key: its name, and which of these algorithms it fits.
    pub keys: Vec<(Option<String>, Vec<&'static str>)>,
}

impl OidcProvider {
    /// Fetches what a sign-in would fetch before anybody signs in.
    ///
    /// # Errors
    /// What a sign-in would fail with.
    pub async fn survey(&self, around: &Surroundings) -> Result<Survey, ProviderError> {
        let http = around.http.as_ref();
        let endpoints = self.discovery.endpoints(around, &self.settings).await?;
        let keys = keys::fetch(http, &endpoints.jwks).await?;
        let named = |(kid, algs): (Option<String>, _)| (kid.map(|kid| json::shown(&kid, LONGEST_NAME)), algs);
        Ok(Survey {
            issuer: endpoints.issuer.clone(),
            authorize: endpoints.authorize.clone(),
            token: endpoints.token.clone(),
            userinfo: endpoints.userinfo.clone(),
            jwks: endpoints.jwks.clone(),
            end_session: endpoints.end_session.clone(),
            algorithms: endpoints.algs.iter().map(|alg| alg.name()).collect(),
            keys: keys.fitting(&endpoints.algs).into_iter().map(named).collect(),
        })
    }
}
