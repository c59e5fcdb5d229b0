//! A disk that knows which of what was written to it would outlive a power cut: what was synced does, in what it holds and,
//! apart from that, under which names it is found. Of everything else any part may be there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::trace::{Done, Event};
use crate::support::chance::Chance;

/// In bytes. A disk writes as much of it whole.
const SECTOR: usize = 512;

/// Of one folder and all below it.
pub struct Disk {
    root: PathBuf,
    files: Vec<Content>,
    /// What processes see.
    names: BTreeMap<PathBuf, Node>,
    lasting: BTreeMap<PathBuf, Node>,
    /// Changes of names that are not synced, with the lines of the trace that they ended at.
    changes: Vec<(usize, Renaming)>,
}

#[derive(Clone, Copy)]
enum Node {
    Folder,
    File(usize),
}

#[derive(Default)]
struct Content {
    lasting: Vec<u8>,
    /// What is not synced, as above.
    changes: Vec<(usize, Change)>,
    /// Where the next bytes go.
    position: u64,
}

enum Change {
    Write(u64, Vec<u8>),
    Length(u64),
}

enum Renaming {
    Made(PathBuf, Node),
    Removed(PathBuf),
    Moved(PathBuf, PathBuf, Node),
}

impl Renaming {
    fn folder(&self) -> Option<&Path> {
        let (Renaming::Made(path, _) | Renaming::Removed(path) | Renaming::Moved(_, path, _)) = self;
        path.parent()
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, Node>) {
        match self {
            Renaming::Made(path, node) => _ = names.insert(path.clone(), *node),
            Renaming::Removed(path) => _ = names.remove(path),
            Renaming::Moved(from, to, node) => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

impl Change {
    /// Of a write only so many bytes.
    fn apply(&self, content: &mut Vec<u8>, most: usize) {
        match self {
            Change::Write(at, bytes) => {
                let (at, bytes) = (*at as usize, &bytes[..bytes.len().min(most)]);
                content.resize(content.len().max(at + bytes.len()), 0);
                content[at..at + bytes.len()].copy_from_slice(bytes);
            }
            Change::Length(length) => content.resize(*length as usize, 0),
        }
    }

    fn len(&self) -> usize {
        if let Change::Write(_, bytes) = self { bytes.len() } else { 0 }
    }
}

/// How much of what was not synced a power cut leaves.
#[derive(Clone, Copy, Debug)]
pub enum Leaves {
    Nothing,
    Everything,
    /// Of each folder and each file the first few changes.
    First,
    /// Any of the changes, and writes by half.
    Any,
}

impl Leaves {
    pub const ALL: [Leaves; 4] = [Leaves::Nothing, Leaves::Everything, Leaves::First, Leaves::Any];

    /// Which of so many changes.
    fn choose(self, count: usize, chance: &mut Chance) -> Vec<bool> {
        let first = chance.below(count + 1);
        let is_there = |nth: usize, chance: &mut Chance| match self {
            Leaves::Nothing => false,
            Leaves::Everything => true,
            Leaves::First => nth < first,
            Leaves::Any => chance.below(2) > 0,
        };
        (0..count).map(|nth| is_there(nth, chance)).collect()
    }
}

impl Disk {
    /// A folder as it is, all of which lasts.
    pub fn of(root: &Path) -> Self {
        let mut disk = Disk {
            root: root.to_owned(),
            files: Vec::new(),
            names: BTreeMap::new(),
            lasting: BTreeMap::new(),
            changes: Vec::new(),
        };
        disk.add(root);
        disk.lasting = disk.names.clone();
        disk
    }

    fn add(&mut self, folder: &Path) {
        self.names.insert(folder.to_owned(), Node::Folder);
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                self.add(&path);
            } else {
                let lasting = fs::read(&path).expect("a file");
                self.files.push(Content { lasting, ..Content::default() });
                self.names.insert(path, Node::File(self.files.len() - 1));
            }
        }
    }

    fn file(&mut self, path: &Path) -> Option<&mut Content> {
        match self.names.get(path) {
            Some(Node::File(file)) => Some(&mut self.files[*file]),
            _ => None,
        }
    }

    fn rename(&mut self, at: usize, change: Renaming) {
        change.apply(&mut self.names);
        self.changes.push((at, change));
    }

    pub fn take(&mut self, event: &Event) {
        let (began, ended) = (event.began, event.ended);
        match &event.done {
            Done::Opened { path, empty } if path.starts_with(&self.root) => {
                if self.file(path).is_none() {
                    self.files.push(Content::default());
                    self.rename(ended, Renaming::Made(path.clone(), Node::File(self.files.len() - 1)));
                }
                if let Some(file) = self.file(path) {
                    file.position = 0;
                    file.changes.extend(empty.then_some((ended, Change::Length(0))));
                }
            }
            Done::Written { path, at, bytes } => {
                if let Some(file) = self.file(path) {
                    let place = at.unwrap_or(file.position);
                    file.position = place + bytes.len() as u64;
                    file.changes.push((ended, Change::Write(place, bytes.clone())));
                }
            }
            Done::Cut { path, length } => {
                if let Some(file) = self.file(path) {
                    file.changes.push((ended, Change::Length(*length)));
                }
            }
            Done::Synced { path } => match self.names.get(path) {
                Some(Node::Folder) => self.sync_names(began, Some(path)),
                Some(Node::File(file)) => self.files[*file].sync(began),
                None => {}
            },
            Done::AllSynced => {
                self.sync_names(began, None);
                self.files.iter_mut().for_each(|file| file.sync(began));
            }
            Done::Moved { from, to } => {
                if let Some(node) = self.names.get(from).copied() {
                    self.rename(ended, Renaming::Moved(from.clone(), to.clone(), node));
                }
            }
            Done::Removed { path } if self.names.contains_key(path) => {
                self.rename(ended, Renaming::Removed(path.clone()));
            }
            Done::FolderMade { path } if path.starts_with(&self.root) => {
                self.rename(ended, Renaming::Made(path.clone(), Node::Folder));
            }
            _ => {}
        }
    }

    /// What was done before a sync began lasts.
    fn sync_names(&mut self, began: usize, folder: Option<&Path>) {
        let lasting = &mut self.lasting;
        self.changes.retain(|(ended, change)| {
            let synced = *ended < began && (folder.is_none() || change.folder() == folder);
            if synced {
                change.apply(lasting);
            }
            !synced
        });
    }

    /// What a power cut leaves now, written below another folder. Files whose folders are gone are gone.
    pub fn cut(&self, leaves: (Leaves, Leaves), chance: &mut Chance, to: &Path) {
        let mut names = self.lasting.clone();
        let mut folders: BTreeMap<_, Vec<&Renaming>> = BTreeMap::new();
        for (_, change) in &self.changes {
            folders.entry(change.folder()).or_default().push(change);
        }
        for changes in folders.values() {
            let there = leaves.0.choose(changes.len(), chance);
            changes
                .iter()
                .zip(there)
                .filter(|(_, there)| *there)
                .for_each(|(change, _)| change.apply(&mut names));
        }
        // Folders come before what is in them.
        for (path, node) in names {
            let target = to.join(path.strip_prefix(&self.root).expect("below the root"));
            match node {
                Node::Folder => _ = fs::create_dir(&target),
                Node::File(_) if !target.parent().is_some_and(Path::is_dir) => {}
                Node::File(file) => {
                    let content = self.files[file].after(leaves.1, chance);
                    fs::write(&target, content).expect("a file can be written");
                }
            }
        }
    }
}

impl Content {
    fn sync(&mut self, began: usize) {
        let lasting = &mut self.lasting;
        self.changes.retain(|(ended, change)| {
            if *ended < began {
                change.apply(lasting, usize::MAX);
            }
            *ended >= began
        });
    }

    fn after(&self, leaves: Leaves, chance: &mut Chance) -> Vec<u8> {
        let mut content = self.lasting.clone();
        let there = leaves.choose(self.changes.len(), chance);
        for ((_, change), _) in self.changes.iter().zip(there).filter(|(_, there)| *there) {
            let torn = matches!(leaves, Leaves::Any) && chance.below(3) == 0;
            let most = if torn { chance.below(change.len() / SECTOR + 1) * SECTOR } else { usize::MAX };
            change.apply(&mut content, most);
        }
        content
    }
}
