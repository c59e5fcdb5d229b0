//! Moving refs. The lock files are git's own, so git and this keep out of each other's way. A ref's own file is not
//! synced: while it may be lost, the log has it. `packed-refs` is, since it holds refs that the log knows nothing of.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use git2::{ErrorCode, Repository};

use super::batch::{PersistError, RefMove};
use super::id::CommitId;

/// So long is waited for a lock that another git process holds; git itself waits as long (`core.filesRefLockTimeout`,
/// `core.packedRefsTimeout`).
const PATIENCE: Duration = Duration::from_millis(100);
const PATIENCE_WITH_PACKED: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(5);
const PACKED: &str = "packed-refs";

/// Moves refs, or removes those that are to be nowhere. Nothing is changed unless all of them are where they are
/// expected to be.
///
/// # Errors
/// A ref is elsewhere or locked, or the disk fails.
pub fn apply(repository: &Repository, moves: &[RefMove]) -> Result<(), PersistError> {
    let folder = repository.path();
    let mut locks = Vec::with_capacity(moves.len());
    for RefMove { name, .. } in moves {
        locks.push(Lock::take(&folder.join(name), PATIENCE)?);
    }
    for RefMove { name, from, .. } in moves {
        let found = current(repository, name)?;
        if found != *from {
            let found = found.map_or_else(|| "nothing".to_owned(), |id| id.to_string());
            return Err(PersistError::Moved { name: name.clone(), found });
        }
    }
    let removed: Vec<&str> = moves.iter().filter(|m| m.to.is_none()).map(|m| m.name.as_str()).collect();
    if !removed.is_empty() {
        remove_packed(folder, &removed)?;
    }
    for (RefMove { to, .. }, lock) in moves.iter().zip(locks) {
        match to {
            Some(id) => lock.replace(format!("{id}\n").as_bytes(), false)?,
            None => lock.remove_target()?,
        }
    }
    Ok(())
}

/// Writes a ref whatever its file holds now.
///
/// # Errors
/// The ref is locked, or the disk fails.
pub fn overwrite(repository: &Repository, name: &str, to: Option<CommitId>) -> Result<(), PersistError> {
    let lock = Lock::take(&repository.path().join(name), PATIENCE)?;
    match to {
        Some(id) => lock.replace(format!("{id}\n").as_bytes(), false)?,
        None => {
            remove_packed(repository.path(), &[name])?;
            lock.remove_target()?;
        }
    }
    Ok(())
}

/// Where a ref is.
///
/// # Errors
/// The ref is there and cannot be read.
pub fn current(repository: &Repository, name: &str) -> Result<Option<CommitId>, PersistError> {
    match repository.refname_to_id(name) {
        Ok(id) => Ok(Some(CommitId(id))),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Rewrites `packed-refs` without some refs, if it has them.
fn remove_packed(folder: &Path, names: &[&str]) -> Result<(), PersistError> {
    let path = folder.join(PACKED);
    let lock = Lock::take(&path, PATIENCE_WITH_PACKED)?;
    let before = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let mut after = String::with_capacity(before.len());
    let mut dropped = false;
    for line in before.split_inclusive('\n') {
        // A line that begins with ^ belongs to the ref before it.
        if !line.starts_with('^') {
            let name = line.trim_end().split_once(' ').map_or("", |(_, name)| name);
            dropped = names.contains(&name);
        }
        if !dropped {
            after.push_str(line);
        }
    }
    if after.len() == before.len() { Ok(()) } else { Ok(lock.replace(after.as_bytes(), true)?) }
}

/// A lock file as git makes it. Dropped, it is removed.
struct Lock {
    target: PathBuf,
    path: PathBuf,
    file: File,
    held: bool,
}

impl Lock {
    fn take(target: &Path, patience: Duration) -> io::Result<Self> {
        let mut name = target.as_os_str().to_owned();
        name.push(".lock");
        let path = PathBuf::from(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let begun = Instant::now();
        loop {
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Lock { target: target.to_owned(), path, file, held: true }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && begun.elapsed() < patience => {
                    pause();
                }
                // A `git gc` at work removes folders that are empty for a moment.
                Err(error) if error.kind() == ErrorKind::NotFound && begun.elapsed() < patience => {
                    path.parent().map_or(Ok(()), fs::create_dir_all)?;
                }
                Err(error) => {
                    return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display())));
                }
            }
        }
    }

    /// The target becomes these bytes; `synced`, it is the old or the new ones even after a power cut.
    fn replace(mut self, bytes: &[u8], synced: bool) -> io::Result<()> {
        self.file.write_all(bytes)?;
        if synced {
            self.file.sync_all()?;
        }
        if self.target.is_dir() {
            // Refs that lay below it are gone, and left their folder.
            fs::remove_dir(&self.target)?;
        }
        fs::rename(&self.path, &self.target)?;
        self.held = false;
        Ok(())
    }

    fn remove_target(self) -> io::Result<()> {
        match fs::remove_file(&self.target) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.held
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(file = %self.path.display(), %error, "a lock stays behind");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "another git process gives no sign when it lets go of a lock")]
fn pause() {
    std::thread::sleep(PAUSE);
}
