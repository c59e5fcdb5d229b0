//! Keeping the repository quick to read while it grows: small packs become larger ones, files of single objects become
//! packs. A thread of its own does it, beside the writes. Nothing is removed before what replaces it is on the disk, so
//! a crash at any step leaves at most something that is there twice.

mod worker;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::loose;
use super::pack::file;
use worker::{Worker, counted};

/// So many packs of about the same size become one.
const FAN_IN: usize = 8;
/// With so many packs, a write waits for maintenance.
const MOST_PACKS: usize = 44;
/// So many objects with a file of their own become a pack.
const MANY_LOOSE: usize = 2048;
/// A write waits so long at most: maintenance that cannot keep up must slow writes down, not stop them.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// The maintenance of a repository's objects. Ends its thread when it is dropped.
pub struct Maintenance {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    objects: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
    removals: Arc<AtomicU64>,
    pushes: Duration,
}

#[derive(Default)]
struct State {
    /// Since the commit-graph was last looked at.
    commits: usize,
    /// In the folder, but for those that stay as they are.
    packs: usize,
    /// Since the packs were last looked through.
    new_packs: usize,
    loose: usize,
    /// Others wrote files of single objects, too.
    uncounted: bool,
    stopping: bool,
    /// The last attempt failed, or git is at it, so there is no use in waiting for the next.
    failing: bool,
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Maintenance {
    /// Begins to maintain the folder of a repository's objects. `removals` counts whenever packs were removed, which
    /// readers that keep a list of them want to know. What a push has left, which was killed, goes when nobody has touched it
    /// for as long as `pushes`.
    ///
    /// # Errors
    /// The folder cannot be read, or the system has no more threads.
    pub fn start(objects: &Path, removals: Arc<AtomicU64>, pushes: Duration) -> io::Result<Self> {
        let packs = objects.join("pack");
        std::fs::create_dir_all(&packs)?;
        let state = State {
            packs: counted(&file::list(&packs)?),
            new_packs: FAN_IN,
            loose: loose::list(objects)?.len(),
            ..State::default()
        };
        let shared = Arc::new(Shared {
            objects: objects.to_owned(),
            state: Mutex::new(state),
            changed: Condvar::new(),
            removals,
            pushes,
        });
        let work = Worker::new(Arc::clone(&shared), packs);
        let thread = thread::Builder::new().name("maintenance".to_owned()).spawn(move || work.run())?;
        Ok(Maintenance { shared, thread: Some(thread) })
    }

    /// A pack was written. Waits while there are too many.
    pub fn pack_written(&self) {
        let mut state = lock(&self.shared);
        state.packs += 1;
        state.new_packs += 1;
        if state.new_packs >= FAN_IN {
            self.shared.changed.notify_all();
        }
        if state.packs >= MOST_PACKS && !state.failing {
            let too_many = |state: &mut State| state.packs >= MOST_PACKS && !state.failing;
            let waited = self.shared.changed.wait_timeout_while(state, LONGEST_WAIT, too_many);
            drop(waited);
        }
    }

    /// Others wrote packs and files of single objects, nobody knows how many.
    pub fn others_wrote(&self) {
        let mut state = lock(&self.shared);
        state.new_packs = FAN_IN;
        state.uncounted = true;
        self.shared.changed.notify_all();
    }

    /// So many commits were made.
    pub fn committed(&self, count: usize) {
        lock(&self.shared).commits += count;
    }

    /// So many objects were written as files of their own.
    pub fn loose_written(&self, count: usize) {
        let mut state = lock(&self.shared);
        state.loose += count;
        if state.loose >= MANY_LOOSE {
            self.shared.changed.notify_all();
        }
    }
}

impl Drop for Maintenance {
    /// Waits until what is under way is finished.
    fn drop(&mut self) {
        lock(&self.shared).stopping = true;
        self.shared.changed.notify_all();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the maintenance of the repository ended with a panic");
        }
    }
}

#[cfg(test)]
mod tests;
