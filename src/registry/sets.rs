//! Complete sets: read, create, replace, merge, delete.

use std::sync::Arc;

use bytes::Bytes;

use super::catalogue::Set;
use super::error::{Error, Rejection};
use super::step::Step;
use super::write::{self, Demand, Outcome, Ready, Write};
use super::{Registry, Result, Shown};
use crate::document::{Document, Kind};
use crate::ledger::{CommitId, ObjectId, Subject};

/// The documents of a set at a version.
#[derive(Debug, Clone)]
pub struct Documents {
    pub version: CommitId,
    set: Arc<Set>,
}

impl Documents {
    pub(super) fn new(version: CommitId, set: Set) -> Self {
        Documents { version, set: Arc::new(set) }
    }

    /// The set's tag.
    pub fn tag(&self) -> ObjectId {
        self.set.tree.into()
    }

    /// Each document's id and bytes, sorted by id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.set.entries.iter().map(|(id, entry)| (id.as_str(), &entry.bytes))
    }
}

/// How a set's new documents meet the old ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The new ones become the set.
    Replace,
    /// The new ones replace those of the same id or join; the others stay.
    Merge,
}

/// The folder of a set.
pub(super) fn subject(kind: &Kind) -> Subject {
    Subject::Folder(kind.name.to_owned())
}

impl Registry {
    /// A set as it is now.
    ///
    /// # Errors
    /// There is no such configuration.
    pub fn set(&self, configuration: &str, kind: &Kind) -> Result<Shown> {
        let configuration = self.configuration(configuration)?;
        let contents = self.contents(&configuration)?;
        let set = contents.set(kind).ok_or(Error::Broken)?;
        Ok(Shown { version: configuration.version(), tag: set.tree.into(), body: set.answer() })
    }

    /// Every document of a set as it is now, sorted by id, with the set's version and tag.
    ///
    /// # Errors
    /// There is no such configuration.
    pub fn documents(&self, configuration: &str, kind: &Kind) -> Result<Documents> {
        let configuration = self.configuration(configuration)?;
        let set = self.contents(&configuration)?.set(kind).cloned().ok_or(Error::Broken)?;
        Ok(Documents { version: configuration.version(), set })
    }

    /// Creates the complete set where none is.
    ///
    /// # Errors
    /// The set is not empty, the write's conditions do not hold, a document breaks a rule, or the ledger refuses.
    pub async fn create_set(
        self: &Arc<Self>,
        configuration: &str,
        kind: &'static Kind,
        body: Bytes,
        write: Write,
    ) -> Result<Outcome> {
        // To whoever means to create a set, an empty one is none.
        let demands = write::creating(&write, &subject(kind), Error::SetNotEmpty { kind });
        self.put(configuration, kind, Mode::Replace, demands, "Create", body, write).await
    }

    /// Makes the body the complete set, or merges it in.
    ///
    /// # Errors
    /// The write's conditions do not hold, a document breaks a rule, or the ledger refuses.
    pub async fn update_set(
        self: &Arc<Self>,
        configuration: &str,
        kind: &'static Kind,
        mode: Mode,
        body: Bytes,
        write: Write,
    ) -> Result<Outcome> {
        let demands = write::conditions(&write, &subject(kind), &Subject::Branch);
        let verb = match mode {
            Mode::Replace => "Replace",
            Mode::Merge => "Merge",
        };
        self.put(configuration, kind, mode, demands, verb, body, write).await
    }

    /// Deletes every entry of the set.
    ///
    /// # Errors
    /// The write's conditions do not hold, or the ledger refuses.
    pub async fn delete_set(
        self: &Arc<Self>,
        configuration: &str,
        kind: &'static Kind,
        write: Write,
    ) -> Result<Outcome> {
        let configuration = self.configuration(configuration)?;
        let demands = write::conditions(&write, &subject(kind), &Subject::Branch);
        let message = format!("Delete {}", kind.plural);
        let steps = vec![Step::Replace(kind, Vec::new())];
        self.write(&configuration, Ready { demands, steps, target: subject(kind), message }, write).await
    }

    #[expect(clippy::too_many_arguments, reason = "the two callers above differ in each of them")]
    async fn put(
        self: &Arc<Self>,
        configuration: &str,
        kind: &'static Kind,
        mode: Mode,
        demands: Vec<Demand>,
        verb: &str,
        body: Bytes,
        write: Write,
    ) -> Result<Outcome> {
        let configuration = self.configuration(configuration)?;
        let at = Rejection::at(configuration.version());
        write::check(&demands, Some(&configuration.head)).map_err(&at)?;
        let parse = move |bytes: &[u8]| Ok(Document::read_set(kind, bytes, "body")??);
        let documents = self.reading(body, parse).await.map_err(&at)?;
        let steps = match mode {
            Mode::Replace => vec![Step::Replace(kind, documents)],
            Mode::Merge => documents.into_iter().map(Step::Put).collect(),
        };
        let message = format!("{verb} {}", kind.plural);
        self.write(&configuration, Ready { demands, steps, target: subject(kind), message }, write).await
    }
}
