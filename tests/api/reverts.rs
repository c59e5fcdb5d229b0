//! `PUT …/versions/{version}/revert` of a set and of an entry: an earlier state becomes a new commit.

use serde_json::json;

use crate::support::documents::{completed_service, described, service};
use crate::support::git::EMPTY_TREE;
use crate::support::{Server, Watch};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";

#[test]
fn a_reverted_set_equals_that_version() {
    let server = Server::start();
    let client = server.client();
    let then = client.post(SERVICES, &json!([service("web"), service("app")])).expect(201);
    client.put(SERVICES, &json!([described("web", "x"), service("new")])).expect(200);
    let watch = Watch::on(&server, "prod");

    let answer = client.revert(SERVICES, &then.version()).expect(200);
    assert_eq!(answer.json(), json!({"message": "Successfully updated entry"}));
    let commit = watch.one_commit(&answer);
    assert_eq!(commit.subject, format!("Revert backend services to {}", &then.version()[..7]));
    assert_eq!(answer.etag(), then.etag());
    assert_eq!(server.git().rev_parse("prod:backend-services"), then.object());
    let set = client.get(SERVICES).expect(200);
    assert_eq!(set.items(), [completed_service("app"), completed_service("web")]);
    assert_eq!(client.get(&format!("{SERVICES}/versions")).versions()[0], commit.id);
}

#[test]
fn a_set_can_be_reverted_to_before_there_was_anything() {
    let server = Server::start();
    let client = server.client();
    let beginning = server.git().rev_parse("prod");
    client.post(SERVICES, &json!([service("web")])).expect(201);
    let watch = Watch::on(&server, "prod");
    let answer = client.revert(SERVICES, &beginning).expect(200);
    watch.one_commit(&answer);
    assert_eq!(answer.object(), EMPTY_TREE);
    assert_eq!(server.git().ls("prod"), ["config.json"]);
}

#[test]
fn a_reverted_set_leaves_the_rest_of_the_configuration() {
    let server = Server::start();
    let client = server.client();
    let then = client.post(SERVICES, &json!([service("web")])).expect(201).version();
    client.put("/conf/configs/prod", &json!({"description": "Newer"})).expect(200);
    client.delete(SERVICES).expect(200);
    client.revert(SERVICES, &then).expect(200);
    assert_eq!(client.get("/conf/configs/prod").json()["description"], "Newer");
}

#[test]
fn reverting_to_what_is_makes_no_commit() {
    let server = Server::start();
    let client = server.client();
    let then = client.post(SERVICES, &json!([service("web")])).expect(201);
    client.put(WEB, &described("web", "x")).expect(200);
    client.put(WEB, &service("web")).expect(200);
    let watch = Watch::on(&server, "prod");
    // Another commit, the same state.
    for path in [SERVICES, WEB] {
        watch.no_commit(&client.revert(path, &then.version()).expect(200));
    }
}

#[test]
fn a_revert_can_itself_be_reverted() {
    let server = Server::start();
    let client = server.client();
    let one = client.post(WEB, &described("web", "one")).expect(201).version();
    let two = client.put(WEB, &described("web", "two")).expect(200).version();
    client.revert(SERVICES, &one).expect(200);
    client.revert(SERVICES, &two).expect(200);
    assert_eq!(client.get(WEB).json()["description"], "two");
    assert_eq!(client.get(&format!("{SERVICES}/versions")).total(), 4, "nothing is taken out of the history");
}

#[test]
fn a_reverted_entry_leaves_the_others() {
    let server = Server::start();
    let client = server.client();
    let then = client.post(SERVICES, &json!([service("web"), service("app")])).expect(201).version();
    let web = client.get(WEB).etag();
    client.put(SERVICES, &json!([described("web", "x"), described("app", "x")])).expect(200);
    let watch = Watch::on(&server, "prod");

    let answer = client.revert(WEB, &then[..9]).expect(200);
    assert_eq!(answer.json(), json!({"message": "Successfully updated entry"}));
    let commit = watch.one_commit(&answer);
    assert_eq!(commit.subject, format!("Revert backend service web to {}", &then[..7]));
    assert_eq!(answer.etag(), web);
    assert_eq!(client.get(SERVICES).items(), [described("app", "x"), completed_service("web")]);
    assert_eq!(client.get(&format!("{WEB}/versions")).versions()[0], commit.id);
}

#[test]
fn a_revert_brings_a_deleted_entry_back() {
    let server = Server::start();
    let client = server.client();
    let created = client.post(WEB, &described("web", "kept")).expect(201);
    client.delete(WEB).expect(200);
    let watch = Watch::on(&server, "prod");
    let answer = client.revert(WEB, &created.version()).expect(200);
    watch.one_commit(&answer);
    assert_eq!(answer.etag(), created.etag());
    assert_eq!(client.get(WEB).expect(200).json(), described("web", "kept"));
}

#[test]
fn a_revert_to_where_the_entry_is_absent_is_not_found() {
    let server = Server::start();
    let client = server.client();
    let beginning = server.git().rev_parse("prod");
    client.post(WEB, &service("web")).expect(201);
    let deleted = client.delete(WEB).expect(200).version();
    client.post(WEB, &service("web")).expect(201);
    let watch = Watch::on(&server, "prod");
    client.revert(WEB, &beginning).expect_error(404);
    client.revert(WEB, &deleted).expect_error(404);
    watch.untouched();
}

#[test]
fn a_revert_can_have_a_message() {
    let server = Server::start();
    let client = server.client();
    let then = client.post(WEB, &service("web")).expect(201).version();
    client.put(WEB, &described("web", "x")).expect(200);
    let watch = Watch::on(&server, "prod");
    let path = format!("{WEB}/versions/{then}/revert?message=That%20was%20wrong");
    let answer = client.request("PUT", &path).send().expect(200);
    assert_eq!(watch.one_commit(&answer).subject, "That was wrong");
}
