//! Looking into the repository: commits, trees and files as they were. Everything here may touch the disk, so callers
//! keep it off threads that must not wait.

mod changes;
pub mod foreign;
pub mod mirrored;
mod named;
mod tags;

use std::cmp::Reverse;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use git2::{Commit, ErrorCode, ObjectType, Oid, Repository};

use super::commit::{self, CommitRecord};
use super::edit::{Blob, Subject};
use super::id::{ARCHIVES, BRANCHES, BlobId, BranchName, CommitId, ObjectId, TreeId, is_version};
use super::loose;
use super::merge_base::{self, Link};
use super::refs;
use super::repository::{self, OpenError};
use super::tree::{self, Head, Raw, Tree, empty_tree};

/// Something in the repository that should be there cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the repository is damaged: {0}")]
pub struct Damage(pub String);

impl From<git2::Error> for Damage {
    fn from(error: git2::Error) -> Self {
        Damage(error.message().to_owned())
    }
}

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

/// Where a ref is, unless that cannot be read.
pub type Tip = Result<CommitId, Damage>;

/// The branches of a repository.
#[derive(Debug, Clone)]
pub struct Branches {
    /// Each with its newest commit.
    pub branches: Vec<(BranchName, Tip)>,
    /// Full names of refs among the branches that are none of ours.
    pub others: Vec<String>,
}

/// Reads the repository. Each call uses a git handle of its own, so calls do not wait for each other.
pub struct Reader {
    path: PathBuf,
    /// Another folder of objects.
    beside: Option<PathBuf>,
    idle: Mutex<Vec<Handle>>,
    /// Counts when packs are removed.
    removals: Arc<AtomicU64>,
}

/// A git handle. It keeps every pack open that it ever found.
struct Handle {
    repository: Repository,
    /// Packs that were removed later are no matter to it.
    removals: u64,
}

