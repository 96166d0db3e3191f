//! A SAML provider: its metadata, its settings, and the request it would get.

use std::io::Read as _;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::DeflateDecoder;
use poolgate_providers::saml::keys::VerifyKey;
use poolgate_providers::saml::{IdpMetadata, LoginHint, SamlSettings, metadata};
use poolgate_providers::{Asked, Outbound};
use time::{Duration, OffsetDateTime};

use super::response::Place;
use super::subject::Subject;
use super::{CheckError, Report, Tools};
use crate::pool::{IdentityProvider, ProviderType};

/// What ends within this time is worth a warning.
const SOON: Duration = Duration::days(30);
/// Largest request that is shown, in bytes.
const MAX_REQUEST: u64 = 64 * 1024;

pub(super) async fn look(
    subject: &Subject,
    place: &Place,
    tools: &Tools,
    report: &mut Report,
) -> Result<(), CheckError> {
    let live = subject.provider()?;
    let provider = &live.config.value;
    let document = provider.metadata_document.as_deref().unwrap_or_default();
    report.section("Metadata");
    let metadata = match metadata::parse(document.as_bytes()) {
        Ok(metadata) => metadata,
        Err(error) => {
            report.fail(error.to_string());
            return Ok(());
        }
    };
    let now = tools.around.clock.now();
    source(provider, document.len(), report);
    of_metadata(&metadata, now, report);
    report.section("Settings");
    match SamlSettings::from_details(&provider.provider_details, metadata, tools.surface.dev) {
        Ok(settings) => of_settings(&settings, subject, report),
        Err(error) => {
            report.fail(error.to_string());
            return Ok(());
        }
    }
    report.section("What the provider would be asked");
    match &live.adapter {
        Err(why) => report.fail(why),
        Ok(adapter) => match adapter.begin(&tools.around, &place.attempt(Asked::default(), now)).await {
            Ok(outbound) => of_request(&outbound, report),
            Err(error) => report.fail(format!("[{}] {error}", error.code())),
        },
    }
    Ok(())
}

fn source(provider: &IdentityProvider, length: usize, report: &mut Report) {
    match provider.detail("MetadataURL") {
        Some(url) => report.ok(format!("read, {length} bytes from {url}")),
        None => report.ok(format!(
            "read, {length} bytes from MetadataFile: it is never refreshed, a new certificate of the provider \
             needs a new file"
        )),
    }
}

fn of_metadata(metadata: &IdpMetadata, now: OffsetDateTime, report: &mut Report) {
    report.note(format!("entity id {}", metadata.entity_id));
    let addresses = [
        ("sign-in by HTTP-Redirect", &metadata.sso_redirect),
        ("sign-in by HTTP-POST", &metadata.sso_post),
        ("sign-out by HTTP-Redirect", &metadata.slo_redirect),
        ("sign-out answers", &metadata.slo_response),
    ];
    for (what, url) in addresses.into_iter().filter_map(|(what, url)| Some((what, url.as_ref()?))) {
        report.note(format!("{what}: {url}"));
        if url.scheme() != "https" {
            report.warn(format!("{url} is no https address: POOLGATE_DEV lets it pass"));
        }
    }
    if metadata.wants_signed_requests {
        report.note("it wants signed requests (WantAuthnRequestsSigned)");
    }
    if let Some(until) = metadata.valid_until {
        let line = format!("valid until {until}");
        if until < now + SOON { report.warn(line) } else { report.note(line) }
    }
    let all = metadata.keys.len();
    if all > 1 {
        report.note(format!("{all} signing certificates: each of them is believed"));
    }
    for key in &metadata.keys {
        of_certificate(key, now, report);
    }
    match metadata.check_time(now) {
        Ok(()) => report.ok("the metadata can be believed now"),
        Err(error) => report.fail(error.to_string()),
    }
}

fn of_certificate(key: &VerifyKey, now: OffsetDateTime, report: &mut Report) {
    let print: Vec<String> =
        digest(&SHA256, &key.certificate).as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    let (from, until) = (key.not_before.date(), key.not_after.date());
    let line = format!("signing certificate {}: {}, {from} to {until}", print.join(":"), key.kind());
    if key.not_after < now {
        report.warn(format!("{line}: it has expired"));
    } else if key.not_before > now {
        report.warn(format!("{line}: it is not valid yet"));
    } else if key.not_after < now + SOON {
        report.warn(format!("{line}: it expires in {} days", (key.not_after - now).whole_days()));
    } else {
        report.ok(line);
    }
}

