//! What Google knows of the person besides the ID token (People API, "Method: people.get").

use std::collections::BTreeSet;

use http::{Response, StatusCode};
use secrecy::SecretString;
use serde_json::{Map, Value};
use time::{Date, Month};
use url::Url;

use crate::fetch::Http;
use crate::oauth::{call, json};
use crate::social::Said;
use crate::{Attributes, ProviderError, Upstream, social};

const AT: Upstream = Upstream::UserInfo;
/// Where Google's scopes for one field begin.
const SCOPES: &str = "https://www.googleapis.com/auth/";
/// Google's other name for it: `userinfo.profile`.
const PROFILE: &str = "profile";
/// Google's other name for it: `userinfo.email`.
const EMAIL: &str = "email";

/// One field of a person: a list of objects, of which one member becomes the value.
struct Field {
    /// As in `personFields`, and as it is mapped.
    name: &'static str,
    /// The members that hold the value; the first that is there.
    members: &'static [&'static str],
    /// The scope that opens it.
    scope: &'static str,
}

const fn field(name: &'static str, members: &'static [&'static str], scope: &'static str) -> Field {
    Field { name, members, scope }
}

/// The fields that a text can be taken from (People API, "REST Resource: people"). `memberships` and `metadata`
/// hold none.
const FIELDS: [Field; 27] = [
    field("addresses", &["formattedValue"], "user.addresses.read"),
    field("ageRanges", &["ageRange"], "profile.agerange.read"),
    field("biographies", &["value"], PROFILE),
    field("birthdays", &["date"], "user.birthday.read"),
    field("calendarUrls", &["url"], PROFILE),
    field("clientData", &["value"], PROFILE),
    field("coverPhotos", &["url"], PROFILE),
    field("emailAddresses", &["value"], EMAIL),
    field("events", &["date"], PROFILE),
    field("externalIds", &["value"], PROFILE),
    field("genders", &["value"], "user.gender.read"),
    field("imClients", &["username"], PROFILE),
    field("interests", &["value"], PROFILE),
    field("locales", &["value"], PROFILE),
    field("locations", &["value"], PROFILE),
    field("miscKeywords", &["value"], PROFILE),
    field("names", &["displayName"], PROFILE),
    field("nicknames", &["value"], PROFILE),
    field("occupations", &["value"], PROFILE),
    field("organizations", &["name"], "user.organization.read"),
    field("phoneNumbers", &["canonicalForm", "value"], "user.phonenumbers.read"),
    field("photos", &["url"], PROFILE),
    field("relations", &["person"], PROFILE),
    field("sipAddresses", &["value"], PROFILE),
    field("skills", &["value"], PROFILE),
    field("urls", &["value"], PROFILE),
    field("userDefined", &["value"], PROFILE),
];

/// Its fields, each with its scope; the last part of the scope is named.
pub(super) fn says() -> impl Iterator<Item = Said> {
    FIELDS.iter().map(|field| Said::new(field.name, Some(field.scope)))
}

/// The People API, and what of it is mapped.
pub(super) struct People {
    /// With the fields' names; none when nothing of it is mapped.
    url: Option<Url>,
    fields: Vec<&'static Field>,
}

impl People {
    /// Only fields that are mapped to anything are asked for.
    pub(super) fn new(mut url: Url, mapped: &BTreeSet<String>) -> Self {
        let fields: Vec<&Field> = FIELDS.iter().filter(|field| mapped.contains(field.name)).collect();
        if fields.is_empty() {
            return Self { url: None, fields };
        }
        let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
        let query = format!("{}{}", url.query().unwrap_or_default(), names.join(","));
        url.set_query(Some(&query));
        // What the person wrote of themselves in their address book is not what Google knows of them.
        url.query_pairs_mut().append_pair("sources", "READ_SOURCE_TYPE_PROFILE");
        Self { url: Some(url), fields }
    }

    /// Those that are mapped.
    pub(super) fn fields(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().map(|field| field.name)
    }

    /// The mapped fields of the person that `access_token` belongs to, who must be `subject`.
    pub(super) async fn ask(
        &self,
        http: &dyn Http,
        access_token: &SecretString,
        subject: &str,
        scopes: &[String],
    ) -> Result<Attributes, ProviderError> {
        let Some(url) = &self.url else { return Ok(Attributes::new()) };
        let response = social::ask(http, AT, url, access_token).await?;
        if response.status() == StatusCode::FORBIDDEN {
            return Err(call::bad(AT, response.status(), self.forbidden(&response, scopes)));
        }
        let person = call::object(AT, &response, &["application/json"])?;
        let named =
            person.get("resourceName").and_then(Value::as_str).and_then(|it| it.strip_prefix("people/"));
        if named != Some(subject) {
            return Err(ProviderError::not_believed(
                "oidc_userinfo_subject",
                "the People API's resourceName is not people/ and the sub of the ID token",
            ));
        }
        let values = self.fields.iter().map(|field| (field.name.to_owned(), field.values(&person)));
        Ok(values.filter(|(_, values)| !values.is_empty()).collect())
    }

    /// Why Google refused, and where to look.
    fn forbidden(&self, response: &Response<Vec<u8>>, scopes: &[String]) -> String {
        if reasons(response).iter().any(|reason| reason == "SERVICE_DISABLED") {
            return "the People API is not enabled in the Google Cloud project of this client".to_owned();
        }
        let lacks = |field: &&Field| {
            let scope = match field.scope {
                short @ (PROFILE | EMAIL) => short.to_owned(),
                own => format!("{SCOPES}{own}"),
            };
            (!opens(scopes, field.scope)).then(|| format!("{scope} ({})", field.name))
        };
        let lacking: Vec<String> = self.fields.iter().filter_map(lacks).collect();
        if lacking.is_empty() {
            let names: Vec<&str> = self.fields.iter().map(|field| field.name).collect();
            return format!(
                "the person or their organisation did not allow to read {}; authorize_scopes names the scopes",
                names.join(", ")
            );
        }
        format!("authorize_scopes lacks {}, which the attribute mapping needs", lacking.join(", "))
    }
}

/// Whether one of `scopes` is this one, by its short name or by its long one.
fn opens(scopes: &[String], scope: &str) -> bool {
    scopes.iter().any(|given| {
        let own = given.strip_prefix(SCOPES).map(|own| own.strip_prefix("userinfo.").unwrap_or(own));
        given == scope || own == Some(scope)
    })
}

/// The reasons of a failure (Google's `google.rpc.ErrorInfo`).
fn reasons(response: &Response<Vec<u8>>) -> Vec<String> {
    let Ok(body) = json::object(response.body()) else { return Vec::new() };
    let details = body.get("error").and_then(|error| error.get("details")).and_then(Value::as_array);
    let reason = |detail: &Value| detail.get("reason").and_then(Value::as_str).map(str::to_owned);
    details.into_iter().flatten().filter_map(reason).collect()
}

impl Field {
    /// Its values: the primary one first, then in the order they came.
    fn values(&self, person: &Map<String, Value>) -> Vec<String> {
        let entries = person.get(self.name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let flag = |entry: &Value, name: &str| {
            entry.get("metadata").and_then(|metadata| metadata.get(name)) == Some(&Value::Bool(true))
        };
        // An address that the person only claims must not stand where a proven one may.
        let counts = |entry: &&Value| self.name != "emailAddresses" || flag(entry, "verified");
        let mut entries: Vec<&Value> = entries.iter().filter(counts).collect();
        entries.sort_by_key(|entry| !flag(entry, "primary"));
        entries
            .into_iter()
            .filter_map(|entry| self.members.iter().find_map(|name| text(entry.get(*name)?)))
            .collect()
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Object(date) => iso_date(date),
        _ => None,
    }
}

/// `google.type.Date` as in OpenID Connect Core 5.1 (`birthdate`): YYYY-MM-DD, with the year 0000 where it is not
/// told. A year or month alone is not a date.
fn iso_date(date: &Map<String, Value>) -> Option<String> {
    /// Any leap year: the 29th of February is a birthday.
    const LEAP: i32 = 2000;
    let number = |name: &str| date.get(name).map_or(Some(0), Value::as_u64);
    let (year, month, day) = (number("year")?, number("month")?, number("day")?);
    let (year, month, day) = (i32::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?);
    let exact = if year == 0 { LEAP } else { year };
    Date::from_calendar_date(exact, Month::try_from(month).ok()?, day).ok()?;
    Some(format!("{year:04}-{month:02}-{day:02}"))
}
