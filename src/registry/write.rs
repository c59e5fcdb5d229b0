//! What all writes have in common: demands on the state, steps to take, and the way to the ledger.

use std::sync::Arc;

use bytes::Bytes;

use super::catalogue::Configuration;
use super::conditions::Conditions;
use super::diff::{self, Difference};
use super::error::{Error, Rejection};
use super::step::Step;
use super::{LARGE, Registry, Result};
use crate::ledger::{
    Action, Change, CommitId, Draft, Edit, Head, Identity, ObjectId, Refused, Requirement, Share, State,
    Subject,
};

/// How a request wants its write done.
#[derive(Debug, Clone)]
pub struct Write {
    /// Who asks.
    pub author: Identity,
    /// The commit's message, where the request gives one.
    pub message: Option<String>,
    /// Check everything, write nothing.
    pub dry_run: bool,
    pub conditions: Conditions,
    /// Of the memory for requests; kept until the write is done, whoever still waits for that.
    pub share: Share,
}

/// What became of a write.
#[derive(Debug)]
pub enum Outcome {
    /// It was done, or there was nothing to do.
    Done {
        /// The configuration's version after the write.
        version: CommitId,
        /// The tag of what was written, if it is still there.
        tag: Option<ObjectId>,
        /// The commit that was made, where one was.
        commit: Option<CommitId>,
        /// The document that was written, if it was one.
        document: Option<Bytes>,
        /// The name of the archive that a deleted configuration went to.
        archive: Option<String>,
    },
    /// What would have been done.
    Dry { version: Option<CommitId>, diff: Difference },
}

/// A requirement, and the answer if it does not hold.
#[derive(Debug, Clone)]
pub(super) struct Demand {
    pub requirement: Requirement,
    pub denial: Error,
}

impl Demand {
    pub fn new(subject: Subject, state: State, denial: Error) -> Self {
        Demand { requirement: Requirement { subject, state }, denial }
    }
}

/// The request's own conditions as demands.
pub(super) fn conditions(write: &Write, subject: &Subject, exists: &Subject) -> Vec<Demand> {
    let requirements = write.conditions.of_write(subject, exists);
    requirements
        .into_iter()
        .map(|requirement| Demand { requirement, denial: Error::PreconditionFailed })
        .collect()
}

/// The demands of a request that creates something: `If-None-Match` has its say first, then whether it is there
/// already, and then `If-Match`, which cannot hold of what is not there.
pub(super) fn creating(write: &Write, subject: &Subject, denial: Error) -> Vec<Demand> {
    let mut demands = conditions(write, subject, subject);
    let if_match = usize::from(write.conditions.if_match.is_some());
    demands.rotate_left(if_match);
    demands.insert(demands.len() - if_match, Demand::new(subject.clone(), State::Absent, denial));
    demands
}

/// Tries the demands against the newest snapshot, so that what cannot be done fails before its body is read. The
/// ledger tries them again where nothing can come between.
pub(super) fn check(demands: &[Demand], head: Option<&Head>) -> std::result::Result<(), Error> {
    match demands.iter().find(|demand| !demand.requirement.holds(head)) {
        Some(broken) => Err(broken.denial.clone()),
        None => Ok(()),
    }
}

/// A write that is ready to be made.
pub(super) struct Ready {
    pub demands: Vec<Demand>,
    pub steps: Vec<Step>,
    /// Whose tag the answer tells.
    pub target: Subject,
    /// The commit's message if the request gives none.
    pub message: String,
}

impl Registry {
    /// Makes a write to a configuration that exists.
    pub(super) async fn write(
        self: &Arc<Self>,
        configuration: &Arc<Configuration>,
        ready: Ready,
        write: Write,
    ) -> Result<Outcome> {
        self.write_as(configuration, ready, write, |draft| Action::Commit(vec![draft])).await
    }

    /// The same, where more is to become of the branch than to get a commit.
    pub(super) async fn write_as(
        self: &Arc<Self>,
        configuration: &Arc<Configuration>,
        ready: Ready,
        write: Write,
        action: impl FnOnce(Draft) -> Action,
    ) -> Result<Outcome> {
        let version = configuration.version();
        let Ready { demands, steps, target, message } = ready;
        check(&demands, Some(&configuration.head)).map_err(Rejection::at(version))?;
        if write.dry_run {
            let before = Arc::clone(configuration);
            let diff =
                self.aside(move || diff::preview(&before, &steps)).await.map_err(Rejection::at(version))?;
            return Ok(Outcome::Dry { version: Some(version), diff });
        }
        let document = match &steps[..] {
            [Step::Put(document)] => Some(document.text().clone()),
            _ => None,
        };
        let edits = self.edits(steps).await.map_err(Rejection::at(version))?;
        let draft = Draft { edits, message: write.message.unwrap_or(message) };
        let change = Change {
            branch: configuration.name.clone(),
            requirements: Vec::new(),
            action: action(draft),
            author: write.author,
            share: write.share,
        };
        let mut outcome = self.submit(change, demands, &target).await?;
        if let Outcome::Done { document: written, .. } = &mut outcome {
            *written = document;
        }
        Ok(outcome)
    }

    /// Hashes what the steps write: of a large set on a thread of its own, so that others need not wait.
    async fn edits(&self, steps: Vec<Step>) -> std::result::Result<Vec<Edit>, Error> {
        if steps.iter().map(Step::size).sum::<usize>() < LARGE {
            return Ok(steps.iter().map(Step::edit).collect());
        }
        self.aside(move || Ok(steps.iter().map(Step::edit).collect())).await
    }

    /// Hands a change to the ledger, and puts its answer into the registry's words.
    pub(super) async fn submit(
        &self,
        mut change: Change,
        demands: Vec<Demand>,
        target: &Subject,
    ) -> Result<Outcome> {
        let branch = change.branch.clone();
        self.check_own(branch.as_str())?;
        change.requirements = demands.iter().map(|demand| demand.requirement.clone()).collect();
        match self.ledger.change(change).await {
            Ok(written) => Ok(Outcome::Done {
                version: written.head.commit,
                // Of what was put away there is no newest state that a tag could name.
                tag: if written.archive.is_none() { written.head.object(target) } else { None },
                commit: written.commits.last().copied(),
                document: None,
                archive: written.archive,
            }),
            Err(Refused::Requirement { index, version }) => Err(Rejection {
                error: demands.into_iter().nth(index).map_or(Error::Broken, |demand| demand.denial),
                version,
            }),
            Err(Refused::NoBranch(_)) => Err(Error::NoConfiguration(branch.to_string()).into()),
            Err(Refused::BranchExists(_)) => Err(Error::ConfigurationExists(branch).into()),
            Err(Refused::Overtaken) => Err(Error::Raced.into()),
            Err(refused) => Err(Error::NotTaken(refused).into()),
        }
    }
}
