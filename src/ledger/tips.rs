//! Where each branch was when that was acknowledged last: what the log says, and of what it has forgotten, a file. So a
//! branch that somebody moved back while nothing was running is not taken for one that never was further on.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use imbl::OrdMap;

use super::batch::RefMove;
use super::edit::Subject;
use super::id::{BRANCHES, BranchName, CommitId, ObjectId};
use super::notes;
use super::reader::ways::Way;
use super::reader::{Damage, Reader, Tip};

/// The newest commits of all branches. To copy it costs nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tips {
    path: PathBuf,
    known: OrdMap<BranchName, CommitId>,
    /// Of some branches nothing was noted so far.
    is_partial: bool,
}

impl Tips {
    /// What the file says; nothing where there is none.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(path: &Path) -> io::Result<Self> {
        let found = notes::read(path)?;
        let is_partial = found.is_none();
        let known = found.unwrap_or_default().into_iter();
        let known = known.filter_map(|(branch, known)| Some((branch, known?))).collect();
        Ok(Tips { path: path.to_owned(), known, is_partial })
    }

    /// Takes note of a batch that lasts.
    pub fn follow(&mut self, moves: &[RefMove]) {
        for RefMove { name, to, .. } in moves {
            let Some(Ok(branch)) = name.strip_prefix(BRANCHES).map(BranchName::parse) else { continue };
            match to {
                Some(ObjectId(id)) => self.known.insert(branch, CommitId(*id)),
                None => self.known.remove(&branch),
            };
        }
    }

    /// Writes the file, unless it would be without some branches. Where it cannot be written, the one before stays: that is
    /// right but for the newest commits, and nothing else must fail for it.
    pub fn keep(&self) {
        if self.is_partial {
            return;
        }
        let known = self.known.iter().map(|(branch, known)| (branch, Some(*known)));
        if let Err(error) = notes::write(&self.path, known) {
            tracing::warn!(file = %self.path.display(), %error, "it cannot be noted where branches are");
        }
    }

    /// Holds the branches that are there against what was acknowledged of them, but for those that are noted as moved already.
    /// Answers those from which acknowledged commits were taken, each with the commit that it was at. What somebody has added
    /// to a branch was acknowledged to nobody, so it may be taken away again.
    ///
    /// # Errors
    /// The archives cannot be listed.
    pub fn compare(
        &mut self,
        reader: &Reader,
        found: &BTreeMap<BranchName, Tip>,
        noted: &BTreeMap<BranchName, Option<CommitId>>,
    ) -> Result<BTreeMap<BranchName, Option<CommitId>>, Damage> {
        let mut astray = BTreeMap::new();
        if std::mem::take(&mut self.is_partial) {
            for (branch, tip) in found.iter().filter(|(branch, _)| !noted.contains_key(*branch)) {
                if let Ok(tip) = tip {
                    self.known.entry(branch.clone()).or_insert(*tip);
                }
            }
        }
        for (branch, known) in self.known.clone() {
            let now = match found.get(&branch) {
                Some(Ok(tip)) => Some(*tip),
                Some(Err(_)) => continue,
                None => None,
            };
            if now == Some(known) || noted.contains_key(&branch) {
                continue;
            }
            match fate(reader, &branch, known, now, found)? {
                Fate::LedOn => {}
                Fate::Taken => drop(astray.insert(branch, Some(known))),
                Fate::Done(why) => {
                    let found = now.map_or_else(|| "nowhere".to_owned(), |now| now.to_string());
                    tracing::warn!(%branch, %known, found, why, "the branch was moved before the start, and is taken as it is");
                    match now {
                        Some(now) => drop(self.known.insert(branch, now)),
                        None => drop(self.known.remove(&branch)),
                    }
                }
            }
        }
        Ok(astray)
    }
}

/// What became of the commit that was acknowledged last.
enum Fate {
    /// It is in the branch, or that cannot be read, which is told elsewhere.
    LedOn,
    /// Somebody has taken it out of the branch.
    Taken,
    /// The branch goes its own way, and why it may.
    Done(&'static str),
}

fn fate(
    reader: &Reader,
    branch: &BranchName,
    known: CommitId,
    now: Option<CommitId>,
    found: &BTreeMap<BranchName, Tip>,
) -> Result<Fate, Damage> {
    // What somebody has put in the place of the repository does not have it: then there is nothing to go back to.
    if matches!(reader.about(known.into()), Ok(None)) {
        return Ok(Fate::Done("what was acknowledged last is not there"));
    }
    // What cannot be read cannot be served, and is told elsewhere; it is what was acknowledged nevertheless.
    if reader.state(known).and_then(|_| reader.files(known, &[Subject::Branch])).is_err() {
        return Ok(Fate::LedOn);
    }
    if let Some(now) = now
        && (reader.state(now).is_err() || reader.way(known, now).map_or(true, |way| way == Way::Straight))
    {
        return Ok(Fate::LedOn);
    }
    if let Some(now) = now
        && reader.includes(known, now).unwrap_or(false)
    {
        return Ok(Fate::Taken);
    }
    // Put away by a program that keeps no such notes.
    let below = format!("{branch}/");
    let archives = reader.archives()?.into_iter().filter(|(name, _)| name.starts_with(&below));
    let archives: Vec<CommitId> = archives.filter_map(|(_, tip)| tip.ok()).collect();
    if reader.unknown(known, &archives).is_ok_and(|lost| lost.is_empty()) {
        return Ok(Fate::Done("an archive has what was acknowledged last"));
    }
    // As after a merge, or where it was given another name.
    let archives = reader.archives()?.into_iter().map(|(_, tip)| tip);
    let others: Vec<CommitId> = archives.chain(found.values().cloned()).flatten().collect();
    if now.is_none() && reader.unknown(known, &others).is_ok_and(|lost| lost.is_empty()) {
        return Ok(Fate::Done("it is gone, and another branch has all of it"));
    }
    Ok(Fate::Taken)
}
