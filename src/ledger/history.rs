//! Histories of branches: from the index where it can tell, else from git, which always can.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::commit::CommitRecord;
use super::edit::Subject;
use super::id::{BranchName, CommitId, is_version};
use super::index::pages::{self, Listing, Wanted};
use super::index::{Index, WHOLE};
use super::reader::{Damage, Reader};
use super::tag::TagName;

/// Looks back.
pub struct History {
    index: Arc<Index>,
    reader: Arc<Reader>,
}

impl History {
    pub(super) fn new(index: Arc<Index>, reader: Arc<Reader>) -> Self {
        History { index, reader }
    }

    /// A page of the commits at which `subject` changed, newest first, along the first parents from `tip`. `None` if
    /// the commit that it is to come after is not among them.
    ///
    /// # Errors
    /// A commit or a tree on the way cannot be read.
    pub fn page(
        &self,
        tip: CommitId,
        subject: &Subject,
        wanted: &Wanted<'_>,
    ) -> Result<Option<Listing>, Damage> {
        let path = match subject {
            Subject::Branch => WHOLE,
            Subject::Folder(path) | Subject::File(path) => path,
        };
        match self.index.ask(tip, |index, tip| pages::page(index, tip, path, wanted)) {
            Some(listing) => Ok(listing),
            None => self.walked(tip, subject, wanted),
        }
    }

    fn walked(
        &self,
        tip: CommitId,
        subject: &Subject,
        wanted: &Wanted<'_>,
    ) -> Result<Option<Listing>, Damage> {
        metrics::counter!("revconf_history_walks_total").increment(1);
        let mut listing = Listing::default();
        let mut begun = wanted.after.is_none();
        self.reader.history(tip, subject, |commit| {
            listing.ever = true;
            let id = commit.id;
            if wanted.takes.is_none_or(|takes| takes(&commit)) {
                listing.total += 1;
                if begun && listing.items.len() < wanted.limit {
                    listing.items.push(commit);
                } else if begun {
                    listing.more = true;
                }
            }
            begun |= wanted.after == Some(id);
        })?;
        Ok(begun.then_some(listing))
    }

    /// The commit that `version` names, see [`Reader::resolve`].
    ///
    /// # Errors
    /// A commit on the way cannot be read.
    pub fn resolve(&self, tip: CommitId, version: &str) -> Result<Option<CommitId>, Damage> {
        if !is_version(version) {
            return Ok(None);
        }
        match self.index.ask(tip, |index, tip| pages::resolve(index, tip, version)) {
            Some(found) => Ok(found),
            None => {
                metrics::counter!("revconf_history_walks_total").increment(1);
                self.reader.resolve(tip, version)
            }
        }
    }

    /// The commits that follow `after` on the way of the first parents to `tip`, oldest first, `limit` at most. `None` if
    /// `after` is not on that way.
    ///
    /// # Errors
    /// A commit on the way cannot be read.
    pub fn following(
        &self,
        tip: CommitId,
        after: CommitId,
        limit: usize,
    ) -> Result<Option<Vec<CommitId>>, Damage> {
        if tip == after {
            return Ok(Some(Vec::new()));
        }
        if let Some(found) = self.index.ask(tip, |index, tip| pages::following(index, tip, after, limit)) {
            return Ok(found);
        }
        metrics::counter!("revconf_history_walks_total").increment(1);
        let mut met = false;
        // The walk goes down, and what is wanted is its end: no more than that is kept.
        let mut last = VecDeque::new();
        self.reader.first_parents(tip, |commit: &CommitRecord| {
            met |= commit.id == after;
            if !met {
                last.push_front(commit.id);
                last.truncate(limit);
            }
            !met
        })?;
        Ok(met.then(|| last.into()))
    }

    /// The commit that a tag of a branch names, if it is reachable from `tip`.
    ///
    /// # Errors
    /// The tag, or a commit on the way, cannot be read.
    pub fn tagged(
        &self,
        tip: CommitId,
        branch: &BranchName,
        name: &TagName,
    ) -> Result<Option<CommitId>, Damage> {
        match self.reader.tag(branch, name)? {
            Some(tag) => self.resolve(tip, &tag.commit.to_string()),
            None => Ok(None),
        }
    }

    /// The newest commit along the first parents from `tip` up to which none is of a later time than `time`. The
    /// service's own commits are never of an earlier time than their parents; where others' are, the later time counts.
    ///
    /// # Errors
    /// A commit on the way cannot be read.
    pub fn at(&self, tip: CommitId, time: DateTime<Utc>) -> Result<Option<CommitId>, Damage> {
        if let Some(found) = self.index.ask(tip, |index, tip| pages::at(index, tip, time)) {
            return Ok(found);
        }
        metrics::counter!("revconf_history_walks_total").increment(1);
        let mut found = None;
        self.reader.first_parents(tip, |commit: &CommitRecord| {
            found = (commit.time <= time).then_some(found.unwrap_or(commit.id));
            true
        })?;
        Ok(found)
    }
}
