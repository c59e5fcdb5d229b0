//! A version, as clients see it.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::ledger::CommitRecord;

/// A version, as clients see it.
#[derive(Debug, Clone, Serialize)]
pub struct Version {
    author: String,
    email: String,
    message: String,
    date: String,
    pub version: String,
    parents: Vec<String>,
}

impl From<CommitRecord> for Version {
    fn from(commit: CommitRecord) -> Self {
        Version {
            author: commit.author,
            email: commit.email,
            message: commit.message,
            date: date(commit.time),
            version: commit.id.to_string(),
            parents: commit.parents.iter().map(ToString::to_string).collect(),
        }
    }
}

/// A time as clients see it: RFC 3339 in UTC, to the second, as git keeps it.
pub fn date(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
