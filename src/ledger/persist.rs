//! The one step that makes a batch last. The committer makes finished objects and ref moves; what becomes of them is
//! decided here and nowhere else.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use git2::{ErrorCode, Odb, Repository};

use super::batch::{Batch, PersistError};
use super::id::{BRANCHES, ObjectId};
use super::{refs, repository};

/// Makes batches last.
pub trait Persist: Send {
    /// When this returns, the batch survives a power cut and `git` sees it.
    ///
    /// # Errors
    /// The batch may be there in whole, in part, or not at all; the refs tell.
    fn persist(&mut self, batch: &Batch) -> Result<(), PersistError>;
}

/// Loose objects and refs, each batch synced with the file system that holds them.
pub struct LooseObjects {
    repository: Repository,
    directory: File,
}

impl LooseObjects {
    /// Opens the repository at `path` for writing.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path) -> Result<Self, PersistError> {
        let opened = LooseObjects { repository: Repository::open_bare(path)?, directory: File::open(path)? };
        // Whoever was killed may have left a state that git shows and the disk does not hold yet.
        opened.sync()?;
        Ok(opened)
    }

    fn sync(&self) -> io::Result<()> {
        // One call for many new files and folders. libgit2's own switch would sync each file by itself and leave out
        // the folders that it creates.
        repository::sync_file_system(&self.directory)
    }

    /// An object that is there already is not written again, so it must be whole: a power cut may have left its file
    /// empty or damaged.
    fn discard_damaged(&self, objects: &Odb<'_>, id: ObjectId) -> io::Result<()> {
        if !objects.exists(id.0) || objects.read(id.0).is_ok() {
            return Ok(());
        }
        let hex = id.to_string();
        let file = self.repository.path().join("objects").join(&hex[..2]).join(&hex[2..]);
        tracing::warn!(object = %id, "removing a damaged object, to write it again");
        fs::remove_file(file)
    }

    /// `HEAD` names a branch that exists, so that a clone checks something out.
    fn mend_head(&self) -> Result<(), git2::Error> {
        match self.repository.head() {
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {}
            _ => return Ok(()),
        }
        let mut names = Vec::new();
        for reference in self.repository.references_glob(&format!("{BRANCHES}*"))? {
            names.extend(reference?.name().map(str::to_owned));
        }
        match names.iter().min() {
            Some(first) => self.repository.set_head(first),
            None => Ok(()),
        }
    }
}

impl Persist for LooseObjects {
    fn persist(&mut self, batch: &Batch) -> Result<(), PersistError> {
        let objects = self.repository.odb()?;
        for object in &batch.objects {
            self.discard_damaged(&objects, object.id)?;
            let found = ObjectId(objects.write(object.kind.into(), &object.bytes)?);
            if found != object.id {
                return Err(PersistError::Miswritten { expected: object.id, found });
            }
        }
        // Objects last before any ref names them: a power cut between the two leaves the old state, whole.
        self.sync()?;
        let (gone, moved): (Vec<_>, Vec<_>) = batch.moves.iter().cloned().partition(|m| m.to.is_none());
        refs::apply(&self.repository, &moved)?;
        if !gone.is_empty() {
            // The archives are among those that moved: a branch must not go before its commits are kept elsewhere.
            self.sync()?;
            refs::apply(&self.repository, &gone)?;
        }
        // Only a ref that comes or goes can leave HEAD without a branch.
        if batch.moves.iter().any(|m| m.from.is_none() || m.to.is_none()) {
            self.mend_head()?;
        }
        Ok(self.sync()?)
    }
}
