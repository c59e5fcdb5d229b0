//! Commits with what they changed: which files differ from the first parent's.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use git2::{ObjectType, Oid, Repository};

use super::commit::{self, CommitRecord};
use super::id::{BlobId, CommitId};
use super::reader::{Damage, Reader, find_commit, object};
use super::tree::{self, Raw, empty_tree};

/// A commit, and the files that it changed against its first parent, sorted by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    pub commit: CommitRecord,
    pub files: Vec<FileChange>,
}

/// What became of a file. One of the two is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    pub path: String,
    pub before: Option<BlobId>,
    pub after: Option<BlobId>,
}

impl Reader {
    /// A commit, and what it changed.
    ///
    /// # Errors
    /// The commit, its parent or their trees cannot be read.
    pub fn committed(&self, id: CommitId) -> Result<Committed, Damage> {
        self.with(|repository| {
            let found = find_commit(repository, id.0)?;
            let parent = found.parent_ids().next().map(|id| find_commit(repository, id)).transpose()?;
            let before = parent.map_or(empty_tree().0, |parent| parent.tree_id());
            let files = changed(repository, before, found.tree_id())?;
            Ok(Committed { commit: commit::record(&found), files })
        })
    }
}

/// Which files differ between two trees. Folders with the same id are not looked into.
fn changed(repository: &Repository, before: Oid, after: Oid) -> Result<Vec<FileChange>, Damage> {
    let tree = |id: Oid| object(repository, id, ObjectType::Tree);
    let folder = |id: Option<Oid>| id.map_or_else(|| Ok(Bytes::new()), tree);
    let mut files = BTreeMap::new();
    for (name, change) in differing(&tree(before)?, &tree(after)?) {
        change.note(&name, &mut files);
        let (old, new) = change.folders;
        if old == new {
            continue;
        }
        for (inner, change) in differing(&folder(old)?, &folder(new)?) {
            change.note(&format!("{name}/{inner}"), &mut files);
        }
    }
    Ok(files.into_values().collect())
}

/// What differs under one name: the file before and after, and the folder.
#[derive(Default)]
struct Differing {
    files: (Option<BlobId>, Option<BlobId>),
    folders: (Option<Oid>, Option<Oid>),
}

impl Differing {
    fn note(&self, path: &str, into: &mut BTreeMap<String, FileChange>) {
        let (before, after) = self.files;
        if before != after {
            into.insert(path.to_owned(), FileChange { path: path.to_owned(), before, after });
        }
    }
}

/// The names under which something differs between two levels. Names that are no UTF-8 are none of ours.
fn differing(before: &[u8], after: &[u8]) -> BTreeMap<String, Differing> {
    let old: HashSet<_> = tree::entries(before).map(|raw| raw.identity()).collect();
    let new: HashSet<_> = tree::entries(after).map(|raw| raw.identity()).collect();
    let mut found: BTreeMap<String, Differing> = BTreeMap::new();
    let mut note = |raw: &Raw<'_>, is_new: bool| {
        let (Ok(name), Some(id)) = (str::from_utf8(raw.name), raw.id()) else { return };
        let place = found.entry(name.to_owned()).or_default();
        let (file, folder) = match is_new {
            true => (&mut place.files.1, &mut place.folders.1),
            false => (&mut place.files.0, &mut place.folders.0),
        };
        if raw.is_folder() {
            *folder = Some(id.0);
        } else if raw.is_file() {
            *file = Some(BlobId(id.0));
        }
    };
    tree::entries(before).filter(|raw| !new.contains(&raw.identity())).for_each(|raw| note(&raw, false));
    tree::entries(after).filter(|raw| !old.contains(&raw.identity())).for_each(|raw| note(&raw, true));
    found
}
