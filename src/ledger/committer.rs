//! The one thread that changes the repository. It takes what has queued up as one batch, decides each change against
//! the state that the changes before it leave, lets the batch be persisted once, publishes, and only then answers.

pub mod strays;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

use super::Audience;
use super::batch::{Batch, PersistError, RefMove};
use super::change::{Action, Change, Refused, Written};
use super::commit::Identity;
use super::committed::Committed;
use super::edit::{Blob, Subject};
use super::id::{BranchName, CommitId, ObjectId};
use super::index::{Index, News};
use super::judge::Judge;
use super::persist::Persist;
use super::plan::{Fate, Heads, Plan, moves};
use super::reader::{Damage, Reader};
use super::tag;
use super::tree::Head;

/// What comes through the queue.
pub enum Message {
    Change(Box<Change>, oneshot::Sender<Result<Written, Refused>>),
    /// Finish what came before, and end.
    Stop,
}

type Waiting = (Box<Change>, oneshot::Sender<Result<Written, Refused>>);

/// The thread's own state.
pub struct Committer {
    pub queue: mpsc::Receiver<Message>,
    pub heads: Heads,
    pub persist: Box<dyn Persist>,
    pub reader: Arc<Reader>,
    pub audience: Arc<dyn Audience>,
    pub judge: Arc<dyn Judge>,
    /// Branches that somebody else has moved to what may not follow, and what is told of that.
    pub strays: BTreeMap<BranchName, String>,
    /// Where they are noted.
    pub notes: PathBuf,
    pub index: Arc<Index>,
    /// Named as the committer of every commit.
    pub identity: Identity,
    /// So many changes make a batch at most.
    pub largest_batch: usize,
    /// A batch failed, and what git shows may not be on the disk yet.
    pub unsettled: bool,
    pub pace: Pace,
}

/// How the last batch went. Under load a batch costs much the same whatever its size, so it pays to wait a moment for
/// those who were answered with the last one and are about to ask again.
#[derive(Default)]
pub struct Pace {
    changes: usize,
    took: Duration,
}

/// Somebody else may move a branch at the very moment that a batch is written; it is then made anew, so often at most.
const TRIES: u32 = 3;
/// With fewer changes at hand nobody is made to wait for others.
const LOAD: usize = 8;
/// No wait is longer.
const LONGEST_WAIT: Duration = Duration::from_millis(2);

impl Pace {
    /// So long is waited, and for so many changes, with some at hand.
    fn wait(&self, at_hand: usize) -> (Duration, usize) {
        if at_hand < LOAD || self.changes < LOAD {
            return (Duration::ZERO, 0);
        }
        ((self.took / 2).min(LONGEST_WAIT), at_hand + self.changes)
    }
}

impl Committer {
    /// Works until told to stop.
    pub fn run(mut self, clock: &Runtime) {
        while let Some(message) = self.queue.blocking_recv() {
            let mut waiting = Vec::new();
            self.take(message, &mut waiting);
            while waiting.len() < self.largest_batch
                && let Ok(message) = self.queue.try_recv()
            {
                self.take(message, &mut waiting);
            }
            clock.block_on(self.wait(&mut waiting));
            metrics::gauge!("revconf_queue_changes").set(u32::try_from(self.queue.len()).unwrap_or(u32::MAX));
            if !waiting.is_empty() {
                let (begun, changes) = (Instant::now(), waiting.len());
                self.work(waiting, 0);
                self.pace = Pace { changes, took: begun.elapsed() };
            }
        }
    }

    fn take(&mut self, message: Message, waiting: &mut Vec<Waiting>) {
        match message {
            Message::Change(change, answer) => waiting.push((change, answer)),
            Message::Stop => self.queue.close(),
        }
    }

    /// Waits a moment for more changes, if there are many.
    async fn wait(&mut self, waiting: &mut Vec<Waiting>) {
        let (longest, enough) = self.pace.wait(waiting.len());
        if longest.is_zero() {
            return;
        }
        let end = tokio::time::Instant::now() + longest;
        while waiting.len() < enough.min(self.largest_batch)
            && let Ok(Some(message)) = tokio::time::timeout_at(end, self.queue.recv()).await
        {
            self.take(message, waiting);
        }
    }

