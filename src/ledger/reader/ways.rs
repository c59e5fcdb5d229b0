//! Whether and how one commit comes after another.

use std::collections::HashSet;

use git2::{ObjectType, Oid, Repository};

use super::{Damage, Reader};
use crate::ledger::id::{CommitId, ObjectId};

/// How one commit comes after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Along its first parents, as a version comes after another.
    Straight,
    /// Only along other parents: by first parents, it has another past.
    Aside,
    /// Not at all.
    Away,
}

impl Reader {
    /// Whether a commit is another or comes after it, on whichever way. Costs what came since, not what came before.
    ///
    /// # Errors
    /// A commit on the way cannot be read.
    pub fn includes(&self, tip: CommitId, commit: CommitId) -> Result<bool, Damage> {
        Ok(tip == commit || self.merge_bases(tip, commit)? == [commit])
    }

    /// How one commit comes after another.
    ///
    /// # Errors
    /// A commit on the way cannot be read.
    pub fn way(&self, from: CommitId, to: CommitId) -> Result<Way, Damage> {
        if !self.includes(to, from)? {
            return Ok(Way::Away);
        }
        let new: HashSet<CommitId> = self.unknown(to, &[from])?.into_iter().collect();
        let mut end = None;
        self.first_parents(to, |commit| {
            end = Some(commit.id);
            new.contains(&commit.id)
        })?;
        Ok(if end == Some(from) { Way::Straight } else { Way::Aside })
    }

    /// How many commits lead from `old` to `new`; `None` if `new` does not lead on from `old`, or `old` is not here.
    ///
    /// # Errors
    /// A commit on the way cannot be read.
    pub fn leads(&self, old: ObjectId, new: ObjectId) -> Result<Option<usize>, Damage> {
        let both = self.with(|repository| Ok([old, new].iter().all(|id| is_commit(repository, id.0))))?;
        let (old, new) = (CommitId(old.0), CommitId(new.0));
        if !both || !self.includes(new, old)? {
            return Ok(None);
        }
        Ok(Some(self.unknown(new, &[old])?.len()))
    }
}

pub(super) fn is_commit(repository: &Repository, id: Oid) -> bool {
    let found = repository.odb().and_then(|objects| objects.read_header(id));
    found.is_ok_and(|(_, kind)| kind == ObjectType::Commit)
}
