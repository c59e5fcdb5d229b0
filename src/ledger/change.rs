//! What callers ask of the ledger, and what they get.

use super::budget::Share;
use super::commit::Identity;
use super::edit::{Edit, Subject};
use super::id::{BranchName, CommitId, ObjectId};
use super::tag::TagName;
use super::tree::{Head, empty_tree};

/// What must hold when the change is made, checked where nothing can come between.
#[derive(Debug, Clone)]
pub struct Requirement {
    pub subject: Subject,
    pub state: State,
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
            Subject::Folder(_) => id.is_some_and(|id| id != empty_tree().into()),
            Subject::Branch | Subject::File(_) => id.is_some(),
        };
        match &self.state {
            State::Present => present,
            State::Absent => !present,
            state => state.holds(id),
        }
    }
}

impl State {
    /// Whether what has this id, or none because it is not there, is in the state.
    pub fn holds(&self, id: Option<ObjectId>) -> bool {
        match self {
            State::Present => id.is_some(),
            State::Absent => id.is_none(),
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
    /// The branch, which exists, gets a commit whose second parent is `theirs`, also where the draft changes nothing:
    /// what `theirs` holds is in the branch from here on. What the two have in common, and so the draft, is another
    /// after another merge; `merged` is what [`Head::merged`] was when the draft was made.
    Merge { draft: Draft, theirs: CommitId, merged: CommitId },
    /// The branch, which does not exist, begins at a commit or at none, and gets these commits. If it is brought back from
    /// an archive of its own, its tags come back with it.
    Create { from: Option<CommitId>, drafts: Vec<Draft>, archive: Option<String> },
    /// The branch, which is at `from` or is not there, goes to a commit that others made. It was looked through, and all
    /// that it leads to is in the repository and survives a power cut.
    Adopt { from: Option<ObjectId>, to: CommitId },
    /// The branch, which exists, has a tag of this name that others made: an object in the repository that leads to a
    /// commit of its own. There is none of that name before.
    AdoptTag { name: TagName, id: ObjectId },
    /// The branch, which exists, is put away with its tags; its commits stay reachable.
    Archive,
    /// The branch, which exists, has a tag that leads to a commit of its own: a new one if it has none of that name. A tag
    /// that leads elsewhere stays.
    Tag { name: TagName, commit: CommitId, message: String, states: Vec<State> },
    /// The branch, which exists, has no such tag any more.
    Untag { name: TagName, states: Vec<State> },
}

/// What became of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tagged {
    /// What the tag's ref names.
    pub id: ObjectId,
    /// It was not there before.
    pub is_new: bool,
}

/// One request: done whole or not at all.
#[derive(Debug, Clone)]
pub struct Change {
    pub branch: BranchName,
    pub requirements: Vec<Requirement>,
    pub action: Action,
    pub author: Identity,
    /// What the change takes of the memory for requests, while it waits and until it is done.
    pub share: Share,
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
    /// What [`Action::Tag`] made or found.
    pub tagged: Option<Tagged>,
}

/// A change that was not made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refused {
    /// The requirement with this index did not hold of the branch, which was at `version` then.
    #[error("requirement {index} does not hold")]
    Requirement { index: usize, version: Option<CommitId> },
    /// The branch is not where it was to move from.
    #[error("the branch is at another commit")]
    Elsewhere { version: Option<CommitId> },
    /// Somebody else moved the branch, and not to what may follow. Nothing is done until it is put back.
    #[error("{0}")]
    Astray(String),
    /// Another merge came to the branch since this one was drafted.
    #[error("another merge came first")]
    Overtaken,
    /// The state with this index did not hold of the tag.
    #[error("state {index} does not hold of the tag")]
    TagState { index: usize, version: CommitId },
    /// There is such a tag, and it leads to this commit.
    #[error("the tag leads to {commit}")]
    TagElsewhere { commit: CommitId, version: CommitId },
    /// There is no such tag.
    #[error("there is no such tag")]
    NoTag { version: CommitId },
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
