//! The newest state of every configuration, in memory, as ready-to-send bytes. Readers take a snapshot without a lock;
//! the committer's thread swaps in the next one before it answers.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use bytes::{Bytes, BytesMut};
use imbl::OrdMap;

use super::error::Error;
use super::feed::Feeds;
use super::name;
use crate::document::{EntryId, KINDS, Kind};
use crate::format::{self, Files, Header, Misfit, header};
use crate::ledger::{
    Audience, Blob, BlobId, BranchName, CommitId, Committed, Damage, Head, Reader, Subject, TreeId,
    empty_tree,
};

/// An entry's newest version.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What git names its file's content.
    pub blob: BlobId,
    /// The answer to whoever asks for it: the file, byte for byte.
    pub bytes: Bytes,
}

/// A kind's entries in one configuration.
#[derive(Debug)]
pub struct Set {
    pub kind: &'static Kind,
    /// What git names its folder's content.
    pub tree: TreeId,
    pub entries: OrdMap<EntryId, Entry>,
    /// Whose entry a file is: a shortened name does not tell.
    names: OrdMap<String, EntryId>,
    answer: OnceLock<Bytes>,
}

impl Set {
    fn new(kind: &'static Kind, tree: TreeId) -> Self {
        Set { kind, tree, entries: OrdMap::new(), names: OrdMap::new(), answer: OnceLock::new() }
    }

    /// Of documents of an old version.
    pub(super) fn of(
        kind: &'static Kind,
        tree: TreeId,
        documents: impl Iterator<Item = (EntryId, Blob)>,
    ) -> Self {
        let entries = documents.map(|(id, blob)| (id, Entry { blob: blob.id, bytes: blob.bytes })).collect();
        Set { entries, ..Set::new(kind, tree) }
    }

    fn put(&mut self, name: &str, id: EntryId, blob: Blob) {
        self.names.insert(name.to_owned(), id.clone());
        self.entries.insert(id, Entry { blob: blob.id, bytes: blob.bytes });
    }

    fn remove(&mut self, name: &str) {
        if let Some(id) = self.names.remove(name) {
            self.entries.remove(&id);
        }
    }

    /// `{"total","items"}`, sorted by id; made once and shared.
    pub fn answer(&self) -> Bytes {
        self.answer.get_or_init(|| set_answer(self.entries.values().map(|entry| entry.bytes.clone()))).clone()
    }
}

/// `{"total","items"}` of documents that are JSON already, in the order in which they come.
pub fn set_answer(documents: impl ExactSizeIterator<Item = Bytes>) -> Bytes {
    let mut answer = BytesMut::from(format!("{{\"total\":{},\"items\":[", documents.len()).as_bytes());
    join(&mut answer, documents);
    answer.extend_from_slice(b"]}\n");
    answer.freeze()
}

/// Writes documents with commas between them, each on lines of its own.
pub fn join(into: &mut BytesMut, documents: impl Iterator<Item = Bytes>) {
    for (nth, document) in documents.enumerate() {
        into.extend_from_slice(if nth == 0 { b"\n" } else { b",\n" });
        into.extend_from_slice(document.trim_ascii_end());
    }
}

/// What a configuration holds.
#[derive(Debug)]
pub struct Contents {
    pub header: Header,
    /// One for each kind, in the order of the kinds.
    sets: Vec<Arc<Set>>,
}

impl Contents {
    /// Of a configuration that is not there yet.
    pub(super) fn new() -> Self {
        let header = Header::new(format::FORMAT, "");
        let sets = KINDS.iter().map(|kind| Arc::new(Set::new(kind, empty_tree()))).collect();
        Contents { header, sets }
    }

    /// Of a commit.
    pub(super) fn at(reader: &Reader, commit: CommitId) -> Result<Self, Error> {
        let files = reader.files(commit, &[Subject::Branch])?;
        let contents = Self::read(&reader.state(commit)?, &files);
        contents.map_err(|problem| Error::Damaged(format!("version {commit}: {problem}")))
    }

