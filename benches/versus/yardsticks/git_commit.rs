//! `git commit` from the command line, one for each change.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::documents::{Changes, Documents, file};
use crate::process;

/// A work tree to commit in.
pub struct WorkTree {
    folder: PathBuf,
    changes: Changes,
}

impl WorkTree {
    /// Checks out the configuration of a data directory.
    pub fn of(data: &Path, entries: u32, folder: &Path) -> anyhow::Result<Self> {
        let parent = folder.parent().unwrap_or(folder);
        let repository = data.join("repository.git");
        process::run(process::git(parent).args(["clone", "--quiet"]).arg(&repository).arg(folder))?;
        Ok(WorkTree { folder: folder.to_owned(), changes: Changes::of(entries, 3) })
    }

    /// The median of one commit. In seconds.
    pub fn median(&mut self, documents: &Documents, duration: Duration) -> anyhow::Result<f64> {
        let mut times = Vec::new();
        let mut text = Vec::new();
        let begun = Instant::now();
        while begun.elapsed() < duration {
            let (entry, revision) = self.changes.next();
            text.clear();
            documents.write(entry, revision, &mut text);
            let begun = Instant::now();
            fs::write(self.folder.join(file(entry)), &text)?;
            let mut commit = process::git(&self.folder);
            // Nothing may still be at work when the next measurement begins.
            commit.args(["-c", "maintenance.auto=false", "commit", "--quiet", "--message=Update", "--"]);
            process::run(commit.arg(file(entry)))?;
            times.push(begun.elapsed().as_secs_f64());
        }
        Ok(crate::rounds::median(&times))
    }
}
