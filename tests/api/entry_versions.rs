//! `…/{id}/versions`: the history of one entry, also after its end.

use serde_json::json;

use crate::support::Server;
use crate::support::documents::{completed_service, described, file, service};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";

#[test]
fn only_the_commits_that_changed_the_entry_are_listed() {
    let server = Server::start();
    let client = server.client();
    let created = client.post(SERVICES, &json!([service("web"), service("app")])).expect(201).version();
    client.put(&format!("{SERVICES}/app"), &described("app", "x")).expect(200);
    let updated = client.put(WEB, &described("web", "x")).expect(200).version();
    // A whole set in which only the other entry is new.
    client.put(SERVICES, &json!([described("web", "x"), service("app")])).expect(200);
    client.post(&format!("{SERVICES}/web2"), &service("web2")).expect(201);
    let deleted = client.delete(SERVICES).expect(200).version();

    let answer = client.get(&format!("{WEB}/versions")).expect(200);
    assert_eq!(answer.versions(), [deleted, updated, created]);
    let by_git = server.git().log_with(&["prod", "--", "backend-services/web.json"]);
    assert_eq!(answer.versions(), by_git.into_iter().map(|commit| commit.id).collect::<Vec<_>>());
    assert_eq!(answer.total(), 3);
    assert_eq!(answer.object(), server.git().hash_object(&answer.body));
}

#[test]
fn the_records_are_those_of_the_set() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    client.put(WEB, &described("web", "x")).expect(200);
    assert_eq!(
        client.get(&format!("{WEB}/versions")).items(),
        client.get(&format!("{SERVICES}/versions")).items()
    );
}

#[test]
fn a_version_shows_the_entry_as_it_was() {
    let server = Server::start();
    let client = server.client();
    let first = client.post(WEB, &service("web")).expect(201);
    let second = client.put(WEB, &described("web", "x")).expect(200);
    client.put(WEB, &described("web", "y")).expect(200);

    for (written, document) in [(first, completed_service("web")), (second, described("web", "x"))] {
        let answer = client.get(&format!("{WEB}/versions/{}", &written.version()[..12])).expect(200);
        assert_eq!(answer.body, file(&document), "the file as it was, byte for byte");
        assert_eq!(answer.etag(), written.etag());
    }
}

#[test]
fn a_commit_that_left_the_entry_alone_shows_it_too() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    let elsewhere = client.post(&format!("{SERVICES}/app"), &service("app")).expect(201).version();
    client.delete(WEB).expect(200);
    assert_eq!(
        client.get(&format!("{WEB}/versions/{elsewhere}")).expect(200).json(),
        completed_service("web")
    );
}

#[test]
fn the_history_of_a_deleted_entry_stays_readable() {
    let server = Server::start();
    let client = server.client();
    let beginning = server.git().rev_parse("prod");
    let created = client.post(WEB, &service("web")).expect(201).version();
    let deleted = client.delete(WEB).expect(200).version();

    assert_eq!(
        client.get(&format!("{WEB}/versions")).expect(200).versions(),
        [deleted.clone(), created.clone()]
    );
    assert_eq!(client.get(&format!("{WEB}/versions/{created}")).expect(200).json(), completed_service("web"));
    // Before it came and after it went, there is nothing to show.
    client.get(&format!("{WEB}/versions/{beginning}")).expect_error(404);
    client.get(&format!("{WEB}/versions/{deleted}")).expect_error(404);
}

#[test]
fn an_entry_that_came_back_has_one_history() {
    let server = Server::start();
    let client = server.client();
    let created = client.post(WEB, &service("web")).expect(201).version();
    let deleted = client.delete(WEB).expect(200).version();
    let again = client.post(WEB, &service("web")).expect(201).version();
    assert_eq!(client.get(&format!("{WEB}/versions")).versions(), [again, deleted, created]);
}

#[test]
fn an_entry_that_never_was_has_no_history() {
    let server = Server::start();
    let client = server.client();
    let version = client.post(WEB, &service("web")).expect(201).version();
    client.get(&format!("{SERVICES}/app/versions")).expect_error(404);
    client.get(&format!("{SERVICES}/app/versions/{version}")).expect_error(404);
    client.revert(&format!("{SERVICES}/app"), &version).expect_error(404);
}

#[test]
fn the_history_of_a_copy_reaches_back_into_its_source() {
    let server = Server::start();
    let client = server.client();
    let created = client.post(WEB, &service("web")).expect(201).version();
    let deleted = client.delete(WEB).expect(200).version();
    client.post("/conf/configs/copy", &json!({"from": {"config": "prod"}})).expect(201);
    let copy = "/conf/copy/backend-services/web";
    assert_eq!(client.get(&format!("{copy}/versions")).expect(200).versions(), [deleted, created.clone()]);
    let revived = client.revert(copy, &created).expect(200).version();
    assert_eq!(client.get(&format!("{copy}/versions")).versions()[0], revived);
    client.get(WEB).expect_error(404);
}
