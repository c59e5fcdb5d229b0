//! The data directory: its lock, its repository, and what a crash may have left there.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use git2::{Repository, RepositoryInitOptions};

use super::id::BranchName;
use super::pack::file;

/// The repository's folder in the data directory.
pub const FOLDER: &str = "repository.git";
const JOURNAL: &str = "journal";
/// The index's file in the data directory.
pub const INDEX: &str = "index.sqlite";
const MIRRORS: &str = "mirrors";
const LOCK: &str = "lock";
pub const STRAYS: &str = "strays";
const TIPS: &str = "tips";

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the data directory {} is in use by {holder}", path.display())]
    InUse { path: PathBuf, holder: String },
    #[error("cannot use {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("cannot open the repository {}: {reason}", path.display())]
    Repository { path: PathBuf, reason: String },
}

/// The data directory, held so that no other process uses it at the same time.
pub struct DataDirectory {
    path: PathBuf,
    /// The lock lasts as long as the file is open.
    _lock: File,
}

impl DataDirectory {
    /// Takes the directory, makes the repository where there is none, and clears away what a crash left.
    /// `first` is the branch that a clone of a new repository checks out.
    ///
    /// # Errors
    /// Another process holds the directory, or it cannot be read and written.
    pub fn open(path: &Path, first: &BranchName) -> Result<Self, OpenError> {
        let directory = Self::take(path)?;
        let unfinished = directory.unfinished();
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(io(&unfinished))?;
        }
        if directory.has_repository() {
            directory.clear_leftovers()?;
            open(&directory.repository())?;
        } else {
            directory.create(first)?;
        }
        Ok(directory)
    }

    /// Takes the directory as it is.
    ///
    /// # Errors
    /// Another process holds it, or it cannot be read and written.
    pub fn take(path: &Path) -> Result<Self, OpenError> {
        fs::create_dir_all(path).map_err(io(path))?;
        let lock = lock(path)?;
        Ok(DataDirectory { path: path.to_owned(), _lock: lock })
    }

    /// Gives up a directory that was not there before and has nothing in it but its lock.
    pub fn undo(&self) {
        let removed = fs::remove_file(self.path.join(LOCK)).and_then(|()| fs::remove_dir(&self.path));
        if let Err(error) = removed {
            tracing::debug!(%error, "the data directory stays");
        }
    }

    /// Whether there is a repository.
    pub fn has_repository(&self) -> bool {
        self.repository().join("HEAD").exists()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a repository lies while it is made. What is there is of no use to anybody else.
    pub fn unfinished(&self) -> PathBuf {
        self.path.join(format!("{FOLDER}.new"))
    }

    /// Makes the repository beside its place and moves it there, so that a crash leaves a whole one or none.
    fn create(&self, first: &BranchName) -> Result<(), OpenError> {
        let unfinished = self.unfinished();
        let mut options = RepositoryInitOptions::new();
        options.bare(true).external_template(false).initial_head(first.as_str());
        Repository::init_opts(&unfinished, &options).map_err(|error| OpenError::Repository {
            path: self.repository(),
            reason: error.message().to_owned(),
        })?;
        self.put(&unfinished)
    }

    /// Makes a repository last, and moves it to its place.
    ///
    /// # Errors
    /// The disk fails.
    pub fn put(&self, unfinished: &Path) -> Result<(), OpenError> {
        let repository = self.repository();
        File::open(unfinished).and_then(|folder| sync_file_system(&folder)).map_err(io(&repository))?;
        fs::rename(unfinished, &repository).map_err(io(&repository))?;
        File::open(&self.path).and_then(|directory| directory.sync_all()).map_err(io(&repository))
    }

    /// Clears away what a crash left in the repository.
    ///
    /// # Errors
    /// The disk fails.
    pub fn clear_leftovers(&self) -> Result<(), OpenError> {
        let repository = self.repository();
        clear_leftovers(&repository).map_err(io(&repository))
    }

    /// Where the journal lies.
    pub fn journal(&self) -> PathBuf {
        self.path.join(JOURNAL)
    }

    /// Where the history index lies.
    pub fn index(&self) -> PathBuf {
        self.path.join(INDEX)
    }

    /// Where mirrors keep what can be made again.
    pub fn mirrors(&self) -> PathBuf {
        self.path.join(MIRRORS)
    }

    /// Where it is noted which branches somebody else has moved.
    pub fn strays(&self) -> PathBuf {
        self.path.join(STRAYS)
    }

    /// Where it is noted where branches were when that was acknowledged last.
    pub fn tips(&self) -> PathBuf {
        self.path.join(TIPS)
    }

    /// Where the repository lies.
    pub fn repository(&self) -> PathBuf {
        self.path.join(FOLDER)
    }
}

fn io(path: &Path) -> impl FnOnce(io::Error) -> OpenError + use<> {
    let path = path.to_owned();
    move |source| OpenError::Io { path, source }
}

