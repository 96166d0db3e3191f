//! Where settings come from: `POOLGATE_NAME` in the environment, `name` in the TOML file.

use std::collections::BTreeMap;
use std::path::Path;

use super::SettingsError;

/// Every setting there is, as in the file.
const KEYS: [&str; 22] = [
    "listen",
    "public_url",
    "region",
    "account_id",
    "data_dir",
    "directory_url",
    "session_url",
    "access_key_id",
    "secret_access_key",
    "master_key",
    "tls_cert",
    "tls_key",
    "trusted_proxies",
    "metrics_listen",
    "audit_log",
    "rate_limits",
    "idp_ca_file",
    "idp_networks",
    "saml_engines",
    "lambda_endpoint",
    "smtp_url",
    "dev",
];

/// The parser's words in one line, without the line of the file it shows: that may hold a secret.
fn without_excerpt(error: &str) -> String {
    let excerpt = |line: &str| {
        line.trim_start_matches(|c: char| c.is_whitespace() || c.is_ascii_digit()).starts_with('|')
    };
    let lines: Vec<_> = error.lines().filter(|line| !excerpt(line)).map(str::trim).collect();
    lines.join(", ")
}

/// Raw settings, by key.
#[derive(Default)]
pub(super) struct Source {
    values: BTreeMap<&'static str, String>,
    from_file: Vec<&'static str>,
}

impl Source {
    /// Reads the file, then the environment over it. An empty value is no value.
    pub(super) fn load(
        file: Option<&Path>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let mut source = Self::default();
        if let Some(path) = file {
            source.read_file(path)?;
        }
        for key in KEYS {
            if let Some(value) = environment(&Self::name(key)).filter(|value| !value.is_empty()) {
                source.values.insert(key, value);
                source.from_file.retain(|known| *known != key);
            }
        }
        Ok(source)
    }

    fn read_file(&mut self, path: &Path) -> Result<(), SettingsError> {
        let given = path.display().to_string();
        let file = config::File::from(path).format(config::FileFormat::Toml);
        let table = config::Config::builder()
            .add_source(file)
            .build()
            .and_then(config::Config::try_deserialize::<BTreeMap<String, config::Value>>)
            .map_err(|error| {
                let why = without_excerpt(&error.to_string());
                SettingsError::new("--config", format!("{given} ({why})"), "a readable TOML file")
            })?;
        for (name, value) in table {
            let Some(key) = KEYS.into_iter().find(|key| *key == name) else {
                return Err(SettingsError::new("--config", format!("unknown key {name}"), KEYS.join(", ")));
            };
            let text = match value.kind {
                config::ValueKind::String(text) => text,
                config::ValueKind::Boolean(flag) => flag.to_string(),
                config::ValueKind::I64(number) => number.to_string(),
                _ => {
                    let given = "a value that is neither text, number nor boolean";
                    return Err(SettingsError::new(key, given, "text, a number or a boolean"));
                }
            };
            if !text.is_empty() {
                self.values.insert(key, text);
                self.from_file.push(key);
            }
        }
        Ok(())
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// The environment variable of this key.
    pub(super) fn name(key: &str) -> String {
        format!("POOLGATE_{}", key.to_ascii_uppercase())
    }

    /// An error that names the setting the way it was given.
    pub(super) fn error(&self, key: &str, given: &str, allowed: &str) -> SettingsError
    where
        Self: Sized,
    {
        let setting =
            if self.from_file.contains(&key) { format!("{key} (in the file)") } else { Self::name(key) };
        SettingsError { setting, given: format!("given {given:?}"), allowed: allowed.to_owned() }
    }
}
