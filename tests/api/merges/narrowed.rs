//! Only some entries: an ordinary commit, which does not say that all was taken.

use serde_json::{Value, json};

use super::{PROD, STAGING, copies, describe, items, merge};
use crate::support::Watch;

fn of(member: &str, names: Value) -> Value {
    let mut body = json!({"from": {"config": "staging"}});
    body[member] = names;
    body
}

#[test]
fn by_kinds_and_by_ids() {
    let server = copies();
    let client = server.client();
    describe(&client, STAGING, "web", "better");
    describe(&client, STAGING, "app", "better");
    describe(&client, STAGING, "new", "better");
    client.put("/conf/staging/backends/web", &json!({"host": "web.example"})).expect(201);
    let cases = [
        (
            of("kinds", json!(["backends"])),
            "Merge backend web of staging into prod",
            vec!["backends web created"],
        ),
        (
            of("ids", json!(["web", "nobody"])),
            "Merge backend service web of staging into prod",
            vec!["backend-services web updated"],
        ),
        (
            json!({"from": {"config": "staging"}, "kinds": ["backend-services"], "ids": ["app", "new"]}),
            "Merge 2 entries of staging into prod",
            vec!["backend-services app updated", "backend-services new created"],
        ),
    ];
    for (body, subject, taken) in cases {
        let watch = Watch::on(&server, "prod");
        let answer = client.post("/conf/prod/merge", &body).expect(200);
        assert_eq!(items(&answer), taken);
        // One parent: what was left out is still to be taken.
        assert_eq!(watch.one_commit(&answer).subject, subject);
        let again = client.post("/conf/prod/merge", &body).expect(200);
        assert_eq!(again.message(), "There was nothing to merge");
        assert_eq!(again.version(), answer.version());
    }
    // All of it is there, which the merge of all then notes.
    let before = server.git().head("prod");
    assert!(items(&merge(&client, "staging", "prod", "").expect(200)).is_empty());
    let commit = server.git().head("prod");
    assert_eq!((commit.tree, commit.parents.len()), (before.tree, 2));
}

#[test]
fn only_what_is_taken_can_be_in_conflict() {
    let server = copies();
    let client = server.client();
    for (set, mine) in [(PROD, "ours"), (STAGING, "theirs")] {
        describe(&client, set, "web", mine);
    }
    describe(&client, STAGING, "app", "theirs");
    merge(&client, "staging", "prod", "").expect_error(409);
    let answer = client.post("/conf/prod/merge", &of("ids", json!(["app"]))).expect(200);
    assert_eq!(items(&answer), ["backend-services app updated"]);
    assert_eq!(
        client.post("/conf/prod/merge", &of("ids", json!(["web"]))).expect_error(409).json()["total"],
        1
    );
    client.post("/conf/prod/merge?prefer=theirs", &of("ids", json!(["web"]))).expect(200);
    assert_eq!(client.get(&format!("{PROD}/web")).json()["description"], "theirs");
}
