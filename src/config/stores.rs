//! `POOLGATE_DIRECTORY_URL` and `POOLGATE_SESSION_URL`. Both may hold passwords: errors show the scheme alone.

use std::path::{Path, PathBuf};

use super::SettingsError;
use super::source::Source;
use crate::sessions::redis::{FORMS, RedisAddress};
use crate::stores::{DirectoryPlace, SessionPlace};

fn scheme(url: &str) -> &str {
    url.split_once(':').map_or("(no scheme)", |(scheme, _)| scheme)
}

pub(super) fn directory(source: &Source, data_dir: &Path) -> Result<DirectoryPlace, SettingsError> {
    let Some(url) = source.get("directory_url") else {
        return Ok(DirectoryPlace::Sqlite(data_dir.join("directory.sqlite")));
    };
    match url.strip_prefix("sqlite:") {
        Some(path) if !path.is_empty() => Ok(DirectoryPlace::Sqlite(PathBuf::from(path))),
        _ => {
            let allowed = "sqlite:PATH (postgres is not part of this build)";
            Err(source.error("directory_url", scheme(url), allowed))
        }
    }
}

/// Where the session store is, and what is unwise about it.
pub(super) fn sessions(
    source: &Source,
    data_dir: &Path,
) -> Result<(SessionPlace, Vec<String>), SettingsError> {
    match source.get("session_url") {
        None | Some("embedded:") => {
            Ok((SessionPlace::Embedded(data_dir.join("sessions.sqlite")), Vec::new()))
        }
        Some(url) if RedisAddress::is_one(url) => {
            let address = RedisAddress::parse(url)
                .map_err(|error| source.error("session_url", &error.given, &error.allowed))?;
            let warnings = address.warnings();
            Ok((SessionPlace::Redis(Box::new(address)), warnings))
        }
        Some(url) => Err(source.error("session_url", scheme(url), &format!("embedded:, {FORMS}"))),
    }
}
