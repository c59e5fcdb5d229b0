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
}

impl Tips {
    /// What the file says; nothing where there is none.
    pub fn read(path: &Path) -> Self {
        let known = notes::read(path).into_iter().filter_map(|(branch, known)| Some((branch, known?)));
        Tips { path: path.to_owned(), known: known.collect() }
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

    /// Writes the file.
    ///
    /// # Errors
    /// The disk fails.
    pub fn keep(&self) -> io::Result<()> {
        notes::write(&self.path, self.known.iter().map(|(branch, known)| (branch, Some(*known))))
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
        if self.known.is_empty() {
            let readable = found.iter().filter(|(branch, _)| !noted.contains_key(*branch));
            self.known =
                readable.filter_map(|(branch, tip)| Some((branch.clone(), *tip.as_ref().ok()?))).collect();
            return Ok(astray);
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
                Fate::Done => match now {
                    Some(now) => drop(self.known.insert(branch, now)),
                    None => drop(self.known.remove(&branch)),
                },
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
    /// The branch goes its own way.
    Done,
}

fn fate(
    reader: &Reader,
    branch: &BranchName,
    known: CommitId,
    now: Option<CommitId>,
    found: &BTreeMap<BranchName, Tip>,
) -> Result<Fate, Damage> {
    // What somebody has put in the place of the repository does not have it: then there is nothing to go back to.
    let whole = reader.state(known).and_then(|_| reader.files(known, &[Subject::Branch]));
    if let Err(damage) = whole {
        let found = now.map_or_else(|| "nowhere".to_owned(), |now| now.to_string());
        tracing::error!(%branch, %known, found, %damage, "what was acknowledged last is not there; the branch is taken as it is");
        return Ok(Fate::Done);
    }
    if let Some(now) = now
        && (reader.state(now).is_err() || reader.way(known, now).map_or(true, |way| way == Way::Straight))
    {
        return Ok(Fate::LedOn);
    }
    // Put away by a program that keeps no such notes; or the branch is gone and all of it is in another, as after a merge.
    let below = format!("{branch}/");
    let archives =
        reader.archives()?.into_iter().filter(|(name, _)| now.is_none() || name.starts_with(&below));
    let branches = found.values().filter(|_| now.is_none()).cloned();
    let others: Vec<CommitId> = archives.map(|(_, tip)| tip).chain(branches).flatten().collect();
    let kept = reader.unknown(known, &others).is_ok_and(|lost| lost.is_empty());
    Ok(if kept { Fate::Done } else { Fate::Taken })
}
