//! `GET /conf/{config}/events`: every commit, in order, none twice and none left out.

mod copies;
mod ends;
mod resuming;

use serde_json::{Value, json};

use crate::support::documents::{described, service};
use crate::support::{Follower, Heard, Server};

const EVENTS: &str = "/conf/prod/events";
const SET: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";

fn change(kind: &str, id: &str, change: &str) -> Value {
    json!({"kind": kind, "id": id, "change": change})
}

#[test]
fn every_commit_is_an_event_with_its_record_and_what_changed() {
    let server = Server::start();
    let client = server.client();
    let mut follower = Follower::start(&server, EVENTS, &[]);
    let begin = follower.since();
    assert_eq!(begin, server.git().rev_parse("prod"));
    let long = "x".repeat(250);
    let writes: [(String, Vec<Value>); 7] = [
        (
            client.post(WEB, &service("web")).expect(201).version(),
            vec![change("backend-services", "web", "created")],
        ),
        (
            client.put(WEB, &described("web", "Two")).expect(200).version(),
            vec![change("backend-services", "web", "updated")],
        ),
        (
            client.put(SET, &json!([service("b c"), service(&long)])).expect(200).version(),
            vec![
                change("backend-services", "b c", "created"),
                change("backend-services", "web", "deleted"),
                change("backend-services", &long, "created"),
            ],
        ),
        (
            client.delete(&format!("{SET}/{long}?message=Away+with+it")).expect(200).version(),
            vec![change("backend-services", &long, "deleted")],
        ),
        (
            client.put("/backends/one", &json!({"host": "api.example.com"})).expect(201).version(),
            vec![change("backends", "one", "created")],
        ),
        (client.put("/conf/configs/prod", &json!({"description": "Ours"})).expect(200).version(), vec![]),
        (
            client.revert("/conf/configs/prod", &begin).expect(200).version(),
            vec![change("backend-services", "b c", "deleted"), change("backends", "one", "deleted")],
        ),
    ];
    // What changes nothing makes no commit, and so no event.
    client.put("/conf/configs/prod", &json!({"description": ""})).expect(200);
    let records = client.get("/conf/configs/prod/versions").expect(200).items();
    for (nth, (version, mut changes)) in writes.into_iter().enumerate() {
        let (id, mut data) = follower.next();
        assert_eq!(id, version, "event {nth}");
        let mut told = data.as_object_mut().expect("an object").remove("changes").expect("changes");
        let by_id = |change: &Value| change["id"].as_str().expect("an id").to_owned();
        told.as_array_mut().expect("a list").sort_by_key(by_id);
        changes.sort_by_key(by_id);
        assert_eq!(told, Value::Array(changes), "event {nth}");
        assert!(records.contains(&data), "{data} is not what the versions list");
    }
    client.post(&format!("{SET}/last"), &service("last")).expect(201);
    assert_eq!(follower.next().0, server.git().rev_parse("prod"));
}

#[test]
fn commits_that_are_written_at_once_are_told_one_by_one() {
    let server = Server::start();
    let mut followers: Vec<Follower> = (0..50).map(|_| Follower::start(&server, EVENTS, &[])).collect();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let client = server.client();
            scope.spawn(move || {
                for number in 0..25 {
                    let id = format!("w{writer}-{}", number % 3);
                    client.put(SET, &json!([])).expect(200);
                    client.post(&format!("{SET}/{id}"), &service(&id));
                }
            });
        }
    });
    let log = server.git().text(&["rev-list", "--first-parent", "--reverse", "prod"]);
    let expected: Vec<&str> = log.lines().skip(1).collect();
    for follower in &mut followers {
        assert_eq!(follower.ids(expected.len()), expected);
    }
}

#[test]
fn a_kind_and_an_entry_narrow_it() {
    let server = Server::builder().env("REVCONF_HTTP_HEARTBEAT", "1").start();
    let client = server.client();
    let mut kind = Follower::start(&server, &format!("{EVENTS}?kind=backends"), &[]);
    let mut entry = Follower::start(&server, &format!("{EVENTS}?kind=backend-services&id=b%20c"), &[]);
    client.put("/backends/one", &json!({"host": "api.example.com"})).expect(201);
    client.put(SET, &json!([service("b c"), service("d")])).expect(200);
    let both = client.delete(SET).expect(200).version();
    client.put("/conf/configs/prod", &json!({"description": "Ours"})).expect(200);
    let last = client.delete("/backends/one").status;
    assert_eq!(last, 400, "If-Match is missing");
    let gone = client.request("DELETE", "/backends/one").if_match("*").send().version();
    assert_eq!(kind.next().1["changes"], json!([change("backends", "one", "created")]));
    assert_eq!(kind.next(), {
        let record = client.get("/conf/configs/prod/versions?limit=1").expect(200).items().remove(0);
        let mut data = record;
        data["changes"] = json!([change("backends", "one", "deleted")]);
        (gone.clone(), data)
    });
    assert_eq!(entry.next().1["changes"], json!([change("backend-services", "b c", "created")]));
    let (id, data) = entry.next();
    assert_eq!((id, &data["changes"]), (both, &json!([change("backend-services", "b c", "deleted")])));
    // Who comes again need not be told again what was of no interest.
    loop {
        match entry.hear() {
            Heard::Heartbeat(Some(id)) => break assert_eq!(id, gone),
            Heard::Heartbeat(None) => {}
            other => panic!("{other:?} is of no interest"),
        }
    }
    assert_eq!(entry.hear(), Heard::Heartbeat(None));
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let server = Server::start();
    let client = server.client();
    let missing = client.get("/conf/nowhere/events").expect_error(404);
    assert!(missing.message().contains("\"nowhere\""), "{missing:?}");
    for since in ["0123456", "nothing", "0123456789012345678901234567890123456789"] {
        let refused = client.get(&format!("{EVENTS}?since={since}")).expect_error(404);
        assert!(refused.message().contains(since), "{refused:?}");
        let refused = client.request("GET", EVENTS).header("Last-Event-ID", since).send().expect_error(404);
        assert!(refused.message().contains(since), "{refused:?}");
    }
    client.get(&format!("{EVENTS}?kind=things")).expect_faults(&[("[\"query\",\"kind\"]", "enum")]);
    client.get(&format!("{EVENTS}?id=web")).expect_faults(&[("[\"query\",\"id\"]", "missing")]);
    client.get(&format!("{EVENTS}?kind=backends&id=")).expect(422);
    client.get(&format!("{EVENTS}?limit=1")).expect(422);
    client.post(EVENTS, &json!({})).expect_error(405);
    let head = client.request("HEAD", EVENTS).send().expect(200);
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
}

#[test]
fn who_takes_no_stream_is_told_so() {
    let server = Server::start();
    let client = server.client();
    for method in ["GET", "HEAD"] {
        for accept in ["application/json", "text/html, application/*", "text/event-stream;q=0, */*"] {
            let refused = client.request(method, EVENTS).header("Accept", accept).send();
            assert_eq!(refused.status, 406, "{accept}: {refused:?}");
        }
    }
    let refused = client.request("GET", EVENTS).header("Accept", "application/json").send().expect_error(406);
    assert!(refused.message().contains("text/event-stream"), "{refused:?}");
    for accept in ["text/event-stream", "*/*", "text/*;q=0.1, application/json"] {
        Follower::start(&server, EVENTS, &[("Accept", accept)]);
    }
}
