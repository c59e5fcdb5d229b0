//! `/conf/configs`: a configuration is a branch.

use serde_json::json;

use crate::support::Server;
use crate::support::documents::service;
use crate::support::git::EMPTY_TREE;

const PROD: &str = "/conf/configs/prod";
const STAGING: &str = "/conf/configs/staging";

#[test]
fn a_new_data_directory_has_the_configuration_prod() {
    let server = Server::start();
    let answer = server.client().get("/conf/configs").expect(200);

    let head = server.git().head("prod");
    let date = chrono::DateTime::from_timestamp(head.time, 0)
        .expect("a time")
        .format("%Y-%m-%dT%H:%M:%SZ")
        .to_string();
    assert_eq!(answer.total(), 1);
    let record = &answer.items()[0];
    assert_eq!(record["id"], "prod");
    assert_eq!(record["version"], head.id);
    assert_eq!(record["date"], date);
    assert!(record["description"].is_string());
    server.git().assert_sound(&["prod"]);
}

#[test]
fn the_first_commit_holds_the_configurations_own_file_and_no_documents() {
    let server = Server::start();
    let git = server.git();
    assert_eq!(git.ls("prod"), ["config.json"]);
    let file: serde_json::Value = serde_json::from_slice(&git.show("prod", "config.json")).expect("JSON");
    assert_eq!(file["format"], 2);
    assert_eq!(git.log("prod").len(), 1);
    assert_eq!(git.head("prod").subject, "Create configuration prod");
}

#[test]
fn a_clone_of_a_new_repository_checks_out_prod() {
    let server = Server::start();
    assert_eq!(server.git().text(&["symbolic-ref", "HEAD"]), "refs/heads/prod");
    let (_home, clone) = server.git().clone();
    assert_eq!(clone.head("HEAD").id, server.git().head("prod").id);
    assert!(clone.directory().join("config.json").is_file());
}

#[test]
fn the_list_of_configurations_is_sorted_by_id() {
    let server = Server::start();
    let client = server.client();
    for name in ["staging", "a", "test-2"] {
        client.post(&format!("/conf/configs/{name}"), &json!({})).expect(201);
    }
    let answer = client.get("/conf/configs").expect(200);
    let items = answer.items();
    let ids: Vec<_> = items.iter().map(|item| item["id"].as_str().expect("an id")).collect();
    assert_eq!(ids, ["a", "prod", "staging", "test-2"]);
    assert_eq!(answer.total(), 4);
}

#[test]
fn the_list_of_configurations_is_tagged_with_the_blob_of_its_bytes() {
    let server = Server::start();
    let answer = server.client().get("/conf/configs").expect(200);
    assert_eq!(answer.object(), server.git().hash_object(&answer.body));
}

#[test]
fn one_configuration_is_the_record_of_the_list_and_tagged_with_its_commit() {
    let server = Server::start();
    let client = server.client();
    let answer = client.get(PROD).expect(200);
    assert_eq!(answer.json(), client.get("/conf/configs").items()[0]);
    assert_eq!(answer.object(), server.git().rev_parse("prod"));
    assert_eq!(answer.version(), server.git().rev_parse("prod"));
}

#[test]
fn a_configuration_that_is_not_there_is_not_found() {
    let server = Server::start();
    let client = server.client();
    client.get(STAGING).expect_error(404);
    client.put(STAGING, &json!({"description": "x"})).expect_error(404);
    client.delete(STAGING).expect_error(404);
    client.get(&format!("{STAGING}/versions")).expect_error(404);
    let version = server.git().rev_parse("prod");
    client.get(&format!("{STAGING}/versions/{version}")).expect_error(404);
    client.revert(STAGING, &version).expect_error(404);
    server.git().assert_sound(&["prod"]);
}

#[test]
fn a_created_configuration_is_an_empty_branch_with_a_description() {
    let server = Server::start();
    let client = server.client();
    let answer = client.post(STAGING, &json!({"description": "Before it goes live"})).expect(201);
    assert_eq!(answer.message(), "Successfully created entry");
    assert_eq!(answer.location(), STAGING);

    let head = server.git().head("staging");
    assert_eq!(answer.version(), head.id);
    assert_eq!(answer.object(), head.id);
    assert_eq!(head.subject, "Create configuration staging");
    assert!(head.parents.is_empty(), "an empty configuration shares no history");
    assert_eq!(server.git().ls("staging"), ["config.json"]);

    assert_eq!(client.get(STAGING).expect(200).json()["description"], "Before it goes live");
    let set = client.get("/conf/staging/backend-services").expect(200);
    assert_eq!((set.total(), set.object()), (0, EMPTY_TREE.to_owned()));
    server.git().assert_sound(&["prod", "staging"]);
}

