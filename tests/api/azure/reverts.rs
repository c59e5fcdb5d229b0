//! `PUT …/versions/{version}/revert` of the backends and of one of them, in the shapes that all kinds have.

use serde_json::json;

use super::{Azure, BACKENDS, HOST, STALE, XYZ, create, delete, entity, patch, path};
use crate::support::git::EMPTY_TREE;
use crate::support::{Server, Watch};

#[test]
fn the_reverted_backends_equal_that_version() {
    let server = Server::start();
    let client = server.client();
    create(&client, "a", HOST);
    let then = create(&client, "b", HOST).version();
    let list = client.get(BACKENDS).etag();
    patch(&client, &path("a"), "*", &json!({"host": "new.contoso.com"})).expect(204);
    delete(&client, &path("b"), "*").expect(204);
    create(&client, "c", HOST);
    let watch = Watch::on(&server, "prod");

    let answer = client.revert(BACKENDS, &then).expect(200);
    assert_eq!(answer.json(), json!({"message": "Successfully updated entry"}));
    assert_eq!(watch.one_commit(&answer).subject, format!("Revert backends to {}", &then[..7]));
    assert_eq!(answer.etag(), list);
    let value = ["a", "b"].map(|id| entity(id, HOST, false));
    assert_eq!(client.get(BACKENDS).json(), json!({"value": value, "count": 2, "nextLink": null}));
}

#[test]
fn the_backends_can_be_reverted_to_before_there_were_any() {
    let server = Server::start();
    let client = server.client();
    let beginning = server.git().rev_parse("prod");
    create(&client, "xyz", HOST);
    assert_eq!(client.revert(BACKENDS, &beginning).expect(200).object(), EMPTY_TREE);
    assert_eq!(server.git().ls("prod"), ["config.json"]);
}

#[test]
fn a_revert_brings_a_deleted_backend_back_and_leaves_the_others() {
    let server = Server::start();
    let client = server.client();
    let created = create(&client, "xyz", HOST);
    create(&client, "other", HOST);
    delete(&client, XYZ, "*").expect(204);
    patch(&client, &path("other"), "*", &json!({"host": "new.contoso.com"})).expect(204);
    let watch = Watch::on(&server, "prod");

    let answer = client.revert(XYZ, &created.version()[..9]).expect(200);
    assert_eq!(answer.json(), json!({"message": "Successfully updated entry"}));
    let subject = format!("Revert backend xyz to {}", &created.version()[..7]);
    assert_eq!(watch.one_commit(&answer).subject, subject);
    assert_eq!(client.get(XYZ).expect(200).etag(), created.etag());
    assert_eq!(client.get(&path("other")).json(), entity("other", "new.contoso.com", false));
}

#[test]
fn reverting_to_what_is_makes_no_commit() {
    let server = Server::start();
    let client = server.client();
    let then = create(&client, "xyz", HOST).version();
    patch(&client, XYZ, "*", &json!({"host": "new.contoso.com"})).expect(204);
    patch(&client, XYZ, "*", &json!({"host": HOST})).expect(204);
    let watch = Watch::on(&server, "prod");
    for of in [BACKENDS, XYZ] {
        watch.no_commit(&client.revert(of, &then).expect(200));
    }
}

#[test]
fn a_backend_cannot_be_reverted_to_where_it_was_not() {
    let server = Server::start();
    let client = server.client();
    let beginning = server.git().rev_parse("prod");
    create(&client, "xyz", HOST);
    let watch = Watch::on(&server, "prod");
    client.revert(XYZ, &beginning).expect_error(404);
    watch.untouched();
}

/// Unlike the dialect's own writes, a revert needs no `If-Match`; where it has one, it must hold.
#[test]
fn a_revert_obeys_its_preconditions_in_the_other_shape() {
    let server = Server::start();
    let client = server.client();
    let then = create(&client, "xyz", HOST).version();
    let current = patch(&client, XYZ, "*", &json!({"host": "new.contoso.com"})).expect(204).etag();
    let target = format!("{XYZ}/versions/{then}/revert");
    let watch = Watch::on(&server, "prod");
    client.request("PUT", &target).if_match(STALE).send().expect_error(412);
    watch.untouched();
    client.request("PUT", &target).if_match(&current).send().expect(200);
    client.get(XYZ).expect(200);
    client.get(&path("absent")).refused(404, "ResourceNotFound");
}
