//! Looking back: which commits changed something, and what it was at one of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};

use super::catalogue::{Configuration, Set, join, set_answer};
use super::entries::{self, Place};
use super::error::{Error, Rejection};
use super::moment::{Moment, resolve};
use super::sets::Documents;
use super::version::Version;
use super::{Registry, Result, Shown, sets};
use crate::document::{Document, EntryId, KINDS, Kind};
use crate::format::{self, Files, Header, Misfit, header};
use crate::ledger::{
    Blob, BlobId, BranchName, CommitId, CommitRecord, History, Reader, Subject, TreeId, Wanted, What,
    empty_tree, tree_of,
};

/// What has a history.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    Configuration,
    Set(&'static Kind),
    /// As the client wrote the id.
    Entry(&'static Kind, &'a str),
}

/// Which versions are asked for.
#[derive(Debug, Clone)]
pub struct Query {
    /// So many at most.
    pub limit: usize,
    /// Only those that come after this one in the list.
    pub after: Option<String>,
    /// In the author's name or address, whatever the case.
    pub author: Option<String>,
    /// In the message, whatever the case.
    pub text: Option<String>,
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
}

/// A page of versions, newest first.
#[derive(Debug)]
pub struct Page {
    /// The configuration's version that was looked at.
    pub version: CommitId,
    /// How many there are on all pages.
    pub total: usize,
    pub items: Vec<Version>,
    /// What `after` must be for the next page, where there is one.
    pub next: Option<String>,
}

impl Query {
    fn is_narrowed(&self) -> bool {
        self.author.is_some() || self.text.is_some() || self.since.is_some() || self.until.is_some()
    }

    fn takes(&self, commit: &CommitRecord) -> bool {
        let has = |text: &str, part: &Option<String>| {
            part.as_ref().is_none_or(|part| text.to_lowercase().contains(&part.to_lowercase()))
        };
        self.since.is_none_or(|since| commit.time >= since)
            && self.until.is_none_or(|until| commit.time <= until)
            && has(&commit.message, &self.text)
            && has(&format!("{} <{}>", commit.author, commit.email), &self.author)
    }
}

impl Registry {
    /// The versions at which something changed.
    ///
    /// # Errors
    /// There is no such configuration, the entry never was, or `after` is no version.
    pub async fn versions(
        self: &Arc<Self>,
        configuration: &str,
        scope: Scope<'_>,
        query: Query,
    ) -> Result<Page> {
        let configuration = self.configuration(configuration)?;
        let version = configuration.version();
        let at = Rejection::at(version);
        let subject = subject(&configuration, scope).map_err(&at)?;
        let missing = match scope {
            Scope::Entry(kind, id) => {
                Some(Place { configuration: configuration.name.as_str(), kind, id }.missing())
            }
            _ => None,
        };
        let history = Arc::clone(self.ledger.history());
        let page = self.aside(move || {
            let page = list(&history, &configuration, &subject, &query)?;
            match missing {
                // Nothing ever changed it: it never was.
                Some(missing) if page.1 => Err(missing),
                _ => Ok(page.0),
            }
        });
        page.await.map_err(at)
    }

    /// Something as it was at a moment.
    ///
    /// # Errors
    /// There is no such configuration or version, or the entry was not there.
    pub async fn version(
        self: &Arc<Self>,
        configuration: &str,
        scope: Scope<'_>,
        moment: Moment,
    ) -> Result<Shown> {
        let configuration = self.configuration(configuration)?;
        let at = Rejection::at(configuration.version());
        let wanted = match scope {
            Scope::Entry(kind, id) => {
                let place = Place { configuration: configuration.name.as_str(), kind, id };
                Some(place.to_find().map_err(&at)?)
            }
            _ => None,
        };
        let kind = match scope {
            Scope::Configuration => None,
            Scope::Set(kind) | Scope::Entry(kind, _) => Some(kind),
        };
        let registry = Arc::clone(self);
        let shown = self.aside(move || {
            let commit = moment.commit(registry.ledger.history(), &configuration)?;
            let about = About { commit, kind, id: wanted, configuration: configuration.name.clone() };
            registry.old.get_or_insert_with(&about, || about.read(registry.ledger.reader()))
        });
        shown.await.map_err(at)
    }

