//! Walks along histories, from a commit to those before it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use git2::{Commit, Oid, Repository};

use super::ways::is_commit;
use super::{Damage, Reader, find_commit};
use crate::ledger::commit::{self, CommitRecord};
use crate::ledger::edit::Subject;
use crate::ledger::id::{CommitId, ObjectId, is_version};
use crate::ledger::merge_base::{self, Link};
use crate::ledger::tree::empty_tree;

impl Reader {
    /// Visits the commits at which `subject` changed, newest first, along the first parents from `tip`.
    ///
    /// # Errors
    /// A commit or a tree on the way cannot be read.
    pub fn history(
        &self,
        tip: CommitId,
        subject: &Subject,
        mut visit: impl FnMut(CommitRecord),
    ) -> Result<(), Damage> {
        // What was visited cannot be taken back for a second try.
        let handle = self.handle()?;
        let repository = &handle.repository;
        let mut commit = find_commit(repository, tip.0)?;
        let mut after = Sighting::of(repository, &commit, subject)?;
        loop {
            let parent = commit.parent_id(0).ok().map(|id| find_commit(repository, id)).transpose()?;
            let before = match &parent {
                Some(parent) => after.before(repository, parent, subject)?,
                None => Sighting::nothing(),
            };
            if before.id != after.id {
                visit(commit::record(&commit));
            }
            let Some(parent) = parent else { return Ok(()) };
            (commit, after) = (parent, before);
        }
    }

    /// Visits the commits along the first parents from `tip`, newest first, as long as that answers true.
    ///
    /// # Errors
    /// A commit on the way cannot be read.
    pub fn first_parents(
        &self,
        tip: CommitId,
        mut visit: impl FnMut(&CommitRecord) -> bool,
    ) -> Result<(), Damage> {
        // What was visited cannot be taken back for a second try.
        let handle = self.handle()?;
        let mut next = Some(tip.0);
        while let Some(id) = next {
            let commit = find_commit(&handle.repository, id)?;
            next = if visit(&commit::record(&commit)) { commit.parent_ids().next() } else { None };
        }
        Ok(())
    }

    /// The commit that `version` names: its full id, or a prefix of seven or more lower-case hex digits that no other
    /// commit reachable from `tip` shares. Only commits reachable from `tip` are found.
    ///
    /// # Errors
    /// A commit on the way cannot be read.
    pub fn resolve(&self, tip: CommitId, version: &str) -> Result<Option<CommitId>, Damage> {
        if !is_version(version) {
            return Ok(None);
        }
        self.with(|repository| {
            if let Some(ObjectId(id)) = ObjectId::from_hex(version) {
                let reachable = id == tip.0
                    || (is_commit(repository, id) && repository.graph_descendant_of(tip.0, id)?);
                return Ok(reachable.then_some(CommitId(id)));
            }
            let mut walk = repository.revwalk()?;
            walk.push(tip.0)?;
            let mut found = None;
            for id in walk {
                let id = id?;
                if id.to_string().starts_with(version) && found.replace(CommitId(id)).is_some() {
                    return Ok(None);
                }
            }
            Ok(found)
        })
    }

    /// Every commit that is reachable from `tip`, newest first.
    ///
    /// # Errors
    /// A commit on the way cannot be read.
    pub fn ancestry(&self, tip: CommitId) -> Result<Vec<CommitId>, Damage> {
        self.with(|repository| {
            let mut found = BTreeMap::new();
            let mut todo = vec![tip.0];
            while let Some(id) = todo.pop() {
                if let Entry::Vacant(place) = found.entry(id) {
                    let commit = find_commit(repository, id)?;
                    todo.extend(commit.parent_ids());
                    place.insert(commit.time().seconds());
                }
            }
            let mut commits: Vec<_> =
                found.into_iter().map(|(id, time)| (Reverse(time), CommitId(id))).collect();
            commits.sort_unstable();
            Ok(commits.into_iter().map(|(_, id)| id).collect())
        })
    }

    /// The best common ancestors of two commits (git-merge-base): none where their histories have nothing in common,
    /// and several where each had taken in the other's past before. Costs what both did since, not what came before.
    ///
    /// # Errors
    /// A commit on the way cannot be read.
    pub fn merge_bases(&self, one: CommitId, other: CommitId) -> Result<Vec<CommitId>, Damage> {
        self.with(|repository| {
            let mut read = |id| {
                let commit = find_commit(repository, id)?;
                Ok::<_, Damage>(Link {
                    time: commit.time().seconds(),
                    parents: commit.parent_ids().collect(),
                })
            };
            Ok(merge_base::merge_bases(one.0, other.0, &mut read)?.into_iter().map(CommitId).collect())
        })
    }
}

/// What a subject was at a commit. Remembers the tree above it: while that is the same, so is the subject.
struct Sighting {
    above: Option<Oid>,
    id: Option<ObjectId>,
}

impl Sighting {
    /// Before the first commit.
    fn nothing() -> Self {
        Sighting { above: None, id: None }
    }

    fn of(repository: &Repository, commit: &Commit<'_>, subject: &Subject) -> Result<Self, Damage> {
        Sighting::nothing().before(repository, commit, subject)
    }

    /// The subject at the commit before.
    fn before(
        &self,
        repository: &Repository,
        commit: &Commit<'_>,
        subject: &Subject,
    ) -> Result<Self, Damage> {
        let top = commit.tree_id();
        let path = match subject {
            Subject::Branch => {
                return Ok(Sighting { above: None, id: Some(ObjectId(top)) });
            }
            Subject::Folder(name) => {
                return Ok(Sighting { above: None, id: child(repository, top, name)? });
            }
            Subject::File(path) => path,
        };
        let (above, name) = match path.split_once('/') {
            Some((folder, name)) => (child(repository, top, folder)?.map(|id| id.0), name),
            None => (Some(top), path.as_str()),
        };
        let id = match above {
            None => None,
            Some(above) if self.above == Some(above) => self.id,
            Some(above) => child(repository, above, name)?,
        };
        Ok(Sighting { above, id })
    }
}

fn child(repository: &Repository, tree: Oid, name: &str) -> Result<Option<ObjectId>, Damage> {
    if tree == empty_tree().0 {
        return Ok(None);
    }
    Ok(repository.find_tree(tree)?.get_name(name).map(|entry| ObjectId(entry.id())))
}
