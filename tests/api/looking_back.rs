//! `?version=` and `?at=` on reads: sets, entries and configurations as they were, in both dialects.

use serde_json::json;

use crate::support::documents::{described, encoded, service};
use crate::support::histories::{ANN, BOB, server_with_history};
use crate::support::{Answer, Client, Server};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";
const CONFIG: &str = "/conf/configs/prod";
const BACKENDS: &str = "/conf/prod/backends";

/// A server with three versions of `web`, one a second apart but for the last two, and the ids of all commits.
fn three_states() -> (Server, Vec<String>) {
    server_with_history(&[
        (ANN, "2030-01-01T00:00:10Z", "One", &["web"]),
        (BOB, "2030-01-01T00:00:20Z", "Two", &["web", "api"]),
        (ANN, "2030-01-01T00:00:30Z", "Three", &["web"]),
        (ANN, "2030-01-01T00:00:30Z", "Four", &["web"]),
    ])
}

fn at(client: &Client, path: &str, time: &str) -> Answer {
    client.get(&format!("{path}?at={}", encoded(time)))
}

#[test]
fn a_version_in_the_query_answers_as_the_versions_route() {
    let (server, commits) = three_states();
    let client = server.client();
    for path in [SERVICES, WEB] {
        for commit in &commits {
            for name in [&commit[..], &commit[..12]] {
                let asked = client.get(&format!("{path}?version={name}")).expect(200);
                let listed = client.get(&format!("{path}/versions/{name}")).expect(200);
                assert_eq!((asked.text(), asked.etag()), (listed.text(), listed.etag()), "{path} {name}");
                assert_eq!(asked.version(), *commit);
            }
        }
    }
    let git = server.git();
    let tree = git.rev_parse(&format!("{}:backend-services", commits[1]));
    assert_eq!(client.get(&format!("{SERVICES}?version={}", commits[1])).object(), tree);
}

#[test]
fn a_time_shows_the_last_version_up_to_it() {
    let (server, commits) = three_states();
    let client = server.client();
    let moments = [
        ("2030-01-01T00:00:10Z", 0),
        ("2030-01-01T00:00:19.999Z", 0),
        ("2030-01-01T01:00:20+01:00", 1),
        ("2030-01-01T00:00:29Z", 1),
        // Of two versions of one second the last counts.
        ("2030-01-01T00:00:30Z", 3),
        ("2030-01-01T00:00:30.5Z", 3),
        ("2999-12-31T23:59:59Z", 3),
    ];
    for (time, number) in moments {
        for path in [SERVICES, WEB, CONFIG, BACKENDS] {
            assert_eq!(at(&client, path, time).expect(200).version(), commits[number], "{path} at {time}");
        }
        let web = at(&client, WEB, time).json();
        assert_eq!(web, described("web", &format!("State {number}")), "at {time}");
        assert_eq!(at(&client, SERVICES, time).total(), if number == 0 { 1 } else { 2 }, "at {time}");
    }
    // A plus sign that nobody escaped is a space in a query, and taken for what was meant.
    assert_eq!(client.get(&format!("{WEB}?at=2030-01-01T01:00:20+01:00")).version(), commits[1]);
}

#[test]
fn before_the_first_version_there_was_nothing() {
    let (server, _) = three_states();
    let client = server.client();
    let newest = server.git().rev_parse("prod");
    for path in [SERVICES, WEB, CONFIG] {
        let answer = at(&client, path, "2001-01-01T00:00:00Z").expect_error(404);
        assert!(answer.message().contains("no version yet at 2001-01-01T00:00:00Z"), "{answer:?}");
        assert_eq!(answer.version(), newest, "the version that was looked from");
    }
    let azure = at(&client, BACKENDS, "2001-01-01T00:00:00Z").expect(404);
    assert_eq!(azure.json()["error"]["code"], "ResourceNotFound");
}

#[test]
fn what_was_not_there_then_is_not_found() {
    let (server, commits) = three_states();
    let client = server.client();
    client.get(&format!("{SERVICES}/api?version={}", commits[0])).expect_error(404);
    at(&client, &format!("{SERVICES}/api"), "2030-01-01T00:00:11Z").expect_error(404);
    client.get(&format!("{SERVICES}/api?version={}", commits[1])).expect(200);
    client.get(&format!("{BACKENDS}/none?version={}", commits[1])).expect(404);
}

#[test]
fn unknown_versions_are_not_found() {
    let (server, commits) = three_states();
    let client = server.client();
    client.post("/conf/configs/other", &json!({})).expect(201);
    client.post("/conf/other/backend-services/x", &service("x")).expect(201);
    let foreign = server.git().rev_parse("other");
    for version in ["", "zzz", &commits[0][..6], &"0".repeat(40), &foreign, &foreign[..10], "prod", "HEAD"] {
        for path in [SERVICES, WEB, CONFIG] {
            client.get(&format!("{path}?version={version}")).expect_error(404);
        }
        client.get(&format!("{BACKENDS}?version={version}")).expect(404);
    }
}

