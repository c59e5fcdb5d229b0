//! Each row of the contract's table where it succeeds, with git beside.

use serde_json::json;

use super::{Azure, BACKENDS, HOST, XYZ, contoso, create, delete, document, entity, patch, server_with_xyz};
use crate::support::documents::file;
use crate::support::git::EMPTY_TREE;
use crate::support::{Server, Watch};

#[test]
fn creating_a_backend_is_one_commit_with_one_file() {
    let server = Server::start();
    let watch = Watch::on(&server, "prod");
    let answer = server.client().put(XYZ, &contoso()).expect(201);

    assert_eq!(answer.json(), entity("xyz", HOST, false));
    assert_eq!(answer.location(), XYZ);
    assert_eq!(watch.one_commit(&answer).subject, "Create backend xyz");
    assert_eq!(server.git().ls("prod"), ["backends/xyz.json", "config.json"]);
    assert_eq!(server.git().rev_parse("prod:backends/xyz.json"), answer.object());
}

/// Written out, so that a change of what Azure's clients read cannot go unseen.
#[test]
fn an_entity_is_answered_as_azure_has_it() {
    let server = Server::start();
    let client = server.client();
    let documented =
        r#"{"id":"/backends/xyz","host":"backend.contoso.com","skipCertificateChainValidation":false}"#;
    let created = client.put(XYZ, &contoso()).expect(201);
    let read = client.get(XYZ).expect(200);
    for answer in [&created, &read] {
        assert_eq!(answer.text().trim_end(), documented);
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    assert_eq!((read.etag(), read.version()), (created.etag(), created.version()));
}

/// Written out, so that a change of the format on disk cannot go unseen.
#[test]
fn the_file_has_the_bare_id_and_its_blob_is_the_tag() {
    let server = server_with_xyz();
    let bytes = server.git().show("prod", "backends/xyz.json");
    let expected = r#"{
  "id": "xyz",
  "host": "backend.contoso.com",
  "skipCertificateChainValidation": false
}
"#;
    assert_eq!(String::from_utf8_lossy(&bytes), expected);
    assert_eq!(server.client().get(XYZ).object(), server.git().hash_object(&bytes));
}

#[test]
fn head_answers_as_get_without_the_body() {
    let server = server_with_xyz();
    let client = server.client();
    for path in [XYZ, BACKENDS, "/backends", "/backends/xyz"] {
        let get = client.get(path).expect(200);
        let head = client.request("HEAD", path).send().expect(200);
        assert!(head.body.is_empty());
        for header in ["etag", "revconf-version", "content-type", "content-length"] {
            assert_eq!(head.header(header), get.header(header), "{path} {header}");
        }
        assert_eq!(head.version(), server.git().rev_parse("prod"));
    }
}

#[test]
fn updating_a_backend_changes_its_file_and_no_other() {
    let server = server_with_xyz();
    let client = server.client();
    let other = create(&client, "other", "other.contoso.com");
    let watch = Watch::on(&server, "prod");

    let answer = patch(&client, XYZ, "*", &json!({"skipCertificateChainValidation": true})).expect(204);
    assert!(answer.body.is_empty());
    assert_eq!(watch.one_commit(&answer).subject, "Update backend xyz");
    assert_eq!(server.git().text(&["diff", "--name-only", "prod~1", "prod"]), "backends/xyz.json");
    assert_eq!(server.git().show("prod", "backends/xyz.json"), file(&document("xyz", HOST, true)));
    let read = client.get(XYZ).expect(200);
    assert_eq!(read.json(), entity("xyz", HOST, true));
    assert_eq!((read.etag(), read.version()), (answer.etag(), answer.version()));
    assert_eq!(client.get("/conf/prod/backends/other").etag(), other.etag());
}

#[test]
fn deleting_a_backend_removes_its_file_and_no_other() {
    let server = server_with_xyz();
    let client = server.client();
    create(&client, "other", "other.contoso.com");
    let watch = Watch::on(&server, "prod");

    let answer = delete(&client, XYZ, "*").expect(204);
    assert!(answer.body.is_empty());
    assert_eq!(watch.one_commit(&answer).subject, "Delete backend xyz");
    assert_eq!(server.git().ls("prod"), ["backends/other.json", "config.json"]);
    client.get(XYZ).refused(404, "ResourceNotFound");
    assert_eq!(client.get(BACKENDS).ids(), ["other"]);
}

#[test]
fn the_list_is_sorted_by_id_and_its_tag_is_the_tree() {
    let server = Server::start();
    let client = server.client();
    let empty = client.get(BACKENDS).expect(200);
    assert_eq!(empty.text().trim_end(), r#"{"value":[],"count":0,"nextLink":null}"#);
    assert_eq!(empty.object(), EMPTY_TREE);

    for id in ["b", "ä", "a", "B", "a b"] {
        create(&client, id, HOST);
    }
    let list = client.get(BACKENDS).expect(200);
    assert_eq!(list.ids(), ["B", "a", "a b", "b", "ä"], "by code point");
    let value = ["B", "a", "a b", "b", "ä"].map(|id| entity(id, HOST, false));
    assert_eq!(list.json(), json!({"value": value, "count": 5, "nextLink": null}));
    assert_eq!(list.object(), server.git().rev_parse("prod:backends"));
    assert_eq!(list.version(), server.git().rev_parse("prod"));
}

#[test]
fn a_backend_that_exists_cannot_be_created_again() {
    let server = server_with_xyz();
    let watch = Watch::on(&server, "prod");
    for body in [contoso(), json!({"host": "another.contoso.com"})] {
        let answer = server.client().put(XYZ, &body).refused(409, "ResourceExists");
        assert_eq!(answer.version(), server.git().rev_parse("prod"));
    }
    watch.untouched();
}

#[test]
fn a_backend_that_was_deleted_can_be_created_again() {
    let server = server_with_xyz();
    let client = server.client();
    let first = client.get(XYZ).etag();
    delete(&client, XYZ, &first).expect(204);
    assert_eq!(client.put(XYZ, &contoso()).expect(201).etag(), first, "the same content, the same tag");
}

#[test]
fn what_was_written_is_there_after_a_restart() {
    let mut server = server_with_xyz();
    let before = server.client().get(XYZ).expect(200);
    server.stop();
    server.start_again();
    let after = server.client().get(XYZ).expect(200);
    assert_eq!(
        (after.body.clone(), after.etag(), after.version()),
        (before.body.clone(), before.etag(), before.version())
    );
}
