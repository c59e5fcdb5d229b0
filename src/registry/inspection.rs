//! Looking through what others bring: each commit that is new has to hold what this service could have written.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::catalogue::Catalogue;
use super::name;
use crate::document::Kind;
use crate::format::{self, FORMAT, Header, header};
use crate::ledger::{BlobId, BranchName, CommitId, Damage, Judge, Lies, New, Objection, Reader, Way};

/// In bytes. Versions are listed with their messages, a thousand at a time.
const LARGEST_COMMIT: usize = 64 << 10;
/// So much may a clock be ahead of this one. What comes later is never older than what came before, so a commit from the
/// future would put all that follow there.
const AHEAD: TimeDelta = TimeDelta::minutes(10);
/// More that is wrong is only counted.
const TOLD: usize = 100;

/// Looks through what others bring.
pub struct Inspector {
    pub catalogue: Arc<Catalogue>,
    /// In bytes, of a file.
    pub largest_file: usize,
}

impl Judge for Inspector {
    fn judge(
        &self,
        reader: &Reader,
        branch: &BranchName,
        from: Option<CommitId>,
        to: CommitId,
    ) -> Result<(), Objection> {
        if let Err(fault) = name::parse(branch.as_str()) {
            let why = format!("{branch:?} cannot be the name of a configuration: {fault}");
            return Err(Objection::Wrong(vec![why]));
        }
        let mut known = self.known(reader)?;
        if let Some(from) = from {
            match reader.way(from, to)? {
                Way::Straight => {}
                way => return Err(Objection::Parted { from, way }),
            }
            known.push(from);
        }
        let sound = self.catalogue.all();
        let sound = sound.values().filter(|configuration| configuration.contents.is_ok());
        let mut look = Look {
            reader,
            largest_file: self.largest_file,
            looked_at: sound.map(|configuration| configuration.version()).collect(),
            files: HashMap::new(),
            found: Found::default(),
        };
        look.through(&known, to)?;
        look.found.or_nothing().map_err(Objection::Wrong)
    }
}

impl Inspector {
    /// Commits whose past is none of the matter.
    fn known(&self, reader: &Reader) -> Result<Vec<CommitId>, Damage> {
        let served = self.catalogue.all();
        let archived = reader.archives()?.into_iter().filter_map(|(_, tip)| tip.ok());
        Ok(served.values().map(|configuration| configuration.version()).chain(archived).collect())
    }
}

/// What is wrong with a time, in seconds since 1970.
pub fn untimely(whose: &str, seconds: i64) -> Option<String> {
    let latest = (Utc::now() + AHEAD).timestamp();
    if seconds > latest {
        let time =
            DateTime::from_timestamp(seconds, 0).map_or_else(|| seconds.to_string(), |time| time.to_string());
        return Some(format!(
            "its {whose}'s time is from the future ({time}); set the clock, and make it again"
        ));
    }
    (seconds < 0).then(|| format!("its {whose}'s time is before 1970"))
}

/// What is wrong.
#[derive(Default)]
struct Found {
    lines: Vec<String>,
    more: usize,
}

impl Found {
    fn add(&mut self, commit: CommitId, path: Option<&str>, reason: &str) {
        if self.lines.len() >= TOLD {
            self.more += 1;
            return;
        }
        let commit = commit.short();
        self.lines.push(match path {
            Some(path) => format!("{path} in {commit}: {reason}"),
            None => format!("{commit}: {reason}"),
        });
    }

    fn or_nothing(mut self) -> Result<(), Vec<String>> {
        if self.lines.is_empty() {
            return Ok(());
        }
        if self.more > 0 {
            self.lines.push("and more, which was not looked at".to_owned());
        }
        Err(self.lines)
    }
}

/// A look through some commits.
struct Look<'a> {
    reader: &'a Reader,
    largest_file: usize,
    /// Commits of whose files all is known that there is to tell.
    looked_at: HashSet<CommitId>,
    /// What was found of each file that was looked at: the same one is in many commits.
    files: HashMap<(String, BlobId), bool>,
    found: Found,
}