impl Reader {
    /// Opens the repository at `path`.
    ///
    /// # Errors
    /// There is none, or git cannot read it.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::following(path, Arc::default())
    }

    /// Opens the repository at `path`, from which packs are removed whenever `removals` counts up.
    ///
    /// # Errors
    /// There is none, or git cannot read it.
    pub fn following(path: &Path, removals: Arc<AtomicU64>) -> Result<Self, OpenError> {
        repository::open(path)?;
        Ok(Reader { path: path.to_owned(), beside: None, idle: Mutex::default(), removals })
    }

    /// Works with a handle. If it fails, it may be for a pack that the handle has found and that is gone, so it has a
    /// second try with a handle that finds what is there now.
    pub(super) fn with<T>(
        &self,
        mut work: impl FnMut(&Repository) -> Result<T, Damage>,
    ) -> Result<T, Damage> {
        let (handle, fresh) = match self.idle() {
            Some(handle) => (handle, false),
            None => (self.handle()?, true),
        };
        let before = handle.removals;
        let outcome = work(&handle.repository);
        if outcome.is_err() && (!fresh || self.removals.load(Ordering::Acquire) != before) {
            let handle = self.handle()?;
            let outcome = work(&handle.repository);
            self.keep(handle);
            return outcome;
        }
        self.keep(handle);
        outcome
    }

    fn idle(&self) -> Option<Handle> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let removals = self.removals.load(Ordering::Acquire);
        idle.retain(|handle| handle.removals == removals);
        idle.pop()
    }

    fn handle(&self) -> Result<Handle, Damage> {
        let removals = self.removals.load(Ordering::Acquire);
        let repository = Repository::open_bare(&self.path)?;
        if let Some(beside) = self.beside.as_deref().and_then(Path::to_str) {
            repository.odb()?.add_disk_alternate(beside)?;
        }
        Ok(Handle { repository, removals })
    }

    fn keep(&self, handle: Handle) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
    }

    /// Every branch.
    ///
    /// # Errors
    /// The refs cannot be listed.
    pub fn branches(&self) -> Result<Branches, Damage> {
        let mut found = Branches { branches: Vec::new(), others: Vec::new() };
        for (full, tip) in self.refs_below(BRANCHES)? {
            match BranchName::parse(full.strip_prefix(BRANCHES).unwrap_or(&full)) {
                Ok(name) => found.branches.push((name, tip)),
                Err(_) => found.others.push(full),
            }
        }
        Ok(found)
    }

    /// Full names of refs, and their commits. libgit2 passes over a ref that it cannot read, so the files are looked
    /// at as well.
    fn refs_below(&self, prefix: &str) -> Result<BTreeMap<String, Tip>, Damage> {
        self.with(|repository| {
            let mut names = BTreeSet::new();
            for reference in repository.references_glob(&format!("{prefix}*"))? {
                names.insert(String::from_utf8_lossy(reference?.name_bytes()).into_owned());
            }
            let loose = refs::loose_below(&repository.path().join(prefix), prefix);
            names.extend(loose.map_err(|error| Damage(format!("{prefix}: {error}")))?);
            let tip = |name: &str| {
                let found =
                    target(repository, name).map_err(|damage| Damage(format!("{name}: {}", damage.0)))?;
                found.ok_or_else(|| Damage(format!("{name} cannot be read")))
            };
            Ok(names.into_iter().map(|name| (name.clone(), tip(&name))).collect())
        })
    }

    /// Whether refs lie below a branch's own, where git then cannot keep it.
    ///
    /// # Errors
    /// The refs cannot be listed.
    pub fn has_below(&self, branch: &BranchName) -> Result<bool, Damage> {
        self.with(|repository| {
            let mut below = repository.references_glob(&format!("{}/*", branch.full()))?;
            Ok(below.next().transpose()?.is_some())
        })
    }

    /// Where a branch is.
    ///
    /// # Errors
    /// Its ref is there and cannot be read.
    pub(super) fn tip(&self, branch: &BranchName) -> Result<Option<CommitId>, Damage> {
        Ok(self.named(&branch.full())?.map(|ObjectId(id)| CommitId(id)))
    }

    /// The newest state of a branch.
    ///
    /// # Errors
    /// Its commit or trees cannot be read.
    pub fn head(&self, branch: &BranchName) -> Result<Option<Head>, Damage> {
        let tip = self.with(|repository| target(repository, &branch.full()))?;
        tip.map(|tip| self.state(tip)).transpose()
    }

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

    /// The best common ancestors of two commits (git-merge-base): none where their histories have nothing in common,
    /// and several where each had taken in the other's past before. Costs what both did since, not what came before.
    ///
    /// # Errors
    /// A commit on the way cannot be read.
    pub fn merge_bases(&self, one: CommitId, other: CommitId) -> Result<Vec<CommitId>, Damage> {
        self.with(|repository| {
            let mut read = |id| {
                let commit = find_commit(repository, id)?;
                Ok::<_, Damage>(Link {
                    time: commit.time().seconds(),
                    parents: commit.parent_ids().collect(),
                })
            };
            Ok(merge_base::merge_bases(one.0, other.0, &mut read)?.into_iter().map(CommitId).collect())
        })
    }

    /// Where an archived branch ended.
    ///
    /// # Errors
    /// The refs cannot be read.
    pub fn archive(&self, name: &str) -> Result<Option<CommitId>, Damage> {
        if !is_archive_name(name) {
            return Ok(None);
        }
        self.with(|repository| target(repository, &format!("{ARCHIVES}{name}")))
    }

    /// The names of all archived branches and where they ended, oldest first for each branch.
    ///
    /// # Errors
    /// The refs cannot be listed.
    pub fn archives(&self) -> Result<Vec<(String, Tip)>, Damage> {
        let found = self.refs_below(ARCHIVES)?.into_iter();
        Ok(found.map(|(full, tip)| (full.strip_prefix(ARCHIVES).unwrap_or(&full).to_owned(), tip)).collect())
    }

    /// The commit that `version` names: its full id, or a prefix of seven or more lower-case hex digits that no other
    /// commit reachable from `tip` shares. Only commits reachable from `tip` are found.
    ///
    /// # Errors
    /// A commit on the way cannot be read.
    pub fn resolve(&self, tip: CommitId, version: &str) -> Result<Option<CommitId>, Damage> {
        if !is_version(version) {
            return Ok(None);
        }
        self.with(|repository| {
            if let Some(ObjectId(id)) = ObjectId::from_hex(version) {
                let reachable = id == tip.0
                    || (is_commit(repository, id) && repository.graph_descendant_of(tip.0, id)?);
                return Ok(reachable.then_some(CommitId(id)));
            }
            let mut walk = repository.revwalk()?;
            walk.push(tip.0)?;
            let mut found = None;
            for id in walk {
                let id = id?;
                if id.to_string().starts_with(version) && found.replace(CommitId(id)).is_some() {
                    return Ok(None);
                }
            }
            Ok(found)
        })
    }

    /// Visits the commits at which `subject` changed, newest first, along the first parents from `tip`.
    ///
    /// # Errors
    /// A commit or a tree on the way cannot be read.
    pub fn history(
        &self,
        tip: CommitId,
        subject: &Subject,
        mut visit: impl FnMut(CommitRecord),
    ) -> Result<(), Damage> {
        // What was visited cannot be taken back for a second try.
        let handle = self.handle()?;
        let repository = &handle.repository;
        let mut commit = find_commit(repository, tip.0)?;
        let mut after = Sighting::of(repository, &commit, subject)?;
        loop {
            let parent = commit.parent_id(0).ok().map(|id| find_commit(repository, id)).transpose()?;
            let before = match &parent {
                Some(parent) => after.before(repository, parent, subject)?,
                None => Sighting::nothing(),
            };
            if before.id != after.id {
                visit(commit::record(&commit));
            }
            let Some(parent) = parent else { return Ok(()) };
            (commit, after) = (parent, before);
        }
    }

    /// Visits the commits along the first parents from `tip`, newest first, as long as that answers true.
    ///
    /// # Errors
    /// A commit on the way cannot be read.
    pub fn first_parents(
        &self,
        tip: CommitId,
        mut visit: impl FnMut(&CommitRecord) -> bool,
    ) -> Result<(), Damage> {
        // What was visited cannot be taken back for a second try.
        let handle = self.handle()?;
        let mut next = Some(tip.0);
        while let Some(id) = next {
            let commit = find_commit(&handle.repository, id)?;
            next = if visit(&commit::record(&commit)) { commit.parent_ids().next() } else { None };
        }
        Ok(())
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

    /// Every commit that is reachable from `tip`, newest first.
    ///
    /// # Errors
    /// A commit on the way cannot be read.
    pub fn ancestry(&self, tip: CommitId) -> Result<Vec<CommitId>, Damage> {
        self.with(|repository| {
            let mut found = BTreeMap::new();
            let mut todo = vec![tip.0];
            while let Some(id) = todo.pop() {
                if let Entry::Vacant(place) = found.entry(id) {
                    let commit = find_commit(repository, id)?;
                    todo.extend(commit.parent_ids());
                    place.insert(commit.time().seconds());
                }
            }
            let mut commits: Vec<_> =
                found.into_iter().map(|(id, time)| (Reverse(time), CommitId(id))).collect();
            commits.sort_unstable();
            Ok(commits.into_iter().map(|(_, id)| id).collect())
        })
    }
}

