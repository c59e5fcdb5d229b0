//! Measures the release program side by side with what it can be held against, and prints one table. See
//! `docs/measurements.md`.
//!
//! - [`rows`]: what is measured, in groups
//! - [`yardsticks`]: against what
//! - [`load`] and [`http`]: the client
//! - [`documents`] and [`histories`]: what is in the repository
//! - [`service`] and [`process`]: what is started, and ended
//! - [`rounds`], [`table`] and [`machine`]: what is told

#![allow(
    clippy::allow_attributes,
    clippy::cast_possible_truncation,
    clippy::exit,
    clippy::let_underscore_must_use,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "it talks to who runs it, and its numbers are small"
)]

mod documents;
mod histories;
mod http;
mod load;
mod machine;
mod process;
mod rounds;
mod rows;
mod service;
mod table;
mod yardsticks;

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand};

use documents::Documents;
use histories::Histories;
use rows::{Bench, GROUPS, Plan};
use yardsticks::static_answer;

/// Measures the release program against its yardsticks; all of it takes about half an hour, and the first run longer,
/// because it makes the histories.
#[derive(Parser)]
#[command(name = "cargo bench --bench versus --", args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    /// Rows to measure instead of all
    #[arg(value_parser = PossibleValuesParser::new(GROUPS.map(|group| group.name)))]
    rows: Vec<String>,
    /// Shorter loads and histories: about four minutes
    #[arg(long)]
    quick: bool,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Answer the same to everything
    #[command(name = static_answer::COMMAND, hide = true)]
    StaticAnswer(static_answer::Served),
}

/// How the names of scratch folders begin; the id of their process follows.
const SCRATCH: &str = "work-";

const QUICK: Plan = Plan {
    rounds: 3,
    load: Duration::from_secs(1),
    warm_up: Duration::from_secs(1),
    questions: Duration::from_secs(8),
    short: 1_000,
    long: 100_000,
    endurance: Duration::from_secs(20),
    window: Duration::from_secs(5),
};

const FULL: Plan = Plan {
    rounds: 5,
    load: Duration::from_secs(5),
    warm_up: Duration::from_secs(2),
    questions: Duration::from_secs(60),
    short: 1_000,
    long: 1_000_000,
    endurance: Duration::from_secs(600),
    window: Duration::from_secs(60),
};

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    let outcome = match &command_line.command {
        Some(Command::StaticAnswer(served)) => static_answer::serve(served),
        // `cargo test --all-targets` runs what it builds, and says nothing.
        None if !command_line.bench => Err(anyhow!("this is run by `cargo bench --bench versus`")),
        None => measure(&command_line),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("versus: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(command_line: &CommandLine) -> anyhow::Result<()> {
    process::end_all_on_signals()?;
    let (begun, load) = (Instant::now(), machine::load());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("versus");
    fs::create_dir_all(&folder)?;
    let prefix = format!("{SCRATCH}{}-", std::process::id());
    let scratch = tempfile::Builder::new().prefix(&prefix).tempdir_in(&folder)?;
    let documents = Documents::learn(scratch.path())?;
    let histories = Histories { folder: folder.join("histories"), documents: &documents };
    let bench = Bench {
        plan: if command_line.quick { QUICK } else { FULL },
        documents: &documents,
        histories: &histories,
        scratch: scratch.path(),
        busiest: Cell::new(0.0),
        places: Cell::new(0),
    };
    let mut rows = Vec::new();
    for group in &GROUPS {
        if command_line.rows.is_empty() || command_line.rows.iter().any(|name| name == group.name) {
            let begun = Instant::now();
            rows.extend((group.measure)(&bench).with_context(|| group.name)?);
            eprintln!("{}: {:.0} s", group.name, begun.elapsed().as_secs_f64());
        }
    }
    println!("{}", machine::describe(&folder, &load));
    println!("{}", table::render(&rows));
    println!("{}", told(&bench, begun.elapsed()));
    eprintln!("removing what was written");
    remove_orphans(&folder)
}

/// Removes what runs that were killed have left.
fn remove_orphans(folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(SCRATCH).and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|id| !Path::new("/proc").join(id).exists()) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn told(bench: &Bench<'_>, duration: Duration) -> String {
    let Plan { rounds, load, .. } = bench.plan;
    format!(
        "Documents of {} bytes. Figures are medians of {rounds} rounds, loads last {load:?} each; ratios and their spread \
         are over the rounds. The client was on a processor for {:.0} % of a load at most. All took {:.0} s.",
        bench.documents.length(),
        bench.busiest.get() * 100.0,
        duration.as_secs_f64()
    )
}
