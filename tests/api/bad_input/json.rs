//! Bodies that are no JSON, or JSON of another shape.

use super::Unmoved;
use crate::support::documents::service;
use crate::support::{Answer, Client, Server};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";

/// A server with the entry `web`.
fn server() -> Server {
    let server = Server::start();
    server.client().post(WEB, &service("web")).expect(201);
    server
}

/// The same body through every door that takes one.
#[track_caller]
fn through_every_door(client: &Client, body: &[u8]) -> Vec<Answer> {
    let doors = [
        ("PUT", WEB),
        ("POST", "/conf/prod/backend-services/new"),
        ("PUT", SERVICES),
        ("PUT", "/conf/prod/backend-services?mode=merge"),
        ("PUT", "/conf/configs/prod"),
        ("POST", "/conf/configs/new"),
    ];
    doors.iter().map(|(method, path)| client.request(method, path).body(body).send()).collect()
}

/// A 400 that says the line and the column, in members and in words.
#[track_caller]
fn place(answer: Answer) -> (u64, u64) {
    let answer = answer.expect_error(400);
    let body = answer.json();
    let number = |name: &str| body[name].as_u64().unwrap_or_else(|| panic!("no {name} in\n{answer:?}"));
    let (line, column) = (number("line"), number("column"));
    assert!(answer.message().contains(&format!("line {line} column {column}")), "{answer:?}");
    (line, column)
}

#[test]
fn what_cannot_be_parsed_is_400_with_its_place() {
    let server = server();
    let client = server.client();
    let unmoved = Unmoved::watch(&server);
    let broken: [&[u8]; 34] = [
        b" ",
        b"{",
        b"[",
        b"{\"name\": \"x\"",
        b"{\"name\": }",
        b"{\"name\" \"x\"}",
        b"{name: \"x\"}",
        b"{'name': 'x'}",
        b"{\"name\": \"x\",}",
        b"[1, 2,]",
        b"{\"name\": \"x\"} trailing",
        b"{\"name\": \"x\"}{}",
        b"[][]",
        b"\xef\xbb\xbf{\"name\": \"x\"}",
        b"{\"name\": \"\xff\"}",
        b"{\"name\": \"\xc3\"}",
        b"{\"name\": \"\xed\xa0\x80\"}",
        b"{\"na\xffme\": \"x\"}",
        b"{\"name\": \"\\ud800\"}",
        b"{\"name\": \"\\udc00\\ud800\"}",
        b"{\"name\": \"\\x41\"}",
        b"{\"name\": \"a\nb\"}",
        b"{\"name\": \"a\0b\"}",
        b"{\"name\": 1e400}",
        b"{\"name\": -1e400}",
        b"{\"name\": NaN}",
        b"{\"name\": Infinity}",
        b"{\"name\": -}",
        b"{\"name\": 01}",
        b"{\"name\": 1.}",
        b"{\"name\": +1}",
        b"{\"name\": 0x10}",
        b"{\"name\": nul}",
        b"{/* a comment */}",
    ];
    for body in broken {
        for answer in through_every_door(&client, body) {
            place(answer);
        }
    }
    let utf_16: Vec<u8> = "{\"name\": \"x\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for answer in through_every_door(&client, &utf_16) {
        place(answer);
    }
    unmoved.verify(&server);
}

#[test]
fn a_missing_body_is_400_where_a_document_is_wanted() {
    let server = server();
    let client = server.client();
    let unmoved = Unmoved::watch(&server);
    for (method, path) in [
        ("PUT", WEB),
        ("POST", "/conf/prod/backend-services/new"),
        ("PUT", SERVICES),
        ("PUT", "/conf/configs/prod"),
    ] {
        place(client.request(method, path).send());
        place(client.request(method, path).header("Content-Type", "application/json").body("").send());
    }
    unmoved.verify(&server);
}

#[test]
fn the_place_is_that_of_the_fault() {
    let server = server();
    let client = server.client();
    let put = |body: &str| client.request("PUT", WEB).body(body).send();
    assert_eq!(place(put("{\n  \"name\": oops\n}")).0, 2);
    assert_eq!(place(put("{\n  \"name\": \"x\",\n  \"name\": \"y\"\n}")).0, 3);
    assert_eq!(place(put("{\n\n\n\"name\": \"\\ud800\"}")).0, 4);
    let (line, column) = place(put("{\"name\": oops}"));
    assert_eq!(line, 1);
    assert!((9..=11).contains(&column), "the o is the tenth character, not the {column}th");
}

#[test]
fn the_same_key_twice_is_refused_at_every_depth() {
    let server = server();
    let client = server.client();
    let unmoved = Unmoved::watch(&server);
    let doubled = [
        r#"{"name": "x", "name": "x"}"#,
        r#"{"name": "x", "n\u0061me": "y"}"#,
        r#"{"name": "x", "back_hosts": [{"host": "a", "host": "b"}]}"#,
        r#"{"name": "x", "unknown": {"a": {"b": 1, "b": 2}}}"#,
        r#"[{"id": "a", "name": "x", "id": "b"}]"#,
        r#"{"description": "x", "description": "x"}"#,
    ];
    for body in doubled {
        for answer in through_every_door(&client, body.as_bytes()) {
            place(answer);
        }
    }
    unmoved.verify(&server);
}

fn nested(depth: usize) -> Vec<u8> {
    [b"[".repeat(depth), b"]".repeat(depth)].concat()
}

#[test]
fn json_may_be_64_levels_deep_and_no_deeper() {
    let server = server();
    let client = server.client();
    let unmoved = Unmoved::watch(&server);
    for answer in through_every_door(&client, &nested(64)) {
        answer.expect_error(422);
    }
    for depth in [65, 66, 129, 1000, 100_000] {
        for answer in through_every_door(&client, &nested(depth)) {
            place(answer);
        }
        let objects = [b"{\"a\":".repeat(depth), b"1".to_vec(), b"}".repeat(depth)].concat();
        for answer in through_every_door(&client, &objects) {
            place(answer);
        }
        // What was opened and never closed.
        place(client.request("PUT", WEB).body(b"[".repeat(depth)).send());
    }
    unmoved.verify(&server);
}

#[test]
fn json_of_another_shape_is_422() {
    let server = server();
    let client = server.client();
    let unmoved = Unmoved::watch(&server);
    for body in ["[]", "5", "\"text\"", "null", "true", "[{\"name\": \"x\"}]", "-0.0", "1e308"] {
        for path in [WEB, "/conf/configs/prod"] {
            client.request("PUT", path).body(body).send().expect_faults(&[(r#"["body"]"#, "object_type")]);
        }
    }
    for body in ["{}", "5", "\"text\"", "null", "true", "{\"items\": []}", "{\"total\": 0, \"items\": []}"] {
        client.request("PUT", SERVICES).body(body).send().expect_faults(&[(r#"["body"]"#, "list_type")]);
    }
    unmoved.verify(&server);
}

#[test]
fn white_space_around_a_document_is_no_fault() {
    let server = server();
    let body = format!("\r\n\t {} \n\n", service("web"));
    server.client().request("PUT", WEB).body(body).send().expect(200);
}
