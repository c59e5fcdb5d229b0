//! The settings: built-in defaults, then a file, then the environment, then the command line.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Deserializer};

/// The defaults, as a file that people can read.
pub const DEFAULTS: &str = include_str!("../config/default.toml");

/// Variables that begin so are settings; `REVCONF_HTTP_LISTEN` is `http.listen`.
const PREFIX: &str = "REVCONF_";

/// A text, even where the environment's one looks like a number.
fn text<'de, D: Deserializer<'de>, T: From<String>>(deserializer: D) -> Result<T, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a text")]
    enum Scalar {
        Text(String),
        Natural(u64),
        Whole(i64),
        Number(f64),
        Flag(bool),
    }
    let text = match Scalar::deserialize(deserializer)? {
        Scalar::Text(text) => text,
        Scalar::Natural(number) => number.to_string(),
        Scalar::Whole(number) => number.to_string(),
        Scalar::Number(number) => number.to_string(),
        Scalar::Flag(flag) => flag.to_string(),
    };
    Ok(text.into())
}

/// Everything that can be set. See `config/default.toml` for what each means.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    #[serde(deserialize_with = "text")]
    pub data: PathBuf,
    pub http: Http,
    pub log: Log,
    pub commits: Commits,
    pub journal: Journal,
    pub azure: Azure,
}

/// `[http]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    pub listen: SocketAddr,
    pub prefixes: Vec<String>,
    /// 0 means one for each core.
    pub workers: usize,
    /// In bytes.
    pub max_body: usize,
    /// In bytes.
    pub max_uri: usize,
    pub cors_origins: Vec<String>,
    /// In seconds.
    pub client_timeout: u64,
    /// In seconds.
    pub keep_alive: u64,
    /// In seconds.
    pub shutdown_timeout: u64,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub level: LogLevel,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// What is logged at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// `[commits]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commits {
    pub queue: usize,
    pub batch: usize,
    #[serde(deserialize_with = "text")]
    pub committer_name: String,
    #[serde(deserialize_with = "text")]
    pub committer_email: String,
    #[serde(deserialize_with = "text")]
    pub anonymous_name: String,
    #[serde(deserialize_with = "text")]
    pub anonymous_email: String,
}

/// `[journal]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    /// In bytes.
    pub size: u64,
    /// In seconds.
    pub period: u64,
}

/// `[azure]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Azure {
    /// The name of a configuration.
    #[serde(deserialize_with = "text")]
    pub config: String,
}

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
    #[error(
        "the settings are wrong: http.prefixes has {0:?}; a prefix is empty, or begins with a slash and does not end in one"
    )]
    Prefix(String),
    #[error("the settings are wrong: {name} must be from {min} to {max}, not {found}")]
    Range { name: &'static str, min: u64, max: u64, found: u64 },
    #[error(
        "the settings are wrong: http.cors_origins has {0:?}; an origin looks like https://console.example.org"
    )]
    Origin(String),
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
            Env::prefixed(PREFIX).ignore(&["config"]).map(|key| key.as_str().replacen('_', ".", 1).into());
        figment = figment.merge(environment);
        if let Some(data) = &flags.data {
            figment = figment.merge(Serialized::default("data", data));
        }
        if let Some(listen) = flags.listen {
            figment = figment.merge(Serialized::default("http.listen", listen));
        }
        let settings: Settings = figment.extract().map_err(|error| SettingsError::Wrong(told(error)))?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), SettingsError> {
        if let Some(bad) = self.http.prefixes.iter().find(|prefix| !is_prefix(prefix)) {
            return Err(SettingsError::Prefix(bad.clone()));
        }
        if let Some(bad) = self.http.cors_origins.iter().find(|origin| !is_origin(origin)) {
            return Err(SettingsError::Origin(bad.clone()));
        }
        let ranges = [
            ("http.workers", self.http.workers as u64, 0, 1024),
            ("http.max_body", self.http.max_body as u64, 1, 1 << 40),
            // The framework itself reads no longer ones.
            ("http.max_uri", self.http.max_uri as u64, 1, 65_534),
            ("http.client_timeout", self.http.client_timeout, 1, DAY),
            ("http.keep_alive", self.http.keep_alive, 1, DAY),
            ("http.shutdown_timeout", self.http.shutdown_timeout, 0, DAY),
            ("journal.size", self.journal.size, 1, 1 << 40),
            ("journal.period", self.journal.period, 1, DAY),
            ("commits.queue", self.commits.queue as u64, 1, 1 << 20),
            ("commits.batch", self.commits.batch as u64, 1, 1 << 20),
        ];
        match ranges.into_iter().find(|(_, found, min, max)| !(min..=max).contains(&found)) {
            Some((name, found, min, max)) => Err(SettingsError::Range { name, min, max, found }),
            None => Ok(()),
        }
    }
}

/// In seconds: the longest that a connection or a stop may take.
const DAY: u64 = 86_400;

/// Nothing, or a path without an end that would double a slash, and without what routing gives a meaning.
fn is_prefix(prefix: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
    prefix.is_empty()
        || prefix.starts_with('/')
            && !prefix.ends_with('/')
            && !prefix.contains("//")
            && prefix.chars().all(plain)
}

/// Scheme, host and port (RFC 6454 section 6.2).
fn is_origin(origin: &str) -> bool {
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-.:[]_".contains(c);
    host.is_some_and(|host| !host.is_empty() && host.chars().all(plain))
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
            .replace("expected u64", "expected a whole number");
        format!(
            "{place}: {}",
            reason.replace("expected a sequence", "expected a list such as [\"a\", \"b\"]")
        )
    });
    faults.collect::<Vec<_>>().join("; ")
}
