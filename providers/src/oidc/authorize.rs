//! The authorization request (OpenID Connect Core 3.1.2.1).

use std::time::Duration;

use openidconnect::core::{CoreAuthPrompt, CoreClient, CoreResponseType};
use openidconnect::{
    AuthUrl, AuthenticationFlow, ClientId, CsrfToken, IssuerUrl, JsonWebKeySet, LanguageTag, LoginHint,
    Nonce, PkceCodeChallenge, RedirectUrl, Scope,
};
use secrecy::ExposeSecret as _;
use url::Url;

use super::discovery::Endpoints;
use super::settings::{OidcSettings, ResponseMode};
use crate::{AttemptFacts, Prompt, ProviderError, oauth};

/// The URL the browser leaves for.
pub(super) fn url(
    settings: &OidcSettings,
    endpoints: &Endpoints,
    facts: &AttemptFacts,
) -> Result<Url, ProviderError> {
    let issuer = IssuerUrl::new(endpoints.issuer.clone())
        .map_err(|_| ProviderError::Settings("oidc_issuer is not a URL".to_owned()))?;
    let mut client =
        CoreClient::new(ClientId::new(settings.client_id.clone()), issuer, JsonWebKeySet::default())
            .set_auth_uri(AuthUrl::from_url(endpoints.authorize.clone()))
            .set_redirect_uri(RedirectUrl::from_url(facts.callback.clone()));
    if !settings.scopes.iter().any(|scope| scope == "openid") {
        client = client.disable_openid_scope();
    }
    let (state, nonce) =
        (CsrfToken::new(facts.handle.clone()), Nonce::new(facts.nonce.expose_secret().to_owned()));
    let mut request = client
        .authorize_url(
            AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
            move || state,
            move || nonce,
        )
        // Otherwise the library names `openid` itself.
        .add_scopes(settings.scopes.iter().filter(|scope| *scope != "openid").cloned().map(Scope::new));
    if settings.pkce {
        request = request
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&oauth::verifier(facts)?));
    }
    if settings.response_mode == ResponseMode::FormPost {
        request = request.add_extra_param("response_mode", "form_post");
    }
    for prompt in &facts.asked.prompt {
        request = request.add_prompt(match prompt {
            Prompt::None => CoreAuthPrompt::None,
            Prompt::Login => CoreAuthPrompt::Login,
            Prompt::SelectAccount => CoreAuthPrompt::SelectAccount,
            Prompt::Consent => CoreAuthPrompt::Consent,
        });
    }
    if let Some(hint) = facts.asked.login_hint.as_ref().filter(|_| settings.forward_login_hint) {
        request = request.set_login_hint(LoginHint::new(hint.clone()));
    }
    if let Some(seconds) = facts.asked.max_age {
        request = request.set_max_age(Duration::from_secs(seconds.into()));
    }
    if let Some(lang) = &facts.asked.lang {
        request = request.add_ui_locale(LanguageTag::new(lang.clone()));
    }
    // A provider that needs them always has them in the address of its endpoint: then the app has no say.
    let fixed = endpoints.authorize.query_pairs().any(|(name, _)| name == "acr_values");
    if let Some(classes) = facts.asked.acr_values.as_ref().filter(|_| !fixed) {
        request = request.add_extra_param("acr_values", classes.clone());
    }
    for (name, value) in &settings.request_parameters {
        request = request.add_extra_param(*name, value.clone());
    }
    Ok(request.url().0)
}
