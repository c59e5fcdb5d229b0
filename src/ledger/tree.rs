//! A branch's newest tree, in memory: which file holds which blob. Edits share what they do not touch.

use chrono::{DateTime, Utc};
use git2::{ObjectType, Repository};
use imbl::OrdMap;

use super::batch::{Object, ObjectKind};
use super::edit::{Blob, Edit, Subject};
use super::id::{BlobId, CommitId, ObjectId, TreeId};

const FILE: u32 = 0o100_644;
const FOLDER: u32 = 0o040_000;

/// An entry's name, and a slash after that of a folder: compared as bytes, such keys stand in git's order.
type Key = Vec<u8>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    mode: u32,
    id: ObjectId,
}

impl Entry {
    /// Neither a folder nor a link nor a commit of another repository.
    fn is_file(self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }
}

/// One level of a tree.
#[derive(Debug, Clone, Default)]
struct Level(OrdMap<Key, Entry>);

impl Level {
    fn read(repository: &Repository, id: TreeId) -> Result<Self, git2::Error> {
        let tree = repository.find_tree(id.0)?;
        let entries = tree.iter().map(|entry| {
            let mut key = entry.name_bytes().to_vec();
            let mode = u32::from_ne_bytes(entry.filemode_raw().to_ne_bytes());
            if entry.kind() == Some(ObjectType::Tree) {
                key.push(b'/');
            }
            (key, Entry { mode, id: ObjectId(entry.id()) })
        });
        Ok(Level(entries.collect()))
    }

    /// The bytes that git hashes and stores (gitformat: mode, space, name, NUL, raw id).
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 48);
        for (key, entry) in &self.0 {
            let name = if entry.mode == FOLDER { key.strip_suffix(b"/").unwrap_or(key) } else { key };
            bytes.extend_from_slice(format!("{:o} ", entry.mode).as_bytes());
            bytes.extend_from_slice(name);
            bytes.push(0);
            bytes.extend_from_slice(entry.id.0.as_bytes());
        }
        bytes
    }

    /// A folder of the same name makes way: git has one entry of a name.
    fn put(&mut self, name: &str, id: BlobId) {
        self.0.remove(format!("{name}/").as_bytes());
        self.0.insert(name.as_bytes().to_vec(), Entry { mode: FILE, id: id.into() });
    }
}

/// The tree's id that stands for no files at all.
pub fn empty_tree() -> TreeId {
    TreeId(ObjectId::of(ObjectType::Tree, &[]).0)
}

/// The id of a folder that holds just these files.
pub fn tree_of<'a>(files: impl Iterator<Item = (&'a str, BlobId)>) -> TreeId {
    let mut level = Level::default();
    files.for_each(|(name, id)| level.put(name, id));
    TreeId(ObjectId::of(ObjectType::Tree, &level.encode()).0)
}

/// The newest state of a branch. Immutable; a clone costs nothing.
#[derive(Debug, Clone)]
pub struct Head {
    /// The newest commit.
    pub commit: CommitId,
    /// Its time.
    pub time: DateTime<Utc>,
    files: Tree,
}

impl Head {
    pub(super) fn new(commit: CommitId, time: DateTime<Utc>, files: Tree) -> Self {
        Head { commit, time, files }
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
        for (key, entry) in top.0.iter().filter(|(_, entry)| entry.mode == FOLDER) {
            // A folder whose name is no UTF-8 cannot be asked for; it stays in `top` as it is.
            if let Ok(name) = str::from_utf8(&key[..key.len() - 1]) {
                folders.insert(name.to_owned(), Level::read(repository, TreeId(entry.id.0))?);
            }
        }
        Ok(Tree { id, top, folders })
    }

    pub fn blob(&self, path: &str) -> Option<BlobId> {
        let entry = match path.split_once('/') {
            Some((folder, name)) => self.folders.get(folder)?.0.get(name.as_bytes()),
            None => self.top.0.get(path.as_bytes()),
        }?;
        entry.is_file().then_some(BlobId(entry.id.0))
    }

