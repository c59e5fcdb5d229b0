//! What differs between two versions of a configuration, a set or an entry: as patches, or as text.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::diff::{CONFIGURATIONS, Difference};
use super::entries;
use super::error::{Error, Rejection};
use super::moment::resolve;
use super::versions::{Scope, header_at, subject};
use super::{Registry, Result, Shown};
use crate::format::{self, Files, Header, header};
use crate::ledger::{BlobId, CommitId, Reader, Subject, unified};

/// How a difference is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON: a patch for each document.
    Patches,
    /// As git prints it.
    Text,
}

/// Contents of files, by path.
type Contents = BTreeMap<String, Bytes>;

impl Registry {
    /// What differs between two versions of something; without another version, between a version and its first parent,
    /// or nothing. The tag is what git would name the body.
    ///
    /// # Errors
    /// There is no such configuration or version, the entry was in neither version, or a version breaks today's rules.
    pub async fn difference(
        self: &Arc<Self>,
        configuration: &str,
        scope: Scope<'_>,
        version: &str,
        against: Option<&str>,
        form: Form,
    ) -> Result<Shown> {
        let configuration = self.configuration(configuration)?;
        let at = Rejection::at(configuration.version());
        let subject = subject(&configuration, scope).map_err(&at)?;
        let name = configuration.name.as_str();
        let about = About {
            name: name.to_owned(),
            of_one_kind: !matches!(scope, Scope::Configuration),
            entry: match scope {
                Scope::Entry(kind, id) => Some(entries::Place { configuration: name, kind, id }.missing()),
                Scope::Configuration | Scope::Set(_) => None,
            },
            subject,
        };
        let registry = Arc::clone(self);
        let (version, against) = (version.to_owned(), against.map(str::to_owned));
        let now = Arc::clone(&configuration);
        let shown = self.aside(move || {
            let (reader, history) = (registry.ledger.reader(), registry.ledger.history());
            let to = resolve(history, &now, &version)?;
            let from = match against {
                Some(against) => Some(resolve(history, &now, &against)?),
                None => reader.commit(to)?.parents.first().copied(),
            };
            let body = match form {
                Form::Patches => about.patches(reader, from, to)?,
                Form::Text => about.text(reader, from, to)?,
            };
            Ok(Shown { version: to, tag: BlobId::of(&body).into(), body })
        });
        shown.await.map_err(at)
    }
}

