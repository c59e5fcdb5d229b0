//! The ledger: branches of files in a git repository, changed in atomic, durable batches. Git lives here and nowhere
//! else; what the files mean is no matter of the ledger.
//!
//! - [`id`], [`tree`], [`mod@commit`], [`tag`]: names, states of branches, commits, tags
//! - [`edit`], [`change`]: what callers ask, and what they get; `adoption`, [`judge`]: commits that others made
//! - `committer`: the one thread that writes; `plan`: a batch in the making; [`batch`], [`persist`]: the one step that
//!   makes a batch last
//! - [`budget`]: memory that requests take together
//! - [`log`], `journal`, [`record`]: what makes a batch last; `tips`, `notes`: where branches were then
//! - `store`, `loose`, `pack`, `refs`: the repository as it is written; `maintenance`, `commit_graph`: what keeps it
//!   quick to read; `housekeeping`: git's own
//! - [`reader`], [`committed`]: looking into the repository; `index`, [`history`]: looking back at the cost of a page;
//!   `merge_base`: what two commits have in common
//! - `unified`: differences as text
//! - [`bundle`]: backups, and back from them
//! - [`repository`]: the data directory; [`program`]: the installed git, for what needs its own words; [`wire`]: its
//!   processes that serve clones and pushes; [`remote`]: other repositories, reached by it

mod adoption;
pub mod batch;
pub mod budget;
pub mod bundle;
pub mod change;
pub mod commit;
mod commit_graph;
pub mod committed;
mod committer;
pub mod edit;
pub mod history;
mod housekeeping;
pub mod id;
mod index;
mod journal;
pub mod judge;
pub mod log;
mod loose;
mod maintenance;
mod merge_base;
mod notes;
mod pack;
pub mod persist;
mod plan;
pub mod program;
pub mod reader;
pub mod record;
mod refs;
pub mod remote;
pub mod repository;
mod store;
pub mod tag;
mod tips;
pub mod tree;
mod unified;
pub mod wire;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use imbl::OrdMap;
use tokio::sync::{mpsc, oneshot};

pub use budget::{Budget, Share};
pub use change::{Action, Change, Draft, Refused, Requirement, State, Tagged, Written};
pub use commit::{CommitRecord, Identity};
pub use committed::{Committed, FileChange};
pub use edit::{Blob, Edit, Subject};
pub use history::History;
pub use id::{BlobId, BranchName, CommitId, NameFault, ObjectId, TreeId};
pub use index::compare::{Difference, differences};
pub use index::pages::{Listing, Wanted};
pub use judge::{Judge, Objection};
pub use reader::foreign::{Lies, New};
pub use reader::mirrored::{MIRRORED, Place, place};
pub use reader::ways::Way;
pub use reader::{Branches, Damage, Listed, Reader, What};
pub use repository::{DataDirectory, OpenError};
pub use tag::{TagName, TagRecord};
pub use tree::{Head, empty_tree, tree_of};
pub use unified::unified;

use batch::PersistError;
use committer::{Committer, Message, Pace, strays};
use index::Index;
use journal::Journal;
use maintenance::Maintenance;
pub use persist::Checkpoints;
use persist::Logged;
use store::Store;
use tips::Tips;

/// Told of every new state of a branch, in order, before the change that made it is answered.
pub trait Audience: Send + Sync {
    /// Files changed; `None` is a file that was removed. Those that are `ours` were written by this program. Answers
    /// whether that was enough; else the branch is told again, with all its files.
    fn moved(
        &self,
        branch: &BranchName,
        head: &Head,
        files: BTreeMap<String, Option<Blob>>,
        ours: bool,
    ) -> bool;
    /// The branch is new, or was read again: these are all its files, unless they cannot be read.
    fn loaded(&self, branch: &BranchName, head: &Head, files: Result<BTreeMap<String, Blob>, Damage>);
    /// These are the commits, oldest first, that led to the state that was told last.
    fn committed(&self, branch: &BranchName, commits: Vec<Committed>);
    /// The branch is there, and its newest state cannot be read.
    fn unreadable(&self, branch: &BranchName, damage: &Damage);
    /// A tag of the branch came or went.
    fn tagged(&self, branch: &BranchName);
    /// There is no such branch any more.
    fn gone(&self, branch: &BranchName);
}

