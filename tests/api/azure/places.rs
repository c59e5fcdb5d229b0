//! Where the dialect is served: below each configuration under each prefix, and at the root.

use serde_json::json;

use super::{Azure, HOST, XYZ, contoso, delete, entity, patch, server_with_xyz};
use crate::support::Server;

#[test]
fn the_routes_are_the_same_under_every_prefix() {
    let server = Server::start();
    let client = server.client();
    for (number, prefix) in ["", "/api/v4.0", "/api/v4.3"].into_iter().enumerate() {
        let backend = format!("{prefix}/conf/prod/backends/b{number}");
        let created = client.put(&backend, &contoso()).expect(201);
        assert_eq!(created.location(), backend);
        patch(&client, &backend, &created.etag(), &json!({"host": "new.contoso.com"})).expect(204);
        for other in ["", "/api/v4.0", "/api/v4.3"] {
            let read = client.get(&format!("{other}/conf/prod/backends/b{number}")).expect(200);
            assert_eq!(read.json(), entity(&format!("b{number}"), "new.contoso.com", false));
        }
        delete(&client, &backend, "*").expect(204);
        assert_eq!(client.get(&format!("{prefix}/conf/prod/backends")).expect(200).count(), 0);
    }
}

#[test]
fn the_root_serves_prod_unless_set_otherwise() {
    let server = Server::start();
    let client = server.client();
    let created = client.put("/backends/xyz", &contoso()).expect(201);
    assert_eq!(created.location(), "/backends/xyz");
    let read = client.get("/backends/xyz").expect(200);
    let same = client.get(XYZ).expect(200);
    assert_eq!(
        (read.body.clone(), read.etag(), read.version()),
        (same.body.clone(), same.etag(), same.version())
    );
    let list = client.get("/backends").expect(200);
    assert_eq!(list.body, client.get("/conf/prod/backends").expect(200).body);
    delete(&client, "/backends/xyz", &read.etag()).expect(204);
    client.get(XYZ).refused(404, "ResourceNotFound");
}

#[test]
fn the_configuration_of_the_root_is_a_setting() {
    for builder in [
        Server::builder().config("[azure]\nconfig = \"staging\"\n"),
        Server::builder().env("REVCONF_AZURE_CONFIG", "staging"),
    ] {
        let server = builder.start();
        let client = server.client();
        // It need not be there when the service starts.
        client.get("/backends").refused(404, "ResourceNotFound");
        client.put("/backends/xyz", &contoso()).refused(404, "ResourceNotFound");

        client.post("/conf/configs/staging", &json!({})).expect(201);
        client.put("/backends/xyz", &contoso()).expect(201);
        assert_eq!(client.get("/conf/staging/backends/xyz").expect(200).json(), entity("xyz", HOST, false));
        client.get(XYZ).refused(404, "ResourceNotFound");
    }
}

#[test]
fn the_root_has_no_prefix() {
    let server = server_with_xyz();
    let client = server.client();
    for path in ["/api/v4.0/backends", "/api/v4.3/backends/xyz", "/conf/backends", "/api/backends"] {
        client.get(path).expect(404);
    }
    let server = Server::builder().config("[http]\nprefixes = [\"/config/v1\"]\n").start();
    let client = server.client();
    client.put("/backends/xyz", &contoso()).expect(201);
    client.get("/config/v1/conf/prod/backends/xyz").expect(200);
    client.get(XYZ).expect(404);
    client.get("/config/v1/backends/xyz").expect(404);
}

#[test]
fn the_root_has_the_version_routes_too() {
    let server = Server::start();
    let client = server.client();
    let created = client.put("/backends/xyz", &contoso()).expect(201).version();
    delete(&client, "/backends/xyz", "*").expect(204);
    for of in ["/backends", "/backends/xyz"] {
        let below = |rest: &str| format!("{of}/versions{rest}");
        let in_prod = |rest: &str| format!("/conf/prod{of}/versions{rest}");
        for rest in [String::new(), format!("/{created}")] {
            let answer = client.get(&below(&rest)).expect(200);
            assert_eq!(answer.body, client.get(&in_prod(&rest)).expect(200).body, "{of} {rest}");
        }
    }
    client.revert("/backends/xyz", &created).expect(200);
    client.get(XYZ).expect(200);
    delete(&client, "/backends/xyz", "*").expect(204);
    client.revert("/backends", &created).expect(200);
    client.get("/backends/xyz").expect(200);
}

#[test]
fn configurations_have_backends_of_their_own() {
    let server = server_with_xyz();
    let client = server.client();
    client.post("/conf/configs/staging", &json!({})).expect(201);
    client.get("/conf/staging/backends/xyz").refused(404, "ResourceNotFound");
    client.put("/conf/staging/backends/xyz", &json!({"host": "staging.contoso.com"})).expect(201);
    assert_eq!(client.get(XYZ).json(), entity("xyz", HOST, false));
    let copy = json!({"from": {"config": "staging"}});
    client.post("/conf/configs/copy", &copy).expect(201);
    assert_eq!(client.get("/conf/copy/backends/xyz").json(), entity("xyz", "staging.contoso.com", false));
}
