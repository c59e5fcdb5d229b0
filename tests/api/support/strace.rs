//! `strace`, which makes calls of the service fail, or kills it at one, or only looks on.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use super::Server;

/// `strace`, as long as it is attached to a service.
pub struct Strace {
    child: Child,
    /// Kept open, so that strace can go on to speak.
    _stderr: BufReader<ChildStderr>,
}

impl Strace {
    /// This happens to these calls of the service, such as `error=EIO` or `signal=SIGKILL:when=2`, where they name one of
    /// the files. What `when` counts, it counts for each thread.
    pub fn on_files(server: &Server, calls: &str, happens: &str, files: &[PathBuf]) -> Self {
        Self::attach(&[injection(calls, happens), of(server), only(files)].concat())
    }

    /// This happens to these calls where a thread of the service with this name makes them.
    pub fn on_thread(server: &Server, calls: &str, happens: &str, thread: &str) -> Self {
        Self::attach(&[injection(calls, happens), words(&["-p", &id_of(server, thread)])].concat())
    }

    /// Writes to a file which of these calls name one of the files.
    pub fn watch_files(server: &Server, calls: &str, files: &[PathBuf], to: &Path) -> Self {
        Self::attach(&[watched(calls, to), of(server), only(files)].concat())
    }

    /// Writes to a file which of these calls a thread of the service makes.
    pub fn watch_thread(server: &Server, calls: &str, thread: &str, to: &Path) -> Self {
        Self::attach(&[watched(calls, to), words(&["-p", &id_of(server, thread)])].concat())
    }

    /// Writes to a file all that these calls of the service said and were answered, texts in hexadecimal.
    pub fn record(server: &Server, calls: &str, to: &Path) -> Self {
        let whole = words(&["-y", "-xx", "-s", "100000000"]);
        Self::attach(&[watched(calls, to), whole, of(server)].concat())
    }

    fn attach(arguments: &[String]) -> Self {
        let mut child = Command::new("strace")
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("strace: {error}; tests/run installs it"));
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        stderr.read_line(&mut line).expect("strace says something");
        assert!(line.contains("attached"), "strace could not attach itself to the service: {line}");
        Strace { child, _stderr: stderr }
    }

    /// Lets go of the service, or ends with it: from here on its calls are its own.
    pub fn end(mut self) {
        let id = self.child.id().to_string();
        let sent = Command::new("sh").args(["-c", "kill -s INT \"$0\"", &id]).status().expect("a shell");
        assert!(sent.success(), "strace could not be told to let go");
        self.child.wait().expect("strace ends");
    }
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| word.to_string()).collect()
}

fn injection(calls: &str, happens: &str) -> Vec<String> {
    let (trace, inject) = (format!("trace={calls}"), format!("inject={calls}:{happens}"));
    words(&["-o", "/dev/null", "-e", &trace, "-e", &inject])
}

fn watched(calls: &str, to: &Path) -> Vec<String> {
    words(&["-o", to.to_str().expect("UTF-8"), "-e", &format!("trace={calls}")])
}

fn of(server: &Server) -> Vec<String> {
    words(&["-f", "-p", &server.pid().to_string()])
}

fn only(files: &[PathBuf]) -> Vec<String> {
    files.iter().flat_map(|file| words(&["-P", file.to_str().expect("UTF-8")])).collect()
}

/// The system's number of the thread with this name.
fn id_of(server: &Server, thread: &str) -> String {
    let tasks = format!("/proc/{}/task", server.pid());
    let named = fs::read_dir(tasks).expect("the threads").flatten().find(|task| {
        fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim_end() == thread)
    });
    let id = named.unwrap_or_else(|| panic!("there is no thread {thread}")).file_name();
    id.to_string_lossy().into_owned()
}
