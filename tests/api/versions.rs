//! `…/versions` of a set: which commits are listed, what is said of them, and the set as it was.

use serde_json::{Value, json};

use crate::support::documents::{completed_service, described, encoded, file, service};
use crate::support::git::EMPTY_TREE;
use crate::support::histories::{BOB, Foreign, import};
use crate::support::{Client, Server};

const SERVICES: &str = "/conf/prod/backend-services";

fn versions(client: &Client, query: &str) -> Vec<String> {
    let answer = client.get(&format!("{SERVICES}/versions{query}")).expect(200);
    assert_eq!(answer.total(), answer.items().len() as u64, "all that match are on one page here");
    answer.versions()
}

/// The id of each answer's commit, newest first.
fn newest_first<const N: usize>(oldest_first: [&str; N]) -> Vec<String> {
    oldest_first.iter().rev().map(|id| id.to_string()).collect()
}

#[test]
fn a_set_that_was_never_written_has_no_versions() {
    let server = Server::start();
    let answer = server.client().get(&format!("{SERVICES}/versions")).expect(200);
    assert_eq!(answer.json(), json!({"total": 0, "items": []}));
    assert_eq!(answer.header("link"), None);
}

#[test]
fn every_write_of_the_set_is_listed_newest_first() {
    let server = Server::start();
    let client = server.client();
    let a = client.post(&format!("{SERVICES}/web"), &service("web")).expect(201).version();
    let b = client.put(&format!("{SERVICES}/web"), &described("web", "x")).expect(200).version();
    let c = client.put(SERVICES, &json!([service("app"), service("web")])).expect(200).version();
    let d = client.delete(&format!("{SERVICES}/app")).expect(200).version();
    let e = client.delete(SERVICES).expect(200).version();
    assert_eq!(versions(&client, ""), newest_first([&a, &b, &c, &d, &e]));
}

#[test]
fn commits_that_did_not_change_the_set_are_not_listed() {
    let server = Server::start();
    let client = server.client();
    let written = client.post(&format!("{SERVICES}/web"), &service("web")).expect(201).version();
    client.put("/conf/configs/prod", &json!({"description": "Something else"})).expect(200);
    client.post("/conf/configs/other", &json!({"from": {"config": "prod"}})).expect(201);
    client.delete("/conf/other/backend-services").expect(200);
    assert_eq!(versions(&client, ""), [written]);
}

#[test]
fn a_record_says_what_git_log_says() {
    let server = Server::start();
    let client = server.client();
    client.post(SERVICES, &json!([service("web")])).expect(201);
    let message = "Größer\n\nBecause of Friday";
    client.put(&format!("{SERVICES}?message={}", encoded(message)), &json!([])).expect(200);

    let answer = client.get(&format!("{SERVICES}/versions")).expect(200);
    let expected: Vec<Value> = server
        .git()
        .log_with(&["--first-parent", "prod", "--", "backend-services"])
        .into_iter()
        .map(|commit| {
            let date = chrono::DateTime::from_timestamp(commit.time, 0)
                .expect("a time")
                .format("%Y-%m-%dT%H:%M:%SZ")
                .to_string();
            let message = format!("{}\n\n{}", commit.subject, commit.body).trim_end().to_owned();
            json!({
                "author": commit.author, "email": commit.email, "message": message, "date": date,
                "version": commit.id, "parents": commit.parents
            })
        })
        .collect();
    let items: Vec<Value> = answer
        .items()
        .into_iter()
        .map(|mut item| {
            item["message"] = item["message"].as_str().expect("a message").trim_end().into();
            item
        })
        .collect();
    assert_eq!(items, expected);
    assert_eq!(items[0]["message"], message);
    assert_eq!(answer.version(), server.git().rev_parse("prod"));
    assert_eq!(answer.object(), server.git().hash_object(&answer.body));
}

#[test]
fn a_version_shows_the_set_as_it_was() {
    let server = Server::start();
    let client = server.client();
    let created = client.post(SERVICES, &json!([service("web"), service("app")])).expect(201);
    let then = client.get(SERVICES).expect(200);
    client.put(SERVICES, &json!([described("web", "later")])).expect(200);

    let answer = client.get(&format!("{SERVICES}/versions/{}", created.version())).expect(200);
    assert_eq!(answer.body, then.body);
    assert_eq!(answer.etag(), then.etag(), "the tag is the tree that is shown");
    assert_eq!(answer.items(), [completed_service("app"), completed_service("web")]);
}

