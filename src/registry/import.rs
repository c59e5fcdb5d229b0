//! Taking in documents from a file, older ones included.

use std::sync::Arc;

use serde_json::Value;

use super::catalogue::Configuration;
use super::error::Error;
use super::sets::Mode;
use super::step::files_of_a_new_one;
use super::{Registry, Result, name};
use crate::document::{Document, Kind, json};
use crate::format::{self, Files, Header, header, migrations};
use crate::ledger::{Action, Blob, Change, Draft, Edit, Identity, Share, Subject};

/// What is to be taken in.
#[derive(Debug, Clone)]
pub struct Import {
    pub configuration: String,
    pub kind: &'static Kind,
    pub mode: Mode,
    pub author: Identity,
    pub message: Option<String>,
}

/// What was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    pub documents: usize,
    /// The format that the documents were written in.
    pub format: u32,
}

impl Registry {
    /// Takes in a set, what a `GET` of one answers, or a single document. Older documents become one commit in their
    /// own format and one for each step to today's. All of it happens, or nothing.
    ///
    /// # Errors
    /// The bytes are no such documents, or the ledger refuses.
    pub async fn import(self: &Arc<Self>, import: Import, bytes: &[u8]) -> Result<Imported> {
        let branch = name::parse(&import.configuration).map_err(|fault| Error::bad_name(&fault))?;
        self.check_not_lost(branch.as_str())?;
        let existing = self.catalogue.get(branch.as_str());
        let description = match &existing {
            Some(configuration) => self.contents(configuration)?.header.description.clone(),
            None => String::new(),
        };
        let values = documents(json::read(bytes)?);
        let format = values.iter().map(migrations::version_of).min().unwrap_or(format::FORMAT);
        let today: std::result::Result<Vec<Value>, Error> =
            values.iter().map(|value| todays(import.kind, value, format)).collect();
        let today =
            Document::parse_set(import.kind, Value::Array(today?), "document").map_err(Error::Invalid)?;
        let imported = Imported { documents: today.len(), format };
        if let Some(configuration) = &existing
            && self.holds(configuration, &import, &today)?
        {
            return Ok(imported);
        }
        let mut drafts = Vec::new();
        if existing.is_none() {
            let message = format!("Create configuration {branch}");
            drafts.push(Draft { edits: files_of_a_new_one(""), message });
        }
        let message = import.message.clone().unwrap_or_else(|| match (&today[..], import.mode) {
            ([document], Mode::Merge) => format!("Import {} {}", import.kind.singular, document.id()),
            (documents, _) => format!("Import {} {}", documents.len(), import.kind.plural),
        });
        drafts.extend(self::drafts(&import, &values, &today, format, &description, &message)?);
        let action = if existing.is_some() {
            Action::Commit(drafts)
        } else {
            Action::Create { from: None, drafts, archive: None }
        };
        let change = Change {
            branch,
            requirements: Vec::new(),
            action,
            author: import.author,
            share: Share::default(),
        };
        self.submit(change, Vec::new(), &Subject::Branch).await?;
        Ok(imported)
    }
}

impl Registry {
    /// Whether all that is to be taken in is there already.
    fn holds(&self, configuration: &Configuration, import: &Import, documents: &[Document]) -> Result<bool> {
        let Some(set) = self.contents(configuration)?.set(import.kind) else { return Ok(false) };
        let same = |document: &Document| {
            set.entries.get(document.id()).is_some_and(|entry| entry.bytes == document.text())
        };
        let complete = import.mode == Mode::Merge || set.entries.len() == documents.len();
        Ok(complete && documents.iter().all(same))
    }
}

/// The documents in what people keep in files: an array, a set's answer, or one document.
fn documents(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        Value::Object(mut members) if members.contains_key("items") && !members.contains_key("id") => {
            match members.swap_remove("items") {
                Some(Value::Array(values)) => values,
                other => other.into_iter().collect(),
            }
        }
        one => vec![one],
    }
}

/// A document that was written in an older format, in today's words. Not checked yet.
fn todays(kind: &Kind, value: &Value, format: u32) -> std::result::Result<Value, Error> {
    let path = format::path(kind, "document");
    let mut files = Files::from([(path.clone(), json::pretty(value)), header_file(format, "")]);
    for step in migrations::after(format) {
        (step.upgrade)(&mut files).map_err(|misfit| Error::Damaged(misfit.to_string()))?;
    }
    Ok(json::read(&files[&path])?)
}

fn header_file(format: u32, description: &str) -> (String, Vec<u8>) {
    (header::PATH.to_owned(), Header::new(format, description).encode())
}

/// The commits: the documents as they came, and then each step of the format.
fn drafts(
    import: &Import,
    values: &[Value],
    today: &[Document],
    format: u32,
    description: &str,
    message: &str,
) -> std::result::Result<Vec<Draft>, Error> {
    let names: Vec<String> = today.iter().map(|document| format::file_name(document.id())).collect();
    let mut files: Files = if format == format::FORMAT {
        names
            .iter()
            .zip(today)
            .map(|(name, document)| (format::path(import.kind, name), document.text().to_vec()))
            .collect()
    } else {
        names
            .iter()
            .zip(values)
            .map(|(name, value)| (format::path(import.kind, name), json::pretty(value)))
            .collect()
    };
    let mut first: Vec<Edit> = match import.mode {
        Mode::Merge => puts(&files),
        Mode::Replace => {
            let blob = |name: &String| Blob::new(files[&format::path(import.kind, name)].clone());
            let blobs = names.iter().map(|name| (name.clone(), blob(name)));
            vec![Edit::Replace(import.kind.name.to_owned(), blobs.collect())]
        }
    };
    if format == format::FORMAT {
        return Ok(vec![Draft { edits: first, message: message.to_owned() }]);
    }
    files.extend([header_file(format, description)]);
    first.extend(puts(&Files::from([header_file(format, description)])));
    let mut drafts = vec![Draft { edits: first, message: message.to_owned() }];
    for step in migrations::after(format) {
        let damaged = |misfit: format::Misfit| Error::Damaged(misfit.to_string());
        (step.upgrade)(&mut files).map_err(damaged)?;
        if step.number == format::FORMAT {
            files = format::upgrade(files).map_err(damaged)?;
        }
        let message = format!("Upgrade to format {} ({})", step.number, step.name);
        drafts.push(Draft { edits: puts(&files), message });
    }
    Ok(drafts)
}

fn puts(files: &Files) -> Vec<Edit> {
    files.iter().map(|(path, bytes)| Edit::Put(path.clone(), Blob::new(bytes.clone()))).collect()
}
