//! What both sides have changed in different ways is a conflict.

use serde_json::{Value, json};

use super::{PROD, STAGING, copies, describe, items, merge};
use crate::support::documents::{completed_service, described, service};
use crate::support::{Server, Watch};

/// `web` was changed on both sides, `app` deleted here and changed there, `old` changed here and deleted there, `new`
/// created on both; `alike` is the same on both, and `fine` is staging's only.
#[track_caller]
fn in_conflict() -> Server {
    let server = copies();
    let client = server.client();
    for (set, mine) in [(PROD, "ours"), (STAGING, "theirs")] {
        describe(&client, set, "web", mine);
        describe(&client, set, "new", mine);
        describe(&client, set, "alike", "the same");
    }
    client.delete(&format!("{PROD}/app")).expect(200);
    describe(&client, STAGING, "app", "theirs");
    describe(&client, PROD, "old", "ours");
    client.delete(&format!("{STAGING}/old")).expect(200);
    describe(&client, STAGING, "fine", "theirs");
    server
}

fn conflict(id: &str, base: Value, ours: Value, theirs: Value) -> Value {
    json!({"kind": "backend-services", "id": id, "base": base, "ours": ours, "theirs": theirs})
}

#[test]
fn conflicts_are_listed_with_all_three_sides() {
    let server = in_conflict();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    let answer = merge(&client, "staging", "prod", "").expect_error(409);
    assert_eq!(answer.version(), client.get("/conf/configs/prod").version());
    let expected = json!([
        conflict("app", completed_service("app"), Value::Null, described("app", "theirs")),
        conflict("new", Value::Null, described("new", "ours"), described("new", "theirs")),
        conflict("old", completed_service("old"), described("old", "ours"), Value::Null),
        conflict("web", completed_service("web"), described("web", "ours"), described("web", "theirs")),
    ]);
    assert_eq!(answer.json()["conflicts"], expected);
    assert_eq!(answer.json()["total"], 4);
    assert!(answer.message().starts_with("4 entries were changed on both sides"), "{answer:?}");
    merge(&client, "staging", "prod", "?dry_run=true").expect_error(409);
    let problem = client
        .request("POST", "/conf/prod/merge")
        .header("Accept", "application/problem+json")
        .json(&json!({"from": {"config": "staging"}}))
        .send()
        .expect(409);
    assert_eq!(problem.json()["conflicts"], expected);
    watch.untouched();
    merge(&client, "staging", "prod", "?prefer=mine").expect_faults(&[(r#"["query","prefer"]"#, "enum")]);
}

#[test]
fn theirs_can_be_preferred() {
    let server = in_conflict();
    let client = server.client();
    let answer = merge(&client, "staging", "prod", "?prefer=theirs").expect(200);
    assert_eq!(
        items(&answer),
        [
            "backend-services app created",
            "backend-services fine created",
            "backend-services new updated",
            "backend-services old deleted",
            "backend-services web updated",
        ]
    );
    assert_eq!(client.get(PROD).etag(), client.get(STAGING).etag());
    assert_eq!(server.git().head("prod").parents.len(), 2);
    assert_eq!(merge(&client, "staging", "prod", "").expect(200).message(), "There was nothing to merge");
}

#[test]
fn ours_can_be_preferred() {
    let server = in_conflict();
    let client = server.client();
    let answer = merge(&client, "staging", "prod", "?prefer=ours").expect(200);
    assert_eq!(items(&answer), ["backend-services fine created"]);
    for id in ["web", "new", "old"] {
        assert_eq!(client.get(&format!("{PROD}/{id}")).json()["description"], "ours", "{id}");
    }
    client.get(&format!("{PROD}/app")).expect_error(404);
    assert_eq!(server.git().head("prod").parents.len(), 2);
    // It is decided: the next merge does not ask again, in either direction.
    assert_eq!(merge(&client, "staging", "prod", "").expect(200).message(), "There was nothing to merge");
    merge(&client, "prod", "staging", "").expect(200);
    assert_eq!(client.get(PROD).etag(), client.get(STAGING).etag());
}

#[test]
fn both_changed_alike_is_no_conflict() {
    let server = copies();
    let client = server.client();
    for set in [PROD, STAGING] {
        // Without messages of their own the two would be one commit.
        let path = format!("{set}/web?message=In+{}", &set[6..10]);
        client.put(&path, &described("web", "the same")).expect(200);
        client.delete(&format!("{set}/old")).expect(200);
        client.post(&format!("{set}/new"), &service("new")).expect(201);
    }
    let answer = merge(&client, "staging", "prod", "").expect(200);
    assert_eq!(answer.message(), "Successfully merged configuration");
    assert!(items(&answer).is_empty(), "{answer:?}");
}
