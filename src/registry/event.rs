//! A commit, as those who follow a configuration are told of it.

use std::sync::OnceLock;

use bytes::Bytes;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::version::Version;
use crate::document::{EntryId, Kind};
use crate::format;
use crate::ledger::{CommitId, Committed, Damage, FileChange, Reader};

/// A commit, and what became of which entries.
#[derive(Debug)]
pub struct Event {
    version: Version,
    changes: Vec<Changed>,
    id: CommitId,
    whole: OnceLock<Bytes>,
}

/// What became of an entry.
#[derive(Debug)]
struct Changed {
    kind: &'static Kind,
    id: EntryId,
    change: &'static str,
}

/// What a follower wants to be told of.
#[derive(Debug, Clone, Default)]
pub struct Interest {
    pub kind: Option<&'static Kind>,
    /// Of that kind.
    pub id: Option<EntryId>,
}

impl Interest {
    fn takes(&self, changed: &Changed) -> bool {
        self.kind.is_none_or(|kind| kind == changed.kind)
            && self.id.as_ref().is_none_or(|id| *id == changed.id)
    }
}

impl Event {
    /// Reads what a commit changed. Without a reader it is `None` where only a file's content tells whose it is.
    ///
    /// # Errors
    /// Such a file cannot be read.
    pub(super) fn of(committed: &Committed, reader: Option<&Reader>) -> Result<Option<Self>, Damage> {
        let mut changes = Vec::new();
        for file in &committed.files {
            let Some((kind, name)) = format::place(&file.path) else { continue };
            let id = match (format::id_of_name(name), reader) {
                (Some(id), _) => Some(id),
                (None, None) => return Ok(None),
                (None, Some(reader)) => id_inside(file, reader)?,
            };
            // What somebody has put there by hand may be no entry.
            changes.extend(id.map(|id| Changed { kind, id, change: what_became_of(file) }));
        }
        let (id, version) = (committed.commit.id, committed.commit.clone().into());
        Ok(Some(Event { version, changes, id, whole: OnceLock::new() }))
    }

    /// The version that the commit made.
    pub fn id(&self) -> CommitId {
        self.id
    }

    /// As it is told to who has this interest: its JSON, in one line, as `frame` has it. `None` if it is of no interest.
    /// With no narrower interest it is made once, by the first `frame`.
    pub fn told(&self, interest: &Interest, frame: impl FnOnce(&Self, &[u8]) -> Bytes) -> Option<Bytes> {
        if interest.kind.is_none() {
            return Some(self.whole.get_or_init(|| frame(self, &self.written(interest))).clone());
        }
        let is_told = self.changes.iter().any(|changed| interest.takes(changed));
        is_told.then(|| frame(self, &self.written(interest)))
    }

    fn written(&self, interest: &Interest) -> Vec<u8> {
        #[derive(Serialize)]
        struct Told<'e> {
            #[serde(flatten)]
            version: &'e Version,
            changes: Vec<&'e Changed>,
        }
        let changes = self.changes.iter().filter(|changed| interest.takes(changed)).collect();
        serde_json::to_vec(&Told { version: &self.version, changes }).unwrap_or_default()
    }
}

impl Serialize for Changed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Changed", 3)?;
        fields.serialize_field("kind", self.kind.name)?;
        fields.serialize_field("id", self.id.as_str())?;
        fields.serialize_field("change", self.change)?;
        fields.end()
    }
}

fn what_became_of(file: &FileChange) -> &'static str {
    match (file.before, file.after) {
        (None, _) => "created",
        (Some(_), Some(_)) => "updated",
        (Some(_), None) => "deleted",
    }
}

fn id_inside(file: &FileChange, reader: &Reader) -> Result<Option<EntryId>, Damage> {
    let Some(blob) = file.after.or(file.before) else { return Ok(None) };
    Ok(format::id_of(&reader.blob(blob)?).ok())
}
