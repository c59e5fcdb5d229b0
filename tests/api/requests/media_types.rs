//! What is accepted and what is sent: 406 and 415.

use super::server_with_entries;
use crate::support::documents::{described, service};

const WEB: &str = "/conf/prod/backend-services/web";

#[test]
fn answers_are_json_and_say_so() {
    let (server, _) = server_with_entries();
    let client = server.client();
    for accept in [
        "application/json",
        "application/*",
        "*/*",
        "text/html, */*;q=0.1",
        "application/problem+json",
        "application/JSON",
    ] {
        let answer = client.request("GET", WEB).header("Accept", accept).send().expect(200);
        assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
    }
    let error = client.get("/conf/prod/backend-services/nobody").expect_error(404);
    assert_eq!(error.header("content-type"), Some("application/json"));
}

#[test]
fn who_accepts_no_json_gets_406() {
    let (server, _) = server_with_entries();
    let client = server.client();
    let before = server.git().refs();
    for accept in [
        "text/html",
        "application/xml",
        "text/*",
        "image/png, text/plain;q=0.5",
        "application/merge-patch+json",
    ] {
        client.request("GET", WEB).header("Accept", accept).send().expect_error(406);
        let body = described("web", "changed");
        client.request("PUT", WEB).header("Accept", accept).json(&body).send().expect_error(406);
        client.request("DELETE", WEB).header("Accept", accept).send().expect_error(406);
    }
    assert_eq!(server.git().refs(), before);
}

#[test]
fn a_body_is_json_in_utf_8_whatever_the_spelling() {
    let (server, _) = server_with_entries();
    let client = server.client();
    let types = [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json ; charset=\"utf-8\"",
    ];
    for (number, content_type) in types.into_iter().enumerate() {
        let body = described("web", &format!("as {number}")).to_string();
        client.request("PUT", WEB).header("Content-Type", content_type).body(body).send().expect(200);
        assert_eq!(client.get(WEB).json()["description"], format!("as {number}"));
    }
}

#[test]
fn a_body_without_a_type_is_taken_for_json() {
    let (server, _) = server_with_entries();
    let client = server.client();
    client.request("PUT", WEB).body(described("web", "untyped").to_string()).send().expect(200);
    assert_eq!(client.get(WEB).json()["description"], "untyped");
}

#[test]
fn any_other_body_is_415() {
    let (server, _) = server_with_entries();
    let client = server.client();
    let before = server.git().refs();
    let types = [
        "text/plain",
        "text/json",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/merge-patch+json",
        "application/json; charset=latin1",
        "application/json; charset=utf-16",
        "application/jsonp",
        "nonsense",
    ];
    let body = service("web").to_string();
    for content_type in types {
        for (method, path) in
            [("PUT", WEB), ("POST", "/conf/prod/backend-services/new"), ("POST", "/conf/configs/new")]
        {
            client
                .request(method, path)
                .header("Content-Type", content_type)
                .body(body.as_str())
                .send()
                .expect_error(415);
        }
        client
            .request("PUT", "/conf/prod/backend-services")
            .header("Content-Type", content_type)
            .body("[]")
            .send()
            .expect_error(415);
    }
    assert_eq!(server.git().refs(), before);
}

#[test]
fn the_type_is_looked_at_before_the_entry_and_the_query() {
    let (server, _) = server_with_entries();
    let client = server.client();
    let typed =
        |path: &str| client.request("PUT", path).header("Content-Type", "text/plain").body("x").send();
    typed("/conf/prod/backend-services/nobody").expect_error(415);
    typed(&format!("{WEB}?nonsense=1")).expect_error(415);
    typed("/conf/nowhere/backend-services/web").expect_error(404);
}
