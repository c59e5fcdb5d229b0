//! The one thread that writes the index: it takes in what the committer hands over, and reads from git what nobody
//! handed over.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use git2::Oid;
use rusqlite::Connection;

use super::fault::Fault;
use super::insert::{Inserter, Step};
use super::packs::Packs;
use super::raw::Commit;
use super::walk::{Found, Stop, Walk};
use super::{Message, News, Phase, Shared, file, pages, refs};
use crate::ledger::id::ObjectId;
use crate::ledger::reader::{Damage, Reader};

/// What the disk refused is tried again after so long.
const PAUSE: Duration = Duration::from_secs(10);
/// How often progress is told.
const TOLD: Duration = Duration::from_secs(3);
/// More commits than these to be read are a matter that takes its time, and is told of.
const MANY: usize = 10_000;
/// Lots that wait to be written while others are read.
const AHEAD: usize = 16;
/// So many messages are taken in at a time at most.
const LOT: usize = 256;
/// What comes within so long of the first is taken in with it, unless a look-up waits: a transaction for each batch would
/// cost as much as all that goes into it.
const GATHERED: Duration = Duration::from_millis(20);

/// The thread's own state.
pub struct Worker {
    shared: Arc<Shared>,
    repository: PathBuf,
    reader: Arc<Reader>,
    queue: Receiver<Message>,
    /// The refs that could not be followed, which is said once.
    unreadable: BTreeMap<String, Oid>,
}

impl Worker {
    pub fn new(
        shared: Arc<Shared>,
        repository: PathBuf,
        reader: Arc<Reader>,
        queue: Receiver<Message>,
    ) -> Self {
        Worker { shared, repository, reader, queue, unreadable: BTreeMap::new() }
    }

    /// Works until told to stop, whatever becomes of the file.
    pub fn run(mut self) {
        let mut was_ready = true;
        while !self.shared.is_stopping() {
            let fault = match self.serve(&mut was_ready) {
                Ok(()) => return,
                Err(fault) => fault,
            };
            let again = match &fault {
                Fault::Damaged(why) if self.shared.path.exists() => {
                    tracing::warn!(reason = %why, "the history index is thrown away and made again");
                    metrics::counter!("revconf_index_rebuilds_total").increment(1);
                    file::remove(&self.shared.path)
                }
                _ => Err(fault),
            };
            // A file that is damaged before it is ready a second time is a disk that fails.
            if let Err(fault) = again.and_then(|()| match std::mem::take(&mut was_ready) {
                true => Ok(()),
                false => Err(Fault::damaged("again, before it was ready")),
            }) {
                tracing::error!(%fault, "the history index cannot be used; histories are read from git");
                self.shared.set(Phase::Off);
                if self.pause() {
                    return;
                }
                was_ready = true;
            }
        }
    }

