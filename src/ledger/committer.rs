//! The one thread that changes the repository. It takes what has queued up as one batch, decides each change against
//! the state that the changes before it leave, lets the batch be persisted once, publishes, and only then answers.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, Utc};
use imbl::OrdMap;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

use super::Audience;
use super::batch::{Batch, Object, ObjectKind, PersistError, RefMove};
use super::change::{Action, Change, Draft, Refused, Written};
use super::commit::{self, Identity};
use super::edit::{Blob, Subject};
use super::id::{ARCHIVES, BranchName, CommitId, ObjectId};
use super::index::{Fresh, Index, News};
use super::persist::Persist;
use super::reader::{Damage, Reader};
use super::tree::{Head, Tree};

/// What comes through the queue.
pub enum Message {
    Change(Box<Change>, oneshot::Sender<Result<Written, Refused>>),
    /// Finish what came before, and end.
    Stop,
}

type Waiting = (Box<Change>, oneshot::Sender<Result<Written, Refused>>);
type Heads = OrdMap<BranchName, Head>;

/// The thread's own state.
pub struct Committer {
    pub queue: mpsc::Receiver<Message>,
    pub heads: Heads,
    pub persist: Box<dyn Persist>,
    pub reader: Arc<Reader>,
    pub audience: Arc<dyn Audience>,
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
                self.work(waiting);
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

