//! `revconf backup` and `revconf restore`: everything in one file that any git can read, and back from there, with nothing
//! lost that is there.

mod kept;
mod kills;
mod load;
mod made;
mod refused;
mod restored;
mod running;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::documents::{described, service};
use crate::support::program::{Finished, run};
use crate::support::{Client, Git, Server};

const WEB: &str = "/conf/prod/backend-services/web";

/// Of a configuration that was deleted, one that has releases, and a copy.
#[track_caller]
fn filled() -> (Server, Client) {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    client.put("/conf/configs/prod/releases/v1", &json!({"message": "The first"})).expect(201);
    client.put(WEB, &described("web", "second")).expect(200);
    client.post("/conf/configs/staging", &json!({"from": {"config": "prod"}})).expect(201);
    client.post("/conf/configs/gone", &json!({})).expect(201);
    client.put("/conf/configs/gone/releases/last", &json!({})).expect(201);
    client.delete("/conf/configs/gone").expect(200);
    (server, client)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

fn backup(data: &Path, folder: &Path) -> Finished {
    run(&["backup", "--data", text(data), text(folder)])
}

fn restore(data: &Path, from: &Path) -> Finished {
    run(&["restore", "--data", text(data), text(from)])
}

/// Makes a backup; its file.
#[track_caller]
fn backed_up(data: &Path, folder: &Path) -> PathBuf {
    let said = backup(data, folder).expect_success().stdout;
    let path = PathBuf::from(said.lines().next().expect("the file's name"));
    assert!(path.is_file(), "{said}");
    path
}

/// The repository of a data directory.
fn repository(data: &Path) -> Git {
    Git::at(data.join("repository.git"))
}

/// Panics unless the program finds nothing wrong in a data directory, and git neither.
#[track_caller]
fn assert_sound(data: &Path) {
    let checked = run(&["check", "--data", text(data)]);
    assert_eq!(checked.code(), Some(0), "{checked:?}");
    repository(data).fsck();
    repository(data).assert_no_leftovers();
}

/// The names of everything in a folder, hidden files as well, but for the lock of backups.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.filter(|name| name != ".revconf-backup.lock").collect();
    names.sort();
    names
}