impl Look<'_> {
    fn through(&mut self, known: &[CommitId], to: CommitId) -> Result<(), Damage> {
        for commit in self.reader.unknown(to, known)? {
            self.commit(commit)?;
            self.looked_at.insert(commit);
            // It is refused, and more would not be told.
            if self.found.more > 0 {
                return Ok(());
            }
        }
        // One that was there before may be in an older format, or break today's rules.
        if self.looked_at.insert(to) {
            self.tree(None, to)?;
        }
        Ok(())
    }

    fn commit(&mut self, commit: CommitId) -> Result<(), Damage> {
        let size = self.reader.size(commit)?;
        if size > LARGEST_COMMIT {
            let reason = format!("has {size} bytes with its message; {LARGEST_COMMIT} is the most");
            self.found.add(commit, None, &reason);
        }
        let record = self.reader.commit(commit)?;
        let [author, committer] = self.reader.seconds(commit)?;
        for (whose, seconds) in [("author", author), ("committer", committer)] {
            if let Some(reason) = untimely(whose, seconds) {
                self.found.add(commit, None, &reason);
            }
        }
        // A parent that was looked at leaves only what differs from it.
        let base = record.parents.first().copied().filter(|parent| self.looked_at.contains(parent));
        self.tree(base, commit)
    }

    fn tree(&mut self, base: Option<CommitId>, commit: CommitId) -> Result<(), Damage> {
        let new = self.reader.new_in(base, commit)?;
        let by_path: BTreeMap<&str, Option<Lies>> =
            new.iter().map(|new| (new.path.as_str(), new.lies)).collect();
        let header = by_path.get(header::PATH);
        if base.is_none() && header.is_none() || header == Some(&None) {
            self.found.add(
                commit,
                Some(header::PATH),
                "is missing; it holds the number of the format, and a description",
            );
        }
        for New { path, lies } in &new {
            let Some(lies) = *lies else { continue };
            if self.found.more > 0 {
                return Ok(());
            }
            if let Err(reason) = self.entry(path, lies)? {
                self.found.add(commit, Some(path), &reason);
            }
        }
        Ok(())
    }

    /// What is wrong with what lies at a path. The same file is told once.
    fn entry(&mut self, path: &str, lies: Lies) -> Result<Result<(), String>, Damage> {
        let what = match (path.split_once('/'), lies) {
            (None, Lies::Folder) if Kind::named(path).is_some() => return Ok(Ok(())),
            (None, Lies::EmptyFolder) if Kind::named(path).is_some() => {
                return Ok(Err("is a folder without files, which git itself never makes".to_owned()));
            }
            (None, _) if path != header::PATH => {
                return Ok(Err("does not belong in a configuration".to_owned()));
            }
            // What lies in a folder that does not belong here is told with the folder.
            (Some((folder, _)), _) if Kind::named(folder).is_none() => return Ok(Ok(())),
            (_, Lies::File(blob)) => return self.file(path, blob),
            (_, Lies::Folder) => "is a folder",
            (_, Lies::EmptyFolder) => "is a folder without files, which git itself never makes",
            (_, Lies::OddlyModed) => "has mode 100664, not 100644",
            (_, Lies::Executable) => "is marked as executable; `git update-index --chmod=-x` takes that away",
            (_, Lies::Link) => "is a symbolic link",
            (_, Lies::Submodule) => "is a submodule",
        };
        Ok(Err(format!("must be a plain file; it {what}")))
    }

    fn file(&mut self, path: &str, blob: BlobId) -> Result<Result<(), String>, Damage> {
        let key = (path.to_owned(), blob);
        if let Some(is_right) = self.files.get(&key) {
            return Ok(if *is_right { Ok(()) } else { Err("is as wrong as before".to_owned()) });
        }
        let size = self.reader.size(blob)?;
        let outcome = if size > self.largest_file {
            Err(format!("has {size} bytes; {} is the most", self.largest_file))
        } else {
            let bytes = self.reader.blob(blob)?;
            match format::place(path) {
                Some((kind, name)) => {
                    format::decode(kind, name, &bytes).map(drop).map_err(|misfit| misfit.to_string())
                }
                None => match Header::decode(&bytes) {
                    Ok(Header { format, .. }) if format < FORMAT => {
                        Err(format!("says that the format is {format}; this service writes {FORMAT}"))
                    }
                    Ok(_) => Ok(()),
                    Err(misfit) => Err(misfit.to_string()),
                },
            }
        };
        self.files.insert(key, outcome.is_ok());
        Ok(outcome)
    }
}
