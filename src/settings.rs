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
/// Variables that begin so as well, and are for the command line alone; all but the first are the client's.
const NO_SETTINGS: [&str; 6] = ["config", "server", "configuration", "key", "key_file", "ca"];

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
    pub mirrors: Vec<Mirror>,
    pub http: Http,
    pub log: Log,
    pub commits: Commits,
    pub journal: Journal,
    pub access: Access,
    pub tls: Tls,
    pub limits: Limits,
    pub audit: Audit,
    pub git: Git,
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
    /// In bytes, for all bodies together.
    pub body_memory: usize,
    /// In bytes.
    pub max_uri: usize,
    pub cors_origins: Vec<String>,
    pub max_connections: usize,
    /// In seconds.
    pub client_timeout: u64,
    /// In seconds.
    pub body_timeout: u64,
    /// In seconds.
    pub send_timeout: u64,
    /// In seconds.
    pub keep_alive: u64,
    /// In seconds.
    pub shutdown_timeout: u64,
    /// In seconds.
    pub heartbeat: u64,
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

/// `[access]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// A path; empty is none.
    #[serde(deserialize_with = "text")]
    pub principals: PathBuf,
    /// In seconds.
    pub remember: u64,
    /// A minute, from an address.
    pub guesses: u32,
    /// Some of [`PAGES`].
    pub public: Vec<String>,
    pub proxies: Vec<String>,
    /// A header; empty is none. So are the next two.
    #[serde(deserialize_with = "text")]
    pub proxy_user: String,
    #[serde(deserialize_with = "text")]
    pub proxy_email: String,
    #[serde(deserialize_with = "text")]
    pub proxy_address: String,
    pub proxy_roles: Vec<String>,
}

/// `[tls]`; empty paths are none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    #[serde(deserialize_with = "text")]
    pub certificate: PathBuf,
    #[serde(deserialize_with = "text")]
    pub key: PathBuf,
    #[serde(deserialize_with = "text")]
    pub client_ca: PathBuf,
}

/// `[limits]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Requests a second; 0 is no limit.
    pub principal: u32,
    /// Requests a second; 0 is no limit.
    pub address: u32,
    pub burst: u32,
}

/// `[audit]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// A path; empty is none.
    #[serde(deserialize_with = "text")]
    pub file: PathBuf,
    /// In bytes.
    pub size: u64,
    pub keep: usize,
    pub required: bool,
}

/// `[git]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Git {
    pub enabled: bool,
    #[serde(deserialize_with = "text")]
    pub program: PathBuf,
    pub processes: usize,
    /// In seconds.
    pub timeout: u64,
    /// In bytes.
    pub max_push: u64,
}

/// `[azure]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Azure {
    /// The name of a configuration.
    #[serde(deserialize_with = "text")]
    pub config: String,
}

/// One of `[[mirrors]]`. What is left out is empty, and so not set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mirror {
    #[serde(deserialize_with = "text")]
    pub name: String,
    #[serde(deserialize_with = "text")]
    pub url: String,
    pub direction: Direction,
    #[serde(default)]
    pub configurations: Vec<String>,
    pub archives: Option<Archives>,
    #[serde(default, deserialize_with = "text")]
    pub configuration: String,
    #[serde(default, deserialize_with = "text")]
    pub branch: String,
    /// In seconds.
    pub interval: Option<u64>,
    #[serde(default, deserialize_with = "text")]
    pub secret_file: PathBuf,
    #[serde(default, deserialize_with = "text")]
    pub user: String,
    #[serde(default, deserialize_with = "text")]
    pub token_file: PathBuf,
    #[serde(default, deserialize_with = "text")]
    pub ssh_key: PathBuf,
    #[serde(default, deserialize_with = "text")]
    pub known_hosts: PathBuf,
}

/// What keeps at another git server what is deleted there: `true`, `"there"` or `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(from = "ArchivesWord")]
pub enum Archives {
    /// Archives that are sent along.
    Sent,
    /// Those that the other side makes by itself.
    There,
    /// Nothing.
    Nowhere,
}

impl From<ArchivesWord> for Archives {
    fn from(word: ArchivesWord) -> Self {
        match word {
            ArchivesWord::Flag(true) => Archives::Sent,
            ArchivesWord::Flag(false) => Archives::Nowhere,
            ArchivesWord::Other(There::There) => Archives::There,
        }
    }
}

/// How it is written.
#[derive(Deserialize)]
#[serde(untagged, expecting = "archives must be true, false or \"there\"")]
enum ArchivesWord {
    Flag(bool),
    Other(There),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum There {
    There,
}

/// Which way commits go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Push,
    Follow,
}

