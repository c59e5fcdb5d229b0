//! Why a request is not done. No status codes here: the HTTP layer has one table for them.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, Utc};

use super::conflict::Conflict;
use super::operation::OperationFault;
use crate::document::json::NotJson;
use crate::document::{EntryId, Fault, FaultKind, Faults, Kind};
use crate::ledger::{BranchName, CommitId, Damage, NameFault, Refused};

/// A reason.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("there is no configuration {0:?}")]
    NoConfiguration(String),
    #[error("there is no {} {id:?} in configuration {configuration:?}", kind.singular)]
    NoEntry { kind: &'static Kind, id: String, configuration: String },
    #[error(
        "there is no version {version:?} of configuration {configuration:?}; a version is a full commit id, or seven \
         or more of its first digits if no other version begins so, or the name of a release"
    )]
    NoVersion { version: String, configuration: String },
    #[error(
        "configuration {configuration:?} had no version yet at {}",
        time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
    )]
    NotYet { time: DateTime<Utc>, configuration: String },
    #[error("there is no release {name:?} of configuration {configuration:?}")]
    NoRelease { name: String, configuration: String },
    #[error("there is a release {name:?} already, of version {version}; a release never moves")]
    ReleaseExists { name: String, version: CommitId },
    #[error("version {version} is not in this list, so nothing comes after it")]
    NotListed { version: String },
    #[error("version {version} breaks today's rules, so it can only be looked at with git: {reason}")]
    NotToday { version: CommitId, reason: String },
    #[error("there was no {} {id:?} in version {version}", kind.singular)]
    NotInVersion { kind: &'static Kind, id: String, version: CommitId },
    #[error("there is no archive {archive:?}; {}", list_of(.configuration, .known))]
    NoArchive { archive: String, configuration: String, known: Vec<String> },
    /// A copy tells what its origin holds, and the origin is not the caller's to read.
    #[error("this needs the role reader for configuration {0:?}")]
    OriginForbidden(String),
    #[error("there is a configuration {:?} already", .0.as_str())]
    ConfigurationExists(BranchName),
    #[error("there is a {} {:?} already", kind.singular, id.as_str())]
    EntryExists { kind: &'static Kind, id: EntryId },
    #[error("the set of {} is not empty; PUT replaces it", kind.plural)]
    SetNotEmpty { kind: &'static Kind },
    #[error("the state is not what If-Match or If-None-Match asks for; read it again and decide anew")]
    PreconditionFailed,
    #[error("the body is {0}")]
    NotJson(#[from] NotJson),
    #[error("Request does not match schema")]
    Invalid(Vec<Fault>),
    /// All that is wrong with a transaction, by operations.
    #[error("{} cannot be done, so nothing was written", count(.0))]
    Operations(Vec<OperationFault>),
    /// Entries that both sides of a merge have changed, in different ways; of very many not all are told.
    #[error("{} changed on both sides in different ways; prefer decides for one side", entries(*total))]
    Conflicts { total: usize, conflicts: Vec<Conflict> },
    #[error("the message is in the body and in the query; only one of them can be the commit's")]
    TwoMessages,
    /// What is stored cannot be read, or breaks its own rules.
    #[error("{0}")]
    Damaged(String),
    /// A write that the ledger did not take, or not surely.
    #[error("{0}")]
    NotTaken(Refused),
    /// Somebody else changed an entry between the read and the write of a patch or a merge; it is tried again.
    #[error("the entry is being changed by many at once")]
    Raced,
    #[error(
        "configuration {configuration:?} follows the branch {branch} of {url} (mirror {mirror}), so that it is changed there \
         and not here"
    )]
    Followed { configuration: String, branch: String, url: String, mirror: String },
    #[error("there is no mirror {0:?} that could look for something new")]
    NoMirror(String),
    #[error("a task of the service has failed")]
    Broken,
}

fn list_of(configuration: &str, archives: &[String]) -> String {
    if archives.is_empty() {
        format!("configuration {configuration:?} was never deleted")
    } else {
        format!("there are {}", archives.join(", "))
    }
}

fn entries(count: usize) -> String {
    if count == 1 { "an entry was".to_owned() } else { format!("{count} entries were") }
}

fn count(faults: &[OperationFault]) -> String {
    let operations: BTreeSet<_> = faults.iter().filter_map(OperationFault::operation).collect();
    match operations.len() {
        0 => "the transaction".to_owned(),
        1 => "an operation".to_owned(),
        count => format!("{count} operations"),
    }
}

impl Error {
    /// A single fault of something that is not the body, such as a part of the path.
    pub fn fault(root: &str, name: &str, kind: FaultKind, msg: impl Into<String>) -> Self {
        let mut faults = Faults::at(root);
        faults.within(name, |faults| faults.add(kind, msg));
        Error::Invalid(faults.or::<()>(None).err().unwrap_or_default())
    }

    /// A text that is no configuration's name.
    pub fn bad_name(fault: &NameFault) -> Self {
        Error::fault("path", "config", FaultKind::Format, fault.to_string())
    }
}

impl From<Vec<Fault>> for Error {
    fn from(faults: Vec<Fault>) -> Self {
        Error::Invalid(faults)
    }
}

impl From<Damage> for Error {
    fn from(damage: Damage) -> Self {
        Error::Damaged(damage.to_string())
    }
}

/// A reason, and the version of the configuration that it was found in.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{error}")]
pub struct Rejection {
    pub error: Error,
    pub version: Option<CommitId>,
}

impl Rejection {
    /// For `map_err`: says which version was looked at.
    pub fn at<E: Into<Error>>(version: CommitId) -> impl Fn(E) -> Rejection {
        move |error| Rejection { error: error.into(), version: Some(version) }
    }
}

impl<E: Into<Error>> From<E> for Rejection {
    fn from(error: E) -> Self {
        Rejection { error: error.into(), version: None }
    }
}
