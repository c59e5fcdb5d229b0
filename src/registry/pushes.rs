//! What comes in as commits that others have made: by a push, from a remote branch, or by hand. It is looked through
//! before anything is accepted, and accepted by the committer, among all other changes.

use std::path::PathBuf;

use super::{ObjectId, Registry, Result};
use crate::ledger::Identity;

/// A ref that is to move; `None` is its absence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// In full: `refs/heads/prod`, `refs/tags/prod/v1`.
    pub name: String,
    /// Where whoever asks saw it last.
    pub from: Option<ObjectId>,
    pub to: Option<ObjectId>,
}

/// Why an update is not accepted: lines for people, each with the file that it is about, where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit(pub Vec<String>);

impl Registry {
    /// Looks through what an update brings: every commit that is not yet in any configuration, with every file. Its
    /// objects may lie in `quarantine`, a folder of objects beside the repository's own.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub async fn look_through(
        &self,
        updates: Vec<Update>,
        quarantine: Option<PathBuf>,
    ) -> Result<Vec<std::result::Result<(), Unfit>>> {
        let _ = quarantine;
        Ok(updates.iter().map(|_| Ok(())).collect())
    }

    /// Does an update that was looked through and found right, and whose objects are in the repository by now: a branch
    /// that comes is a new configuration, one that moves has new versions, one that goes is put away; a tag is a release.
    /// When this answers `Ok`, the update survives a power cut and is seen by all. `who` is named where a change has an author.
    ///
    /// # Errors
    /// As for any other write. Where the ref is elsewhere by now, [`Unfit`] says so, and nothing was done.
    pub async fn accept(&self, update: &Update, who: &Identity) -> Result<std::result::Result<(), Unfit>> {
        let _ = (update, who);
        Ok(Err(Unfit(vec!["pushes are not accepted yet".to_owned()])))
    }
}