    /// Makes changes, which were tried so many times before.
    fn work(&mut self, waiting: Vec<Waiting>, tries: u32) {
        metrics::histogram!("revconf_batch_changes").record(u32::try_from(waiting.len()).unwrap_or(u32::MAX));
        let branches: BTreeSet<_> = waiting.iter().map(|(change, _)| change.branch.clone()).collect();
        branches.iter().for_each(|branch| self.notice(branch));
        let mut plan = Plan::new(self.heads.clone(), &self.identity, &self.reader);
        let decide = |change: &Change| match self.strays.get(&change.branch) {
            Some(why) => Err(Refused::Astray(why.clone())),
            None => plan.decide(change),
        };
        let outcomes: Vec<_> = waiting.iter().map(|(change, _)| change.as_ref()).map(decide).collect();
        let Plan { heads, batch, starts, fates, fresh, committed, tags, foreign, .. } = plan;
        let batch = Batch { moves: moves(&starts, &heads, tags, batch.moves), foreign, ..batch };
        let Err(error) = self.make_last(&batch) else {
            self.heads = heads;
            // Before anyone can ask for what is new, so that whoever asks knows that it is on its way.
            let mut news = News { commits: fresh, moves: batch.moves };
            news.moves.retain(|moved| !tag::is_tag(&moved.name));
            if foreign {
                self.index.look();
            } else if !news.moves.is_empty() {
                self.index.add(news);
            }
            self.publish(fates, committed);
            for (change, _) in &waiting {
                if matches!(
                    change.action,
                    Action::Tag { .. } | Action::AdoptTag { .. } | Action::Untag { .. }
                ) {
                    self.audience.tagged(&change.branch);
                }
            }
            for ((_, answer), outcome) in waiting.into_iter().zip(outcomes) {
                if let Ok(written) = &outcome {
                    metrics::counter!("revconf_commits_total").increment(written.commits.len() as u64);
                }
                tell(answer, outcome);
            }
            return;
        };
        tracing::error!(%error, changes = waiting.len(), "a batch could not be written");
        let unknown = matches!(error, PersistError::Unknown(_));
        let written_in_part = self.recover(&starts, &batch.moves);
        if unknown || written_in_part {
            let why = error.to_string();
            waiting.into_iter().for_each(|(_, answer)| tell(answer, Err(Refused::Unknown(why.clone()))));
        } else if matches!(error, PersistError::Moved { .. }) && tries < TRIES {
            self.work(waiting, tries + 1);
        } else if waiting.len() > 1 {
            // What one change runs into must not fail the others.
            waiting.into_iter().for_each(|one| self.work(vec![one], tries));
        } else {
            waiting
                .into_iter()
                .for_each(|(_, answer)| tell(answer, Err(Refused::NotWritten(error.to_string()))));
        }
    }

    /// Persists a batch. One that changes nothing rests on a state that is on the disk already, unless an earlier one
    /// failed on the way there.
    fn make_last(&mut self, batch: &Batch) -> Result<(), PersistError> {
        if batch.moves.is_empty() && !self.unsettled {
            return Ok(());
        }
        self.unsettled = true;
        self.persist.persist(batch)?;
        self.unsettled = false;
        Ok(())
    }

    /// Tells the audience, before anyone is answered: who has a write's answer sees it in every later read.
    fn publish(
        &self,
        fates: BTreeMap<BranchName, Fate>,
        mut committed: BTreeMap<BranchName, Vec<Committed>>,
    ) {
        for (branch, fate) in fates {
            match (self.heads.get(&branch), fate) {
                (Some(head), Fate::Files { files, ours }) => {
                    if !self.audience.moved(&branch, head, files, ours) {
                        self.audience.loaded(&branch, head, self.everything(head));
                    }
                    self.audience.committed(&branch, committed.remove(&branch).unwrap_or_default());
                }
                (Some(head), Fate::Anew) => self.audience.loaded(&branch, head, self.everything(head)),
                (None, _) => self.audience.gone(&branch),
            }
        }
    }

    fn everything(&self, head: &Head) -> Result<BTreeMap<String, Blob>, Damage> {
        self.reader.files(head.commit, &[Subject::Branch])
    }

    /// After a failure the repository says what is true, but for a branch that somebody else has moved meanwhile: that is
    /// looked at before the next change. Answers whether anything of the batch is there.
    fn recover(&mut self, starts: &BTreeMap<BranchName, Option<CommitId>>, moves: &[RefMove]) -> bool {
        let mut written = false;
        self.index.look();
        for (branch, start) in starts {
            let end = moves.iter().find(|m| m.name == branch.full()).map(|m| m.to);
            match self.reader.head(branch) {
                Ok(found) if !is_ours(found.as_ref(), *start, end) => {}
                Ok(found) => {
                    written |= end.is_some_and(|end| end == found.as_ref().map(|head| head.commit.into()));
                    match found {
                        Some(head) => {
                            self.audience.loaded(branch, &head, self.everything(&head));
                            self.heads.insert(branch.clone(), head);
                        }
                        None => {
                            self.heads.remove(branch);
                            self.audience.gone(branch);
                        }
                    }
                }
                Err(error) => {
                    written = true;
                    tracing::error!(%branch, %error, "the branch cannot be read again; it is served as it was");
                }
            }
        }
        written
    }
}

/// Whether a branch is where a batch found it or where it moved it.
fn is_ours(found: Option<&Head>, start: Option<CommitId>, end: Option<Option<ObjectId>>) -> bool {
    let found = found.map(|head| head.commit);
    found == start || end == Some(found.map(ObjectId::from))
}

fn tell(answer: oneshot::Sender<Result<Written, Refused>>, outcome: Result<Written, Refused>) {
    if answer.send(outcome).is_err() {
        tracing::debug!("whoever asked for a change has gone; what became of it stands");
    }
}
