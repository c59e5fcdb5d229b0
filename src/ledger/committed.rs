//! Commits with what they changed: which files differ from the first parent's.

use super::commit::CommitRecord;
use super::edit::Subject;
use super::id::{BlobId, CommitId};
use super::reader::{Damage, Reader};

/// A commit, and the files that it changed against its first parent, sorted by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    pub commit: CommitRecord,
    pub files: Vec<FileChange>,
}

/// What became of a file. One of the two is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    pub path: String,
    pub before: Option<BlobId>,
    pub after: Option<BlobId>,
}

impl Reader {
    /// A commit, and what it changed.
    ///
    /// # Errors
    /// The commit, its parent or their trees cannot be read.
    pub fn committed(&self, id: CommitId) -> Result<Committed, Damage> {
        let commit = self.commit(id)?;
        let changes = self.changes(commit.parents.first().copied(), id, &Subject::Branch)?;
        let files = changes.into_iter().map(|(path, [before, after])| FileChange { path, before, after });
        Ok(Committed { files: files.collect(), commit })
    }
}
