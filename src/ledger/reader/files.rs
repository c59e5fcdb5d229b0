//! What commits hold: their trees and files.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use git2::{ObjectType, Repository};

use super::{Damage, Reader, check, find_commit, holds, object, reaches};
use crate::ledger::commit::{self, CommitRecord};
use crate::ledger::edit::{Blob, Subject};
use crate::ledger::id::{BlobId, CommitId, TreeId};
use crate::ledger::tree::{self, Head, Raw, Tree};

/// An entry of a tree as it lies in the repository.
#[derive(Debug, Clone)]
pub struct Listed {
    pub name: String,
    pub what: What,
}

/// What an entry of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    File(BlobId),
    Folder(TreeId),
    /// A link, or a commit of another repository.
    Other,
}

impl Reader {
    /// The state of a branch whose newest commit is `commit`.
    ///
    /// # Errors
    /// The commit or its trees cannot be read.
    pub fn state(&self, commit: CommitId) -> Result<Head, Damage> {
        self.with(|repository| {
            let found = find_commit(repository, commit.0)?;
            let files = Tree::read(repository, TreeId(found.tree_id()))?;
            Ok(Head::new(commit, commit::time(&found), files))
        })
    }

    /// A commit.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn commit(&self, commit: CommitId) -> Result<CommitRecord, Damage> {
        self.with(|repository| Ok(commit::record(&find_commit(repository, commit.0)?)))
    }

    /// The time of a commit.
    ///
    /// # Errors
    /// The commit cannot be read.
    pub fn time(&self, commit: CommitId) -> Result<DateTime<Utc>, Damage> {
        self.with(|repository| Ok(commit::time(&find_commit(repository, commit.0)?)))
    }

    /// The files of the subjects as they were at a commit, by path. The whole branch means every file.
    ///
    /// # Errors
    /// The commit, its trees or a file cannot be read.
    pub fn files(&self, commit: CommitId, subjects: &[Subject]) -> Result<BTreeMap<String, Blob>, Damage> {
        self.with(|repository| {
            let mut files = BTreeMap::new();
            let mut take = |path: String, raw: &Raw<'_>| -> Result<(), Damage> {
                if raw.is_file()
                    && subjects.iter().any(|subject| holds(subject, &path))
                    && let Some(id) = raw.id()
                {
                    let id = BlobId(id.0);
                    files.insert(path, Blob { id, bytes: bytes(repository, id)? });
                }
                Ok(())
            };
            let found = find_commit(repository, commit.0)?;
            let top = object(repository, found.tree_id(), ObjectType::Tree)?;
            for raw in tree::entries(&top) {
                let name = String::from_utf8_lossy(raw.name).into_owned();
                if !raw.is_folder() {
                    take(name, &raw)?;
                } else if subjects.iter().any(|subject| reaches(subject, &name))
                    && let Some(id) = raw.id()
                {
                    let folder = object(repository, id.0, ObjectType::Tree)?;
                    for raw in tree::entries(&folder) {
                        take(format!("{name}/{}", String::from_utf8_lossy(raw.name)), &raw)?;
                    }
                }
            }
            Ok(files)
        })
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// They cannot be read, or are not what the id says.
    pub fn blob(&self, id: BlobId) -> Result<Bytes, Damage> {
        self.with(|repository| bytes(repository, id))
    }

    /// What lies in a commit's top folder.
    ///
    /// # Errors
    /// The commit or the tree cannot be read.
    pub fn top(&self, commit: CommitId) -> Result<Vec<Listed>, Damage> {
        let tree = self.with(|repository| Ok(find_commit(repository, commit.0)?.tree_id()))?;
        self.list(TreeId(tree))
    }

    /// What lies in a folder.
    ///
    /// # Errors
    /// The tree cannot be read.
    pub fn list(&self, tree: TreeId) -> Result<Vec<Listed>, Damage> {
        self.with(|repository| {
            check(repository, tree.0)?;
            let tree = repository.find_tree(tree.0)?;
            let listed = tree.iter().map(|entry| Listed {
                name: String::from_utf8_lossy(entry.name_bytes()).into_owned(),
                what: match entry.kind() {
                    Some(ObjectType::Tree) => What::Folder(TreeId(entry.id())),
                    Some(ObjectType::Blob) if entry.filemode() & 0o170_000 == 0o100_000 => {
                        What::File(BlobId(entry.id()))
                    }
                    _ => What::Other,
                },
            });
            Ok(listed.collect())
        })
    }
}

fn bytes(repository: &Repository, id: BlobId) -> Result<Bytes, Damage> {
    object(repository, id.0, ObjectType::Blob)
}
