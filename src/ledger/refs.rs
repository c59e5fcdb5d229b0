//! Moving refs. The lock files are git's own, so git and this keep out of each other's way. A ref's own file is not
//! synced: while it may be lost, the log has it. `packed-refs` is, since it holds refs that the log knows nothing of.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use git2::{ErrorCode, Repository};

use super::batch::{PersistError, RefMove};
use super::id::ObjectId;

/// So long is waited for a lock that another git process holds; git itself waits as long (`core.filesRefLockTimeout`,
/// `core.packedRefsTimeout`).
const PATIENCE: Duration = Duration::from_millis(100);
const PATIENCE_WITH_PACKED: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(5);
const PACKED: &str = "packed-refs";
/// What git writes there, too: the refs are in order, and none of them needs to be looked at for what its tag stands for.
const PACKED_HEAD: &str = "# pack-refs with: peeled fully-peeled sorted \n";

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
pub fn overwrite(repository: &Repository, name: &str, to: Option<ObjectId>) -> Result<(), PersistError> {
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
pub fn current(repository: &Repository, name: &str) -> Result<Option<ObjectId>, PersistError> {
    match repository.refname_to_id(name) {
        Ok(id) => Ok(Some(ObjectId(id))),
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

/// Puts the refs below `prefix` that are files of their own into `packed-refs`, if they are so many. Answers how many.
///
/// # Errors
/// Refs are locked or cannot be read, or the disk fails; then each is still in one place or the other.
pub fn pack(repository: &Repository, prefix: &str, many: usize) -> Result<usize, PersistError> {
    let folder = repository.path();
    let names = loose_below(&folder.join(prefix), prefix)?;
    if names.len() < many {
        return Ok(0);
    }
    let path = folder.join(PACKED);
    let lock = Lock::take(&path, PATIENCE_WITH_PACKED)?;
    let (head, mut refs) = read_packed(&path)?;
    let mut packed = Vec::new();
    for name in names {
        if let Some(ObjectId(id)) = current(repository, &name)? {
            // Ours lead to commits, so nothing needs to be said of what a tag stands for.
            refs.insert(name.clone(), format!("{id} {name}\n"));
            packed.push((name, id));
        }
    }
    let text: String = refs.into_values().collect();
    lock.replace(format!("{head}{text}").as_bytes(), true)?;
    // A power cut must not keep the removals and forget what they rely on.
    File::open(folder)?.sync_all()?;
    for (name, id) in &packed {
        let lock = Lock::take(&folder.join(name), PATIENCE)?;
        // Whoever moved it meanwhile is right.
        if current(repository, name)? == Some(ObjectId(*id)) {
            lock.remove_target()?;
        }
    }
    Ok(packed.len())
}

/// The first line, and the others by the names of their refs, each with what is said of the tag that it is.
fn read_packed(path: &Path) -> io::Result<(String, BTreeMap<String, String>)> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        text => text?,
    };
    let mut refs: BTreeMap<String, String> = BTreeMap::new();
    let (mut head, mut last) = (PACKED_HEAD.to_owned(), String::new());
    for line in text.split_inclusive('\n') {
        if line.starts_with('#') {
            line.clone_into(&mut head);
            continue;
        }
        if let Some((_, name)) = line.trim_end().split_once(' ') {
            last = name.to_owned();
        }
        refs.entry(last.clone()).or_default().push_str(line);
    }
    Ok((head, refs))
}

/// The refs below `prefix` that have a file of their own, by their full names.
///
/// # Errors
/// A folder cannot be read.
pub fn loose_below(folder: &Path, prefix: &str) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(names),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            names.extend(loose_below(&entry.path(), &format!("{name}/"))?);
        } else if !name.ends_with(".lock") {
            names.push(name);
        }
    }
    Ok(names)
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
        remove_stale();
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
            if let Ok(file) = self.file.try_clone() {
                stale().push((self.path.clone(), file));
            }
        }
    }
}

/// Locks that this process could not remove because the disk failed; with them their refs would be locked until the next
/// start. Their files are open, so that no other file has their number.
fn stale() -> MutexGuard<'static, Vec<(PathBuf, File)>> {
    static STALE: Mutex<Vec<(PathBuf, File)>> = Mutex::new(Vec::new());
    STALE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes them, now that the disk may be well again. Those that somebody has removed by hand may be git's by now.
fn remove_stale() {
    stale().retain(|(path, file)| {
        let number = |found: io::Result<fs::Metadata>| found.ok().map(|found| (found.dev(), found.ino()));
        let is_ours = number(fs::metadata(path)).is_some_and(|found| Some(found) == number(file.metadata()));
        is_ours && fs::remove_file(path).is_err()
    });
}

#[expect(clippy::disallowed_methods, reason = "another git process gives no sign when it lets go of a lock")]
fn pause() {
    std::thread::sleep(PAUSE);
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn archives_are_packed_among_what_git_packed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            command.arg("-C").arg(path).args(["-c", "user.name=a", "-c", "user.email=a@b"]).args(arguments);
            let output = command.output().expect("git is installed");
            assert!(
                output.status.success(),
                "git {arguments:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        };
        git(&["init", "-q", "--bare", "-b", "main"]);
        let tree = git(&["hash-object", "-t", "tree", "-w", "/dev/null"]);
        let commit = git(&["commit-tree", "-m", "a commit", &tree]);
        git(&["tag", "-m", "a tag", "v1", &commit]);
        git(&["pack-refs", "--all"]);
        for name in ["refs/heads/main", "refs/archive/a/1", "refs/archive/a/2", "refs/archive/b/1"] {
            git(&["update-ref", name, &commit]);
        }
        let before = git(&["show-ref", "--dereference"]);
        let repository = Repository::open_bare(path).expect("a repository");
        assert_eq!(pack(&repository, "refs/archive/", 4).expect("nothing to do"), 0);
        assert_eq!(pack(&repository, "refs/archive/", 3).expect("packed"), 3);
        assert_eq!(git(&["show-ref", "--dereference"]), before);
        assert!(!path.join("refs/archive/a/1").exists() && path.join("refs/heads/main").exists());
        git(&["update-ref", "refs/archive/c/1", &commit]);
        assert_eq!(pack(&repository, "refs/archive/", 1).expect("packed again"), 1);
        git(&["fsck", "--strict"]);
    }
}