    /// Every document of a set as it was at a moment, sorted by id, with the set's version and tag.
    ///
    /// # Errors
    /// There is no such configuration or version.
    pub async fn documents_at(
        self: &Arc<Self>,
        configuration: &str,
        kind: &'static Kind,
        moment: Moment,
    ) -> Result<Documents> {
        let configuration = self.configuration(configuration)?;
        let at = Rejection::at(configuration.version());
        let registry = Arc::clone(self);
        let documents = self.aside(move || {
            let commit = moment.commit(registry.ledger.history(), &configuration)?;
            let reader = registry.ledger.reader();
            let old = Old::read(reader, commit, &[sets::subject(kind)])?;
            let tree = old.tree(reader, kind)?;
            let entries = old.of(kind).map(|kept| {
                let text = kept.document.text().clone();
                (kept.document.id().clone(), Blob { id: kept.blob, bytes: text })
            });
            Ok(Documents::new(commit, Set::of(kind, tree, entries)))
        });
        documents.await.map_err(at)
    }
}

/// What of an old version is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct About {
    commit: CommitId,
    /// `None` is the whole configuration.
    kind: Option<&'static Kind>,
    /// `None` is the whole set.
    id: Option<EntryId>,
    configuration: BranchName,
}

impl About {
    fn read(&self, reader: &Reader) -> std::result::Result<Shown, Error> {
        let commit = self.commit;
        match (self.kind, &self.id) {
            (Some(kind), Some(id)) => {
                let old = Old::read(reader, commit, &[entries::subject(kind, id)])?;
                let missing = || Error::NotInVersion { kind, id: id.to_string(), version: commit };
                let kept = old.of(kind).next().ok_or_else(missing)?;
                Ok(Shown { version: commit, tag: kept.blob.into(), body: kept.document.text().clone() })
            }
            (Some(kind), None) => {
                let old = Old::read(reader, commit, &[sets::subject(kind)])?;
                let body = set_answer(old.sorted(kind).into_values());
                Ok(Shown { version: commit, tag: old.tree(reader, kind)?.into(), body })
            }
            (None, _) => {
                let old = Old::read(reader, commit, &[Subject::Branch])?;
                let body = whole(self.configuration.as_str(), commit, &old);
                Ok(Shown { version: commit, tag: commit.into(), body })
            }
        }
    }
}

/// Answers about old versions, kept while there is room: what somebody looked at is looked at again, by them or by who
/// was told of it.
pub(super) type OldAnswers = quick_cache::sync::Cache<About, Shown, Weight>;

/// In bytes.
#[derive(Debug, Clone)]
pub(super) struct Weight;

/// In bytes: so much is kept at most.
const KEPT: u64 = 64 << 20;
/// In bytes: what an answer costs beside its body.
const OVERHEAD: u64 = 512;
/// In bytes: answers are about as large as that, which is for the cache to make room by.
const USUAL: u64 = 4096;

impl quick_cache::Weighter<About, Shown> for Weight {
    fn weight(&self, _: &About, shown: &Shown) -> u64 {
        shown.body.len() as u64 + OVERHEAD
    }
}

pub(super) fn no_answers() -> OldAnswers {
    let usual = usize::try_from(KEPT / USUAL).unwrap_or(usize::MAX);
    OldAnswers::with_weighter(usual, KEPT, Weight)
}

/// `{"id","version","documents":{kind:[…]}}`
fn whole(name: &str, commit: CommitId, old: &Old) -> Bytes {
    let head = format!("{{\"id\":\"{name}\",\"version\":\"{commit}\",\"documents\":{{");
    let mut body = BytesMut::from(head.as_bytes());
    for (nth, kind) in KINDS.iter().enumerate() {
        let comma = if nth == 0 { "" } else { "," };
        body.extend_from_slice(format!("{comma}\"{}\":[", kind.name).as_bytes());
        join(&mut body, old.sorted(kind).into_values());
        body.extend_from_slice(b"]");
    }
    body.extend_from_slice(b"}}\n");
    body.freeze()
}

pub(super) fn subject(
    configuration: &Configuration,
    scope: Scope<'_>,
) -> std::result::Result<Subject, Error> {
    Ok(match scope {
        Scope::Configuration => Subject::Branch,
        Scope::Set(kind) => sets::subject(kind),
        Scope::Entry(kind, id) => {
            let place = Place { configuration: configuration.name.as_str(), kind, id };
            entries::subject(kind, &place.to_find()?)
        }
    })
}

