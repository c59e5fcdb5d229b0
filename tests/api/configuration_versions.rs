//! `/conf/configs/{config}/versions`: the history of a whole configuration.

use serde_json::json;

use crate::support::Server;
use crate::support::documents::{completed_service, described, service};

const PROD: &str = "/conf/configs/prod";
const SERVICES: &str = "/conf/prod/backend-services";

#[test]
fn every_commit_of_the_branch_is_listed_newest_first() {
    let server = Server::start();
    let client = server.client();
    client.post(&format!("{SERVICES}/web"), &service("web")).expect(201);
    client.put(PROD, &json!({"description": "Described"})).expect(200);
    client.delete(&format!("{SERVICES}/web")).expect(200);

    let answer = client.get(&format!("{PROD}/versions")).expect(200);
    let log: Vec<_> = server.git().log("prod");
    assert_eq!(answer.total(), 4);
    assert_eq!(answer.versions(), log.iter().map(|commit| commit.id.clone()).collect::<Vec<_>>());
    let messages: Vec<_> = answer.items().iter().map(|item| item["message"].clone()).collect();
    let expected = [
        "Delete backend service web",
        "Describe configuration prod",
        "Create backend service web",
        "Create configuration prod",
    ];
    assert_eq!(messages, expected);
    assert_eq!(answer.items()[3]["parents"], json!([]));
    assert_eq!(answer.object(), server.git().hash_object(&answer.body));
}

#[test]
fn a_version_shows_all_documents_as_they_were() {
    let server = Server::start();
    let client = server.client();
    client.put(SERVICES, &json!([service("web"), service("app")])).expect(200);
    let then = server.git().rev_parse("prod");
    client.delete(SERVICES).expect(200);

    let answer = client.get(&format!("{PROD}/versions/{}", &then[..7])).expect(200);
    let body = answer.json();
    assert_eq!(body["id"], "prod");
    assert_eq!(body["version"], then, "a prefix is answered with the whole id");
    assert_eq!(
        body["documents"]["backend-services"],
        json!([completed_service("app"), completed_service("web")])
    );
    assert_eq!(answer.object(), then);
}

#[test]
fn a_configuration_can_be_set_back_whole() {
    let server = Server::start();
    let client = server.client();
    client.put(SERVICES, &json!([service("web"), service("app")])).expect(200);
    let then = server.git().head("prod");
    client.put(&format!("{SERVICES}/web"), &described("web", "changed")).expect(200);
    client.delete(&format!("{SERVICES}/app")).expect(200);
    client.post(&format!("{SERVICES}/new"), &service("new")).expect(201);
    let before = server.git().head("prod");

    let answer = client.revert(PROD, &then.id).expect(200);
    assert_eq!(answer.message(), "Successfully updated entry");
    let head = server.git().head("prod");
    assert_eq!((answer.version(), answer.object()), (head.id.clone(), head.id.clone()));
    assert_eq!(head.tree, then.tree);
    assert_eq!(head.parents, [before.id]);
    assert_eq!(head.subject, format!("Revert configuration prod to {}", &then.id[..7]));
    let set = client.get(SERVICES).expect(200);
    assert_eq!(set.items(), [completed_service("app"), completed_service("web")]);
    assert_eq!(set.version(), head.id);
    server.git().fsck();
}

#[test]
fn a_revert_of_a_configuration_is_in_the_history_of_each_entry_that_it_changed() {
    let server = Server::start();
    let client = server.client();
    client.put(SERVICES, &json!([service("web"), service("app")])).expect(200);
    let then = server.git().rev_parse("prod");
    client.delete(&format!("{SERVICES}/app")).expect(200);
    let reverted = client.revert(PROD, &then).expect(200).version();

    assert_eq!(client.get(&format!("{SERVICES}/app/versions")).versions()[0], reverted);
    assert_eq!(client.get(&format!("{SERVICES}/web/versions")).versions(), [then]);
}

#[test]
fn setting_a_configuration_back_to_what_it_is_makes_no_commit() {
    let server = Server::start();
    let client = server.client();
    let now = client.post(&format!("{SERVICES}/web"), &service("web")).expect(201).version();
    assert_eq!(client.revert(PROD, &now).expect(200).version(), now);
    assert_eq!(server.git().rev_parse("prod"), now);
}

#[test]
fn a_version_that_is_not_this_configurations_is_not_found() {
    let server = Server::start();
    let client = server.client();
    let other = client.post("/conf/configs/other", &json!({})).expect(201).version();
    let before = server.git().refs();
    for version in [other.as_str(), "0123456", "prod", "HEAD", "zzzzzzz"] {
        client.get(&format!("{PROD}/versions/{version}")).expect_error(404);
        client.revert(PROD, version).expect_error(404);
    }
    assert_eq!(server.git().refs(), before);
}

#[test]
fn the_versions_of_a_configuration_come_in_pages() {
    let server = Server::start();
    let client = server.client();
    for round in 0..4 {
        client.put(PROD, &json!({"description": format!("Round {round}")})).expect(200);
    }
    let mut seen = Vec::new();
    let mut page = Some(format!("{PROD}/versions?limit=2"));
    while let Some(path) = page {
        let answer = client.get(&path).expect(200);
        assert_eq!(answer.total(), 5);
        assert!(answer.items().len() <= 2, "{answer:?}");
        seen.extend(answer.versions());
        page = answer.next_page();
    }
    assert_eq!(seen, server.git().log("prod").into_iter().map(|commit| commit.id).collect::<Vec<_>>());
}
