//! What the tests stand on: the real program, a client that checks every answer against the service's own
//! OpenAPI description, the real `git`, and builders of documents.

pub mod answer;
pub mod chance;
pub mod client;
pub mod conformance;
pub mod documents;
pub mod follower;
pub mod git;
pub mod histories;
pub mod planted;
pub mod program;
pub mod raw;
pub mod server;
pub mod strace;
pub mod view;
pub mod watch;

pub use answer::Answer;
pub use client::Client;
pub use follower::{Follower, Heard};
pub use git::Git;
pub use server::Server;
pub use watch::Watch;

use std::time::{Duration, Instant};

/// How long anything may take before a test gives up on it; generous, because test machines are shared.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again until `condition` has an answer; `what` is what the panic says was waited for.
#[expect(
    clippy::disallowed_methods,
    reason = "another process can only be asked again; this is the one place where tests do so"
)]
#[track_caller]
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
