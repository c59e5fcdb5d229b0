//! Why a command did not do what it was to do, and the exit status that says so.

use std::fmt;
use std::io;

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// What was asked for cannot be asked for: flags, files.
    Usage(String),
    /// The service answered that it does not do it.
    Refused(Refusal),
    /// What answered is not this service: a proxy in front of it, or something else altogether.
    Foreign { status: u16, message: String },
    /// No answer came, or only a part of one.
    Unreachable { server: String, reason: String },
    /// Standard output cannot be written.
    Output(io::Error),
}

/// What the service answered instead.
#[derive(Debug)]
pub struct Refusal {
    /// HTTP's status.
    pub status: u16,
    pub message: String,
    /// Each with its place.
    pub faults: Vec<String>,
}

impl Failure {
    /// The exit status, the same for every command.
    pub fn status(&self) -> u8 {
        match self {
            Failure::Output(_) | Failure::Foreign { .. } => 1,
            Failure::Usage(_) => 2,
            Failure::Refused(refusal) => match refusal.status {
                404 => 3,
                409 | 412 => 4,
                _ => 1,
            },
            Failure::Unreachable { .. } => 5,
        }
    }

    /// A reader that has gone, as `head` does, wants no more, and that is no failure.
    pub fn is_enough(&self) -> bool {
        matches!(self, Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(message) => write!(f, "{message}"),
            Failure::Refused(refusal) => write!(f, "{refusal}"),
            Failure::Foreign { message, .. } => write!(f, "{message}; is --server right?"),
            Failure::Unreachable { server, reason } => write!(f, "{server} cannot be reached: {reason}"),
            Failure::Output(error) => write!(f, "standard output cannot be written: {error}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        if self.status == 401 {
            write!(f, "; a key is shown by REVCONF_KEY or --key-file")?;
        }
        self.faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}
