//! `?dry_run=true` and `?message=`, as on every write.

use serde_json::{Value, json};

use super::{Azure, HOST, STALE, XYZ, contoso, document, entity, server_with_xyz};
use crate::support::documents::encoded;
use crate::support::{Answer, Client, Server, Watch};

const NEW: &str = "/conf/prod/backends/new";

/// Each write of the dialect, as it succeeds where there is `xyz` and no `new`.
const WRITES: [(&str, &str, Option<&str>); 3] = [
    ("PUT", NEW, Some(r#"{"host":"backend.contoso.com"}"#)),
    ("PATCH", XYZ, Some(r#"{"skipCertificateChainValidation":true}"#)),
    ("DELETE", XYZ, None),
];

#[track_caller]
fn send(client: &Client, method: &str, target: &str, body: Option<&str>) -> Answer {
    let request = client.request(method, target);
    let request = if method == "PUT" { request } else { request.if_match("*") };
    if let Some(body) = body { request.body(body).send() } else { request.send() }
}

#[test]
fn a_dry_run_tells_what_would_change_and_writes_nothing() {
    let server = server_with_xyz();
    let client = server.client();
    let everything = server.git().everything();
    let head = server.git().rev_parse("prod");
    for ((method, path, body), (id, change)) in
        WRITES.into_iter().zip([("new", "created"), ("xyz", "updated"), ("xyz", "deleted")])
    {
        let answer = send(&client, method, &format!("{path}?dry_run=true"), body).expect(200);
        assert_eq!(answer.message(), "Dry run: nothing was written");
        assert_eq!(answer.version(), head);
        let diff = answer.json()["diff"].clone();
        assert_eq!((&diff["from"], &diff["to"]), (&json!(head), &Value::Null), "{answer:?}");
        let items = diff["items"].as_array().expect("a diff has items");
        assert_eq!(items.len(), 1, "{answer:?}");
        assert_eq!(items[0]["kind"], "backends");
        assert_eq!((&items[0]["id"], &items[0]["change"]), (&json!(id), &json!(change)), "{answer:?}");
        assert_eq!(server.git().everything(), everything, "{answer:?}");
    }
    assert_eq!(client.get("/conf/prod/backends").json()["value"], json!([entity("xyz", HOST, false)]));
}

#[test]
fn the_difference_is_a_json_patch_of_the_document() {
    let server = server_with_xyz();
    let client = server.client();
    let patch_of = |write: (&str, &str, Option<&str>)| {
        let (method, path, body) = write;
        let answer = send(&client, method, &format!("{path}?dry_run=true"), body).expect(200);
        answer.json()["diff"]["items"][0]["patch"].clone()
    };
    assert_eq!(patch_of(WRITES[0])[0]["value"], document("new", HOST, false));
    let switched = json!([{"op": "replace", "path": "/skipCertificateChainValidation", "value": true}]);
    assert_eq!(patch_of(WRITES[1]), switched);
    let answer = send(&client, "PATCH", &format!("{XYZ}?dry_run=true"), Some("{}")).expect(200);
    assert_eq!(answer.json()["diff"]["items"], json!([]));
}

#[test]
fn a_dry_run_is_refused_where_the_write_would_be() {
    let server = server_with_xyz();
    let client = server.client();
    let everything = server.git().everything();
    let dry = |path: &str| format!("{path}?dry_run=true");
    client.put(&dry(XYZ), &contoso()).refused(409, "ResourceExists");
    client.put(&dry(NEW), &json!({"host": ""})).refused(400, "ValidationError");
    client.request("PATCH", &dry(XYZ)).body("{}").send().refused(400, "IfMatchRequired");
    client.request("DELETE", &dry(XYZ)).send().refused(400, "IfMatchRequired");
    client.request("PATCH", &dry(XYZ)).if_match(STALE).body("{}").send().refused(412, "PreconditionFailed");
    client.request("DELETE", &dry(XYZ)).if_match(STALE).send().refused(412, "PreconditionFailed");
    send(&client, "DELETE", &dry(NEW), None).refused(404, "ResourceNotFound");
    client.put("/conf/nowhere/backends/xyz?dry_run=true", &contoso()).refused(404, "ResourceNotFound");
    client.put(&format!("{NEW}?dry_run=maybe"), &contoso()).refused_for(&[("dry_run", "BoolType")]);
    assert_eq!(server.git().everything(), everything);
}

#[test]
fn what_is_said_with_a_write_is_the_commits_message() {
    let server = server_with_xyz();
    let client = server.client();
    for (number, (method, path, body)) in WRITES.into_iter().enumerate() {
        let message = format!("Grund {number}: Zertifikat – 日本 & more");
        let watch = Watch::on(&server, "prod");
        let answer = send(&client, method, &format!("{path}?message={}", encoded(&message)), body);
        assert!(matches!(answer.status, 201 | 204), "{answer:?}");
        assert_eq!(watch.one_commit(&answer).subject, message);
    }
}

#[test]
fn a_message_has_1_to_1000_characters() {
    let server = server_with_xyz();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    for (method, path, body) in WRITES {
        for (message, code) in [(String::new(), "StringTooShort"), ("x".repeat(1001), "StringTooLong")] {
            send(&client, method, &format!("{path}?message={message}"), body)
                .refused_for(&[("message", code)]);
        }
    }
    watch.untouched();
    let longest = "ä".repeat(1000);
    send(&client, "DELETE", &format!("{XYZ}?message={}", encoded(&longest)), None).expect(204);
    assert_eq!(server.git().head("prod").subject, longest);
}

#[test]
fn a_read_takes_neither() {
    let server = Server::start();
    let client = server.client();
    for path in ["/conf/prod/backends", XYZ] {
        client.get(&format!("{path}?dry_run=true")).refused_for(&[("dry_run", "ExtraForbidden")]);
        client.get(&format!("{path}?message=x")).refused_for(&[("message", "ExtraForbidden")]);
    }
}
