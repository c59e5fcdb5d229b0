//! What two versions had in common: the files of their common ancestor.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use bytes::Bytes;

use super::error::Error;
use super::versions::Old;
use crate::document::{Document, KINDS, Kind};
use crate::format::{self, Header, Misfit, header};
use crate::ledger::{Blob, BlobId, CommitId, Reader, Subject, What};

/// Ancestors of ancestors are asked no deeper than this. Beyond it one of several is taken for all.
const DEEPEST: usize = 8;

/// A document's file in a version.
#[derive(Debug, Clone)]
pub enum File {
    /// Its bytes are there where they are not those of the repository: the version is of an older format.
    Known(BlobId, Option<Bytes>),
    /// There are several ancestors, which say different things.
    Unclear,
}

impl PartialEq for File {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (File::Known(one, _), File::Known(other, _)) => one == other,
            (File::Unclear, File::Unclear) => true,
            _ => false,
        }
    }
}

impl File {
    /// Its bytes, unless it is unclear which.
    pub fn bytes(&self, reader: &Reader) -> Result<Option<Bytes>, Error> {
        match self {
            File::Known(_, Some(bytes)) => Ok(Some(bytes.clone())),
            File::Known(id, None) => Ok(Some(reader.blob(*id)?)),
            File::Unclear => Ok(None),
        }
    }
}

/// The files of documents, by path.
pub type Files = BTreeMap<String, File>;

/// The files of a version, in today's format.
pub fn files(reader: &Reader, commit: CommitId) -> Result<Files, Error> {
    let only = reader.files(commit, &[Subject::File(header::PATH.to_owned())])?;
    let header = only.get(header::PATH).ok_or(Misfit::NoHeader).and_then(|file| Header::decode(&file.bytes));
    let header = header.map_err(|misfit| Error::NotToday { version: commit, reason: misfit.to_string() })?;
    if header.format < format::FORMAT {
        return upgraded(reader, commit);
    }
    let mut files = Files::new();
    for folder in reader.top(commit)? {
        let (What::Folder(tree), Some(kind)) = (folder.what, Kind::named(&folder.name)) else { continue };
        let listed = reader.list(tree)?.into_iter().filter_map(|listed| match listed.what {
            What::File(blob) => Some((format::path(kind, &listed.name), File::Known(blob, None))),
            _ => None,
        });
        files.extend(listed);
    }
    Ok(files)
}

fn upgraded(reader: &Reader, commit: CommitId) -> Result<Files, Error> {
    let old = Old::read(reader, commit, &[Subject::Branch])?;
    let documents = KINDS.iter().flat_map(|kind| old.documents(kind));
    let file = |document: Document| {
        let Blob { id, bytes } = Blob::new(document.text().clone());
        let path = format::path(document.kind(), &format::file_name(document.id()));
        (path, File::Known(id, Some(bytes)))
    };
    Ok(documents.map(file).collect())
}

/// The files that two versions had in common, whose best common ancestors these are. Where there are several, they are
/// merged themselves first: to take one of them could undo what the other's side has changed.
pub fn common(reader: &Reader, bases: &[CommitId]) -> Result<Files, Error> {
    Ancestors { reader, known: HashMap::new() }.of(bases, 0).map(Rc::unwrap_or_clone)
}

/// What is found on the way. Who merge with each other again and again have the same ancestors of ancestors on every way
/// down, and the ways multiply with each step.
struct Ancestors<'r> {
    reader: &'r Reader,
    /// By the depth and the commits.
    known: HashMap<(usize, Vec<CommitId>), Rc<Files>>,
}

impl Ancestors<'_> {
    fn of(&mut self, bases: &[CommitId], depth: usize) -> Result<Rc<Files>, Error> {
        let Some((first, others)) = bases.split_first() else { return Ok(Rc::default()) };
        let key = (depth, bases.to_vec());
        if let Some(known) = self.known.get(&key) {
            return Ok(Rc::clone(known));
        }
        let mut found = files(self.reader, *first)?;
        for other in others.iter().take_while(|_| depth < DEEPEST) {
            let below = self.of(&self.reader.merge_bases(*first, *other)?, depth + 1)?;
            found = merged(&below, &found, &files(self.reader, *other)?);
        }
        let found = Rc::new(found);
        self.known.insert(key, Rc::clone(&found));
        Ok(found)
    }
}

fn merged(base: &Files, one: &Files, other: &Files) -> Files {
    let mut paths: Vec<_> = one.keys().chain(other.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    let of = |path: &String| {
        let [base, one, other] = [base, one, other].map(|files| files.get(path));
        match () {
            () if one == other || base == other => one.cloned(),
            () if base == one => other.cloned(),
            () => Some(File::Unclear),
        }
    };
    paths.into_iter().filter_map(|path| Some((path.clone(), of(path)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files_of(files: &[(&str, &str)]) -> Files {
        let file = |text: &str| File::Known(BlobId::of(text.as_bytes()), None);
        files.iter().map(|(path, text)| ((*path).to_owned(), file(text))).collect()
    }

    #[test]
    fn ancestors_are_merged_file_by_file() {
        let base = files_of(&[("same", "1"), ("one", "1"), ("other", "1"), ("both", "1"), ("gone", "1")]);
        let one = files_of(&[("same", "1"), ("one", "2"), ("other", "1"), ("both", "2"), ("new", "2")]);
        let other = files_of(&[("same", "1"), ("one", "1"), ("other", "3"), ("both", "3"), ("gone", "1")]);
        let mut expected = files_of(&[("same", "1"), ("one", "2"), ("other", "3"), ("new", "2")]);
        expected.insert("both".to_owned(), File::Unclear);
        assert_eq!(merged(&base, &one, &other), expected);
        assert_eq!(merged(&base, &other, &one), expected);
    }
}
