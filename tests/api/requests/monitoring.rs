//! `/health/live`, `/health/ready` and `/metrics`.

use serde_json::json;

use crate::support::documents::service;
use crate::support::{Client, Server, wait_for};

const SERVICES: &str = "/conf/prod/backend-services";

#[test]
fn a_running_service_is_alive_and_ready() {
    let server = Server::start();
    let client = server.client();
    client.get("/health/live").expect(200);
    client.get("/health/ready").expect(200);
}

#[track_caller]
fn metrics(client: &Client) -> String {
    let answer = client.get("/metrics").expect(200);
    let content_type = answer.header("content-type").unwrap_or_default();
    assert!(content_type.starts_with("text/plain"), "{answer:?}");
    answer.text()
}

/// One line of the text format: name, labels and value.
#[track_caller]
fn sample(line: &str) -> (&str, f64) {
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
    let name = series.split('{').next().unwrap_or_default();
    let value = value.parse().unwrap_or_else(|_| panic!("no number in {line}"));
    (name, value)
}

/// The sum over all counters whose name has this word.
#[track_caller]
fn counted(text: &str, word: &str) -> f64 {
    let samples = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(sample);
    samples.filter(|(name, _)| name.contains(word) && name.ends_with("_total")).map(|(_, value)| value).sum()
}

#[test]
fn the_metrics_are_prometheus_text() {
    let server = Server::start();
    let client = server.client();
    client.post(&format!("{SERVICES}/web"), &service("web")).expect(201);
    let text = metrics(&client);
    assert!(text.contains("# TYPE "), "{text}");
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, _) = sample(line);
        assert!(
            name.chars().all(|character| character.is_ascii_alphanumeric() || "_:".contains(character)),
            "{line}"
        );
    }
}

#[test]
fn requests_are_counted() {
    let server = Server::start();
    let client = server.client();
    let before = counted(&metrics(&client), "request");
    for _ in 0..10 {
        client.get(SERVICES).expect(200);
        client.get("/conf/prod/backend-services/nobody").expect(404);
    }
    // Asked once: asking for the metrics is itself a request, so asking often would come to any number.
    assert!(counted(&metrics(&client), "request") >= before + 20.0);
}

#[test]
fn commits_are_counted() {
    let server = Server::start();
    let client = server.client();
    let before = counted(&metrics(&client), "commit");
    client.post(SERVICES, &json!([service("a"), service("b")])).expect(201);
    client.delete(&format!("{SERVICES}/a")).expect(200);
    wait_for("two more commits in the metrics", || {
        (counted(&metrics(&client), "commit") >= before + 2.0).then_some(())
    });
}

#[test]
fn ids_from_paths_do_not_become_labels() {
    let server = Server::start();
    let client = server.client();
    client.get(&format!("{SERVICES}/a-name-that-only-this-test-asks-for")).expect(404);
    client.get("/a-path-that-only-this-test-asks-for").expect(404);
    let text = metrics(&client);
    assert!(!text.contains("only-this-test"), "each path would be a time series of its own:\n{text}");
}