#[test]
fn one_state_is_asked_for_and_in_words_that_can_be_read() {
    let (server, commits) = three_states();
    let client = server.client();
    for path in [SERVICES, WEB, CONFIG] {
        let both = format!("{path}?version={}&at=2030-01-01T00:00:10Z", commits[0]);
        assert!(client.get(&both).expect_error(400).message().contains("version"));
        for time in ["", "yesterday", "2030-01-01", "2030-01-01T00:00:00", "2030-13-01T00:00:00Z", "12"] {
            let answer = client.get(&format!("{path}?at={time}")).expect_error(400);
            assert!(answer.message().contains("RFC 3339"), "{answer:?}");
        }
        client.get(&format!("{path}?version={0}&version={0}", commits[0])).expect_error(422);
    }
    for path in [BACKENDS.to_owned(), format!("{BACKENDS}/a"), "/backends".to_owned()] {
        let refused = client.get(&format!("{path}?at=yesterday")).expect(400);
        assert_eq!(refused.json()["error"]["code"], "ValidationError");
        client.get(&format!("{path}?version={}&at=2030-01-01T00:00:10Z", commits[0])).expect(400);
    }
}

#[test]
fn only_reads_take_a_moment() {
    let (server, commits) = three_states();
    let client = server.client();
    let query = format!("?version={}", commits[0]);
    client.put(&format!("{WEB}{query}"), &service("web")).expect_error(422);
    client.delete(&format!("{SERVICES}{query}")).expect_error(422);
    client.get(&format!("/conf/configs{query}")).expect_error(422);
    client.get(&format!("{WEB}/versions/{}{query}", commits[0])).expect_error(422);
}

#[test]
fn conditions_are_held_against_what_is_shown() {
    let (server, commits) = three_states();
    let client = server.client();
    let git = server.git();
    for (path, shown) in [
        (SERVICES, format!("{}:backend-services", commits[0])),
        (WEB, format!("{}:backend-services/web.json", commits[0])),
        (CONFIG, commits[0].clone()),
    ] {
        let old = format!("{path}?version={}", commits[0]);
        let tag = client.get(&old).expect(200).etag();
        assert_eq!(tag, format!("\"{}\"", git.rev_parse(&shown)), "{path}");
        let newest = client.get(path).expect(200).etag();
        assert_ne!(tag, newest);
        let same = client.request("GET", &old).if_none_match(&tag).send().expect(304);
        assert_eq!((same.version(), same.etag()), (commits[0].clone(), tag.clone()));
        client.request("GET", &old).if_none_match(&newest).send().expect(200);
        client.request("GET", &old).if_match(&newest).send().expect_error(412);
        client.request("GET", &old).if_match(&tag).send().expect(200);
        let head = client.request("HEAD", &old).send().expect(200);
        assert!(head.body.is_empty());
        assert_eq!((head.etag(), head.version()), (tag, commits[0].clone()));
    }
}

#[test]
fn a_configuration_is_described_as_it_was() {
    let server = Server::start();
    let client = server.client();
    let mut told = Vec::new();
    for description in ["One", "Two", "Three"] {
        let version = client.put(CONFIG, &json!({"description": description})).expect(200).version();
        told.push((description, version));
    }
    for (description, version) in told {
        let record = client.get(&format!("{CONFIG}?version={version}")).expect(200).json();
        let time = server.git().head(&version).time;
        let date = chrono::DateTime::from_timestamp(time, 0).expect("a time").format("%Y-%m-%dT%H:%M:%SZ");
        let expected =
            json!({"id": "prod", "description": description, "version": version, "date": date.to_string()});
        assert_eq!(record, expected);
    }
}

#[test]
fn backends_are_filtered_and_paged_as_they_were() {
    let server = Server::start();
    let client = server.client();
    for id in ["a", "b", "c"] {
        client.put(&format!("{BACKENDS}/{id}"), &json!({"host": format!("{id}.old.example")})).expect(201);
    }
    let then = client.get(BACKENDS).expect(200);
    for id in ["a", "c"] {
        client.request("DELETE", &format!("{BACKENDS}/{id}")).if_match("*").send().expect(204);
    }
    for root in [BACKENDS, "/backends"] {
        let asked = format!("{root}?version={}", then.version());
        let old = client.get(&asked).expect(200);
        assert_eq!((old.json(), old.etag(), old.version()), (then.json(), then.etag(), then.version()));
        let filtered = client.get(&format!("{asked}&%24filter=host%20gt%20'b'&%24top=1")).expect(200).json();
        assert_eq!(filtered["count"], 2);
        assert_eq!(filtered["value"][0]["id"], "/backends/b");
        let next = filtered["nextLink"].as_str().expect("another page").to_owned();
        let path = &next[next.find("/conf").or_else(|| next.find("/backends")).expect("a path")..];
        let last = client.get(path).expect(200);
        assert_eq!(last.json()["value"][0]["id"], "/backends/c");
        assert_eq!(last.version(), then.version(), "the next page is of the same version");
        let entity = client.get(&format!("{root}/a?version={}", then.version())).expect(200);
        assert_eq!(
            entity.json(),
            json!({"id": "/backends/a", "host": "a.old.example", "skipCertificateChainValidation": false})
        );
        client.get(&format!("{root}/a")).expect(404);
    }
}
