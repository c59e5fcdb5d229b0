//! The program as a client: what it prints, what it changes, and its exit status.

mod applying;

mod differences;
mod failures;
mod following;
mod information;
mod reading;
mod showing;
mod writing;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::Server;
use crate::support::documents::described;
use crate::support::program::{Finished, run_with};

const SERVICES: &str = "/conf/prod/backend-services";
const SHOP: &str = "backend-services/shop";
const API: &str = "backends/api";

/// Runs a command of the client against this server.
#[track_caller]
fn ask(server: &Server, arguments: &[&str]) -> Finished {
    feed(server, arguments, "")
}

/// The same, with a text on its standard input.
#[track_caller]
fn feed(server: &Server, arguments: &[&str], stdin: &str) -> Finished {
    let url = format!("http://{}", server.address());
    run_with(arguments, stdin.as_bytes(), &[("REVCONF_SERVER", &url), ("NO_PROXY", "127.0.0.1")])
}

/// Runs it, and expects that it ends with this status; a failure says why, and prints nothing.
#[track_caller]
fn refused(server: &Server, arguments: &[&str], status: i32, said: &str) {
    let finished = ask(server, arguments);
    assert_eq!(finished.code(), Some(status), "{arguments:?}: {finished:?}");
    assert!(finished.stderr.contains(said) && finished.stdout.is_empty(), "{arguments:?}: {finished:?}");
}

/// A server with an entry of each kind, made by the program itself: `shop` and `api`.
#[track_caller]
fn server() -> Server {
    let server = Server::start();
    put(&server, SHOP, &described("shop", "one"));
    put(&server, API, &json!({"host": "10.0.0.1"}));
    server
}

#[track_caller]
fn put(server: &Server, entry: &str, document: &Value) {
    feed(server, &["put", entry, "-f", "-"], &document.to_string()).expect_success();
}

/// The newest commit of `prod`, as git has it.
#[track_caller]
fn head(server: &Server) -> String {
    server.git().rev_parse("prod")
}

/// The lines of a table that is no table for people: its cells.
fn rows(finished: &Finished) -> Vec<Vec<String>> {
    let cells = |line: &str| {
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
    };
    finished.stdout.lines().map(cells).collect()
}

/// A folder for files of a test.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(TempDir::new().expect("a temporary directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a path in UTF-8").to_owned()
    }

    /// Writes a file, in folders that are made where there are none.
    #[track_caller]
    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("a folder can be made");
        fs::write(&path, text).expect("a file can be written");
        self.text(name)
    }

    #[track_caller]
    fn json(&self, name: &str, document: &Value) -> String {
        self.write(name, &document.to_string())
    }
}
