//! One event, in the shape of CloudTrail's records (`identity-pools-sync-limits.md` section 11).

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::registry::Surface;

/// Of CloudTrail's record format.
const VERSION: &str = "1.03";
const SOURCE: &str = "cognito-idp.amazonaws.com";
/// Name of the one administrator there is: whoever has the management credentials.
const ADMINISTRATOR: &str = "poolgate";
/// Largest line, in bytes: what was asked and answered is left out of a larger one.
const MOST: usize = 64 * 1024;
/// Longest text that somebody outside chose, in characters.
const LONGEST: usize = 512;

/// Who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor<'a> {
    /// Whoever has the management credentials: the signature was verified.
    Administrator {
        /// Public half of the credentials.
        access_key_id: &'a str,
    },
    /// Somebody whose request needed no signature, or whose signature was not accepted.
    Anonymous,
    /// A browser or an app at a pool's domain.
    Visitor,
}

/// What sort of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An operation of the API.
    ApiCall,
    /// A request to a pool's domain.
    ServiceEvent,
}

/// One event. No member holds a secret, or anything that a person is known by.
#[derive(Debug)]
pub struct Event<'a> {
    /// Operation, or `Path_METHOD`.
    pub name: &'a str,
    /// What sort it is of.
    pub kind: Kind,
    /// Who asked.
    pub actor: Actor<'a>,
    /// When it was answered.
    pub at: OffsetDateTime,
    /// A UUID of its own.
    pub id: String,
    /// `x-amzn-requestid`.
    pub request_id: &'a str,
    /// Address of who asked.
    pub source: &'a str,
    /// As the client calls itself.
    pub user_agent: &'a str,
    /// Whether nothing can have changed.
    pub read_only: bool,
    /// What was asked, already without secrets.
    pub request: Value,
    /// What was answered, already without secrets; `null` for what only reads.
    pub response: Value,
    /// Name and text of the refusal.
    pub error: Option<(&'a str, &'a str)>,
    /// What CloudTrail has no member for.
    pub more: Map<String, Value>,
    /// Region and account.
    pub surface: &'a Surface,
}

impl Event<'_> {
    /// One line of JSON, with its end.
    pub(super) fn line(&self) -> Vec<u8> {
        let mut record = self.record();
        let mut line = record.to_string();
        if line.len() > MOST {
            for member in ["requestParameters", "responseElements"] {
                record[member] = Value::Null;
            }
            record["additionalEventData"]["omitted"] = json!(true);
            line = record.to_string();
        }
        line.push('\n');
        line.into_bytes()
    }

    fn record(&self) -> Value {
        let whole = self.at.to_offset(time::UtcOffset::UTC).replace_nanosecond(0).unwrap_or(self.at);
        let mut record = json!({
            "eventVersion": VERSION,
            "userIdentity": self.identity(),
            "eventTime": whole.format(&Rfc3339).unwrap_or_default(),
            "eventSource": SOURCE,
            "eventName": self.name,
            "awsRegion": self.surface.region,
            "sourceIPAddress": self.source,
            "userAgent": bounded(self.user_agent),
            "requestParameters": self.request,
            "responseElements": self.response,
            "requestID": self.request_id,
            "eventID": self.id,
            "readOnly": self.read_only,
            "eventType": match self.kind { Kind::ApiCall => "AwsApiCall", Kind::ServiceEvent => "AwsServiceEvent" },
            "recipientAccountId": self.surface.account_id,
        });
        if let Some((code, text)) = self.error {
            record["errorCode"] = json!(code);
            record["errorMessage"] = json!(bounded(text));
        }
        if !self.more.is_empty() {
            record["additionalEventData"] = Value::Object(self.more.clone());
        }
        record
    }

    fn identity(&self) -> Value {
        let account = &self.surface.account_id;
        match self.actor {
            Actor::Administrator { access_key_id } => json!({
                "type": "IAMUser",
                "principalId": access_key_id,
                "arn": format!("arn:aws:iam::{account}:user/{ADMINISTRATOR}"),
                "accountId": account,
                "accessKeyId": access_key_id,
                "userName": ADMINISTRATOR,
            }),
            Actor::Anonymous => json!({ "type": "Unknown", "principalId": "Anonymous" }),
            Actor::Visitor => json!({ "accountId": account }),
        }
    }
}

/// The beginning of a text.
fn bounded(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