    pub fn folder(&self, name: &str) -> TreeId {
        let key = format!("{name}/").into_bytes();
        self.top.0.get(&key).map_or_else(empty_tree, |entry| TreeId(entry.id.0))
    }

    /// Every file: its path and its blob.
    pub fn list(&self) -> impl Iterator<Item = (String, BlobId)> {
        let path = |folder: &str, key: &Key| {
            let name = String::from_utf8_lossy(key);
            if folder.is_empty() { name.into_owned() } else { format!("{folder}/{name}") }
        };
        std::iter::once(("", &self.top))
            .chain(self.folders.iter().map(|(name, level)| (name.as_str(), level)))
            .flat_map(move |(folder, level)| {
                level
                    .0
                    .iter()
                    .filter(|(_, entry)| entry.is_file())
                    .map(move |(key, entry)| (path(folder, key), BlobId(entry.id.0)))
            })
    }

    /// Applies edits. What becomes of the files that they touch is told to `touch`.
    pub fn edit(&mut self, edits: &[Edit], mut touch: impl FnMut(String, Option<Blob>)) -> Vec<Object> {
        let mut folders = Vec::new();
        let mut objects = Vec::new();
        let mut put =
            |blob: &Blob| objects.push(Object::new(ObjectKind::Blob, blob.id.into(), blob.bytes.clone()));
        for edit in edits {
            match edit {
                Edit::Put(path, blob) => {
                    if self.blob(path) == Some(blob.id) {
                        continue;
                    }
                    let (level, name) = self.level(path, &mut folders);
                    level.put(name, blob.id);
                    put(blob);
                    touch(path.clone(), Some(blob.clone()));
                }
                Edit::Remove(path) => {
                    if self.blob(path).is_none() {
                        continue;
                    }
                    let (level, name) = self.level(path, &mut folders);
                    level.0.remove(name.as_bytes());
                    touch(path.clone(), None);
                }
                Edit::Replace(folder, files) => {
                    let before = self.folders.get(folder).cloned().unwrap_or_default();
                    let mut after = Level::default();
                    for (name, blob) in files {
                        after.put(name, blob.id);
                        if before.0.get(name.as_bytes()).is_none_or(|entry| entry.id != blob.id.into()) {
                            put(blob);
                            touch(format!("{folder}/{name}"), Some(blob.clone()));
                        }
                    }
                    for key in before.0.keys().filter(|key| !after.0.contains_key(*key)) {
                        touch(format!("{folder}/{}", String::from_utf8_lossy(key)), None);
                    }
                    self.folders.insert(folder.clone(), after);
                    folders.push(folder.clone());
                }
            }
        }
        self.seal(folders, &mut objects);
        objects
    }

    /// The level that a path's last part belongs to; notes which folder that is.
    fn level<'p>(&mut self, path: &'p str, touched: &mut Vec<String>) -> (&mut Level, &'p str) {
        match path.split_once('/') {
            Some((folder, name)) => {
                touched.push(folder.to_owned());
                (self.folders.entry(folder.to_owned()).or_default(), name)
            }
            None => (&mut self.top, path),
        }
    }

    /// Makes the tree objects of the folders that were touched, and of the top.
    fn seal(&mut self, mut touched: Vec<String>, objects: &mut Vec<Object>) {
        touched.sort_unstable();
        touched.dedup();
        for folder in touched {
            let level = self.folders.get(&folder).cloned().unwrap_or_default();
            let key = format!("{folder}/").into_bytes();
            if level.0.is_empty() {
                // Git stores no empty folders.
                self.folders.remove(&folder);
                self.top.0.remove(&key);
                continue;
            }
            let object = Object::of(ObjectKind::Tree, level.encode());
            self.top.0.remove(folder.as_bytes());
            self.top.0.insert(key, Entry { mode: FOLDER, id: object.id });
            objects.push(object);
        }
        let object = Object::of(ObjectKind::Tree, self.top.encode());
        self.id = TreeId(object.id.0);
        objects.push(object);
    }
}