#[test]
fn a_configuration_without_a_description_has_an_empty_one() {
    let server = Server::start();
    server.client().post(STAGING, &json!({})).expect(201);
    assert_eq!(server.client().get(STAGING).expect(200).json()["description"], "");
}

#[test]
fn a_configuration_that_exists_cannot_be_created_again() {
    let server = Server::start();
    let before = server.git().refs();
    server.client().post(PROD, &json!({"description": "x"})).expect_error(409);
    assert_eq!(server.git().refs(), before);
}

#[test]
fn a_new_description_is_a_commit_that_changes_no_set() {
    let server = Server::start();
    let client = server.client();
    client.post("/conf/prod/backend-services/web", &service("web")).expect(201);
    let before = server.git().head("prod");
    let set = client.get("/conf/prod/backend-services").object();

    let answer = client.put(PROD, &json!({"description": "  The real thing "})).expect(200);
    assert_eq!(answer.message(), "Successfully updated entry");
    let head = server.git().head("prod");
    assert_eq!((answer.version(), answer.object()), (head.id.clone(), head.id));
    assert_eq!((head.subject.as_str(), head.parents), ("Describe configuration prod", vec![before.id]));
    let file: serde_json::Value =
        serde_json::from_slice(&server.git().show("prod", "config.json")).expect("JSON");
    assert_eq!(file["description"], "The real thing", "all strings are trimmed");

    assert_eq!(client.get("/conf/prod/backend-services").object(), set);
    assert_eq!(client.get("/conf/prod/backend-services/versions").total(), 1);
    server.git().fsck();
}

#[test]
fn the_same_description_again_makes_no_commit() {
    let server = Server::start();
    let client = server.client();
    let first = client.put(PROD, &json!({"description": "Same"})).expect(200);
    let second = client.put(PROD, &json!({"description": "Same"})).expect(200);
    assert_eq!(first.version(), second.version());
    assert_eq!(server.git().log("prod").len(), 2);
}

#[test]
fn a_bad_body_changes_no_configuration() {
    let server = Server::start();
    let client = server.client();
    let before = server.git().refs();
    client.put(PROD, &json!({})).expect_faults(&[(r#"["body","description"]"#, "missing")]);
    client
        .put(PROD, &json!({"description": 5}))
        .expect_faults(&[(r#"["body","description"]"#, "string_type")]);
    client
        .put(PROD, &json!({"description": "", "extra": 1}))
        .expect_faults(&[(r#"["body","extra"]"#, "extra_forbidden")]);
    client
        .post(STAGING, &json!({"desciption": ""}))
        .expect_faults(&[(r#"["body","desciption"]"#, "extra_forbidden")]);
    client.post(STAGING, &json!([])).expect_faults(&[(r#"["body"]"#, "object_type")]);
    assert_eq!(server.git().refs(), before);
}

#[test]
fn names_within_the_rules_are_taken() {
    let server = Server::start();
    let client = server.client();
    for name in ["a", "0", "a.b_c-d", "9lives", "head", "lock", "a.lock.b", &"x".repeat(63)] {
        client.post(&format!("/conf/configs/{name}"), &json!({})).expect(201);
        assert_eq!(client.get(&format!("/conf/configs/{name}")).expect(200).json()["id"], name);
        assert_eq!(
            server.git().head(&format!("refs/heads/{name}")).subject,
            format!("Create configuration {name}")
        );
    }
    server.git().fsck();
}

#[test]
fn names_against_the_rules_are_refused_and_never_found() {
    let server = Server::start();
    let client = server.client();
    let names = [
        "Prod",
        "-a",
        ".a",
        "_a",
        "a..b",
        "a.lock",
        "a.",
        "a%20b",
        "a~b",
        "a@b",
        "a%2Fb",
        "%C3%A4",
        "configs",
        &"x".repeat(64),
    ];
    for name in names {
        let path = format!("/conf/configs/{name}");
        let faults = client.post(&path, &json!({})).expect_error(422).faults();
        assert!(faults.iter().all(|(loc, _)| loc == r#"["path","config"]"#), "{name}: {faults:?}");
        client.get(&path).expect_error(404);
        client.delete(&path).expect_error(404);
    }
    server.git().assert_sound(&["prod"]);
}
