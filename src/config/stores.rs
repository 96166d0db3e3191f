//! `POOLGATE_DIRECTORY_URL` and `POOLGATE_SESSION_URL`. Both may hold passwords: errors show the scheme alone.

use std::path::{Path, PathBuf};

use super::SettingsError;
use super::source::Source;
use crate::directory::postgres::Address;
use crate::sessions::redis::{FORMS, RedisAddress};
use crate::stores::{DirectoryPlace, SessionPlace};

fn scheme(url: &str) -> &str {
    url.split_once(':').map_or("(no scheme)", |(scheme, _)| scheme)
}

pub(super) fn directory(source: &Source, data_dir: &Path) -> Result<DirectoryPlace, SettingsError> {
    let Some(url) = source.get("directory_url") else {
        return Ok(DirectoryPlace::Sqlite(data_dir.join("directory.sqlite")));
    };
    match scheme(url) {
        "sqlite" => match url.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => Ok(DirectoryPlace::Sqlite(PathBuf::from(path))),
            _ => Err(source.error("directory_url", url, "sqlite:PATH")),
        },
        "postgres" | "postgresql" => match Address::parse(url) {
            Ok(address) => Ok(DirectoryPlace::Postgres(Box::new(address))),
            Err(error) => Err(source.error("directory_url", &error.given, error.allowed)),
        },
        other => {
            Err(source.error("directory_url", other, "sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE"))
        }
    }
}

/// What a directory that others share needs, and the sentences to say at start.
pub(super) fn shared(
    source: &Source,
    directory: &DirectoryPlace,
    sessions: &SessionPlace,
) -> Result<Vec<String>, SettingsError> {
    let DirectoryPlace::Postgres(address) = directory else { return Ok(Vec::new()) };
    for (key, allowed) in [
        (
            "master_key",
            "32 bytes in base64, the same for every gateway on this directory: a key that one of them makes for \
             itself opens nothing of the others'. Make one with: openssl rand -base64 32",
        ),
        (
            "access_key_id",
            "3 to 128 letters and digits, and POOLGATE_SECRET_ACCESS_KEY, the same for every gateway on this \
             directory. Make them with: openssl rand -hex 10, openssl rand -hex 20",
        ),
    ] {
        if source.get(key).is_none() {
            let given = "nothing, and POOLGATE_DIRECTORY_URL is a PostgreSQL database";
            return Err(SettingsError::new(&Source::name(key), given, allowed));
        }
    }
    let mut warnings: Vec<_> = address.warning().into_iter().collect();
    if matches!(sessions, SessionPlace::Embedded(_)) {
        warnings.push(
            "POOLGATE_SESSION_URL is embedded: only one gateway may run on this directory, for others would not \
             know its sessions and codes"
                .to_owned(),
        );
    }
    Ok(warnings)
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
