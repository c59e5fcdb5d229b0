//! The repository as the committer writes it. Nothing here is synced but by [`Store::sync`]: a log makes batches last, and
//! brings the repository up to it after a crash.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use git2::{ErrorCode, Repository};

use super::batch::{Delta, Object, ObjectKind, PersistError, RefMove};
use super::id::{BRANCHES, ObjectId};
use super::maintenance::Maintenance;
use super::pack::build::Builder;
use super::pack::entry::Deflater;
use super::pack::{delta, file};
use super::record::{Content, Record, Recorded};
use super::{loose, refs, repository};

/// So many objects are written as one pack. Fewer are files of their own: a pack is two files, and many small ones are
/// more work for readers and for maintenance.
const PACKED: usize = 16;
/// With so many objects remembered from batches before, they are forgotten: the repository has them by then.
const REMEMBERED: usize = 64;

/// The repository, writable.
pub struct Store {
    repository: Repository,
    directory: File,
    objects: PathBuf,
    builder: Builder,
    deflater: Deflater,
    maintenance: Maintenance,
}

impl Store {
    /// Opens the repository at `path`, which `maintenance` maintains.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path, maintenance: Maintenance) -> Result<Self, PersistError> {
        Ok(Store {
            repository: Repository::open_bare(path)?,
            directory: File::open(path)?,
            objects: path.join("objects"),
            builder: Builder::default(),
            deflater: Deflater::default(),
            maintenance,
        })
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

    /// Others wrote objects, too.
    pub fn others_wrote(&self) {
        self.maintenance.others_wrote();
    }

    /// Writes objects.
    ///
    /// # Errors
    /// The disk fails; some of the objects may be there, which does no harm.
    pub fn write_objects(&mut self, objects: &[Object]) -> Result<(), PersistError> {
        if objects.len() >= PACKED {
            let pack = self.builder.build(objects)?;
            file::write(&self.objects.join("pack"), &pack)?;
            self.maintenance.pack_written();
        } else {
            for object in objects {
                loose::write(&self.objects, object, &mut self.deflater)?;
            }
            self.maintenance.loose_written(objects.len());
        }
        let commits = objects.iter().filter(|object| object.kind == ObjectKind::Commit).count();
        self.maintenance.committed(commits);
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
    pub fn catch_up(&mut self, records: Vec<Record>) -> Result<(), PersistError> {
        let mut ends: BTreeMap<String, Option<ObjectId>> = BTreeMap::new();
        let mut ways: BTreeMap<String, HashSet<Option<ObjectId>>> = BTreeMap::new();
        let mut restorer = Restorer::default();
        for Record { objects, moves } in records {
            let objects = restorer.restore_all(&self.repository, objects)?;
            self.write_objects(&objects)?;
            for RefMove { name, from, to } in moves {
                ways.entry(name.clone()).or_default().extend([from, to]);
                ends.insert(name, to);
            }
        }
        for (name, end) in ends {
            match refs::current(&self.repository, &name) {
                Ok(found) if found == end => {}
                Ok(found) if ways.get(&name).is_some_and(|way| way.contains(&found)) => {
                    refs::apply(&self.repository, &[RefMove { name, from: found, to: end }])?;
                }
                Ok(found) => {
                    let found = found.map_or_else(|| "nothing".to_owned(), |id| id.to_string());
                    tracing::error!(%name, %found, "somebody moved the ref since; it is left where it is");
                }
                // What cannot be read is what a power cut left of an unsynced file.
                Err(error) => {
                    tracing::warn!(%name, %error, "the ref is damaged; it is written again");
                    refs::overwrite(&self.repository, &name, end)?;
                }
            }
        }
        self.mend_head()?;
        Ok(self.sync()?)
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

/// Makes objects again from what was recorded of them.
#[derive(Default)]
struct Restorer {
    /// What deltas may be upon: a base that comes before them in their batch may be nowhere else yet.
    known: HashMap<ObjectId, Bytes>,
}

impl Restorer {
    fn restore_all(
        &mut self,
        repository: &Repository,
        batch: Vec<Recorded>,
    ) -> Result<Vec<Object>, PersistError> {
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        let mut objects = Vec::with_capacity(batch.len());
        for recorded in batch {
            let object = self.restore(repository, recorded)?;
            self.known.insert(object.id, object.bytes.clone());
            objects.push(object);
        }
        Ok(objects)
    }

    fn restore(&self, repository: &Repository, recorded: Recorded) -> Result<Object, PersistError> {
        let Recorded { kind, id, content } = recorded;
        let Delta { base, script } = match content {
            Content::Whole(bytes) => return Ok(Object::new(kind, id, bytes)),
            Content::Delta(delta) => delta,
        };
        let bytes = match self.known.get(&base) {
            Some(known) => delta::apply(known, &script),
            None => delta::apply(&read(repository, base)?, &script),
        };
        let bytes = Bytes::from(bytes.unwrap_or_default());
        let found = ObjectId::of(kind.into(), &bytes);
        if found != id {
            return Err(PersistError::Miswritten { expected: id, found });
        }
        Ok(Object { kind, id, bytes, delta: Some(Delta { base, script }) })
    }
}

/// An object that is in the repository.
fn read(repository: &Repository, id: ObjectId) -> Result<Vec<u8>, git2::Error> {
    let look = |repository: &Repository| {
        let objects = repository.odb()?;
        let object = objects.read(id.0)?;
        Ok(object.data().to_vec())
    };
    // Maintenance may have put it into another pack since the handle looked.
    look(repository).or_else(|_: git2::Error| look(&Repository::open_bare(repository.path())?))
}