    /// Waits a while, and drops what is handed over meanwhile. Answers whether it is time to stop.
    fn pause(&mut self) -> bool {
        let end = Instant::now() + PAUSE;
        loop {
            match self.queue.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(Message::News(news)) => self.drop_news(&news),
                Ok(Message::Look) => {}
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }

    fn drop_news(&self, news: &News) {
        let mut state = self.shared.state();
        state.waiting -= news.weight();
        state.done += 1;
        state.gap = true;
    }

    /// Opens the file and keeps it up to the repository until told to stop.
    fn serve(&mut self, was_ready: &mut bool) -> Result<(), Fault> {
        {
            let mut state = self.shared.state();
            state.phase = Phase::CatchingUp;
            (state.gap, state.damaged) = (true, None);
        }
        self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let database = file::open(&self.shared.path)?;
        self.shared.state().generation += 1;
        let mut inserter = Inserter::new(&database)?;
        loop {
            if std::mem::take(&mut self.shared.state().gap) {
                self.catch_up(&database, &mut inserter)?;
            }
            if !self.shared.is_stopping() && !self.shared.state().gap {
                self.shared.set(Phase::Ready);
                *was_ready = true;
            }
            // An end of all senders is a stop too.
            let mut stop = !self.take_in(&mut inserter)?;
            stop |= self.shared.is_stopping();
            if let Some(why) = self.shared.state().damaged.clone() {
                return Err(Fault::Damaged(why));
            }
            if stop {
                inserter.keep()?;
                drop(inserter);
                self.shared.drop_connections();
                return file::close(database, &self.shared.path);
            }
        }
    }

    /// Waits for what is handed over and takes it in, with all that is there by then. Answers whether to go on.
    fn take_in(&mut self, inserter: &mut Inserter<'_>) -> Result<bool, Fault> {
        let (mut go_on, mut is_awaited) = (true, false);
        let mut news = Vec::new();
        let mut next = self.queue.recv().ok();
        go_on &= next.is_some();
        let end = Instant::now() + GATHERED;
        while let Some(message) = next.take() {
            match message {
                Message::News(more) => news.push(more),
                Message::Look => is_awaited = true,
                Message::Stop => go_on = false,
            }
            if news.len() < LOT {
                let left = match go_on && !is_awaited {
                    true => end.saturating_duration_since(Instant::now()),
                    false => Duration::ZERO,
                };
                next = self.queue.recv_timeout(left).ok();
            }
        }
        let mut outcome = Ok(true);
        for news in &news {
            if matches!(outcome, Ok(true)) {
                outcome = add(inserter, news);
            }
        }
        if outcome.is_ok() {
            outcome = inserter.keep().and(outcome);
        }
        let mut state = self.shared.state();
        state.waiting -= news.iter().map(News::weight).sum::<usize>();
        state.done += news.len() as u64;
        state.gap |= !matches!(outcome, Ok(true));
        drop(state);
        self.shared.changed.notify_all();
        outcome.map(|_| go_on)
    }

    /// Reads from git all that no ref's commit in the index leads to. One thread reads, this one writes.
    fn catch_up(&mut self, database: &Connection, inserter: &mut Inserter<'_>) -> Result<(), Fault> {
        let mut refs = refs(&self.reader)?;
        forget_refs(database, inserter, &mut refs)?;
        let unreadable = &self.unreadable;
        let refs: Vec<_> = refs.into_iter().filter(|(name, tip)| unreadable.get(name) != Some(tip)).collect();
        if refs.is_empty() {
            return inserter.keep();
        }
        let (repository, index) = (self.repository.clone(), self.shared.path.clone());
        let mut progress = Progress::new(Arc::clone(&self.shared));
        thread::scope(|threads| {
            let (out, found) = sync_channel(AHEAD);
            let reading =
                thread::Builder::new().name("history".to_owned()).spawn_scoped(threads, move || {
                    let mut objects = Packs::open(&repository)?;
                    Walk::new(&mut objects, &index, out)?.refs(refs)
                })?;
            let written = self.write(inserter, &found, &mut progress);
            // A reader that waits for its place in the queue ends when there is none.
            drop(found);
            let read =
                reading.join().unwrap_or_else(|_| Err(Stop::Damage(Damage("the reader panicked".into()))));
            written?;
            match read {
                Ok(()) | Err(Stop::Unwanted) => Ok(()),
                Err(Stop::Damage(damage)) => Err(damage.into()),
                Err(Stop::Fault(fault)) => Err(fault),
            }
        })?;
        if !self.shared.is_stopping() {
            progress.end();
        }
        Ok(())
    }

    fn write(
        &mut self,
        inserter: &mut Inserter<'_>,
        found: &Receiver<Found>,
        progress: &mut Progress,
    ) -> Result<(), Fault> {
        for found in found {
            match found {
                Found::More(commits) => progress.more(commits),
                Found::Steps(steps) => {
                    for step in &steps {
                        if !inserter.insert_new(step)? {
                            return Err(Fault::damaged(format!(
                                "the parents of {} are missing",
                                step.commit.id
                            )));
                        }
                    }
                    progress.done(steps.len());
                }
                Found::Keep(answer) => {
                    inserter.keep()?;
                    self.shared.changed.notify_all();
                    // Who does not wait for it has ended.
                    answer.try_send(()).unwrap_or_default();
                }
                Found::Head(name, id) => inserter.head(&name, Some(id))?,
                Found::Unreadable(name, damage) => {
                    tracing::error!(%name, %damage, "the history index cannot follow a ref");
                    if let Some(tip) = refs(&self.reader)?.get(&name) {
                        self.unreadable.insert(name, *tip);
                    }
                }
            }
            if self.shared.is_stopping() {
                break;
            }
        }
        inserter.keep()
    }
}

/// Takes in what was handed over. Answers whether all of it could be.
fn add(inserter: &mut Inserter<'_>, news: &News) -> Result<bool, Fault> {
    for fresh in &news.commits {
        let commit = Commit::parse(fresh.id.0, &fresh.bytes)?;
        if !inserter.insert(&Step { commit, changed: fresh.changed.clone() })? {
            return Ok(false);
        }
    }
    for moved in &news.moves {
        inserter.head(&moved.name, moved.to.map(|ObjectId(id)| id))?;
    }
    metrics::counter!("revconf_index_commits_total").increment(news.commits.len() as u64);
    Ok(true)
}

/// Takes note of refs that are gone, and leaves in `refs` those that moved.
fn forget_refs(
    database: &Connection,
    inserter: &mut Inserter<'_>,
    refs: &mut BTreeMap<String, Oid>,
) -> Result<(), Fault> {
    let mut gone = Vec::new();
    let mut noted = database.prepare("SELECT name, id FROM heads")?;
    let mut rows = noted.query([])?;
    while let Some(row) = rows.next()? {
        let (name, id): (String, [u8; 20]) = (row.get(0)?, row.get(1)?);
        match refs.get(&name) {
            None => gone.push(name),
            Some(tip) if tip.as_bytes() == id && pages::place_of(database, *tip)?.is_some() => {
                refs.remove(&name);
            }
            Some(_) => {}
        }
    }
    drop(rows);
    gone.iter().try_for_each(|name| inserter.head(name, None))
}

/// Tells how far a long catching up has come.
struct Progress {
    shared: Arc<Shared>,
    begun: Instant,
    told: Instant,
    of: usize,
    done: usize,
}

impl Progress {
    fn new(shared: Arc<Shared>) -> Self {
        let now = Instant::now();
        Progress { shared, begun: now, told: now, of: 0, done: 0 }
    }

    fn more(&mut self, commits: usize) {
        self.of += commits;
        if self.of >= MANY && self.of - commits < MANY {
            self.shared.set(Phase::Rebuilding);
            self.tell();
        }
        self.tell_now_and_then();
    }

    fn done(&mut self, commits: usize) {
        self.done += commits;
        metrics::counter!("revconf_index_commits_total").increment(commits as u64);
        self.tell_now_and_then();
    }

    fn tell_now_and_then(&mut self) {
        if self.told.elapsed() >= TOLD {
            self.tell();
        }
    }

    fn tell(&mut self) {
        self.told = Instant::now();
        tracing::info!(commits = self.done, of = self.of, "building the history index");
    }

    fn end(&self) {
        let seconds = self.begun.elapsed().as_secs_f64();
        if self.done > 0 {
            tracing::info!(commits = self.done, of = self.of, seconds, "the history index is up to date");
        }
    }
}
