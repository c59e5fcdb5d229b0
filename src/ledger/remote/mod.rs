//! Other repositories, reached by the installed git: what they have, bringing commits to them, and fetching from them.
//! Every call blocks, leads a process group of its own, and can be ended from another thread.

mod address;
mod credentials;
mod fetching;
mod left;
mod pushing;

pub use address::{Address, AddressFault, Transport};
pub use credentials::{Credentials, CredentialsFault, Key};
pub use fetching::Workplace;
pub use left::Left;
pub use pushing::{Delivery, Refusal, Sent};

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::id::ObjectId;
use super::program::{self, Program, ProgramError};

/// Full names of refs, and the object that each names.
pub type Refs = BTreeMap<String, ObjectId>;

/// In bytes, of what a call prints: a server that never ends must not take all memory.
const MOST_PRINTED: u64 = 64 << 20;
/// In characters, of what a call says of its failure.
const LONGEST_REASON: usize = 600;

/// Variables that say how this machine's network is left, and whose certificates are believed.
const NETWORK: [&str; 8] = [
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "GIT_SSL_CAINFO",
];

/// Another repository, and how it is reached.
#[derive(Debug)]
pub struct Remote {
    /// The setting `git.program`.
    program: PathBuf,
    address: Address,
    credentials: Credentials,
    certificates: Option<PathBuf>,
    calls: Mutex<Calls>,
}

/// The calls of git that are at work.
#[derive(Debug, Default)]
struct Calls {
    leaders: BTreeSet<u32>,
    closed: bool,
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// In git's own words, and the other side's.
    #[error("{0}")]
    Git(String),
    #[error("{path} cannot be read: {reason}", path = path.display())]
    Secret { path: PathBuf, reason: io::Error },
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the service is stopping")]
    Closed,
}

/// What a call that has ended said.
struct Said {
    /// The number that its process had.
    leader: u32,
    status: ExitStatus,
    out: String,
    err: String,
}

impl Remote {
    /// `program` is a path of git, or a name on the search path.
    pub fn new(program: &Path, address: Address, credentials: Credentials) -> Self {
        let program = program.to_owned();
        Remote { program, address, credentials, certificates: None, calls: Mutex::default() }
    }

    /// Believes the certificates in this file (PEM) instead of those that git believes.
    pub fn trusting(self, certificates: Option<PathBuf>) -> Self {
        Remote { certificates, ..self }
    }

    /// Where it is; no part of it is secret.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The refs that fit these patterns, such as `refs/heads/*`.
    ///
    /// # Errors
    /// The other side cannot be reached, or does not let this one in.
    pub fn list(&self, patterns: &[&str]) -> Result<Refs, RemoteError> {
        let mut command = self.command()?;
        command.args(["ls-remote", "--refs", "--quiet", "--", self.address.url()]).args(patterns);
        let out = self.call(command)?.good()?;
        out.lines()
            .map(|line| {
                let (id, name) = line.split_once('\t').unwrap_or_default();
                let id = ObjectId::from_hex(id).ok_or_else(|| {
                    RemoteError::Git(format!("the other side tells {line:?}, which is no ref with a SHA-1"))
                })?;
                Ok((name.to_owned(), id))
            })
            .collect()
    }

    /// Ends what is at work; new calls can be made.
    pub fn end(&self) {
        self.lock().leaders.iter().for_each(|leader| program::end(*leader));
    }

    /// Ends what is at work, for good.
    pub fn close(&self) {
        self.lock().closed = true;
        self.end();
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call that can reach the other side. Git is looked for each time: it may be installed while the service runs.
    fn command(&self) -> Result<Command, RemoteError> {
        let mut command = self.local_command("https:http:ssh:file")?;
        command.envs(NETWORK.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        if let Some(file) = &self.certificates {
            command.env("GIT_SSL_CAINFO", file);
        }
        if self.address.is_here() {
            // No proxy leads to what is on this machine.
            command.args(["-c", "http.proxy="]);
        }
        self.credentials.give(&self.address, &mut command)?;
        Ok(command)
    }

    /// A call that reaches what these protocols lead to.
    fn local_command(&self, protocols: &str) -> Result<Command, RemoteError> {
        let mut command = Program::find(&self.program)?.command();
        command.env("GIT_ALLOW_PROTOCOL", protocols);
        // Nobody's hooks, no housekeeping beside this service's own, and no core more than one.
        for setting in [
            "core.hooksPath=/dev/null",
            "gc.auto=0",
            "maintenance.auto=false",
            "pack.threads=1",
            // Who sends a client elsewhere must not be shown its credentials there.
            "http.followRedirects=false",
            // In bytes a second, and seconds: a connection that is dead is given up.
            "http.lowSpeedLimit=1",
            "http.lowSpeedTime=60",
        ] {
            command.args(["-c", setting]);
        }
        Ok(command)
    }

    /// Runs a call to its end.
    fn call(&self, mut command: Command) -> Result<Said, RemoteError> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = {
            let mut calls = self.lock();
            if calls.closed {
                return Err(RemoteError::Closed);
            }
            let child = command.spawn()?;
            calls.leaders.insert(child.id());
            child
        };
        let said = self.hear(child);
        if self.lock().closed { Err(RemoteError::Closed) } else { said }
    }

    fn hear(&self, mut child: Child) -> Result<Said, RemoteError> {
        let leader = child.id();
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let (out, err) = thread::scope(|threads| {
            let err = threads.spawn(|| read(err));
            (read(out), err.join().unwrap_or_default())
        });
        // While it is not reaped its number is nobody else's, so that nobody else can be ended in its place.
        if let Some(pid) = i32::try_from(leader).ok().and_then(Pid::from_raw)
            && let Err(error) = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
        {
            tracing::debug!(%error, "the call of git cannot be waited for");
        }
        self.lock().leaders.remove(&leader);
        Ok(Said { leader, status: child.wait()?, out, err })
    }
}

/// All that is printed, up to a limit. Whoever prints more is told so by the pipe's end.
fn read(pipe: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe
        && let Err(error) = pipe.take(MOST_PRINTED).read_to_end(&mut bytes)
    {
        tracing::debug!(%error, "what git prints cannot be read");
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Said {
    fn good(self) -> Result<String, RemoteError> {
        if self.status.success() { Ok(self.out) } else { Err(RemoteError::Git(self.reason())) }
    }

    /// What git and the other side say is wrong, on one line.
    fn reason(&self) -> String {
        let lines = self.err.lines().map(str::trim).filter(|line| !line.is_empty());
        let telling = |line: &&str| {
            ["fatal:", "error:", "remote:", "ssh:"].iter().any(|start| line.starts_with(start))
                || line.contains("denied")
                || line.contains("verification failed")
        };
        let told: Vec<&str> = lines.clone().filter(telling).collect();
        let told = if told.is_empty() { lines.collect() } else { told };
        let text: String = told.join("; ").chars().filter(|c| !c.is_control()).take(LONGEST_REASON).collect();
        if text.is_empty() { format!("git ended with {}", self.status) } else { text }
    }
}