/// Whether a subject has parts in a top-level folder.
fn reaches(subject: &Subject, folder: &str) -> bool {
    match subject {
        Subject::Branch => true,
        Subject::Folder(name) => name == folder,
        Subject::File(path) => path.split_once('/').is_some_and(|(above, _)| above == folder),
    }
}

/// Whether a file belongs to a subject.
fn holds(subject: &Subject, path: &str) -> bool {
    match subject {
        Subject::Branch => true,
        Subject::Folder(name) => path.split_once('/').is_some_and(|(folder, _)| folder == name),
        Subject::File(wanted) => wanted == path,
    }
}

/// A branch's name and a time, as the committer puts them together.
fn is_archive_name(name: &str) -> bool {
    name.split_once('/').is_some_and(|(branch, stamp)| {
        BranchName::parse(branch).is_ok()
            && (1..=40).contains(&stamp.len())
            && stamp.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'T' | b'Z' | b'.'))
            && !stamp.contains("..")
            && !stamp.ends_with('.')
    })
}

fn target(repository: &Repository, full: &str) -> Result<Option<CommitId>, Damage> {
    match repository.find_reference(full).and_then(|reference| reference.peel_to_commit()) {
        Ok(commit) => Ok(Some(CommitId(commit.id()))),
        Err(error) if error.code() == ErrorCode::NotFound && error.class() == git2::ErrorClass::Reference => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn is_commit(repository: &Repository, id: Oid) -> bool {
    repository
        .odb()
        .and_then(|objects| objects.read_header(id))
        .is_ok_and(|(_, kind)| kind == ObjectType::Commit)
}

fn bytes(repository: &Repository, id: BlobId) -> Result<Bytes, Damage> {
    object(repository, id.0, ObjectType::Blob)
}

/// A commit, whose file has been seen to be whole.
fn find_commit(repository: &Repository, id: Oid) -> Result<Commit<'_>, Damage> {
    check(repository, id)?;
    repository
        .find_commit(id)
        .map_err(|error| Damage(format!("commit {id} cannot be read: {}", error.message())))
}

fn check(repository: &Repository, id: Oid) -> Result<(), Damage> {
    let whole = loose::find(&repository.path().join("objects"), ObjectId(id)).map(|_| ());
    whole.map_err(|error| Damage(format!("object {id} cannot be read: {error}")))
}

/// An object's bytes, if they are what its id says. libgit2's own look would cost four times as much.
fn object(repository: &Repository, id: Oid, kind: ObjectType) -> Result<Bytes, Damage> {
    if id == empty_tree().0 {
        return Ok(Bytes::new());
    }
    // libgit2 never comes back from a loose object that is cut off.
    let loose = loose::find(&repository.path().join("objects"), ObjectId(id));
    let loose = loose.map_err(|error| Damage(format!("{kind} {id} cannot be read: {error}")))?;
    if let Some(found) = loose.filter(|found| ObjectType::from(found.kind) == kind) {
        return Ok(found.bytes);
    }
    let objects = repository.odb()?;
    // The library's words seldom say which object it is about.
    let object = objects
        .read(id)
        .map_err(|error| Damage(format!("{kind} {id} cannot be read: {}", error.message())))?;
    if object.kind() != kind || !ObjectId(id).is_of(kind, object.data()) {
        return Err(Damage(format!("{id} is not the {kind} that it should be")));
    }
    Ok(Bytes::copy_from_slice(object.data()))
}

/// What a subject was at a commit. Remembers the tree above it: while that is the same, so is the subject.
struct Sighting {
    above: Option<Oid>,
    id: Option<ObjectId>,
}

impl Sighting {
    /// Before the first commit.
    fn nothing() -> Self {
        Sighting { above: None, id: None }
    }

    fn of(repository: &Repository, commit: &Commit<'_>, subject: &Subject) -> Result<Self, Damage> {
        Sighting::nothing().before(repository, commit, subject)
    }

    /// The subject at the commit before.
    fn before(
        &self,
        repository: &Repository,
        commit: &Commit<'_>,
        subject: &Subject,
    ) -> Result<Self, Damage> {
        let top = commit.tree_id();
        let path = match subject {
            Subject::Branch => {
                return Ok(Sighting { above: None, id: Some(ObjectId(top)) });
            }
            Subject::Folder(name) => {
                return Ok(Sighting { above: None, id: child(repository, top, name)? });
            }
            Subject::File(path) => path,
        };
        let (above, name) = match path.split_once('/') {
            Some((folder, name)) => (child(repository, top, folder)?.map(|id| id.0), name),
            None => (Some(top), path.as_str()),
        };
        let id = match above {
            None => None,
            Some(above) if self.above == Some(above) => self.id,
            Some(above) => child(repository, above, name)?,
        };
        Ok(Sighting { above, id })
    }
}

fn child(repository: &Repository, tree: Oid, name: &str) -> Result<Option<ObjectId>, Damage> {
    if tree == empty_tree().0 {
        return Ok(None);
    }
    Ok(repository.find_tree(tree)?.get_name(name).map(|entry| ObjectId(entry.id())))
}