fn of_settings(settings: &SamlSettings, subject: &Subject, report: &mut Report) {
    let yes = |flag| if flag { "yes" } else { "no" };
    report.note(format!("clock difference forgiven: {} s", settings.skew.whole_seconds()));
    report.note(format!("requests are signed: {}", yes(settings.sign_requests)));
    report.note(format!("only encrypted assertions are accepted: {}", yes(settings.only_encrypted)));
    if let Some(format) = &settings.name_id_policy {
        report.warn(format!(
            "NameIDPolicy {format} is asked for: AD FS and others refuse what they do not know"
        ));
    }
    if !settings.authn_context_class_refs.is_empty() {
        let classes = settings.authn_context_class_refs.join(" or ");
        report.note(format!("asked for, and believed alone: AuthnContextClassRef {classes}"));
    }
    match &settings.login_hint {
        LoginHint::None => {}
        LoginHint::Subject => report.note("login_hint goes along as the request's Subject"),
        LoginHint::Query(name) => report.note(format!("login_hint goes along in the query, as {name}")),
    }
    if !settings.pinned_certificates.is_empty() {
        let pinned = settings.pinned_certificates.len();
        report.note(format!("only the {pinned} pinned certificates may sign"));
    }
    if settings.allow_sha1 {
        report
            .warn("insecure_allow_sha1: signatures with SHA-1 are accepted, which can be forged with effort");
    }
    if settings.allow_bare_cbc {
        report.warn("insecure_allow_aes_cbc: AES-CBC is accepted where no signature covers it");
    }
    let metadata = &settings.metadata;
    if settings.idp_signout && metadata.slo_redirect.is_none() && metadata.slo_post.is_none() {
        report.warn("IDPSignout is true, and the metadata has no sign-out address (SingleLogoutService)");
    }
    if settings.idp_init {
        report.warn("IDPInit is true: whoever holds a fresh response can sign another browser in with it");
        mixed_clients(subject, report);
    }
}

/// Clients at which the provider could not start a sign-in.
fn mixed_clients(subject: &Subject, report: &mut Report) {
    let is_saml = |name: &String| {
        let live = subject.pool.providers.get(name);
        live.is_some_and(|live| live.config.value.provider_type == ProviderType::Saml)
    };
    for client in subject.pool.clients.values().map(|client| &client.value) {
        let names = &client.supported_identity_providers;
        if names.contains(&subject.name) && !names.iter().all(is_saml) {
            report.warn(format!(
                "at app client {} it may not start a sign-in: its SupportedIdentityProviders are not SAML \
                 providers alone",
                client.client_id
            ));
        }
    }
}

fn of_request(outbound: &Outbound, report: &mut Report) {
    let (how, target, field, signed) = match outbound {
        Outbound::Redirect(url) => {
            let value = |name: &str| url.query_pairs().find(|(key, _)| key == name);
            let field = value("SAMLRequest").map(|(_, value)| value.into_owned());
            ("HTTP-Redirect", url, field, value("Signature").is_some())
        }
        Outbound::PostForm { action, fields } => {
            let field = fields.iter().find(|(name, _)| name == "SAMLRequest").map(|(_, value)| value.clone());
            ("HTTP-POST", action, field, false)
        }
    };
    let mut place = target.clone();
    place.set_query(None);
    report.ok(format!("{how} to {place}{}", if signed { ", signed with rsa-sha256" } else { "" }));
    let packed = field.and_then(|field| STANDARD.decode(field).ok()).unwrap_or_default();
    let mut xml = String::new();
    let inflated = matches!(outbound, Outbound::Redirect(_))
        && DeflateDecoder::new(packed.as_slice()).take(MAX_REQUEST).read_to_string(&mut xml).is_ok();
    report.note(if inflated { xml } else { String::from_utf8_lossy(&packed).into_owned() });
}