#[test]
fn a_version_of_the_configuration_that_left_the_set_alone_shows_it_too() {
    let server = Server::start();
    let client = server.client();
    let beginning = server.git().rev_parse("prod");
    client.post(SERVICES, &json!([service("web")])).expect(201);
    let described = client.put("/conf/configs/prod", &json!({"description": "x"})).expect(200).version();
    client.delete(SERVICES).expect(200);

    let before = client.get(&format!("{SERVICES}/versions/{beginning}")).expect(200);
    assert_eq!((before.total(), before.object()), (0, EMPTY_TREE.to_owned()));
    assert_eq!(
        client.get(&format!("{SERVICES}/versions/{described}")).expect(200).items(),
        [completed_service("web")]
    );
}

#[test]
fn a_prefix_of_seven_or_more_digits_names_a_version() {
    let server = Server::start();
    let client = server.client();
    let whole = client.post(SERVICES, &json!([service("web")])).expect(201).version();
    for length in [7, 8, 20, 39, 40] {
        assert_eq!(client.get(&format!("{SERVICES}/versions/{}", &whole[..length])).expect(200).total(), 1);
    }
    client.get(&format!("{SERVICES}/versions/{}", &whole[..6])).expect_error(404);
    client.get(&format!("{SERVICES}/versions/{whole}0")).expect_error(404);
}

#[test]
fn what_is_not_a_version_of_this_configuration_is_not_found() {
    let server = Server::start();
    let client = server.client();
    client.post("/conf/configs/other", &json!({})).expect(201);
    let foreign = client.post("/conf/other/backend-services", &json!([service("secret")])).expect(201);
    client.post(SERVICES, &json!([service("web")])).expect(201);
    let tree = client.get(SERVICES).object();
    let blob = client.get(&format!("{SERVICES}/web")).object();
    let zeros = "0".repeat(40);
    let (foreign_commit, foreign_tree) = (foreign.version(), foreign.object());
    let names = [
        foreign_commit.as_str(),
        &foreign_commit[..7],
        &foreign_tree,
        &tree,
        &blob,
        &zeros,
        "prod",
        "HEAD",
        "HEAD~0",
        "master",
        "refs%2Fheads%2Fprod",
        "xyzxyzx",
        "-1",
        "%20",
        "%00",
        "latest",
    ];
    let before = server.git().refs();
    for name in names {
        client.get(&format!("{SERVICES}/versions/{name}")).expect_error(404);
        client.revert(SERVICES, name).expect_error(404);
        client.get(&format!("{SERVICES}/web/versions/{name}")).expect_error(404);
        client.revert(&format!("{SERVICES}/web"), name).expect_error(404);
    }
    assert_eq!(server.git().refs(), before);
}

#[test]
fn an_archived_commit_is_no_longer_a_version() {
    let server = Server::start();
    let client = server.client();
    client.post("/conf/configs/other", &json!({"from": {"config": "prod"}})).expect(201);
    let gone = client.post("/conf/other/backend-services", &json!([service("web")])).expect(201).version();
    client.delete("/conf/configs/other").expect(200);
    client.get(&format!("{SERVICES}/versions/{gone}")).expect_error(404);
}

#[test]
fn a_merge_is_one_version_with_two_parents() {
    let mut server = Server::start();
    let client = server.client();
    let created = client.post(SERVICES, &json!([service("web")])).expect(201).version();
    client.post("/conf/configs/side", &json!({"from": {"config": "prod"}})).expect(201);
    let side = client
        .put("/conf/side/backend-services/web", &described("web", "from the side"))
        .expect(200)
        .version();
    server.stop();
    let files: [(&str, &[u8]); 1] =
        [("backend-services/web.json", &file(&described("web", "from the side")))];
    let foreign = Foreign {
        branch: "prod",
        files: &files,
        message: "Merge side",
        author: BOB,
        date: "2091-01-01T10:00:00Z",
        merges: Some(&side),
    };
    let merge = import(&server.git(), &[foreign]).remove(0);
    server.start_again();

    let client = server.client();
    let answer = client.get(&format!("{SERVICES}/versions")).expect(200);
    assert_eq!(answer.versions(), newest_first([&created, &merge]), "the list follows the first parent");
    assert_eq!(answer.items()[0]["parents"], json!([created, side]));
    assert_eq!(client.get(&format!("{SERVICES}/web/versions")).versions(), newest_first([&created, &merge]));
    // What was merged is part of this configuration's history, so it can be looked at.
    assert_eq!(
        client.get(&format!("{SERVICES}/versions/{side}")).expect(200).items(),
        [described("web", "from the side")]
    );
}
