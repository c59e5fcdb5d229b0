//! The history index: a derived file that lists the commits that changed each folder and each file, so that a page of
//! a history costs the page, not the history. Git is what is true; the file may be thrown away at any time that the
//! service is stopped, and is made again.
//!
//! - `file`, `place`: the tables, and whether they can be relied on
//! - `objects`, `packs`, `names`, `raw`, `changed`: commits and trees as git stores them
//! - `walk`, `trail`, `insert`: what comes in; [`pages`]: what is looked up
//! - `worker`: the one thread that writes; [`compare`]: the index against git

mod changed;
pub mod compare;
mod fault;
mod file;
mod insert;
mod names;
mod objects;
mod packs;
pub mod pages;
mod place;
mod raw;
mod trail;
mod walk;
mod worker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::Bytes;
use git2::Oid;
use rusqlite::Connection;

use super::batch::RefMove;
use super::id::{ARCHIVES, CommitId};
use super::reader::{Branches, Damage, Reader};
pub use changed::WHOLE;
use fault::Fault;
use pages::place_of;
use place::Place;
use worker::Worker;

/// So long a look-up waits for a commit that is on its way into the index.
const PATIENCE: Duration = Duration::from_secs(1);
/// So much may wait to be taken in, counted in commits and changed files. More is read from git again later.
const LARGEST_QUEUE: usize = 100_000;
/// So many connections are kept for later look-ups.
const IDLE: usize = 16;

/// A commit that was just made, and the paths of what it changed.
#[derive(Debug, Clone)]
pub struct Fresh {
    pub id: CommitId,
    pub bytes: Bytes,
    pub changed: Vec<String>,
}

/// What a batch adds.
#[derive(Debug, Default)]
pub struct News {
    /// Parents first.
    pub commits: Vec<Fresh>,
    /// Of refs that lead to commits.
    pub moves: Vec<RefMove>,
}

impl News {
    fn weight(&self) -> usize {
        self.commits.iter().map(|fresh| 1 + fresh.changed.len()).sum::<usize>() + self.moves.len()
    }
}

/// The index of a data directory. Its thread runs until [`Index::close`].
pub struct Index {
    shared: Arc<Shared>,
    queue: Sender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread is told.
enum Message {
    News(News),
    /// Something in [`State`] asks for it, or somebody who waits for what was handed over.
    Look,
    Stop,
}

/// What the thread is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Reading from git what is not there.
    CatchingUp,
    /// The same, and there is a lot of it.
    Rebuilding,
    /// All that was handed over is there, or will be in a moment.
    Ready,
    /// The file cannot be used now.
    Off,
}

/// What look-ups and the thread know of each other.
struct State {
    phase: Phase,
    /// So much was put into the queue, and so much of it was taken in.
    handed: u64,
    done: u64,
    /// In the queue, by [`News::weight`].
    waiting: usize,
    /// Something was not handed over, and must be read from git.
    gap: bool,
    /// A look-up found the file damaged.
    damaged: Option<String>,
    /// Connections of an earlier file are of no use.
    generation: u64,
}

