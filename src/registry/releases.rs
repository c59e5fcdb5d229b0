//! Releases: versions that have a name for good. A release is an annotated tag of the repository.

use std::cmp::Reverse;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::catalogue::Configuration;
use super::diff::Difference;
use super::error::{Error, Rejection};
use super::fields::members;
use super::moment::resolve;
use super::version::date;
use super::write::{Outcome, Write};
use super::{Registry, Result, message};
use crate::document::{FaultKind, Faults, json, name_of};
use crate::ledger::{Action, Change, CommitId, NameFault, ObjectId, Refused, State, TagName, TagRecord};

/// A release, as clients see it.
#[derive(Debug, Clone, Serialize)]
pub struct Release {
    name: String,
    version: String,
    date: String,
    message: String,
    by: String,
}

impl From<TagRecord> for Release {
    fn from(tag: TagRecord) -> Self {
        Release {
            name: tag.name.to_string(),
            version: tag.commit.to_string(),
            date: date(tag.time),
            message: tag.message,
            by: tag.tagger,
        }
    }
}

/// A page of releases, newest first.
#[derive(Debug)]
pub struct Releases {
    /// The configuration's version that was looked from.
    pub version: CommitId,
    /// How many there are on all pages.
    pub total: usize,
    pub items: Vec<Release>,
    /// What `after` must be for the next page, where there is one.
    pub next: Option<String>,
}

/// What became of a request for a release.
#[derive(Debug)]
pub struct Released {
    pub outcome: Outcome,
    /// It was not there before.
    pub is_new: bool,
}

/// What a request says of a release to be.
#[derive(Debug, Default)]
struct Wanted {
    version: Option<String>,
    message: Option<String>,
}

impl Registry {
    /// The releases of a configuration, newest first: so many, after the one of a name.
    ///
    /// # Errors
    /// There is no such configuration, or no release for `after`.
    pub async fn releases(
        self: &Arc<Self>,
        configuration: &str,
        limit: usize,
        after: Option<&str>,
    ) -> Result<Releases> {
        let configuration = self.configuration(configuration)?;
        let version = configuration.version();
        let (registry, after) = (Arc::clone(self), after.map(str::to_owned));
        let page = self.aside(move || {
            let mut kept = Vec::new();
            for tag in registry.ledger.reader().tags(&configuration.name)? {
                if registry.is_own(&configuration, &tag)? {
                    kept.push(tag);
                }
            }
            kept.sort_by(|a, b| (Reverse(a.time), &a.name).cmp(&(Reverse(b.time), &b.name)));
            let begin = match &after {
                None => 0,
                Some(after) => {
                    let place = kept.iter().position(|tag| tag.name.as_str() == after);
                    place.ok_or_else(|| no_release(&configuration, after))? + 1
                }
            };
            let total = kept.len();
            let more = total - begin > limit;
            let items: Vec<_> = kept.into_iter().skip(begin).take(limit).map(Release::from).collect();
            let next = items.last().filter(|_| more).map(|last| last.name.clone());
            Ok(Releases { version, total, items, next })
        });
        page.await.map_err(Rejection::at(version))
    }

    /// A release, its tag, and the configuration's version.
    ///
    /// # Errors
    /// There is no such configuration or release.
    pub async fn release(
        self: &Arc<Self>,
        configuration: &str,
        name: &str,
    ) -> Result<(Release, ObjectId, CommitId)> {
        let configuration = self.configuration(configuration)?;
        let version = configuration.version();
        let (registry, name) = (Arc::clone(self), name.to_owned());
        let found = self.aside(move || {
            let missing = || no_release(&configuration, &name);
            let parsed = TagName::parse(&name).map_err(|_| missing())?;
            let tag = registry.ledger.reader().tag(&configuration.name, &parsed)?.ok_or_else(missing)?;
            if !registry.is_own(&configuration, &tag)? {
                return Err(missing());
            }
            let id = tag.id;
            Ok((Release::from(tag), id, version))
        });
        found.await.map_err(Rejection::at(version))
    }

    /// Gives a version a name for good; without a version the newest one. To do so again changes nothing.
    ///
    /// # Errors
    /// There is no such configuration or version, the name is that of another version, the body breaks a rule, the
    /// write's conditions do not hold, or the ledger refuses.
    pub async fn create_release(
        self: &Arc<Self>,
        configuration: &str,
        name: &str,
        body: Bytes,
        write: Write,
    ) -> Result<Released> {
        let configuration = self.configuration(configuration)?;
        let version = configuration.version();
        let at = Rejection::at(version);
        let name = TagName::parse(name).map_err(|fault| at(bad_name(&fault)))?;
        let states = write.conditions.states();
        let found = self.tag(&configuration, &name).await.map_err(&at)?;
        check(&states, found.as_ref()).map_err(&at)?;
        let Wanted { version: wanted, message } = self.reading(body, wanted).await.map_err(&at)?;
        let commit = match wanted {
            None => version,
            Some(wanted) => {
                let (registry, now) = (Arc::clone(self), Arc::clone(&configuration));
                let commit = self.aside(move || resolve(registry.ledger.history(), &now, &wanted));
                commit.await.map_err(&at)?
            }
        };
        let message = message.unwrap_or_else(|| format!("Release {name}"));
        if write.dry_run {
            let elsewhere = found.as_ref().map(|tag| tag.commit).filter(|found| *found != commit);
            if let Some(elsewhere) = elsewhere {
                return Err(at(Error::ReleaseExists { name: name.to_string(), version: elsewhere }));
            }
            let after = json!({
                "name": name.as_str(),
                "version": commit.to_string(),
                "message": message.trim_end(),
                "by": write.author.name(),
            });
            // To do so again changes nothing.
            let after = if found.is_none() { after } else { Value::Null };
            let outcome = preview(version, &name, &Value::Null, &after);
            return Ok(Released { outcome, is_new: found.is_none() });
        }
        let action = Action::Tag { name: name.clone(), commit, message, states };
        self.submit_tag(&configuration, &name, action, write).await
    }

