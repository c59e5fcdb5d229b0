//! Configurations themselves: list, create, copy, describe, delete, bring back.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::catalogue::{Configuration, Contents};
use super::error::{Error, Rejection};
use super::moment::{Moment, resolve};
use super::start::upgrade;
use super::step::{Step, files_of_a_new_one};
use super::version::date;
use super::versions::header_at;
use super::write::{self, Outcome, Ready, Write};
use super::{Registry, Result, diff, fields, name};
use crate::document::{FaultKind, Faults, json, name_of};
use crate::format::{self, Header, header};
use crate::ledger::{Action, BranchName, Change, CommitId, Draft, Reader, Subject};

pub use crate::format::header::LONGEST_DESCRIPTION;

/// A configuration as clients see it.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    id: String,
    description: String,
    version: String,
    date: String,
}

impl Record {
    fn of(configuration: &Configuration) -> Self {
        Record {
            id: configuration.name.to_string(),
            description: configuration
                .contents
                .as_ref()
                .map(|c| c.header.description.clone())
                .unwrap_or_default(),
            version: configuration.version().to_string(),
            date: date(configuration.head.time),
        }
    }
}

/// Where a new configuration comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Nothing,
    Copy { configuration: String, version: Option<String> },
    Archive(String),
}

impl Origin {
    /// Whose documents the new configuration shows.
    fn configuration(&self) -> Option<&str> {
        match self {
            Origin::Nothing => None,
            Origin::Copy { configuration, .. } => Some(configuration),
            Origin::Archive(archive) => archive.split('/').next(),
        }
    }
}

/// Where a copy begins: the commit, and what it says of itself there.
struct Start {
    commit: CommitId,
    header: Header,
}

impl Registry {
    /// Every configuration that may be shown, by name.
    pub fn configurations(&self, may_be_shown: impl Fn(&str) -> bool) -> Vec<Record> {
        let all = self.catalogue.all();
        let shown = all.values().filter(|configuration| may_be_shown(configuration.name.as_str()));
        shown.map(|configuration| Record::of(configuration)).collect()
    }

    /// One configuration's record, and its version.
    ///
    /// # Errors
    /// There is none.
    pub fn describe(&self, name: &str) -> Result<(Record, CommitId)> {
        let configuration = self.configuration(name)?;
        Ok((Record::of(&configuration), configuration.version()))
    }

    /// A configuration's record as it was at a moment, and that version.
    ///
    /// # Errors
    /// There is no such configuration or version, or the version breaks today's rules.
    pub async fn describe_at(self: &Arc<Self>, name: &str, moment: Moment) -> Result<(Record, CommitId)> {
        let configuration = self.configuration(name)?;
        let at = Rejection::at(configuration.version());
        let registry = Arc::clone(self);
        let record = self.aside(move || {
            let commit = moment.commit(registry.ledger.history(), &configuration)?;
            let reader = registry.ledger.reader();
            let record = Record {
                id: configuration.name.to_string(),
                description: header_at(reader, commit)?.description,
                version: commit.to_string(),
                date: date(reader.commit(commit)?.time),
            };
            Ok((record, commit))
        });
        record.await.map_err(at)
    }

