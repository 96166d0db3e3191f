//! The way out: what ends when somebody signs out, here or at the provider.
//!
//! ```text
//!  /logout ── leaving::leave ──┬─ [session gone] ─────────────────────────────▶ logout_uri, login or page
//!                              └─ [session gone, sign-out waits 5 minutes] ───▶ provider
//!
//!  SAML provider's answer ── hearing::hear ─┬─ not believed, or fits nothing ─▶ error page 400
//!                                           └─ whatever became of it there ───▶ logout_uri, login or page
//!  OpenID provider's return ─ leaving::come_back ─┬─ no state that waits ─────▶ error page 400
//!                                                 └─ whatever became of it ───▶ logout_uri, login or page
//!
//!  SAML provider's request ── hearing::hear ─┬─ not believed ─────────────────▶ error page 400
//!                                            ├─ [ending durable] ─────────────▶ provider, Success
//!                                            └─ nobody known, or store away ──▶ provider, its status
//!  OpenID provider's logout token
//!       ── backchannel::hear ─┬─ not believed, or followed before ───────────▶ 400
//!                             ├─ a store is away ─────────────────────────────▶ 503, the token works again
//!                             └─ [marked, with the moment] [endings durable] [marked as done] ▶ 200
//!  OpenID provider's frame
//!       ── frontchannel::hear ─┬─ no issuer of the pool ──────────────────────▶ error page 400
//!                              └─ [endings durable, or nobody known] ─────────▶ the same small page
//! ```
//!
//! What a provider ends is not looked for. The directory keeps an [`Ending`](crate::directory::Ending), and
//! whatever says by its [`provenance`] that it comes from an ended sign-in is over, on every replica: it is read
//! with the user, whenever a session, a code or a token is used.

pub mod backchannel;
pub mod ending;
pub mod frontchannel;
pub mod hearing;
pub mod leaving;
pub mod provenance;
mod senders;
