//! Looking into the repository: commits, trees and files as they were. Everything here may touch the disk, so callers
//! keep it off threads that must not wait.

mod branches;
mod changes;
mod files;
pub mod foreign;
mod handles;
pub mod mirrored;
mod named;
mod tags;
mod walks;
pub mod ways;

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use git2::{Commit, ErrorCode, ObjectType, Oid, Repository};

use super::edit::Subject;
use super::id::{CommitId, ObjectId};
use super::loose;
use super::tree::empty_tree;
pub use branches::Branches;
pub use files::{Listed, What};
use handles::Handle;

/// Something in the repository that should be there cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the repository is damaged: {0}")]
pub struct Damage(pub String);

impl From<git2::Error> for Damage {
    fn from(error: git2::Error) -> Self {
        Damage(error.message().to_owned())
    }
}

/// Where a ref is, unless that cannot be read.
pub type Tip = Result<CommitId, Damage>;

/// Reads the repository. Each call uses a git handle of its own, so calls do not wait for each other.
pub struct Reader {
    path: PathBuf,
    /// Another folder of objects.
    beside: Option<PathBuf>,
    idle: Mutex<Vec<Handle>>,
    /// Counts when packs are removed.
    removals: Arc<AtomicU64>,
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

fn target(repository: &Repository, full: &str) -> Result<Option<CommitId>, Damage> {
    match repository.find_reference(full).and_then(|reference| reference.peel_to_commit()) {
        Ok(commit) => Ok(Some(CommitId(commit.id()))),
        Err(error) if error.code() == ErrorCode::NotFound && error.class() == git2::ErrorClass::Reference => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
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
