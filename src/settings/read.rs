//! From where the settings come, and what is said of one that cannot be read.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};

use super::check::faults;
use super::tables::Settings;

/// The defaults, as a file that people can read.
const DEFAULTS: &str = include_str!("../../config/default.toml");

/// Variables that begin so are settings; `REVCONF_HTTP_LISTEN` is `http.listen`.
const PREFIX: &str = "REVCONF_";
/// Variables that begin so as well, and are for the command line alone; all but the first are the client's.
const NO_SETTINGS: [&str; 6] = ["config", "server", "configuration", "key", "key_file", "ca"];

/// What the command line says of the settings.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    pub data: Option<PathBuf>,
    pub listen: Option<SocketAddr>,
}

/// A setting that is unknown or wrong; the message names it and where it stands.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("the settings file {} cannot be read: {reason}", path.display())]
    File { path: PathBuf, reason: std::io::Error },
    #[error("the settings are wrong: {0}")]
    Wrong(String),
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// A setting is unknown or wrong, or the file cannot be read.
    pub fn read(file: Option<&Path>, flags: &Flags) -> Result<Self, SettingsError> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        if let Some(path) = file {
            // The library passes over a file that is not there; who names one means it.
            std::fs::metadata(path)
                .map_err(|reason| SettingsError::File { path: path.to_owned(), reason })?;
            figment = figment.merge(Toml::file_exact(path));
        }
        // Only the first underscore after the prefix parts a section from its key: keys have underscores of their own.
        let environment =
            Env::prefixed(PREFIX).ignore(&NO_SETTINGS).map(|key| key.as_str().replacen('_', ".", 1).into());
        figment = figment.merge(environment);
        if let Some(data) = &flags.data {
            figment = figment.merge(Serialized::default("data", data));
        }
        if let Some(listen) = flags.listen {
            figment = figment.merge(Serialized::default("http.listen", listen));
        }
        let settings: Settings = figment.extract().map_err(|error| SettingsError::Wrong(told(error)))?;
        let faults = faults(&settings);
        if faults.is_empty() { Ok(settings) } else { Err(SettingsError::Wrong(faults.join("; "))) }
    }
}

/// Every fault with the setting's name and where it stands.
fn told(error: figment::Error) -> String {
    let faults = error.into_iter().map(|error| {
        let key = error.path.join(".").to_lowercase();
        let place = match (&error.metadata, key.as_str()) {
            (Some(metadata), key) if metadata.name.contains("environment") => {
                format!("{key} in the variable {PREFIX}{}", key.replace('.', "_").to_uppercase())
            }
            (Some(metadata), key) => match &metadata.source {
                Some(source) if key.is_empty() => source.to_string(),
                Some(source) => format!("{key} in {source}"),
                None => key.to_owned(),
            },
            (None, key) => key.to_owned(),
        };
        // The library says what was expected in Rust's words, and quotes it twice.
        let reason = error.kind.to_string().replace("``", "`").replace("`one of `", "one of `");
        let reason = reason
            .replace("expected usize", "expected a whole number")
            .replace("expected u32", "expected a whole number")
            .replace("expected u64", "expected a whole number");
        format!(
            "{place}: {}",
            reason.replace("expected a sequence", "expected a list such as [\"a\", \"b\"]")
        )
    });
    faults.collect::<Vec<_>>().join("; ")
}
