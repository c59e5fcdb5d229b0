//! The one step that makes a batch last. The committer makes finished objects and ref moves; what becomes of them is
//! decided here and nowhere else.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::batch::{Batch, PersistError};
use super::log::{Log, LogError};
use super::repository::sync_file_system;
use super::store::Store;
use super::tips::Tips;

/// Makes batches last.
pub trait Persist: Send {
    /// When this returns, the batch survives a power cut and `git` sees it.
    ///
    /// # Errors
    /// Nothing of the batch is there; or, as [`PersistError::Unknown`], it may be.
    fn persist(&mut self, batch: &Batch) -> Result<(), PersistError>;
}

/// When the repository is synced and the log is emptied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoints {
    /// Once the log has so many bytes.
    pub size: u64,
    /// And so often, if there is anything in it.
    pub period: Duration,
}

/// A batch goes to a log, which makes it last, and then to the repository, which is synced now and then.
pub struct Logged<L> {
    shared: Arc<Mutex<Shared<L>>>,
    checkpoints: Checkpoints,
    wake: Sender<()>,
    thread: Option<JoinHandle<()>>,
}

/// Held while a batch is written, so that a checkpoint never comes between its log and its repository.
struct Shared<L> {
    log: L,
    store: Store,
    tips: Tips,
    /// The disk failed to sync the repository. The system then takes what it could not write for written, so a sync
    /// that goes well later says nothing of that; only what is written again can be relied on.
    doubtful: bool,
}

impl<L: Log + 'static> Logged<L> {
    /// Brings the repository and the tips up to the log, empties the log, and starts the thread that makes checkpoints.
    ///
    /// # Errors
    /// The log or the repository cannot be read and written.
    pub fn open(
        mut log: L,
        mut store: Store,
        mut tips: Tips,
        checkpoints: Checkpoints,
    ) -> Result<Self, PersistError> {
        let records = log.replay()?;
        if !records.is_empty() {
            tracing::info!(batches = records.len(), "bringing the repository up to the journal");
            records.iter().for_each(|record| tips.follow(&record.moves));
            tips.keep();
        }
        store.catch_up(records)?;
        let mark = log.mark()?;
        log.forget(mark)?;
        let shared = Arc::new(Mutex::new(Shared { log, store, tips, doubtful: false }));
        let (wake, woken) = mpsc::channel();
        let work = Arc::clone(&shared);
        let thread = thread::Builder::new().name("checkpoints".to_owned()).spawn(move || {
            loop {
                let last = match woken.recv_timeout(checkpoints.period) {
                    Ok(()) | Err(RecvTimeoutError::Timeout) => false,
                    Err(RecvTimeoutError::Disconnected) => true,
                };
                if let Err(error) = checkpoint(&work) {
                    tracing::error!(%error, "a checkpoint failed; the journal is kept and the next one tries again");
                }
                if last {
                    return;
                }
            }
        })?;
        Ok(Logged { shared, checkpoints, wake, thread: Some(thread) })
    }

    /// Lets somebody hold the tips against the repository, and keeps what that makes of them.
    pub fn settle<T>(&self, look: impl FnOnce(&mut Tips) -> T) -> T {
        let mut shared = lock(&self.shared);
        let before = shared.tips.clone();
        let outcome = look(&mut shared.tips);
        if shared.tips != before {
            shared.tips.keep();
        }
        outcome
    }
}

fn lock<L>(shared: &Mutex<Shared<L>>) -> MutexGuard<'_, Shared<L>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Syncs the repository while batches go on, and then forgets what was in the log before.
fn checkpoint<L: Log>(shared: &Mutex<Shared<L>>) -> Result<(), PersistError> {
    let (mark, folder, tips) = {
        let mut shared = lock(shared);
        if shared.log.size() == 0 {
            shared.doubtful = false;
            return Ok(());
        }
        shared.write_again()?;
        (shared.log.mark()?, shared.store.folder()?, shared.tips.clone())
    };
    // The log is about to forget where the branches are.
    tips.keep();
    let synced = sync_file_system(&folder);
    let mut shared = lock(shared);
    if let Err(error) = synced {
        shared.doubtful = true;
        return Err(error.into());
    }
    if shared.doubtful {
        // A batch's own sync failed meanwhile.
        return Ok(());
    }
    shared.log.forget(mark)?;
    metrics::counter!("revconf_checkpoints_total").increment(1);
    Ok(())
}

impl<L: Log> Shared<L> {
    /// Writes all that is in the log into the repository once more, if it is doubtful what became of it.
    fn write_again(&mut self) -> Result<(), PersistError> {
        if self.doubtful {
            let records = self.log.replay()?;
            tracing::warn!(
                batches = records.len(),
                "the repository could not be synced; it is written again"
            );
            self.store.catch_up(records)?;
            self.doubtful = false;
        }
        Ok(())
    }
}

