//! The log: one JSON line a request, with what an operator looks for.

use std::collections::BTreeSet;

use serde_json::Value;

use super::server_with_entries;
use crate::support::documents::{described, service};
use crate::support::{Answer, Server};

const WEB: &str = "/conf/prod/backend-services/web";

/// All members of a log line, however deep, as names and texts.
fn members(value: &Value, name: &str, into: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| members(value, name, into)),
        Value::Array(items) => items.iter().for_each(|value| members(value, name, into)),
        Value::String(text) => into.push((name.to_owned(), text.clone())),
        other => into.push((name.to_owned(), other.to_string())),
    }
}

/// A log line taken apart, if it is about the request with this id.
fn line_about(line: &str, request_id: &str) -> Option<Vec<(String, String)>> {
    let record: Value = serde_json::from_str(line).ok()?;
    let mut found = Vec::new();
    members(&record, "", &mut found);
    found.iter().any(|(_, text)| text == request_id).then_some(found)
}

fn request_id(answer: &Answer) -> String {
    answer.header("x-request-id").unwrap_or_else(|| panic!("no request id in\n{answer:?}")).to_owned()
}

#[track_caller]
fn logged(server: &Server, answer: &Answer) -> Vec<(String, String)> {
    let id = request_id(answer);
    server.wait_for_log("the request's line in the log", |line| line_about(line, &id))
}

#[track_caller]
fn assert_says(line: &[(String, String)], value: &str) {
    assert!(line.iter().any(|(_, text)| text == value), "{value} is not in {line:#?}");
}

#[test]
fn every_answer_carries_a_request_id_of_its_own() {
    let (server, _) = server_with_entries();
    let client = server.client();
    let answers = [
        client.get(WEB),
        client.get(WEB),
        client.get("/nothing"),
        client.get("/conf/nowhere/backend-services"),
        client.request("PATCH", WEB).send(),
        client.request("PUT", WEB).body("{").send(),
        client.post(WEB, &service("web")),
        client.get("/health/live"),
    ];
    let ids: BTreeSet<String> = answers.iter().map(request_id).collect();
    assert_eq!(ids.len(), answers.len(), "{ids:?}");
}

#[test]
fn a_request_is_logged_with_what_was_asked_and_answered() {
    let (server, _) = server_with_entries();
    let client = server.client();
    let answers = [
        ("GET", WEB, client.get(WEB).expect(200)),
        (
            "GET",
            "/conf/prod/backend-services/nobody",
            client.get("/conf/prod/backend-services/nobody").expect(404),
        ),
        ("POST", WEB, client.post(WEB, &service("web")).expect(409)),
        ("GET", "/nothing", client.get("/nothing").expect(404)),
    ];
    for (method, path, answer) in &answers {
        let line = logged(&server, answer);
        assert_says(&line, method);
        assert_says(&line, path);
        assert_says(&line, &answer.status.to_string());
        let times = ["duration", "elapsed", "latency"];
        assert!(
            line.iter().any(|(name, _)| times.iter().any(|time| name.contains(time))),
            "no duration in {line:#?}"
        );
    }
}

#[test]
fn a_write_is_logged_with_its_commit() {
    let (server, _) = server_with_entries();
    let answer = server.client().put(WEB, &described("web", "logged")).expect(200);
    let line = logged(&server, &answer);
    assert_says(&line, "PUT");
    assert_says(&line, &answer.version());
}

#[test]
fn a_request_is_one_line() {
    let (server, _) = server_with_entries();
    let client = server.client();
    let first = client.put(WEB, &described("web", "logged")).expect(200);
    logged(&server, &first);
    // Whatever else the first request had to say was said before the second one's line.
    logged(&server, &client.get(WEB).expect(200));
    let id = request_id(&first);
    let lines: Vec<String> =
        server.log_lines().into_iter().filter(|line| line_about(line, &id).is_some()).collect();
    assert_eq!(lines.len(), 1, "{lines:#?}");
}

#[test]
fn every_line_of_the_log_is_json() {
    let (server, _) = server_with_entries();
    let client = server.client();
    client.request("PUT", WEB).body("{\"name\": \"a\nb\"}").send().expect(400);
    logged(&server, &client.get(&format!("{WEB}%0Ax")).expect(404));
    for line in server.log_lines() {
        let record: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line}"));
        assert!(record["timestamp"].is_string() && record["level"].is_string(), "{line}");
    }
}
