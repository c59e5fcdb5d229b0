//! Handles of git: how they are opened, and kept for the next call.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use git2::Repository;

use super::{Damage, Reader};
use crate::ledger::repository::{self, OpenError};

/// A git handle. It keeps every pack open that it ever found.
pub(super) struct Handle {
    pub(super) repository: Repository,
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

    /// The same repository, and another folder of objects beside its own.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub fn beside(&self, objects: PathBuf) -> Result<Self, OpenError> {
        let reader = Reader::following(&self.path, Arc::clone(&self.removals))?;
        Ok(Reader { beside: Some(objects), ..reader })
    }

    /// Works with a handle. If it fails, it may be for a pack that the handle has found and that is gone, so it has a
    /// second try with a handle that finds what is there now.
    pub(in crate::ledger) fn with<T>(
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

    pub(super) fn handle(&self) -> Result<Handle, Damage> {
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
}
