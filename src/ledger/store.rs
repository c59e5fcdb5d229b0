//! The repository as the committer writes it. Nothing here is synced but by [`Store::sync`]: a log makes batches last, and
//! brings the repository up to it after a crash.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::path::Path;

use git2::{ErrorCode, Odb, OdbLookupFlags, Repository};

use super::batch::{Batch, PersistError, RefMove};
use super::id::{BRANCHES, CommitId, ObjectId};
use super::{refs, repository};

/// The repository, writable.
pub struct Store {
    repository: Repository,
    directory: File,
}

impl Store {
    /// Opens the repository at `path`.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path) -> Result<Self, PersistError> {
        Ok(Store { repository: Repository::open_bare(path)?, directory: File::open(path)? })
    }

    /// Another handle of the same repository's folder, for a thread that syncs it.
    ///
    /// # Errors
    /// The system has no more handles.
    pub fn folder(&self) -> io::Result<File> {
        self.directory.try_clone()
    }

    /// All that was written so far survives a power cut.
    ///
    /// # Errors
    /// The disk fails.
    pub fn sync(&self) -> io::Result<()> {
        // One call for many new files and folders. libgit2's own switch would sync each file by itself and leave out
        // the folders that it creates.
        repository::sync_file_system(&self.directory)
    }

    /// Writes a batch's objects.
    ///
    /// # Errors
    /// The disk fails; some of the objects may be there, which does no harm.
    pub fn write_objects(&self, batch: &Batch) -> Result<(), PersistError> {
        let objects = self.repository.odb()?;
        for object in &batch.objects {
            self.discard_damaged(&objects, object.id)?;
            let found = ObjectId(objects.write(object.kind.into(), &object.bytes)?);
            if found != object.id {
                return Err(PersistError::Miswritten { expected: object.id, found });
            }
        }
        Ok(())
    }

    /// Moves a batch's refs.
    ///
    /// # Errors
    /// A ref is elsewhere than expected, and none has moved; or the disk fails, and some may have.
    pub fn move_refs(&self, moves: &[RefMove]) -> Result<(), PersistError> {
        refs::apply(&self.repository, moves)?;
        // Only a ref that comes or goes can leave HEAD without a branch.
        if moves.iter().any(|m| m.from.is_none() || m.to.is_none()) {
            self.mend_head()?;
        }
        Ok(())
    }

    /// Whether any ref is where a batch moves it.
    pub fn has_moved(&self, moves: &[RefMove]) -> bool {
        let there =
            |m: &RefMove| refs::current(&self.repository, &m.name).map_or(true, |found| found == m.to);
        moves.iter().any(there)
    }

    /// Brings the repository to where these batches leave it, wherever among them it is, or whatever a power cut made
    /// of what they had written. To do so again changes nothing.
    ///
    /// # Errors
    /// The disk fails.
    pub fn catch_up(&self, batches: &[Batch]) -> Result<(), PersistError> {
        let mut ends: BTreeMap<&str, Option<CommitId>> = BTreeMap::new();
        let mut ways: BTreeMap<&str, HashSet<Option<CommitId>>> = BTreeMap::new();
        for batch in batches {
            self.write_objects(batch)?;
            for RefMove { name, from, to } in &batch.moves {
                ends.insert(name, *to);
                ways.entry(name).or_default().extend([*from, *to]);
            }
        }
        for (name, end) in ends {
            match refs::current(&self.repository, name) {
                Ok(found) if found == end => {}
                Ok(found) if ways.get(name).is_some_and(|way| way.contains(&found)) => {
                    refs::apply(
                        &self.repository,
                        &[RefMove { name: name.to_owned(), from: found, to: end }],
                    )?;
                }
                Ok(found) => {
                    let found = found.map_or_else(|| "nothing".to_owned(), |id| id.to_string());
                    tracing::error!(%name, %found, "somebody moved the ref since; it is left where it is");
                }
                // What cannot be read is what a power cut left of an unsynced file.
                Err(error) => {
                    tracing::warn!(%name, %error, "the ref is damaged; it is written again");
                    refs::overwrite(&self.repository, name, end)?;
                }
            }
        }
        self.mend_head()?;
        Ok(self.sync()?)
    }

    /// An object that is there already is not written again, so it must be whole: a power cut may have left its file
    /// empty or damaged.
    fn discard_damaged(&self, objects: &Odb<'_>, id: ObjectId) -> io::Result<()> {
        // Without looking for new packs: an object that only they have is whole, and costs a folder's listing to find.
        if !objects.exists_ext(id.0, OdbLookupFlags::NO_REFRESH) || objects.read(id.0).is_ok() {
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
