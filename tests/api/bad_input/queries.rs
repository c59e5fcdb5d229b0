//! Odd query parameters.

use serde_json::{Value, json};

use super::Unmoved;
use crate::support::documents::{described, service};
use crate::support::{Answer, Client, Server};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";
const RESOURCES: [&str; 3] = [SERVICES, WEB, "/conf/configs/prod"];

fn server() -> (Server, String) {
    let server = Server::start();
    let old = server.client().post(WEB, &service("web")).expect(201).version();
    server.client().put(WEB, &described("web", "newer")).expect(200);
    (server, old)
}

/// One fault, at this parameter.
#[track_caller]
fn assert_blames(answer: Answer, parameter: &str) -> String {
    let faults = answer.clone().expect_error(422).faults();
    assert_eq!(faults.len(), 1, "{answer:?}");
    assert_eq!(faults[0].0, json!(["query", parameter]).to_string(), "{answer:?}");
    faults[0].1.clone()
}

#[test]
fn a_bad_value_is_told_by_its_parameter() {
    let (server, _) = server();
    let client = server.client();
    let unmoved = Unmoved::watch(&server);
    let bad = [
        ("limit", "0", "out_of_range"),
        ("limit", "1001", "out_of_range"),
        ("limit", "-1", "out_of_range|int_type"),
        ("limit", "99999999999999999999", "out_of_range|int_type"),
        ("limit", "x", "int_type"),
        ("limit", "", "int_type"),
        ("limit", "1.5", "int_type"),
        ("limit", "0x10", "int_type"),
        ("since", "yesterday", "format"),
        ("since", "2026-01-01", "format"),
        ("since", "2026-13-01T00:00:00Z", "format"),
        ("since", "2026-02-30T00:00:00Z", "format"),
        ("since", "2026-01-01T00:00:00", "format"),
        ("until", "", "format"),
        ("until", "1700000000", "format"),
        ("until", "2026-01-01T25:00:00Z", "format"),
        ("until", "%00", "format"),
    ];
    for resource in RESOURCES {
        for (name, value, kinds) in bad {
            let kind = assert_blames(client.get(&format!("{resource}/versions?{name}={value}")), name);
            assert!(
                kinds.split('|').any(|expected| expected == kind),
                "{name}={value} is {kind}, not {kinds}"
            );
        }
    }
    unmoved.verify(&server);
}

#[test]
fn times_may_be_in_any_zone_and_with_fractions() {
    let (server, _) = server();
    let client = server.client();
    for time in [
        "2020-01-01T00:00:00Z",
        "2020-01-01T00:00:00.123456Z",
        "2020-01-01T05:30:00%2B05:30",
        "2020-01-01t00:00:00z",
        "2020-01-01T00:00:00-00:00",
    ] {
        assert_eq!(client.get(&format!("{SERVICES}/versions?since={time}")).expect(200).total(), 2, "{time}");
        assert_eq!(client.get(&format!("{SERVICES}/versions?until={time}")).expect(200).total(), 0, "{time}");
    }
}

/// Each route that takes a query, with a body that is good.
fn requests(old: &str) -> Vec<(&'static str, String, Option<Value>)> {
    let mut requests = vec![("GET", "/conf/configs".to_owned(), None)];
    for resource in RESOURCES {
        requests.push(("GET", resource.to_owned(), None));
        requests.push(("DELETE", resource.to_owned(), None));
        requests.push(("GET", format!("{resource}/versions"), None));
        requests.push(("GET", format!("{resource}/versions/{old}"), None));
        requests.push(("PUT", format!("{resource}/versions/{old}/revert"), None));
    }
    requests.extend([
        ("PUT", SERVICES.to_owned(), Some(json!([service("new")]))),
        ("PUT", WEB.to_owned(), Some(described("web", "changed"))),
        ("POST", format!("{SERVICES}/new"), Some(service("new"))),
        ("PUT", "/conf/configs/prod".to_owned(), Some(json!({"description": "changed"}))),
        ("POST", "/conf/configs/new".to_owned(), Some(json!({}))),
    ]);
    requests
}

