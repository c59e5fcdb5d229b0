//! What can be set of another git server.

use std::path::PathBuf;

use serde::Deserialize;

use super::text::text;

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
