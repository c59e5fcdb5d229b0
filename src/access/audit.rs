//! The audit trail: who did what, from where, with which outcome. One JSON object a line.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{SecondsFormat, Utc};
use serde::Serialize;

/// One request.
#[derive(Debug, Clone, Serialize)]
pub struct Record<'a> {
    /// The principal's name; nobody's where it is not known who asked.
    pub principal: Option<&'a str>,
    /// How the principal was shown.
    pub way: &'a str,
    pub address: IpAddr,
    pub method: &'a str,
    pub path: &'a str,
    pub dry_run: bool,
    pub status: u16,
    pub outcome: Outcome,
    /// The commit that was made, if one was.
    pub commit: Option<String>,
    /// The request's id, as the log and the answer have it.
    pub request_id: &'a str,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Done,
    /// It is not known who asked.
    Unauthenticated,
    /// Who asked may not.
    Forbidden,
    /// Too often.
    Limited,
    /// The request is wrong, or does not fit the state.
    Rejected,
    /// The service could not.
    Failed,
}

impl Outcome {
    /// The outcome that a status tells.
    pub fn of(status: u16) -> Self {
        match status {
            401 => Outcome::Unauthenticated,
            403 => Outcome::Forbidden,
            429 => Outcome::Limited,
            0..400 => Outcome::Done,
            400..500 => Outcome::Rejected,
            _ => Outcome::Failed,
        }
    }

    /// Whether the request was refused for who asked, or how often.
    pub fn is_refusal(self) -> bool {
        matches!(self, Outcome::Unauthenticated | Outcome::Forbidden | Outcome::Limited)
    }
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    #[serde(flatten)]
    record: &'a Record<'a>,
}

/// Where the trail goes.
#[derive(Debug, Clone)]
pub struct Options {
    pub file: PathBuf,
    /// In bytes: a file that would become larger is put aside.
    pub size: u64,
    /// So many files that were put aside are kept, as `FILE.1`, the newest, and so on.
    pub keep: usize,
    /// Nothing is written without it.
    pub required: bool,
}

/// The file, and those before it. A line is with the system when the answer goes out; it is not synced to the disk.
#[derive(Debug)]
pub struct Trail {
    options: Options,
    state: Mutex<State>,
    broken: AtomicBool,
}

#[derive(Debug)]
struct State {
    /// `None` after a failure: it is opened again for the next line.
    file: Option<File>,
    size: u64,
    /// The last line may have been cut off.
    torn: bool,
}

impl Trail {
    /// Opens the trail, and goes on at its end.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn open(options: Options) -> io::Result<Self> {
        let state = State::open(&options.file)?;
        Ok(Trail { options, state: Mutex::new(state), broken: AtomicBool::new(false) })
    }

    /// Appends a record. One that cannot be is told in the log, whole.
    pub fn write(&self, record: &Record<'_>) {
        let time = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let line = serde_json::to_string(&Line { time, record }).unwrap_or_default();
        let mut state = self.lock();
        match state.append(&self.options, &line) {
            Ok(()) => self.broken.store(false, Ordering::Relaxed),
            Err(error) => {
                self.broken.store(true, Ordering::Relaxed);
                let file = self.options.file.display();
                tracing::error!(%error, %file, line, "the audit trail cannot be written");
            }
        }
    }

    /// Whether a write may be begun: not where the trail is required and its last line could not be written, unless
    /// it can be written again.
    pub fn allows_writes(&self) -> bool {
        if !self.options.required || !self.broken.load(Ordering::Relaxed) {
            return true;
        }
        let time = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let resumed = serde_json::json!({"time": time, "outcome": "resumed"}).to_string();
        let goes_on = self.lock().append(&self.options, &resumed).is_ok();
        self.broken.store(!goes_on, Ordering::Relaxed);
        goes_on
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let size = file.metadata()?.len();
        Ok(State { file: Some(file), size, torn: false })
    }

    fn append(&mut self, options: &Options, line: &str) -> io::Result<()> {
        let bytes = line.len() as u64 + 1;
        if self.size > 0 && self.size + bytes > options.size {
            self.file = None;
            put_aside(options)?;
        }
        if self.file.is_none() {
            *self = State { torn: self.torn, ..State::open(&options.file)? };
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let start = if self.torn && self.size > 0 { "\n" } else { "" };
        // One call for the whole line, so that lines are whole.
        let written = file.write_all(format!("{start}{line}\n").as_bytes());
        match written {
            Ok(()) => self.size += bytes,
            Err(_) => self.file = None,
        }
        self.torn = written.is_err();
        written
    }
}

/// `FILE` becomes `FILE.1`, that `FILE.2`, and so on; the oldest goes.
fn put_aside(options: &Options) -> io::Result<()> {
    let numbered = |number: usize| {
        let mut name = options.file.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    };
    // Somebody else may have taken a file away.
    let gone_is_fine = |outcome: io::Result<()>| match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    for number in (1..options.keep).rev() {
        gone_is_fine(fs::rename(numbered(number), numbered(number + 1)))?;
    }
    gone_is_fine(match options.keep {
        0 => fs::remove_file(&options.file),
        _ => fs::rename(&options.file, numbered(1)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(path: &str) -> Record<'_> {
        Record {
            principal: None,
            way: "none",
            address: IpAddr::from([127, 0, 0, 1]),
            method: "GET",
            path,
            dry_run: false,
            status: 401,
            outcome: Outcome::of(401),
            commit: None,
            request_id: "",
        }
    }

    #[test]
    fn old_files_are_kept_by_number_and_the_oldest_goes() {
        let home = tempfile::tempdir().expect("a directory");
        let file = home.path().join("audit");
        let trail = Trail::open(Options { file: file.clone(), size: 1, keep: 2, required: false });
        let trail = trail.expect("a trail");
        for path in ["/a", "/b", "/c", "/d"] {
            trail.write(&record(path));
        }
        let read = |name: &str| fs::read_to_string(home.path().join(name)).unwrap_or_default();
        assert!(read("audit").contains("/d") && read("audit.1").contains("/c"));
        assert!(read("audit.2").contains("/b") && !home.path().join("audit.3").exists());
    }

    #[test]
    fn where_the_trail_is_required_a_failure_stops_writes_until_it_is_over() {
        let home = tempfile::tempdir().expect("a directory");
        let folder = home.path().join("folder");
        fs::create_dir(&folder).expect("a folder");
        let file = folder.join("audit");
        // Every line needs a new file, and the folder goes.
        let trail = Trail::open(Options { file, size: 1, keep: 0, required: true }).expect("a trail");
        trail.write(&record("/a"));
        assert!(trail.allows_writes());
        fs::remove_dir_all(&folder).expect("it can go");
        trail.write(&record("/b"));
        assert!(!trail.allows_writes());
        fs::create_dir(&folder).expect("it comes back");
        assert!(trail.allows_writes());
        assert!(folder.join("audit").exists());
    }
}
