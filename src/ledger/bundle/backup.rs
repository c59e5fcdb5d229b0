//! Backups: a repository becomes a bundle in a folder, while a service goes on writing it.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use chrono::Utc;

use super::heading::Heading;
use super::listing::refs_of;
use super::packing::{Packed, Packing};
use super::unpack::{Unpacked, unpack};
use super::walk::{self, Counted, Source};
use super::{BundleError, at, naming};

/// A backup holds everything, so it is its owner's alone.
const MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;
/// Held while a backup is made in the folder.
const LOCK: &str = ".revconf-backup.lock";
/// Where a backup lies until it was found sound.
const UNFINISHED: &str = ".revconf-backup.new";

/// A backup that was made, synced and checked.
#[derive(Debug)]
pub struct Backup {
    pub path: PathBuf,
    pub refs: usize,
    pub commits: u64,
    /// Of the file.
    pub bytes: u64,
    /// Older ones that were removed.
    pub removed: Vec<PathBuf>,
}

/// Makes a bundle of the repository in `folder`, checks it from its file alone, and gives it its name then. With `keep`,
/// older bundles go, but for so many together with this one. Everything that was acknowledged before it began is in it.
/// Needs room for twice its size.
///
/// # Errors
/// The repository is damaged, or the disk fails; no file is left.
pub fn backup(repository: &Path, folder: &Path, keep: Option<usize>) -> Result<Backup, BundleError> {
    let begun = Utc::now();
    // Whatever is read is held against its id here.
    git2::opts::strict_hash_verification(false);
    let mut source = Source::open(repository)?;
    let _lock = open_folder(folder)?;
    let unfinished = Unfinished::make(folder)?;
    let heading = refs_of(repository)?;
    let bundle = unfinished.0.join("bundle");
    let (packed, counted) = write(&bundle, &heading, &mut source)?;
    let check = unpack(&bundle, &unfinished.0.join("repository.git")).map_err(|error| match error {
        BundleError::Unsound { reason, .. } => BundleError::Miswritten(reason),
        other => other,
    })?;
    if !same(&check, &heading, counted) {
        return Err(BundleError::Miswritten("it does not hold what was written".to_owned()));
    }
    let path = folder.join(naming::name(begun, &packed.sha256));
    fs::rename(&bundle, &path).and_then(|()| File::open(folder)?.sync_all()).map_err(at(&path))?;
    let removed = keep.map_or_else(|| Ok(Vec::new()), |keep| remove_older(folder, keep))?;
    Ok(Backup { path, refs: heading.refs.len(), commits: counted.commits, bytes: packed.bytes, removed })
}

fn same(check: &Unpacked, heading: &Heading, counted: Counted) -> bool {
    check.heading == *heading && check.counted == counted
}

/// The folder, made if it is not there, and held against another backup at work in it.
fn open_folder(folder: &Path) -> Result<File, BundleError> {
    let made = || -> io::Result<()> {
        if !folder.is_dir() {
            DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
            let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
            File::open(above.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(())
    };
    made().map_err(at(folder))?;
    let path = folder.join(LOCK);
    let mut options = OpenOptions::new();
    let lock = options.write(true).create(true).truncate(false).mode(MODE).open(&path).map_err(at(&path))?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => at(folder)(io::Error::other("another backup is being made there")),
        TryLockError::Error(error) => at(&path)(error),
    })?;
    Ok(lock)
}

/// A folder for what is not a backup yet. Dropped, it is removed; one that a kill leaves, by the next backup.
struct Unfinished(PathBuf);

impl Unfinished {
    fn make(folder: &Path) -> Result<Self, BundleError> {
        let path = folder.join(UNFINISHED);
        clear(&path).map_err(at(&path))?;
        DirBuilder::new().mode(FOLDER_MODE).create(&path).map_err(at(&path))?;
        Ok(Unfinished(path))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Err(error) = clear(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "an unfinished backup stays behind");
        }
    }
}

fn clear(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes a bundle, and makes it last.
fn write(path: &Path, heading: &Heading, source: &mut Source) -> Result<(Packed, Counted), BundleError> {
    let mut options = OpenOptions::new();
    let mut file = options.read(true).write(true).create_new(true).mode(MODE).open(path).map_err(at(path))?;
    file.write_all(&heading.encode()).map_err(at(path))?;
    let mut packing = Packing::begin(file, false).map_err(at(path))?;
    let tips = heading.refs.iter().map(|(_, id)| *id);
    let counted = walk::visit(source, tips, HashSet::new(), |id, kind, bytes| {
        packing.add(id, kind, bytes).map_err(at(path))
    })?;
    let packed = packing.finish().map_err(at(path))?;
    packed.file.sync_all().map_err(at(path))?;
    Ok((packed, counted))
}

/// Removes all backups in the folder but the newest ones.
fn remove_older(folder: &Path, keep: usize) -> Result<Vec<PathBuf>, BundleError> {
    let older: Vec<PathBuf> = naming::list(folder).map_err(at(folder))?.into_iter().skip(keep).collect();
    for path in &older {
        fs::remove_file(path).map_err(at(path))?;
    }
    Ok(older)
}
