//! The client's commands, and their exit status.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Subcommand;

use super::failure::Failure;
use super::{apply, diff, follow, read, write};

/// What can be asked of a service. Exit status: 0 it is done, 1 the service refused it, 2 it was asked for wrongly, 3
/// there is no such thing, 4 something else has changed it or it exists, 5 the service cannot be reached. Of `diff`, as
/// diff(1) has it: 0 nothing differs, 1 something does; refused is 2.
#[derive(Subcommand)]
pub enum Command {
    /// List configurations, or the entries of a set
    Ls(read::Ls),
    /// Print an entry, a set, or all documents of a configuration
    Get(read::Get),
    /// Create or replace an entry
    Put(write::Put),
    /// Delete an entry
    Rm(write::Rm),
    /// List versions, newest first
    Log(read::Log),
    /// Show what differs between versions, or what applying a file would change
    ///
    /// Exit status: 0 nothing differs, 1 something does, 2 and more as of the other commands; what they say with 1, that
    /// the service refused, is 2 here.
    Diff(diff::Diff),
    /// Make an entry, a set or a configuration what it was at a version
    Revert(write::Revert),
    /// Tell what happens as it happens, a line for each commit, until interrupted
    Follow(follow::Follow),
    /// Make a configuration equal to a folder of documents, in one commit
    Apply(apply::Apply),
}

/// Runs a command to its end; what goes wrong is told on standard error.
pub fn run(command: &Command) -> ExitCode {
    let done = |outcome: Result<(), Failure>| outcome.map(|()| 0);
    let outcome = match command {
        Command::Ls(command) => done(read::ls(command)),
        Command::Get(command) => done(read::get(command)),
        Command::Put(command) => done(write::put(command)),
        Command::Rm(command) => done(write::rm(command)),
        Command::Log(command) => done(read::log(command)),
        Command::Diff(command) => diff::diff(command).map(u8::from),
        Command::Revert(command) => done(write::revert(command)),
        Command::Follow(command) => done(follow::follow(command)),
        Command::Apply(command) => done(apply::apply(command)),
    };
    let status = match outcome {
        Ok(status) => status,
        Err(failure) if failure.is_enough() => 0,
        Err(failure) => {
            // The exit status tells it too, if standard error is gone.
            writeln!(io::stderr(), "revconf: {failure}").ok();
            match (command, failure.status()) {
                (Command::Diff(_), 1) => 2,
                (_, status) => status,
            }
        }
    };
    ExitCode::from(status)
}
