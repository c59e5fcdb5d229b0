//! `check` on a repository that a disk has spoiled.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::{Data, assert_refused};
use crate::support::documents::{completed_service, file};
use crate::support::planted::{add, plant};
use crate::support::program::run;

/// Adds an entry with the real git, which writes loose objects, and the path of its blob's file.
#[track_caller]
fn loose_blob(data: &Data) -> PathBuf {
    add(&data.git(), "prod", "backend-services/extra.json", &file(&completed_service("extra")));
    let id = data.git().rev_parse("prod:backend-services/extra.json");
    let path = data.git().directory().join("objects").join(&id[..2]).join(&id[2..]);
    assert!(path.is_file(), "git writes a loose object");
    path
}

/// Replaces a file that git has made read-only.
#[track_caller]
fn replace(path: &PathBuf, bytes: &[u8]) {
    fs::remove_file(path).expect("the object can be removed");
    fs::write(path, bytes).expect("the object can be written");
}

#[test]
fn a_damaged_object_is_told_with_branch_and_file() {
    for spoil in [&b"garbage"[..], b""] {
        let data = Data::new();
        replace(&loose_blob(&data), spoil);
        assert_refused(&run(&["check", "--data", &data.path()]), &["prod", "backend-services/extra.json"]);
    }
}

#[test]
fn an_object_with_other_content_than_its_id_says_is_told() {
    let data = Data::new();
    let blob = loose_blob(&data);
    // Sound in itself, but another object.
    let other = data.git().hash_object(b"other");
    plant(&data.git(), "scratch", &[("config.json", b"other")], "By hand");
    let from = data.git().directory().join("objects").join(&other[..2]).join(&other[2..]);
    let bytes = fs::read(from).expect("git writes a loose object");
    data.git().text(&["update-ref", "-d", "refs/heads/scratch"]);
    replace(&blob, &bytes);
    assert_refused(&run(&["check", "--data", &data.path()]), &["prod", "backend-services/extra.json"]);
}

#[test]
fn a_missing_object_is_told_with_branch_and_file() {
    let data = Data::new();
    fs::remove_file(loose_blob(&data)).expect("the object can be removed");
    assert_refused(&run(&["check", "--data", &data.path()]), &["prod", "backend-services/extra.json"]);
}

#[test]
fn a_directory_that_holds_no_repository_is_told() {
    let home = TempDir::new().expect("a temporary directory");
    for data in [home.path().to_owned(), home.path().join("nothing")] {
        let data = data.to_str().expect("a path in UTF-8");
        assert_refused(&run(&["check", "--data", data]), &[data]);
    }
}
