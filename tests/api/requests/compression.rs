//! Compression by `Accept-Encoding`, which leaves everything else about an answer as it is.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::documents::described;
use crate::support::program;
use crate::support::{Answer, Client, Server};

const SERVICES: &str = "/conf/prod/backend-services";

/// A server with a set that is worth compressing.
fn server_with_a_large_set() -> Server {
    let server = Server::start();
    let set: Vec<Value> =
        (0..200).map(|number| described(&format!("s{number}"), "much the same in each")).collect();
    server.client().post(SERVICES, &json!(set)).expect(201);
    server
}

#[track_caller]
fn get(client: &Client, path: &str, accept_encoding: &str) -> Answer {
    client.request("GET", path).header("Accept-Encoding", accept_encoding).send().expect(200)
}

#[test]
fn answers_are_compressed_as_the_client_can_read_them() {
    let server = server_with_a_large_set();
    let client = server.client();
    let plain = client.get(SERVICES).expect(200);
    assert_eq!(plain.header("content-encoding"), None);
    let encodings: [(&str, &[u8]); 3] =
        [("gzip", &[0x1f, 0x8b]), ("br", &[]), ("zstd", &[0x28, 0xb5, 0x2f, 0xfd])];
    for (encoding, magic) in encodings {
        let answer = get(&client, SERVICES, encoding);
        assert_eq!(answer.header("content-encoding"), Some(encoding), "{encoding}");
        assert!(answer.body.starts_with(magic), "{encoding}: {:x?}", &answer.body[..4]);
        assert!(
            answer.body.len() < plain.body.len() / 5,
            "{encoding}: {} of {}",
            answer.body.len(),
            plain.body.len()
        );
        let vary = answer.header("vary").unwrap_or_default().to_ascii_lowercase();
        assert!(vary.contains("accept-encoding"), "caches must keep the forms apart: Vary: {vary}");
        assert_eq!((answer.etag(), answer.version()), (plain.etag(), plain.version()));
    }
}

#[test]
fn a_compressed_answer_is_the_plain_one() {
    let server = server_with_a_large_set();
    let client = server.client();
    for path in [SERVICES, "/openapi.json", "/conf/prod/backend-services/versions"] {
        let plain = client.get(path).expect(200);
        let compressed = get(&client, path, "gzip");
        let body = if compressed.header("content-encoding").is_some() {
            let mut gzip = Command::new("gzip");
            gzip.arg("-dc");
            program::finish(gzip, &compressed.body).expect_success().stdout
        } else {
            compressed.text()
        };
        assert_eq!(body, plain.text(), "{path}");
    }
}

#[test]
fn what_the_client_refuses_is_not_used() {
    let server = server_with_a_large_set();
    let client = server.client();
    for accept in ["identity", "gzip;q=0", "deflate-x", "gzip;q=0, br;q=0, zstd;q=0, identity"] {
        let answer = get(&client, SERVICES, accept);
        assert_eq!(answer.header("content-encoding"), None, "{accept}");
        assert_eq!(answer.total(), 200);
    }
    assert_eq!(get(&client, SERVICES, "gzip;q=0, br").header("content-encoding"), Some("br"));
}

#[test]
fn a_compressed_answer_can_be_asked_for_conditionally() {
    let server = server_with_a_large_set();
    let client = server.client();
    let tag = get(&client, SERVICES, "gzip").etag();
    let again = client
        .request("GET", SERVICES)
        .header("Accept-Encoding", "gzip")
        .if_none_match(&tag)
        .send()
        .expect(304);
    assert_eq!(again.etag(), tag);
    assert!(again.body.is_empty());
    client.request("PUT", SERVICES).if_match(&tag).json(&json!([])).send().expect(200);
}
