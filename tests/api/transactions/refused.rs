//! What cannot be done is told all at once, and nothing of it is done.

use serde_json::{Value, json};

use super::{TRANSACTIONS, WEB, apply, delete, operation, put, server};
use crate::support::documents::{described, service};
use crate::support::{Answer, Server, Watch};

const STALE: &str = "\"0123456789012345678901234567890123456789\"";

/// Where, which type, of which operation, and the status that it alone would have.
#[track_caller]
fn told(answer: &Answer) -> Vec<(String, String, Option<u64>, u64)> {
    let body = answer.json();
    let detail = body["detail"].as_array().unwrap_or_else(|| panic!("no detail in {answer:?}"));
    let text = |fault: &Value, member: &str| fault[member].as_str().expect("a text").to_owned();
    detail
        .iter()
        .map(|fault| {
            let code = fault["code"].as_u64().expect("a status");
            (text(fault, "pointer"), text(fault, "type"), fault["operation"].as_u64(), code)
        })
        .collect()
}

fn fault(pointer: &str, kind: &str, operation: u64, code: u64) -> (String, String, Option<u64>, u64) {
    (pointer.to_owned(), kind.to_owned(), Some(operation), code)
}

#[test]
fn every_fault_of_every_operation_is_told_by_its_place() {
    let server = server();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    let operations = [
        put("fine", "x"),
        operation(
            "update",
            "web",
            json!({"name": "web", "back_hosts": [{"host": "http://x", "weight": -1}]}),
        ),
        operation("create", "web", service("web")),
        operation("update", "nobody", service("nobody")),
        delete("backends", "nobody"),
        json!({"op": "put", "kind": "backend-services", "id": "web", "value": service("web")}),
        json!({"op": "put", "kind": "backend-services", "id": "app", "value": service("web"), "if_match": STALE}),
        json!({"op": "put", "kind": "backends", "id": "a/b", "value": {"host": "x", "colour": 1}}),
    ];
    let answer = apply(&client, &operations).expect_error(404);
    assert_eq!(
        told(&answer),
        [
            fault("/operations/1/value/back_hosts/0/host", "format", 1, 422),
            fault("/operations/1/value/back_hosts/0/weight", "out_of_range", 1, 422),
            fault("/operations/2/id", "duplicate", 2, 422),
            fault("/operations/3/id", "not_found", 3, 404),
            fault("/operations/4/id", "not_found", 4, 404),
            fault("/operations/5/id", "duplicate", 5, 422),
            fault("/operations/6/value/id", "mismatch", 6, 422),
            fault("/operations/6/if_match", "precondition_failed", 6, 412),
            fault("/operations/7/id", "format", 7, 422),
        ]
    );
    assert!(answer.message().starts_with("7 operations cannot be done"), "{answer:?}");
    assert_eq!(answer.json()["detail"][3]["loc"], json!(["body", "operations", 3, "id"]));
    assert_eq!(
        answer.json()["detail"][3]["msg"],
        "there is no backend service \"nobody\" in configuration \"prod\""
    );
    watch.untouched();
    // The same for those who want RFC 9457.
    let request = client.request("POST", TRANSACTIONS).header("Accept", "application/problem+json");
    let problem = request.json(&json!({"operations": operations})).send().expect(404).json();
    assert_eq!(problem["errors"], answer.json()["detail"]);
    assert_eq!(problem["status"], 404);
}

#[test]
fn of_different_reasons_the_status_is_the_one_that_is_told_first() {
    let server = server();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    let absent = operation("update", "nobody", service("nobody"));
    let exists = operation("create", "web", service("web"));
    let stale = json!({"op": "delete", "kind": "backends", "id": "contoso", "if_match": STALE});
    let broken = operation("put", "app", json!({}));
    for (operations, status) in [
        (vec![broken.clone(), stale.clone(), exists.clone(), absent], 404),
        (vec![broken.clone(), stale.clone(), exists], 409),
        (vec![broken.clone(), stale], 412),
        (vec![broken, put("fine", "x")], 422),
    ] {
        apply(&client, &operations).expect_error(status);
    }
    watch.untouched();
}

