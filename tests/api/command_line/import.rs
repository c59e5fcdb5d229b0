//! `import`: documents from a file, past the network but not past the rules.

use serde_json::{Value, json};

use super::{Data, assert_refused};
use crate::support::documents::{completed_service, described, full_service, service};
use crate::support::program::{Finished, run, run_with};

const SERVICES: &str = "/conf/prod/backend-services";

/// Imports this text from a file into `prod`, with any further arguments.
#[track_caller]
fn import(data: &Data, text: &str, more: &[&str]) -> Finished {
    let file = data.file("documents.json", text);
    run(&[&["import", "--data", &data.path(), "--config", "prod"], more, &[&file]].concat())
}

#[track_caller]
fn services(data: &Data, config: &str) -> Vec<Value> {
    data.serve().client().get(&format!("/conf/{config}/backend-services")).expect(200).items()
}

#[test]
fn a_list_joins_what_is_there_in_one_commit() {
    let data = Data::new();
    let before = data.git().rev_parse("prod");
    import(&data, &json!([service("app"), described("web", "imported")]).to_string(), &[]).expect_success();
    assert_eq!(data.git().head("prod").parents, [before]);
    data.git().fsck();
    assert_eq!(services(&data, "prod"), [completed_service("app"), described("web", "imported")]);
}

#[test]
fn with_replace_the_list_becomes_the_complete_set() {
    let data = Data::new();
    let list = json!([service("app"), service("api")]).to_string();
    import(&data, &list, &["--kind", "backend-services", "--replace"]).expect_success();
    assert_eq!(services(&data, "prod"), [completed_service("api"), completed_service("app")]);
}

#[test]
fn the_answer_to_a_get_can_be_imported() {
    let data = Data::new();
    let answer = json!({"total": 2, "items": [full_service("a"), full_service("b")]}).to_string();
    import(&data, &answer, &["--replace"]).expect_success();
    assert_eq!(services(&data, "prod"), [full_service("a"), full_service("b")]);
    import(&data, &json!({"items": [full_service("c")]}).to_string(), &[]).expect_success();
    assert_eq!(services(&data, "prod").len(), 3);
}

#[test]
fn a_single_document_can_be_imported() {
    let data = Data::new();
    import(&data, &full_service("alone").to_string(), &[]).expect_success();
    assert_eq!(services(&data, "prod"), [full_service("alone"), completed_service("web")]);
}

#[test]
fn documents_can_come_from_standard_input() {
    let data = Data::new();
    let list = json!([service("piped")]).to_string();
    run_with(&["import", "--data", &data.path(), "--config", "prod", "-"], list.as_bytes(), &[])
        .expect_success();
    assert_eq!(services(&data, "prod"), [completed_service("piped"), completed_service("web")]);
}

#[test]
fn a_configuration_that_is_absent_is_made() {
    let data = Data::new();
    let file = data.file("documents.json", &json!([service("app")]).to_string());
    run(&["import", "--data", &data.path(), "--config", "staging", &file]).expect_success();
    assert_eq!(services(&data, "staging"), [completed_service("app")]);
    assert_eq!(services(&data, "prod"), [completed_service("web")]);
    data.git().fsck();
}

#[test]
fn author_and_message_are_those_of_the_flags() {
    let data = Data::new();
    let list = json!([service("app")]).to_string();
    import(&data, &list, &["--author", "Ann Example <ann@example.com>", "--message", "Move house"])
        .expect_success();
    let commit = data.git().head("prod");
    assert_eq!((commit.author.as_str(), commit.email.as_str()), ("Ann Example", "ann@example.com"));
    assert_eq!(commit.subject, "Move house");
}

#[test]
fn an_import_that_changes_nothing_makes_no_commit() {
    let data = Data::new();
    let before = data.git().refs();
    import(&data, &json!([service("web")]).to_string(), &[]).expect_success();
    import(&data, "[]", &[]).expect_success();
    assert_eq!(data.git().refs(), before);
}

#[test]
fn an_empty_list_that_replaces_empties_the_set() {
    let data = Data::new();
    import(&data, "[]", &["--replace"]).expect_success();
    assert_eq!(data.git().ls("prod"), ["config.json"]);
    data.git().fsck();
}

#[test]
fn a_directory_in_use_is_left_alone() {
    let data = Data::new();
    let server = data.serve();
    let before = data.git().refs();
    assert_refused(&import(&data, &json!([service("app")]).to_string(), &[]), &[&data.path()]);
    assert_eq!(data.git().refs(), before);
    assert_eq!(server.client().get(SERVICES).expect(200).total(), 1);
}
