//! Threads that read large bodies.

use std::io;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// They are few, since the allocator keeps for a thread what that has once needed: among many threads, reading large
/// bodies one after the other would take as much memory in the end as reading them at once.
const THREADS: usize = 2;

/// So long a thread without work is kept; another would be given memory of its own.
const KEPT: Duration = Duration::from_secs(3600);

/// A runtime of which only the threads for blocking work are used.
pub(super) struct Readers(Option<Runtime>);

impl Readers {
    pub fn start() -> io::Result<Self> {
        let mut builder = Builder::new_current_thread();
        builder.max_blocking_threads(THREADS).thread_keep_alive(KEPT).thread_name("bodies");
        Ok(Readers(Some(builder.build()?)))
    }

    /// `None` at the very end only.
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<JoinHandle<T>> {
        self.0.as_ref().map(|runtime| runtime.spawn_blocking(work))
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        // The last who lets go may be a thread that must not wait.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
