//! Google, Facebook, Amazon and Apple: where their endpoints are, what is asked for, and whether they answer.

use std::collections::BTreeSet;

use poolgate_providers::facebook::{self, Facebook};
use poolgate_providers::google::Google;
use poolgate_providers::login_with_amazon::{self, LoginWithAmazon};
use poolgate_providers::oidc::OidcProvider;
use poolgate_providers::settings::SettingError;
use poolgate_providers::sign_in_with_apple::{self, SignInWithApple};
use poolgate_providers::social::{Said, Setup};
use poolgate_providers::{Provider, Surroundings};

use super::subject::Subject;
use super::{CheckError, Report, Tools, oidc};
use crate::pool::{IdentityProvider, ProviderType};

/// A provider of one of the four kinds.
enum Social {
    Google(Google),
    Facebook(Facebook),
    Amazon(LoginWithAmazon),
    Apple(SignInWithApple),
}

impl Social {
    fn of(provider: &IdentityProvider, dev: bool) -> Result<Self, SettingError> {
        let mapped: BTreeSet<String> = provider.attribute_mapping.values().cloned().collect();
        let setup = Setup { details: &provider.provider_details, mapped: &mapped, dev };
        match provider.provider_type {
            ProviderType::Google => Google::new(setup).map(Self::Google),
            ProviderType::Facebook => Facebook::new(setup).map(Self::Facebook),
            ProviderType::LoginWithAmazon => LoginWithAmazon::new(setup).map(Self::Amazon),
            ProviderType::SignInWithApple => SignInWithApple::new(setup).map(Self::Apple),
            other @ (ProviderType::Saml | ProviderType::Oidc) => {
                Err(SettingError::new("ProviderType", other.as_str(), "a social provider"))
            }
        }
    }

    fn adapter(&self) -> &dyn Provider {
        match self {
            Self::Google(google) => google,
            Self::Facebook(facebook) => facebook,
            Self::Amazon(amazon) => amazon,
            Self::Apple(apple) => apple,
        }
    }

    /// The protocol of those that speak OpenID Connect.
    const fn oidc(&self) -> Option<&OidcProvider> {
        match self {
            Self::Google(google) => Some(google.oidc()),
            Self::Apple(apple) => Some(apple.oidc()),
            Self::Facebook(_) | Self::Amazon(_) => None,
        }
    }

    fn scopes(&self) -> Vec<String> {
        match self {
            Self::Google(google) => google.oidc().settings().scopes.clone(),
            Self::Facebook(facebook) => facebook.scopes().to_vec(),
            Self::Amazon(amazon) => amazon.scopes().map(str::to_owned).collect(),
            Self::Apple(apple) => apple.oidc().settings().scopes.clone(),
        }
    }

    /// What the provider documents that it says of a person.
    fn says(&self) -> Vec<Said> {
        match self {
            Self::Google(_) => Google::says().collect(),
            Self::Facebook(_) => facebook::FIELDS.to_vec(),
            Self::Amazon(_) => login_with_amazon::FIELDS.to_vec(),
            Self::Apple(_) => sign_in_with_apple::SAYS.to_vec(),
        }
    }

    /// The query that names what is wanted, where there is one.
    fn field_list(&self) -> Option<String> {
        match self {
            Self::Google(google) => {
                let fields: Vec<&str> = google.fields().collect();
                (!fields.is_empty()).then(|| format!("personFields={}", fields.join(",")))
            }
            Self::Facebook(facebook) => Some(format!("fields={}", facebook.fields().join(","))),
            Self::Amazon(_) | Self::Apple(_) => None,
        }
    }
}

pub(super) async fn look(subject: &Subject, tools: &Tools, report: &mut Report) -> Result<(), CheckError> {
    let provider = &subject.provider()?.config.value;
    report.section("Settings");
    let social = match Social::of(provider, tools.surface.dev) {
        Ok(social) => social,
        Err(error) => {
            report.fail(error.to_string());
            return Ok(());
        }
    };
    report.note(format!("client id {}", provider.detail("client_id").unwrap_or_default()));
    report.note(format!("scopes {}", social.scopes().join(" ")));
    let pkce = provider.detail("pkce") != Some("off");
    report.note(format!("PKCE (S256): {}", if pkce { "yes" } else { "no" }));
    report.section("Endpoints");
    of_endpoints(provider, &social, &tools.around, report).await;
    report.section("What is asked for");
    of_fields(provider, &social, report);
    Ok(())
}

async fn of_endpoints(
    provider: &IdentityProvider,
    social: &Social,
    around: &Surroundings,
    report: &mut Report,
) {
    let derived = social.adapter().derived();
    let own = |key: &str| derived.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str());
    let value = |key: &str| own(key).or_else(|| provider.detail(key));
    for (key, what) in [
        ("oidc_issuer", "issuer"),
        ("api_version", "version of the Graph API"),
        ("authorize_url", "authorization endpoint"),
        ("token_url", "token endpoint"),
        ("attributes_url", "profile endpoint"),
    ] {
        let Some(text) = value(key) else { continue };
        report.note(format!("{what} {text}"));
        if text.starts_with("http:") {
            report.warn(format!("{text} is no https address: POOLGATE_DEV lets it pass"));
        }
    }
    if let Some(token) = value("token_url") {
        reach(token, around, report).await;
    }
    let Some(protocol) = social.oidc() else { return };
    match protocol.survey(around).await {
        Ok(found) => oidc::of_keys(&found, report),
        Err(error) => report.fail(format!("[{}] {error}", error.code())),
    }
}

/// Whether anybody is there. Without a code the token endpoint refuses, and that is answer enough.
async fn reach(token: &str, around: &Surroundings, report: &mut Report) {
    let request = http::Request::get(token).header("accept", "application/json").body(Vec::new());
    let Ok(request) = request else {
        report.fail("the token endpoint is no address that can be asked");
        return;
    };
    match around.http.send(request).await {
        Ok(answer) if answer.status().is_server_error() => {
            report.warn(format!("the token endpoint is reached, and answers {}", answer.status().as_u16()));
        }
        Ok(_) => report.ok("the token endpoint is reached"),
        Err(error) => {
            report.fail(format!("[provider_unreachable] could not reach the token endpoint: {error}"));
        }
    }
}

fn of_fields(provider: &IdentityProvider, social: &Social, report: &mut Report) {
    match social.field_list() {
        Some(list) => report.note(list),
        None => report.note("what the scopes bring; no fields are named"),
    }
    let (says, scopes) = (social.says(), social.scopes());
    // Google writes some scopes as URLs, and two of them in two ways.
    let last =
        |asked: &str| asked.rsplit('/').next().map(|last| last.trim_start_matches("userinfo.").to_owned());
    let has = |scope: &str| scopes.iter().any(|asked| last(asked).as_deref() == Some(scope));
    let sources: BTreeSet<&String> = provider.attribute_mapping.values().collect();
    for source in sources {
        match says.iter().find(|said| said.name == source) {
            None => {
                let known: Vec<&str> = says.iter().map(|said| said.name).collect();
                report.warn(format!(
                    "{source} is nothing that {} documents, so it may never come; documented: {}",
                    provider.provider_type,
                    known.join(", ")
                ));
            }
            Some(Said { scope: Some(scope), .. }) if !has(scope) => {
                report.warn(format!("{source} comes with the scope {scope}, which is not asked for"));
            }
            Some(_) => {}
        }
    }
}
