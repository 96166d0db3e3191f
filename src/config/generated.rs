//! Secrets that are made at first start and kept in the data directory, readable by their owner only.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poolgate_providers::Random;
use poolgate_providers::ambient::random_hex;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{Settings, SettingsError};

/// Management credentials.
#[derive(Clone)]
pub struct Credentials {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: SecretString,
}

/// What the gateway needs to open its data.
pub struct Secrets {
    /// 32 bytes.
    pub master_key: Zeroizing<Vec<u8>>,
    /// Management credentials.
    pub credentials: Credentials,
    /// Where generated credentials were written, when they are generated ones.
    pub credentials_file: Option<PathBuf>,
}

impl Secrets {
    /// Takes the secrets from the settings, else from the data directory, else makes them there.
    ///
    /// # Errors
    /// When the data directory cannot be made or used.
    pub fn obtain(settings: &Settings, random: &dyn Random) -> Result<Self, SettingsError> {
        let dir = &settings.data_dir;
        prepare(dir).map_err(|error| unusable(dir, &error))?;
        let master_key = match &settings.master_key {
            Some(key) => key.clone(),
            None => stored_master_key(&dir.join("master.key"), random)?,
        };
        let (credentials, credentials_file) = match &settings.credentials {
            Some((id, secret)) => {
                let credentials =
                    Credentials { access_key_id: id.clone(), secret_access_key: secret.clone() };
                (credentials, None)
            }
            None => {
                let file = dir.join("credentials.json");
                (stored_credentials(&file, random)?, Some(file))
            }
        };
        Ok(Self { master_key, credentials, credentials_file })
    }

    /// The master key of an installation that has been started before: given, or in the data directory. Nothing
    /// is made: a key that opens nothing would only be in the way.
    ///
    /// # Errors
    /// When there is none.
    pub fn master_key_in_place(settings: &Settings) -> Result<Zeroizing<Vec<u8>>, SettingsError> {
        if let Some(key) = &settings.master_key {
            return Ok(key.clone());
        }
        let path = settings.data_dir.join("master.key");
        let text = fs::read_to_string(&path).map(Zeroizing::new).map_err(|error| {
            let given = format!("not given, and {} cannot be read ({error})", path.display());
            SettingsError::new("POOLGATE_MASTER_KEY", given, "the settings that `poolgate serve` runs with")
        })?;
        read_master_key(&path, &text)
    }
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> SettingsError {
    let given = format!("{} cannot be used ({error})", path.display());
    SettingsError::new("POOLGATE_DATA_DIR", given, "a directory that this user owns and may write")
}

fn prepare(dir: &Path) -> std::io::Result<()> {
    if !dir.exists() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    let mode = fs::metadata(dir)?.permissions().mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// The file's content, or what `make` gives, written so that a crash leaves the whole file or none, and so that
/// of two that start at once the second takes what the first made.
fn read_or_make(path: &Path, make: impl FnOnce() -> Zeroizing<String>) -> std::io::Result<Zeroizing<String>> {
    match fs::read_to_string(path) {
        Ok(text) => return Ok(Zeroizing::new(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let text = make();
    let temporary = path.with_extension(format!("{}.new", std::process::id()));
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    // Unlike a rename, a link never takes the place of a file that is there by now.
    match fs::hard_link(&temporary, path) {
        Ok(()) => fs::remove_file(&temporary)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::remove_file(&temporary)?;
            return fs::read_to_string(path).map(Zeroizing::new);
        }
        // Not every file system has links.
        Err(_) => fs::rename(&temporary, path)?,
    }
    if let Some(dir) = path.parent() {
        fs::File::open(dir)?.sync_all()?;
    }
    Ok(text)
}

fn stored_master_key(path: &Path, random: &dyn Random) -> Result<Zeroizing<Vec<u8>>, SettingsError> {
    let make = || {
        let mut key = Zeroizing::new([0_u8; 32]);
        random.fill(key.as_mut_slice());
        Zeroizing::new(STANDARD.encode(key.as_slice()))
    };
    let text = read_or_make(path, make).map_err(|error| unusable(path, &error))?;
    read_master_key(path, &text)
}

fn read_master_key(path: &Path, text: &str) -> Result<Zeroizing<Vec<u8>>, SettingsError> {
    match STANDARD.decode(text.trim()).map(Zeroizing::new) {
        Ok(key) if key.len() == 32 => Ok(key),
        _ => Err(unusable(path, &"it is not 32 bytes in base64")),
    }
}

fn stored_credentials(path: &Path, random: &dyn Random) -> Result<Credentials, SettingsError> {
    let make = || {
        let id = format!("PGAK{}", random_hex(random, 8).to_ascii_uppercase());
        let secret = Zeroizing::new(random_hex(random, 20));
        let document = serde_json::json!({"access_key_id": id, "secret_access_key": *secret});
        Zeroizing::new(format!("{document:#}\n"))
    };
    let text = read_or_make(path, make).map_err(|error| unusable(path, &error))?;
    let document: serde_json::Value = serde_json::from_str(&text).map_err(|error| unusable(path, &error))?;
    let member = |name: &str| document.get(name).and_then(serde_json::Value::as_str);
    match (member("access_key_id"), member("secret_access_key")) {
        (Some(id), Some(secret)) => {
            Ok(Credentials { access_key_id: id.to_owned(), secret_access_key: SecretString::from(secret) })
        }
        _ => Err(unusable(path, &"access_key_id or secret_access_key is missing")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_that_start_at_once_both_use_the_secret_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let slow = || {
            let fast = read_or_make(&path, || Zeroizing::new("first".into())).unwrap();
            assert_eq!(*fast, "first");
            Zeroizing::new("second".into())
        };
        assert_eq!(*read_or_make(&path, slow).unwrap(), "first");
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