    /// The set of a kind.
    pub fn set(&self, kind: &Kind) -> Option<&Arc<Set>> {
        self.sets.iter().find(|set| set.kind == kind)
    }

    /// Every set.
    pub fn sets(&self) -> impl Iterator<Item = &Arc<Set>> {
        self.sets.iter()
    }

    /// Reads all files of a branch. Older formats are read as today's.
    fn read(head: &Head, files: &BTreeMap<String, Blob>) -> Result<Self, Problem> {
        let header = files.get(header::PATH).ok_or(Misfit::NoHeader);
        let mut header = header
            .and_then(|file| Header::decode(&file.bytes))
            .map_err(|misfit| Problem::new(header::PATH, &misfit))?;
        let mut today: BTreeMap<String, Bytes> =
            files.iter().map(|(path, blob)| (path.clone(), blob.bytes.clone())).collect();
        if header.format < format::FORMAT {
            let old: Files = files.iter().map(|(path, blob)| (path.clone(), blob.bytes.to_vec())).collect();
            let new = format::upgrade(old);
            let new = new.map_err(|misfit| Problem::new("the upgrade to today's format", &misfit))?;
            today = new.into_iter().map(|(path, bytes)| (path, bytes.into())).collect();
            header.format = format::FORMAT;
        }
        let mut sets: Vec<Set> = KINDS.iter().map(|kind| Set::new(kind, head.folder(kind.name))).collect();
        for (path, bytes) in today {
            let Some((kind, name)) = format::place(&path) else {
                continue;
            };
            let document =
                format::decode(kind, name, &bytes).map_err(|misfit| Problem::new(&path, &misfit))?;
            let canonical = document.text().clone();
            // The tag is the file's own, even where somebody has laid it out by hand.
            let blob = files
                .get(&path)
                .filter(|blob| blob.bytes == bytes)
                .map_or_else(|| BlobId::of(&canonical), |b| b.id);
            if let Some(set) = sets.iter_mut().find(|set| set.kind == kind) {
                set.put(name, document.id().clone(), Blob { id: blob, bytes: canonical });
            }
        }
        Ok(Contents { header, sets: sets.into_iter().map(Arc::new).collect() })
    }

    /// The contents after some files changed. Files that are this program's own need no second check.
    fn with(&self, head: &Head, files: BTreeMap<String, Option<Blob>>, ours: bool) -> Result<Self, Problem> {
        let mut header = self.header.clone();
        let mut sets = self.sets.clone();
        let mut touched: Vec<Option<Set>> = sets.iter().map(|_| None).collect();
        for (path, blob) in files {
            if path == header::PATH {
                if let Some(blob) = blob {
                    header = Header::decode(&blob.bytes).map_err(|misfit| Problem::new(&path, &misfit))?;
                }
                continue;
            }
            let Some((kind, name)) = format::place(&path) else {
                continue;
            };
            let Some(nth) = sets.iter().position(|set| set.kind == kind) else {
                continue;
            };
            let set = touched[nth].get_or_insert_with(|| {
                let before = &sets[nth];
                Set {
                    entries: before.entries.clone(),
                    names: before.names.clone(),
                    ..Set::new(kind, head.folder(kind.name))
                }
            });
            match blob {
                None => set.remove(name),
                Some(blob) => {
                    let misfit = |misfit| Problem::new(&path, &misfit);
                    if ours {
                        let id = format::id_of(&blob.bytes).map_err(misfit)?;
                        set.put(name, id, blob);
                    } else {
                        let document = format::decode(kind, name, &blob.bytes).map_err(misfit)?;
                        // The tag is the file's own, even where somebody has laid it out by hand.
                        let blob = Blob { id: blob.id, bytes: document.text().clone() };
                        set.put(name, document.id().clone(), blob);
                    }
                }
            }
        }
        for (set, touched) in sets.iter_mut().zip(touched) {
            if let Some(touched) = touched {
                *set = Arc::new(touched);
            }
        }
        Ok(Contents { header, sets })
    }
}

