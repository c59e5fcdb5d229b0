//! Branches that others have moved: to commits that they made, and that the committer takes as they are.

use std::collections::BTreeMap;

use super::committed::Committed;
use super::edit::{Blob, Subject};
use super::id::CommitId;
use super::reader::{Damage, Reader};
use super::tree::Head;

/// Of more commits than these at a time, followers read by themselves.
const TOLD: usize = 1024;

/// A branch after others have moved it.
pub struct Adopted {
    pub head: Head,
    /// What that did, if there was a state before and it is not very much.
    pub steps: Option<Steps>,
}

/// What led from one state of a branch to the next.
pub struct Steps {
    /// The files that differ; `None` is one that was removed.
    pub files: BTreeMap<String, Option<Blob>>,
    /// The commits, oldest first.
    pub commits: Vec<Committed>,
}

/// A branch that was in a state and is at a commit now, to which the first parents of that commit lead.
///
/// # Errors
/// Something on the way cannot be read.
pub fn adopted(reader: &Reader, before: Option<&Head>, to: CommitId) -> Result<Adopted, Damage> {
    let head = reader.state(to)?;
    let Some(before) = before else { return Ok(Adopted { head, steps: None }) };
    let mut line = Vec::new();
    let mut merges = false;
    reader.first_parents(to, |commit| {
        let is_new = commit.id != before.commit && line.len() <= TOLD;
        if is_new {
            merges |= commit.parents.len() > 1;
            line.push(commit.id);
        }
        is_new
    })?;
    if line.len() > TOLD {
        return Ok(Adopted { head, steps: None });
    }
    let mut files = BTreeMap::new();
    for (path, [_, after]) in reader.changes(Some(before.commit), to, &Subject::Branch)? {
        let blob = after.map(|id| reader.blob(id).map(|bytes| Blob { id, bytes })).transpose()?;
        files.insert(path, blob);
    }
    let commits = line.into_iter().rev().map(|id| reader.committed(id)).collect::<Result<_, _>>()?;
    let head = if merges { head } else { head.after(before) };
    Ok(Adopted { head, steps: Some(Steps { files, commits }) })
}