fn lock(directory: &Path) -> Result<File, OpenError> {
    let path = directory.join(LOCK);
    let io = |source| OpenError::Io { path: path.clone(), source };
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let holder = match file.read_to_string(&mut holder) {
                Ok(_) if !holder.trim().is_empty() => format!("process {}", holder.trim()),
                _ => "another process".to_owned(),
            };
            return Err(OpenError::InUse { path: directory.to_owned(), holder });
        }
        Err(TryLockError::Error(source)) => return Err(io(source)),
    }
    // The number is for the message above; the lock itself is the system's and ends with the process.
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(io)?;
    Ok(file)
}

/// Opens the repository at `path`.
///
/// # Errors
/// There is none, or git cannot read it.
pub fn open(path: &Path) -> Result<Repository, OpenError> {
    Repository::open_bare(path)
        .map_err(|error| OpenError::Repository { path: path.to_owned(), reason: error.message().to_owned() })
}

/// Makes all that was written to the file system of `folder` last.
pub(super) fn sync_file_system(folder: &File) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(folder)?;
    #[cfg(not(target_os = "linux"))]
    {
        rustix::fs::sync();
        folder.sync_all()?;
    }
    Ok(())
}

/// A process that is killed leaves lock files, which would refuse every later write, and half-written objects. The
/// lock on the data directory says that no other service is at work on them; a `git gc` that runs at this moment fails,
/// and can be run again.
fn clear_leftovers(repository: &Path) -> io::Result<()> {
    let is_lock = |name: &str| name.ends_with(".lock") || name == "packed-refs.new";
    let is_unfinished = |name: &str| name.starts_with("tmp_") || name.ends_with(".lock");
    clear(repository, false, &is_lock)?;
    clear(&repository.join("refs"), true, &is_lock)?;
    let packs = repository.join("objects/pack");
    if packs.is_dir() {
        file::clear(&packs)?;
    }
    let objects = repository.join("objects");
    clear_pushes(&objects, Duration::ZERO)?;
    let packs = objects.join("pack");
    if packs.is_dir() {
        clear_marks(&packs, &["receive-pack ", "fetch-pack "])?;
    }
    clear(&repository.join("objects"), true, &is_unfinished)
}

/// Takes away what pushes have left that were killed, and nobody has touched for so long: objects that were never among the
/// repository's.
///
/// # Errors
/// The disk fails.
pub(super) fn clear_pushes(objects: &Path, untouched: Duration) -> io::Result<()> {
    let begun = SystemTime::now();
    for entry in fs::read_dir(objects)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // As git names them since 2.35, and before.
        let is_push = name.starts_with("tmp_objdir-") || name.starts_with("incoming-");
        if !is_push || !entry.file_type()?.is_dir() {
            continue;
        }
        // One that cannot be taken away is no reason to leave the others, nor not to start.
        match clear_push(&entry.path(), begun, untouched) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::error!(folder = %entry.path().display(), %error, "what an interrupted push left stays");
            }
            _ => {}
        }
    }
    Ok(())
}

fn clear_push(folder: &Path, now: SystemTime, untouched: Duration) -> io::Result<()> {
    if now.duration_since(touched(folder)?).unwrap_or_default() < untouched {
        return Ok(());
    }
    tracing::warn!(folder = %folder.display(), "removing what an interrupted push left");
    fs::remove_dir_all(folder)
}

/// When something in a folder was written last.
fn touched(folder: &Path) -> io::Result<SystemTime> {
    let mut last = fs::metadata(folder)?.modified()?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let inner = match entry.file_type()?.is_dir() {
            true => touched(&entry.path())?,
            false => entry.metadata()?.modified()?,
        };
        last = last.max(inner);
    }
    Ok(last)
}

/// Takes away marks that begin with one of these. While a push or a fetch is under way, a mark beside its pack has git and
/// this service leave that alone; for ever, if it was killed.
pub(super) fn clear_marks(packs: &Path, beginnings: &[&str]) -> io::Result<()> {
    for entry in fs::read_dir(packs)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "keep")
            && let mark = fs::read(&path)?
            && beginnings.iter().any(|beginning| mark.starts_with(beginning.as_bytes()))
        {
            tracing::warn!(file = %path.display(), "removing what an interrupted push or fetch left");
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn clear(folder: &Path, deep: bool, is_leftover: &dyn Fn(&str) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            if deep {
                clear(&entry.path(), deep, is_leftover)?;
            }
        } else if is_leftover(&entry.file_name().to_string_lossy()) || is_empty_object(&entry)? {
            tracing::warn!(file = %entry.path().display(), "removing what an interrupted process left");
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// What a power cut makes of an object that nobody had synced; git calls it corrupt.
fn is_empty_object(entry: &fs::DirEntry) -> io::Result<bool> {
    let folder =
        entry.path().parent().and_then(|folder| Some(folder.file_name()?.to_string_lossy().into_owned()));
    let fan_out = folder.is_some_and(|name| name.len() == 2 && name.bytes().all(|b| b.is_ascii_hexdigit()));
    Ok(fan_out && entry.metadata()?.len() == 0)
}
