//! What is to become of the refs of a backup where there are refs already: nothing that is there is ever undone.

use std::collections::{BTreeMap, HashSet};

use git2::Repository;

use super::BundleError;
use super::heading::Ref;
use crate::ledger::id::{BRANCHES, BranchName, ObjectId};
use crate::ledger::reader::Damage;
use crate::ledger::remote::Refs;
use crate::ledger::tag::TAGS;

/// What became of a ref of the backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It was missing, and is there now.
    Created,
    /// It was where the backup's history had been before.
    Forwarded {
        from: ObjectId,
    },
    Unchanged,
    /// It is where the backup's history led to later.
    Newer,
    /// It was left as it is.
    Left {
        here: Option<ObjectId>,
        reason: &'static str,
    },
    /// The service that it was to be brought into did not take it.
    Refused {
        reason: String,
    },
    /// It is not there, and cannot be pushed to a service.
    LeftOut,
}

/// A ref of the backup, where it is there, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    pub name: String,
    pub id: ObjectId,
    pub fate: Fate,
}

/// What is to become of the refs of a backup.
pub struct Plan<'r> {
    here: &'r Repository,
    /// The backup, unpacked.
    there: &'r Repository,
    /// All refs here.
    refs: Refs,
    /// Branches of the backup that go their own way.
    apart: HashSet<String>,
    tips: BTreeMap<String, ObjectId>,
}

impl<'r> Plan<'r> {
    /// `here` and `there` may be one repository that has the objects of both.
    pub fn new(here: &'r Repository, there: &'r Repository, refs: Refs) -> Self {
        Plan { here, there, refs, apart: HashSet::new(), tips: BTreeMap::new() }
    }

    /// Branches first: which of them are taken decides on their tags.
    ///
    /// # Errors
    /// A repository is damaged.
    pub fn decide(mut self, refs: &[Ref]) -> Result<Vec<Restored>, BundleError> {
        let (branches, others): (Vec<_>, Vec<_>) =
            refs.iter().partition(|(name, _)| name.starts_with(BRANCHES));
        let mut restored = Vec::with_capacity(refs.len());
        for (name, id) in branches {
            let fate = self.branch(name, *id)?;
            if matches!(fate, Fate::Left { .. }) {
                self.apart.insert(name.clone());
            } else {
                self.tips.insert(name.clone(), *id);
            }
            restored.push(Restored { name: name.clone(), id: *id, fate });
        }
        for (name, id) in others {
            let fate = self.other(name, *id)?;
            restored.push(Restored { name: name.clone(), id: *id, fate });
        }
        Ok(restored)
    }

    fn branch(&self, name: &str, id: ObjectId) -> Result<Fate, BundleError> {
        let Some(here) = self.refs.get(name).copied() else { return Ok(self.new_one(name)) };
        if here == id {
            Ok(Fate::Unchanged)
        } else if leads_to(self.there, id, here)? {
            Ok(Fate::Forwarded { from: here })
        } else if leads_to(self.here, here, id)? {
            Ok(Fate::Newer)
        } else {
            Ok(Fate::Left { here: Some(here), reason: "their histories have parted" })
        }
    }

    fn other(&self, name: &str, id: ObjectId) -> Result<Fate, BundleError> {
        match self.refs.get(name).copied() {
            Some(here) if here == id => Ok(Fate::Unchanged),
            Some(here) => Ok(Fate::Left { here: Some(here), reason: "it names something else here" }),
            None if self.belongs(name, id)? => Ok(self.new_one(name)),
            None => Ok(Fate::Left { here: None, reason: "it is a release of a version that is not here" }),
        }
    }

    /// A ref that is not here, unless its place is taken.
    fn new_one(&self, name: &str) -> Fate {
        let inside = format!("{name}/");
        let clash = |other: &String| other.starts_with(&inside) || name.starts_with(&format!("{other}/"));
        match self.refs.keys().any(clash) {
            true => {
                Fate::Left { here: None, reason: "git cannot have it beside another ref of almost this name" }
            }
            false => Fate::Created,
        }
    }

    /// Whether a tag is one of a configuration as that will be; what is no such tag belongs nowhere else.
    fn belongs(&self, name: &str, id: ObjectId) -> Result<bool, BundleError> {
        let parts = name.strip_prefix(TAGS).and_then(|name| name.split_once('/'));
        let Some((branch, _)) = parts.filter(|(branch, _)| BranchName::parse(branch).is_ok()) else {
            return Ok(true);
        };
        let branch = format!("{BRANCHES}{branch}");
        let Some(commit) = commit_of(self.there, id) else { return Ok(true) };
        match (self.tips.get(&branch), self.refs.get(&branch)) {
            (Some(tip), _) => leads_to(self.there, *tip, commit),
            (None, Some(here)) => leads_to(self.here, *here, commit),
            (None, None) => Ok(!self.apart.contains(&branch)),
        }
    }
}

fn commit_of(repository: &Repository, ObjectId(id): ObjectId) -> Option<ObjectId> {
    let object = repository.find_object(id, None).ok()?;
    object.peel_to_commit().ok().map(|commit| ObjectId(commit.id()))
}

/// Whether `before` is `after` or one of its ancestors. A repository that does not have it says no.
fn leads_to(repository: &Repository, after: ObjectId, before: ObjectId) -> Result<bool, BundleError> {
    let (Some(ObjectId(after)), Some(ObjectId(before))) =
        (commit_of(repository, after), commit_of(repository, before))
    else {
        return Ok(false);
    };
    Ok(after == before || repository.graph_descendant_of(after, before).map_err(Damage::from)?)
}
