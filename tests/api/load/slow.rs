//! Senders that never come to an end, and readers that never begin.

use std::io::{Read, Write};
use std::thread;

use serde_json::json;

use super::{SERVICES, WEB, connect, dribble, grown, served, start};
use crate::support::documents::{service, with};
use crate::support::{Server, wait_for};

/// Sends slowly over some connections at once, while somebody else is served; each is told 408, and closed.
#[track_caller]
fn told_408(server: &Server, client: &crate::support::Client, head: &str, bytes: &[u8]) -> Vec<String> {
    thread::scope(|threads| {
        let slow: Vec<_> =
            (0..20).map(|_| threads.spawn(|| dribble(connect(server), head.as_bytes(), bytes))).collect();
        served(client, head);
        slow.into_iter()
            .map(|thread| {
                let said = thread.join().expect("the connection ends");
                assert!(said.starts_with("HTTP/1.1 408 "), "{head}\n{said}");
                said
            })
            .collect()
    })
}

#[test]
fn a_head_that_does_not_end_is_told_408() {
    let (server, client) = start(Server::builder().env("REVCONF_HTTP_CLIENT_TIMEOUT", "1"));
    told_408(&server, &client, "GET /conf/configs HTTP/1.1\r\nX-Long: ", b"a");
    told_408(&server, &client, "GET /conf/configs", b"/");
}

#[test]
fn a_body_that_does_not_end_is_told_408() {
    let (server, client) = start(Server::builder().env("REVCONF_HTTP_BODY_TIMEOUT", "1"));
    let before = server.peak();
    for (method, path) in [("PUT", WEB), ("GET", SERVICES)] {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: test\r\n");
        for (length, bytes) in
            [("Content-Length: 1000000", &b" "[..]), ("Transfer-Encoding: chunked", &b"1\r\n \r\n"[..])]
        {
            for said in told_408(&server, &client, &format!("{head}{length}\r\n\r\n"), bytes) {
                assert!(said.contains("the body has not arrived within 1 s"), "{said}");
                assert!(said.to_lowercase().contains("connection: close"), "{said}");
            }
        }
    }
    assert!(grown(&server, before) < 64, "{} MiB", grown(&server, before));
}

/// The framework copies what it is given at once, so that whole sets for many readers would take a copy for each.
#[test]
fn who_never_reads_an_answer_takes_little_memory_and_is_given_up() {
    let (server, client) = start(Server::builder().env("REVCONF_HTTP_SEND_TIMEOUT", "2"));
    let large = |number: usize| with(service(&format!("s{number}")), "mtls_certificate", "x".repeat(1 << 20));
    let set: Vec<_> = (0..8).map(large).collect();
    client.request("POST", SERVICES).json(&json!(set)).send().expect_error(409);
    client.put(SERVICES, &json!(set)).expect(200);
    assert!(client.get(SERVICES).expect(200).body.len() > 8 << 20);
    let (before, files) = (server.peak(), server.open_files());
    let mut readers: Vec<_> = (0..60).map(|_| connect(&server)).collect();
    for (number, reader) in readers.iter_mut().enumerate() {
        let accept = if number % 2 == 0 { "identity" } else { "gzip" };
        let head = format!("GET {SERVICES} HTTP/1.1\r\nHost: test\r\nAccept-Encoding: {accept}\r\n\r\n");
        reader.write_all(head.as_bytes()).expect("sent");
        reader.read_exact(&mut [0; 100]).expect("the answer begins");
    }
    client.post(WEB, &service("web")).expect(201);
    served(&client, "beside those who do not read");
    wait_for("those whose answers are long to be given up", || {
        (server.open_files() < files + 31).then_some(())
    });
    // Whole copies would be 480 MiB.
    assert!(grown(&server, before) < 128, "{} MiB", grown(&server, before));
    drop(readers);
    served(&client, "afterwards");
}

#[test]
fn old_versions_for_those_who_never_read_take_what_there_is_and_no_more() {
    let builder =
        Server::builder().env("REVCONF_HTTP_BODY_MEMORY", "16777216").env("REVCONF_HTTP_SEND_TIMEOUT", "3");
    let (server, client) = start(builder);
    let large =
        |number: usize| with(service("large"), "mtls_certificate", number.to_string().repeat(6 << 20));
    let path = format!("{SERVICES}/large");
    let mut versions = vec![client.post(&path, &large(0)).expect(201).version()];
    versions.extend((1..4).map(|number| client.put(&path, &large(number)).expect(200).version()));
    let read =
        |version: &str| client.request("GET", &format!("{path}/versions/{version}")).allow_5xx().send();
    let mut readers = Vec::new();
    for version in &versions {
        let mut reader = connect(&server);
        let head = format!("GET {path}/versions/{version} HTTP/1.1\r\nHost: test\r\n\r\n");
        reader.write_all(head.as_bytes()).expect("sent");
        readers.push(reader);
    }
    let answers = wait_for("one to be put off", || {
        let answer = read(&versions[0]);
        (answer.status == 503).then_some(answer)
    });
    assert_eq!(answers.header("retry-after"), Some("1"), "{answers:?}");
    served(&client, "beside those who do not read");
    wait_for("those to be given up", || (read(&versions[0]).status == 200).then_some(()));
    drop(readers);
}
