//! Requests as they are, without a client that would only send right ones.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{WEB, line, wanting};
use crate::support::documents::service;
use crate::support::{Answer, Client, Server};

const FETCH: &str = "/git/git-upload-pack";
const PUSH: &str = "/git/git-receive-pack";
const FETCH_TYPE: &str = "application/x-git-upload-pack-request";

fn start() -> (Server, Client) {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    (server, client)
}

fn fetch(client: &Client, encoding: Option<&str>, body: Vec<u8>) -> Answer {
    let request = client.request("POST", FETCH).header("Git-Protocol", "version=2");
    let request = request.header("Content-Type", FETCH_TYPE);
    let request = match encoding {
        Some(encoding) => request.header("Content-Encoding", encoding),
        None => request,
    };
    request.body(body).send()
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut zip = GzEncoder::new(Vec::new(), Compression::default());
    zip.write_all(bytes).expect("memory");
    zip.finish().expect("memory")
}

#[test]
fn the_first_answer_is_as_the_protocol_has_it() {
    let (server, client) = start();
    for (service, kind) in [("git-upload-pack", "upload-pack"), ("git-receive-pack", "receive-pack")] {
        let answer = client.get(&format!("/git/info/refs?service={service}")).expect(200);
        let media_type = format!("application/x-git-{kind}-advertisement");
        assert_eq!(answer.header("content-type"), Some(media_type.as_str()));
        assert!(answer.header("cache-control").is_some_and(|value| value.contains("no-cache")), "{answer:?}");
        let text = answer.text();
        assert!(text.starts_with(&format!("{}0000", line(&format!("# service={service}\n")))), "{text}");
        assert!(text.contains(&server.git().rev_parse("prod")), "{text}");
        let head = client.request("HEAD", &format!("/git/info/refs?service={service}")).send().expect(200);
        assert!(head.body.is_empty() && head.header("content-type") == Some(media_type.as_str()));
    }
    let newest =
        client.request("GET", "/git/info/refs?service=git-upload-pack").header("Git-Protocol", "version=2");
    let newest = newest.send().expect(200).text();
    assert!(newest.starts_with(&line("version 2\n")) && newest.contains("fetch="), "{newest}");
}

#[test]
fn the_older_protocol_is_told_to_be_none() {
    let (_server, client) = start();
    let refused = client.get("/git/info/refs").expect(400).text();
    assert!(refused.contains("git-upload-pack") && refused.contains("not spoken"), "{refused}");
    for path in ["/git", "/git/HEAD", "/git/objects/info/packs", "/git/info/refs/"] {
        let answer = client.request("GET", path).unchecked().send().expect(404);
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    }
    let other = client.get("/git/info/refs?service=git-upload-archive").expect(422).text();
    assert!(other.contains("git-upload-pack, git-receive-pack"), "{other}");
}

#[test]
fn compressed_requests_are_read() {
    let (server, client) = start();
    let request = wanting(&[&server.git().rev_parse("prod")]);
    let plain = fetch(&client, None, request.clone()).expect(200);
    let has_pack = |answer: &Answer| answer.body.windows(4).any(|four| four == b"PACK");
    assert!(has_pack(&plain), "{plain:?}");
    for encoding in ["gzip", "x-gzip"] {
        let answer = fetch(&client, Some(encoding), zipped(&request)).expect(200);
        assert!(has_pack(&answer), "{answer:?}");
    }
    fetch(&client, Some("gzip"), request.clone()).expect(400);
    let brotli = fetch(&client, Some("br"), request).expect(415).text();
    assert!(brotli.contains("gzip"), "{brotli}");
}

#[test]
fn a_small_body_that_unpacks_to_a_large_one_is_not_kept() {
    let server = Server::builder().env("REVCONF_HTTP_MAX_BODY", "1000000").start();
    let client = server.client();
    let before = server.peak();
    let refused = fetch(&client, Some("gzip"), zipped(&vec![b'0'; 200 << 20])).expect(413).text();
    assert!(refused.contains("larger than 1000000 bytes"), "{refused}");
    fetch(&client, None, vec![b'0'; 1_000_001]).expect(413);
    assert!(server.peak() - before < 16 * 1024, "{} KiB more", server.peak() - before);
}

#[test]
fn what_is_no_request_of_gits_is_told_so() {
    let (_server, client) = start();
    for bad in ["x", "0003", "zzzz", "00ffwant", "000bwant x\n"] {
        let refused = fetch(&client, None, bad.as_bytes().to_vec()).expect(400).text();
        assert!(refused.contains("no request of git's"), "{bad}: {refused}");
    }
    for path in [FETCH, PUSH] {
        for kind in ["application/json", "text/plain", "application/x-git-upload-archive-request"] {
            let request = client.request("POST", path).header("Content-Type", kind).body("0000");
            let refused = request.send().expect(415).text();
            assert!(refused.contains("must be application/x-git-"), "{refused}");
        }
        client.request("POST", path).body("0000").send().expect(415);
        client.request("GET", path).send().expect(405);
    }
    for bad in ["version=2\\n", "version 2", "$(id)", &"v".repeat(200)] {
        let request = client.request("GET", "/git/info/refs?service=git-upload-pack");
        let refused = request.header("Git-Protocol", bad).send().expect(400).text();
        assert!(refused.contains("Git-Protocol"), "{refused}");
    }
}