/// The kind and the id of a document; no kind is what the configuration says of itself, which comes first.
type Place = (Option<&'static str>, String);

/// What is compared.
struct About {
    /// The configuration's.
    name: String,
    subject: Subject,
    of_one_kind: bool,
    /// If it is an entry, why there is nothing to compare where neither version has it.
    entry: Option<Error>,
}

impl About {
    fn patches(
        &self,
        reader: &Reader,
        from: Option<CommitId>,
        to: CommitId,
    ) -> std::result::Result<Bytes, Error> {
        let [before, after] = self.sides(reader, from, to)?;
        let mut documents: BTreeMap<Place, [Value; 2]> = BTreeMap::new();
        for (side, (commit, files)) in [(from.unwrap_or(to), before), (to, after)].into_iter().enumerate() {
            for (place, value) in self.documents(commit, &files)? {
                documents.entry(place).or_default()[side] = value;
            }
        }
        let mut difference = Difference {
            from: from.map(|commit| commit.to_string()),
            to: Some(to.to_string()),
            items: Vec::new(),
        };
        for ((kind, id), [before, after]) in &documents {
            difference.compare(kind.unwrap_or(CONFIGURATIONS), id, before, after);
        }
        if self.of_one_kind {
            difference.items.iter_mut().for_each(|item| item.kind = None);
        }
        let mut body = serde_json::to_vec(&difference).map_err(|_| Error::Broken)?;
        body.push(b'\n');
        Ok(body.into())
    }

    /// What the files of a version say.
    fn documents(
        &self,
        commit: CommitId,
        files: &Contents,
    ) -> std::result::Result<Vec<(Place, Value)>, Error> {
        let not_today =
            |misfit: &dyn std::fmt::Display| Error::NotToday { version: commit, reason: misfit.to_string() };
        let mut documents = Vec::with_capacity(files.len());
        for (path, bytes) in files {
            if path == header::PATH {
                let header = Header::decode(bytes).map_err(|misfit| not_today(&misfit))?;
                let said = json!({"id": self.name, "description": header.description});
                documents.push(((None, self.name.clone()), said));
            } else if let Some((kind, name)) = format::place(path) {
                let document = format::decode(kind, name, bytes);
                let document = document.map_err(|misfit| not_today(&format!("{path}: {misfit}")))?;
                documents.push(((Some(kind.name), document.id().to_string()), document.value()));
            }
        }
        Ok(documents)
    }

    fn text(
        &self,
        reader: &Reader,
        from: Option<CommitId>,
        to: CommitId,
    ) -> std::result::Result<Bytes, Error> {
        let [before, after] = self.sides(reader, from, to)?;
        Ok(unified(&before, &after)?)
    }

    /// The files that differ, in today's format, before and after.
    fn sides(
        &self,
        reader: &Reader,
        from: Option<CommitId>,
        to: CommitId,
    ) -> std::result::Result<[Contents; 2], Error> {
        let [before, after] =
            [from.map(|from| header_at(reader, from)).transpose()?, Some(header_at(reader, to)?)];
        let written_alike = match (&before, &after) {
            (Some(before), Some(after)) => before.format == after.format,
            _ => true,
        };
        let mut blobs: [BTreeMap<String, BlobId>; 2] = Default::default();
        if written_alike {
            for (path, change) in reader.changes(from, to, &self.subject)? {
                for (blobs, blob) in blobs.iter_mut().zip(change) {
                    blobs.extend(blob.map(|blob| (path.clone(), blob)));
                }
            }
        }
        let mut sides: [Contents; 2] = Default::default();
        for (side, (commit, header)) in [(from, before), (Some(to), after)].into_iter().enumerate() {
            let (Some(commit), Some(header)) = (commit, header) else { continue };
            let files = match written_alike {
                true => load(reader, &blobs[side])?,
                // Other formats, other files: which of them differ shows when all are in today's.
                false => whole(reader, commit, &self.subject)?,
            };
            sides[side] = today(reader, commit, &header, files)?;
        }
        if let Some(missing) = &self.entry
            && sides.iter().all(Contents::is_empty)
            && whole(reader, to, &self.subject)?.is_empty()
        {
            return Err(missing.clone());
        }
        let [before, after] = &mut sides;
        before.retain(|path, bytes| match after.get(path) == Some(bytes) {
            true => after.remove(path).is_none(),
            false => true,
        });
        Ok(sides)
    }
}

fn load(reader: &Reader, blobs: &BTreeMap<String, BlobId>) -> std::result::Result<Contents, Error> {
    blobs.iter().map(|(path, blob)| Ok((path.clone(), reader.blob(*blob)?))).collect()
}

fn whole(reader: &Reader, commit: CommitId, subject: &Subject) -> std::result::Result<Contents, Error> {
    let files = reader.files(commit, std::slice::from_ref(subject))?;
    Ok(files.into_iter().map(|(path, blob)| (path, blob.bytes)).collect())
}

/// A commit's files in today's format.
fn today(
    reader: &Reader,
    commit: CommitId,
    header: &Header,
    files: Contents,
) -> std::result::Result<Contents, Error> {
    if header.format == format::FORMAT {
        return Ok(files);
    }
    let is_shown = files.contains_key(header::PATH);
    let said = whole(reader, commit, &Subject::File(header::PATH.to_owned()))?;
    let old: Files = files.into_iter().chain(said).map(|(path, bytes)| (path, bytes.to_vec())).collect();
    let new = format::upgrade(old)
        .map_err(|misfit| Error::NotToday { version: commit, reason: misfit.to_string() })?;
    let new = new.into_iter().filter(|(path, _)| is_shown || path != header::PATH);
    Ok(new.map(|(path, bytes)| (path, bytes.into())).collect())
}