/// A path that is set; an empty one is not.
pub fn path(setting: &Path) -> Option<PathBuf> {
    (!setting.as_os_str().is_empty()).then(|| setting.to_owned())
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
        settings.check()?;
        Ok(settings)
    }

    /// Everything that is wrong at once.
    fn check(&self) -> Result<(), SettingsError> {
        let mut faults = self.wrong_lists();
        faults.extend(self.wrong_numbers());
        faults.extend(self.wrong_pairs());
        if faults.is_empty() { Ok(()) } else { Err(SettingsError::Wrong(faults.join("; "))) }
    }

    fn wrong_lists(&self) -> Vec<String> {
        let Settings { http, access, .. } = self;
        let mut faults = Vec::new();
        faults.extend(http.prefixes.iter().filter(|prefix| !is_prefix(prefix)).map(|bad| {
            format!(
                "http.prefixes has {bad:?}; a prefix is empty, or begins with a slash and does not end in one"
            )
        }));
        faults.extend(http.cors_origins.iter().filter(|origin| !is_origin(origin)).map(|bad| {
            format!("http.cors_origins has {bad:?}; an origin looks like https://console.example.org")
        }));
        faults.extend(
            access
                .public
                .iter()
                .filter(|page| !PAGES.contains(&page.as_str()))
                .map(|bad| format!("access.public has {bad:?}; what can be public is {}", PAGES.join(", "))),
        );
        let headers = [
            ("access.proxy_user", &access.proxy_user),
            ("access.proxy_email", &access.proxy_email),
            ("access.proxy_address", &access.proxy_address),
        ];
        let bad = headers.into_iter().filter(|(_, header)| !header.is_empty() && !is_header(header));
        faults.extend(bad.map(|(key, bad)| format!("{key} is {bad:?}, which is no header's name")));
        faults
    }

    fn wrong_numbers(&self) -> Vec<String> {
        let Settings { http, commits, journal, access, limits, audit, git, .. } = self;
        let ranges = [
            ("http.workers", http.workers as u64, 0, 1024),
            ("http.max_body", http.max_body as u64, 1, 1 << 40),
            ("http.body_memory", http.body_memory as u64, 1 << 20, 1 << 40),
            // The framework itself reads no longer ones.
            ("http.max_uri", http.max_uri as u64, 1, 65_534),
            ("http.max_connections", http.max_connections as u64, 1, 1 << 20),
            ("http.client_timeout", http.client_timeout, 1, DAY),
            ("http.body_timeout", http.body_timeout, 1, DAY),
            ("http.send_timeout", http.send_timeout, 1, DAY),
            ("http.keep_alive", http.keep_alive, 1, DAY),
            ("http.heartbeat", http.heartbeat, 1, LONGEST_HEARTBEAT),
            ("http.shutdown_timeout", http.shutdown_timeout, 0, DAY),
            ("journal.size", journal.size, 1, 1 << 40),
            ("journal.period", journal.period, 1, DAY),
            ("commits.queue", commits.queue as u64, 1, 1 << 20),
            ("commits.batch", commits.batch as u64, 1, 1 << 20),
            ("access.remember", access.remember, 0, HOUR),
            ("access.guesses", access.guesses.into(), 1, 1 << 20),
            ("limits.principal", limits.principal.into(), 0, 1 << 20),
            ("limits.address", limits.address.into(), 0, 1 << 20),
            ("limits.burst", limits.burst.into(), 1, 1 << 20),
            ("audit.size", audit.size, 1, 1 << 40),
            ("audit.keep", audit.keep as u64, 0, 1000),
            ("git.processes", git.processes as u64, 1, 1024),
            ("git.timeout", git.timeout, 1, DAY),
            ("git.max_push", git.max_push, 1, 1 << 40),
        ];
        let wrong = ranges.into_iter().filter(|(_, found, min, max)| !(min..=max).contains(&found));
        wrong
            .map(|(name, found, min, max)| format!("{name} must be from {min} to {max}, not {found}"))
            .collect()
    }

    /// Settings that mean nothing, or something dangerous, without another.
    fn wrong_pairs(&self) -> Vec<String> {
        let Settings { access, tls, audit, .. } = self;
        let set = |path: &PathBuf| !path.as_os_str().is_empty();
        let named = !access.proxy_user.is_empty();
        let needs = [
            ("tls.certificate", set(&tls.certificate), "tls.key", set(&tls.key)),
            ("tls.key", set(&tls.key), "tls.certificate", set(&tls.certificate)),
            ("tls.client_ca", set(&tls.client_ca), "tls.certificate", set(&tls.certificate)),
            ("tls.client_ca", set(&tls.client_ca), "access.principals", set(&access.principals)),
            ("access.proxy_user", named, "access.principals", set(&access.principals)),
            ("access.proxy_user", named, "access.proxies", !access.proxies.is_empty()),
            ("access.proxy_email", !access.proxy_email.is_empty(), "access.proxy_user", named),
            ("access.proxy_roles", !access.proxy_roles.is_empty(), "access.proxy_user", named),
            (
                "access.proxy_address",
                !access.proxy_address.is_empty(),
                "access.proxies",
                !access.proxies.is_empty(),
            ),
            ("audit.required", audit.required, "audit.file", set(&audit.file)),
        ];
        let missing = needs.into_iter().filter(|(_, first, _, second)| *first && !second);
        missing.map(|(first, _, second, _)| format!("{first} is set, and needs {second}")).collect()
    }
}

/// Pages that may be public. They tell nothing of what is stored, but something of what runs.
pub const PAGES: [&str; 3] = ["/docs", "/openapi.json", "/metrics"];

/// In seconds: the longest that what was found right is taken for right.
const HOUR: u64 = 3_600;

/// In seconds: clients take a longer silence for a connection that is lost.
const LONGEST_HEARTBEAT: u64 = 100;

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

/// A token (RFC 9110 section 5.6.2).
fn is_header(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
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
