//! Taking in what another configuration has changed: three-way, entry by entry, from the common ancestor.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::ancestor;
use super::catalogue::Configuration;
use super::error::{Error, Rejection};
use super::moment::resolve;
use super::step::Step;
use super::three_way::{Merge, Side, Taken};
use super::write::{self, Demand, Outcome, Ready, Write};
use super::{Registry, Result, fields};
use crate::document::{FaultKind, Faults, KINDS, Kind, json, name_of};
use crate::format;
use crate::ledger::{Action, CommitId, Reader, Subject};

/// So often a merge is made anew when others change meanwhile what it is about.
const ATTEMPTS: usize = 100;
/// A request narrows to so many entries by their ids at most.
pub const MOST_IDS: usize = 1000;

/// What became of a merge.
#[derive(Debug)]
pub struct Merged {
    pub outcome: Outcome,
    /// The version that was merged.
    pub from: CommitId,
    /// The common ancestor, if there is one; one of them if there are several.
    pub base: Option<CommitId>,
    pub items: Vec<Taken>,
    /// There was nothing to take, nor to note that it was taken.
    pub nothing: bool,
}

/// What a request asks for.
#[derive(Debug)]
struct Request {
    configuration: String,
    version: Option<String>,
    /// `None` is all of them.
    kinds: Option<Vec<&'static Kind>>,
    /// The names of the files of those whose ids are asked for; `None` is all of them.
    names: Option<HashSet<String>>,
    prefer: Option<Side>,
}

/// A merge that can be made.
struct Prepared {
    from: CommitId,
    base: Option<CommitId>,
    /// The commit has the source as a parent.
    records: bool,
    demands: Vec<Demand>,
    steps: Vec<Step>,
    items: Vec<Taken>,
}

impl Registry {
    /// Takes in what another configuration has changed since the two were the same. With all of it taken the commit has
    /// both as parents, and the next merge begins there.
    ///
    /// # Errors
    /// There is no such configuration or version, the source may not be read, the write's conditions do not hold, the
    /// body breaks a rule, entries are in conflict and no side is preferred, or the ledger refuses.
    pub async fn merge(
        self: &Arc<Self>,
        configuration: &str,
        body: Bytes,
        prefer: Option<Side>,
        write: Write,
        may_be_read: impl Fn(&str) -> bool,
    ) -> Result<Merged> {
        let now = self.configuration(configuration)?;
        let at = Rejection::at(now.version());
        let demands = write::conditions(&write, &Subject::Branch, &Subject::Branch);
        write::check(&demands, Some(&now.head)).map_err(&at)?;
        let request = self.reading(body, move |bytes| request(bytes, prefer)).await.map_err(&at)?;
        if !may_be_read(&request.configuration) {
            return Err(at(Error::OriginForbidden(request.configuration)));
        }
        let request = Arc::new(request);
        for _ in 0..ATTEMPTS {
            match self.try_merge(configuration, &request, write.clone()).await {
                Err(Rejection { error: Error::Raced, .. }) => {}
                outcome => return outcome,
            }
        }
        Err(Error::Raced.into())
    }

    async fn try_merge(
        self: &Arc<Self>,
        configuration: &str,
        request: &Arc<Request>,
        write: Write,
    ) -> Result<Merged> {
        let configuration = self.configuration(configuration)?;
        self.contents(&configuration)?;
        let at = Rejection::at(configuration.version());
        let mut demands = write::conditions(&write, &Subject::Branch, &Subject::Branch);
        write::check(&demands, Some(&configuration.head)).map_err(&at)?;
        let missing = || at(Error::NoConfiguration(request.configuration.clone()));
        let source = self.catalogue.get(&request.configuration).ok_or_else(missing)?;
        let (registry, asked, ours) = (Arc::clone(self), Arc::clone(request), Arc::clone(&configuration));
        let prepare = move || {
            let from = match &asked.version {
                Some(version) => resolve(registry.ledger.history(), &source, version)?,
                None => source.version(),
            };
            prepare(registry.ledger.reader(), &ours, from, &asked)
        };
        let prepared = self.aside(prepare).await.map_err(&at)?;
        let Prepared { from, base, records, items, steps, .. } = prepared;
        demands.extend(prepared.demands);
        let message = message(configuration.name.as_str(), request, from, &items, records);
        let ready = Ready { demands, steps, target: Subject::Branch, message };
        let nothing = items.is_empty() && !records;
        let merged = configuration.head.merged;
        let action = |draft| match records {
            true => Action::Merge { draft, theirs: from, merged },
            false => Action::Commit(vec![draft]),
        };
        let outcome = self.write_as(&configuration, ready, write, action).await?;
        Ok(Merged { outcome, from, base, items, nothing })
    }
}

