//! A captured response, judged by the adapter that signs people in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poolgate_providers::saml::gate::{self, Policy, Root};
use poolgate_providers::saml::reader;
use poolgate_providers::{
    Asked, AttemptFacts, ExternalIdentity, Inbound, ProviderError, UnsolicitedFacts, Verified,
};
use secrecy::SecretString;
use time::OffsetDateTime;
use url::Url;

use super::subject::Subject;
use super::{CheckArguments, CheckError, Report, Tools};
use crate::pool::ProviderType;
use crate::registry::Surface;
use crate::sign_in;

/// Where nothing better is known: for looking at a request only.
const NOWHERE: &str = "https://your-domain.example/saml2/idpresponse";

/// The steps of a response in the order it takes them: what is checked, and the codes it can end with there.
/// A code that two steps share stands at the first.
pub(super) const STEPS: [(&str, &[&str]); 11] = [
    (
        "the form: base64, UTF-8, XML, size and depth, as providers send it",
        &[
            "saml_encoding",
            "saml_xml",
            "saml_limits",
            "saml_structure",
            "saml_signature_form",
            "saml_algorithm",
        ],
    ),
    (
        "the status is Success",
        &["saml_status", "provider_denied", "provider_login_required", "provider_refused"],
    ),
    ("the metadata is in its time", &["saml_metadata_expired"]),
    (
        "the signature is by a certificate of the metadata",
        &[
            "saml_unsigned",
            "saml_certificate",
            "saml_unknown_key",
            "saml_digest",
            "saml_signature",
            "saml_engines_disagree",
        ],
    ),
    (
        "what is encrypted can be opened, and all is encrypted that must be",
        &[
            "saml_not_encrypted",
            "saml_encrypted",
            "saml_encryption_form",
            "saml_encryption_algorithm",
            "saml_encryption_cbc",
            "saml_decryption",
        ],
    ),
    (
        "the assertion can be read: one, with subject and NameID",
        &[
            "saml_assertion",
            "saml_subject",
            "saml_name_id",
            "saml_attribute",
            "saml_encrypted_attribute",
            "saml_time",
            "saml_conditions",
        ],
    ),
    ("it answers the request", &["saml_in_response_to", "unsolicited_response"]),
    (
        "version, issuer, destination and age",
        &["saml_version", "saml_issuer", "saml_destination", "saml_issue_instant"],
    ),
    ("the conditions: times and audience", &["saml_not_before", "saml_not_on_or_after", "saml_audience"]),
    (
        "the bearer confirmation: recipient, request and end",
        &[
            "saml_confirmation",
            "saml_recipient",
            "saml_confirmation_in_response_to",
            "saml_confirmation_not_on_or_after",
        ],
    ),
    (
        "the sign-in at the provider: its kind, its age, its session",
        &["saml_authn_statement", "saml_session_ended", "saml_authn_context", "saml_authn_instant"],
    ),
];

/// What the response is held to.
pub(super) struct Place {
    acs: Url,
    entity_id: String,
    request_id: Option<String>,
}

impl Place {
    /// From the arguments, else from the pool.
    ///
    /// # Errors
    /// When a response is given and one of the two is not known.
    pub(super) fn of(
        arguments: &CheckArguments,
        subject: &Subject,
        surface: &Surface,
    ) -> Result<Self, CheckError> {
        let judging = arguments.response.is_some();
        let own = || sign_in::callback_url(surface, &subject.pool, ProviderType::Saml);
        let acs = match arguments.acs.clone().or_else(own) {
            Some(acs) => acs,
            None if judging => {
                let why = "--acs is needed with --response: the pool has no domain that would tell";
                return Err(CheckError::Usage(why.to_owned()));
            }
            None => Url::parse(NOWHERE).map_err(|error| CheckError::Usage(error.to_string()))?,
        };
        let named = subject.named_pool.as_ref().map(|id| format!("urn:amazon:cognito:sp:{id}"));
        let own = || subject.is_real.then(|| subject.pool.entity_id());
        let entity_id = match arguments.entity_id.clone().or(named).or_else(own) {
            Some(entity_id) => entity_id,
            None if judging => {
                let why = "--entity-id is needed with --response: the file has no UserPoolId that would tell";
                return Err(CheckError::Usage(why.to_owned()));
            }
            None => "urn:amazon:cognito:sp:YOUR-POOL".to_owned(),
        };
        Ok(Self { acs, entity_id, request_id: arguments.request_id.clone() })
    }