#[track_caller]
fn send(client: &Client, method: &str, target: &str, body: &Option<Value>) -> Answer {
    let request = client.request(method, target);
    if let Some(body) = body { request.json(body).send() } else { request.send() }
}

#[test]
fn unknown_parameters_are_refused_on_every_route() {
    let (server, old) = server();
    let client = server.client();
    let unmoved = Unmoved::watch(&server);
    for (method, path, body) in requests(&old) {
        for name in ["nonsense", "Limit", "dryrun", "_"] {
            let kind = assert_blames(send(&client, method, &format!("{path}?{name}=1"), &body), name);
            assert_eq!(kind, "extra_forbidden", "{method} {path}?{name}=1");
        }
        assert_blames(send(&client, method, &format!("{path}?nonsense"), &body), "nonsense");
    }
    unmoved.verify(&server);
}

#[test]
fn a_parameter_of_another_route_is_unknown_here() {
    let (server, old) = server();
    let client = server.client();
    let unmoved = Unmoved::watch(&server);
    for path in [SERVICES, WEB, "/conf/configs/prod", "/conf/configs"] {
        assert_blames(client.get(&format!("{path}?limit=5")), "limit");
        assert_blames(client.get(&format!("{path}?dry_run=true")), "dry_run");
    }
    assert_blames(client.put(&format!("{WEB}?mode=merge"), &described("web", "changed")), "mode");
    assert_blames(client.delete(&format!("{SERVICES}?mode=merge")), "mode");
    assert_blames(client.get(&format!("{WEB}/versions/{old}?limit=5")), "limit");
    unmoved.verify(&server);
}

#[test]
fn a_repeated_parameter_is_refused() {
    let (server, _) = server();
    let client = server.client();
    let unmoved = Unmoved::watch(&server);
    assert_blames(client.get(&format!("{SERVICES}/versions?limit=1&limit=1")), "limit");
    assert_blames(client.get(&format!("{SERVICES}/versions?q=a&limit=1&q=b")), "q");
    assert_blames(client.delete(&format!("{WEB}?message=a&message=b")), "message");
    assert_blames(client.delete(&format!("{WEB}?dry_run=true&dry_run=false")), "dry_run");
    assert_blames(client.put(&format!("{SERVICES}?mode=merge&mode=merge"), &json!([])), "mode");
    unmoved.verify(&server);
}

#[test]
fn all_faults_of_a_query_are_told() {
    let (server, _) = server();
    let faults = server
        .client()
        .get(&format!("{SERVICES}/versions?limit=0&since=x&colour=red"))
        .expect_error(422)
        .faults();
    let mut places: Vec<String> = faults.into_iter().map(|(loc, _)| loc).collect();
    places.sort();
    assert_eq!(places, [r#"["query","colour"]"#, r#"["query","limit"]"#, r#"["query","since"]"#]);
}

#[test]
fn modes_other_than_merge_are_refused() {
    let (server, _) = server();
    let client = server.client();
    let unmoved = Unmoved::watch(&server);
    for mode in ["x", "", "Merge", "merge%20"] {
        let kind = assert_blames(client.put(&format!("{SERVICES}?mode={mode}"), &json!([])), "mode");
        assert_eq!(kind, "enum");
    }
    unmoved.verify(&server);
}

#[test]
fn a_query_that_is_hardly_one_breaks_nothing() {
    let (server, _) = server();
    let client = server.client();
    let unmoved = Unmoved::watch(&server);
    for query in ["%FF=1", "q=%FF", "%00=%00", "q=%zz", "a=b=c", "%E2%82", "=1", "==", "%"] {
        for path in [format!("{SERVICES}/versions"), "/conf/configs".to_owned()] {
            let answer = client.request("GET", &format!("{path}?{query}")).unchecked().send();
            assert!(matches!(answer.status, 400 | 422 | 200), "{answer:?}");
        }
        let answer = client.delete(&format!("{WEB}?{query}"));
        assert!(matches!(answer.status, 400 | 422), "a write is sure of what was meant: {answer:?}");
    }
    for query in ["", "&", "&&"] {
        client.get(&format!("{SERVICES}?{query}")).expect(200);
    }
    unmoved.verify(&server);
}
