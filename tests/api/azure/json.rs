//! Bodies that are no JSON, or JSON of another shape.

use super::{Azure, HOST, XYZ, path, server_with_xyz};
use crate::support::{Answer, Client, Watch};

const NEW: &str = "/conf/prod/backends/new";

/// The same body through both doors that take one.
#[track_caller]
fn through_both_doors(client: &Client, body: &[u8]) -> [Answer; 2] {
    [
        client.request("PUT", NEW).body(body).send(),
        client.request("PATCH", XYZ).if_match("*").body(body).send(),
    ]
}

/// The words say where it breaks off.
#[track_caller]
fn assert_says_where(answer: &Answer, line: usize) {
    let said = answer.said();
    assert!(said.contains(&format!("line {line} column ")), "{answer:?}");
}

#[test]
fn what_cannot_be_parsed_is_400_with_its_place() {
    let server = server_with_xyz();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    let broken: [(&[u8], usize); 16] = [
        (b"", 1),
        (b" ", 1),
        (b"{", 1),
        (b"{\"host\": }", 1),
        (b"{\n  \"host\": oops\n}", 2),
        (b"{\n\n\"host\": \"a\",}", 3),
        (b"{host: \"a\"}", 1),
        (b"{'host': 'a'}", 1),
        (b"{\"host\": \"a\"} trailing", 1),
        (b"{\"host\": \"a\"}{}", 1),
        (b"{\"host\": \"a\", \"host\": \"a\"}", 1),
        (b"{\"host\": \"a\",\n\"ho\\u0073t\": \"b\"}", 2),
        (b"{\"host\": \"\xff\"}", 1),
        (b"{\"host\": \"\\ud800\"}", 1),
        (b"{\"skipCertificateChainValidation\": 1e400}", 1),
        (b"\xef\xbb\xbf{\"host\": \"a\"}", 1),
    ];
    for (body, line) in broken {
        for answer in through_both_doors(&client, body) {
            let answer = answer.refused_for(&[("body", "Json")]);
            assert_says_where(&answer, line);
        }
    }
    watch.untouched();
}

#[test]
fn the_column_counts_from_one() {
    let server = server_with_xyz();
    let answer = server.client().request("PUT", NEW).body("{\"host\": oops}").send();
    let said = answer.refused_for(&[("body", "Json")]).said();
    let (_, column) = said.split_once("line 1 column ").unwrap_or_else(|| panic!("no place in {said}"));
    let digits: String = column.chars().take_while(char::is_ascii_digit).collect();
    assert!(["9", "10", "11"].contains(&digits.as_str()), "the o is the tenth character, not {digits}");
}

#[test]
fn json_may_be_64_levels_deep_and_no_deeper() {
    let server = server_with_xyz();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    let nested = |depth: usize| [b"[".repeat(depth), b"]".repeat(depth)].concat();
    for answer in through_both_doors(&client, &nested(64)) {
        answer.refused_for(&[("body", "ObjectType")]);
    }
    for depth in [65, 1000, 100_000] {
        for body in [nested(depth), b"[".repeat(depth), b"{\"host\":".repeat(depth)] {
            for answer in through_both_doors(&client, &body) {
                answer.refused_for(&[("body", "Json")]);
            }
        }
    }
    watch.untouched();
}

#[test]
fn json_that_is_no_object_is_refused() {
    let server = server_with_xyz();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    for body in ["[]", "5", "\"text\"", "null", "true", "[{\"host\":\"a\"}]"] {
        for answer in through_both_doors(&client, body.as_bytes()) {
            answer.refused_for(&[("body", "ObjectType")]);
        }
    }
    watch.untouched();
}

#[test]
fn white_space_around_an_entity_is_no_fault() {
    let server = server_with_xyz();
    let client = server.client();
    let body = format!("\r\n\t {{ \"host\" : \"{HOST}\" }} \n\n");
    client.request("PUT", NEW).body(body.as_str()).send().expect(201);
    client.request("PATCH", XYZ).if_match("*").body(body).send().expect(204);
    client.get(&path("new")).expect(200);
}