    fn work(&mut self, waiting: Vec<Waiting>) {
        metrics::histogram!("revconf_batch_changes").record(u32::try_from(waiting.len()).unwrap_or(u32::MAX));
        let mut plan = Plan::new(self.heads.clone(), &self.identity, &self.reader);
        let outcomes: Vec<_> = waiting.iter().map(|(change, _)| plan.decide(change)).collect();
        let Plan { heads, batch, starts, fates, fresh, .. } = plan;
        let batch = Batch { moves: moves(starts, &heads, batch.moves), ..batch };
        let Err(error) = self.make_last(&batch) else {
            self.heads = heads;
            // Before anyone can ask for what is new, so that whoever asks knows that it is on its way.
            if !batch.moves.is_empty() {
                self.index.add(News { commits: fresh, moves: batch.moves });
            }
            self.publish(fates);
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
        let written_in_part = self.recover(&fates, &batch.moves);
        if unknown || written_in_part {
            let why = error.to_string();
            waiting.into_iter().for_each(|(_, answer)| tell(answer, Err(Refused::Unknown(why.clone()))));
        } else if waiting.len() > 1 {
            // What one change runs into must not fail the others.
            waiting.into_iter().for_each(|one| self.work(vec![one]));
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
    fn publish(&self, fates: BTreeMap<BranchName, Fate>) {
        for (branch, fate) in fates {
            match (self.heads.get(&branch), fate) {
                (Some(head), Fate::Files(files)) => {
                    if !self.audience.moved(&branch, head, files) {
                        self.audience.loaded(&branch, head, self.everything(head));
                    }
                }
                (Some(head), Fate::Anew) => self.audience.loaded(&branch, head, self.everything(head)),
                (None, _) => self.audience.gone(&branch),
            }
        }
    }

    fn everything(&self, head: &Head) -> Result<BTreeMap<String, Blob>, Damage> {
        self.reader.files(head.commit, &[Subject::Branch])
    }

    /// After a failure the repository says what is true. Answers whether anything of the batch is there.
    fn recover(&mut self, fates: &BTreeMap<BranchName, Fate>, moves: &[RefMove]) -> bool {
        let mut written = false;
        self.index.look();
        for branch in fates.keys() {
            let end = moves.iter().find(|m| m.name == branch.full()).map(|m| m.to);
            match self.reader.head(branch) {
                Ok(found) => {
                    written |= end.is_some_and(|end| end == found.as_ref().map(|head| head.commit));
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

fn tell(answer: oneshot::Sender<Result<Written, Refused>>, outcome: Result<Written, Refused>) {
    if answer.send(outcome).is_err() {
        tracing::debug!("whoever asked for a change has gone; what became of it stands");
    }
}

/// What became of a branch in a batch.
enum Fate {
    /// Files changed; `None` is a file that was removed.
    Files(BTreeMap<String, Option<Blob>>),
    /// It came or went.
    Anew,
}

/// A batch in the making.
struct Plan<'a> {
    heads: Heads,
    batch: Batch,
    known: HashSet<ObjectId>,
    /// Where each touched branch was before the batch.
    starts: BTreeMap<BranchName, Option<CommitId>>,
    fates: BTreeMap<BranchName, Fate>,
    /// The commits so far, with what they changed.
    fresh: Vec<Fresh>,
    committer: &'a Identity,
    reader: &'a Reader,
    now: DateTime<Utc>,
}

impl<'a> Plan<'a> {
    fn new(heads: Heads, committer: &'a Identity, reader: &'a Reader) -> Self {
        Plan {
            heads,
            batch: Batch::default(),
            known: HashSet::new(),
            starts: BTreeMap::new(),
            fates: BTreeMap::new(),
            fresh: Vec::new(),
            committer,
            reader,
            now: Utc::now().trunc_subsecs(0),
        }
    }

    fn decide(&mut self, change: &Change) -> Result<Written, Refused> {
        let head = self.heads.get(&change.branch).cloned();
        for (index, requirement) in change.requirements.iter().enumerate() {
            if !requirement.holds(head.as_ref()) {
                let version = head.map(|head| head.commit);
                return Err(Refused::Requirement { index, version });
            }
        }
        match (&change.action, head) {
            (Action::Commit(drafts), Some(head)) => self.commit(change, Some(head), drafts),
            (Action::Create { from, drafts }, None) => {
                let begin = from.map(|commit| self.reader.state(commit)).transpose();
                let begin = begin.map_err(|damage| Refused::NotWritten(damage.to_string()))?;
                let below = self.reader.has_below(&change.branch);
                if below.map_err(|damage| Refused::NotWritten(damage.to_string()))? {
                    let why = format!("there are branches below {}, so git cannot keep it", change.branch);
                    return Err(Refused::NotWritten(why));
                }
                let written = self.commit(change, begin, drafts)?;
                self.settle(&change.branch, Some(written.head.clone()), Fate::Anew);
                Ok(written)
            }
            (Action::Archive, Some(head)) => self.archive(&change.branch, head),
            (Action::Commit(_) | Action::Archive, None) => Err(Refused::NoBranch(change.branch.clone())),
            (Action::Create { .. }, Some(_)) => Err(Refused::BranchExists(change.branch.clone())),
        }
    }

    fn commit(&mut self, change: &Change, begin: Option<Head>, drafts: &[Draft]) -> Result<Written, Refused> {
        let mut head = begin;
        let mut commits = Vec::new();
        for draft in drafts {
            let mut files = head.as_ref().map_or_else(Tree::empty, |head| head.files().clone());
            let mut touched = BTreeMap::new();
            let objects = files.edit(&draft.edits, |path, blob| {
                touched.insert(path, blob);
            });
            if head.as_ref().is_some_and(|head| head.files().id == files.id) {
                continue;
            }
            // A clock that goes back must not make a child older than its parent: history is asked by time.
            let time = head.as_ref().map_or(self.now, |head| head.time.max(self.now));
            let parent = head.as_ref().map(|head| head.commit);
            let bytes =
                commit::encode(files.id, parent, &change.author, self.committer, time, &draft.message);
            let object = Object::of(ObjectKind::Commit, bytes);
            let commit = CommitId(object.id.0);
            let changed = changed(head.as_ref().map(Head::files), &files, touched.keys());
            self.fresh.push(Fresh { id: commit, bytes: object.bytes.clone(), changed });
            self.keep(objects.into_iter().chain([object]));
            commits.push(commit);
            let new = Head::new(commit, time, files);
            self.settle(&change.branch, Some(new.clone()), Fate::Files(touched));
            head = Some(new);
        }
        match head {
            Some(head) => Ok(Written { head, commits, archive: None }),
            None => Err(Refused::NotWritten("a branch needs a first commit".to_owned())),
        }
    }

    fn archive(&mut self, branch: &BranchName, head: Head) -> Result<Written, Refused> {
        let name = self.free_archive(branch).map_err(|damage| Refused::NotWritten(damage.to_string()))?;
        self.batch.moves.push(RefMove {
            name: format!("{ARCHIVES}{name}"),
            from: None,
            to: Some(head.commit),
        });
        self.settle(branch, None, Fate::Anew);
        Ok(Written { head, commits: Vec::new(), archive: Some(name) })
    }

    /// A name by the time, and a count for those of the same second.
    fn free_archive(&self, branch: &BranchName) -> Result<String, Damage> {
        let stamp = format!("{branch}/{}", self.now.format("%Y%m%dT%H%M%SZ"));
        let mut name = stamp.clone();
        for count in 2.. {
            let full = format!("{ARCHIVES}{name}");
            if self.batch.moves.iter().all(|m| m.name != full) && self.reader.archive(&name)?.is_none() {
                break;
            }
            name = format!("{stamp}.{count}");
        }
        Ok(name)
    }

    fn keep(&mut self, objects: impl Iterator<Item = Object>) {
        for object in objects {
            if self.known.insert(object.id) {
                self.batch.objects.push(object);
            }
        }
    }

    /// Moves a branch in the state so far, and notes what that does to it.
    fn settle(&mut self, branch: &BranchName, head: Option<Head>, fate: Fate) {
        let before = match head {
            Some(head) => self.heads.insert(branch.clone(), head),
            None => self.heads.remove(branch),
        };
        self.starts.entry(branch.clone()).or_insert_with(|| before.map(|head| head.commit));
        match (self.fates.get_mut(branch), fate) {
            (Some(Fate::Anew), _) => {}
            (Some(Fate::Files(files)), Fate::Files(more)) => files.extend(more),
            (_, fate) => {
                self.fates.insert(branch.clone(), fate);
            }
        }
    }
}

/// The paths of what differs between two trees, among the files that were touched and the folders above them; and the
/// whole, which always does.
fn changed<'p>(
    before: Option<&Tree>,
    after: &Tree,
    touched: impl Iterator<Item = &'p String>,
) -> Vec<String> {
    let mut paths = BTreeSet::from([""]);
    for path in touched {
        // What lies in place of a file may be a folder, whose name ends in a slash here.
        let path = path.trim_end_matches('/');
        paths.extend(path.split_once('/').map(|(folder, _)| folder));
        paths.insert(path);
    }
    let differs =
        |path: &&str| path.is_empty() || before.and_then(|before| before.object(path)) != after.object(path);
    paths.into_iter().filter(differs).map(str::to_owned).collect()
}

/// The ref moves of a batch: those of its branches from start to end, and what else it noted.
fn moves(
    starts: BTreeMap<BranchName, Option<CommitId>>,
    heads: &Heads,
    others: Vec<RefMove>,
) -> Vec<RefMove> {
    let branches = starts.into_iter().map(|(branch, from)| RefMove {
        name: branch.full(),
        from,
        to: heads.get(&branch).map(|head| head.commit),
    });
    // Archives come first: a branch must not go before its commits are kept elsewhere.
    others.into_iter().chain(branches.filter(|m| m.from != m.to)).collect()
}
