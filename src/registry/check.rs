//! Checking a whole repository: every branch, archive and release, every commit, every document.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use bytes::Bytes;

use super::name;
use crate::document::Kind;
use crate::format::{self, Files, Header, header};
use crate::ledger::{
    BlobId, Branches, CommitId, Damage, Difference, Listed, OpenError, Reader, TreeId, What, differences,
    repository,
};

/// Something that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The branch or archive, or the history index.
    pub place: String,
    pub commit: Option<CommitId>,
    pub file: Option<String>,
    pub reason: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.place)?;
        if let Some(commit) = self.commit {
            write!(f, " {commit}")?;
        }
        if let Some(file) = &self.file {
            write!(f, " {file}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// What was looked at, and what is wrong.
#[derive(Debug, Default)]
pub struct Report {
    pub branches: usize,
    pub archives: usize,
    pub commits: usize,
    /// Different contents of documents.
    pub documents: usize,
    pub findings: Vec<Finding>,
}

/// Checks the repository of a data directory, and its history index if there is one. Reads only; a service may be using
/// them.
///
/// # Errors
/// There is no repository that could be read at all.
pub fn check(data: &Path) -> Result<Report, OpenError> {
    let path = data.join(repository::FOLDER);
    let reader = Reader::open(&path)?;
    let mut checker =
        Checker { reader: &reader, report: Report::default(), seen: Seen::default(), place: String::new() };
    match reader.branches() {
        Ok(Branches { branches, others }) => {
            checker.report.branches = branches.len();
            for (branch, tip) in branches {
                checker.line(format!("branch {branch}"), tip);
                if let Err(fault) = name::parse(branch.as_str()) {
                    checker.find(None, None, format!("is not the name of a configuration: {fault}"));
                }
            }
            for other in others {
                checker.place = other;
                checker.find(None, None, "is not the name of a configuration");
            }
        }
        Err(damage) => checker.find(None, None, damage.to_string()),
    }
    match reader.archives() {
        Ok(archives) => {
            checker.report.archives = archives.len();
            for (archive, tip) in archives {
                checker.line(format!("archive {archive}"), tip);
            }
        }
        Err(damage) => checker.find(None, None, damage.to_string()),
    }
    match reader.all_tags() {
        Ok(tags) => tags.into_iter().for_each(|(name, tip)| checker.line(name, tip)),
        Err(damage) => checker.find(None, None, damage.to_string()),
    }
    checker.index(&data.join(repository::INDEX), &path);
    Ok(checker.report)
}

/// What needs no second look: most of a commit is what its parent held.
#[derive(Default)]
struct Seen {
    commits: HashSet<CommitId>,
    headers: HashMap<BlobId, Option<u32>>,
    folders: HashSet<(String, TreeId, u32)>,
    files: HashSet<(String, BlobId, u32)>,
}

struct Checker<'a> {
    reader: &'a Reader,
    report: Report,
    seen: Seen,
    place: String,
}

impl Checker<'_> {
    fn find(&mut self, commit: Option<CommitId>, file: Option<&str>, reason: impl Into<String>) {
        let place = if self.place.is_empty() { "refs".to_owned() } else { self.place.clone() };
        let finding = Finding { place, commit, file: file.map(str::to_owned), reason: reason.into() };
        self.report.findings.push(finding);
    }

    /// Every commit of a branch or archive that no earlier one led to.
    fn line(&mut self, place: String, tip: Result<CommitId, Damage>) {
        self.place = place;
        let tip = match tip {
            Ok(tip) => tip,
            Err(damage) => return self.find(None, None, damage.to_string()),
        };
        let mut commits = self.reader.ancestry(tip).unwrap_or_else(|damage| {
            self.find(Some(tip), None, damage.to_string());
            Vec::new()
        });
        commits.retain(|commit| self.seen.commits.insert(*commit));
        self.report.commits += commits.len();
        for commit in commits {
            if let Err(damage) = self.commit(commit) {
                self.find(Some(commit), None, damage.to_string());
            }
        }
    }

    fn index(&mut self, index: &Path, repository: &Path) {
        self.place = "history index".to_owned();
        match differences(index, repository, self.reader) {
            Ok(found) => {
                for Difference { commit, reason } in found {
                    self.find(commit, None, reason);
                }
            }
            Err(damage) => self.find(None, None, damage.to_string()),
        }
    }

    fn commit(&mut self, commit: CommitId) -> Result<(), Damage> {
        let top = self.reader.top(commit)?;
        let found = top.iter().find_map(|listed| match listed {
            Listed { name, what: What::File(id) } if name == header::PATH => Some(*id),
            _ => None,
        });
        let Some(id) = found else {
            self.find(Some(commit), Some(header::PATH), "is missing");
            return Ok(());
        };
        let Some(format) = self.header(commit, id)? else {
            return Ok(());
        };
        for Listed { name, what } in top {
            match (what, Kind::named(&name)) {
                (What::File(_), _) if name == header::PATH => {}
                (What::Folder(tree), Some(kind)) => {
                    if self.seen.folders.insert((name, tree, format)) {
                        self.folder(commit, kind, tree, format)?;
                    }
                }
                _ => self.find(Some(commit), Some(&name), "does not belong in a configuration"),
            }
        }
        Ok(())
    }

    /// The number of the format, if the file tells one that this program knows.
    fn header(&mut self, commit: CommitId, id: BlobId) -> Result<Option<u32>, Damage> {
        if let Some(known) = self.seen.headers.get(&id) {
            return Ok(*known);
        }
        let header = Header::decode(&self.reader.blob(id)?);
        if let Err(misfit) = &header {
            self.find(Some(commit), Some(header::PATH), misfit.to_string());
        }
        let format = header.ok().map(|header| header.format);
        self.seen.headers.insert(id, format);
        Ok(format)
    }

    fn folder(
        &mut self,
        commit: CommitId,
        kind: &'static Kind,
        tree: TreeId,
        format: u32,
    ) -> Result<(), Damage> {
        for Listed { name, what } in self.reader.list(tree)? {
            let path = format::path(kind, &name);
            let What::File(id) = what else {
                self.find(Some(commit), Some(&path), "does not belong here: a folder or a link");
                continue;
            };
            if !self.seen.files.insert((path.clone(), id, format)) {
                continue;
            }
            self.report.documents += 1;
            match self.reader.blob(id) {
                Ok(bytes) => {
                    if let Err(reason) = document(kind, &name, &bytes, format) {
                        self.find(Some(commit), Some(&path), reason);
                    }
                }
                Err(damage) => self.find(Some(commit), Some(&path), damage.to_string()),
            }
        }
        Ok(())
    }
}

/// What is wrong with a document's file in a tree of some format.
fn document(kind: &'static Kind, name: &str, bytes: &Bytes, format: u32) -> Result<(), String> {
    if format < format::FORMAT {
        let header = Header::new(format, "").encode();
        let files =
            Files::from([(header::PATH.to_owned(), header), (format::path(kind, name), bytes.to_vec())]);
        return format::upgrade(files).map(|_: BTreeMap<_, _>| ()).map_err(|misfit| misfit.to_string());
    }
    format::decode(kind, name, bytes).map(drop).map_err(|misfit| misfit.to_string())
}
