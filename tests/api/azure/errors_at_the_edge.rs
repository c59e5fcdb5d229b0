//! Refusals that a framework or a limit would make before any route is asked: they have Azure's shape all the same.

use super::{Azure, BACKENDS, STALE, XYZ, contoso, path, server_with_xyz};
use crate::support::{Answer, Client, Server, Watch};

/// A body that is good and, padded with spaces, of exactly this length.
fn body(length: usize) -> Vec<u8> {
    let mut body = contoso().to_string().into_bytes();
    assert!(body.len() <= length);
    body.resize(length, b' ');
    body
}

#[test]
fn a_body_over_the_limit_is_413() {
    let server = Server::builder().env("REVCONF_HTTP_MAX_BODY", "2000").start();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    for length in [2001, 4000, 20_000] {
        for path in [XYZ, "/backends/xyz"] {
            client.request("PUT", path).body(body(length)).send().refused(413, "RequestTooLarge");
            let patch = client.request("PATCH", path).if_match("*").body(body(length));
            patch.send().refused(413, "RequestTooLarge");
        }
    }
    watch.untouched();
    client.request("PUT", XYZ).body(body(2000)).send().expect(201);
}

/// Sends the head of a request with a body of this length, and nothing of the body.
#[track_caller]
fn announce(client: &Client, length: u64) -> Answer {
    let head = format!(
        "PUT {XYZ} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    client.raw(head.as_bytes())
}

#[test]
fn a_body_that_is_announced_too_long_is_refused_before_it_is_sent() {
    let server = Server::start();
    announce(&server.client(), 10_000_000_000).refused(413, "RequestTooLarge");
}

#[test]
fn a_body_in_chunks_has_the_same_limit() {
    let server = Server::builder().env("REVCONF_HTTP_MAX_BODY", "2000").start();
    let mut bytes =
        format!("PUT {XYZ} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n").into_bytes();
    for chunk in body(2001).chunks(100) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
    server.client().raw(&bytes).refused(413, "RequestTooLarge");
    server.client().get(XYZ).refused(404, "ResourceNotFound");
}

#[test]
fn a_url_over_the_limit_is_414() {
    for (builder, limit) in
        [(Server::builder().env("REVCONF_HTTP_MAX_URI", "300"), 300), (Server::builder(), 32_768)]
    {
        let server = builder.start();
        let client = server.client();
        let start = format!("{BACKENDS}?$filter=");
        let target = |length: usize| format!("{start}{}", "x".repeat(length - start.len()));
        for length in [limit + 1, 40_000] {
            client.get(&target(length)).refused(414, "UriTooLong");
            client.get(&path(&"x".repeat(length))).refused(414, "UriTooLong");
            client.get(&format!("/backends/{}", "x".repeat(length))).refused(414, "UriTooLong");
            client.put(&path(&"x".repeat(length)), &contoso()).refused(414, "UriTooLong");
        }
        client.get(&target(limit)).refused(400, "ValidationError");
    }
}

#[test]
fn an_encoding_that_takes_nothing_is_406() {
    let server = server_with_xyz();
    let client = server.client();
    for accept in ["identity;q=0", "*;q=0", "identity;q=0, *;q=0", "deflate-x, *;q=0"] {
        for path in [BACKENDS, XYZ, "/backends", "/backends/xyz"] {
            let answer = client.request("GET", path).header("Accept-Encoding", accept).send();
            answer.refused(406, "NotAcceptable");
        }
    }
    client.request("GET", XYZ).header("Accept-Encoding", "identity").send().expect(200);
}

#[test]
fn a_refusal_is_not_garbled_by_compression() {
    let server = server_with_xyz();
    let client = server.client();
    // Every error of a client that takes gzip must still be readable to it: short ones are left as they are, or said
    // to be compressed.
    for (status, target) in [(404, path("absent")), (400, format!("{BACKENDS}?$top=0"))] {
        let answer = client.request("GET", &target).header("Accept-Encoding", "gzip").send().expect(status);
        let compressed = answer.body.starts_with(&[0x1f, 0x8b]);
        assert_eq!(answer.header("content-encoding").is_some(), compressed, "{answer:?}");
    }
}

#[test]
fn a_header_that_cannot_be_read_is_400() {
    let server = server_with_xyz();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    for value in ["x", "\"x", "x\"", "W/x", "w/\"x\"", "\"x\" \"y\"", "\"x\"y", "'x'"] {
        for header in ["If-Match", "If-None-Match"] {
            for target in [BACKENDS, XYZ] {
                let answer = client.request("GET", target).header(header, value).send();
                answer.refused(400, "InvalidHeader");
            }
            let answer = client.request("PUT", &path("new")).header(header, value).json(&contoso()).send();
            answer.refused(400, "InvalidHeader");
        }
        super::patch(&client, XYZ, value, &contoso()).refused(400, "InvalidHeader");
        super::delete(&client, XYZ, value).refused(400, "InvalidHeader");
    }
    let head = format!("DELETE {XYZ} HTTP/1.1\r\nHost: test\r\nIf-Match: \"");
    let bytes = [head.as_bytes(), b"\xff\"\r\n\r\n"];
    client.raw(&bytes.concat()).refused(400, "InvalidHeader");
    watch.untouched();
}

#[test]
fn a_refused_request_does_not_spoil_the_next_one() {
    let server = Server::builder().env("REVCONF_HTTP_MAX_BODY", "2000").start();
    let client = server.client();
    for _ in 0..5 {
        client.request("PUT", XYZ).body(body(3000)).send().refused(413, "RequestTooLarge");
        client.get(&path(&"x".repeat(40_000))).refused(414, "UriTooLong");
        super::delete(&client, XYZ, STALE).refused(404, "ResourceNotFound");
        assert_eq!(client.get(BACKENDS).expect(200).count(), 0);
    }
}