/// Why a configuration cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {reason}")]
pub struct Problem {
    pub file: String,
    pub reason: String,
    /// A newer release may know better; nothing is wrong with the repository.
    pub newer: bool,
}

impl Problem {
    fn new(file: &str, misfit: &Misfit) -> Self {
        Problem {
            file: file.to_owned(),
            reason: misfit.to_string(),
            newer: matches!(misfit, Misfit::Newer { .. }),
        }
    }
}

/// The newest state of a configuration. Immutable.
#[derive(Debug)]
pub struct Configuration {
    pub name: BranchName,
    pub head: Head,
    pub contents: Result<Contents, Problem>,
}

impl Configuration {
    /// The newest commit.
    pub fn version(&self) -> CommitId {
        self.head.commit
    }
}

/// All configurations.
#[derive(Default)]
pub struct Catalogue {
    configurations: ArcSwap<OrdMap<BranchName, Arc<Configuration>>>,
    feeds: Feeds,
    /// Those whose newest version is not known, and why. To say that they are not there would have somebody make them
    /// anew.
    lost: ArcSwap<OrdMap<BranchName, String>>,
}

impl Catalogue {
    /// One configuration as it is now.
    pub fn get(&self, name: &str) -> Option<Arc<Configuration>> {
        self.configurations.load().get(name).cloned()
    }

    /// All of them as they are now, by name.
    pub fn all(&self) -> Arc<OrdMap<BranchName, Arc<Configuration>>> {
        self.configurations.load_full()
    }

    /// For those who follow what happens.
    pub fn feeds(&self) -> &Feeds {
        &self.feeds
    }

    /// Why a configuration that is there is not to be had.
    pub fn lost(&self, name: &str) -> Option<String> {
        self.lost.load().get(name).cloned()
    }

    fn publish(&self, name: &BranchName, head: &Head, contents: Result<Contents, Problem>) {
        if let Err(problem) = &contents {
            tracing::error!(configuration = %name, commit = %head.commit, %problem, "the configuration cannot be served");
        }
        let configuration = Arc::new(Configuration { name: name.clone(), head: head.clone(), contents });
        self.configurations.rcu(|all| all.update(name.clone(), Arc::clone(&configuration)));
        self.lost.rcu(|lost| lost.without(name));
    }
}

impl Audience for Catalogue {
    fn moved(
        &self,
        branch: &BranchName,
        head: &Head,
        files: BTreeMap<String, Option<Blob>>,
        ours: bool,
    ) -> bool {
        let before = self.get(branch.as_str());
        // What could not be served before may be sound now; only all of its files tell.
        let Some(Ok(contents)) = before.as_ref().map(|before| &before.contents) else { return false };
        self.publish(branch, head, contents.with(head, files, ours));
        true
    }

    fn loaded(&self, branch: &BranchName, head: &Head, files: Result<BTreeMap<String, Blob>, Damage>) {
        if let Err(fault) = name::parse(branch.as_str()) {
            tracing::warn!(%branch, %fault, "not a configuration's name; the branch is left alone");
            return;
        }
        let contents = match files {
            Ok(files) => Contents::read(head, &files),
            Err(damage) => {
                Err(Problem { file: "a file".to_owned(), reason: damage.to_string(), newer: false })
            }
        };
        self.publish(branch, head, contents);
        self.feeds.moved(branch, head.commit);
    }

    // Only now, when the state is there to be read that the commits led to.
    fn committed(&self, branch: &BranchName, commits: Vec<Committed>) {
        self.feeds.committed(branch, commits);
    }

    fn unreadable(&self, branch: &BranchName, damage: &Damage) {
        self.lost.rcu(|lost| lost.update(branch.clone(), damage.to_string()));
    }

    fn tagged(&self, branch: &BranchName) {
        self.feeds.touched(branch);
    }

    fn gone(&self, branch: &BranchName) {
        self.configurations.rcu(|all| all.without(branch));
        self.feeds.gone(branch);
        self.lost.rcu(|lost| lost.without(branch));
    }
}
