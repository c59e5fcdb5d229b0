//! 413 and 414, at the limits of the settings.

use crate::support::documents::{service, with};
use crate::support::{Answer, Client, Server};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";

fn server_with_small_bodies() -> Server {
    Server::builder().env("REVCONF_HTTP_MAX_BODY", "2000").start()
}

/// A good document, padded with spaces to exactly this length.
fn body(length: usize) -> Vec<u8> {
    let mut body = service("web").to_string().into_bytes();
    assert!(body.len() <= length);
    body.resize(length, b' ');
    body
}

/// Sends a body in chunks, so that its length is not known beforehand.
#[track_caller]
fn chunked(client: &Client, body: &[u8]) -> Answer {
    let head = format!(
        "POST {WEB} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let mut bytes = head.into_bytes();
    for chunk in body.chunks(100) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
    client.raw(&bytes)
}

/// Sends the head of a request with a body of this length, and nothing of the body.
#[track_caller]
fn announce(client: &Client, length: u64) -> Answer {
    let head = format!(
        "POST {WEB} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    client.raw(head.as_bytes())
}

#[test]
fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
    let server = server_with_small_bodies();
    let client = server.client();
    let before = server.git().refs();
    for length in [2001, 4000, 20_000] {
        for (method, path) in [("POST", WEB), ("PUT", SERVICES), ("POST", "/conf/configs/new")] {
            client.request(method, path).body(body(length)).send().expect_error(413);
        }
    }
    assert_eq!(server.git().refs(), before);
    client.request("POST", WEB).body(body(2000)).send().expect(201);
}

#[test]
fn a_body_in_chunks_has_the_same_limit() {
    let server = server_with_small_bodies();
    let client = server.client();
    let before = server.git().refs();
    for length in [2001, 2100, 20_000] {
        chunked(&client, &body(length)).expect_error(413);
    }
    assert_eq!(server.git().refs(), before);
    chunked(&client, &body(2000)).expect(201);
}

#[test]
fn a_body_that_is_announced_too_long_is_refused_before_it_is_sent() {
    let server = server_with_small_bodies();
    announce(&server.client(), 10_000_000_000).expect_error(413);
}

#[test]
fn the_default_limit_takes_a_large_set() {
    let server = Server::start();
    let client = server.client();
    let long = |number: usize| with(service(&format!("s{number}")), "description", "x".repeat(4096));
    let set: Vec<_> = (0..2000).map(long).collect();
    client.put(SERVICES, &set.into()).expect(200);
    assert_eq!(client.get(SERVICES).total(), 2000);
    announce(&client, (16 << 20) + 1).expect_error(413);
}

/// `GET` of an entry that is not there, with a path and query of exactly this many bytes.
fn target(length: usize, query: bool) -> String {
    let start = if query { format!("{SERVICES}/versions?q=") } else { format!("{SERVICES}/") };
    format!("{start}{}", "x".repeat(length - start.len()))
}

#[test]
fn a_target_may_be_as_long_as_the_limit_and_no_longer() {
    for (builder, limit) in
        [(Server::builder().env("REVCONF_HTTP_MAX_URI", "300"), 300), (Server::builder(), 32_768)]
    {
        let server = builder.start();
        let client = server.client();
        for length in [limit + 1, limit + limit / 2, 60_000] {
            client.get(&target(length, false)).expect_error(414);
            client.get(&target(length, true)).expect_error(414);
            client.request("POST", &target(length, false)).body("{").send().expect_error(414);
        }
        assert_ne!(client.get(&target(limit, true)).status, 414);
        client.get(&target(limit, false)).expect_error(404);
    }
}

#[test]
fn a_refused_request_does_not_spoil_the_next_one() {
    let server = server_with_small_bodies();
    let client = server.client();
    for _ in 0..5 {
        client.request("POST", WEB).body(body(3000)).send().expect_error(413);
        client.get(&target(40_000, false)).expect_error(414);
        client.get(SERVICES).expect(200);
    }
}
