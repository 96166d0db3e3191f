//! An OIDC provider: what its discovery document and its key set say.

use poolgate_providers::oauth::ClientAuth;
use poolgate_providers::oidc::settings::IssuerRule;
use poolgate_providers::oidc::survey::Survey;
use poolgate_providers::oidc::{OidcProvider, OidcSettings};

use super::subject::Subject;
use super::{CheckError, Report, Tools};

pub(super) async fn look(subject: &Subject, tools: &Tools, report: &mut Report) -> Result<(), CheckError> {
    let provider = &subject.provider()?.config.value;
    report.section("Settings");
    let settings = match OidcSettings::from_details(&provider.provider_details, tools.surface.dev) {
        Ok(settings) => settings,
        Err(error) => {
            report.fail(error.to_string());
            return Ok(());
        }
    };
    of_settings(&settings, report);
    if let IssuerRule::Entra(_) = settings.issuer_rule {
        report.warn(
            "issuer_template=entra: people of every tenant may sign in, and no e-mail address is verified",
        );
    }
    let by_hand = settings.endpoints.is_some();
    report.section(if by_hand { "Endpoints, given by hand" } else { "Discovery" });
    let found = match OidcProvider::new(settings).survey(&tools.around).await {
        Ok(found) => found,
        Err(error) => {
            report.fail(format!("[{}] {error}", error.code()));
            return Ok(());
        }
    };
    report.ok(format!("issuer {}", found.issuer));
    let endpoints = [
        ("authorization endpoint", Some(&found.authorize)),
        ("token endpoint", Some(&found.token)),
        ("userinfo endpoint", found.userinfo.as_ref()),
        ("key set", Some(&found.jwks)),
        ("end-session endpoint", found.end_session.as_ref()),
    ];
    for (what, url) in endpoints.into_iter().filter_map(|(what, url)| Some((what, url?))) {
        report.note(format!("{what} {url}"));
        if url.scheme() != "https" {
            report.warn(format!("{url} is no https address: POOLGATE_DEV lets it pass"));
        }
    }
    report.note(format!("ID tokens are signed with one of {}", found.algorithms.join(", ")));
    of_keys(&found, report);
    if provider.detail("IDPSignout") == Some("true") && found.end_session.is_none() {
        report.warn("IDPSignout is true, and the provider has no end-session endpoint");
    }
    Ok(())
}

/// What the key set is good for.
pub(super) fn of_keys(found: &Survey, report: &mut Report) {
    report.section("Key set");
    for (name, algorithms) in found.keys.iter().filter(|(_, algorithms)| !algorithms.is_empty()) {
        report.note(format!(
            "key {}: {}",
            name.as_deref().unwrap_or("without a name"),
            algorithms.join(", ")
        ));
    }
    if found.keys.iter().all(|(_, algorithms)| algorithms.is_empty()) {
        report.fail("no key in the set fits an algorithm of the ID tokens");
    } else {
        report.ok("the key set can be used");
    }
}

fn of_settings(settings: &OidcSettings, report: &mut Report) {
    report.note(format!("client id {}", settings.client_id));
    let proof = match settings.client_auth {
        ClientAuth::SecretPost(_) => "client_secret_post",
        ClientAuth::SecretBasic(_) => "client_secret_basic",
        ClientAuth::PrivateKeyJwt { .. } => "private_key_jwt",
        ClientAuth::SignedSecret { .. } => "a client secret that it signs",
    };
    report.note(format!("the client proves itself with {proof}"));
    report.note(format!("scopes {}", settings.scopes.join(" ")));
    report.note(format!("PKCE (S256): {}", if settings.pkce { "yes" } else { "no" }));
}
