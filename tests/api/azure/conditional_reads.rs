//! `If-None-Match` and `If-Match` on `GET` and `HEAD`.

use serde_json::json;

use super::{Azure, BACKENDS, HOST, STALE, XYZ, create, patch, server_with_xyz};
use crate::support::Server;

/// Values of `If-None-Match` for what has the tag `current`, and the status.
fn forms(current: &str) -> Vec<(String, u16)> {
    vec![
        (current.to_owned(), 304),
        (STALE.to_owned(), 200),
        (format!("{STALE}, {current}"), 304),
        (format!("{STALE}, \"x\""), 200),
        // Compared weakly: whether the bytes are the same, not whether they may be changed.
        (format!("W/{current}"), 304),
        ("*".to_owned(), 304),
        (current.trim_matches('"').to_owned(), 400),
        ("\"x".to_owned(), 400),
    ]
}

#[test]
fn reads_obey_every_form_of_if_none_match() {
    let server = server_with_xyz();
    let client = server.client();
    let version = server.git().rev_parse("prod");
    for path in [XYZ, BACKENDS, "/backends", "/backends/xyz"] {
        let plain = client.get(path).expect(200);
        for (value, status) in forms(&plain.etag()) {
            for method in ["GET", "HEAD"] {
                let answer = client.request(method, path).if_none_match(&value).send();
                assert_eq!(answer.status, status, "{answer:?}");
                if status == 400 && method == "GET" {
                    answer.refused(400, "InvalidHeader");
                } else if status != 400 {
                    assert_eq!((answer.etag(), answer.version()), (plain.etag(), version.clone()));
                    let expected = if status == 200 && method == "GET" { plain.body.as_slice() } else { b"" };
                    assert_eq!(answer.body, expected, "{answer:?}");
                }
            }
        }
    }
}

#[test]
fn reads_obey_if_match() {
    let server = server_with_xyz();
    let client = server.client();
    for path in [XYZ, BACKENDS] {
        let current = client.get(path).etag();
        for value in [current.as_str(), "*", "\"*\"", &format!("{STALE}, {current}")] {
            client.request("GET", path).if_match(value).send().expect(200);
        }
        for value in [STALE, &format!("W/{current}")] {
            client.request("GET", path).if_match(value).send().refused(412, "PreconditionFailed");
            client.request("HEAD", path).if_match(value).send().expect(412);
        }
        client.request("GET", path).if_match("unquoted").send().refused(400, "InvalidHeader");
    }
}

#[test]
fn what_is_absent_is_404_under_every_precondition() {
    let server = Server::start();
    let client = server.client();
    for path in [XYZ, "/backends/xyz", "/conf/nowhere/backends", "/conf/nowhere/backends/xyz"] {
        for value in [STALE, "*", "W/\"x\"", "\"x\", \"y\""] {
            client.request("GET", path).if_none_match(value).send().refused(404, "ResourceNotFound");
            client.request("GET", path).if_match(value).send().refused(404, "ResourceNotFound");
            client.request("HEAD", path).if_none_match(value).send().expect(404);
        }
    }
}

#[test]
fn a_list_that_was_read_is_new_again_after_any_change_of_a_backend() {
    let server = server_with_xyz();
    let client = server.client();
    let filtered = format!("{BACKENDS}?$filter=id%20eq%20'xyz'&$top=5");
    let tag = client.get(&filtered).expect(200).etag();
    client.request("GET", &filtered).if_none_match(&tag).send().expect(304);
    client.post("/conf/prod/backend-services/web", &json!({"name": "web"})).expect(201);
    client.request("GET", &filtered).if_none_match(&tag).send().expect(304);

    patch(&client, XYZ, "*", &json!({"host": "new.contoso.com"})).expect(204);
    client.request("GET", &filtered).if_none_match(&tag).send().expect(200);
    // The same content has the same tag, whenever it was written.
    patch(&client, XYZ, "*", &json!({"host": HOST})).expect(204);
    client.request("GET", &filtered).if_none_match(&tag).send().expect(304);
    create(&client, "other", HOST);
    client.request("GET", &filtered).if_none_match(&tag).send().expect(200);
}
