//! Commits: who made them, what they say, and their bytes.

use chrono::{DateTime, Utc};

use super::id::{CommitId, TreeId};

/// A person or a service, as a commit names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    name: String,
    email: String,
}

impl Identity {
    /// Makes an identity that a commit can hold: what would end a name or an address there is left out.
    pub fn new(name: &str, email: &str) -> Self {
        let clean = |text: &str| {
            let text: String = text.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect();
            text.trim().to_owned()
        };
        let (name, email) = (clean(name), clean(email));
        Identity { name: if name.is_empty() { "unknown".to_owned() } else { name }, email }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn email(&self) -> &str {
        &self.email
    }

    /// The identity and a time, as git's objects have them.
    pub(super) fn line(&self, time: DateTime<Utc>) -> String {
        format!("{} <{}> {} +0000", self.name, self.email, time.timestamp())
    }
}

/// A commit as it is told to readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRecord {
    pub id: CommitId,
    pub author: String,
    pub email: String,
    /// Without the line feed at its end.
    pub message: String,
    /// The committer's time.
    pub time: DateTime<Utc>,
    pub parents: Vec<CommitId>,
}

/// The bytes of a commit, as git hashes and stores them.
pub(super) fn encode(
    tree: TreeId,
    parents: &[CommitId],
    author: &Identity,
    committer: &Identity,
    time: DateTime<Utc>,
    message: &str,
) -> Vec<u8> {
    let parents: String = parents.iter().map(|id| format!("parent {id}\n")).collect();
    let (author, committer) = (author.line(time), committer.line(time));
    let message = message.trim_end();
    format!("tree {tree}\n{parents}author {author}\ncommitter {committer}\n\n{message}\n").into_bytes()
}

pub(super) fn record(commit: &git2::Commit<'_>) -> CommitRecord {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    let author = commit.author();
    CommitRecord {
        id: CommitId(commit.id()),
        author: text(author.name_bytes()),
        email: text(author.email_bytes()),
        message: text(commit.message_bytes()),
        time: time(commit),
        parents: commit.parent_ids().map(CommitId).collect(),
    }
}

pub(super) fn time(commit: &git2::Commit<'_>) -> DateTime<Utc> {
    DateTime::from_timestamp(commit.time().seconds(), 0).unwrap_or(DateTime::UNIX_EPOCH)
}
