//! Transactions and merges: who may, and whose they are.

use serde_json::json;

use super::{Principals, new_key, words};
use crate::support::documents::service;

#[test]
fn a_merge_needs_the_editor_of_its_target_and_the_reader_of_its_source() {
    let root = new_key("root", &["admin=*"], &[]);
    let people = [
        (new_key("ann", &["editor=prod", "reader=staging"], &["--email", "ann@example.org"]), 200),
        (new_key("bob", &["editor=prod"], &[]), 403),
        (new_key("eve", &["reader=prod", "editor=staging"], &[]), 403),
    ];
    let principals = Principals::of(&[&root, &people[0].0, &people[1].0, &people[2].0]);
    let server = principals.builder().start();
    let all = server.client().with_key(&root.key);
    all.post("/conf/configs/staging", &json!({"from": {"config": "prod"}})).expect(201);
    all.post("/conf/staging/backend-services/web", &service("web")).expect(201);
    let before = server.git().head("prod");
    for (key, status) in people.iter().rev() {
        let client = server.client().with_key(&key.key);
        let answer = client.post("/conf/prod/merge", &json!({"from": {"config": "staging"}})).expect(*status);
        if *status == 403 {
            assert!(words(&answer.json()).contains("role"), "{answer:?}");
            assert_eq!(server.git().head("prod"), before);
            // The same whether there is such a configuration or not.
            let nowhere = client.post("/conf/prod/merge", &json!({"from": {"config": "ghost"}})).expect(403);
            assert_eq!(words(&nowhere.json()), words(&answer.json()).replace("\"staging\"", "\"ghost\""));
        }
    }
    let merged = server.git().head("prod");
    assert_eq!((merged.author.as_str(), merged.email.as_str()), ("ann", "ann@example.org"));
}

#[test]
fn the_author_of_a_transaction_is_who_asked() {
    let (ann, bob) = (
        new_key("ann", &["editor=prod"], &["--email", "ann@example.org"]),
        new_key("bob", &["reader=prod"], &[]),
    );
    let server = Principals::of(&[&ann, &bob]).builder().start();
    let body = json!({"operations": [{"op": "put", "kind": "backend-services", "id": "web", "value": service("web")}]});
    server.client().with_key(&bob.key).post("/conf/prod/transactions", &body).expect(403);
    server.client().with_key(&ann.key).post("/conf/prod/transactions", &body).expect(200);
    let commit = server.git().head("prod");
    assert_eq!((commit.author.as_str(), commit.email.as_str()), ("ann", "ann@example.org"));
}
