//! What is no merge.

use serde_json::json;

use super::{STAGING, copies, describe};
use crate::support::Watch;

const MERGE: &str = "/conf/prod/merge";
const STALE: &str = "\"0123456789012345678901234567890123456789\"";

#[test]
fn what_is_no_request_is_refused_with_every_fault() {
    let server = copies();
    let client = server.client();
    describe(&client, STAGING, "web", "better");
    let watch = Watch::on(&server, "prod");
    client.post(MERGE, &json!([])).expect_faults(&[(r#"["body"]"#, "object_type")]);
    client.post(MERGE, &json!({})).expect_faults(&[(r#"["body","from"]"#, "missing")]);
    client.post(MERGE, &json!({"from": "staging"})).expect_faults(&[(r#"["body","from"]"#, "object_type")]);
    client
        .post(
            MERGE,
            &json!({"from": {"version": 1, "archive": "x"}, "kinds": ["backends", "backends"], "ids": ["a/b", 1], "prefer": "ours"}),
        )
        .expect_faults(&[
            (r#"["body","from","archive"]"#, "extra_forbidden"),
            (r#"["body","from","config"]"#, "missing"),
            (r#"["body","from","version"]"#, "string_type"),
            (r#"["body","ids",0]"#, "format"),
            (r#"["body","ids",1]"#, "string_type"),
            (r#"["body","kinds",1]"#, "duplicate"),
            (r#"["body","prefer"]"#, "extra_forbidden"),
        ]);
    client
        .post(MERGE, &json!({"from": {"config": "staging"}, "kinds": ["pages"]}))
        .expect_faults(&[(r#"["body","kinds",0]"#, "enum")]);
    let ids: Vec<_> = (0..1001).map(|number| number.to_string()).collect();
    client
        .post(MERGE, &json!({"from": {"config": "staging"}, "kinds": [], "ids": ids}))
        .expect_faults(&[(r#"["body","kinds"]"#, "too_few"), (r#"["body","ids"]"#, "too_many")]);
    client.request("POST", MERGE).body("{").send().expect_error(400);
    watch.untouched();
}

#[test]
fn what_is_not_there_cannot_be_merged() {
    let server = copies();
    let client = server.client();
    let theirs = client.put(&format!("{STAGING}/web"), &json!({"name": "x"})).expect(200).version();
    let watch = Watch::on(&server, "prod");
    client.post("/conf/ghost/merge", &json!({"from": {"config": "staging"}})).expect_error(404);
    client.post(MERGE, &json!({"from": {"config": "ghost"}})).expect_error(404);
    client.post(MERGE, &json!({"from": {"config": "a/b"}})).expect_error(404);
    for version in ["0000000", "nonsense", ""] {
        client.post(MERGE, &json!({"from": {"config": "staging", "version": version}})).expect_error(404);
    }
    // Not reachable from that configuration.
    client.post(MERGE, &json!({"from": {"config": "prod", "version": theirs}})).expect_error(404);
    watch.untouched();
}

#[test]
fn if_match_is_about_the_configuration_that_is_written() {
    let server = copies();
    let client = server.client();
    describe(&client, STAGING, "web", "better");
    let body = json!({"from": {"config": "staging"}});
    let (prod, staging) =
        (client.get("/conf/configs/prod").etag(), client.get("/conf/configs/staging").etag());
    let watch = Watch::on(&server, "prod");
    for stale in [STALE, &staging] {
        client.request("POST", MERGE).if_match(stale).json(&body).send().expect_error(412);
        client.request("POST", MERGE).if_match(stale).body("{").send().expect_error(412);
    }
    watch.untouched();
    client.request("POST", MERGE).if_match(&prod).json(&body).send().expect(200);
    client.request("POST", MERGE).if_match(&prod).json(&body).send().expect_error(412);
}
