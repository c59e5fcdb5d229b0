//! Processes that are ended, by their ids, however the measurement ends.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::signal::unix::{SignalKind, signal};

/// A program gets ready, or ends, within this, or something is wrong with it.
const PATIENCE: Duration = Duration::from_secs(600);
/// Who is told to end has so long to do so before it is killed.
const GRACE: Duration = Duration::from_secs(10);

static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

fn running() -> MutexGuard<'static, Vec<u32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends what runs when this process is told to end; from there on no destructor is called.
pub fn end_all_on_signals() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::spawn(move || {
        runtime.block_on(async {
            let (Ok(mut terminate), Ok(mut interrupt)) =
                (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
            else {
                return;
            };
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            for pid in running().iter() {
                let _ = send("TERM", *pid);
            }
            std::process::exit(130);
        });
    });
    Ok(())
}

/// Sends a signal with the shell's own `kill`.
fn send(signal: &str, pid: u32) -> anyhow::Result<()> {
    let status =
        Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", signal, &pid.to_string()]).status()?;
    if status.success() { Ok(()) } else { bail!("process {pid} cannot be sent {signal}") }
}

/// A process that runs, and is killed when this is dropped.
pub struct Running {
    name: String,
    child: Child,
}

impl Running {
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().with_context(|| format!("{name} cannot be started"))?;
        running().push(child.id());
        Ok(Running { name, child })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end, for as long as it takes.
    pub fn wait(mut self) -> anyhow::Result<ExitStatus> {
        Ok(self.child.wait()?)
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) -> anyhow::Result<()> {
        send("TERM", self.id())?;
        let name = self.name.clone();
        let ended = poll(PATIENCE, || Ok(self.child.try_wait()?))?;
        ended.with_context(|| format!("{name} does not stop")).map(|_| ())
    }

    /// Waits until `ready` says so.
    pub fn wait_until(&mut self, mut ready: impl FnMut() -> bool) -> anyhow::Result<()> {
        let name = self.name.clone();
        let found = poll(PATIENCE, || {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} has ended: {status}", self.name);
            }
            Ok(ready().then_some(()))
        })?;
        found.with_context(|| format!("{name} does not get ready"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let id = self.id();
        // One that has workers ends them only if it is asked to.
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = send("TERM", id);
            let _ = poll(GRACE, || Ok(self.child.try_wait()?));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        running().retain(|known| *known != id);
    }
}

/// Runs a command to its end; what it says is in the error if it fails, and else given back.
pub fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let said = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    Ok(String::from_utf8_lossy(&said).trim().to_owned())
}

/// Asks again and again, in the one place where that is the only way: another process cannot be waited on otherwise.
pub fn poll<T>(
    patience: Duration,
    mut ask: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<Option<T>> {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if let Some(found) = ask()? {
            return Ok(Some(found));
        }
        rest(Duration::from_millis(2));
    }
    Ok(None)
}

/// Lets time go by.
#[expect(clippy::disallowed_methods, reason = "what is waited for happens in another process")]
pub fn rest(duration: Duration) {
    thread::sleep(duration);
}

/// An address that nobody listens on.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// Where a program lies, if it is installed. Servers lie where only the superuser's PATH leads.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// `git`, without anybody's settings.
pub fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for (role, name) in [("AUTHOR", "anonymous"), ("COMMITTER", "revconf")] {
        command.env(format!("GIT_{role}_NAME"), name).env(format!("GIT_{role}_EMAIL"), "bench@localhost");
    }
    command
}
