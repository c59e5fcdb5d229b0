//! A branch's newest tree, in memory: which file holds which blob. Edits share what they do not touch.

mod raw;

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use git2::{ObjectType, Repository};
use imbl::OrdMap;

use super::batch::{Delta, Object, ObjectKind};
use super::edit::{Blob, Edit, Subject};
use super::id::{BlobId, CommitId, ObjectId, TreeId};
use super::loose;
use raw::{Changes, Entry, FILE, FOLDER, Key, splice};
pub(super) use raw::{Raw, entries};

/// One level of a tree.
#[derive(Debug, Clone, Default)]
struct Level {
    entries: OrdMap<Key, Entry>,
    /// As git hashes and stores it. Behind the entries while an edit goes on.
    bytes: Bytes,
}

impl Level {
    fn read(repository: &Repository, id: TreeId) -> Result<Self, git2::Error> {
        if id == empty_tree() {
            return Ok(Level::default());
        }
        let malformed = || git2::Error::from_str(&format!("tree {id} is malformed"));
        loose::find(&repository.path().join("objects"), id.into())
            .map_err(|error| git2::Error::from_str(&error.to_string()))?;
        let objects = repository.odb()?;
        let object = objects.read(id.0)?;
        if object.kind() != ObjectType::Tree || !ObjectId::from(id).is_of(ObjectType::Tree, object.data()) {
            return Err(malformed());
        }
        let bytes = Bytes::copy_from_slice(object.data());
        let entries = raw::decode(&bytes).ok_or_else(malformed)?;
        Ok(Level { entries: entries.into_iter().collect(), bytes })
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.entries.len() * 48);
        self.entries.iter().for_each(|(key, entry)| entry.encode(key, &mut bytes));
        bytes
    }

    fn get(&self, name: &str) -> Option<Entry> {
        self.entries.get(name.as_bytes()).copied()
    }

    fn change(&mut self, key: Key, entry: Option<Entry>, changes: &mut Changes) {
        match entry {
            Some(entry) => self.entries.insert(key.clone(), entry),
            None => self.entries.remove(&key),
        };
        changes.insert(key, entry);
    }

    /// A folder of the same name makes way: git has one entry of a name.
    fn put(&mut self, name: &str, id: BlobId, changes: &mut Changes) {
        let folder = format!("{name}/").into_bytes();
        if self.entries.contains_key(&folder) {
            self.change(folder, None, changes);
        }
        self.change(name.as_bytes().to_vec(), Some(Entry { mode: FILE, id: id.into() }), changes);
    }

    /// Brings the bytes up to the entries, and makes the tree's object.
    fn seal(&mut self, base: TreeId, changes: &Changes) -> Object {
        // Where much is new, a delta would be no smaller, and going through the old bytes no faster.
        let (bytes, script) = match !self.bytes.is_empty() && changes.len() * 2 < self.entries.len() {
            true => splice(&self.bytes, changes),
            false => (self.encode(), None),
        };
        let mut object = Object::of(ObjectKind::Tree, bytes);
        object.delta = script.map(|script| Delta { base: base.into(), script: script.into() });
        self.bytes = object.bytes.clone();
        object
    }
}

/// The tree's id that stands for no files at all.
pub fn empty_tree() -> TreeId {
    TreeId(ObjectId::of(ObjectType::Tree, &[]).0)
}

/// The id of a folder that holds just these files.
pub fn tree_of<'a>(files: impl Iterator<Item = (&'a str, BlobId)>) -> TreeId {
    let mut level = Level::default();
    let mut changes = Changes::new();
    files.for_each(|(name, id)| level.put(name, id, &mut changes));
    TreeId(ObjectId::of(ObjectType::Tree, &level.encode()).0)
}

/// The newest state of a branch. Immutable; a clone costs nothing.
#[derive(Debug, Clone)]
pub struct Head {
    /// The newest commit.
    pub commit: CommitId,
    /// Its time.
    pub time: DateTime<Utc>,
    /// No merge has come to the branch since this commit. Two states of a branch that agree on it have taken in the same
    /// of other branches.
    pub merged: CommitId,
    files: Tree,
}

impl Head {
    /// A state of whose past nothing is known.
    pub(super) fn new(commit: CommitId, time: DateTime<Utc>, files: Tree) -> Self {
        Head { commit, time, merged: commit, files }
    }

    /// A state that follows another by a commit that is no merge.
    pub(super) fn after(self, before: &Head) -> Self {
        Head { merged: before.merged, ..self }
    }

    pub(super) fn files(&self) -> &Tree {
        &self.files
    }

    /// What lies at a path of one or two parts.
    pub fn blob(&self, path: &str) -> Option<BlobId> {
        self.files.blob(path)
    }

    /// The id of a top-level folder; that of the empty tree where there is none.
    pub fn folder(&self, name: &str) -> TreeId {
        self.files.folder(name)
    }

    /// The id of the branch's newest commit, of a folder, or of a file that is there.
    pub fn object(&self, subject: &Subject) -> Option<ObjectId> {
        match subject {
            Subject::Branch => Some(self.commit.into()),
            Subject::Folder(name) => Some(self.folder(name).into()),
            Subject::File(path) => self.blob(path).map(ObjectId::from),
        }
    }
}

/// The files of a commit.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    pub id: TreeId,
    top: Level,
    folders: OrdMap<String, Level>,
}

impl Tree {
    /// Of a branch that has no commit yet.
    pub fn empty() -> Self {
        Tree { id: empty_tree(), top: Level::default(), folders: OrdMap::new() }
    }

