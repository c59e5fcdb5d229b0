//! The commands of the program: a file for each, with its arguments and what it prints. Those that ask a service are
//! [`revconf::client`]'s.
//!
//! - `data`: what those take that work on a data directory; `output`: how all print

mod backup;
mod check;
mod data;
mod hook;
mod import;
mod key;
mod openapi;
mod output;
mod restore;
mod serve;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use revconf::client;

use output::print;

/// Versioned configuration for the back-ends behind reverse proxies, kept in a git repository.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API; also what happens without any command.
    Serve(serve::Serve),
    /// Read every branch, commit and document of a repository, and say what is wrong.
    Check(check::Check),
    /// Take documents from a file into a configuration; no service may be using the data directory. Settings come from
    /// the file that REVCONF_CONFIG names, and the environment.
    Import(import::Import),
    /// Write everything that the repository holds into one file, and check that; a service may be using it. Exit status 1
    /// if that fails.
    Backup(backup::Backup),
    /// Check a backup and make it the repository, or bring what is missing into the one that is there. A service that
    /// is using the data directory is asked to take it in, by --server. Exit status 4 if something differs, and was
    /// left as it is.
    Restore(restore::Restore),
    /// Make keys.
    #[command(subcommand)]
    Key(key::Key),
    /// Print the description of the API (OpenAPI 3.1).
    Openapi(openapi::Openapi),
    #[command(flatten)]
    Client(client::Command),
    /// Do the work of a hook for a push: git calls this.
    #[command(hide = true)]
    Hook(hook::Hook),
    /// Print what makes a shell complete these commands.
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Does what the command line asks for. What goes wrong is told on standard error.
pub fn run() -> ExitCode {
    let command_line = CommandLine::parse();
    let outcome = match command_line.command.unwrap_or(Command::Serve(command_line.serve)) {
        Command::Serve(command) => serve::serve(&command),
        Command::Check(command) => check::check(&command),
        Command::Import(command) => import::import(command),
        Command::Backup(command) => backup::backup(&command),
        Command::Restore(command) => restore::restore(&command),
        Command::Key(command) => key::key(&command),
        Command::Openapi(command) => openapi::openapi(command),
        Command::Hook(command) => hook::hook(&command),
        Command::Client(command) => Ok(client::run(&command)),
        Command::Completions { shell } => completions(shell),
    };
    outcome.unwrap_or_else(|error| {
        // The exit status tells it too, if standard error is gone.
        writeln!(io::stderr(), "revconf: {error:#}").map_or(ExitCode::FAILURE, |()| ExitCode::FAILURE)
    })
}

fn completions(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), "revconf", &mut text);
    print(&String::from_utf8(text)?)?;
    Ok(ExitCode::SUCCESS)
}
