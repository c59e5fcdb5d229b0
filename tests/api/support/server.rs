//! The real program on a directory and a port of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;

use super::program::{self, Finished, program};
use super::{Client, Git, PATIENCE, wait_for};

/// How to start a server.
#[derive(Clone)]
pub struct Builder {
    /// Shared, so that a restart finds the directory still there.
    home: Arc<TempDir>,
    data: PathBuf,
    listen: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    open_files: Option<usize>,
    /// Directories that the server needs for as long as it may be started.
    kept: Vec<Arc<TempDir>>,
}

impl Builder {
    fn new() -> Self {
        let home = TempDir::new().expect("a temporary directory");
        let data = home.path().join("data");
        let environment = vec![("REVCONF_LOG_FORMAT".to_owned(), "json".to_owned())];
        let listen = "127.0.0.1:0".to_owned();
        Self {
            home: Arc::new(home),
            data,
            listen,
            arguments: Vec::new(),
            environment,
            open_files: None,
            kept: Vec::new(),
        }
    }

    /// A data directory that exists already; who made it removes it.
    pub fn data(mut self, directory: &Path) -> Self {
        self.data = directory.to_owned();
        self
    }

    /// A directory that stays as long as the server does.
    pub fn keep(mut self, directory: &Arc<TempDir>) -> Self {
        self.kept.push(directory.clone());
        self
    }

    /// Where to listen, if not on a free port of 127.0.0.1.
    pub fn listen(mut self, address: &str) -> Self {
        self.listen = address.to_owned();
        self
    }

    pub fn args(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| argument.to_string()));
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self = self.without_env(name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Takes back a variable: without `REVCONF_LOG_FORMAT` the log has the program's default format.
    pub fn without_env(mut self, name: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self
    }

    /// A config file with this text.
    pub fn config(self, toml: &str) -> Self {
        let path = self.home.path().join("revconf.toml");
        std::fs::write(&path, toml).expect("the config file can be written");
        self.args(&["--config", path.to_str().expect("a path in UTF-8")])
    }

    /// Starts it with a soft limit of so many open files; the hard one stays.
    pub fn open_files(mut self, soft: usize) -> Self {
        self.open_files = Some(soft);
        self
    }

    fn command(&self) -> Command {
        let mut command = program();
        if let Some(soft) = self.open_files {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("ulimit -Sn {soft}; exec \"$0\" \"$@\"")]).arg(command.get_program());
            // Among them those that are taken out of what the tests were started with.
            for (name, value) in command.get_envs() {
                match value {
                    Some(value) => shell.env(name, value),
                    None => shell.env_remove(name),
                };
            }
            command = shell;
        }
        command.arg("serve").arg("--data").arg(&self.data).args(["--listen", &self.listen]);
        command.args(&self.arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    #[track_caller]
    pub fn start(self) -> Server {
        let mut server = Server { builder: self, child: None, address: String::new(), log: Arc::default() };
        server.start_again();
        server
    }

    /// For a server that is expected to refuse: runs it to its end.
    #[track_caller]
    pub fn run(self) -> Finished {
        program::finish(self.command(), b"")
    }
}

pub struct Server {
    builder: Builder,
    child: Option<Child>,
    address: String,
    log: Arc<Log>,
}

impl Server {
    #[track_caller]
    pub fn start() -> Self {
        Self::builder().start()
    }

    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Starts the program once more on the same directory, with the same settings and a new port.
    #[track_caller]
    pub fn start_again(&mut self) {
        assert!(self.child.is_none(), "the server runs already");
        self.log = Arc::default();
        let mut child = self
            .builder
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let stderr = child.stderr.take().expect("standard error is piped");
        self.child = Some(child);
        let log = self.log.clone();
        thread::spawn(move || log.keep(stderr));
        self.address = self.log.wait_for("the server to listen", address);
    }

    /// A client of the server as it runs now.
    pub fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// The repository, as `git` sees it.
    pub fn git(&self) -> Git {
        Git::at(self.data().join("repository.git"))
    }

    pub fn data(&self) -> &Path {
        &self.builder.data
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the server runs").id()
    }

    /// What this start has logged so far, a line each.
    pub fn log_lines(&self) -> Vec<String> {
        self.log.lock().lines.clone()
    }

    /// The most memory that this start has had so far, in KiB.
    pub fn peak(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("the server runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// How many files the server has open; a connection is one.
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("the server runs").count()
    }

    /// The first logged line that has an answer to `wanted`, now or later.
    #[track_caller]
    pub fn wait_for_log<T>(&self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> T {
        self.log.wait_for(what, wanted)
    }

    /// Asks the server to stop, as an init system would, and waits until it has.
    #[track_caller]
    pub fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// Sends a signal, by the name that `kill` knows.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        // The shell's own `kill`: there is one on every system.
        let sent = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &self.pid().to_string()])
            .status()
            .expect("a shell");
        assert!(sent.success(), "the signal {name} could not be sent");
    }

    /// Waits until the server has ended.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let child = self.child.as_mut().expect("the server runs");
        let status =
            wait_for("the server to end", || child.try_wait().expect("the server can be waited for"));
        self.child = None;
        status
    }

    /// Ends the server as a crash would.
    #[track_caller]
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("the server runs");
        child.kill().expect("the server can be killed");
        child.wait().expect("the server can be waited for");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if thread::panicking() {
            let lines = self.log_lines();
            eprintln!("the server's last words:\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
        }
    }
}

/// The address in the line that says where the server listens, in either of the log's formats.
fn address(line: &str) -> Option<String> {
    if let Ok(record) = serde_json::from_str::<Value>(line) {
        let fields = &record["fields"];
        return if fields["message"] == "listening" {
            fields["address"].as_str().map(str::to_owned)
        } else {
            None
        };
    }
    let (_, rest) = line.split_once("listening")?;
    let (_, rest) = rest.split_once("address=")?;
    rest.split_whitespace().next().map(|address| address.trim_matches('"').to_owned())
}

/// The lines of standard error, kept as they come.
#[derive(Default)]
struct Log {
    state: Mutex<LogState>,
    changed: Condvar,
}

#[derive(Default)]
struct LogState {
    lines: Vec<String>,
    ended: bool,
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, LogState> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn keep(&self, stderr: ChildStderr) {
        for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
            self.lock().lines.push(String::from_utf8_lossy(&line).into_owned());
            self.changed.notify_all();
        }
        self.lock().ended = true;
        self.changed.notify_all();
    }

    #[track_caller]
    fn wait_for<T>(&self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.lock();
        let mut seen = 0;
        loop {
            if let Some(found) = state.lines[seen..].iter().find_map(|line| wanted(line)) {
                return found;
            }
            seen = state.lines.len();
            let left = deadline.saturating_duration_since(Instant::now());
            if state.ended || left.is_zero() {
                let said = state.lines.join("\n");
                let ended = if state.ended { "the program ended" } else { "the deadline passed" };
                drop(state);
                panic!("waited in vain for {what}: {ended}; it said:\n{said}");
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }
}