    /// An attempt that asked this at that moment.
    pub(super) fn attempt(&self, asked: Asked, at: OffsetDateTime) -> AttemptFacts {
        AttemptFacts {
            handle: "RELAYSTATE".to_owned(),
            request_id: self.request_id.clone().unwrap_or_else(|| "_REQUEST-ID".to_owned()),
            nonce: SecretString::default(),
            pkce_verifier: SecretString::default(),
            callback: self.acs.clone(),
            entity_id: self.entity_id.clone(),
            started_at: at,
            asked,
        }
    }
}

/// The field as it was posted: a capture may be XML, base64, or the form it came in.
fn field(captured: &str) -> String {
    let captured = captured.trim();
    if captured.starts_with('<') {
        return STANDARD.encode(captured);
    }
    if captured.starts_with("SAMLResponse=") {
        let mut pairs = url::form_urlencoded::parse(captured.as_bytes());
        return pairs
            .find(|(name, _)| name == "SAMLResponse")
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default();
    }
    captured.to_owned()
}

/// The request that the response says it answers, unverified. The adapter compares it again.
fn answered(field: &str, allow_sha1: bool) -> Option<String> {
    let text = gate::decode(field).ok()?;
    let gated = gate::admit(&text, Root::Response, Policy { allow_sha1 }).ok()?;
    reader::response(gated.root()).ok()?.in_response_to
}

/// Judges it; the identity, where it is believed.
///
/// # Errors
/// When the provider is not there.
pub(super) async fn judge(
    captured: &str,
    subject: &Subject,
    place: &Place,
    tools: &Tools,
    report: &mut Report,
) -> Result<Option<Verified<ExternalIdentity>>, CheckError> {
    let live = subject.provider()?;
    let now = tools.around.clock.now();
    report.section(&format!("The response, judged as of {now}"));
    let adapter = match &live.adapter {
        Ok(adapter) => adapter,
        Err(why) => {
            report.fail(why);
            return Ok(None);
        }
    };
    let field = field(captured);
    let allow_sha1 = live.config.value.detail("insecure_allow_sha1") == Some("true");
    report.note(format!("held to the address {} and the entity id {}", place.acs, place.entity_id));
    let request = place.request_id.clone().or_else(|| answered(&field, allow_sha1));
    let result = match request {
        Some(request_id) => {
            let how = if place.request_id.is_some() { "given" } else { "taken from the response" };
            report.note(format!("held to the request {request_id}, {how}"));
            let facts = AttemptFacts { request_id, ..place.attempt(Asked::default(), now) };
            adapter.finish(&tools.around, &facts, Inbound::SamlResponse(field)).await
        }
        None => {
            report.note("it names no request: judged as a sign-in that the provider starts (IDPInit)");
            let facts = UnsolicitedFacts { callback: place.acs.clone(), entity_id: place.entity_id.clone() };
            adapter.finish_unsolicited(&tools.around, &facts, Inbound::SamlResponse(field)).await
        }
    };
    Ok(tell(result, subject, report))
}

fn tell(
    result: Result<Verified<ExternalIdentity>, ProviderError>,
    subject: &Subject,
    report: &mut Report,
) -> Option<Verified<ExternalIdentity>> {
    let failed = result.as_ref().err().map(ProviderError::code);
    let ended = match failed {
        None => STEPS.len(),
        // A step that is not known here: nothing is said of those before it.
        Some(code) => STEPS.iter().position(|(_, codes)| codes.contains(&code)).unwrap_or(0),
    };
    for (step, _) in STEPS.iter().take(ended) {
        report.ok(step);
    }
    match result {
        Ok(identity) => {
            report.ok("believed; whether it was used before is not looked at");
            Some(identity)
        }
        Err(error) => {
            report.fail(format!("[{}] {error}", error.code()));
            if !subject.is_real && matches!(error.code(), "saml_encryption_form" | "saml_decryption") {
                report.note("an encrypted response needs the pool's key: use --pool and --provider");
            }
            None
        }
    }
}
