//! `?message=` is the commit's message.

use serde_json::json;

use super::server_with_entries;
use crate::support::Server;
use crate::support::documents::{described, encoded, service};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";

#[test]
fn a_message_arrives_in_git_as_it_was_given() {
    let server = Server::start();
    let client = server.client();
    let messages = [
        "Because",
        "Zwölf Boxkämpfer jagen Viktor – 日本語 🦀",
        "Subject\n\nA body of\ntwo lines.",
        "100% & more = + # ? / \"quoted\"",
        "feat: a colon\n\nSigned-off-by: A <a@example.com>",
        "# not a comment",
    ];
    for (number, message) in messages.into_iter().enumerate() {
        let path = format!("{SERVICES}/e{number}?message={}", encoded(message));
        let version = client.post(&path, &service(&format!("e{number}"))).expect(201).version();
        assert_eq!(server.git().text(&["log", "-1", "--format=%B", &version]).trim_end(), message);
        let newest = &client.get(&format!("{SERVICES}/versions?limit=1")).expect(200).items()[0];
        assert_eq!(newest["message"], message);
    }
    server.git().fsck();
}

#[test]
fn a_plus_in_a_query_is_a_space() {
    let server = Server::start();
    let version =
        server.client().post(&format!("{WEB}?message=for+the+shop"), &service("web")).expect(201).version();
    assert_eq!(server.git().head(&version).subject, "for the shop");
}

#[test]
fn every_write_takes_a_message() {
    let (server, old) = server_with_entries();
    let client = server.client();
    let writes = [
        ("POST", format!("{SERVICES}/new"), Some(service("new"))),
        ("PUT", WEB.to_owned(), Some(described("web", "changed"))),
        ("DELETE", WEB.to_owned(), None),
        ("PUT", format!("{WEB}/versions/{old}/revert"), None),
        ("PUT", SERVICES.to_owned(), Some(json!([service("only")]))),
        ("PUT", format!("{SERVICES}/versions/{old}/revert"), None),
        ("DELETE", SERVICES.to_owned(), None),
        ("POST", SERVICES.to_owned(), Some(json!([service("again")]))),
        ("PUT", format!("/conf/configs/prod/versions/{old}/revert"), None),
        ("PUT", "/conf/configs/prod".to_owned(), Some(json!({"description": "new"}))),
        ("POST", "/conf/configs/staging".to_owned(), Some(json!({}))),
    ];
    for (number, (method, path, body)) in writes.into_iter().enumerate() {
        let request = client.request(method, &format!("{path}?message=Reason%20{number}"));
        let answer = if let Some(body) = &body { request.json(body).send() } else { request.send() };
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
        assert_eq!(server.git().head(&answer.version()).subject, format!("Reason {number}"), "{answer:?}");
    }
    let merge =
        client.put(&format!("{SERVICES}?mode=merge&message=Both"), &json!([service("merged")])).expect(200);
    assert_eq!(server.git().head(&merge.version()).subject, "Both");
}

#[test]
fn a_message_has_1_to_1000_characters() {
    let server = Server::start();
    let client = server.client();
    let longest = "ä".repeat(1000);
    let version =
        client.post(&format!("{WEB}?message={}", encoded(&longest)), &service("web")).expect(201).version();
    assert_eq!(server.git().head(&version).subject, longest);

    let before = server.git().refs();
    for (message, kind) in [("", "string_too_short"), (&*"x".repeat(1001), "string_too_long")] {
        let path = format!("{WEB}?message={message}");
        client.put(&path, &described("web", "changed")).expect_faults(&[(r#"["query","message"]"#, kind)]);
        client.delete(&path).expect_faults(&[(r#"["query","message"]"#, kind)]);
    }
    // git ends a message at a zero byte, so one could not come back as it was given.
    let faults = client.delete(&format!("{WEB}?message=a%00b")).expect_error(422).faults();
    assert_eq!(faults[0].0, r#"["query","message"]"#);
    assert_eq!(server.git().refs(), before);
}

#[test]
fn a_read_takes_no_message() {
    let (server, _) = server_with_entries();
    let faults = [(r#"["query","message"]"#, "extra_forbidden")];
    server.client().get(&format!("{WEB}?message=x")).expect_faults(&faults);
}
