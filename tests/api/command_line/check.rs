//! `check`: a repository that others may have written to, held against the rules.

use serde_json::json;

use super::{Data, assert_refused};
use crate::support::documents::{back_host, completed_service, described, file, with};
use crate::support::planted::{add, plant};
use crate::support::program::{Finished, run};

const CONFIG: &[u8] = b"{\n  \"format\": 2,\n  \"description\": \"\"\n}\n";

#[track_caller]
fn check(data: &Data) -> Finished {
    run(&["check", "--data", &data.path()])
}

#[test]
fn a_good_repository_passes_and_is_left_as_it_is() {
    let data = Data::new();
    let everything = data.git().everything();
    check(&data).expect_success();
    assert_eq!(data.git().everything(), everything);
}

#[test]
fn good_documents_by_another_hand_pass() {
    let data = Data::new();
    let host = with(back_host("10.0.0.1"), "http_ports", json!([8080]));
    let document = with(described("app", "by hand"), "back_hosts", json!([host]));
    add(&data.git(), "prod", "backend-services/app.json", &file(&document));
    check(&data).expect_success();
    assert_eq!(data.serve().client().get("/conf/prod/backend-services/app").expect(200).json(), document);
}

#[test]
fn several_configurations_pass() {
    let data = Data::new();
    plant(
        &data.git(),
        "staging",
        &[("config.json", CONFIG), ("backend-services/a.json", &file(&completed_service("a")))],
        "By hand",
    );
    plant(&data.git(), "empty", &[("config.json", CONFIG)], "By hand");
    check(&data).expect_success();
}

#[test]
fn a_document_against_the_rules_is_told_with_branch_file_and_reason() {
    let cases = [
        (with(completed_service("bad"), "sticky", "glue"), "sticky"),
        (with(completed_service("bad"), "colour", "red"), "colour"),
        (with(completed_service("bad"), "name", 5), "name"),
        (with(completed_service("bad"), "back_hosts", json!([back_host("http://x")])), "host"),
    ];
    for (document, reason) in cases {
        let data = Data::new();
        add(&data.git(), "prod", "backend-services/bad.json", &file(&document));
        assert_refused(&check(&data), &["prod", "backend-services/bad.json", reason]);
    }
}

#[test]
fn a_file_that_is_no_json_is_told() {
    for bytes in [
        &b"{\n  \"id\": \"bad\",\n"[..],
        b"",
        b"\xff\xfe",
        b"{\"id\": \"bad\", \"id\": \"bad\", \"name\": \"x\"}\n",
    ] {
        let data = Data::new();
        add(&data.git(), "prod", "backend-services/bad.json", bytes);
        assert_refused(&check(&data), &["prod", "backend-services/bad.json"]);
    }
}

#[test]
fn a_file_whose_name_is_not_that_of_its_id_is_told() {
    let data = Data::new();
    add(&data.git(), "prod", "backend-services/other.json", &file(&completed_service("app")));
    assert_refused(&check(&data), &["prod", "backend-services/other.json", "app"]);
}

#[test]
fn a_foreign_file_is_told() {
    let files = [
        ("README.md", "README.md"),
        ("backend-services/notes.txt", "notes.txt"),
        ("backend-services/deep/down.json", "deep"),
        ("frontends/web.json", "frontends"),
    ];
    for (path, told) in files {
        let data = Data::new();
        add(&data.git(), "prod", path, b"not ours\n");
        assert_refused(&check(&data), &["prod", told]);
    }
}

#[test]
fn every_fault_of_every_branch_is_told_at_once() {
    let data = Data::new();
    add(
        &data.git(),
        "prod",
        "backend-services/first.json",
        &file(&with(completed_service("first"), "sticky", "glue")),
    );
    add(&data.git(), "prod", "backend-services/second.json", b"{");
    let bad = file(&with(completed_service("third"), "colour", "red"));
    plant(
        &data.git(),
        "staging",
        &[("config.json", CONFIG), ("backend-services/third.json", &bad)],
        "By hand",
    );
    assert_refused(&check(&data), &["prod", "first.json", "second.json", "staging", "third.json", "colour"]);
}

#[test]
fn a_branch_without_config_json_is_told() {
    let data = Data::new();
    plant(&data.git(), "bare", &[("backend-services/a.json", &file(&completed_service("a")))], "By hand");
    assert_refused(&check(&data), &["bare", "config.json"]);
}

#[test]
fn a_config_json_that_is_none_is_told() {
    for bytes in [
        &b"{"[..],
        b"[]",
        b"{}",
        b"{\"format\": \"two\", \"description\": \"\"}\n",
        b"{\"format\": 0, \"description\": \"\"}\n",
    ] {
        let data = Data::new();
        plant(&data.git(), "odd", &[("config.json", bytes)], "By hand");
        assert_refused(&check(&data), &["odd", "config.json"]);
    }
}

#[test]
fn a_newer_format_is_told() {
    let data = Data::new();
    plant(
        &data.git(),
        "future",
        &[("config.json", b"{\n  \"format\": 3,\n  \"description\": \"\"\n}\n")],
        "By hand",
    );
    assert_refused(&check(&data), &["future", "format", "3"]);
}