/// Compares the three sides.
fn prepare(
    reader: &Reader,
    ours: &Configuration,
    from: CommitId,
    request: &Request,
) -> std::result::Result<Prepared, Error> {
    let bases = reader.merge_bases(ours.version(), from)?;
    let mut merge = Merge::new(reader, ours, from, request.prefer);
    let is_new = bases != [from];
    if is_new {
        let (base, theirs) = (ancestor::common(reader, &bases)?, ancestor::files(reader, from)?);
        let paths: BTreeSet<_> = base.keys().chain(theirs.keys()).collect();
        for path in paths {
            let (base, theirs) = (base.get(path), theirs.get(path));
            if base != theirs && request.takes(path) {
                merge.file(path, base, theirs)?;
            }
        }
    }
    if !merge.conflicts.is_empty() {
        return Err(Error::Conflicts { total: merge.total, conflicts: merge.conflicts });
    }
    Ok(Prepared {
        from,
        base: bases.first().copied(),
        records: is_new && request.is_whole(),
        demands: merge.demands,
        steps: merge.steps,
        items: merge.items,
    })
}

impl Request {
    /// Whether all that differs is taken.
    fn is_whole(&self) -> bool {
        self.kinds.is_none() && self.names.is_none()
    }

    fn takes(&self, path: &str) -> bool {
        let Some((kind, name)) = format::place(path) else { return false };
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
            && self.names.as_ref().is_none_or(|names| names.contains(name))
    }
}

fn message(into: &str, request: &Request, from: CommitId, items: &[Taken], records: bool) -> String {
    let source = &request.configuration;
    let source = match request.version {
        Some(_) => format!("{source} at {}", from.short()),
        None => source.clone(),
    };
    match items {
        _ if records => format!("Merge configuration {source} into {into}"),
        [Taken { kind, id, .. }] => {
            let singular = Kind::named(kind).map_or(*kind, |kind| kind.singular);
            format!("Merge {singular} {id} of {source} into {into}")
        }
        items => format!("Merge {} entries of {source} into {into}", items.len()),
    }
}

/// Reads `{"from": {"config", "version"?}, "kinds"?, "ids"?}`.
fn request(bytes: &[u8], prefer: Option<Side>) -> std::result::Result<Request, Error> {
    let mut faults = Faults::at("body");
    let request =
        fields::members(json::read(bytes)?, &["from", "kinds", "ids"], &mut faults).and_then(|members| {
            let from = faults.within("from", |faults| from(members.get("from"), faults));
            let known: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
            let kind = |value: &Value, faults: &mut Faults| {
                fields::word(Some(value), &known, faults).and_then(Kind::named)
            };
            let id = |value: &Value, faults: &mut Faults| fields::id(Some(value), faults);
            let kinds = narrowing(&members, "kinds", KINDS.len(), &mut faults, kind);
            let ids = narrowing(&members, "ids", MOST_IDS, &mut faults, id);
            let names = ids.map(|ids| ids.iter().map(format::file_name).collect());
            let (configuration, version) = from?;
            Some(Request { configuration, version, kinds, names, prefer })
        });
    Ok(faults.or(request)?)
}

fn from(value: Option<&Value>, faults: &mut Faults) -> Option<(String, Option<String>)> {
    let Some(value) = value else {
        faults.add(FaultKind::Missing, "is required");
        return None;
    };
    let Value::Object(members) = value else {
        faults.add(FaultKind::ObjectType, format!("must be an object, not {}", name_of(value)));
        return None;
    };
    fields::unknown(members, &["config", "version"], faults);
    let configuration = faults.within("config", |faults| fields::text(members.get("config"), faults));
    let version = members.get("version");
    let version =
        version.map(|version| faults.within("version", |faults| fields::text(Some(version), faults)));
    Some((configuration?.trim().to_owned(), version.flatten().map(|version| version.trim().to_owned())))
}

fn narrowing<T: PartialEq>(
    members: &Map<String, Value>,
    name: &str,
    most: usize,
    faults: &mut Faults,
    read: impl Fn(&Value, &mut Faults) -> Option<T>,
) -> Option<Vec<T>> {
    let value = members.get(name)?;
    faults.within(name, |faults| fields::list(value, most, faults, read))
}
