//! What only the source has changed is taken, in one commit with both parents.

use serde_json::json;

use super::{PROD, STAGING, copies, describe, items, merge};
use crate::support::documents::service;
use crate::support::program::run;

#[test]
fn staging_becomes_production() {
    let mut server = copies();
    let (client, git) = (server.client(), server.git());
    describe(&client, STAGING, "web", "better");
    client.delete(&format!("{STAGING}/old")).expect(200);
    client.post(&format!("{STAGING}/new"), &service("new")).expect(201);
    let theirs =
        client.put("/conf/staging/backends/fabrikam", &json!({"host": "fabrikam.com"})).expect(201).version();
    describe(&client, PROD, "app", "prod's own");
    let (before, base) = (git.head("prod"), git.text(&["merge-base", "prod", "staging"]));

    let answer = merge(&client, "staging", "prod", "").expect(200);
    assert_eq!(answer.message(), "Successfully merged configuration");
    assert_eq!(answer.json()["from"], theirs);
    assert_eq!(answer.json()["base"], base);
    assert_eq!(
        items(&answer),
        [
            "backend-services new created",
            "backend-services old deleted",
            "backend-services web updated",
            "backends fabrikam created",
        ]
    );
    let commit = git.head("prod");
    assert_eq!((answer.version(), answer.object()), (commit.id.clone(), commit.id.clone()));
    assert_eq!(commit.parents, [before.id.clone(), theirs.clone()]);
    assert_eq!(commit.subject, "Merge configuration staging into prod");
    assert_eq!((commit.author.as_str(), commit.email.as_str()), ("anonymous", "anonymous@localhost"));
    assert!(commit.time >= before.time && commit.time >= git.head("staging").time);
    assert_eq!(client.get(&format!("{PROD}/app")).json()["description"], "prod's own");
    assert_eq!(client.get(&format!("{PROD}/web")).json()["description"], "better");
    client.get(&format!("{PROD}/old")).expect_error(404);
    assert_eq!(git.head("staging").id, theirs, "the source stays as it is");

    // Version lists follow the first parent: the merge is what changed each entry.
    for (path, file) in [
        (format!("{PROD}/web"), "backend-services/web.json"),
        (PROD.to_owned(), "backend-services"),
        ("/conf/prod/backends/fabrikam".to_owned(), "backends/fabrikam.json"),
        ("/conf/configs/prod".to_owned(), "."),
    ] {
        let listed = client.get(&format!("{path}/versions")).expect(200);
        let log = git.log_with(&["--first-parent", "-m", "prod", "--", file]);
        assert_eq!(
            listed.versions(),
            log.iter().map(|commit| commit.id.clone()).collect::<Vec<_>>(),
            "{path}"
        );
        assert_eq!(listed.versions()[0], commit.id);
        assert_eq!(listed.items()[0]["parents"], json!([before.id, theirs]));
    }
    // What was merged belongs to the history of prod.
    client.get(&format!("{PROD}/versions/{theirs}")).expect(200);

    assert_sound_through_a_restart(&mut server);
    let client = server.client();
    let again = merge(&client, "staging", "prod", "").expect(200);
    assert_eq!(again.message(), "There was nothing to merge");
    assert_eq!((items(&again).len(), again.version()), (0, commit.id.clone()));
    assert_eq!(git.head("prod"), commit, "no commit is made");
}

#[track_caller]
fn assert_sound_through_a_restart(server: &mut crate::support::Server) {
    server.stop();
    server.git().assert_sound(&["prod", "staging"]);
    run(&["check", "--data", server.data().to_str().expect("UTF-8")]).expect_success();
    std::fs::remove_file(server.data().join("index.sqlite")).expect("the index can be removed");
    server.start_again();
    crate::history_index::assert_index_agrees(server);
}

#[test]
fn the_next_merge_begins_where_the_last_one_ended() {
    let server = copies();
    let client = server.client();
    describe(&client, STAGING, "web", "1");
    merge(&client, "staging", "prod", "").expect(200);
    // Changed in prod only since then, so there is no conflict with what was merged before.
    describe(&client, PROD, "web", "2");
    describe(&client, STAGING, "app", "1");
    assert_eq!(items(&merge(&client, "staging", "prod", "").expect(200)), ["backend-services app updated"]);
    assert_eq!(client.get(&format!("{PROD}/web")).json()["description"], "2");
    // And back.
    assert_eq!(items(&merge(&client, "prod", "staging", "").expect(200)), ["backend-services web updated"]);
    assert_eq!(client.get(STAGING).json(), client.get(PROD).json());
    assert_eq!(client.get(STAGING).etag(), client.get(PROD).etag());
    server.git().assert_sound(&["prod", "staging"]);
}

#[test]
fn an_older_version_can_be_merged() {
    let server = copies();
    let client = server.client();
    let path = format!("{STAGING}?mode=merge");
    let first = client.put(&path, &json!([service("one")])).expect(200).version();
    client.put(&path, &json!([service("two")])).expect(200);
    let body = json!({"from": {"config": "staging", "version": first[..10]}});
    let answer = client.post("/conf/prod/merge", &body).expect(200);
    assert_eq!(answer.json()["from"], first);
    assert_eq!(items(&answer), ["backend-services one created"]);
    let commit = server.git().head("prod");
    assert_eq!(commit.parents[1], first);
    assert_eq!(commit.subject, format!("Merge configuration staging at {} into prod", &first[..7]));
    assert_eq!(items(&merge(&client, "staging", "prod", "").expect(200)), ["backend-services two created"]);
    // What is merged already has nothing new.
    assert_eq!(client.post("/conf/prod/merge", &body).expect(200).message(), "There was nothing to merge");
    assert_eq!(merge(&client, "prod", "prod", "").expect(200).message(), "There was nothing to merge");
}

#[test]
fn the_message_is_the_commits_and_a_dry_run_shows_what_would_be() {
    let server = copies();
    let client = server.client();
    describe(&client, STAGING, "web", "better");
    let everything = server.git().everything();
    let dry = merge(&client, "staging", "prod", "?dry_run=true").expect(200);
    assert_eq!(dry.message(), "Dry run: nothing was written");
    let diff = &dry.json()["diff"];
    assert_eq!(diff["items"][0]["id"], "web");
    assert_eq!(diff["items"].as_array().map(Vec::len), Some(1));
    let better = json!({"op": "replace", "path": "/description", "value": "better"});
    assert!(diff["items"][0]["patch"].as_array().expect("a patch").contains(&better), "{diff}");
    assert_eq!(server.git().everything(), everything);
    merge(&client, "staging", "prod", "?message=Release+day").expect(200);
    assert_eq!(server.git().head("prod").subject, "Release day");
    assert_eq!(
        merge(&client, "staging", "prod", "?dry_run=true").expect(200).json()["diff"]["items"],
        json!([])
    );
}

#[test]
fn what_a_configuration_says_of_itself_stays() {
    let server = copies();
    let client = server.client();
    client.put("/conf/configs/staging", &json!({"description": "For trying things"})).expect(200);
    describe(&client, STAGING, "web", "better");
    merge(&client, "staging", "prod", "").expect(200);
    assert_eq!(client.get("/conf/configs/prod").json()["description"], "");
    assert_eq!(client.get(&format!("{PROD}/web")).json()["description"], "better");
}
