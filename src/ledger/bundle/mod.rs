//! Bundles: everything that a repository holds in one file, as `git bundle` makes it (gitformat-bundle): a list of refs,
//! and a pack of all that they lead to.
//!
//! - `heading`: the list; `listing`: the refs of a repository
//! - `walk`: all that refs lead to; `packing`: a pack as it grows
//! - `unpack`: a bundle that is read, and found whole and sound; `sums`: what finds damage first
//! - [`backup`], [`restore`]: into a folder, and back from there; `naming`: what bundles are called there
//! - [`deliver`]: back into a service that runs; [`fates`]: what becomes of each ref

pub mod backup;
pub mod deliver;
pub mod fates;
mod heading;
mod listing;
mod naming;
mod packing;
pub mod restore;
mod sums;
mod unpack;
mod walk;

use std::io;
use std::path::{Path, PathBuf};

use super::batch::PersistError;
use super::reader::Damage;
use super::repository::OpenError;

/// Why nothing was backed up or restored.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Of the repository that is backed up, or restored into.
    #[error(transparent)]
    Damage(#[from] Damage),
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error("there is no backup in {}: none of its files has a name such as {}", path.display(), naming::EXAMPLE)]
    NoBackup { path: PathBuf },
    #[error("{} is no backup that could be restored: {reason}", path.display())]
    Unsound { path: PathBuf, reason: String },
    #[error("the backup was made and does not stand up to the check, so it was removed: {0}")]
    Miswritten(String),
    #[error("the repository {} has no refs, so there is nothing to back up", path.display())]
    Empty { path: PathBuf },
    #[error("the refs of {} come and go faster than they can be listed; try again", path.display())]
    Restless { path: PathBuf },
    #[error(
        "there is no repository in {}, but a journal that belongs to one: {} may hold the last changes before a crash. Put the \
         repository back beside it, or move the journal away",
        data.display(), journal.display()
    )]
    Journal { data: PathBuf, journal: PathBuf },
    #[error(
        "{reason}. Stop the service first, or bring the backup in while it runs, by its address:\n  revconf restore --server \
         {1} {0}\nor with git, to which it is a remote like any other:\n  git clone --mirror {0} copy.git\n  \
         git -C copy.git push {1}/git 'refs/heads/*' 'refs/tags/*'",
        bundle.display(), url
    )]
    InUse { reason: String, bundle: PathBuf, url: String },
    #[error("{0}")]
    Address(String),
    /// Git's own words, and the service's.
    #[error("the service at {url} cannot be restored into: {reason}")]
    Service { url: String, reason: String },
    #[error("the repository cannot be written: {0}")]
    Persist(#[from] PersistError),
}

/// An error of the disk, with the file that it is about.
fn at(path: &Path) -> impl FnOnce(io::Error) -> BundleError + use<> {
    let path = path.to_owned();
    move |error| BundleError::Io { path, error }
}
