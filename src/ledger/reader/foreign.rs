//! Looking through commits that others made, before anything is known of them but that git can read them.

use std::collections::BTreeSet;
use std::path::Path;

use git2::{ObjectType, Odb, OdbLookupFlags, Repository, Sort};

use super::super::tree::empty_tree;
use super::changes::{differing, folder, top};
use super::{Damage, Reader, find_commit};
use crate::ledger::id::{BlobId, CommitId, ObjectId};
use crate::ledger::tree::Raw;

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lies {
    File(BlobId),
    /// A file whose mode says that others may write it.
    OddlyModed,
    Folder,
    /// A folder with nothing in it, which git itself never makes.
    EmptyFolder,
    Executable,
    Link,
    /// A commit of another repository.
    Submodule,
}

/// What is new at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// Of one or two parts. What is no UTF-8 is replaced.
    pub path: String,
    /// `None` is a file or folder that is gone.
    pub lies: Option<Lies>,
}

/// Objects that came and are not among the repository's yet.
pub struct Brought(Odb<'static>);

impl Brought {
    /// Whether this one did.
    pub fn has(&self, id: ObjectId) -> bool {
        self.0.exists_ext(id.0, OdbLookupFlags::NO_REFRESH)
    }
}

impl Reader {
    /// The kind of an object and the bytes that it has, unless there is none.
    ///
    /// # Errors
    /// It cannot be read.
    pub(in crate::ledger) fn about(&self, id: ObjectId) -> Result<Option<(usize, ObjectType)>, Damage> {
        self.with(|repository| {
            let objects = repository.odb()?;
            if objects.exists(id.0) { Ok(Some(objects.read_header(id.0)?)) } else { Ok(None) }
        })
    }

    /// The commit that an id names, be it the commit's own or that of a tag of it, and how many bytes the object has.
    /// `None` where it names something else or nothing.
    ///
    /// # Errors
    /// The object cannot be read.
    pub fn commit_behind(&self, id: ObjectId) -> Result<Option<(CommitId, usize)>, Damage> {
        let Some((size, kind)) = self.about(id)? else { return Ok(None) };
        let commit = match kind {
            ObjectType::Commit => Some(CommitId(id.0)),
            ObjectType::Tag => self.with(|repository| {
                let tag = repository.find_tag(id.0)?;
                let leads_to_commit = tag.target_type() == Some(ObjectType::Commit);
                Ok(leads_to_commit.then(|| CommitId(tag.target_id())))
            })?,
            _ => None,
        };
        match commit {
            Some(commit) if self.about(commit.into())?.is_some() => Ok(Some((commit, size))),
            _ => Ok(None),
        }
    }

    /// Those of some ids that are commits here.
    ///
    /// # Errors
    /// The objects cannot be reached.
    pub fn commits_among(&self, ids: &BTreeSet<ObjectId>) -> Result<BTreeSet<ObjectId>, Damage> {
        self.with(|repository| {
            let objects = repository.odb()?;
            // Any number may be asked for, so the disk is not looked at anew for each that is not there.
            objects.refresh()?;
            let here = |id: &ObjectId| objects.exists_ext(id.0, OdbLookupFlags::NO_REFRESH);
            let is_commit =
                |id: &ObjectId| objects.read_header(id.0).is_ok_and(|(_, kind)| kind == ObjectType::Commit);
            Ok(ids.iter().copied().filter(|id| here(id) && is_commit(id)).collect())
        })
    }

    /// The bytes that a file or a commit has.
    ///
    /// # Errors
    /// It is not there or cannot be read.
    pub fn size(&self, id: impl Into<ObjectId>) -> Result<usize, Damage> {
        let id = id.into();
        let about = self.about(id)?.ok_or_else(|| Damage(format!("object {id} is not there")))?;
        Ok(about.0)
    }

    /// The times of a commit, in seconds since 1970: its author's and its committer's.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn seconds(&self, commit: CommitId) -> Result<[i64; 2], Damage> {
        self.with(|repository| {
            let commit = find_commit(repository, commit.0)?;
            Ok([commit.author().when().seconds(), commit.time().seconds()])
        })
    }

    /// What a tag's object says of itself, if it is one: its name, and its tagger's time in seconds since 1970, where
    /// it has one.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn tag_says(&self, id: ObjectId) -> Result<Option<(String, Option<i64>)>, Damage> {
        self.with(|repository| {
            let object = repository.find_object(id.0, None)?;
            let said = |tag: &git2::Tag<'_>| {
                let name = String::from_utf8_lossy(tag.name_bytes()).into_owned();
                (name, tag.tagger().map(|tagger| tagger.when().seconds()))
            };
            Ok(object.as_tag().map(said))
        })
    }

    /// The commits that `tip` leads to and none of the known ones does, parents first.
    ///
    /// # Errors
    /// A commit on the way cannot be read.
    pub fn unknown(&self, tip: CommitId, known: &[CommitId]) -> Result<Vec<CommitId>, Damage> {
        self.with(|repository| {
            let mut walk = repository.revwalk()?;
            walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE)?;
            walk.push(tip.0)?;
            for commit in known {
                walk.hide(commit.0)?;
            }
            let mut found = Vec::new();
            for id in walk {
                found.push(CommitId(id?));
            }
            Ok(found)
        })
    }

    /// What a commit's trees name that those of `base`, or nothing, do not name in the same place, and its tree itself.
    ///
    /// # Errors
    /// A commit or a tree cannot be read.
    pub fn named_in(&self, base: Option<CommitId>, commit: CommitId) -> Result<BTreeSet<ObjectId>, Damage> {
        self.with(|repository| {
            let mut named = BTreeSet::from([ObjectId(find_commit(repository, commit.0)?.tree_id())]);
            let tops = [top(repository, base)?, top(repository, Some(commit))?];
            let mut note = |side: Option<&Raw<'_>>| named.extend(side.and_then(Raw::id));
            for sides in differing(&tops).into_values() {
                note(sides[1].as_ref());
                let folders =
                    [folder(repository, sides[0].as_ref())?, folder(repository, sides[1].as_ref())?];
                differing(&folders).into_values().for_each(|sides| note(sides[1].as_ref()));
            }
            Ok(named)
        })
    }

    /// What is in the folder beside the repository's own.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn brought(&self) -> Result<Brought, Damage> {
        let objects = Odb::new()?;
        if let Some(beside) = self.beside.as_deref().and_then(Path::to_str) {
            objects.add_disk_alternate(beside)?;
            objects.refresh()?;
        }
        Ok(Brought(objects))
    }

    /// What a commit holds that `base`, or nothing, does not: files, and what should be none.
    ///
    /// # Errors
    /// A commit or a tree cannot be read.
    pub fn new_in(&self, base: Option<CommitId>, commit: CommitId) -> Result<Vec<New>, Damage> {
        self.with(|repository| {
            let mut found = Vec::new();
            let tops = [top(repository, base)?, top(repository, Some(commit))?];
            for (name, sides) in differing(&tops) {
                let name = String::from_utf8_lossy(name);
                found.push(New { path: name.clone().into_owned(), lies: sides[1].as_ref().and_then(lies) });
                inner(repository, &name, &sides, &mut found)?;
            }
            Ok(found)
        })
    }
}

fn inner(
    repository: &Repository,
    name: &str,
    sides: &[Option<Raw<'_>>; 2],
    found: &mut Vec<New>,
) -> Result<(), Damage> {
    let folders = [folder(repository, sides[0].as_ref())?, folder(repository, sides[1].as_ref())?];
    for (inner, sides) in differing(&folders) {
        let path = format!("{name}/{}", String::from_utf8_lossy(inner));
        found.push(New { path, lies: sides[1].as_ref().and_then(lies) });
    }
    Ok(())
}

fn lies(raw: &Raw<'_>) -> Option<Lies> {
    Some(match raw.mode() {
        0o040_000 if raw.id() == Some(empty_tree().into()) => Lies::EmptyFolder,
        0o040_000 => Lies::Folder,
        0o120_000 => Lies::Link,
        0o160_000 => Lies::Submodule,
        0o100_644 => Lies::File(BlobId(raw.id()?.0)),
        0o100_664 => Lies::OddlyModed,
        _ => Lies::Executable,
    })
}
