//! What callers ask of the ledger, and what they get.

use bytes::Bytes;

use super::commit::Identity;
use super::id::{BlobId, BranchName, CommitId, ObjectId};
use super::tree::Head;

/// A file's content, and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    pub id: BlobId,
    pub bytes: Bytes,
}

impl Blob {
    /// Hashes the bytes, so that the committer need not.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Blob {
            id: BlobId::of(&bytes),
            bytes,
        }
    }
}

/// One step of a commit. Paths have one or two parts.
#[derive(Debug, Clone)]
pub enum Edit {
    /// The file at the path holds this.
    Put(String, Blob),
    /// There is no file at the path.
    Remove(String),
    /// The folder holds just these files.
    Replace(String, Vec<(String, Blob)>),
}

/// What must hold when the change is made, checked where nothing can come between.
#[derive(Debug, Clone)]
pub struct Requirement {
    pub subject: Subject,
    pub state: State,
}

/// What a requirement is about.
#[derive(Debug, Clone)]
pub enum Subject {
    /// The branch; its id is that of its newest commit.
    Branch,
    /// A top-level folder; its id is that of its tree. It is absent while it is empty.
    Folder(String),
    /// A file; its id is that of its blob.
    File(String),
}

/// The state that is required.
#[derive(Debug, Clone)]
pub enum State {
    Present,
    Absent,
    /// Its id is among these.
    OneOf(Vec<ObjectId>),
    /// Its id is not among these.
    NoneOf(Vec<ObjectId>),
}

impl Requirement {
    /// Whether the requirement holds; `None` is a branch that does not exist.
    pub fn holds(&self, head: Option<&Head>) -> bool {
        let id = head.and_then(|head| head.object(&self.subject));
        let present = match &self.subject {
            Subject::Folder(_) => id.is_some_and(|id| id != super::tree::empty_tree().into()),
            Subject::Branch | Subject::File(_) => id.is_some(),
        };
        match &self.state {
            State::Present => present,
            State::Absent => !present,
            State::OneOf(ids) => id.is_some_and(|id| ids.contains(&id)),
            State::NoneOf(ids) => id.is_none_or(|id| !ids.contains(&id)),
        }
    }
}

/// A commit to be: none is made where the edits change nothing.
#[derive(Debug, Clone)]
pub struct Draft {
    pub edits: Vec<Edit>,
    /// Its first line is the subject.
    pub message: String,
}

/// What becomes of the branch.
#[derive(Debug, Clone)]
pub enum Action {
    /// The branch, which exists, gets these commits.
    Commit(Vec<Draft>),
    /// The branch, which does not exist, begins at a commit or at none, and gets these commits.
    Create {
        from: Option<CommitId>,
        drafts: Vec<Draft>,
    },
    /// The branch, which exists, is put away; its commits stay reachable.
    Archive,
}

/// One request: done whole or not at all.
#[derive(Debug, Clone)]
pub struct Change {
    pub branch: BranchName,
    pub requirements: Vec<Requirement>,
    pub action: Action,
    pub author: Identity,
}

/// A change that was made, and survives a power cut.
#[derive(Debug, Clone)]
pub struct Written {
    /// The branch as this change left it; for an archived one, as it was.
    pub head: Head,
    /// The commits that were made, oldest first.
    pub commits: Vec<CommitId>,
    /// The name under which [`Action::Archive`] put the branch away.
    pub archive: Option<String>,
}

/// A change that was not made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refused {
    /// The requirement with this index did not hold of the branch, which was at `version` then.
    #[error("requirement {index} does not hold")]
    Requirement { index: usize, version: Option<CommitId> },
    /// There is no such branch.
    #[error("there is no branch {0}")]
    NoBranch(BranchName),
    /// There is such a branch already.
    #[error("there is a branch {0} already")]
    BranchExists(BranchName),
    /// As many changes as may wait are waiting.
    #[error("the queue of changes is full")]
    QueueFull,
    /// The service is being stopped.
    #[error("the service is stopping")]
    Stopping,
    /// The repository could not be written; nothing of the change is there.
    #[error("the repository cannot be written: {0}")]
    NotWritten(String),
    /// The repository could not be written to the end; the change may or may not be there.
    #[error("it is not known whether the change was made: {0}")]
    Unknown(String),
}
