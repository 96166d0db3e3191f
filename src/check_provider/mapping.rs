//! What becomes of each attribute: each row of the mapping goes through the sign-in's own mapping.

use poolgate_providers::{ExternalIdentity, Verified};

use super::subject::Subject;
use super::{CheckError, Report, Tools};
use crate::pool::{AppClient, FederatedProfile, IdentityProvider};
use crate::sign_in::mapping::{self, GROUPS, MappedGroups, MappingError, Place};

/// Longest value that is shown, in characters.
const LONGEST: usize = 200;
/// `sub` of a user that is never made.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// What can be said without anybody signing in.
///
/// # Errors
/// When the provider is not there.
pub(super) fn of_configuration(subject: &Subject, report: &mut Report) -> Result<(), CheckError> {
    let provider = &subject.provider()?.config.value;
    report.section("Mapping");
    let rows: Vec<_> =
        provider.attribute_mapping.iter().filter(|(target, _)| *target != "username").collect();
    for (target, source) in &rows {
        report.note(format!("{target} <- {source}"));
    }
    if rows.is_empty() {
        report.warn("no attribute is mapped: users will have nothing but their name");
    }
    if subject.is_real {
        let mapped = |name: &&str| !provider.attribute_mapping.contains_key(*name);
        for name in subject.pool.pool.value.required_attributes().filter(|name| *name != "sub").filter(mapped)
        {
            report.fail(format!("the pool requires {name}, and nothing is mapped to it: nobody can sign in"));
        }
        if subject.client(None)?.is_none() {
            report.warn("no app client enables the provider (SupportedIdentityProviders)");
        }
    }
    Ok(())
}

/// What becomes of this person.
///
/// # Errors
/// When the provider is not there.
pub(super) fn of_identity(
    identity: &Verified<ExternalIdentity>,
    subject: &Subject,
    client: Option<&AppClient>,
    tools: &Tools,
    report: &mut Report,
) -> Result<(), CheckError> {
    let provider = &subject.provider()?.config.value;
    report.section("The person");
    let person = identity.get();
    let format = person.session.name_id_format.as_deref().unwrap_or("unspecified");
    report.note(format!("NameID {} (format {format})", cut(&person.subject)));
    let Some(client) = client else {
        report.warn("no app client enables the provider: what would be stored cannot be said");
        return Ok(());
    };
    let map = |mapped: &IdentityProvider| {
        let place = place(subject, client, mapped);
        mapping::profile(identity, None, &place, NOBODY.to_owned(), tools.around.clock.now())
    };
    report.section("What each attribute would become");
    for (target, source) in provider.attribute_mapping.iter().filter(|(target, _)| *target != "username") {
        let mut alone = provider.clone();
        alone.attribute_mapping.retain(|other, _| other == target);
        let count = person.attributes.get(source).map_or(0, Vec::len);
        let row = format!("{target} <- {source} ({count} {})", if count == 1 { "value" } else { "values" });
        if target == GROUPS {
            tell_groups(
                &row,
                mapping::mapped_groups(&person.attributes, &place(subject, client, &alone)),
                subject.is_real,
                report,
            );
        } else {
            tell_row(&row, target, map(&alone), report);
        }
    }
    unmapped(person, provider, report);
    report.section("The user");
    match map(provider).map(|profile| (profile.apply(None), profile)) {
        Err(error) => report.fail(error.to_string()),
        Ok((Err(error), _)) => report.fail(format!("a new user: {error}")),
        Ok((Ok((user, _)), profile)) => {
            report.ok(format!("username {}", cut(&user.username)));
            let derived =
                profile.set.iter().filter(|(name, _)| !provider.attribute_mapping.contains_key(*name));
            for (name, value) in derived {
                report.note(format!("{name} = {value}, as no mapping says"));
            }
        }
    }
    Ok(())
}

fn place<'a>(subject: &'a Subject, client: &'a AppClient, provider: &'a IdentityProvider) -> Place<'a> {
    Place { pool: &subject.pool.pool.value, client, provider, groups: &subject.pool.groups }
}

fn tell_row(row: &str, target: &str, mapped: Result<FederatedProfile, MappingError>, report: &mut Report) {
    match mapped {
        Err(error) => report.fail(format!("{row}: {error}")),
        Ok(profile) => match profile.set.get(target) {
            Some(value) => report.ok(format!("{row}: stored as {}", cut(value))),
            None if profile.remove.iter().any(|name| name == target) => {
                report.warn(format!("{row}: not sent; a stored value is removed (missing_attributes)"));
            }
            None => report.warn(format!("{row}: not sent; a stored value is kept")),
        },
    }
}

fn tell_groups(row: &str, mapped: MappedGroups, is_real: bool, report: &mut Report) {
    let MappedGroups { groups, ignored } = mapped;
    if groups.is_empty() && ignored.is_empty() {
        return report
            .warn(format!("{row}: not sent; the user leaves the groups that the provider named before"));
    }
    if !is_real {
        let names = list(&ignored);
        return report
            .note(format!("{row}: those of {names} that are groups of the pool (a file does not say)"));
    }
    if !groups.is_empty() {
        report.ok(format!("{row}: in {}", list(&groups)));
    }
    if !ignored.is_empty() {
        report.warn(format!("{row}: ignored, for no group has the name: {}", list(&ignored)));
    }
}

fn list(names: &[String]) -> String {
    cut(&names.join(", "))
}

fn unmapped(person: &ExternalIdentity, provider: &IdentityProvider, report: &mut Report) {
    let mapped = |name: &String| provider.attribute_mapping.values().any(|source| source == name);
    for (name, values) in person.attributes.iter().filter(|(name, _)| !mapped(name)) {
        report.note(format!("{name} came and is not mapped ({})", values.len()));
    }
}

fn cut(value: &str) -> String {
    match value.char_indices().nth(LONGEST) {
        Some((at, _)) => {
            format!("{}… ({} characters)", value.get(..at).unwrap_or_default(), value.chars().count())
        }
        None => value.to_owned(),
    }
}
