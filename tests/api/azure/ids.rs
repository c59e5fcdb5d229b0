//! The id of a backend: in the path, in the entity, in the name of its file.

use serde_json::json;

use super::{Azure, BACKENDS, HOST, contoso, create, delete, document, entity, patch, path};
use crate::support::documents::{encoded, file};
use crate::support::{Server, Watch};

#[test]
fn odd_ids_are_backends_like_any_other() {
    let server = Server::start();
    let client = server.client();
    let ids = [
        "a b",
        "ä",
        "日本",
        "it's",
        "\"quoted\"",
        "(x)[y]{z}",
        "a=b,c;d",
        "~",
        ".hidden",
        "-x",
        "a..b",
        "xyz.json",
        "$@!",
        "Xyz",
        "xyz",
        "backends",
        "and",
        "not",
    ];
    for id in ids {
        let created = create(&client, id, HOST);
        assert_eq!(created.json(), entity(id, HOST, false), "the id is not encoded in the body");
        assert_eq!(created.location(), path(id));
        assert_eq!(client.get(&created.location()).expect(200).json(), entity(id, HOST, false));
        let name = format!("backends/{}.json", encoded(id));
        assert_eq!(server.git().show("prod", &name), file(&document(id, HOST, false)));
    }
    assert_eq!(client.get(BACKENDS).count(), ids.len() as u64);
    for id in ids {
        patch(&client, &path(id), "*", &json!({"host": "new.contoso.com"})).expect(204);
        delete(&client, &path(id), "*").expect(204);
    }
    assert_eq!(server.git().ls("prod"), ["config.json"]);
    server.git().fsck();
}

#[test]
fn an_id_has_at_most_256_characters() {
    let server = Server::start();
    let client = server.client();
    for longest in ["x".repeat(256), "ä".repeat(256)] {
        create(&client, &longest, HOST);
        assert_eq!(client.get(&path(&longest)).expect(200).json(), entity(&longest, HOST, false));
    }
    let watch = Watch::on(&server, "prod");
    for too_long in ["x".repeat(257), "ä".repeat(257)] {
        let details = client.put(&path(&too_long), &contoso()).refused(400, "ValidationError").details();
        assert_eq!(details.len(), 1, "{details:?}");
        assert_eq!(details[0].0, "id", "{details:?}");
    }
    watch.untouched();
}

#[test]
fn what_is_no_id_cannot_be_created_and_is_never_found() {
    let server = Server::start();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    let characters = "/\\*#&+:<>?%\u{0}\n\u{7f}".chars().map(|character| encoded(&format!("a{character}b")));
    let dots_and_spaces = ["%2e%2e", "%2E", "%20xyz", "xyz%20"].map(str::to_owned);
    for segment in characters.chain(dots_and_spaces) {
        let path = format!("{BACKENDS}/{segment}");
        let details = client.put(&path, &contoso()).refused(400, "ValidationError").details();
        assert!(
            !details.is_empty() && details.iter().all(|(target, _)| target == "id"),
            "{path}: {details:?}"
        );
        client.get(&path).refused(404, "ResourceNotFound");
        client.request("HEAD", &path).send().expect(404);
        patch(&client, &path, "*", &contoso()).refused(404, "ResourceNotFound");
        delete(&client, &path, "*").refused(404, "ResourceNotFound");
    }
    watch.untouched();
}

#[test]
fn bytes_that_are_no_utf_8_are_no_id() {
    let server = Server::start();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    for segment in ["%FF", "%C3", "a%80b", "%ED%A0%80"] {
        let path = format!("{BACKENDS}/{segment}");
        client.put(&path, &contoso()).refused(400, "ValidationError");
        client.get(&path).refused(404, "ResourceNotFound");
        delete(&client, &path, "*").refused(404, "ResourceNotFound");
    }
    watch.untouched();
}

#[test]
fn the_word_versions_is_a_route_and_no_id() {
    let server = Server::start();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    let versions = format!("{BACKENDS}/versions");
    client.put(&versions, &contoso()).expect_error(405);
    delete(&client, &versions, "*").expect_error(405);
    assert_eq!(client.get(&versions).expect(200).total(), 0);
    watch.untouched();
}
