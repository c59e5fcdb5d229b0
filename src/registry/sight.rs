//! Which refs somebody sees, and what it takes to move one.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::sync::Arc;

use super::Registry;
use super::pushes::{Target, Unfit, Update};
use crate::ledger::{BranchName, CommitId, Damage, ObjectId, Reader, TagName, empty_tree};

/// What somebody may do with a configuration, as far as refs are about it. Each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// See its branch and its releases.
    Read,
    /// Add commits and releases.
    Change,
    /// Make it, put it away, take releases away, and see what was put away.
    Govern,
}

impl fmt::Display for Right {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Right::Read => "reader",
            Right::Change => "editor",
            Right::Govern => "admin",
        })
    }
}

/// Whether somebody has a right for a configuration.
pub type May = Arc<dyn Fn(Right, &str) -> bool + Send + Sync>;

/// The configuration that a ref is about, and what it takes to see it. Refs of somebody's own are about none.
fn seen_by(full: &str) -> Option<(Right, &str)> {
    let parts: Vec<&str> = full.split('/').collect();
    let (right, name) = match parts.as_slice() {
        ["refs", "heads", name] => (Right::Read, name),
        ["refs", "tags", name, release] if TagName::parse(release).is_ok() => (Right::Read, name),
        ["refs", "archive", name, _] | ["refs", "archive-tags", name, _, _] => (Right::Govern, name),
        _ => return None,
    };
    BranchName::parse(name).is_ok().then_some((right, *name))
}

impl Registry {
    /// Refs with the branches as they are served: somebody may have moved, made or removed one by hand, which is nobody's
    /// matter until it was looked through.
    pub(super) fn as_served(&self, mut refs: BTreeMap<String, ObjectId>) -> BTreeMap<String, ObjectId> {
        refs.retain(|full, _| !full.starts_with(HEADS));
        let served = self.catalogue.all();
        refs.extend(
            served.values().map(|configuration| {
                (format!("{HEADS}{}", configuration.name), configuration.version().into())
            }),
        );
        refs
    }
}

/// Where branches lie among the refs.
const HEADS: &str = "refs/heads/";

/// What it takes to move a ref.
///
/// # Errors
/// It is no ref that can be pushed.
pub fn moved_by(update: &Update) -> Result<(Right, BranchName), Unfit> {
    let target = Target::of(&update.name)?;
    let right = match (&target, update.from, update.to) {
        (Target::Configuration(_), Some(_), Some(_)) | (Target::Release(..), _, Some(_)) => Right::Change,
        _ => Right::Govern,
    };
    Ok((right, target.configuration().clone()))
}

/// The refs that somebody sees.
pub struct Seen {
    pub refs: Vec<(String, ObjectId)>,
    /// The others.
    pub hidden: Vec<ObjectId>,
}

impl Seen {
    /// Those of all refs that somebody may see.
    ///
    /// # Errors
    /// The refs cannot be listed.
    pub fn by(may: &May, registry: &Registry) -> Result<Self, Damage> {
        let sees = |full: &str| seen_by(full).is_some_and(|(right, name)| may(right, name));
        let there: BTreeMap<_, _> = registry.ledger.reader().named_objects()?.into_iter().collect();
        let served = registry.as_served(there.clone());
        // What was never accepted is seen by nobody.
        let unserved: Vec<_> = there.into_iter().filter(|(full, id)| served.get(full) != Some(id)).collect();
        let (refs, hidden): (Vec<_>, Vec<_>) = served.into_iter().partition(|(full, _)| sees(full));
        Ok(Seen { refs, hidden: hidden.into_iter().chain(unserved).map(|(_, id)| id).collect() })
    }

    /// The objects that they name.
    pub fn ids(&self) -> BTreeSet<ObjectId> {
        self.refs.iter().map(|(_, id)| *id).collect()
    }

    /// What of each update leads to history that others have, and that somebody who sees these refs does not see: whoever
    /// names it would read it from then on. `reader` has the objects that the updates bring, too; `before` has not.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub fn hides(
        &self,
        updates: &[Update],
        before: &Reader,
        reader: &Reader,
    ) -> Result<Vec<Option<ObjectId>>, Damage> {
        if self.hidden.is_empty() {
            return Ok(vec![None; updates.len()]);
        }
        let tags: BTreeSet<ObjectId> =
            self.hidden.iter().copied().filter(|id| !self.ids().contains(id)).collect();
        let mut seen = commits(before, self.refs.iter().map(|(_, id)| *id))?;
        seen.sort_unstable();
        seen.dedup();
        let look = |update: &Update| {
            let Some(to) = update.to else { return Ok(None) };
            let Some((commit, _)) = reader.commit_behind(to)? else { return Ok(None) };
            // Mostly one that is seen, such as that of a version which becomes a release.
            let came = if seen.binary_search(&commit).is_ok() {
                Vec::new()
            } else {
                reader.unknown(commit, &seen)?
            };
            if ObjectId::from(commit) != to && tags.contains(&to) {
                return Ok(Some(to));
            }
            // What is new altogether is in nobody's history.
            let here = before.commits_among(&came.iter().copied().map(ObjectId::from).collect())?;
            if here.is_empty() {
                return Ok(None);
            }
            let hidden = commits(before, self.hidden.iter().copied())?;
            let others: HashSet<CommitId> =
                reader.unknown(commit, &[seen.as_slice(), &hidden].concat())?.into_iter().collect();
            Ok(came.into_iter().rev().find(|commit| !others.contains(commit)).map(ObjectId::from))
        };
        updates.iter().map(look).collect()
    }
}

