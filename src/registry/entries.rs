//! Single entries: read, create, update, delete.

use std::sync::Arc;

use bytes::Bytes;

use super::error::{Error, Rejection};
use super::step::Step;
use super::write::{self, Demand, Outcome, Ready, Write};
use super::{Registry, Result, Shown};
use crate::document::{Document, EntryId, Kind, json};
use crate::format;
use crate::ledger::{State, Subject};

/// Where an entry is.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub configuration: &'a str,
    pub kind: &'static Kind,
    /// As the client wrote it; may be no id at all.
    pub id: &'a str,
}

impl Place<'_> {
    pub(super) fn missing(&self) -> Error {
        Error::NoEntry {
            kind: self.kind,
            id: self.id.to_owned(),
            configuration: self.configuration.to_owned(),
        }
    }

    /// What cannot be an id cannot be there.
    pub(super) fn to_find(self) -> std::result::Result<EntryId, Error> {
        EntryId::parse(self.id).map_err(|_| self.missing())
    }

    /// An id that somebody means to write must be one.
    fn to_write(self) -> std::result::Result<EntryId, Error> {
        EntryId::parse(self.id).map_err(|fault| Error::fault("path", "id", fault.rule(), fault.to_string()))
    }
}

/// The file of an entry.
pub(super) fn subject(kind: &Kind, id: &EntryId) -> Subject {
    Subject::File(format::path(kind, &format::file_name(id)))
}

impl Registry {
    /// An entry as it is now.
    ///
    /// # Errors
    /// There is no such configuration or entry.
    pub fn entry(&self, place: Place<'_>) -> Result<Shown> {
        let configuration = self.configuration(place.configuration)?;
        let version = configuration.version();
        let contents = self.contents(&configuration)?;
        let entry = contents.set(place.kind).and_then(|set| set.entries.get(place.id));
        let entry = entry.ok_or_else(|| place.missing()).map_err(Rejection::at(version))?;
        Ok(Shown { version, tag: entry.blob.into(), body: entry.bytes.clone() })
    }

    /// Creates an entry that is not there yet.
    ///
    /// # Errors
    /// It is there, the write's conditions do not hold, the document breaks a rule, or the ledger refuses.
    pub async fn create_entry(
        self: &Arc<Self>,
        place: Place<'_>,
        body: Bytes,
        write: Write,
    ) -> Result<Outcome> {
        let configuration = self.configuration(place.configuration)?;
        let at = Rejection::at(configuration.version());
        let id = place.to_write().map_err(&at)?;
        let file = subject(place.kind, &id);
        let denial = Error::EntryExists { kind: place.kind, id: id.clone() };
        let demands = write::creating(&write, &file, denial);
        write::check(&demands, Some(&configuration.head)).map_err(&at)?;
        let document = self.parse(place.kind, id.clone(), body).await.map_err(&at)?;
        let message = format!("Create {} {}", place.kind.singular, document.id());
        let steps = vec![Step::Put(document)];
        self.write(&configuration, Ready { demands, steps, target: file, message }, write).await
    }

    /// Changes an entry that is there.
    ///
    /// # Errors
    /// It is not there, the write's conditions do not hold, the document breaks a rule, or the ledger refuses.
    pub async fn update_entry(
        self: &Arc<Self>,
        place: Place<'_>,
        body: Bytes,
        write: Write,
    ) -> Result<Outcome> {
        let configuration = self.configuration(place.configuration)?;
        let at = Rejection::at(configuration.version());
        let id = place.to_write().map_err(&at)?;
        let demands = existing(place, &id, &write);
        write::check(&demands, Some(&configuration.head)).map_err(&at)?;
        let document = self.parse(place.kind, id.clone(), body).await.map_err(&at)?;
        let message = format!("Update {} {}", place.kind.singular, document.id());
        let (steps, target) = (vec![Step::Put(document)], subject(place.kind, &id));
        self.write(&configuration, Ready { demands, steps, target, message }, write).await
    }

    /// Deletes an entry that is there. Its history stays.
    ///
    /// # Errors
    /// It is not there, the write's conditions do not hold, or the ledger refuses.
    pub async fn delete_entry(self: &Arc<Self>, place: Place<'_>, write: Write) -> Result<Outcome> {
        let configuration = self.configuration(place.configuration)?;
        let id = place.to_find().map_err(Rejection::at(configuration.version()))?;
        let demands = existing(place, &id, &write);
        let message = format!("Delete {} {id}", place.kind.singular);
        let target = subject(place.kind, &id);
        let steps = vec![Step::Remove(place.kind, id)];
        self.write(&configuration, Ready { demands, steps, target, message }, write).await
    }

    async fn parse(
        &self,
        kind: &'static Kind,
        id: EntryId,
        body: Bytes,
    ) -> std::result::Result<Document, Error> {
        self.reading(body, move |bytes| Ok(Document::parse(kind, json::read(bytes)?, Some(&id), "body")?))
            .await
    }
}

/// The entry must be there, and then be what the request's conditions say.
pub(super) fn existing(place: Place<'_>, id: &EntryId, write: &Write) -> Vec<Demand> {
    let file = subject(place.kind, id);
    let mut demands = vec![Demand::new(file.clone(), State::Present, place.missing())];
    demands.extend(write::conditions(write, &file, &file));
    demands
}