    /// Takes a release away. The version stays.
    ///
    /// # Errors
    /// There is no such configuration or release, the write's conditions do not hold, or the ledger refuses.
    pub async fn delete_release(
        self: &Arc<Self>,
        configuration: &str,
        name: &str,
        write: Write,
    ) -> Result<Outcome> {
        let configuration = self.configuration(configuration)?;
        let at = Rejection::at(configuration.version());
        let missing = || no_release(&configuration, name);
        let name = TagName::parse(name).map_err(|_| at(missing()))?;
        let states = write.conditions.states();
        let found = self.tag(&configuration, &name).await.map_err(&at)?;
        let found = found.ok_or_else(|| at(missing()))?;
        check(&states, Some(&found)).map_err(&at)?;
        if write.dry_run {
            let before = serde_json::to_value(Release::from(found)).unwrap_or_default();
            return Ok(preview(configuration.version(), &name, &before, &Value::Null));
        }
        let action = Action::Untag { name: name.clone(), states };
        Ok(self.submit_tag(&configuration, &name, action, write).await?.outcome)
    }

    async fn tag(
        self: &Arc<Self>,
        configuration: &Configuration,
        name: &TagName,
    ) -> std::result::Result<Option<TagRecord>, Error> {
        let (reader, branch, name) =
            (Arc::clone(self.ledger.reader()), configuration.name.clone(), name.clone());
        self.aside(move || Ok(reader.tag(&branch, &name)?)).await
    }

    /// Whether a tag is of one of the configuration's own versions: anyone can make others with git.
    fn is_own(&self, configuration: &Configuration, tag: &TagRecord) -> std::result::Result<bool, Error> {
        let found = self.ledger.history().resolve(configuration.version(), &tag.commit.to_string())?;
        Ok(found.is_some())
    }

    async fn submit_tag(
        &self,
        configuration: &Configuration,
        name: &TagName,
        action: Action,
        write: Write,
    ) -> Result<Released> {
        let branch = configuration.name.clone();
        self.check_own(branch.as_str())?;
        let change =
            Change { branch, requirements: Vec::new(), action, author: write.author, share: write.share };
        let refused = match self.ledger.change(change).await {
            Ok(written) => {
                let outcome = Outcome::Done {
                    version: written.head.commit,
                    tag: written.tagged.map(|tagged| tagged.id),
                    commit: None,
                    document: None,
                    archive: None,
                };
                return Ok(Released { outcome, is_new: written.tagged.is_some_and(|tagged| tagged.is_new) });
            }
            Err(refused) => refused,
        };
        Err(match refused {
            Refused::TagState { version, .. } => Rejection::at(version)(Error::PreconditionFailed),
            Refused::TagElsewhere { commit, version } => {
                Rejection::at(version)(Error::ReleaseExists { name: name.to_string(), version: commit })
            }
            Refused::NoTag { version } => Rejection::at(version)(no_release(configuration, name.as_str())),
            Refused::NoBranch(branch) => Error::NoConfiguration(branch.to_string()).into(),
            refused => Error::NotTaken(refused).into(),
        })
    }
}

fn no_release(configuration: &Configuration, name: &str) -> Error {
    Error::NoRelease { name: name.to_owned(), configuration: configuration.name.to_string() }
}

fn bad_name(fault: &NameFault) -> Error {
    Error::fault("path", "release", FaultKind::Format, fault.to_string())
}

/// The states are tried here so that a stale tag fails before the body is read; the ledger tries them again.
fn check(states: &[State], found: Option<&TagRecord>) -> std::result::Result<(), Error> {
    let id = found.map(|tag| tag.id);
    if states.iter().all(|state| state.holds(id)) { Ok(()) } else { Err(Error::PreconditionFailed) }
}

/// The word for releases among the kinds of what differs.
const RELEASES: &str = "releases";

/// What a dry run shows: the release that would come, but for its date, or go.
fn preview(version: CommitId, name: &TagName, before: &Value, after: &Value) -> Outcome {
    let mut diff = Difference { from: Some(version.to_string()), ..Difference::default() };
    diff.compare(RELEASES, name.as_str(), before, after);
    Outcome::Dry { version: Some(version), diff }
}

/// Reads `{"version"?, "message"?}`; an empty body is an empty object.
fn wanted(bytes: &[u8]) -> std::result::Result<Wanted, Error> {
    if bytes.is_empty() {
        return Ok(Wanted::default());
    }
    let mut faults = Faults::at("body");
    let read = members(json::read(bytes)?, &["version", "message"], &mut faults).map(|members| {
        let version = text(&members, "version", &mut faults);
        let message = text(&members, "message", &mut faults);
        if let Some(message) = &message {
            faults.within("message", |faults| {
                if let Err((kind, msg)) = message::check(message, message::LONGEST) {
                    faults.add(kind, msg);
                }
            });
        }
        Wanted { version, message }
    });
    Ok(faults.or(read)?)
}

fn text(members: &Map<String, Value>, name: &str, faults: &mut Faults) -> Option<String> {
    match members.get(name)? {
        Value::String(text) => Some(text.trim().to_owned()),
        other => {
            let msg = format!("must be a string, not {}", name_of(other));
            faults.within(name, |faults| faults.add(FaultKind::StringType, msg));
            None
        }
    }
}