    pub fn read(repository: &Repository, id: TreeId) -> Result<Self, git2::Error> {
        let top = Level::read(repository, id)?;
        let mut folders = OrdMap::new();
        for (key, entry) in top.entries.iter().filter(|(_, entry)| entry.mode == FOLDER) {
            // A folder whose name is no UTF-8 cannot be asked for; it stays in `top` as it is.
            if let Ok(name) = str::from_utf8(&key[..key.len() - 1]) {
                folders.insert(name.to_owned(), Level::read(repository, TreeId(entry.id.0))?);
            }
        }
        Ok(Tree { id, top, folders })
    }

    pub fn blob(&self, path: &str) -> Option<BlobId> {
        let entry = match path.split_once('/') {
            Some((folder, name)) => self.folders.get(folder)?.get(name),
            None => self.top.get(path),
        }?;
        entry.is_file().then_some(BlobId(entry.id.0))
    }

    pub fn folder(&self, name: &str) -> TreeId {
        let key = format!("{name}/").into_bytes();
        self.top.entries.get(&key).map_or_else(empty_tree, |entry| TreeId(entry.id.0))
    }

    /// Whatever lies at a path of one or two parts: a file, a folder, or what else git knows.
    pub fn object(&self, path: &str) -> Option<ObjectId> {
        let (level, name) = match path.split_once('/') {
            Some((folder, name)) => (self.folders.get(folder)?, name),
            None => (&self.top, path),
        };
        let folder = || level.entries.get(format!("{name}/").as_bytes());
        level.entries.get(name.as_bytes()).or_else(folder).map(|entry| entry.id)
    }

    /// Applies edits. What becomes of the files that they touch is told to `touch`.
    pub fn edit(&mut self, edits: &[Edit], mut touch: impl FnMut(String, Option<Blob>)) -> Vec<Object> {
        let mut touched = BTreeMap::new();
        let mut objects = Vec::new();
        let mut put =
            |blob: &Blob| objects.push(Object::new(ObjectKind::Blob, blob.id.into(), blob.bytes.clone()));
        for edit in edits {
            match edit {
                Edit::Put(path, blob) => {
                    if self.blob(path) == Some(blob.id) {
                        continue;
                    }
                    let (level, name, changes) = self.level(path, &mut touched);
                    level.put(name, blob.id, changes);
                    put(blob);
                    touch(path.clone(), Some(blob.clone()));
                }
                Edit::Remove(path) => {
                    if self.blob(path).is_none() {
                        continue;
                    }
                    let (level, name, changes) = self.level(path, &mut touched);
                    level.change(name.as_bytes().to_vec(), None, changes);
                    touch(path.clone(), None);
                }
                Edit::Replace(folder, files) => {
                    let level = self.folders.entry(folder.clone()).or_default();
                    let changes = touched.entry(folder.clone()).or_default();
                    let mut gone = level.entries.clone();
                    for (name, blob) in files {
                        let before = gone.remove(name.as_bytes());
                        if before == Some(Entry { mode: FILE, id: blob.id.into() }) {
                            continue;
                        }
                        level.put(name, blob.id, changes);
                        put(blob);
                        touch(format!("{folder}/{name}"), Some(blob.clone()));
                    }
                    for key in gone.keys() {
                        touch(format!("{folder}/{}", String::from_utf8_lossy(key)), None);
                        level.change(key.clone(), None, changes);
                    }
                }
            }
        }
        self.seal(touched, &mut objects);
        objects
    }

    /// The level that a path's last part belongs to, that part, and where the level's changes are noted.
    fn level<'p, 't>(
        &mut self,
        path: &'p str,
        touched: &'t mut BTreeMap<String, Changes>,
    ) -> (&mut Level, &'p str, &'t mut Changes) {
        match path.split_once('/') {
            Some((folder, name)) => {
                let level = self.folders.entry(folder.to_owned()).or_default();
                (level, name, touched.entry(folder.to_owned()).or_default())
            }
            None => (&mut self.top, path, touched.entry(TOP.to_owned()).or_default()),
        }
    }

    /// Makes the tree objects of the folders that were touched, and of the top.
    fn seal(&mut self, mut touched: BTreeMap<String, Changes>, objects: &mut Vec<Object>) {
        let mut changes = touched.remove(TOP).unwrap_or_default();
        for (folder, of_folder) in touched.into_iter().filter(|(_, changes)| !changes.is_empty()) {
            let before = self.folder(&folder);
            let key = format!("{folder}/").into_bytes();
            match self.folders.get_mut(&folder).filter(|level| !level.entries.is_empty()) {
                Some(level) => {
                    let object = level.seal(before, &of_folder);
                    if self.top.entries.contains_key(folder.as_bytes()) {
                        self.top.change(folder.into_bytes(), None, &mut changes);
                    }
                    self.top.change(key, Some(Entry { mode: FOLDER, id: object.id }), &mut changes);
                    objects.push(object);
                }
                // Git stores no empty folders.
                None => {
                    self.folders.remove(&folder);
                    if self.top.entries.contains_key(&key) {
                        self.top.change(key, None, &mut changes);
                    }
                }
            }
        }
        if changes.is_empty() {
            return;
        }
        let object = self.top.seal(self.id, &changes);
        self.id = TreeId(object.id.0);
        objects.push(object);
    }
}

/// Stands for the folder above all others, whose name no folder can have.
const TOP: &str = "";