impl<L: Log> Persist for Logged<L> {
    fn persist(&mut self, batch: &Batch) -> Result<(), PersistError> {
        let mut shared = lock(&self.shared);
        let Shared { log, store, tips, doubtful } = &mut *shared;
        if batch.foreign {
            store.others_wrote();
        }
        if batch.moves.is_empty() {
            let synced = store.sync();
            *doubtful |= synced.is_err();
            return Ok(synced?);
        }
        // The disk syncs the log while objects are deflated and written: without a ref, nobody finds them.
        let (appended, written) = thread::scope(|threads| {
            let writing = threads.spawn(|| store.write_objects(&batch.objects));
            (log.append(batch), writing.join())
        });
        appended?;
        let written =
            written.unwrap_or_else(|_| Err(io::Error::other("a thread has ended with a panic").into()));
        if let Err(error) = written.and_then(|()| store.move_refs(&batch.moves)) {
            // In the log it would come back with the next start, though its client was told that it failed.
            if store.has_moved(&batch.moves) {
                return Err(PersistError::Unknown(error.to_string()));
            }
            log.take_back()?;
            return Err(error);
        }
        tips.follow(&batch.moves);
        let full = log.size() >= self.checkpoints.size;
        drop(shared);
        if full && self.wake.send(()).is_err() {
            tracing::error!("the checkpoints' thread has ended; the journal grows until the next start");
        }
        Ok(())
    }
}

impl<L> Drop for Logged<L> {
    /// The last checkpoint: after a clean stop the log is empty.
    fn drop(&mut self) {
        // The thread ends when nobody can wake it any more.
        let (nobody, _) = mpsc::channel();
        self.wake = nobody;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the checkpoints' thread ended with a panic");
        }
    }
}

impl From<LogError> for PersistError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Refused(why) => PersistError::Io(io::Error::other(why)),
            LogError::Unknown(why) => PersistError::Unknown(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::ledger::batch::{Delta, Object, ObjectKind, RefMove};
    use crate::ledger::journal::Journal;
    use crate::ledger::maintenance::Maintenance;
    use crate::ledger::pack::delta;

    const REF: &str = "refs/heads/a";

    fn opened(folder: &Path) -> Logged<Journal> {
        let repository = folder.join("repository.git");
        git2::Repository::init_bare(&repository).expect("a repository");
        let maintenance =
            Maintenance::start(&repository.join("objects"), Arc::default(), Duration::MAX).expect("a thread");
        let store = Store::open(&repository, maintenance).expect("a repository");
        let journal = Journal::open(&folder.join("journal")).expect("a journal");
        let checkpoints = Checkpoints { size: 1 << 30, period: Duration::from_secs(1 << 20) };
        let tips = Tips::read(&folder.join("tips")).expect("none");
        Logged::open(journal, store, tips, checkpoints).expect("a log")
    }

    /// Writes a file and a ref to it, and takes both away again, as a disk does that loses what it could not write.
    fn written_and_lost(logged: &mut Logged<Journal>, folder: &Path) -> [std::path::PathBuf; 2] {
        let object = Object::of(ObjectKind::Blob, b"some bytes".to_vec());
        let moved = RefMove { name: REF.to_owned(), from: None, to: Some(object.id) };
        let hex = object.id.to_string();
        logged
            .persist(&Batch { objects: vec![object], moves: vec![moved], foreign: false })
            .expect("written");
        let repository = folder.join("repository.git");
        let files = [repository.join("objects").join(&hex[..2]).join(&hex[2..]), repository.join(REF)];
        files.iter().for_each(|file| std::fs::remove_file(file).expect("it is there"));
        files
    }

    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir(to).expect("a folder");
        for entry in std::fs::read_dir(from).expect("a folder") {
            let file = entry.expect("a file").path();
            std::fs::copy(&file, to.join(file.file_name().expect("a name"))).expect("copied");
        }
    }

    /// Two trees that change in turn, each made from the one before: what many changes of one set are, in one batch.
    fn many_changes() -> Batch {
        let mut lines = [vec![b'a'; 3000], vec![b'b'; 3000]];
        let mut objects: Vec<Object> = Vec::new();
        for nth in 0..200_usize {
            let line = &mut lines[nth % 2];
            line[nth * 13] = b'x';
            let mut object = Object::of(ObjectKind::Blob, line.clone());
            if let Some(base) = nth.checked_sub(2).and_then(|before| objects.get(before)) {
                let script = delta::between(&base.bytes, &object.bytes).expect("a short difference");
                object.delta = Some(Delta { base: base.id, script: script.into() });
            }
            objects.push(object);
        }
        let to = objects.last().map(|last| last.id);
        Batch { objects, moves: vec![RefMove { name: REF.to_owned(), from: None, to }], foreign: false }
    }

    #[test]
    fn a_batch_of_which_nothing_was_written_is_made_again_from_the_log() {
        let [folder, after] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let batch = many_changes();
        let mut logged = opened(folder.path());
        logged.persist(&batch).expect("written");
        copy(&folder.path().join("journal"), &after.path().join("journal"));
        drop(opened(after.path()));
        let repository = git2::Repository::open(after.path().join("repository.git")).expect("a repository");
        for object in &batch.objects {
            assert_eq!(repository.find_blob(object.id.0).expect("it is back").content(), object.bytes);
        }
    }

    #[test]
    fn what_may_have_been_lost_is_written_again_before_the_log_forgets_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut logged = opened(folder.path());
        let files = written_and_lost(&mut logged, folder.path());
        lock(&logged.shared).doubtful = true;
        checkpoint(&logged.shared).expect("the disk is well again");
        assert!(files.iter().all(|file| file.is_file()), "both are back");
        let shared = lock(&logged.shared);
        assert!(!shared.doubtful && shared.log.size() == 0);
    }
}
