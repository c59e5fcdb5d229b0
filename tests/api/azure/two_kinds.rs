//! Backends beside backend services: two kinds of one configuration that do not touch each other.

use serde_json::{Value, json};

use super::{Azure, BACKENDS, HOST, XYZ, contoso, create, delete, document, entity, patch};
use crate::support::Server;
use crate::support::documents::{completed_service, described, service};
use crate::support::git::EMPTY_TREE;

const SERVICES: &str = "/conf/prod/backend-services";
/// The same id in both kinds.
const SERVICE_XYZ: &str = "/conf/prod/backend-services/xyz";

#[test]
fn the_same_id_is_two_entries() {
    let server = Server::start();
    let client = server.client();
    create(&client, "xyz", HOST);
    client.get(SERVICE_XYZ).expect_error(404);
    client.post(SERVICE_XYZ, &service("xyz")).expect(201);
    assert_eq!(client.get(XYZ).json(), entity("xyz", HOST, false));
    assert_eq!(client.get(SERVICE_XYZ).json(), completed_service("xyz"));
    assert_eq!(server.git().ls("prod"), ["backend-services/xyz.json", "backends/xyz.json", "config.json"]);
    delete(&client, XYZ, "*").expect(204);
    client.get(SERVICE_XYZ).expect(200);
}

#[test]
fn neither_kind_is_in_the_others_history() {
    let server = Server::start();
    let client = server.client();
    let backend = create(&client, "xyz", HOST).version();
    let created = client.post(SERVICE_XYZ, &service("xyz")).expect(201).version();
    let patched = patch(&client, XYZ, "*", &json!({"host": "new.contoso.com"})).expect(204).version();
    let updated = client.put(SERVICES, &json!([described("xyz", "x"), service("web")])).expect(200).version();
    let deleted = delete(&client, XYZ, "*").expect(204).version();

    let versions = |path: &str| client.get(&format!("{path}/versions")).expect(200).versions();
    for path in [BACKENDS, XYZ] {
        assert_eq!(versions(path), [deleted.clone(), patched.clone(), backend.clone()]);
    }
    for path in [SERVICES, SERVICE_XYZ] {
        assert_eq!(versions(path), [updated.clone(), created.clone()]);
    }
    let all = versions("/conf/configs/prod");
    assert_eq!(all[..5], [deleted, updated, patched, created, backend]);
}

#[test]
fn a_write_to_one_kind_leaves_the_tags_of_the_other() {
    let server = Server::start();
    let client = server.client();
    client.post(SERVICE_XYZ, &service("xyz")).expect(201);
    let services = client.get(SERVICES).etag();
    create(&client, "xyz", HOST);
    assert_eq!(client.get(SERVICES).etag(), services);
    let backends = client.get(BACKENDS).etag();
    client.delete(SERVICES).expect(200);
    assert_eq!(client.get(BACKENDS).etag(), backends);
    assert_eq!(client.get(SERVICES).object(), EMPTY_TREE);
}

#[test]
fn a_revert_of_one_kind_leaves_the_other() {
    let server = Server::start();
    let client = server.client();
    create(&client, "xyz", HOST);
    let then = client.post(SERVICE_XYZ, &service("xyz")).expect(201).version();
    patch(&client, XYZ, "*", &json!({"host": "new.contoso.com"})).expect(204);
    client.put(SERVICE_XYZ, &described("xyz", "new")).expect(200);

    client.revert(BACKENDS, &then).expect(200);
    assert_eq!(client.get(XYZ).json(), entity("xyz", HOST, false));
    assert_eq!(client.get(SERVICE_XYZ).json(), described("xyz", "new"));
    patch(&client, XYZ, "*", &json!({"host": "newer.contoso.com"})).expect(204);
    client.revert(SERVICES, &then).expect(200);
    assert_eq!(client.get(XYZ).json(), entity("xyz", "newer.contoso.com", false));
    assert_eq!(client.get(SERVICE_XYZ).json(), completed_service("xyz"));
}

#[test]
fn a_configuration_shows_and_reverts_both() {
    let server = Server::start();
    let client = server.client();
    create(&client, "xyz", HOST);
    let then = client.post(SERVICE_XYZ, &service("xyz")).expect(201).version();
    delete(&client, XYZ, "*").expect(204);
    client.delete(SERVICES).expect(200);

    let answer = client.get(&format!("/conf/configs/prod/versions/{then}")).expect(200);
    let documents: &Value = &answer.json()["documents"];
    assert_eq!(documents["backends"], json!([document("xyz", HOST, false)]));
    assert_eq!(documents["backend-services"], json!([completed_service("xyz")]));
    client.revert("/conf/configs/prod", &then).expect(200);
    assert_eq!(client.get(XYZ).expect(200).json(), entity("xyz", HOST, false));
    client.get(SERVICE_XYZ).expect(200);
}

#[test]
fn a_document_of_one_kind_is_none_of_the_other() {
    let server = Server::start();
    let client = server.client();
    let before = server.git().refs();
    let details = client.put(XYZ, &service("xyz")).refused(400, "ValidationError").details();
    assert!(details.contains(&("host".to_owned(), "Missing".to_owned())), "{details:?}");
    client.post(SERVICE_XYZ, &contoso()).expect_error(422);
    assert_eq!(server.git().refs(), before);
}
