//! Which configurations somebody sees, and what may be made of them.

use serde_json::json;

use super::{Principals, new_key};
use crate::support::documents::service;
use crate::support::{Answer, Client, Server};

/// `prod` and `staging`, each with a document; the admin of all of them beside.
fn two() -> (Server, Principals, Client, super::NewKey) {
    let (root, dev) = (
        new_key("root", &["admin=*"], &[]),
        new_key("dev", &["admin=dev-*", "reader=staging"], &["--email", "dev@example.org"]),
    );
    let principals = Principals::of(&[&root, &dev]);
    let server = principals.builder().start();
    let all = server.client().with_key(&root.key);
    all.post("/conf/configs/staging", &json!({})).expect(201);
    for config in ["prod", "staging"] {
        all.post(&format!("/conf/{config}/backend-services/web"), &service("web")).expect(201);
    }
    (server, principals, all, dev)
}

fn names(answer: &Answer) -> Vec<String> {
    answer.items().iter().map(|item| item["id"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_list_has_those_that_may_be_read() {
    let (server, _principals, all, dev) = two();
    let client = server.client().with_key(&dev.key);
    assert_eq!(names(&all.get("/conf/configs").expect(200)), ["prod", "staging"]);
    let list = client.get("/conf/configs").expect(200);
    assert_eq!((names(&list), list.total()), (vec!["staging".to_owned()], 1));
    assert!(!list.text().contains("prod"), "{list:?}");
}

#[test]
fn a_copy_needs_the_reader_of_what_is_copied() {
    let (server, _principals, all, dev) = two();
    let client = server.client().with_key(&dev.key);
    let version = all.get("/conf/prod/backend-services").expect(200).version();
    let archive = all.delete("/conf/configs/prod").expect(200).json()["archive"].clone();
    all.post("/conf/configs/prod", &json!({"from": {"archive": archive}})).expect(201);
    for from in [
        json!({"config": "prod"}),
        json!({"config": "prod", "version": version}),
        json!({"config": "ghost"}),
        json!({"archive": archive}),
        json!({"archive": "prod/nothing"}),
        json!({"archive": "prod"}),
    ] {
        for path in ["/conf/configs/dev-1", "/conf/configs/dev-1?dry_run=true"] {
            let refused = client.post(path, &json!({"from": from})).expect_error(403);
            assert!(refused.message().contains("role reader"), "{refused:?}");
        }
    }
    assert_eq!(names(&all.get("/conf/configs").expect(200)), ["prod", "staging"]);
    let made =
        client.post("/conf/configs/dev-1", &json!({"from": {"config": "staging"}, "description": "x"}));
    let commit = server.git().head(&made.expect(201).version());
    assert_eq!((commit.author.as_str(), commit.email.as_str()), ("dev", "dev@example.org"));
    client.get("/conf/dev-1/backend-services/web").expect(200);
    client.post("/conf/configs/staging-2", &json!({})).expect_error(403);
    client.delete("/conf/configs/staging").expect_error(403);
    client.delete("/conf/configs/dev-1").expect(200);
}

/// Who may is asked about the very name that is then used, however it is written.
#[test]
fn a_name_in_disguise_is_no_way_in() {
    let (server, _principals, _, dev) = two();
    let client = server.client().with_key(&dev.key);
    for name in [
        "prod",
        "%70rod",
        "pro%64",
        "%2570rod",
        "PROD",
        "staging%2F..%2Fprod",
        "staging/../prod",
        "staging%00prod",
        "prod%20",
        "dev-*",
        "*",
        "./prod",
        "staging;prod",
    ] {
        for path in [format!("/conf/{name}/backend-services/web"), format!("/conf/configs/{name}")] {
            let answer = client.request("GET", &path).unchecked().send();
            assert!([403, 404].contains(&answer.status), "{answer:?}");
            assert_eq!(answer.header("revconf-version"), None, "{answer:?}");
        }
    }
    client.get("/conf/%73taging/backend-services/web").expect(200);
}

#[test]
fn azures_routes_at_the_root_are_those_of_their_configuration() {
    let ada = new_key("ada", &["reader=prod", "editor=azure"], &[]);
    let root = new_key("root", &["admin=*"], &[]);
    let principals = Principals::of(&[&ada, &root]);
    let server = principals.builder().env("REVCONF_AZURE_CONFIG", "prod").start();
    let client = server.client().with_key(&ada.key);
    let refused = client.put("/backends/a", &json!({"host": "a.example"})).expect(403).json();
    assert_eq!(refused["error"]["code"], "Forbidden", "{refused}");
    let nobody = server.client().request("GET", "/backends").unchecked().send().expect(401).json();
    assert_eq!(nobody["error"]["code"], "Unauthorized", "{nobody}");
    server.client().with_key(&root.key).put("/backends/a", &json!({"host": "a.example"})).expect(201);
    client.get("/backends/a").expect(200);
}

#[test]
fn a_dry_run_needs_the_role_of_the_write() {
    let ada = new_key("ada", &["reader=prod"], &[]);
    let server = Principals::of(&[&ada]).builder().start();
    let client = server.client().with_key(&ada.key);
    client.post("/conf/prod/backend-services/web?dry_run=true", &service("web")).expect_error(403);
}
