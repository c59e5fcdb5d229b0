//! `/conf/{config}/backend-services/{id}`: one entry, which is one file.

use serde_json::{Value, json};

use crate::support::documents::{back_host, completed_service, described, file, full_service, service, with};
use crate::support::{Server, Watch};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";

#[test]
fn creating_an_entry_is_one_commit_with_one_file() {
    let server = Server::start();
    let watch = Watch::on(&server, "prod");
    let answer = server.client().post(WEB, &full_service("web")).expect(201);

    assert_eq!(answer.json(), json!({"message": "Successfully created entry"}));
    assert_eq!(answer.location(), WEB);
    let commit = watch.one_commit(&answer);
    assert_eq!(commit.subject, "Create backend service web");
    assert_eq!(server.git().ls("prod"), ["backend-services/web.json", "config.json"]);
    assert_eq!(server.git().rev_parse("prod:backend-services/web.json"), answer.object());
}

#[test]
fn an_entry_is_answered_as_its_file_byte_for_byte() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    let answer = client.get(WEB).expect(200);
    assert_eq!(answer.text(), file_of_a_minimal_service());
    assert_eq!(answer.body, server.git().show("prod", "backend-services/web.json"));
    assert_eq!(answer.object(), server.git().hash_object(&answer.body));
    assert_eq!(answer.version(), server.git().rev_parse("prod"));
}

/// Written out, so that a change of the format on disk cannot go unseen.
fn file_of_a_minimal_service() -> &'static str {
    r#"{
  "back_hosts": [],
  "description": "",
  "http11": true,
  "id": "web",
  "least_conn": false,
  "name": "web",
  "sticky": "none",
  "sticky_cookie_name": "",
  "transport_mode": "default"
}
"#
}

#[test]
fn the_documented_example_comes_back_as_it_was_sent() {
    let server = Server::start();
    let client = server.client();
    let host = json!({
        "backup": true, "down": true, "fail_timeout": 1, "host": "text", "http_ports": [80, 8080],
        "https_ports": [443, 8443], "max_fails": 1, "monitor_state": "text", "weight": 1
    });
    let example = json!({
        "back_hosts": [host], "description": "", "http11": true, "id": "text", "least_conn": true, "name": "text",
        "sticky": "none", "sticky_cookie_name": "", "transport_mode": "default"
    });
    client.post(&format!("{SERVICES}/text"), &example).expect(201);
    assert_eq!(client.get(&format!("{SERVICES}/text")).expect(200).body, file(&example));
}

#[test]
fn what_a_back_host_leaves_out_is_filled_in() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &with(service("web"), "back_hosts", json!([{"host": "web1.example.com"}]))).expect(201);
    assert_eq!(client.get(WEB).json(), full_service("web"));
}

#[test]
fn no_back_hosts_may_be_said_as_null() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &with(service("web"), "back_hosts", Value::Null)).expect(201);
    assert_eq!(client.get(WEB).json(), completed_service("web"));
}

#[test]
fn strings_are_trimmed() {
    let server = Server::start();
    let client = server.client();
    let host = with(back_host(" web1.example.com "), "monitor_state", "\tup ");
    let sent = with(
        with(with(service("web"), "name", "  The web\n"), "description", " x "),
        "back_hosts",
        json!([host]),
    );
    client.post(WEB, &sent).expect(201);
    let stored = client.get(WEB).json();
    assert_eq!((&stored["name"], &stored["description"]), (&json!("The web"), &json!("x")));
    assert_eq!(stored["back_hosts"][0], with(back_host("web1.example.com"), "monitor_state", "up"));
}

#[test]
fn certificates_are_shown_only_while_they_are_not_empty() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &with(service("web"), "mtls_certificate", "cert-1")).expect(201);
    let stored = client.get(WEB).json();
    assert_eq!(stored["mtls_certificate"], "cert-1");
    assert_eq!(stored.get("mtls_trusted_certificate"), None);

    client.put(WEB, &with(service("web"), "mtls_certificate", "")).expect(200);
    assert_eq!(client.get(WEB).json(), completed_service("web"));
}

#[test]
fn an_entry_that_exists_cannot_be_created_again() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    let watch = Watch::on(&server, "prod");
    client.post(WEB, &described("web", "another")).expect_error(409);
    watch.untouched();
}

