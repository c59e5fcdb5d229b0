//! A commit on the way to the common ancestor that the disk has spoiled.

use std::fs;

use super::{PROD, STAGING, copies, describe, items, merge};

#[test]
fn a_commit_that_is_cut_off_is_told_and_keeps_nobody_waiting() {
    let mut server = copies();
    let client = server.client();
    describe(&client, PROD, "app", "prod's own");
    describe(&client, STAGING, "web", "spoiled");
    let spoiled = server.git().rev_parse("staging");
    describe(&client, STAGING, "web", "better");
    server.stop();
    let file = server.data().join("repository.git/objects").join(&spoiled[..2]).join(&spoiled[2..]);
    let whole = fs::read(&file).expect("a commit in a file of its own");
    fs::remove_file(&file).expect("it can be removed");
    fs::write(&file, &whole[..whole.len() / 2]).expect("it can be cut off");
    server.start_again();
    let client = server.client();
    let body = serde_json::json!({"from": {"config": "staging"}});
    let answer = client.request("POST", "/conf/prod/merge").json(&body).allow_5xx().send().expect_error(500);
    assert!(answer.message().contains("damaged") && answer.message().contains(&spoiled), "{answer:?}");
    // Both configurations are served and written on.
    describe(&client, PROD, "old", "written");
    describe(&client, STAGING, "old", "written");
    fs::write(&file, &whole).expect("it can be mended");
    assert_eq!(items(&merge(&client, "staging", "prod", "").expect(200)), ["backend-services web updated"]);
    server.git().assert_sound(&["prod", "staging"]);
}
