//! Preconditions where something is made that is not there yet.

use serde_json::json;

use super::target::Target;
use super::{STALE, Verdict, well_formed};
use crate::support::Server;
use crate::support::documents::service;

const SERVICES: &str = "/conf/prod/backend-services";

#[test]
fn creating_what_is_there_is_a_conflict_unless_if_none_match_asked_first() {
    let server = Server::start();
    let client = server.client();
    let entry = Target::entry(&client, "web").path;
    let set = Target::set(&client, "full").path;
    let configuration = Target::configuration(&client, "staging").path;
    let creations = [(entry, service("web")), (set, json!([service("a")])), (configuration, json!({}))];
    for (path, body) in creations {
        let before = client.get(&path).expect(200);
        for condition in well_formed(&before.etag()) {
            let answer = condition.on(client.request("POST", &path)).json(&body).send();
            let asked_first = !condition.is_if_match() && condition.verdict == Verdict::Fails;
            assert_eq!(answer.status, if asked_first { 412 } else { 409 }, "{condition:?}\n{answer:?}");
            assert_eq!(client.get(&path).etag(), before.etag());
        }
    }
}

#[test]
fn an_absent_resource_matches_no_tag_and_every_if_none_match() {
    let server = Server::start();
    let client = server.client();
    for (row, condition) in well_formed(STALE).into_iter().enumerate() {
        let status = if condition.is_if_match() { 412 } else { 201 };
        let name = format!("new{row}");
        let creations = [
            (format!("{SERVICES}/{name}"), service(&name)),
            (format!("/conf/configs/{name}"), json!({"description": "new"})),
        ];
        for (path, body) in creations {
            let answer = condition.on(client.request("POST", &path)).json(&body).send();
            assert_eq!(answer.status, status, "{condition:?}\n{answer:?}");
            client.get(&path).expect(if status == 201 { 200 } else { 404 });
        }
    }
}

#[test]
fn an_empty_set_counts_as_absent_only_where_it_is_created() {
    let server = Server::start();
    let client = server.client();
    let set = json!([service("web")]);
    client.request("PUT", SERVICES).if_none_match("*").json(&set).send().expect_error(412);
    client.request("DELETE", SERVICES).if_none_match("*").send().expect_error(412);
    client.request("GET", SERVICES).if_none_match("*").send().expect(304);
    client.request("POST", SERVICES).if_match(STALE).json(&set).send().expect_error(412);
    client.request("POST", SERVICES).if_none_match("*").json(&set).send().expect(201);
    client.request("POST", SERVICES).if_none_match("*").json(&set).send().expect_error(412);

    client.delete(SERVICES).expect(200);
    let empty = client.get(SERVICES).etag();
    client.request("PUT", SERVICES).if_match(&empty).json(&set).send().expect(200);
    assert_eq!(client.get(SERVICES).total(), 1);
}

#[test]
fn a_deleted_entry_comes_back_only_where_no_tag_is_asked_for() {
    let server = Server::start();
    let client = server.client();
    let Target { path, old } = Target::entry(&client, "web");
    let last = client.get(&path).etag();
    let revert = format!("{path}/versions/{old}/revert");
    for tag in [STALE, &last, "*"] {
        client.delete(&path);
        client.request("PUT", &revert).if_match(tag).send().expect_error(412);
        client.get(&path).expect_error(404);
        client.request("PUT", &revert).if_none_match(tag).send().expect(200);
        client.get(&path).expect(200);
    }
}
