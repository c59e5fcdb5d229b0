//! Where a request has several faults, the first of a fixed order is told, so that clients see the same each time.

use super::{Azure, HOST, STALE, XYZ, contoso, entity, path, server_with_xyz};
use crate::support::client::Request;
use crate::support::{Answer, Client, Watch};

/// A request that has every fault that comes at all; each test of the order takes one away from the front.
fn faulty<'a>(client: &'a Client, method: &str, target: &str) -> Request<'a> {
    client
        .request(method, target)
        .header("Accept", "text/html")
        .header("Content-Type", "text/plain")
        .body("{")
}

fn typed<'a>(client: &'a Client, method: &str, target: &str) -> Request<'a> {
    client.request(method, target).header("Content-Type", "application/json").body("{")
}

#[test]
fn a_change_is_checked_from_the_configuration_inwards() {
    let server = server_with_xyz();
    let client = server.client();
    let absent = path("absent");
    let watch = Watch::on(&server, "prod");
    let bad_query = |path: &str| format!("{path}?nonsense=1");
    let current = client.get(XYZ).etag();

    faulty(&client, "POST", &bad_query("/conf/nowhere/backends/xyz")).send().refused(404, "ResourceNotFound");
    faulty(&client, "POST", &bad_query(&absent)).send().refused(405, "MethodNotAllowed");
    faulty(&client, "PATCH", &bad_query(&absent)).send().refused(406, "NotAcceptable");
    let untyped = client.request("PATCH", &bad_query(&absent)).header("Content-Type", "text/plain").body("{");
    untyped.send().refused(415, "UnsupportedMediaType");
    typed(&client, "PATCH", &bad_query(&absent)).send().refused_for(&[("nonsense", "ExtraForbidden")]);
    typed(&client, "PATCH", &absent).if_match("unquoted").send().refused(400, "InvalidHeader");
    typed(&client, "PATCH", &absent).send().refused(400, "IfMatchRequired");
    typed(&client, "PATCH", &absent).if_match(STALE).send().refused(404, "ResourceNotFound");
    typed(&client, "PATCH", XYZ).if_match(STALE).send().refused(412, "PreconditionFailed");
    typed(&client, "PATCH", XYZ).if_match(&current).send().refused_for(&[("body", "Json")]);
    watch.untouched();
}

#[test]
fn a_creation_is_checked_from_the_configuration_inwards() {
    let server = server_with_xyz();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    faulty(&client, "PUT", "/conf/nowhere/backends/xyz").send().refused(404, "ResourceNotFound");
    faulty(&client, "PUT", XYZ).send().refused(406, "NotAcceptable");
    typed(&client, "PUT", &format!("{XYZ}?nonsense=1")).send().refused_for(&[("nonsense", "ExtraForbidden")]);
    typed(&client, "PUT", XYZ).if_none_match("*").send().refused(412, "PreconditionFailed");
    typed(&client, "PUT", XYZ).send().refused(409, "ResourceExists");
    typed(&client, "PUT", &path("new")).send().refused_for(&[("body", "Json")]);
    watch.untouched();
}

#[test]
fn a_deletion_is_checked_from_the_configuration_inwards() {
    let server = server_with_xyz();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    let delete = |target: &str| client.request("DELETE", target);
    delete("/conf/nowhere/backends/xyz?nonsense=1").send().refused(404, "ResourceNotFound");
    let html = delete(&format!("{XYZ}?nonsense=1")).header("Accept", "text/html");
    html.send().refused(406, "NotAcceptable");
    delete(&format!("{XYZ}?nonsense=1")).send().refused_for(&[("nonsense", "ExtraForbidden")]);
    delete(&path("absent")).send().refused(400, "IfMatchRequired");
    delete(&path("absent")).if_match(STALE).send().refused(404, "ResourceNotFound");
    delete(XYZ).if_match(STALE).send().refused(412, "PreconditionFailed");
    watch.untouched();
}

#[test]
fn a_stale_tag_is_told_before_any_fault_of_the_body() {
    let server = server_with_xyz();
    let client = server.client();
    let current = client.get(XYZ).etag();
    let send =
        |tag: &str, body: &str| -> Answer { client.request("PATCH", XYZ).if_match(tag).body(body).send() };
    for body in ["{", "", "[]", r#"{"host":""}"#, r#"{"unknown":1}"#, "{}"] {
        send(STALE, body).refused(412, "PreconditionFailed");
        let answer = send(&current, body);
        assert_eq!(answer.status, if body == "{}" { 204 } else { 400 }, "{answer:?}");
    }
    assert_eq!(client.get(XYZ).json(), entity("xyz", HOST, false));
    client.put(XYZ, &contoso()).refused(409, "ResourceExists");
}
