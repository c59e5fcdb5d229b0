//! `?dry_run=true` checks everything and writes nothing.

use serde_json::json;

use super::server_with_entries;
use crate::support::documents::{described, service};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";

#[test]
fn a_dry_run_on_configurations_writes_nothing() {
    let (server, old) = server_with_entries();
    let client = server.client();
    let writes = [
        ("POST", "/conf/configs/staging?dry_run=true".to_owned(), Some(json!({}))),
        ("POST", "/conf/configs/staging?dry_run=true".to_owned(), Some(json!({"from": {"config": "prod"}}))),
        ("PUT", "/conf/configs/prod?dry_run=true".to_owned(), Some(json!({"description": "new"}))),
        ("DELETE", "/conf/configs/prod?dry_run=true".to_owned(), None),
        ("PUT", format!("/conf/configs/prod/versions/{old}/revert?dry_run=true"), None),
    ];
    let everything = server.git().everything();
    let list = client.get("/conf/configs").body;
    for (method, path, body) in writes {
        let request = client.request(method, &path);
        let answer =
            if let Some(body) = &body { request.json(body).send() } else { request.send() }.expect(200);
        assert_eq!(answer.message(), "Dry run: nothing was written");
        assert!(answer.json()["diff"]["to"].is_null(), "{answer:?}");
        assert!(answer.json()["diff"]["items"].is_array(), "{answer:?}");
        assert_eq!(server.git().everything(), everything, "{answer:?}");
        assert_eq!(client.get("/conf/configs").body, list, "{answer:?}");
    }
    client.get("/conf/configs/staging").expect_error(404);
    client.get(WEB).expect(200);
}

#[test]
fn a_dry_run_is_refused_where_the_write_would_be() {
    let (server, _) = server_with_entries();
    let client = server.client();
    let dry = |path: &str| format!("{path}?dry_run=true");
    let everything = server.git().everything();
    client.put(&dry(&format!("{SERVICES}/nobody")), &service("nobody")).expect_error(404);
    client.delete(&dry(&format!("{SERVICES}/nobody"))).expect_error(404);
    client.post(&dry(WEB), &service("web")).expect_error(409);
    client.post(&dry(SERVICES), &json!([service("web")])).expect_error(409);
    client.post(&dry("/conf/configs/prod"), &json!({})).expect_error(409);
    client.request("PUT", &dry(WEB)).if_match("\"stale\"").json(&service("web")).send().expect_error(412);
    client.request("PUT", &dry(WEB)).body("{").send().expect_error(400);
    client.put(&dry(WEB), &json!({"name": 5})).expect_faults(&[(r#"["body","name"]"#, "string_type")]);
    client
        .put(&dry(SERVICES), &json!([service("a"), service("a")]))
        .expect_faults(&[(r#"["body",1,"id"]"#, "duplicate")]);
    client
        .request("PUT", &dry(&format!("{WEB}/versions/{}/revert", "0".repeat(40))))
        .send()
        .expect_error(404);
    assert_eq!(server.git().everything(), everything);
}

#[test]
fn a_dry_run_under_the_current_tag_is_done() {
    let (server, _) = server_with_entries();
    let client = server.client();
    let tag = client.get(WEB).etag();
    let path = format!("{WEB}?dry_run=true");
    client.request("PUT", &path).if_match(&tag).json(&described("web", "newest")).send().expect(200);
    assert_eq!(client.get(WEB).etag(), tag);
}

#[test]
fn dry_run_is_true_or_false_and_nothing_else() {
    let (server, _) = server_with_entries();
    let client = server.client();
    client.put(&format!("{WEB}?dry_run=false"), &described("web", "written")).expect(200);
    assert_eq!(client.get(WEB).json()["description"], "written");
    let before = server.git().refs();
    for value in ["maybe", "1", "", "TRUE", "true%20"] {
        let faults = client.delete(&format!("{WEB}?dry_run={value}")).expect_error(422).faults();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].0, r#"["query","dry_run"]"#);
    }
    assert_eq!(server.git().refs(), before);
}
