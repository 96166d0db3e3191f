//! What no store can hold: U+0000. PostgreSQL refuses it, and SQLite's own text functions stop at it: two subjects
//! that differ behind one would look alike. No profile needs it.

use super::{DirectoryError, Ended};
use crate::pool::{FederatedProfile, LinkBy, LinkSource, UserChange};

/// Whether one of the texts can be stored nowhere: nothing is found under it.
pub(super) fn any_nul(texts: &[&str]) -> bool {
    texts.iter().any(|text| text.contains('\0'))
}

/// Refuses texts that would be stored.
pub(super) fn refuse_any_nul(what: &str, texts: &[&str]) -> Result<(), DirectoryError> {
    if any_nul(texts) { Err(DirectoryError::Unstorable(what.to_owned())) } else { Ok(()) }
}

pub(super) fn refuse_nul(profile: &FederatedProfile) -> Result<(), DirectoryError> {
    let identity = &profile.identity;
    let texts = [
        ("user pool id", &profile.pool_id),
        ("username", &profile.username),
        ("sub", &profile.new_sub),
        ("provider name", &identity.provider_name),
        ("provider type", &identity.provider_type),
        ("subject", &identity.user_id),
        ("group", &profile.group),
    ];
    let attributes =
        profile.set.iter().flat_map(|(name, value)| [("attribute name", name), (&**name, value)]);
    let groups = profile.mapped_groups.iter().map(|group| ("group", group));
    let issuer = identity.issuer.iter().map(|issuer| ("issuer", issuer));
    let session = profile.session.iter().map(|session| ("provider session", &session.digest));
    match texts
        .into_iter()
        .chain(issuer)
        .chain(session)
        .chain(attributes)
        .chain(groups)
        .find(|(_, text)| text.contains('\0'))
    {
        Some((what, _)) => Err(DirectoryError::Unstorable(what.replace('\0', ""))),
        None => Ok(()),
    }
}

pub(super) fn refuse_nul_in_source(source: &LinkSource) -> Result<(), DirectoryError> {
    match &source.by {
        LinkBy::Subject(subject) => refuse_any_nul("subject", &[subject]),
        LinkBy::Attribute { name, value } => {
            refuse_any_nul("attribute name", &[name])?;
            refuse_any_nul("attribute value", &[value])
        }
    }
}

pub(super) fn refuse_nul_in_change(change: &UserChange) -> Result<(), DirectoryError> {
    for (name, value) in &change.set {
        refuse_any_nul("attribute name", &[name])?;
        refuse_any_nul(name, &[value])?;
    }
    Ok(())
}

pub(super) fn refuse_nul_in_ending(pool_id: &str, sub: &str, ended: &Ended) -> Result<(), DirectoryError> {
    let marks = ended.sessions.iter().chain([&ended.person]).map(String::as_str);
    if marks.chain([pool_id, sub]).any(|text| text.contains('\0')) {
        return Err(DirectoryError::Unstorable("ended session".into()));
    }
    Ok(())
}
