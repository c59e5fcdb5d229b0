//! The refs of a repository that others may be writing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use git2::Repository;

use super::heading::{Heading, Ref};
use super::{BundleError, at};
use crate::ledger::id::{BRANCHES, BranchName, CommitId, ObjectId};
use crate::ledger::reader::Damage;
use crate::ledger::{notes, refs, repository};

/// A list that changed while it was read is read again, so often at most.
const ATTEMPTS: u32 = 100;

/// All refs. A configuration that is deleted meanwhile is among the branches or among the archives. A branch that somebody
/// moved behind the service's back is where it was acknowledged last, if that is noted: what is served belongs into a backup.
///
/// # Errors
/// A ref cannot be read, or there are none.
pub fn refs_of(path: &Path) -> Result<Heading, BundleError> {
    let notes = path.with_file_name(repository::STRAYS);
    let strays = notes::read(&notes).map_err(at(&notes))?.unwrap_or_default();
    let mut before = names(path)?;
    for _ in 0..ATTEMPTS {
        let (found, dangling) = read(path, &before)?;
        let after = names(path)?;
        if before == after && found.len() + dangling == before.len() {
            return heading(path, as_acknowledged(&repository::open(path)?, found, strays));
        }
        before = after;
    }
    Err(BundleError::Restless { path: path.to_owned() })
}

fn names(path: &Path) -> Result<BTreeSet<String>, BundleError> {
    let repository = repository::open(path)?;
    let mut names = BTreeSet::new();
    for reference in repository.references().map_err(Damage::from)? {
        names.insert(String::from_utf8_lossy(reference.map_err(Damage::from)?.name_bytes()).into_owned());
    }
    // libgit2 passes over what it cannot read.
    let folder = path.join("refs");
    names.extend(refs::loose_below(&folder, "refs/").map_err(at(&folder))?);
    Ok(names)
}

/// Where they are, and how many lead nowhere: a name for another ref that is not there, such as a remote's `HEAD`, has
/// nothing to keep. Those that are gone are left out.
fn read(path: &Path, names: &BTreeSet<String>) -> Result<(Vec<Ref>, usize), BundleError> {
    let repository = repository::open(path)?;
    let mut found = Vec::with_capacity(names.len());
    let mut dangling = 0;
    for name in names {
        match refs::current(&repository, name).map_err(|error| Damage(format!("{name}: {error}")))? {
            Some(id) => found.push((name.clone(), id)),
            None => dangling += usize::from(repository.find_reference(name).is_ok()),
        }
    }
    Ok((found, dangling))
}

fn as_acknowledged(
    repository: &Repository,
    mut refs: Vec<Ref>,
    strays: BTreeMap<BranchName, Option<CommitId>>,
) -> Vec<Ref> {
    for (branch, known) in strays {
        let known = known.filter(|known| repository.find_commit(known.0).is_ok());
        let Some(known) = known.map(ObjectId::from) else { continue };
        let name = branch.full();
        match refs.iter_mut().find(|(found, _)| *found == name) {
            // It was put back since it was noted.
            Some((_, id))
                if *id == known || repository.graph_descendant_of(id.0, known.0).unwrap_or(false) => {}
            Some((_, id)) => *id = known,
            None => refs.push((name, known)),
        }
    }
    refs.sort();
    refs
}

fn heading(path: &Path, mut refs: Vec<Ref>) -> Result<Heading, BundleError> {
    if refs.is_empty() {
        return Err(BundleError::Empty { path: path.to_owned() });
    }
    let repository = repository::open(path)?;
    let named = head(&repository);
    let at = named.and_then(|name| refs.iter().position(|(found, _)| *found == name));
    let head = at.map(|at| {
        let last = refs.remove(at);
        let id = last.1;
        refs.push(last);
        id
    });
    Ok(Heading { refs, head })
}

/// The branch that `HEAD` names.
fn head(repository: &Repository) -> Option<String> {
    let head = repository.find_reference(super::heading::HEAD).ok()?;
    head.symbolic_target().ok().flatten().map(str::to_owned)
}

/// The branch that `HEAD` of a repository made of a bundle is to name: where there are several, the last, as git has it.
pub fn branch_of_head(heading: &Heading) -> Option<&str> {
    let mut branches = heading.refs.iter().rev().filter(|(name, _)| name.starts_with(BRANCHES));
    let fits = |id: &ObjectId| heading.head.is_none_or(|head| head == *id);
    let found = branches.clone().find(|(_, id)| fits(id)).or_else(|| branches.next());
    found.map(|(name, _)| name.as_str())
}
