//! Bodies that are too large for one, or for all together.

use std::collections::BTreeSet;
use std::thread;

use serde_json::Value;

use super::{SERVICES, WEB, connect, dribble, grown, served, start};
use crate::support::{Client, Server};

/// Each method and path of the service's own description, about a configuration that is there.
fn routes(client: &Client) -> Vec<(String, String)> {
    let description = client.get("/openapi.json").expect(200).json();
    let paths = description["paths"].as_object().expect("paths").clone();
    let mut routes = Vec::new();
    // What git's clients send has a limit of its own, and is told in text (`git_door::limits`).
    for (path, operations) in paths.into_iter().filter(|(path, _)| !path.starts_with("/git/")) {
        let path = path.replace("{config}", "prod").replace("{version}", "1234567").replace("{id}", "web");
        let path = path.replace("{file}", "index.css").replace("{release}", "spring");
        assert!(!path.contains('{'), "{path}");
        let methods = operations.as_object().expect("operations").keys();
        let methods =
            methods.filter(|name| ["get", "put", "post", "patch", "delete"].contains(&name.as_str()));
        routes.extend(methods.map(|method| (method.to_uppercase(), path.clone())));
    }
    assert!(routes.len() > 40, "{routes:?}");
    routes
}

#[test]
fn a_huge_body_is_told_413_by_every_route() {
    let (server, client) = start(Server::builder().env("REVCONF_HTTP_MAX_BODY", "100000"));
    let before = server.peak();
    let chunk = format!("{:x}\r\n{}\r\n", 50_000, " ".repeat(50_000)).repeat(10);
    for (method, path) in routes(&client) {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: test\r\nIf-Match: *\r\n");
        let announced = client.raw(format!("{head}Content-Length: 100000000000\r\n\r\n").as_bytes());
        assert_eq!(announced.status, 413, "{announced:?}");
        let chunked = client.raw(format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}").as_bytes());
        assert_eq!(chunked.status, 413, "{chunked:?}");
        for answer in [announced, chunked] {
            let said = answer.json();
            let message = said.get("message").or_else(|| said.pointer("/error/message"));
            let message = message.and_then(Value::as_str).unwrap_or_default();
            assert!(message.contains("larger than 100000 bytes"), "{said}");
        }
    }
    served(&client, "afterwards");
    assert!(grown(&server, before) < 32, "{} MiB", grown(&server, before));
}

/// Whoever goes on sending after the answer is not read for ever.
#[test]
fn an_endless_body_ends_with_its_connection() {
    let (server, client) = start(Server::builder().env("REVCONF_HTTP_MAX_BODY", "1000"));
    let chunk = format!("3e8\r\n{}\r\n", " ".repeat(1000));
    for (method, path, status) in [
        ("PUT", WEB, 413),
        ("GET", WEB, 413),
        ("GET", "/nowhere", 404),
        ("PUT", "/health/live", 405),
        ("OPTIONS", WEB, 204),
    ] {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}{chunk}"
        );
        let said = dribble(connect(&server), head.as_bytes(), chunk.as_bytes());
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{head}\n{said}");
    }
    served(&client, "afterwards");
}

#[test]
fn a_compressed_body_is_not_unpacked() {
    let (server, client) = start(Server::builder());
    let before = server.peak();
    for encoding in ["gzip", "br", "zstd", "deflate"] {
        let request = client.request("PUT", SERVICES).header("Content-Encoding", encoding);
        request.body(vec![0; 1_000_000]).send().expect_error(415);
    }
    assert!(grown(&server, before) < 32, "{} MiB", grown(&server, before));
}

#[test]
fn bodies_that_do_not_fit_together_are_put_off_and_small_ones_are_not() {
    let builder = Server::builder()
        .env("REVCONF_HTTP_BODY_MEMORY", "4194304")
        .env("REVCONF_HTTP_MAX_BODY", "1000000")
        .env("REVCONF_HTTP_BODY_TIMEOUT", "4");
    let (server, client) = start(builder);
    let before = server.peak();
    let head = format!(
        "PUT {SERVICES} HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n{}",
        " ".repeat(900_000)
    );
    let statuses: BTreeSet<String> = thread::scope(|threads| {
        let slow: Vec<_> =
            (0..30).map(|_| threads.spawn(|| dribble(connect(&server), head.as_bytes(), b" "))).collect();
        for count in 0..20 {
            served(&client, &format!("beside them {count}"));
        }
        let said = slow.into_iter().map(|thread| thread.join().expect("the connection ends"));
        said.map(|said| {
            let (status, rest) = said.split_once("\r\n").expect("an answer");
            assert_eq!(status.contains("503"), rest.to_lowercase().contains("retry-after: 1"), "{said}");
            status.to_owned()
        })
        .collect()
    });
    assert!(statuses.contains("HTTP/1.1 503 Service Unavailable"), "{statuses:?}");
    let others = ["HTTP/1.1 503 Service Unavailable".to_owned(), "HTTP/1.1 408 Request Timeout".to_owned()];
    assert!(statuses.is_subset(&BTreeSet::from(others)), "{statuses:?}");
    // Thirty would be 27 MiB in bytes alone; the rest is what the service put by for its threads.
    assert!(grown(&server, before) < 24, "{} MiB", grown(&server, before));
    let mut large = vec![b' '; 600_000];
    large.extend(b"[]");
    client.request("PUT", SERVICES).body(large).send().expect(200);
}
