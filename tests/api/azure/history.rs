//! `…/backends/versions` and the history of one backend, in the shapes that all kinds have.

use serde_json::{Value, json};

use super::{BACKENDS, HOST, XYZ, contoso, create, delete, document, patch, path};
use crate::support::documents::file;
use crate::support::{Answer, Client, Server};

/// What a backend went through, oldest first: each change is one commit.
fn three_changes(client: &Client) -> [Answer; 3] {
    [
        create(client, "xyz", HOST),
        patch(client, XYZ, "*", &json!({"skipCertificateChainValidation": true})).expect(204),
        delete(client, XYZ, "*").expect(204),
    ]
}

#[test]
fn the_commits_that_changed_a_backend_are_listed_newest_first() {
    let server = Server::start();
    let client = server.client();
    let [created, updated, deleted] = three_changes(&client);
    let other = create(&client, "other", HOST);

    let all = client.get(&format!("{BACKENDS}/versions")).expect(200);
    let made = [&other, &deleted, &updated, &created].map(Answer::version);
    assert_eq!((all.versions(), all.total()), (made.to_vec(), 4));
    let by_git = server.git().log_with(&["prod", "--", "backends"]);
    assert_eq!(all.versions(), by_git.into_iter().map(|commit| commit.id).collect::<Vec<_>>());

    let one = client.get(&format!("{XYZ}/versions")).expect(200);
    assert_eq!((one.versions(), one.total()), (made[1..].to_vec(), 3));
    assert_eq!(client.get(&format!("{}/versions", path("other"))).versions(), [other.version()]);
}

#[test]
fn a_version_is_told_as_everywhere() {
    let server = Server::start();
    let client = server.client();
    let first = server.git().rev_parse("prod");
    let created = create(&client, "xyz", HOST).version();
    let answer = client.get(&format!("{BACKENDS}/versions")).expect(200);
    let record = &answer.items()[0];
    let members: Vec<&String> = record.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["author", "email", "message", "date", "version", "parents"]);
    assert_eq!(record["message"], "Create backend xyz");
    assert_eq!((&record["author"], &record["email"]), (&json!("anonymous"), &json!("anonymous@localhost")));
    assert_eq!((&record["version"], &record["parents"]), (&json!(created), &json!([first])));
    assert_eq!(client.get(&format!("{XYZ}/versions")).items(), answer.items());
}

#[test]
fn an_old_version_shows_the_documents_as_they_were() {
    let server = Server::start();
    let client = server.client();
    let before = server.git().rev_parse("prod");
    let [created, updated, deleted] = three_changes(&client);
    let shown: [(&str, Option<Value>); 4] = [
        (&before, None),
        (&created.version(), Some(document("xyz", HOST, false))),
        (&updated.version(), Some(document("xyz", HOST, true))),
        (&deleted.version(), None),
    ];
    for (version, expected) in shown {
        let set = client.get(&format!("{BACKENDS}/versions/{version}")).expect(200);
        let items: Vec<Value> = expected.iter().cloned().collect();
        assert_eq!(set.json(), json!({"total": items.len(), "items": items}));
        let one = client.get(&format!("{XYZ}/versions/{}", &version[..10]));
        match expected {
            Some(document) => {
                let one = one.expect(200);
                assert_eq!(one.body, file(&document), "the file as it was, byte for byte");
                assert_eq!(one.object(), server.git().rev_parse(&format!("{version}:backends/xyz.json")));
                assert_eq!(set.object(), server.git().rev_parse(&format!("{version}:backends")));
            }
            None => drop(one.expect_error(404)),
        }
    }
}

#[test]
fn what_is_no_version_of_this_configuration_is_not_found() {
    let server = Server::start();
    let client = server.client();
    create(&client, "xyz", HOST);
    client.post("/conf/configs/staging", &json!({})).expect(201);
    let elsewhere = client.put("/conf/staging/backends/xyz", &contoso()).expect(201).version();
    for of in [BACKENDS, XYZ] {
        for version in [&elsewhere, &*"0".repeat(40), "0123456", "prod", "HEAD", "abc"] {
            client.get(&format!("{of}/versions/{version}")).expect_error(404);
            client.revert(of, version).expect_error(404);
        }
    }
    client.get(&format!("{}/versions", path("never"))).expect_error(404);
}

#[test]
fn the_list_of_versions_has_pages_and_filters() {
    let server = Server::start();
    let client = server.client();
    let [created, updated, deleted] = three_changes(&client);
    for of in [BACKENDS, XYZ] {
        let first = client.get(&format!("{of}/versions?limit=2")).expect(200);
        assert_eq!((first.versions(), first.total()), (vec![deleted.version(), updated.version()], 3));
        let second = client.get(&first.next_page().expect("there is more")).expect(200);
        assert_eq!((second.versions(), second.next_page()), (vec![created.version()], None));
        assert_eq!(client.get(&format!("{of}/versions?q=update")).versions(), [updated.version()]);
    }
}

#[test]
fn a_change_of_nothing_is_not_in_the_history() {
    let server = Server::start();
    let client = server.client();
    create(&client, "xyz", HOST);
    patch(&client, XYZ, "*", &json!({"host": HOST})).expect(204);
    patch(&client, XYZ, "*", &json!({})).expect(204);
    assert_eq!(client.get(&format!("{XYZ}/versions")).total(), 1);
}
