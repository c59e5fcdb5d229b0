//! `If-Match` on `PATCH` and `DELETE`, and `If-None-Match` on `PUT`: as a matrix, on what is there and what is not.

use serde_json::json;

use super::{Azure, HOST, STALE, XYZ, contoso, create, path, server_with_xyz};
use crate::support::{Answer, Client, Server, Watch};

/// A value of `If-Match`, and what it means for a backend that has the tag it was made for.
struct Given {
    name: &'static str,
    value: Option<String>,
    status: u16,
    code: &'static str,
}

fn forms(current: &str) -> Vec<Given> {
    const PASSES: (u16, &str) = (204, "");
    const FAILS: (u16, &str) = (412, "PreconditionFailed");
    const MALFORMED: (u16, &str) = (400, "InvalidHeader");
    let unquoted = current.trim_matches('"');
    let forms = [
        ("no tag", None, (400, "IfMatchRequired")),
        ("the current tag", Some(current.to_owned()), PASSES),
        ("a stale tag", Some(STALE.to_owned()), FAILS),
        ("a list with a match", Some(format!("{STALE}, \"x\", {current}")), PASSES),
        ("a list without a match", Some(format!("{STALE}, \"x\"")), FAILS),
        ("a weak tag", Some(format!("W/{current}")), FAILS),
        ("a list of weak tags", Some(format!("W/{current}, W/{STALE}")), FAILS),
        ("*", Some("*".to_owned()), PASSES),
        // As Azure's documentation prints it.
        ("\"*\"", Some("\"*\"".to_owned()), PASSES),
        ("\"*\" in a list", Some(format!("{STALE}, \"*\"")), PASSES),
        ("a weak \"*\"", Some("W/\"*\"".to_owned()), FAILS),
        ("no quotes", Some(unquoted.to_owned()), MALFORMED),
        ("a quote that does not end", Some(format!("\"{unquoted}")), MALFORMED),
        ("single quotes", Some(format!("'{unquoted}'")), MALFORMED),
    ];
    forms.map(|(name, value, (status, code))| Given { name, value, status, code }).into()
}

#[track_caller]
fn send(client: &Client, method: &str, path: &str, if_match: Option<&str>) -> Answer {
    let mut request = client.request(method, path);
    if let Some(tag) = if_match {
        request = request.if_match(tag);
    }
    let body = json!({"skipCertificateChainValidation": true});
    if method == "PATCH" { request.json(&body).send() } else { request.send() }
}

#[test]
fn a_backend_that_is_there_is_changed_only_under_a_tag_that_matches() {
    let server = Server::start();
    let client = server.client();
    for method in ["PATCH", "DELETE"] {
        for row in 0..forms("").len() {
            let path = path(&format!("{}-{row}", method.to_lowercase()));
            let current = client.put(&path, &contoso()).expect(201).etag();
            let given = &forms(&current)[row];
            let watch = Watch::on(&server, "prod");
            let answer = send(&client, method, &path, given.value.as_deref());
            assert_eq!(answer.status, given.status, "{method} under {}:\n{answer:?}", given.name);
            if given.status == 204 {
                watch.one_commit(&answer);
            } else {
                let refused = answer.refused(given.status, given.code);
                watch.untouched();
                assert_eq!(client.get(&path).expect(200).etag(), current, "{refused:?}");
            }
        }
    }
}

#[test]
fn a_backend_that_is_absent_is_not_found_under_any_tag() {
    let server = Server::start();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    for method in ["PATCH", "DELETE"] {
        for given in forms(STALE) {
            let answer = send(&client, method, XYZ, given.value.as_deref());
            // What a header means can be told before it is known whether there is anything to compare it with.
            let expected = if given.status == 400 { (400, given.code) } else { (404, "ResourceNotFound") };
            assert_eq!(answer.status, expected.0, "{method} under {}:\n{answer:?}", given.name);
            answer.refused(expected.0, expected.1);
        }
    }
    watch.untouched();
}