    /// Creates a configuration: empty, or from another's version, or from an archive.
    ///
    /// # Errors
    /// It exists, its origin does not or may not be read, the body breaks a rule, the write's conditions do not hold,
    /// or the ledger refuses.
    pub async fn create_configuration(
        self: &Arc<Self>,
        name: &str,
        body: Bytes,
        write: Write,
        may_be_read: impl Fn(&str) -> bool,
    ) -> Result<Outcome> {
        let branch = name::parse(name).map_err(|fault| Error::bad_name(&fault))?;
        let denial = Error::ConfigurationExists(branch.clone());
        let demands = write::creating(&write, &Subject::Branch, denial);
        self.check_not_lost(name)?;
        let existing = self.catalogue.get(name);
        let version = existing.as_ref().map(|configuration| configuration.version());
        let checked = write::check(&demands, existing.as_ref().map(|configuration| &configuration.head));
        checked.map_err(|error| Rejection { error, version })?;
        let (description, origin) = self.reading(body, creation).await?;
        if let Some(source) = origin.configuration().filter(|source| !may_be_read(source)) {
            return Err(Error::OriginForbidden(source.to_owned()).into());
        }
        let start = self.origin(origin.clone(), &branch).await?;
        let message = write.message.clone().unwrap_or_else(|| match &origin {
            Origin::Nothing => format!("Create configuration {branch}"),
            Origin::Copy { configuration, .. } => {
                format!("Create configuration {branch} from {configuration}")
            }
            Origin::Archive(archive) => format!("Create configuration {branch} from archive {archive}"),
        });
        if write.dry_run {
            let diff = self.preview_creation(&branch, start, description).await?;
            return Ok(Outcome::Dry { version: None, diff });
        }
        let upgrade = self.upgrade_of(start.as_ref()).await?;
        let edits = match &start {
            None => files_of_a_new_one(description.as_deref().unwrap_or_default()),
            Some(start) => {
                // A copy is the same commit, unless it is to say something else of itself.
                let description = description.unwrap_or_else(|| start.header.description.clone());
                let header = Header { format: format::FORMAT, description, ..start.header.clone() };
                if header.description == start.header.description {
                    Vec::new()
                } else {
                    vec![Step::Describe(header).edit()]
                }
            }
        };
        let mut drafts = Vec::from_iter(upgrade);
        if !edits.is_empty() {
            drafts.push(Draft { edits, message });
        }
        let archive = match origin {
            Origin::Archive(archive) => Some(archive),
            Origin::Nothing | Origin::Copy { .. } => None,
        };
        let action = Action::Create { from: start.map(|start| start.commit), drafts, archive };
        let change =
            Change { branch, requirements: Vec::new(), action, author: write.author, share: write.share };
        self.submit(change, demands, &Subject::Branch).await
    }

    /// Changes a configuration's description.
    ///
    /// # Errors
    /// There is none, the body breaks a rule, the write's conditions do not hold, or the ledger refuses.
    pub async fn describe_configuration(
        self: &Arc<Self>,
        name: &str,
        body: Bytes,
        write: Write,
    ) -> Result<Outcome> {
        let configuration = self.configuration(name)?;
        let at = Rejection::at(configuration.version());
        let demands = write::conditions(&write, &Subject::Branch, &Subject::Branch);
        write::check(&demands, Some(&configuration.head)).map_err(&at)?;
        let description = self.reading(body, |bytes| {
            let mut faults = Faults::at("body");
            let description = fields::members(json::read(bytes)?, &["description"], &mut faults)
                .and_then(|members| header::description(&members, &mut faults));
            Ok(faults.or(description)?)
        });
        let description = description.await.map_err(&at)?;
        let header = Header { description, ..self.contents(&configuration)?.header.clone() };
        let steps = vec![Step::Describe(header)];
        let message = format!("Describe configuration {name}");
        self.write(&configuration, Ready { demands, steps, target: Subject::Branch, message }, write).await
    }

    /// Deletes a configuration. Its commits stay reachable in an archive.
    ///
    /// # Errors
    /// There is none, the write's conditions do not hold, or the ledger refuses.
    pub async fn delete_configuration(self: &Arc<Self>, name: &str, write: Write) -> Result<Outcome> {
        let configuration = self.configuration(name)?;
        let at = Rejection::at(configuration.version());
        let demands = write::conditions(&write, &Subject::Branch, &Subject::Branch);
        write::check(&demands, Some(&configuration.head)).map_err(&at)?;
        if write.dry_run {
            let (version, name) = (Some(configuration.version()), name.to_owned());
            let preview = self.aside(move || diff::whole(&name, Some(&configuration), None));
            return Ok(Outcome::Dry { version, diff: preview.await.map_err(&at)? });
        }
        let branch = configuration.name.clone();
        let change = Change {
            branch,
            requirements: Vec::new(),
            action: Action::Archive,
            author: write.author,
            share: write.share,
        };
        self.submit(change, demands, &Subject::Branch).await
    }

