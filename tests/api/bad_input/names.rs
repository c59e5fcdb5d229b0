//! Odd names of configurations, wherever a name stands.

use serde_json::json;

use super::Unmoved;
use crate::support::Server;
use crate::support::documents::service;

const NO_NAMES: [&str; 17] = [
    "UPPER",
    "Prod",
    "-a",
    ".a",
    "_a",
    "a..b",
    "a.lock",
    "a.",
    "a%20b",
    "a%2Fb",
    "%2e%2e",
    "%C3%A4",
    "%FF",
    "a%00",
    "a%0A",
    "a@%7B1%7D",
    "%20",
];

#[test]
fn what_is_no_name_is_never_found_and_never_made() {
    let server = Server::start();
    let client = server.client();
    let unmoved = Unmoved::watch(&server);
    let too_long = "x".repeat(64);
    for name in NO_NAMES.into_iter().chain([too_long.as_str()]) {
        let configuration = format!("/conf/configs/{name}");
        let services = format!("/conf/{name}/backend-services");
        let made = [
            client.post(&configuration, &json!({})),
            client.put(&configuration, &json!({"description": ""})),
        ];
        let changed = [
            client.put(&services, &json!([service("web")])),
            client.post(&services, &json!([service("web")])),
            client.post(&format!("{services}/web"), &service("web")),
        ];
        for answer in made.into_iter().chain(changed) {
            assert!(matches!(answer.status, 400 | 404 | 422), "{answer:?}");
        }
        let read = [
            client.get(&configuration),
            client.get(&format!("{configuration}/versions")),
            client.get(&services),
            client.get(&format!("{services}/web")),
            client.delete(&configuration),
            client.delete(&services),
        ];
        for answer in read {
            assert!(matches!(answer.status, 400 | 404), "{answer:?}");
        }
    }
    unmoved.verify(&server);
}

#[test]
fn a_new_name_against_the_rules_is_told_by_its_place() {
    let server = Server::start();
    let client = server.client();
    for name in ["UPPER", "a..b", "a.lock", "-a", "configs"] {
        let faults = client.post(&format!("/conf/configs/{name}"), &json!({})).expect_error(422).faults();
        assert!(faults.iter().all(|(loc, _)| loc == r#"["path","config"]"#), "{name}: {faults:?}");
        assert!(!faults.is_empty());
    }
}

#[test]
fn refs_that_are_no_branches_are_no_configurations() {
    let server = Server::start();
    let client = server.client();
    client.post("/conf/configs/gone", &json!({})).expect(201);
    client.delete("/conf/configs/gone").expect(200);
    for name in [
        "HEAD",
        "head",
        "archive",
        "refs",
        "heads",
        "refs%2Fheads%2Fprod",
        "heads%2Fprod",
        "gone",
        "master",
        "main",
    ] {
        client.get(&format!("/conf/configs/{name}")).expect_error(404);
        client.get(&format!("/conf/{name}/backend-services")).expect_error(404);
    }
}

#[test]
fn a_copy_of_an_odd_source_is_refused() {
    let server = Server::start();
    let client = server.client();
    let unmoved = Unmoved::watch(&server);
    let zeros = "0".repeat(40);
    let bad = [
        json!({"from": "prod"}),
        json!({"from": {}}),
        json!({"from": {"config": 5}}),
        json!({"from": {"config": "Prod"}}),
        json!({"from": {"config": "nowhere"}}),
        json!({"from": {"config": "prod", "version": zeros}}),
        json!({"from": {"config": "prod", "version": "HEAD"}}),
        json!({"from": {"config": "prod", "version": 5}}),
        json!({"from": {"config": "prod", "colour": "red"}}),
        json!({"from": {"archive": "nowhere/20260101T000000Z"}}),
        json!({"from": {"archive": "../heads/prod"}}),
        json!({"from": {"archive": ""}}),
        json!({"from": {"archive": "x/y", "config": "prod"}}),
        json!({"description": 5}),
    ];
    for body in bad {
        let answer = client.post("/conf/configs/copy", &body);
        assert!(matches!(answer.status, 404 | 422), "{answer:?}");
    }
    unmoved.verify(&server);
}
