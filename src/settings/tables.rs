//! What can be set: a type for each table of the file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::mirror::Mirror;
use super::text::text;

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
    /// Some of [`PAGES`](super::PAGES).
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

/// A path that is set; an empty one is not.
pub fn path(setting: &Path) -> Option<PathBuf> {
    (!setting.as_os_str().is_empty()).then(|| setting.to_owned())
}