/// How the ledger works.
#[derive(Debug, Clone)]
pub struct Options {
    /// So many changes may wait; more are refused.
    pub queue: usize,
    /// So many changes are made at a time at most.
    pub largest_batch: usize,
    /// Named as the committer of every commit.
    pub committer: Identity,
    /// In bytes: no file that others bring has more.
    pub largest_file: usize,
    /// No push lasts longer, and what one has left goes after that.
    pub pushes: Duration,
    pub checkpoints: Checkpoints,
}

/// Why the ledger cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Damage(#[from] Damage),
    #[error(transparent)]
    Persist(#[from] PersistError),
    #[error("cannot use the data directory: {0}")]
    Io(#[from] std::io::Error),
}

/// The writable ledger of a data directory. When it is dropped, the committer finishes what was accepted and ends;
/// [`Ledger::close`] waits for that.
pub struct Ledger {
    queue: mpsc::Sender<Message>,
    reader: Arc<Reader>,
    index: Arc<Index>,
    history: Arc<History>,
    repository: PathBuf,
    /// Open from the start: the system tells each handle once what it could not write since that was opened.
    folder: File,
    mirrors: PathBuf,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Ledger {
    /// Opens the data directory, tells the audience of every branch, and starts the committer.
    ///
    /// # Errors
    /// The directory is in use, or its repository cannot be read.
    pub fn open(
        directory: &Path,
        first: &BranchName,
        options: Options,
        audience: Arc<dyn Audience>,
        judge: Arc<dyn Judge>,
    ) -> Result<Self, StartError> {
        let directory = DataDirectory::open(directory, first)?;
        // Whatever is shown is held against its id here, by a hash that is four times as fast as libgit2's.
        git2::opts::strict_hash_verification(false);
        // Before anything is read: what was acknowledged last may so far be in the journal only.
        let journal = Journal::open(&directory.journal())?;
        let removals = Arc::default();
        let objects = directory.repository().join("objects");
        let maintenance = Maintenance::start(&objects, Arc::clone(&removals), options.pushes)?;
        let store = Store::open(&directory.repository(), maintenance)?;
        let folder = File::open(directory.repository())?;
        let persist = Logged::open(journal, store, Tips::read(&directory.tips())?, options.checkpoints)?;
        let reader = Arc::new(Reader::following(&directory.repository(), removals)?);
        let mut heads = OrdMap::new();
        let Branches { branches, others } = reader.branches()?;
        for name in others {
            tracing::warn!(%name, "not a configuration's name; the branch is left alone");
        }
        let notes = directory.strays();
        let noted_before = notes::read(&notes)?.unwrap_or_default();
        let mut noted = noted_before.clone();
        let mut strays = BTreeMap::new();
        let mut found: BTreeMap<_, _> = branches.into_iter().collect();
        // Those that are back are on their way again, and an old note must not hold them up at a later start.
        noted.retain(|branch, known| !found.get(branch).is_some_and(|tip| is_at(tip, *known)));
        noted.append(&mut persist.settle(|tips| tips.compare(&reader, &found, &noted))?);
        if noted != noted_before {
            notes::write(&notes, noted.iter().map(|(branch, known)| (branch, *known)))?;
        }
        for (branch, known) in noted {
            let tip = match found.remove(&branch) {
                Some(Ok(tip)) => format!("it is at {tip} since before the start"),
                Some(Err(damage)) => damage.to_string(),
                None => "it is gone since before the start".to_owned(),
            };
            strays.insert(branch.clone(), strays::explain(&branch, known, &[tip]));
            if let Some(known) = known {
                found.insert(branch, Ok(known));
            }
        }
        strays.values().for_each(|why| tracing::error!("{why}"));
        for (branch, tip) in found {
            // One branch that cannot be read is no reason not to serve the others.
            match tip.and_then(|commit| reader.state(commit)) {
                Ok(head) => {
                    audience.loaded(&branch, &head, reader.files(head.commit, &[Subject::Branch]));
                    heads.insert(branch, head);
                }
                Err(damage) => {
                    tracing::error!(%branch, %damage, "the branch cannot be served");
                    audience.unreadable(&branch, &damage);
                }
            }
        }
        let directory = Arc::new(directory);
        let (at, repository, mirrors) = (directory.index(), directory.repository(), directory.mirrors());
        let index = Index::open(&at, &repository, Arc::clone(&reader), Arc::clone(&directory))?;
        let index = Arc::new(index);
        let (sender, queue) = mpsc::channel(options.queue.max(1));
        let committer = Committer {
            queue,
            heads,
            persist: Box::new(persist),
            reader: Arc::clone(&reader),
            audience,
            judge,
            strays,
            notes,
            index: Arc::clone(&index),
            identity: options.committer,
            largest_batch: options.largest_batch.max(1),
            unsettled: false,
            pace: Pace::default(),
        };
        let clock = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        // The directory stays locked until the last change is written, whoever lets go of the ledger before.
        let work = move || {
            committer.run(&clock);
            drop(directory);
        };
        let thread = thread::Builder::new().name("committer".to_owned()).spawn(work)?;
        let history = Arc::new(History::new(Arc::clone(&index), Arc::clone(&reader)));
        let thread = Mutex::new(Some(thread));
        Ok(Ledger { queue: sender, reader, index, history, repository, folder, mirrors, thread })
    }

    /// Makes a change. When this answers `Ok`, the change survives a power cut.
    ///
    /// # Errors
    /// The change was not made, or it is not known whether it was; [`Refused`] tells which.
    pub async fn change(&self, change: Change) -> Result<Written, Refused> {
        let (answer, outcome) = oneshot::channel();
        self.queue.try_send(Message::Change(Box::new(change), answer)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Refused::QueueFull,
            mpsc::error::TrySendError::Closed(_) => Refused::Stopping,
        })?;
        outcome.await.unwrap_or_else(|_| Err(Refused::Unknown("the committer has stopped".to_owned())))
    }

    /// Makes what others wrote into the repository last. Blocks until that is done.
    ///
    /// # Errors
    /// The disk fails.
    pub fn sync(&self) -> std::io::Result<()> {
        repository::sync_file_system(&self.folder)
    }

    /// Whether changes can be made now.
    pub fn is_open(&self) -> bool {
        !self.queue.is_closed() && self.queue.capacity() > 0
    }

    /// For looking back along histories.
    pub fn history(&self) -> &Arc<History> {
        &self.history
    }

    /// For looking at what was.
    pub fn reader(&self) -> &Arc<Reader> {
        &self.reader
    }

    /// Where the repository lies, for calls of git.
    pub fn repository(&self) -> &Path {
        &self.repository
    }

    /// The folder for what mirrors keep. It may be removed at any time.
    pub fn mirrors(&self) -> &Path {
        &self.mirrors
    }

    /// Finishes what was accepted and ends the committer. Blocks until that is done.
    pub fn close(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            if self.queue.blocking_send(Message::Stop).is_err() {
                tracing::error!("the committer had ended before it was told to");
            }
            if thread.join().is_err() {
                tracing::error!("the committer ended with a panic");
            }
        }
        self.index.close();
    }
}

/// Whether a branch is where it was noted to have been.
fn is_at(tip: &reader::Tip, known: Option<CommitId>) -> bool {
    tip.as_ref().is_ok_and(|tip| Some(*tip) == known)
}