impl Seen {
    /// What updates and their new commits name that neither came along nor is in the commits before those. `reader` has
    /// the objects that came, too. Where nothing is hidden there is nothing to be looked for.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub fn strange(
        &self,
        updates: &[Update],
        before: &Reader,
        reader: &Reader,
    ) -> Result<Vec<BTreeSet<ObjectId>>, Damage> {
        if self.hidden.is_empty() {
            return Ok(vec![BTreeSet::new(); updates.len()]);
        }
        let seen = commits(before, self.refs.iter().map(|(_, id)| *id))?;
        let came = reader.brought()?;
        let look = |update: &Update| {
            let mut named = BTreeSet::new();
            let Some(to) = update.to else { return Ok(named) };
            let Some((commit, _)) = reader.commit_behind(to)? else { return Ok(named) };
            // What an annotated tag says may be as secret as a file.
            if ObjectId::from(commit) != to && !self.ids().contains(&to) {
                named.insert(to);
            }
            let mut before_them = BTreeSet::new();
            if !seen.contains(&commit) {
                let new: BTreeSet<CommitId> = reader.unknown(commit, &seen)?.into_iter().collect();
                for commit in &new {
                    let parents = reader.commit(*commit)?.parents;
                    named.append(&mut reader.named_in(parents.first().copied(), *commit)?);
                    named.insert((*commit).into());
                    before_them.extend(parents.into_iter().filter(|parent| !new.contains(parent)));
                }
            }
            named.retain(|id| !came.has(*id) && *id != empty_tree().into());
            // Moved, copied, or taken from the other side of a merge: whatever new commits pass on is in one before them.
            for parent in before_them {
                if named.is_empty() {
                    break;
                }
                let there = reader.named_in(None, parent)?;
                named.retain(|id| !there.contains(id));
            }
            Ok(named)
        };
        updates.iter().map(look).collect()
    }
}

/// The commits that these objects are or, as tags, lead to.
fn commits(reader: &Reader, ids: impl Iterator<Item = ObjectId>) -> Result<Vec<CommitId>, Damage> {
    let mut found = Vec::new();
    for id in ids {
        found.extend(reader.commit_behind(id)?.map(|(commit, _)| commit));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::ObjectId;

    #[test]
    fn refs_are_about_configurations() {
        for (full, seen) in [
            ("refs/heads/prod", Some((Right::Read, "prod"))),
            ("refs/tags/prod/v1", Some((Right::Read, "prod"))),
            ("refs/archive/prod/20260101T000000Z", Some((Right::Govern, "prod"))),
            ("refs/archive-tags/prod/20260101T000000Z/v1", Some((Right::Govern, "prod"))),
            ("refs/heads/a/b", None),
            ("refs/heads/PROD", None),
            ("refs/tags/v1", None),
            ("refs/tags/prod/deadbeef", None),
            ("refs/notes/commits", None),
            ("HEAD", None),
        ] {
            assert_eq!(seen_by(full), seen, "{full}");
        }
    }

    #[test]
    fn what_comes_and_goes_takes_more_than_what_moves() {
        let id = ObjectId::from_hex(&"12".repeat(20));
        let right = |name: &str, from, to| {
            let update = Update { name: name.to_owned(), from, to };
            moved_by(&update).map(|(right, _)| right).ok()
        };
        assert_eq!(right("refs/heads/prod", id, id), Some(Right::Change));
        assert_eq!(right("refs/heads/prod", None, id), Some(Right::Govern));
        assert_eq!(right("refs/heads/prod", id, None), Some(Right::Govern));
        assert_eq!(right("refs/tags/prod/v1", None, id), Some(Right::Change));
        assert_eq!(right("refs/tags/prod/v1", id, None), Some(Right::Govern));
        assert_eq!(right("refs/archive/prod/x", id, None), None);
        assert_eq!(right("refs/notes/x", None, id), None);
    }
}