    async fn origin(
        self: &Arc<Self>,
        origin: Origin,
        new: &BranchName,
    ) -> std::result::Result<Option<Start>, Error> {
        let reader = Arc::clone(self.ledger.reader());
        let history = Arc::clone(self.ledger.history());
        match origin {
            Origin::Nothing => Ok(None),
            Origin::Copy { configuration, version } => {
                let source =
                    self.catalogue.get(&configuration).ok_or_else(|| self.missing(&configuration))?;
                let found = self.aside(move || {
                    let commit = match version {
                        Some(version) => resolve(&history, &source, &version)?,
                        None => source.version(),
                    };
                    Start::at(&reader, commit).map(Some)
                });
                found.await
            }
            Origin::Archive(archive) => {
                let configuration = archive.split('/').next().unwrap_or(new.as_str()).to_owned();
                let found = self.aside(move || match reader.archive(&archive)? {
                    Some(commit) => Start::at(&reader, commit).map(Some),
                    None => {
                        let mut known: Vec<_> =
                            reader.archives()?.into_iter().map(|(name, _)| name).collect();
                        known.retain(|name| name.split('/').next() == Some(configuration.as_str()));
                        Err(Error::NoArchive { archive, configuration, known })
                    }
                });
                found.await
            }
        }
    }

    /// What brings a copy of an older version to today's format: only that is served.
    async fn upgrade_of(&self, start: Option<&Start>) -> std::result::Result<Option<Draft>, Error> {
        let Some(Start { commit, .. }) = start.filter(|start| start.header.format < format::FORMAT) else {
            return Ok(None);
        };
        let (reader, commit) = (Arc::clone(self.ledger.reader()), *commit);
        self.aside(move || upgrade(&reader, commit)).await
    }

    async fn preview_creation(
        self: &Arc<Self>,
        branch: &BranchName,
        start: Option<Start>,
        description: Option<String>,
    ) -> std::result::Result<diff::Difference, Error> {
        let (reader, branch) = (Arc::clone(self.ledger.reader()), branch.clone());
        let preview = self.aside(move || {
            let mut contents = match start {
                Some(start) => Contents::at(&reader, start.commit)?,
                None => Contents::new(),
            };
            if let Some(description) = description {
                contents.header.description = description;
            }
            diff::whole(branch.as_str(), None, Some(&contents))
        });
        preview.await
    }
}

impl Start {
    fn at(reader: &Reader, commit: CommitId) -> std::result::Result<Self, Error> {
        let files = reader.files(commit, &[Subject::File(header::PATH.to_owned())])?;
        let header = files
            .get(header::PATH)
            .ok_or(format::Misfit::NoHeader)
            .and_then(|file| Header::decode(&file.bytes));
        let header = header.map_err(|misfit| Error::Damaged(format!("version {commit}: {misfit}")))?;
        Ok(Start { commit, header })
    }
}

/// Reads `{"description"?, "from"?: {"config", "version"?} | {"archive"}}`; an empty body is an empty object.
fn creation(bytes: &[u8]) -> std::result::Result<(Option<String>, Origin), Error> {
    if bytes.is_empty() {
        return Ok((None, Origin::Nothing));
    }
    let mut faults = Faults::at("body");
    let read = fields::members(json::read(bytes)?, &["description", "from"], &mut faults).map(|members| {
        let description = match members.get("description") {
            Some(_) => header::description(&members, &mut faults),
            None => None,
        };
        let origin = match members.get("from") {
            None => Some(Origin::Nothing),
            Some(from) => faults.within("from", |faults| origin(from, faults)),
        };
        (description, origin.unwrap_or(Origin::Nothing))
    });
    Ok(faults.or(read)?)
}

fn origin(from: &Value, faults: &mut Faults) -> Option<Origin> {
    let Some(members) = from.as_object() else {
        faults.add(FaultKind::ObjectType, format!("must be an object, not {}", name_of(from)));
        return None;
    };
    let known: &[&str] = if members.contains_key("archive") { &["archive"] } else { &["config", "version"] };
    fields::unknown(members, known, faults);
    let mut text = |name: &str, required: bool| match members.get(name) {
        Some(Value::String(text)) => Some(text.trim().to_owned()),
        Some(other) => {
            let msg = format!("must be a string, not {}", name_of(other));
            faults.within(name, |faults| faults.add(FaultKind::StringType, msg));
            None
        }
        None => {
            if required {
                faults.within(name, |faults| {
                    faults.add(FaultKind::Missing, "is required (or \"archive\")");
                });
            }
            None
        }
    };
    if members.contains_key("archive") {
        return text("archive", true).map(Origin::Archive);
    }
    let (configuration, version) = (text("config", true), text("version", false));
    configuration.map(|configuration| Origin::Copy { configuration, version })
}
