//! The client's commands, and their exit status.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Subcommand;

use super::failure::Failure;
use super::{apply, diff, follow, read, write};

/// At the end of each command's help.
const STATUS: &str = "Exit status: 0 it is done; 1 the service refused it; 2 it was asked for wrongly; 3 there is no such \
                      thing; 4 the state is not what was expected; 5 the service cannot be reached.";
/// As diff(1) has it.
const STATUS_OF_DIFF: &str = "Exit status: 0 nothing differs; 1 something does; 2 it was asked for wrongly, or the service \
                              refused it; 3 there is no such thing; 5 the service cannot be reached.";

/// What can be asked of a service.
#[derive(Subcommand)]
pub enum Command {
    /// List configurations, or the entries of a set
    #[command(after_help = STATUS)]
    Ls(read::Ls),
    /// Print an entry, a set, or all documents of a configuration
    #[command(after_help = STATUS)]
    Get(read::Get),
    /// Create or replace an entry
    #[command(after_help = STATUS)]
    Put(write::Put),
    /// Delete an entry
    #[command(after_help = STATUS)]
    Rm(write::Rm),
    /// List versions, newest first
    #[command(after_help = STATUS)]
    Log(read::Log),
    /// Show what differs between versions, or what applying a file would change
    #[command(
        after_help = STATUS_OF_DIFF,
        override_usage = "revconf diff [OPTIONS] [KIND[/ID]] FROM [TO]\n       revconf diff [OPTIONS] [KIND/ID] -f FILE"
    )]
    Diff(diff::Diff),
    /// Make an entry, a set or a configuration what it was at a version
    #[command(after_help = STATUS, override_usage = "revconf revert [OPTIONS] [KIND[/ID]] VERSION")]
    Revert(write::Revert),
    /// Tell what happens as it happens, a line for each commit, until interrupted
    #[command(after_help = STATUS)]
    Follow(follow::Follow),
    /// Make a configuration equal to a folder of documents, in one commit
    #[command(after_help = STATUS)]
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
