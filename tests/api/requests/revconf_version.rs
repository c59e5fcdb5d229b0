//! `Revconf-Version`: every answer about a configuration names the commit that it was answered from.

use std::thread;

use serde_json::json;

use super::{routes, server_with_entries};
use crate::support::documents::{described, service};
use crate::support::{Client, Server};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";

#[test]
fn every_read_names_the_commit() {
    let (server, version) = server_with_entries();
    let client = server.client();
    let head = server.git().rev_parse("prod");
    let about_prod = routes(&version)
        .into_iter()
        .filter(|(route, methods)| methods.contains(&"GET") && route != "/conf/configs");
    for (route, _) in about_prod.filter(|(route, _)| !route.ends_with(&version)) {
        for method in ["GET", "HEAD"] {
            assert_eq!(client.request(method, &route).send().expect(200).version(), head, "{method} {route}");
        }
    }
    for resource in [SERVICES, WEB, "/conf/configs/prod"] {
        let shown = client.get(&format!("{resource}/versions/{version}")).expect(200).version();
        assert!(
            [&head, &version].contains(&&shown),
            "an old version is answered from a commit of prod: {shown}"
        );
    }
}

#[test]
fn every_write_names_the_commit_that_it_made() {
    let server = Server::start();
    let client = server.client();
    let git = server.git();
    let old = client.post(SERVICES, &json!([service("web"), service("app")])).expect(201).version();
    assert_eq!(old, git.rev_parse("prod"));
    let writes = [
        ("POST", format!("{SERVICES}/new"), Some(service("new")), 201),
        ("PUT", WEB.to_owned(), Some(described("web", "changed")), 200),
        ("DELETE", WEB.to_owned(), None, 200),
        ("PUT", format!("{WEB}/versions/{old}/revert"), None, 200),
        ("PUT", format!("{SERVICES}?mode=merge"), Some(json!([service("joined")])), 200),
        ("PUT", SERVICES.to_owned(), Some(json!([service("only")])), 200),
        ("PUT", format!("{SERVICES}/versions/{old}/revert"), None, 200),
        ("DELETE", SERVICES.to_owned(), None, 200),
        ("PUT", format!("/conf/configs/prod/versions/{old}/revert"), None, 200),
        ("PUT", "/conf/configs/prod".to_owned(), Some(json!({"description": "new"})), 200),
    ];
    for (method, path, body, status) in writes {
        let before = git.rev_parse("prod");
        let request = client.request(method, &path);
        let answer =
            if let Some(body) = &body { request.json(body).send() } else { request.send() }.expect(status);
        assert_eq!(answer.version(), git.rev_parse("prod"), "{answer:?}");
        assert_ne!(answer.version(), before, "{answer:?}");
    }
}

#[test]
fn every_error_about_a_configuration_names_the_commit() {
    let (server, old) = server_with_entries();
    let client = server.client();
    let head = server.git().rev_parse("prod");
    let zeros = "0".repeat(40);
    let errors = [
        (404, client.get(&format!("{SERVICES}/nobody"))),
        (404, client.get(&format!("{SERVICES}/versions/{zeros}"))),
        (404, client.revert(WEB, &zeros)),
        (404, client.put(&format!("{SERVICES}/nobody"), &service("nobody"))),
        (404, client.get(&format!("/conf/configs/prod/versions/{zeros}"))),
        (405, client.request("PATCH", WEB).send()),
        (405, client.delete(&format!("{SERVICES}/versions/{old}"))),
        (406, client.request("GET", WEB).header("Accept", "text/html").send()),
        (409, client.post(WEB, &service("web"))),
        (409, client.post("/conf/configs/prod", &json!({}))),
        (412, client.request("PUT", WEB).if_match("\"x\"").json(&service("web")).send()),
        (415, client.request("PUT", WEB).header("Content-Type", "text/plain").body("{}").send()),
        (422, client.put(WEB, &json!({"name": 5}))),
        (422, client.get(&format!("{SERVICES}/versions?limit=0"))),
        (400, client.request("PUT", WEB).body("{").send()),
        (400, client.request("GET", WEB).if_match("unquoted").send()),
    ];
    for (status, answer) in errors {
        let answer = answer.expect_error(status);
        assert_eq!(answer.version(), head, "{answer:?}");
    }
}

#[test]
fn an_answer_about_no_configuration_names_no_commit() {
    let (server, _) = server_with_entries();
    let client = server.client();
    for path in ["/conf/configs", "/conf/configs/nowhere", "/conf/nowhere/backend-services", "/nothing"] {
        let answer = client.request("GET", path).send();
        assert_eq!(answer.header("revconf-version"), None, "{answer:?}");
    }
}

/// Who has a write's answer sees it in every later read, over whichever connection and worker.
#[test]
fn what_was_answered_is_read_by_everybody_at_once() {
    let server = Server::builder().env("REVCONF_HTTP_WORKERS", "4").start();
    thread::scope(|scope| {
        for writer in 0..4 {
            let address = server.address();
            scope.spawn(move || {
                let path = format!("{SERVICES}/w{writer}");
                Client::new(address).post(&path, &service(&format!("w{writer}"))).expect(201);
                for step in 0..25 {
                    // A client of its own for each request has a connection of its own.
                    let sent = described(&format!("w{writer}"), &format!("step {step}"));
                    let written = Client::new(address).put(&path, &sent).expect(200);
                    let read = Client::new(address).get(&path).expect(200);
                    assert_eq!(read.json(), sent);
                    assert_eq!(read.etag(), written.etag());
                    let listed = Client::new(address).get(&format!("{path}/versions?limit=1")).expect(200);
                    assert_eq!(listed.versions(), [written.version()]);
                    assert_eq!(listed.total(), step + 2);
                }
            });
        }
    });
    assert_eq!(server.git().log("prod").len(), 1 + 4 * 26);
}
