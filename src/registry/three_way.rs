//! Deciding a merge, file by file: what the source has changed since the common ancestor comes in, unless both sides have
//! changed it in different ways.

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::ancestor::File;
use super::catalogue::Configuration;
use super::conflict::Conflict;
use super::error::Error;
use super::step::Step;
use super::write::Demand;
use crate::document::{Document, Faults, Kind};
use crate::format::{self, Misfit};
use crate::ledger::{CommitId, Reader, State, Subject};

/// Whose state an entry is to have that both sides have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// That of the configuration that is written to.
    Ours,
    /// That of the configuration that is merged.
    Theirs,
}

/// An entry that a merge changes.
#[derive(Debug, Clone, Serialize)]
pub struct Taken {
    pub kind: &'static str,
    pub id: String,
    pub change: &'static str,
}

/// In bytes: when the documents of conflicts are more, no further ones are told. An answer must stay an answer.
const MOST_TOLD: usize = 8 << 20;

/// A merge in the making.
pub(super) struct Merge<'m> {
    reader: &'m Reader,
    ours: &'m Configuration,
    from: CommitId,
    prefer: Option<Side>,
    pub demands: Vec<Demand>,
    pub steps: Vec<Step>,
    pub items: Vec<Taken>,
    /// As many as are told.
    pub conflicts: Vec<Conflict>,
    /// How many conflicts there are.
    pub total: usize,
    /// In bytes: the documents of those that are told.
    told: usize,
}

/// An entry on all three sides.
struct Sides {
    kind: &'static Kind,
    base: Base,
    ours: Option<Document>,
    theirs: Option<Document>,
}

/// What an entry was.
enum Base {
    Document(Option<Document>),
    /// It broke today's rules, so it can be no document; but it can have been changed. Or nobody knows what it was.
    Unclear,
}

impl Sides {
    fn has_changed(&self, side: Option<&Document>) -> bool {
        match &self.base {
            Base::Document(base) => base.as_ref() != side,
            Base::Unclear => true,
        }
    }
}

impl<'m> Merge<'m> {
    pub fn new(reader: &'m Reader, ours: &'m Configuration, from: CommitId, prefer: Option<Side>) -> Self {
        let (demands, steps, items, conflicts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Merge { reader, ours, from, prefer, demands, steps, items, conflicts, total: 0, told: 0 }
    }

    /// Decides about a file that is not the same in the ancestor and the source. What is compared is what the documents
    /// say, however somebody may have laid them out.
    ///
    /// # Errors
    /// A file cannot be read, or is no document by today's rules.
    pub fn file(&mut self, path: &str, base: Option<&File>, theirs: Option<&File>) -> Result<(), Error> {
        let Some((kind, name)) = format::place(path) else { return Ok(()) };
        let blob = self.ours.head.blob(path);
        let ours = blob.map(|blob| self.reader.blob(blob)).transpose()?;
        let theirs = theirs.map(|file| file.bytes(self.reader)).transpose()?.flatten();
        let sides = Sides {
            kind,
            base: self.base(kind, name, base)?,
            ours: document(kind, name, ours, self.ours.version())?,
            theirs: document(kind, name, theirs, self.from)?,
        };
        if sides.has_changed(sides.theirs.as_ref()) {
            // What was decided from must still be so when it is written.
            let state = blob.map_or(State::Absent, |blob| State::OneOf(vec![blob.into()]));
            self.demands.push(Demand::new(Subject::File(path.to_owned()), state, Error::Raced));
            self.decide(sides);
        }
        Ok(())
    }

    fn base(&self, kind: &'static Kind, name: &str, file: Option<&File>) -> Result<Base, Error> {
        let Some(file) = file else { return Ok(Base::Document(None)) };
        let document = file.bytes(self.reader)?.and_then(|bytes| format::decode(kind, name, &bytes).ok());
        Ok(document.map_or(Base::Unclear, |document| Base::Document(Some(document))))
    }

    fn decide(&mut self, sides: Sides) {
        if sides.ours == sides.theirs {
            return;
        }
        match self.prefer {
            _ if !sides.has_changed(sides.ours.as_ref()) => self.take(sides),
            Some(Side::Theirs) => self.take(sides),
            Some(Side::Ours) => {}
            None => self.conflict(&sides),
        }
    }

    fn conflict(&mut self, sides: &Sides) {
        self.total += 1;
        if self.conflicts.len() == Faults::MOST || self.told > MOST_TOLD {
            return;
        }
        let Sides { kind, base, ours, theirs } = sides;
        let size = |side: &Option<Document>| side.as_ref().map_or(0, |document| document.text().len());
        self.told += size(ours) + size(theirs);
        let value = |side: &Option<Document>| side.as_ref().map_or(Value::Null, Document::value);
        let id = ours.as_ref().or(theirs.as_ref()).map(|document| document.id().to_string());
        let base = if let Base::Document(base) = base { value(base) } else { Value::Null };
        let (ours, theirs) = (value(ours), value(theirs));
        self.conflicts.push(Conflict { kind: kind.name, id: id.unwrap_or_default(), base, ours, theirs });
    }

    fn take(&mut self, sides: Sides) {
        let Sides { kind, ours, theirs, .. } = sides;
        let (id, change, step) = match (ours, theirs) {
            (Some(ours), None) => (ours.id().clone(), "deleted", Step::Remove(kind, ours.id().clone())),
            (None, Some(theirs)) => (theirs.id().clone(), "created", Step::Put(theirs)),
            (Some(_), Some(theirs)) => (theirs.id().clone(), "updated", Step::Put(theirs)),
            (None, None) => return,
        };
        self.items.push(Taken { kind: kind.name, id: id.to_string(), change });
        self.steps.push(step);
    }
}

fn document(
    kind: &'static Kind,
    name: &str,
    bytes: Option<Bytes>,
    version: CommitId,
) -> Result<Option<Document>, Error> {
    let not_today = |misfit: Misfit| Error::NotToday {
        version,
        reason: format!("{}: {misfit}", format::path(kind, name)),
    };
    bytes.map(|bytes| format::decode(kind, name, &bytes).map_err(not_today)).transpose()
}
