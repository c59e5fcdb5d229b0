//! What others bring is not taken unseen.

use super::id::{BranchName, CommitId};
use super::reader::ways::Way;
use super::reader::{Damage, Reader};

/// Why a branch may not go somewhere.
#[derive(Debug)]
pub enum Objection {
    /// It does not come straight after what the branch is at.
    Parted { from: CommitId, way: Way },
    /// What is wrong with it, in lines for people.
    Wrong(Vec<String>),
    /// It cannot be read, for which nobody is to blame who brings it.
    Damage(Damage),
}

impl From<Damage> for Objection {
    fn from(damage: Damage) -> Self {
        Objection::Damage(damage)
    }
}

/// Knows what may lie in a branch.
pub trait Judge: Send + Sync {
    /// Whether a branch may go from one commit, or from nothing, to another, with all commits on the way that it did not
    /// have.
    ///
    /// # Errors
    /// It may not, or nobody can tell.
    fn judge(
        &self,
        reader: &Reader,
        branch: &BranchName,
        from: Option<CommitId>,
        to: CommitId,
    ) -> Result<(), Objection>;
}
