//! `Accept: application/problem+json` gets errors as RFC 9457 has them.

use serde_json::{Value, json};

use super::server_with_entries;
use crate::support::documents::service;
use crate::support::{Answer, Client};

const WEB: &str = "/conf/prod/backend-services/web";

#[track_caller]
fn problem(client: &Client, method: &str, path: &str, body: Option<&[u8]>) -> Answer {
    let request = client.request(method, path).header("Accept", "application/problem+json");
    let answer = if let Some(body) = body { request.body(body).send() } else { request.send() };
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    let problem = answer.json();
    assert_eq!(problem["type"], "about:blank", "{answer:?}");
    assert_eq!(problem["status"], answer.status, "{answer:?}");
    assert_eq!(problem["code"], answer.status, "{answer:?}");
    assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{answer:?}");
    assert!(problem["detail"].is_string(), "{answer:?}");
    assert_eq!(problem["detail"], problem["message"], "{answer:?}");
    answer
}

#[test]
fn errors_are_problems_for_who_asks_for_them() {
    let (server, _) = server_with_entries();
    let client = server.client();
    let service = service("web").to_string();
    let cases: [(&str, &str, Option<&[u8]>, u16); 7] = [
        ("GET", "/conf/prod/backend-services/nobody", None, 404),
        ("GET", "/conf/nowhere/backend-services", None, 404),
        ("GET", "/nothing", None, 404),
        ("PATCH", WEB, None, 405),
        ("POST", WEB, Some(service.as_bytes()), 409),
        ("POST", "/conf/configs/prod", Some(b"{}"), 409),
        ("DELETE", "/conf/prod/backend-services/nobody", None, 404),
    ];
    for (method, path, body, status) in cases {
        let answer = problem(&client, method, path, body).expect(status);
        assert_eq!(answer.json().get("errors"), None, "there are no faults to list:\n{answer:?}");
    }
}

#[test]
fn a_problem_lists_every_fault() {
    let (server, _) = server_with_entries();
    let client = server.client();
    let body: &[u8] = b"{\"name\": 5, \"colour\": 1}";
    let answer = problem(&client, "PUT", WEB, Some(body)).expect(422);
    let plain = client.request("PUT", WEB).body(body).send().expect_error(422).json();
    assert_eq!(answer.json()["errors"], plain["detail"]);
    assert_eq!(answer.json()["errors"].as_array().map(Vec::len), Some(2));
    assert_eq!(answer.message(), "Request does not match schema");
}

#[test]
fn a_problem_says_where_json_breaks_off() {
    let (server, _) = server_with_entries();
    let answer = problem(&server.client(), "PUT", WEB, Some(b"{\n  \"name\": }")).expect(400);
    assert_eq!(answer.json()["line"], 2);
    assert!(answer.json()["column"].is_u64());
}

#[test]
fn a_success_is_no_problem() {
    let (server, _) = server_with_entries();
    let client = server.client();
    let answer = client.request("GET", WEB).header("Accept", "application/problem+json").send().expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[test]
fn a_422_without_that_wish_has_the_documented_members_in_their_order() {
    let (server, _) = server_with_entries();
    let answer = server.client().put(WEB, &json!({"name": 5})).expect_error(422);
    let body = answer.json();
    let members: Vec<&String> = body.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["code", "message", "detail"]);
    assert_eq!(body["message"], "Request does not match schema");
    let fault = &body["detail"][0];
    assert_eq!(fault["loc"], json!(["body", "name"]));
    assert_eq!(fault["type"], "string_type");
    assert!(fault["msg"].as_str().is_some_and(|text| !text.is_empty()), "{answer:?}");
    assert_eq!(fault.as_object().map(|fault| fault.len()), Some(3), "{answer:?}");
    assert_ne!(body["detail"], Value::Null);
}
