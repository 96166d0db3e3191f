//! Google, Facebook, Amazon and Apple: where their endpoints are, what is asked for, and whether they answer.

use std::collections::BTreeSet;

use poolgate_providers::facebook::{self, Facebook};
use poolgate_providers::login_with_amazon::{self, LoginWithAmazon};
use poolgate_providers::settings::SettingError;
use poolgate_providers::social::{Said, Setup};
use poolgate_providers::{Provider, Surroundings};
use url::Url;

use super::subject::Subject;
use super::{CheckError, Report, Tools};
use crate::pool::{IdentityProvider, ProviderType};

/// A provider of one of the four kinds.
struct Social {
    adapter: Box<dyn Provider>,
    scopes: Vec<String>,
    /// What it can say of a person.
    says: Vec<Said>,
    /// Names that it is asked for one by one.
    asked: Option<Vec<String>>,
}

impl Social {
    fn of(provider: &IdentityProvider, dev: bool) -> Result<Option<Self>, SettingError> {
        let mapped: BTreeSet<String> = provider.attribute_mapping.values().cloned().collect();
        let setup = Setup { details: &provider.provider_details, mapped: &mapped, dev };
        Ok(Some(match provider.provider_type {
            ProviderType::Facebook => {
                let facebook = Facebook::new(setup)?;
                Self {
                    scopes: facebook.scopes().to_vec(),
                    says: facebook::FIELDS.to_vec(),
                    asked: Some(facebook.fields().to_vec()),
                    adapter: Box::new(facebook),
                }
            }
            ProviderType::LoginWithAmazon => {
                let amazon = LoginWithAmazon::new(setup)?;
                Self {
                    scopes: amazon.scopes().map(str::to_owned).collect(),
                    says: login_with_amazon::FIELDS.to_vec(),
                    asked: None,
                    adapter: Box::new(amazon),
                }
            }
            ProviderType::Google | ProviderType::SignInWithApple | ProviderType::Saml | ProviderType::Oidc => {
                return Ok(None);
            }
        }))
    }
}

pub(super) async fn look(subject: &Subject, tools: &Tools, report: &mut Report) -> Result<(), CheckError> {
    let provider = &subject.provider()?.config.value;
    report.section("Settings");
    let social = match Social::of(provider, tools.surface.dev) {
        Ok(Some(social)) => social,
        Ok(None) => return Ok(()),
        Err(error) => {
            report.fail(error.to_string());
            return Ok(());
        }
    };
    of_settings(provider, &social, report);
    report.section("Endpoints");
    of_endpoints(provider, &social, &tools.around, report).await;
    report.section("What is asked for");
    of_fields(provider, &social, report);
    Ok(())
}

fn of_settings(provider: &IdentityProvider, social: &Social, report: &mut Report) {
    report.note(format!("client id {}", provider.detail("client_id").unwrap_or_default()));
    report.note(format!("scopes {}", social.scopes.join(" ")));
    let pkce = provider.detail("pkce") != Some("off");
    report.note(format!("PKCE (S256): {}", if pkce { "yes" } else { "no" }));
}

async fn of_endpoints(
    provider: &IdentityProvider,
    social: &Social,
    around: &Surroundings,
    report: &mut Report,
) {
    let derived = social.adapter.derived();
    let derived = |key: &str| derived.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone());
    let value = |key: &str| derived(key).or_else(|| provider.detail(key).map(str::to_owned));
    if let Some(version) = value("api_version") {
        report.note(format!("Graph API {version}"));
    }
    for (key, what) in [
        ("authorize_url", "authorization endpoint"),
        ("token_url", "token endpoint"),
        ("attributes_url", "profile endpoint"),
    ] {
        let Some(text) = value(key) else { continue };
        report.note(format!("{what} {text}"));
        if !text.starts_with("https:") {
            report.warn(format!("{text} is no https address: POOLGATE_DEV lets it pass"));
        }
    }
    if let Some(token) = value("token_url").and_then(|text| Url::parse(&text).ok()) {
        reach(&token, around, report).await;
    }
}

/// Whether anybody is there. Without client and code the token endpoint refuses, and that is answer enough.
async fn reach(token: &Url, around: &Surroundings, report: &mut Report) {
    let request = http::Request::get(token.as_str()).header("accept", "application/json").body(Vec::new());
    let Ok(request) = request else { return };
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
    if let Some(asked) = &social.asked {
        report.note(format!("fields {}", asked.join(",")));
    }
    let sources: BTreeSet<&String> = provider.attribute_mapping.values().collect();
    for source in sources {
        match social.says.iter().find(|said| said.name == source) {
            None => {
                let known: Vec<&str> = social.says.iter().map(|said| said.name).collect();
                report.warn(format!(
                    "{source} is not documented for {}: it may never come. Documented: {}",
                    provider.provider_type,
                    known.join(", ")
                ));
            }
            Some(Said { scope: Some(scope), .. }) if !social.scopes.iter().any(|asked| asked == scope) => {
                report.warn(format!("{source} comes with the scope {scope} only, which is not asked for"));
            }
            Some(_) => {}
        }
    }
}
