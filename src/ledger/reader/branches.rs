//! Branches, archived ones too, and the refs that they are.

use std::collections::{BTreeMap, BTreeSet};

use super::{Damage, Reader, Tip, target};
use crate::ledger::id::{ARCHIVES, BRANCHES, BranchName, CommitId, ObjectId};
use crate::ledger::refs;
use crate::ledger::tree::Head;

/// The branches of a repository.
#[derive(Debug, Clone)]
pub struct Branches {
    /// Each with its newest commit.
    pub branches: Vec<(BranchName, Tip)>,
    /// Full names of refs among the branches that are none of ours.
    pub others: Vec<String>,
}

impl Reader {
    /// Every branch.
    ///
    /// # Errors
    /// The refs cannot be listed.
    pub fn branches(&self) -> Result<Branches, Damage> {
        let mut found = Branches { branches: Vec::new(), others: Vec::new() };
        for (full, tip) in self.refs_below(BRANCHES)? {
            match BranchName::parse(full.strip_prefix(BRANCHES).unwrap_or(&full)) {
                Ok(name) => found.branches.push((name, tip)),
                Err(_) => found.others.push(full),
            }
        }
        Ok(found)
    }

    /// Full names of refs, and their commits. libgit2 passes over a ref that it cannot read, so the files are looked
    /// at as well.
    pub(super) fn refs_below(&self, prefix: &str) -> Result<BTreeMap<String, Tip>, Damage> {
        self.with(|repository| {
            let mut names = BTreeSet::new();
            for reference in repository.references_glob(&format!("{prefix}*"))? {
                names.insert(String::from_utf8_lossy(reference?.name_bytes()).into_owned());
            }
            let loose = refs::loose_below(&repository.path().join(prefix), prefix);
            names.extend(loose.map_err(|error| Damage(format!("{prefix}: {error}")))?);
            let tip = |name: &str| {
                let found =
                    target(repository, name).map_err(|damage| Damage(format!("{name}: {}", damage.0)))?;
                found.ok_or_else(|| Damage(format!("{name} cannot be read")))
            };
            Ok(names.into_iter().map(|name| (name.clone(), tip(&name))).collect())
        })
    }

    /// Whether refs lie below a branch's own, where git then cannot keep it.
    ///
    /// # Errors
    /// The refs cannot be listed.
    pub fn has_below(&self, branch: &BranchName) -> Result<bool, Damage> {
        self.with(|repository| {
            let mut below = repository.references_glob(&format!("{}/*", branch.full()))?;
            Ok(below.next().transpose()?.is_some())
        })
    }

    /// Where a branch is.
    ///
    /// # Errors
    /// Its ref is there and cannot be read.
    pub(in crate::ledger) fn tip(&self, branch: &BranchName) -> Result<Option<CommitId>, Damage> {
        Ok(self.named(&branch.full())?.map(|ObjectId(id)| CommitId(id)))
    }

    /// The newest state of a branch.
    ///
    /// # Errors
    /// Its commit or trees cannot be read.
    pub fn head(&self, branch: &BranchName) -> Result<Option<Head>, Damage> {
        let tip = self.with(|repository| target(repository, &branch.full()))?;
        tip.map(|tip| self.state(tip)).transpose()
    }

    /// Where an archived branch ended.
    ///
    /// # Errors
    /// The refs cannot be read.
    pub fn archive(&self, name: &str) -> Result<Option<CommitId>, Damage> {
        if !is_archive_name(name) {
            return Ok(None);
        }
        self.with(|repository| target(repository, &format!("{ARCHIVES}{name}")))
    }

    /// The names of all archived branches and where they ended, oldest first for each branch.
    ///
    /// # Errors
    /// The refs cannot be listed.
    pub fn archives(&self) -> Result<Vec<(String, Tip)>, Damage> {
        let found = self.refs_below(ARCHIVES)?.into_iter();
        Ok(found.map(|(full, tip)| (full.strip_prefix(ARCHIVES).unwrap_or(&full).to_owned(), tip)).collect())
    }
}

/// A branch's name and a time, as the committer puts them together.
fn is_archive_name(name: &str) -> bool {
    name.split_once('/').is_some_and(|(branch, stamp)| {
        BranchName::parse(branch).is_ok()
            && (1..=40).contains(&stamp.len())
            && stamp.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'T' | b'Z' | b'.'))
            && !stamp.contains("..")
            && !stamp.ends_with('.')
    })
}