struct Shared {
    path: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
    idle: Mutex<Vec<(u64, Connection)>>,
    stopping: AtomicBool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, phase: Phase) {
        self.state().phase = phase;
        metrics::gauge!("revconf_index_ready").set(if phase == Phase::Ready { 1.0 } else { 0.0 });
        self.changed.notify_all();
    }

    /// From here on nobody looks anything up.
    fn drop_connections(&self) {
        self.set(Phase::Off);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

impl Index {
    /// Begins to bring the file at `path` up to the repository, on a thread of its own. `keep` is let go of when that
    /// thread ends.
    ///
    /// # Errors
    /// The system has no more threads.
    pub fn open<K: Send + 'static>(
        path: &Path,
        repository: &Path,
        reader: Arc<Reader>,
        keep: K,
    ) -> std::io::Result<Self> {
        let (queue, messages) = channel();
        let state = State {
            phase: Phase::CatchingUp,
            handed: 0,
            done: 0,
            waiting: 0,
            gap: true,
            damaged: None,
            generation: 0,
        };
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            state: Mutex::new(state),
            changed: Condvar::new(),
            idle: Mutex::default(),
            stopping: AtomicBool::new(false),
        });
        let worker = Worker::new(Arc::clone(&shared), repository.to_owned(), reader, messages);
        let thread = thread::Builder::new().name("index".to_owned()).spawn(move || {
            worker.run();
            drop(keep);
        })?;
        Ok(Index { shared, queue, thread: Mutex::new(Some(thread)) })
    }

    /// Hands over what a batch added. Never waits.
    pub fn add(&self, news: News) {
        let weight = news.weight();
        let mut state = self.shared.state();
        let fits = state.waiting + weight <= LARGEST_QUEUE || state.waiting == 0;
        let message = if state.phase != Phase::Off && fits {
            state.handed += 1;
            state.waiting += weight;
            Message::News(news)
        } else {
            state.gap = true;
            if state.phase == Phase::Ready {
                state.phase = Phase::CatchingUp;
            }
            Message::Look
        };
        drop(state);
        self.send(message);
    }

    /// Something happened to the repository that nobody can tell the index of.
    pub fn look(&self) {
        let mut state = self.shared.state();
        state.gap = true;
        if state.phase == Phase::Ready {
            state.phase = Phase::CatchingUp;
        }
        drop(state);
        self.send(Message::Look);
    }

    fn send(&self, message: Message) {
        if self.queue.send(message).is_err() {
            tracing::debug!("the index has ended");
        }
    }

    /// Looks something up below a commit. `None` if the index cannot tell: then git can.
    pub fn ask<T>(
        &self,
        tip: CommitId,
        question: impl FnOnce(&Connection, Place) -> Result<T, Fault>,
    ) -> Option<T> {
        match self.try_ask(tip.0, question) {
            Ok(answer) => answer,
            Err(fault) => {
                tracing::warn!(%fault, "the history index cannot answer");
                if let Fault::Damaged(why) = fault {
                    self.shared.state().damaged = Some(why);
                    self.send(Message::Look);
                }
                None
            }
        }
    }

    fn try_ask<T>(
        &self,
        tip: Oid,
        question: impl FnOnce(&Connection, Place) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        let Some((generation, connection)) = self.connection()? else { return Ok(None) };
        let mut place = place_of(&connection, tip)?;
        if place.is_none() && self.wait() {
            place = place_of(&connection, tip)?;
        }
        let answer = place.map(|place| {
            // One view of the file for all of the question's look-ups, and one lock.
            connection.execute_batch("BEGIN")?;
            let answer = question(&connection, place);
            connection.execute_batch("COMMIT")?;
            answer
        });
        let answer = answer.transpose()?;
        let mut idle = self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push((generation, connection));
        }
        Ok(answer)
    }

    /// A connection for look-ups, unless the file is not there yet or cannot be used.
    fn connection(&self) -> Result<Option<(u64, Connection)>, Fault> {
        let generation = {
            let state = self.shared.state();
            if state.phase == Phase::Off || state.generation == 0 || state.damaged.is_some() {
                return Ok(None);
            }
            state.generation
        };
        let mut idle = self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(of, _)| *of == generation);
        let kept = idle.pop();
        drop(idle);
        match kept {
            Some(kept) => Ok(Some(kept)),
            None => Ok(Some((generation, file::open_to_read(&self.shared.path)?))),
        }
    }

    /// Waits until what was handed over by now is there, if that is a matter of a moment. Answers whether it is worth
    /// looking again.
    fn wait(&self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.shared.state();
        let handed = state.handed;
        if state.done < handed {
            self.send(Message::Look);
        }
        loop {
            match state.phase {
                Phase::Off | Phase::Rebuilding => return false,
                Phase::Ready if state.done >= handed => return true,
                Phase::Ready | Phase::CatchingUp => {}
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes in what was handed over, closes the file and ends the thread. Blocks until that is done.
    pub fn close(&self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        self.send(Message::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the index ended with a panic");
        }
    }
}

/// Every branch and archive that can be read, by its full name, and where it is.
fn refs(reader: &Reader) -> Result<BTreeMap<String, Oid>, Damage> {
    let Branches { branches, .. } = reader.branches()?;
    let branches = branches.into_iter().map(|(name, tip)| (name.full(), tip));
    let archives = reader.archives()?.into_iter().map(|(name, tip)| (format!("{ARCHIVES}{name}"), tip));
    // What cannot be read is told where it is to be served.
    Ok(branches.chain(archives).filter_map(|(name, tip)| Some((name, tip.ok()?.0))).collect())
}
