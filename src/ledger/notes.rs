//! Small files beside the repository that note where branches were.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::id::{BranchName, CommitId, ObjectId};

/// A commit, in the file, or that there was none.
const NONE: &str = "none";

/// Writes a file, or takes it away where there is nothing to note. It lasts but for its folder's entry, so that a power cut
/// leaves this one or the one before.
///
/// # Errors
/// The disk fails.
pub fn write<'a>(
    path: &Path,
    known: impl Iterator<Item = (&'a BranchName, Option<CommitId>)>,
) -> io::Result<()> {
    let line = |(branch, known): (&BranchName, Option<CommitId>)| {
        format!("{branch} {}\n", known.map_or_else(|| NONE.to_owned(), |known| known.to_string()))
    };
    let text: String = known.map(line).collect();
    if text.is_empty() {
        return match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    let unfinished = path.with_extension("new");
    let mut file = File::create(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}

/// The branches that were noted, each with its commit; `None` where there is no such file. A line that is none is passed
/// over.
///
/// # Errors
/// The file cannot be read.
pub fn read(path: &Path) -> io::Result<Option<BTreeMap<BranchName, Option<CommitId>>>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display())));
        }
        Ok(text) => text,
    };
    let entry = |line: &str| {
        let (branch, known) = line.split_once(' ')?;
        let known = match known {
            NONE => None,
            known => Some(CommitId(ObjectId::from_hex(known)?.0)),
        };
        Some((BranchName::parse(branch).ok()?, known))
    };
    Ok(Some(text.lines().filter_map(entry).collect()))
}
