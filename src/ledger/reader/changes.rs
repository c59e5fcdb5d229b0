//! Which files differ between two commits. Trees are compared by their ids, so the cost follows what changed.

use std::collections::BTreeMap;

use bytes::Bytes;
use git2::{ObjectType, Repository};

use super::{
    BlobId, CommitId, Damage, ObjectId, Raw, Reader, Subject, find_commit, holds, object, reaches, tree,
};

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
    let mut entries: BTreeMap<&[u8], Sides<'_>> = BTreeMap::new();
    for (side, bytes) in trees.iter().enumerate() {
        for raw in tree::entries(bytes) {
            let name = raw.name;
            entries.entry(name).or_default()[side] = Some(raw);
        }
    }
    entries.retain(|_, sides| match sides {
        [Some(before), Some(after)] => before.id() != after.id() || before.mode() != after.mode(),
        _ => true,
    });
    entries
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
