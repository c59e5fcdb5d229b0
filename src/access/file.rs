//! A file that is read again when it changes, and that is nobody's to read but its owner's.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What tells one state of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    inode: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Stamp {
            inode: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// The state that a file is in now; `None` where it cannot be told.
    pub fn now(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Stamp::of(&metadata))
    }
}

/// Why a secret file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: io::Error },
    #[error(
        "{} may be read or changed by others than its owner (its mode is {mode:03o}), and it is secret; say chmod 600",
        path.display()
    )]
    Open { path: PathBuf, mode: u32 },
}

/// Reads a file that must be its owner's alone.
///
/// # Errors
/// It cannot be read, or others may read or write it.
pub fn read_secret(path: &Path) -> Result<String, FileError> {
    let unreadable = |reason| FileError::Unreadable { path: path.to_owned(), reason };
    // The same open file is looked at and read, so that nobody can exchange it in between.
    let mut file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(FileError::Open { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}