/// A page, and whether the subject has no history at all.
fn list(
    history: &History,
    configuration: &Configuration,
    subject: &Subject,
    query: &Query,
) -> std::result::Result<(Page, bool), Error> {
    let version = configuration.version();
    let after = query.after.as_deref().map(|after| resolve(history, configuration, after)).transpose()?;
    let takes = |commit: &CommitRecord| query.takes(commit);
    // Without filters nothing needs to be looked at but the page.
    let takes = query.is_narrowed().then_some(&takes as &dyn Fn(&CommitRecord) -> bool);
    let wanted = Wanted { after, limit: query.limit, takes };
    let found = history.page(version, subject, &wanted)?;
    let not_listed = || Error::NotListed { version: query.after.clone().unwrap_or_default() };
    let listing = found.ok_or_else(not_listed)?;
    let items: Vec<Version> = listing.items.into_iter().map(Version::from).collect();
    let next = items.last().filter(|_| listing.more).map(|last| last.version.clone());
    Ok((Page { version, total: listing.total, items, next }, !listing.ever))
}

/// What a configuration said of itself at a version, as it was written.
pub(super) fn header_at(reader: &Reader, commit: CommitId) -> std::result::Result<Header, Error> {
    let files = reader.files(commit, &[Subject::File(header::PATH.to_owned())])?;
    let header = files.get(header::PATH).ok_or(Misfit::NoHeader);
    let header = header.and_then(|file| Header::decode(&file.bytes));
    header.map_err(|misfit| Error::NotToday { version: commit, reason: misfit.to_string() })
}

/// Documents of an old version, in today's format.
pub(super) struct Old {
    pub header: Header,
    commit: CommitId,
    /// The files are not those of the commit.
    upgraded: bool,
    kept: Vec<Kept>,
}

/// A document, and what git names its file.
struct Kept {
    document: Document,
    name: String,
    blob: BlobId,
}

impl Old {
    /// Reads the documents of the subjects; what was written in an older format is upgraded on the way.
    pub fn read(reader: &Reader, commit: CommitId, subjects: &[Subject]) -> std::result::Result<Self, Error> {
        let not_today =
            |misfit: &dyn std::fmt::Display| Error::NotToday { version: commit, reason: misfit.to_string() };
        let with_header: Vec<_> =
            subjects.iter().cloned().chain([Subject::File(header::PATH.to_owned())]).collect();
        let mut files = reader.files(commit, &with_header)?;
        let header =
            files.get(header::PATH).ok_or(Misfit::NoHeader).and_then(|file| Header::decode(&file.bytes));
        let mut header = header.map_err(|misfit| not_today(&misfit))?;
        let upgraded = header.format < format::FORMAT;
        if upgraded {
            let old: Files = files.into_iter().map(|(path, blob)| (path, blob.bytes.to_vec())).collect();
            let new = format::upgrade(old).map_err(|misfit| not_today(&misfit))?;
            files = new.into_iter().map(|(path, bytes)| (path, Blob::new(bytes))).collect();
            header.format = format::FORMAT;
        }
        let mut kept = Vec::new();
        for (path, blob) in &files {
            let Some((kind, name)) = format::place(path) else { continue };
            let document = format::decode(kind, name, &blob.bytes);
            let document = document.map_err(|misfit| not_today(&format!("{path}: {misfit}")))?;
            kept.push(Kept { document, name: name.to_owned(), blob: blob.id });
        }
        Ok(Old { header, commit, upgraded, kept })
    }

    fn of(&self, kind: &'static Kind) -> impl Iterator<Item = &Kept> {
        self.kept.iter().filter(move |kept| kept.document.kind() == kind)
    }

    /// A kind's documents.
    pub fn documents(&self, kind: &'static Kind) -> impl Iterator<Item = Document> {
        self.of(kind).map(|kept| kept.document.clone())
    }

    fn sorted(&self, kind: &'static Kind) -> BTreeMap<&EntryId, Bytes> {
        self.of(kind).map(|kept| (kept.document.id(), kept.document.text().clone())).collect()
    }

    /// The id of a set's folder: that of the commit, or of what became of it.
    fn tree(&self, reader: &Reader, kind: &'static Kind) -> std::result::Result<TreeId, Error> {
        if self.upgraded {
            return Ok(tree_of(self.of(kind).map(|kept| (kept.name.as_str(), kept.blob))));
        }
        let folder = reader.top(self.commit)?.into_iter().find_map(|listed| match listed.what {
            What::Folder(id) if listed.name == kind.name => Some(id),
            _ => None,
        });
        Ok(folder.unwrap_or_else(empty_tree))
    }
}
