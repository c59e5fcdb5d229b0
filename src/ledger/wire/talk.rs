//! A process of git's, and the two streams between it and a client.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::lines;
use crate::ledger::program;

/// In bytes: so much of what git says is handed on at once.
const PIECE: usize = 64 * 1024;
/// In bytes: so much of its complaints is logged.
const COMPLAINTS: u64 = 4096;
/// So long a process that is told to end has to clear up.
const GRACE: Duration = Duration::from_secs(2);

/// Both streams of a process.
pub struct Talk {
    pub input: Input,
    pub output: Output,
}

/// What the process reads. It reads the end when this is dropped.
#[derive(Debug)]
pub struct Input(ChildStdin);

/// What the process says. It is ended when this is dropped, or when its time is up.
pub struct Output {
    /// Comes before it.
    before: Option<Bytes>,
    stdout: ChildStdout,
    complaints: Option<JoinHandle<String>>,
    limit: Duration,
    end: Instant,
    /// How it has ended, once it has.
    ended: Option<oneshot::Receiver<io::Result<ExitStatus>>>,
    went_well: bool,
    _listening: oneshot::Sender<()>,
}

/// Why a process said less than it had to say.
#[derive(Debug, thiserror::Error)]
pub enum Cut {
    #[error("it took longer than {} s, which is the limit here", .0.as_secs())]
    Late(Duration),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Talk {
    /// Starts a process that may last for `limit`, and keeps `kept` until it has ended, whoever listens to it.
    pub(super) fn start(
        mut command: Command,
        limit: Duration,
        kept: impl Send + 'static,
    ) -> io::Result<Self> {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (listening, gone) = oneshot::channel();
        let (ending, ended) = oneshot::channel();
        let end = Instant::now() + limit;
        let running = Running { child, _kept: kept };
        drop(tokio::spawn(async move {
            let mut running = running;
            let status = running.attend(end, gone).await;
            // Folders are taken away, which touches the disk.
            drop(tokio::task::spawn_blocking(move || drop(running)));
            // Whoever listened may have gone.
            drop(ending.send(status));
        }));
        let missing = || io::Error::other("a stream is missing");
        let complaints = stderr.map(|stderr| tokio::spawn(gather(stderr)));
        Ok(Talk {
            input: Input(stdin.ok_or_else(missing)?),
            output: Output {
                before: None,
                stdout: stdout.ok_or_else(missing)?,
                complaints,
                limit,
                end,
                ended: Some(ended),
                went_well: false,
                _listening: listening,
            },
        })
    }

    /// The same, where these bytes come before what the process says.
    #[must_use]
    pub fn after(mut self, before: impl Into<Bytes>) -> Self {
        let mut all = BytesMut::from(before.into());
        all.extend(self.output.before.take());
        self.output.before = Some(all.freeze());
        self
    }

    /// The same, where what git tells those who come has one more capability.
    ///
    /// # Errors
    /// The process did not come to its end.
    pub(super) async fn capable_of(mut self, capability: &str) -> Result<Self, Cut> {
        let mut told = Vec::new();
        let more = loop {
            if let Some(more) = lines::capable_of(capability, &told) {
                break more;
            }
            match self.output.next().await? {
                Some(piece) => told.extend_from_slice(&piece),
                None => break told,
            }
        };
        Ok(self.after(more))
    }
}

impl Input {
    /// Hands bytes over; waits until the process takes them.
    ///
    /// # Errors
    /// The process reads no more.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await
    }
}

impl Output {
    /// What the process says next; `None` when it has said all.
    ///
    /// # Errors
    /// It did not come to its end; what was said is not whole.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Cut> {
        if let Some(before) = self.before.take() {
            return Ok(Some(before));
        }
        let mut piece = BytesMut::with_capacity(PIECE);
        let late = || Cut::Late(self.limit);
        // What lies in the pipe is there at once, however late it is.
        if Instant::now() >= self.end {
            return Err(late());
        }
        let read = timeout_at(self.end, self.stdout.read_buf(&mut piece)).await.map_err(|_| late())??;
        if read > 0 {
            return Ok(Some(piece.freeze()));
        }
        self.bury().await;
        Ok(None)
    }

    /// Whether the process has ended, and as one that has done what it should.
    pub fn went_well(&self) -> bool {
        self.went_well
    }

    /// A process that has closed its output ends at once.
    async fn bury(&mut self) {
        let Some(ended) = self.ended.take() else { return };
        let status = timeout(GRACE, ended).await;
        let complaints = match self.complaints.take() {
            Some(task) => timeout(GRACE, task).await.ok().and_then(Result::ok).unwrap_or_default(),
            None => String::new(),
        };
        self.went_well = matches!(&status, Ok(Ok(Ok(status))) if status.success());
        if !self.went_well {
            // Mostly the client's fault, which has been told it in git's own way.
            tracing::info!(?status, complaints, "git has ended with an error");
        }
    }
}

/// The beginning of what a process complains about. All of it is read, so that it is not held up.
async fn gather(mut stderr: ChildStderr) -> String {
    let mut text = Vec::new();
    let mut rest = tokio::io::sink();
    let read = (&mut stderr).take(COMPLAINTS).read_to_end(&mut text).await;
    if read.is_ok()
        && let Err(error) = tokio::io::copy(&mut stderr, &mut rest).await
    {
        tracing::debug!(%error, "git's complaints cannot be read");
    }
    String::from_utf8_lossy(&text).trim().to_owned()
}

/// A process at work. It is killed when this is dropped, if it is still there.
struct Running<K> {
    child: Child,
    /// Let go of after that.
    _kept: K,
}

impl<K> Running<K> {
    /// Waits until it has ended: by itself, or because its time is up or nobody listens any more.
    async fn attend(&mut self, end: Instant, gone: oneshot::Receiver<()>) -> io::Result<ExitStatus> {
        let leader = self.child.id();
        tokio::select! {
            status = self.child.wait() => return status,
            () = sleep_until(end) => {}
            _ = gone => {}
        }
        leader.inspect(|leader| program::stop(*leader));
        if let Ok(status) = timeout(GRACE, self.child.wait()).await {
            return status;
        }
        tracing::warn!(leader, "git does not end when it is asked to, and is killed");
        leader.inspect(|leader| program::end(*leader));
        self.child.wait().await
    }
}

impl<K> Drop for Running<K> {
    fn drop(&mut self) {
        if let Some(leader) = self.child.id() {
            program::end(leader);
        }
    }
}
