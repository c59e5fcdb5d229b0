//! Tags that somebody made, packed or broke with git.

use std::fs;

use serde_json::json;

use super::{RELEASES, SERVICES, names, release, two_versions};
use crate::support::Server;
use crate::support::program::run;

#[test]
fn tags_that_git_made_are_releases() {
    let server = Server::start();
    let client = server.client();
    let git = server.git();
    let [first, newest] = two_versions(&client);
    git.text(&[
        "-c",
        "user.name=Ann",
        "-c",
        "user.email=a@b",
        "tag",
        "-m",
        "By hand",
        "prod/annotated",
        &first,
    ]);
    git.text(&["tag", "prod/light", &first]);
    let annotated = client.get(&format!("{RELEASES}/annotated")).expect(200);
    assert_eq!(annotated.object(), git.rev_parse("refs/tags/prod/annotated"));
    let record = annotated.json();
    assert_eq!(
        (&record["by"], &record["message"], &record["version"]),
        (&json!("Ann"), &json!("By hand"), &json!(first))
    );
    let record = client.get(&format!("{RELEASES}/light")).expect(200).json();
    assert_eq!((&record["message"], &record["version"]), (&json!(""), &json!(first)));
    assert_eq!(client.get(RELEASES).expect(200).total(), 2);
    for name in ["annotated", "light"] {
        assert_eq!(client.get(&format!("{SERVICES}/versions/{name}")).expect(200).version(), first);
        release(&client, name, &json!({"version": first})).expect(200);
        release(&client, name, &json!({"version": newest})).expect_error(409);
        client.delete(&format!("{RELEASES}/{name}")).expect(200);
    }
    assert!(git.text(&["tag"]).is_empty());
}

#[test]
fn tags_that_are_none_of_the_configurations_are_not_shown() {
    let server = Server::start();
    let client = server.client();
    let git = server.git();
    two_versions(&client);
    client.post("/conf/configs/other", &json!({})).expect(201);
    let foreign = git.rev_parse("other");
    let tree = git.rev_parse("prod^{tree}");
    for (name, target) in [
        ("prod/foreign", &foreign),
        ("prod/tree", &tree),
        ("prod/UPPER", &foreign),
        ("loose", &foreign),
        ("prod/deep/er", &foreign),
    ] {
        git.text(&["tag", name, target]);
    }
    release(&client, "v1", &json!({})).expect(201);
    assert_eq!(names(&client.get(RELEASES).expect(200)), ["v1"]);
    for name in ["foreign", "tree", "UPPER", "deep", "deep%2Fer"] {
        client.get(&format!("{RELEASES}/{name}")).expect_error(404);
        client.get(&format!("{SERVICES}?version={name}")).expect_error(404);
    }
    // They are in the way of a release of their name, which is said.
    release(&client, "foreign", &json!({})).expect_error(409);
    let checked = run(&["check", "--data", server.data().to_str().expect("UTF-8")]);
    assert!(!checked.stdout.contains("loose") && !checked.stdout.contains("UPPER"), "{}", checked.stdout);
}

#[test]
fn a_tag_in_the_way_refuses_a_release_and_nothing_else() {
    let server = Server::start();
    let client = server.client();
    two_versions(&client);
    server.git().text(&["tag", "prod", "refs/heads/prod"]);
    let refused = client.request("PUT", &format!("{RELEASES}/v1")).allow_5xx().send().expect_error(503);
    assert!(refused.message().contains("refs/tags/prod"), "{refused:?}");
    client.delete("/conf/prod/backend-services/web").expect(200);
    server.git().text(&["tag", "-d", "prod"]);
    release(&client, "v1", &json!({})).expect(201);
}

#[test]
fn packed_tags_are_read_deleted_and_made_again() {
    let server = Server::start();
    let client = server.client();
    let git = server.git();
    let [first, newest] = two_versions(&client);
    for name in ["v1", "v2"] {
        release(&client, name, &json!({"version": first})).expect(201);
    }
    git.text(&["pack-refs", "--all"]);
    let before = client.get(RELEASES).expect(200);
    assert_eq!(before.total(), 2);
    client.delete(&format!("{RELEASES}/v1")).expect(200);
    client.get(&format!("{RELEASES}/v1")).expect_error(404);
    release(&client, "v1", &json!({"version": newest})).expect(201);
    git.text(&["gc", "--quiet"]);
    assert_eq!(client.get(RELEASES).expect(200).total(), 2);
    assert_eq!(git.rev_parse("prod/v1^{commit}"), newest);
    assert_eq!(git.rev_parse("prod/v2^{commit}"), first);
    git.fsck();
}

#[test]
fn the_check_finds_a_tag_that_cannot_be_read() {
    let mut server = Server::start();
    let client = server.client();
    two_versions(&client);
    release(&client, "v1", &json!({})).expect(201);
    release(&client, "v2", &json!({})).expect(201);
    server.stop();
    let data = server.data().to_str().expect("UTF-8").to_owned();
    run(&["check", "--data", &data]).expect_success();
    let id = server.git().rev_parse("refs/tags/prod/v1");
    fs::remove_file(server.data().join("repository.git/objects").join(&id[..2]).join(&id[2..]))
        .expect("a loose object");
    let checked = run(&["check", "--data", &data]);
    assert_eq!(checked.code(), Some(1), "{}", checked.stdout);
    assert!(checked.stdout.contains("refs/tags/prod/v1"), "{}", checked.stdout);
    // The rest is served.
    server.start_again();
    let client = server.client();
    assert_eq!(names(&client.get(RELEASES).expect(200)), ["v2"]);
    client.get(SERVICES).expect(200);
}