#[test]
fn a_tag_from_before_a_change_is_stale_after_it() {
    let server = server_with_xyz();
    let client = server.client();
    let first = client.get(XYZ).etag();
    let second = send(&client, "PATCH", XYZ, Some(&first)).expect(204).etag();
    assert_ne!(first, second);
    send(&client, "PATCH", XYZ, Some(&first)).refused(412, "PreconditionFailed");
    send(&client, "DELETE", XYZ, Some(&first)).refused(412, "PreconditionFailed");
    send(&client, "DELETE", XYZ, Some(&second)).expect(204);
    send(&client, "DELETE", XYZ, Some(&second)).refused(404, "ResourceNotFound");
}

#[test]
fn the_tag_of_something_else_is_no_match() {
    let server = server_with_xyz();
    let client = server.client();
    let other = create(&client, "other", HOST).etag();
    send(&client, "DELETE", XYZ, Some(&other)).refused(412, "PreconditionFailed");
    let list = client.get("/conf/prod/backends").etag();
    send(&client, "DELETE", XYZ, Some(&list)).refused(412, "PreconditionFailed");
}

#[test]
fn if_none_match_alone_does_not_replace_if_match_but_counts_beside_it() {
    let server = server_with_xyz();
    let client = server.client();
    let current = client.get(XYZ).etag();
    let watch = Watch::on(&server, "prod");
    let patch = || client.request("PATCH", XYZ).body("{}");
    let delete = || client.request("DELETE", XYZ);
    for request in [patch(), delete()] {
        request.if_none_match(STALE).send().refused(400, "IfMatchRequired");
    }
    for none in [current.as_str(), "*"] {
        for request in [patch(), delete()] {
            request.if_match("*").if_none_match(none).send().refused(412, "PreconditionFailed");
        }
    }
    watch.untouched();
    let body = json!({"host": "new.contoso.com"});
    client.request("PATCH", XYZ).if_match(&current).if_none_match(STALE).json(&body).send().expect(204);
}

#[test]
fn creating_what_is_absent_obeys_every_precondition() {
    let server = Server::start();
    let client = server.client();
    let list = format!("{STALE}, \"x\"");
    let weak = format!("W/{STALE}");
    let cases = [
        ("If-None-Match", "*", 201, ""),
        ("If-None-Match", STALE, 201, ""),
        ("If-None-Match", list.as_str(), 201, ""),
        ("If-None-Match", weak.as_str(), 201, ""),
        ("If-None-Match", "unquoted", 400, "InvalidHeader"),
        // Nothing is there that could match.
        ("If-Match", "*", 412, "PreconditionFailed"),
        ("If-Match", STALE, 412, "PreconditionFailed"),
        ("If-Match", "unquoted", 400, "InvalidHeader"),
    ];
    for (row, (header, value, status, code)) in cases.into_iter().enumerate() {
        let path = path(&format!("new{row}"));
        let answer = client.request("PUT", &path).header(header, value).json(&contoso()).send();
        assert_eq!(answer.status, status, "{header}: {value}\n{answer:?}");
        if status != 201 {
            answer.refused(status, code);
        }
        client.get(&path).expect(if status == 201 { 200 } else { 404 });
    }
}

#[test]
fn creating_what_is_there_is_a_conflict_unless_if_none_match_asked_first() {
    let server = server_with_xyz();
    let client = server.client();
    let current = client.get(XYZ).etag();
    let list = format!("{STALE}, {current}");
    let weak = format!("W/{current}");
    let watch = Watch::on(&server, "prod");
    let cases = [
        ("If-None-Match", "*", 412, "PreconditionFailed"),
        ("If-None-Match", current.as_str(), 412, "PreconditionFailed"),
        ("If-None-Match", list.as_str(), 412, "PreconditionFailed"),
        // If-None-Match compares weakly.
        ("If-None-Match", weak.as_str(), 412, "PreconditionFailed"),
        ("If-None-Match", STALE, 409, "ResourceExists"),
        ("If-None-Match", "unquoted", 400, "InvalidHeader"),
        ("If-Match", "*", 409, "ResourceExists"),
        ("If-Match", current.as_str(), 409, "ResourceExists"),
    ];
    for (header, value, status, code) in cases {
        let answer = client.request("PUT", XYZ).header(header, value).json(&contoso()).send();
        assert_eq!(answer.status, status, "{header}: {value}\n{answer:?}");
        answer.refused(status, code);
    }
    watch.untouched();
}
