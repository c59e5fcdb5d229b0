//! Configurations made from others, and those that were deleted: a branch is copied, an archive brought back.

use serde_json::json;

use crate::support::Server;
use crate::support::documents::{described, service};

const STAGING: &str = "/conf/configs/staging";

#[test]
fn a_copy_shares_the_history_of_its_source() {
    let server = Server::start();
    let client = server.client();
    let written = client.post("/conf/prod/backend-services/web", &service("web")).expect(201);
    let answer = client.post(STAGING, &json!({"from": {"config": "prod"}})).expect(201);

    assert_eq!(answer.version(), written.version(), "the branch starts at the source's commit itself");
    assert_eq!(server.git().rev_parse("staging"), server.git().rev_parse("prod"));
    let list = "/conf/staging/backend-services/web/versions";
    assert_eq!(client.get(list).expect(200).versions(), [written.version()]);
    server.git().assert_sound(&["prod", "staging"]);
}

#[test]
fn a_copy_goes_its_own_way() {
    let server = Server::start();
    let client = server.client();
    client.post("/conf/prod/backend-services/web", &service("web")).expect(201);
    client.post(STAGING, &json!({"from": {"config": "prod"}})).expect(201);
    client.put("/conf/staging/backend-services/web", &described("web", "only here")).expect(200);

    assert_eq!(client.get("/conf/prod/backend-services/web").json()["description"], "");
    assert_eq!(client.get("/conf/staging/backend-services/web").json()["description"], "only here");
    assert_eq!(client.get("/conf/prod/backend-services/versions").total(), 1);
    assert_eq!(client.get("/conf/staging/backend-services/versions").total(), 2);
}

#[test]
fn a_copy_with_another_description_is_one_commit_ahead() {
    let server = Server::start();
    let client = server.client();
    let source = server.git().rev_parse("prod");
    let answer =
        client.post(STAGING, &json!({"description": "A copy", "from": {"config": "prod"}})).expect(201);
    let head = server.git().head("staging");
    assert_eq!(answer.version(), head.id);
    assert_eq!(head.parents, [source]);
    assert_eq!(client.get(STAGING).json()["description"], "A copy");
}

#[test]
fn a_copy_of_an_older_version_starts_there() {
    let server = Server::start();
    let client = server.client();
    let old = client.post("/conf/prod/backend-services/web", &service("web")).expect(201).version();
    client.delete("/conf/prod/backend-services/web").expect(200);
    // A prefix names a version as well as its whole id does.
    client.post(STAGING, &json!({"from": {"config": "prod", "version": &old[..10]}})).expect(201);
    assert_eq!(server.git().rev_parse("staging"), old);
    client.get("/conf/staging/backend-services/web").expect(200);
}

#[test]
fn a_copy_of_what_is_not_there_is_refused_and_creates_nothing() {
    let server = Server::start();
    let client = server.client();
    let other = client.post("/conf/configs/other", &json!({})).expect(201).version();
    let sources = [
        json!({"config": "nothing"}),
        json!({"config": "prod", "version": "0123456789012345678901234567890123456789"}),
        json!({"config": "prod", "version": other}),
        json!({"archive": "prod/20200101T000000Z"}),
    ];
    for from in sources {
        let answer = client.post(STAGING, &json!({"from": from}));
        assert!(matches!(answer.status, 404 | 422), "{answer:?}");
        client.get(STAGING).expect_error(404);
    }
    server.git().assert_sound(&["other", "prod"]);
}

#[test]
fn a_deleted_configuration_is_gone_but_its_commits_are_kept() {
    let server = Server::start();
    let client = server.client();
    client.post(STAGING, &json!({})).expect(201);
    let last = client.post("/conf/staging/backend-services/web", &service("web")).expect(201).version();

    let answer = client.delete(STAGING).expect(200);
    assert_eq!(answer.message(), "Successfully deleted entry");
    let archive = answer.json()["archive"].as_str().expect("the archive's name").to_owned();
    assert!(archive.starts_with("staging/"), "{archive}");
    assert_eq!(server.git().find(&format!("refs/archive/{archive}")), Some(last));

    client.get(STAGING).expect_error(404);
    client.get("/conf/staging/backend-services").expect_error(404);
    client.post("/conf/staging/backend-services/app", &service("app")).expect_error(404);
    assert_eq!(client.get("/conf/configs").total(), 1);
    server.git().assert_sound(&["prod"]);
}

#[test]
fn an_archived_configuration_can_be_brought_back() {
    let server = Server::start();
    let client = server.client();
    client.post(STAGING, &json!({"description": "Kept"})).expect(201);
    let last = client.post("/conf/staging/backend-services/web", &service("web")).expect(201).version();
    let archive = client.delete(STAGING).expect(200).json()["archive"].clone();

    let answer = client.post("/conf/configs/again", &json!({"from": {"archive": archive}})).expect(201);
    assert_eq!(answer.version(), last);
    assert_eq!(client.get("/conf/configs/again").json()["description"], "Kept");
    client.get("/conf/again/backend-services/web").expect(200);
    assert_eq!(client.get("/conf/again/backend-services/versions").versions(), [last]);
}

#[test]
fn deleting_the_same_name_twice_at_once_loses_neither() {
    let server = Server::start();
    let client = server.client();
    // Within one second, most likely: the archives must not share a name.
    let archives = [1, 2, 3].map(|round| {
        client.post(STAGING, &json!({"description": format!("Round {round}")})).expect(201);
        let last = client.get(STAGING).version();
        (client.delete(STAGING).expect(200).json()["archive"].as_str().expect("a name").to_owned(), last)
    });
    for (archive, last) in &archives {
        assert_eq!(
            server.git().find(&format!("refs/archive/{archive}")).as_ref(),
            Some(last),
            "{archives:?}"
        );
    }
    server.git().fsck();
}

#[test]
fn a_name_that_was_deleted_starts_anew() {
    let server = Server::start();
    let client = server.client();
    client.post(STAGING, &json!({})).expect(201);
    let old = client.post("/conf/staging/backend-services/web", &service("web")).expect(201).version();
    client.delete(STAGING).expect(200);
    client.post(STAGING, &json!({})).expect(201);

    assert_eq!(client.get(&format!("{STAGING}/versions")).expect(200).total(), 1);
    assert_eq!(client.get("/conf/staging/backend-services").total(), 0);
    client.get(&format!("/conf/staging/backend-services/versions/{old}")).expect_error(404);
    client.get("/conf/staging/backend-services/web/versions").expect_error(404);
}
