//! One step of a write, in the registry's own words. The same steps make a commit, or the difference that a dry run
//! shows.

use crate::document::{Document, EntryId, Kind};
use crate::format::{self, Header, header};
use crate::ledger::{Blob, Edit};

/// What becomes of a document, a set, or what a configuration says of itself.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Put(Document),
    Remove(&'static Kind, EntryId),
    Replace(&'static Kind, Vec<Document>),
    Describe(Header),
}

impl Step {
    /// In bytes, what there is to write.
    pub fn size(&self) -> usize {
        match self {
            Step::Put(document) => document.text().len(),
            Step::Replace(_, documents) => documents.iter().map(|document| document.text().len()).sum(),
            Step::Remove(..) | Step::Describe(_) => 0,
        }
    }

    /// The step as the ledger takes it.
    pub fn edit(&self) -> Edit {
        let file =
            |document: &Document| (format::file_name(document.id()), Blob::new(document.text().clone()));
        match self {
            Step::Put(document) => {
                let (name, blob) = file(document);
                Edit::Put(format::path(document.kind(), &name), blob)
            }
            Step::Remove(kind, id) => Edit::Remove(format::path(kind, &format::file_name(id))),
            Step::Replace(kind, documents) => {
                Edit::Replace(kind.name.to_owned(), documents.iter().map(file).collect())
            }
            Step::Describe(header) => Edit::Put(header::PATH.to_owned(), Blob::new(header.encode())),
        }
    }
}

/// The edits that begin a configuration at nothing.
pub(super) fn files_of_a_new_one(description: &str) -> Vec<Edit> {
    let files = format::migrations::new_configuration(description);
    files.into_iter().map(|(path, bytes)| Edit::Put(path, Blob::new(bytes))).collect()
}
