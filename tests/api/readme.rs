//! README.md and its chapters say what happens: their commands are run, one by one, and the table of settings is held
//! against the defaults.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use tempfile::TempDir;

use crate::support::Server;

/// Where the README's service listens.
const ADDRESS: &str = "127.0.0.1:8080";
/// Printed after each command, to tell where its output ends.
const END: &str = "--- the end of a command ---";

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a file of the project")
}

/// A command of the tour, and what the README says that it prints.
struct Step {
    command: String,
    output: Vec<String>,
}

fn tour(readme: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ if !inside => {}
            _ => match line.strip_prefix("$ ") {
                Some(command) => steps.push(Step { command: command.to_owned(), output: Vec::new() }),
                None => steps.last_mut().expect("a command before its output").output.push(line.to_owned()),
            },
        }
    }
    steps
}

/// Runs all commands in one shell, so that a variable lasts, and gives each one's output.
fn run(steps: &[Step], folder: &Path, address: &str) -> Vec<Vec<String>> {
    let script: String = steps.iter().map(|step| format!("{}\necho '{END}'\n", step.command)).collect();
    let script = format!("exec 2>&1\n{}", script.replace(ADDRESS, address));
    // The program is called as if it were installed, and finds its service without being told.
    let mut command = Command::new("bash");
    command.arg("-c").arg(script).current_dir(folder).env("PATH", path_with_program());
    for (name, _) in crate::support::program::program().get_envs() {
        command.env_remove(name);
    }
    command.env("REVCONF_SERVER", format!("http://{address}")).env_remove("REVCONF_CONFIGURATION");
    let output = command.output().expect("bash runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8").replace(address, ADDRESS);
    let mut outputs: Vec<Vec<String>> = text
        .split(&format!("{END}\n"))
        .map(|output| output.trim_matches('\n').lines().map(str::to_owned).collect())
        .collect();
    outputs.pop();
    outputs
}

/// Where programs are looked for, with the one that is tested before all others.
fn path_with_program() -> OsString {
    let program = Path::new(env!("CARGO_BIN_EXE_revconf")).parent().expect("its folder").to_owned();
    let path = env::var_os("PATH").unwrap_or_default();
    env::join_paths([program].into_iter().chain(env::split_paths(&path))).expect("folders have no colons")
}

/// Splits a line into words and what is between them.
fn tokens(line: &str) -> Vec<String> {
    let in_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | ':' | '.');
    let mut tokens: Vec<String> = Vec::new();
    for c in line.chars() {
        match tokens.last_mut() {
            Some(last) if in_word(c) && last.chars().all(in_word) => last.push(c),
            _ => tokens.push(c.to_string()),
        }
    }
    tokens
}

/// Times and the ids that follow from them differ from run to run; an id must still mean the same throughout.
fn same(printed: &str, happened: &str, ids: &mut HashMap<String, String>) -> bool {
    let hex = |token: &str| token.len() >= 7 && token.chars().all(|c| c.is_ascii_hexdigit());
    let time = |token: &str| chrono::DateTime::parse_from_rfc3339(token).is_ok();
    let (printed, happened) = (tokens(printed), tokens(happened));
    printed.len() == happened.len()
        && printed.iter().zip(&happened).all(|(printed, happened)| {
            if hex(printed) && hex(happened) && printed.len() == happened.len() {
                let known = ids.entry(printed.clone()).or_insert_with(|| happened.clone());
                return known == happened;
            }
            printed == happened || (time(printed) && time(happened))
        })
}

#[test]
fn the_tour_is_what_happens() {
    let steps = tour(&file("README.md"));
    assert!(steps.len() >= 15, "the tour is there: {} commands", steps.len());
    assert_happens(&steps);
}

/// Each is run on a service of its own; some show nothing that could be.
const CHAPTERS: [&str; 5] =
    ["docs/access.md", "docs/backup.md", "docs/client.md", "docs/git.md", "docs/mirrors.md"];

#[test]
fn what_the_chapters_show_is_what_happens() {
    for chapter in CHAPTERS {
        assert_happens(&tour(&file(chapter)));
    }
}

#[track_caller]
fn assert_happens(steps: &[Step]) {
    let folder = TempDir::new().expect("a temporary directory");
    let server = Server::builder().data(&folder.path().join("data")).start();
    let happened = run(steps, folder.path(), server.address());
    assert_eq!(happened.len(), steps.len(), "every command was run");
    let mut ids = HashMap::new();
    for (step, happened) in steps.iter().zip(happened) {
        let alike = step.output.len() == happened.len()
            && step.output.iter().zip(&happened).all(|(printed, line)| same(printed, line, &mut ids));
        assert!(
            alike,
            "$ {}\nthe text says:\n{}\nwhat happened:\n{}",
            step.command,
            step.output.join("\n"),
            happened.join("\n")
        );
    }
}

/// The keys and values of a TOML file as simple as ours: sections, and a value a line.
fn settings(toml: &str) -> Vec<(String, String)> {
    let mut section = String::new();
    let mut found = Vec::new();
    for line in toml.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = format!("{name}.");
        } else if let Some((key, value)) = line.split_once(" = ") {
            found.push((format!("{section}{key}"), value.trim_matches('"').to_owned()));
        }
    }
    found
}

#[test]
fn the_table_of_settings_is_complete_and_right() {
    let chapter = file("docs/settings.md");
    let mut rows = chapter.lines().filter(|line| line.contains("| `REVCONF_"));
    let defaults = settings(&file("config/default.toml"));
    assert!(defaults.len() > 15, "{defaults:?}");
    for (key, value) in &defaults {
        let variable = format!("REVCONF_{}", key.replace('.', "_").to_uppercase());
        let start = format!("| `{key}` | `{variable}` | `{value}` |");
        let row = rows.next().unwrap_or_default();
        assert!(row.starts_with(&start), "the row {row:?} should start with {start:?}");
    }
    assert_eq!(rows.next(), None, "no row without a setting");
}

#[test]
fn the_example_for_production_is_accepted() {
    let example = file("config/production.toml");
    let server = Server::builder().config(&example).start();
    server.client().get("/conf/prod/backend-services").expect(200);
    let commits = server.git().log("prod");
    assert_eq!(commits[0].committer_email, "revconf@proxy-1.example.org");
}