#[test]
fn updating_an_entry_changes_its_file_and_no_other() {
    let server = Server::start();
    let client = server.client();
    client.post(SERVICES, &json!([service("web"), service("app")])).expect(201);
    let app = client.get(&format!("{SERVICES}/app")).etag();
    let watch = Watch::on(&server, "prod");

    let answer = client.put(WEB, &described("web", "updated")).expect(200);
    assert_eq!(answer.json(), json!({"message": "Successfully updated entry"}));
    let commit = watch.one_commit(&answer);
    assert_eq!(commit.subject, "Update backend service web");
    assert_eq!(server.git().text(&["diff", "--name-only", "prod~1", "prod"]), "backend-services/web.json");
    assert_eq!(server.git().show("prod", "backend-services/web.json"), file(&described("web", "updated")));
    let read = client.get(WEB).expect(200);
    assert_eq!((read.etag(), read.version()), (answer.etag(), answer.version()));
    assert_eq!(client.get(&format!("{SERVICES}/app")).etag(), app);
}

#[test]
fn an_update_is_a_whole_document_not_a_patch() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &described("web", "goes with the rest")).expect(201);
    client.put(WEB, &service("web")).expect(200);
    assert_eq!(client.get(WEB).json(), completed_service("web"));
}

#[test]
fn deleting_an_entry_removes_its_file_and_no_other() {
    let server = Server::start();
    let client = server.client();
    client.post(SERVICES, &json!([service("web"), service("app")])).expect(201);
    let watch = Watch::on(&server, "prod");

    let answer = client.delete(WEB).expect(200);
    assert_eq!(answer.json(), json!({"message": "Successfully deleted entry"}));
    assert_eq!(watch.one_commit(&answer).subject, "Delete backend service web");
    assert_eq!(server.git().ls("prod"), ["backend-services/app.json", "config.json"]);
    client.get(WEB).expect_error(404);
    assert_eq!(client.get(SERVICES).items(), [completed_service("app")]);
}

#[test]
fn an_entry_that_is_not_there_is_not_found() {
    let server = Server::start();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    client.get(WEB).expect_error(404);
    client.put(WEB, &service("web")).expect_error(404);
    client.delete(WEB).expect_error(404);
    client.get(&format!("{WEB}/versions")).expect_error(404);
    watch.untouched();
}

#[test]
fn a_deleted_entry_can_be_created_again() {
    let server = Server::start();
    let client = server.client();
    let first = client.post(WEB, &service("web")).expect(201);
    client.delete(WEB).expect(200);
    client.delete(WEB).expect_error(404);
    let second = client.post(WEB, &service("web")).expect(201);
    assert_eq!(first.etag(), second.etag(), "the same content is the same object");
    assert_ne!(first.version(), second.version());
}

#[test]
fn an_update_that_changes_nothing_makes_no_commit() {
    let server = Server::start();
    let client = server.client();
    let created = client.post(WEB, &service("web")).expect(201);
    let watch = Watch::on(&server, "prod");
    for same in [service("web"), completed_service("web"), with(service("web"), "name", " web ")] {
        let answer = client.put(WEB, &same).expect(200);
        watch.no_commit(&answer);
        assert_eq!(answer.etag(), created.etag());
    }
}

#[test]
fn a_bad_document_is_refused_with_every_fault() {
    let server = Server::start();
    let watch = Watch::on(&server, "prod");
    let bad =
        json!({"http11": "yes", "back_hosts": [{"weight": 1.5}], "sticky": "customcookie", "colour": "red"});
    let faults = server.client().post(WEB, &bad).expect_error(422).faults();
    for expected in [
        (r#"["body","name"]"#, "missing"),
        (r#"["body","http11"]"#, "bool_type"),
        (r#"["body","back_hosts",0,"host"]"#, "missing"),
        (r#"["body","back_hosts",0,"weight"]"#, "int_type"),
        (r#"["body","colour"]"#, "extra_forbidden"),
    ] {
        assert!(
            faults.iter().any(|(loc, kind)| (loc.as_str(), kind.as_str()) == expected),
            "{expected:?} is not among {faults:?}"
        );
    }
    watch.untouched();
}

#[test]
fn a_message_becomes_the_commits_message() {
    let server = Server::start();
    let client = server.client();
    let steps = [("POST", service("web"), 201), ("PUT", described("web", "x"), 200)];
    for (method, body, status) in steps {
        let watch = Watch::on(&server, "prod");
        let path = format!("{WEB}?message=Because%20of%20{method}");
        let answer = client.request(method, &path).json(&body).send().expect(status);
        assert_eq!(watch.one_commit(&answer).subject, format!("Because of {method}"));
    }
    let watch = Watch::on(&server, "prod");
    let answer = client.delete(&format!("{WEB}?message=Because%20of%20DELETE")).expect(200);
    assert_eq!(watch.one_commit(&answer).subject, "Because of DELETE");
}
