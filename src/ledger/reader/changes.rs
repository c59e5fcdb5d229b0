//! Which files differ between two commits. Trees are compared by their ids, so the cost follows what changed.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use bytes::Bytes;
use git2::{ObjectType, Repository};

use super::{Damage, Reader, find_commit, holds, object, reaches};
use crate::ledger::edit::Subject;
use crate::ledger::id::{BlobId, CommitId, ObjectId};
use crate::ledger::tree::{self, Raw};

/// A file before and after; `None` is a file that is not there.
pub type Change = [Option<BlobId>; 2];

impl Reader {
    /// The files of a subject that differ between two commits, by path. Without a commit before, all files do.
    ///
    /// # Errors
    /// A commit or a tree cannot be read.
    pub fn changes(
        &self,
        before: Option<CommitId>,
        after: CommitId,
        subject: &Subject,
    ) -> Result<BTreeMap<String, Change>, Damage> {
        self.with(|repository| {
            let mut changes = BTreeMap::new();
            let tops = [top(repository, before)?, top(repository, Some(after))?];
            for (name, sides) in differing(&tops) {
                let name = String::from_utf8_lossy(name);
                if holds(subject, &name) {
                    note(&mut changes, name.clone().into_owned(), &sides);
                }
                if reaches(subject, &name) {
                    let folders =
                        [folder(repository, sides[0].as_ref())?, folder(repository, sides[1].as_ref())?];
                    for (inner, sides) in differing(&folders) {
                        let path = format!("{name}/{}", String::from_utf8_lossy(inner));
                        if holds(subject, &path) {
                            note(&mut changes, path, &sides);
                        }
                    }
                }
            }
            Ok(changes)
        })
    }
}

/// An entry of a tree on both sides.
type Sides<'a> = [Option<Raw<'a>>; 2];

/// Notes a file; what is none on either side is passed over.
fn note(changes: &mut BTreeMap<String, Change>, path: String, sides: &Sides<'_>) {
    let blob = |side: &Option<Raw<'_>>| {
        let file = side.as_ref().filter(|raw| raw.is_file())?;
        file.id().map(|ObjectId(id)| BlobId(id))
    };
    let [before, after] = [blob(&sides[0]), blob(&sides[1])];
    if before != after {
        changes.insert(path, [before, after]);
    }
}

/// The entries of two trees that are not the same in both, by name.
pub(super) fn differing(trees: &[Bytes; 2]) -> BTreeMap<&[u8], Sides<'_>> {
    let [mut before, mut after] = [tree::entries(&trees[0]).peekable(), tree::entries(&trees[1]).peekable()];
    let mut differing = Vec::new();
    // Trees are sorted, and most of what is in one is in the other.
    while let (Some(one), Some(other)) = (before.peek(), after.peek()) {
        match one.order(other) {
            Ordering::Less => differing.push((0, before.next())),
            Ordering::Greater => differing.push((1, after.next())),
            Ordering::Equal => {
                let same = one.is_same(other);
                let sides = [(0, before.next()), (1, after.next())];
                if !same {
                    differing.extend(sides);
                }
            }
        }
    }
    differing.extend(before.map(|raw| (0, Some(raw))));
    differing.extend(after.map(|raw| (1, Some(raw))));
    let mut found: BTreeMap<&[u8], Sides<'_>> = BTreeMap::new();
    for (side, raw) in differing.into_iter().filter_map(|(side, raw)| raw.map(|raw| (side, raw))) {
        let name = raw.name;
        found.entry(name).or_default()[side] = Some(raw);
    }
    found
}

pub(super) fn top(repository: &Repository, commit: Option<CommitId>) -> Result<Bytes, Damage> {
    match commit {
        Some(commit) => object(repository, find_commit(repository, commit.0)?.tree_id(), ObjectType::Tree),
        None => Ok(Bytes::new()),
    }
}

/// A folder's tree; what is no folder has nothing in it.
pub(super) fn folder(repository: &Repository, side: Option<&Raw<'_>>) -> Result<Bytes, Damage> {
    match side.filter(|raw| raw.is_folder()).and_then(Raw::id) {
        Some(ObjectId(id)) => object(repository, id, ObjectType::Tree),
        None => Ok(Bytes::new()),
    }
}
