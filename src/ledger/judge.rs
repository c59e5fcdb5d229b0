//! What others bring is not taken unseen.

use super::id::{BranchName, CommitId};
use super::reader::Reader;

/// Knows what may lie in a branch.
pub trait Judge: Send + Sync {
    /// Whether a branch may go from one commit, or from nothing, to another, with all commits on the way that it did not
    /// have.
    ///
    /// # Errors
    /// It may not: why, in lines for people.
    fn judge(
        &self,
        reader: &Reader,
        branch: &BranchName,
        from: Option<CommitId>,
        to: CommitId,
    ) -> Result<(), Vec<String>>;
}
