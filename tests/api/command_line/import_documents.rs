//! `import`: documents that are old or bad.

use serde_json::{Value, json};

use super::{Data, assert_refused};
use crate::support::documents::{back_host, full_service, service, with, without};
use crate::support::program::{Finished, run};

#[track_caller]
fn import_into(config: &str, data: &Data, text: &str) -> Finished {
    let file = data.file("documents.json", text);
    run(&["import", "--data", &data.path(), "--config", config, &file])
}

/// A back host as older releases had it: one port of each sort, no lists.
fn old_back_host() -> Value {
    let host = without(without(back_host("10.0.0.1"), "http_ports"), "https_ports");
    with(with(host, "http_port", 8080), "https_port", 8443)
}

fn new_back_host() -> Value {
    with(with(back_host("10.0.0.1"), "http_ports", json!([8080])), "https_ports", json!([8443]))
}

#[test]
fn an_old_document_is_kept_as_it_came_and_then_upgraded() {
    let data = Data::new();
    let old = with(full_service("shop"), "back_hosts", json!([old_back_host()]));
    import_into("legacy", &data, &json!([old]).to_string()).expect_success();

    let git = data.git();
    git.fsck();
    let commits = git.log_with(&["legacy", "--", "backend-services"]);
    assert_eq!(commits.len(), 2, "what came, and what was made of it: {commits:#?}");
    let is_step = |message: &str| message.to_lowercase().contains("format");
    assert_eq!(commits.iter().filter(|commit| is_step(&commit.subject)).count(), 1, "{commits:#?}");

    let new = with(full_service("shop"), "back_hosts", json!([new_back_host()]));
    assert_eq!(data.serve().client().get("/conf/legacy/backend-services/shop").expect(200).json(), new);
}

#[test]
fn an_old_document_joins_others_as_a_new_one() {
    let data = Data::new();
    let old = with(full_service("shop"), "back_hosts", json!([old_back_host(), back_host("10.0.0.2")]));
    import_into("prod", &data, &json!({"items": [old]}).to_string()).expect_success();
    let new = with(full_service("shop"), "back_hosts", json!([new_back_host(), back_host("10.0.0.2")]));
    let server = data.serve();
    assert_eq!(server.client().get("/conf/prod/backend-services/shop").expect(200).json(), new);
    server.client().get("/conf/prod/backend-services/web").expect(200);
    run(&["check", "--data", &data.path()]);
    data.git().fsck();
}

#[test]
fn an_old_document_against_the_rules_is_refused_too() {
    let data = Data::new();
    let before = data.git().refs();
    let host = with(old_back_host(), "http_port", 70_000);
    let old = with(full_service("shop"), "back_hosts", json!([host]));
    assert_refused(&import_into("prod", &data, &json!([old]).to_string()), &["http_port"]);
    assert_eq!(data.git().refs(), before);
}

#[test]
fn all_faults_of_all_documents_are_told_and_nothing_is_written() {
    let data = Data::new();
    let before = data.git().refs();
    let list = json!([
        service("good"),
        with(with(service("bad"), "colour", "red"), "sticky", "glue"),
        {"id": "nameless"},
        with(service("hosts"), "back_hosts", json!([back_host("http://x")])),
    ]);
    assert_refused(
        &import_into("prod", &data, &list.to_string()),
        &["colour", "sticky", "name", "back_hosts", "host"],
    );
    assert_refused(
        &import_into("staging", &data, &list.to_string()),
        &["colour", "sticky", "name", "back_hosts", "host"],
    );
    assert_eq!(data.git().refs(), before);
}

#[test]
fn what_is_no_list_of_documents_is_refused() {
    let data = Data::new();
    let before = data.git().refs();
    let twice = json!([service("a"), service("a")]).to_string();
    for text in [
        "",
        "{",
        "5",
        "null",
        "\"text\"",
        "[5]",
        "{\"items\": 5}",
        "[{\"id\": \"a\", \"id\": \"b\", \"name\": \"x\"}]",
        twice.as_str(),
    ] {
        assert_refused(&import_into("prod", &data, text), &[]);
    }
    assert_eq!(data.git().refs(), before);
}

#[test]
fn a_fault_of_the_text_is_told_with_its_place() {
    let data = Data::new();
    assert_refused(&import_into("prod", &data, "[\n  {\"id\": oops}\n]"), &["documents.json", "line 2"]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let data = Data::new();
    let finished =
        run(&["import", "--data", &data.path(), "--config", "prod", "/nonexistent/documents.json"]);
    assert_refused(&finished, &["/nonexistent/documents.json"]);
}

#[test]
fn a_name_that_no_configuration_can_have_is_refused() {
    let data = Data::new();
    let before = data.git().refs();
    let file = data.file("documents.json", &json!([service("app")]).to_string());
    for name in ["Prod", "a..b", "configs", "../prod"] {
        let finished = run(&["import", "--data", &data.path(), "--config", name, &file]);
        assert!(matches!(finished.code(), Some(1 | 2)), "{finished:?}");
        assert!(finished.stderr.contains(name), "{finished:?}");
    }
    assert_eq!(data.git().refs(), before);
}

#[test]
fn a_kind_or_an_author_that_is_none_is_refused() {
    let data = Data::new();
    let before = data.git().refs();
    let file = data.file("documents.json", &json!([service("app")]).to_string());
    for (flag, value) in
        [("--kind", "frontends"), ("--author", "nobody"), ("--author", "A <b"), ("--message", "")]
    {
        let finished = run(&["import", "--data", &data.path(), "--config", "prod", flag, value, &file]);
        assert!(matches!(finished.code(), Some(1 | 2)), "{flag} {value}: {finished:?}");
    }
    assert_eq!(data.git().refs(), before);
}
