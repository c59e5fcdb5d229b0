//! What was left at another repository. It is kept in a file that may be lost: then a release that was taken away here
//! stays there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Refs;
use crate::ledger::id::ObjectId;

/// The refs that this service has left at another repository.
#[derive(Debug, Clone)]
pub struct Left {
    file: PathBuf,
    refs: Refs,
}

impl Left {
    /// Reads the file, if it is there.
    pub fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).unwrap_or_default();
        let read = |line: &str| {
            let (id, name) = line.split_once(' ')?;
            Some((name.to_owned(), ObjectId::from_hex(id)?))
        };
        Left { file: file.to_owned(), refs: text.lines().filter_map(read).collect() }
    }

    /// All of them.
    pub fn refs(&self) -> &Refs {
        &self.refs
    }

    /// Where a ref was left.
    pub fn at(&self, name: &str) -> Option<ObjectId> {
        self.refs.get(name).copied()
    }

    /// Keeps what is there now.
    ///
    /// # Errors
    /// The disk fails.
    pub fn keep(&mut self, refs: Refs) -> io::Result<()> {
        if refs == self.refs {
            return Ok(());
        }
        self.refs = refs;
        let text: String = self.refs.iter().map(|(name, id)| format!("{id} {name}\n")).collect();
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder)?;
        }
        let unfinished = self.file.with_extension("new");
        fs::write(&unfinished, text)?;
        fs::rename(&unfinished, &self.file)
    }
}
