//! The installed git, where its own words are needed: to serve clones and pushes, and to reach other git servers.
//! Everything else is done without it.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

/// The oldest release that will do: the first that is told settings by its environment
/// (`GIT_CONFIG_COUNT`), and whose hooks may decide what becomes of a push (`proc-receive`, 2.29).
const OLDEST: (u32, u32) = (2, 31);

/// So long git may take to tell its version.
const ANSWERING: Duration = Duration::from_secs(10);

/// The installed git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    path: PathBuf,
    version: (u32, u32),
}

/// Why there is no git to use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    #[error("{} cannot be started: {reason}; install git {}.{} or newer, or say in git.program where it is", path.display(), OLDEST.0, OLDEST.1)]
    Missing { path: PathBuf, reason: String },
    #[error("{} does not tell its version: {answer:?}", path.display())]
    Strange { path: PathBuf, answer: String },
    #[error("{} is git {}.{}; {}.{} is the oldest that will do", path.display(), found.0, found.1, OLDEST.0, OLDEST.1)]
    Old { path: PathBuf, found: (u32, u32) },
}

impl Program {
    /// Asks the git at `path`, a file or a name on the search path, for its version.
    ///
    /// # Errors
    /// It cannot be started, or is too old.
    pub fn find(path: &Path) -> Result<Self, ProgramError> {
        let missing =
            |reason: io::Error| ProgramError::Missing { path: path.to_owned(), reason: reason.to_string() };
        let answer = ask(clean(path).arg("--version")).map_err(missing)?;
        let answer = String::from_utf8_lossy(&answer).trim().to_owned();
        match version(&answer) {
            None => Err(ProgramError::Strange { path: path.to_owned(), answer }),
            Some(found) if found < OLDEST => Err(ProgramError::Old { path: path.to_owned(), found }),
            Some(version) => Ok(Program { path: path.to_owned(), version }),
        }
    }

    /// The first two numbers of the release.
    pub fn version(&self) -> (u32, u32) {
        self.version
    }

    /// A call of git that knows nothing of this process's environment, of anybody's settings, or of a terminal, and leads a
    /// process group of its own, which [`end`] ends.
    pub fn command(&self) -> Command {
        clean(&self.path)
    }
}

/// What a call prints. One that takes long is ended, since nobody may be there who could end it.
fn ask(command: &mut Command) -> io::Result<Vec<u8>> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let (leader, pipe) = (child.id(), child.stdout.take());
    let (done, is_done) = mpsc::channel::<()>();
    let mut answer = Vec::new();
    let read = thread::scope(|threads| {
        threads.spawn(move || {
            if is_done.recv_timeout(ANSWERING) == Err(RecvTimeoutError::Timeout) {
                end(leader);
            }
        });
        let read = pipe.map_or(Ok(0), |mut pipe| pipe.read_to_end(&mut answer));
        drop(done);
        read
    });
    child.wait()?;
    read.map(|_| answer)
}

fn clean(path: &Path) -> Command {
    let mut command = Command::new(path);
    command.env_clear();
    for kept in ["PATH", "TMPDIR"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
        .env("LC_ALL", "C")
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .process_group(0);
    command
}

/// Ends a call that is still at work, and whatever it has started.
pub fn end(leader: u32) {
    send(leader, Signal::KILL);
}

/// Asks a call and whatever it has started to end, so that they take away what they have half done.
pub fn stop(leader: u32) {
    send(leader, Signal::TERM);
}

fn send(leader: u32, signal: Signal) {
    let leader = i32::try_from(leader).ok().and_then(Pid::from_raw);
    if let Some(leader) = leader
        && let Err(error) = kill_process_group(leader, signal)
    {
        tracing::debug!(%error, "the call of git had ended already");
    }
}

/// `git version 2.47.3`, with whatever a vendor puts behind it.
fn version(answer: &str) -> Option<(u32, u32)> {
    let mut numbers = answer.strip_prefix("git version ")?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_vendors_write_them() {
        assert_eq!(version("git version 2.47.3"), Some((2, 47)));
        assert_eq!(version("git version 2.39.5 (Apple Git-154)"), Some((2, 39)));
        assert_eq!(version("git version 2.50.1.windows.1"), Some((2, 50)));
        assert_eq!(version("hub 2.14"), None);
    }

    #[test]
    fn what_is_missing_is_told_with_what_would_help() {
        let error = Program::find(Path::new("/nonexistent/git")).expect_err("there is none");
        assert!(error.to_string().contains("install git 2.31 or newer"), "{error}");
    }
}
