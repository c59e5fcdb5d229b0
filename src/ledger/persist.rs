//! The one step that makes a batch last. The committer makes finished objects and ref moves; what becomes of them is
//! decided here and nowhere else.

use std::fs::File;
use std::io;
use std::path::Path;

use bytes::Bytes;
use git2::{ErrorCode, ObjectType, Repository};

use super::id::{BRANCHES, CommitId, ObjectId};

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    Blob,
    Tree,
    Commit,
}

impl From<ObjectKind> for ObjectType {
    fn from(kind: ObjectKind) -> Self {
        match kind {
            ObjectKind::Blob => ObjectType::Blob,
            ObjectKind::Tree => ObjectType::Tree,
            ObjectKind::Commit => ObjectType::Commit,
        }
    }
}

/// A finished object.
#[derive(Debug, Clone)]
pub struct Object {
    pub kind: ObjectKind,
    pub id: ObjectId,
    pub bytes: Bytes,
}

impl Object {
    pub(super) fn new(kind: ObjectKind, id: ObjectId, bytes: Bytes) -> Self {
        Object { kind, id, bytes }
    }

    pub(super) fn of(kind: ObjectKind, bytes: Vec<u8>) -> Self {
        Object { kind, id: ObjectId::of(kind.into(), &bytes), bytes: bytes.into() }
    }
}

/// A ref that moves from one commit to another; `None` is its absence.
#[derive(Debug, Clone)]
pub struct RefMove {
    pub name: String,
    pub from: Option<CommitId>,
    pub to: Option<CommitId>,
}

/// Everything that one batch of changes adds to the repository.
#[derive(Debug, Default)]
pub struct Batch {
    pub objects: Vec<Object>,
    pub moves: Vec<RefMove>,
}

/// Why a batch did not last.
#[derive(Debug, thiserror::Error)]
pub enum PersistError {
    #[error("{name} is at {found}, not where this service left it")]
    Moved { name: String, found: String },
    #[error("object {expected} was written as {found}")]
    Miswritten { expected: ObjectId, found: ObjectId },
    #[error("{0}")]
    Git(#[from] git2::Error),
    #[error("{0}")]
    Io(#[from] io::Error),
}

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
        Ok(LooseObjects { repository: Repository::open_bare(path)?, directory: File::open(path)? })
    }

    fn sync(&self) -> io::Result<()> {
        // One call for many new files and folders. libgit2's own switch would sync each file by itself and leave out
        // the folders that it creates.
        #[cfg(target_os = "linux")]
        rustix::fs::syncfs(&self.directory)?;
        #[cfg(not(target_os = "linux"))]
        {
            rustix::fs::sync();
            self.directory.sync_all()?;
        }
        Ok(())
    }

    fn move_refs(&self, moves: &[RefMove]) -> Result<(), PersistError> {
        let mut transaction = self.repository.transaction()?;
        for RefMove { name, from, to } in moves {
            transaction.lock_ref(name)?;
            let found = match self.repository.refname_to_id(name) {
                Ok(id) => Some(CommitId(id)),
                Err(error) if error.code() == ErrorCode::NotFound => None,
                Err(error) => return Err(error.into()),
            };
            if found != *from {
                let found = found.map_or_else(|| "nothing".to_owned(), |id| id.to_string());
                return Err(PersistError::Moved { name: name.clone(), found });
            }
            match to {
                Some(id) => transaction.set_target(name, id.0, None, "")?,
                None => transaction.remove(name)?,
            }
        }
        Ok(transaction.commit()?)
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
            let found = ObjectId(objects.write(object.kind.into(), &object.bytes)?);
            if found != object.id {
                return Err(PersistError::Miswritten { expected: object.id, found });
            }
        }
        // Objects last before any ref names them: a power cut between the two leaves the old state, whole.
        self.sync()?;
        self.move_refs(&batch.moves)?;
        // Only a ref that comes or goes can leave HEAD without a branch.
        if batch.moves.iter().any(|m| m.from.is_none() || m.to.is_none()) {
            self.mend_head()?;
        }
        Ok(self.sync()?)
    }
}