#[test]
fn what_is_no_transaction_is_refused() {
    let server = server();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    let many: Vec<_> = (0..1001).map(|number| put(&number.to_string(), "x")).collect();
    let cases = [
        (json!([]), "", "object_type"),
        (json!({}), "/operations", "missing"),
        (json!({"operations": {}}), "/operations", "list_type"),
        (json!({"operations": []}), "/operations", "too_few"),
        (json!({"operations": many}), "/operations", "too_many"),
        (json!({"operations": [1]}), "/operations/0", "object_type"),
        (json!({"operations": [put("a", "x")], "a/b~": 1}), "/a~1b~0", "extra_forbidden"),
        (json!({"operations": [operation("upsert", "a", service("a"))]}), "/operations/0/op", "enum"),
        (json!({"operations": [{"op": "delete", "kind": "pages", "id": "a"}]}), "/operations/0/kind", "enum"),
        (json!({"operations": [{"op": "delete", "kind": "backends"}]}), "/operations/0/id", "missing"),
        (
            json!({"operations": [{"op": 1, "kind": "backends", "id": "contoso"}]}),
            "/operations/0/op",
            "string_type",
        ),
        (
            json!({"operations": [{"op": "put", "kind": "backends", "id": "a"}]}),
            "/operations/0/value",
            "missing",
        ),
        (json!({"operations": [operation("put", "a", json!(null))]}), "/operations/0/value", "object_type"),
        (
            json!({"operations": [{"op": "delete", "kind": "backends", "id": "contoso", "value": {}}]}),
            "/operations/0/value",
            "extra_forbidden",
        ),
        (
            json!({"operations": [{"op": "delete", "kind": "backends", "id": "contoso", "if_none_match": "*"}]}),
            "/operations/0/if_none_match",
            "extra_forbidden",
        ),
        (
            json!({"operations": [{"op": "delete", "kind": "backends", "id": "contoso", "if_match": "0123"}]}),
            "/operations/0/if_match",
            "format",
        ),
    ];
    for (body, pointer, kind) in cases {
        let answer = client.post(TRANSACTIONS, &body).expect_error(422);
        let found: Vec<_> = told(&answer).into_iter().map(|(pointer, kind, ..)| (pointer, kind)).collect();
        assert_eq!(found, [(pointer.to_owned(), kind.to_owned())], "{answer:?}");
    }
    client.request("POST", TRANSACTIONS).body("{").send().expect_error(400);
    client.request("POST", TRANSACTIONS).body("").send().expect_error(400);
    client.post("/conf/ghost/transactions", &json!({})).expect_error(404);
    client
        .post(&format!("{TRANSACTIONS}?mode=merge"), &json!({"operations": [put("a", "x")]}))
        .expect_error(422);
    watch.untouched();
}

#[test]
fn a_body_has_its_limit() {
    let server = Server::builder().env("REVCONF_HTTP_MAX_BODY", "2000").start();
    let client = server.client();
    let many: Vec<_> = (0..20).map(|number| put(&number.to_string(), "x")).collect();
    apply(&client, &many).expect_error(413);
    apply(&client, &many[..2]).expect(200);
}

#[test]
fn a_transaction_that_is_refused_leaves_nothing() {
    let server = server();
    let client = server.client();
    let everything = server.git().everything();
    let before = client.get(WEB).body;
    apply(&client, &[put("web", "half"), put("new", "half"), delete("backends", "nobody")]).expect_error(404);
    assert_eq!(server.git().everything(), everything);
    assert_eq!(client.get(WEB).body, before);
    client.put(WEB, &described("web", "later")).expect(200);
    assert_eq!(server.git().text(&["show", "--format=", "--name-only", "prod"]), "backend-services/web.json");
}
