//! A repository of refs alone: what one client sees.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::ledger::ObjectId;

/// What `HEAD` names where nothing is seen. A clone of nothing is on this branch.
const NOTHING: &str = "refs/heads/main";

/// The folder. Gone when it is dropped.
#[derive(Debug)]
pub struct View {
    path: PathBuf,
}

impl View {
    /// Makes the folder, with these refs, sorted by name. `head` is the one that a clone checks out, if it is among
    /// them; else that is the first branch.
    pub(super) fn new(path: &Path, refs: &[(String, ObjectId)], head: Option<&str>) -> io::Result<Self> {
        fs::create_dir(path)?;
        let view = View { path: path.to_owned() };
        let there = |name: &&str| refs.iter().any(|(found, _)| found == name);
        let first =
            || refs.iter().map(|(name, _)| name.as_str()).find(|name| name.starts_with("refs/heads/"));
        let head = head.filter(there).or_else(first).unwrap_or(NOTHING);
        let mut packed = "# pack-refs with: sorted \n".to_owned();
        for (name, id) in refs {
            writeln!(packed, "{id} {name}").map_err(io::Error::other)?;
        }
        fs::create_dir(path.join("refs"))?;
        fs::write(path.join("packed-refs"), packed)?;
        fs::write(path.join("config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n")?;
        fs::write(path.join("HEAD"), format!("ref: {head}\n"))?;
        Ok(view)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for View {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, folder = %self.path.display(), "a folder of git's stays until the next start");
        }
    }
}
