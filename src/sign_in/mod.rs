//! The main job: a browser comes from an app, goes to a provider, comes back as a user of the pool.
//!
//! One attempt, every transition, every way to fail. Nothing else moves an attempt.
//!
//! ```text
//!  authorize request ── request::check ──┬─ bad client or redirect_uri ──────────▶ error page 400
//!                                        ├─ anything else wrong ────────────────▶ app, error
//!                                        ▼
//!                     begin::decide ─────┬─ live session ── answer::success ────▶ app, code or tokens
//!                                        ├─ prompt=none, nobody signed in ──────▶ app, login_required
//!                                        ├─ hosted page ── a choice ──┐
//!                                        ▼                            ▼
//!                     begin::begin ── adapter.begin ── [attempt stored, 5 minutes] ──▶ provider
//!                                        └─ settings, discovery ────────────────▶ app, error
//!
//!  provider's answer ─ Attempt::peek ────┬─ none: expired, used, unsolicited ───▶ error page 400
//!                                        ├─ another browser's ──────────────────▶ error page 400
//!                                        ├─ no cookie on a cross-site POST ── posts to itself once
//!                                        ▼
//!                     Attempt::take ──── [attempt gone: exactly one caller gets here]
//!                                        ▼
//!                     complete ── adapter.finish ── not believed, denied ───────▶ app, error
//!                                  │ Verified<ExternalIdentity>
//!                                  │ triggers::federation ── refused ──────────▶ app, invalid_request
//!                                 mapping::profile ── does not fit ─────────────▶ app, server_error
//!                                  │ FederatedProfile
//!                                 admission::admit ── a function refuses ──────▶ app, invalid_request
//!                                  │ directory.sign_in ── [user durable] ── disabled ▶ app, access_denied
//!                                  │ User
//!                                 session::open ── [new session id]
//!                                 answer::success ──────────────────────────────▶ app, code or tokens
//!
//!  answer with a query for RelayState ─ unsolicited::check ── bad client or redirect_uri ▶ error page 400
//!                                        ├─ anything else wrong ────────────────▶ app, error
//!                                        ▼
//!                     unsolicited::complete ── adapter.finish_unsolicited ── IDPInit is off ▶ error page 400
//!                                  │ Verified<ExternalIdentity>, and on as above
//! ```

mod admission;
pub mod answer;
pub mod attempt;
pub mod begin;
mod chosen;
pub mod complete;
pub mod failure;
pub mod mapping;
pub mod recognition;
pub mod request;
pub mod session;
pub mod shared_copies;
pub mod unsolicited;
pub mod used_once;

use poolgate_providers::settings::has_own_callback;
use url::Url;

use crate::context::Context;
use crate::pool::{IdentityProvider, ProviderType};
use crate::registry::{LivePool, LiveProvider, Surface};
use failure::Cause;

/// Where a provider of this type answers.
const fn callback_path(provider_type: ProviderType) -> &'static str {
    match provider_type {
        ProviderType::Saml => "/saml2/idpresponse",
        _ => "/oauth2/idpresponse",
    }
}

/// The URL at which a provider of this type must answer, on the pool's own domain, where it has one.
pub fn callback_url(surface: &Surface, pool: &LivePool, provider_type: ProviderType) -> Option<Url> {
    let mut url = pool.domain_url(surface)?;
    url.set_path(callback_path(provider_type));
    Some(url)
}

/// The last part of the address of a provider that has one of its own.
pub fn own_callback(provider: &IdentityProvider) -> Option<&str> {
    let saml = provider.provider_type == ProviderType::Saml;
    let own = !saml && has_own_callback(&provider.provider_details);
    own.then_some(&*provider.provider_name)
}

fn callback(context: &Context, pool: &LivePool, provider: &LiveProvider) -> Result<Url, Cause> {
    let provider = &provider.config.value;
    let gone = || Cause::Gone("The pool has no domain".into());
    let mut url = callback_url(&context.surface, pool, provider.provider_type).ok_or_else(gone)?;
    if let Some(name) = own_callback(provider) {
        url.path_segments_mut().map_err(|()| gone())?.push(name);
    }
    Ok(url)
}
