//! The fields of an entity: their defaults, and what is refused.

use serde_json::{Value, json};

use super::{Azure, BACKENDS, HOST, XYZ, contoso, entity, path};
use crate::support::documents::with;
use crate::support::{Server, Watch};

const SKIP: &str = "skipCertificateChainValidation";

#[test]
fn certificates_are_checked_unless_it_is_said_otherwise() {
    let server = Server::start();
    let client = server.client();
    let bodies =
        [(contoso(), false), (with(contoso(), SKIP, false), false), (with(contoso(), SKIP, true), true)];
    for (number, (body, skips)) in bodies.into_iter().enumerate() {
        let id = format!("b{number}");
        let created = client.put(&path(&id), &body).expect(201);
        assert_eq!(created.json(), entity(&id, HOST, skips));
    }
}

#[test]
fn the_order_of_the_members_sent_does_not_matter() {
    let server = Server::start();
    let client = server.client();
    let reversed = r#"{"skipCertificateChainValidation":true,"host":"backend.contoso.com"}"#;
    let expected =
        r#"{"id":"/backends/xyz","host":"backend.contoso.com","skipCertificateChainValidation":true}"#;
    client.request("PUT", XYZ).body(reversed).send().expect(201);
    assert_eq!(client.get(XYZ).text().trim_end(), expected);
}

#[test]
fn a_bad_body_is_told_field_by_field() {
    let server = Server::start();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    let cases: [(Value, &[(&str, &str)]); 17] = [
        (json!({}), &[("host", "Missing")]),
        (json!({"skipCertificateChainValidation": true}), &[("host", "Missing")]),
        (json!({"host": null}), &[("host", "StringType")]),
        (json!({"host": 5}), &[("host", "StringType")]),
        (json!({"host": [HOST]}), &[("host", "StringType")]),
        (json!({"host": ""}), &[("host", "StringTooShort")]),
        (with(contoso(), SKIP, "true"), &[(SKIP, "BoolType")]),
        (with(contoso(), SKIP, 0), &[(SKIP, "BoolType")]),
        (with(contoso(), SKIP, Value::Null), &[(SKIP, "BoolType")]),
        (with(contoso(), "id", "/backends/xyz"), &[("id", "ExtraForbidden")]),
        (with(contoso(), "id", "xyz"), &[("id", "ExtraForbidden")]),
        (with(contoso(), "id", "other"), &[("id", "ExtraForbidden")]),
        (with(contoso(), "name", "xyz"), &[("name", "ExtraForbidden")]),
        (
            with(contoso(), "skipcertificatechainvalidation", true),
            &[("skipcertificatechainvalidation", "ExtraForbidden")],
        ),
        (json!([]), &[("body", "ObjectType")]),
        (json!("text"), &[("body", "ObjectType")]),
        (
            json!({"host": 5, "skipCertificateChainValidation": "no", "port": 80, "id": "xyz"}),
            &[
                ("host", "StringType"),
                (SKIP, "BoolType"),
                ("port", "ExtraForbidden"),
                ("id", "ExtraForbidden"),
            ],
        ),
    ];
    for (body, details) in cases {
        client.put(XYZ, &body).refused_for(details);
    }
    watch.untouched();
    client.get(XYZ).refused(404, "ResourceNotFound");
}

/// A name of this many characters, in labels of ten and a last one of what is left.
fn name_of(length: usize) -> String {
    let mut name = "x".repeat(length);
    for dot in (10..length - 1).step_by(11) {
        name.replace_range(dot..=dot, ".");
    }
    name
}

#[test]
fn a_host_is_a_bare_name_or_address() {
    let server = Server::start();
    let client = server.client();
    let longest = name_of(255);
    let good = [
        "localhost",
        "backend.contoso.com",
        "Backend.Contoso.COM",
        "back_end.contoso.com",
        "xn--bcher-kva.example",
        "10.0.0.1",
        "::1",
        "2001:db8::8a2e:370:7334",
        longest.as_str(),
    ];
    for (number, host) in good.into_iter().enumerate() {
        let id = format!("b{number}");
        assert_eq!(
            client.put(&path(&id), &json!({"host": host})).expect(201).json(),
            entity(&id, host, false)
        );
    }
    assert_eq!(client.get(BACKENDS).count(), good.len() as u64);
}

#[test]
fn anything_else_is_no_host() {
    let server = Server::start();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    let bad = [
        "http://backend.contoso.com",
        "backend.contoso.com:443",
        "10.0.0.1:80",
        "[::1]",
        "[::1]:443",
        "backend.contoso.com/",
        "backend.contoso.com/path",
        "backend.contoso.com?x=1",
        "backend.contoso.com#x",
        "user@backend.contoso.com",
        "-a.contoso.com",
        "a..b",
        ".contoso.com",
        "a b",
        "a\u{0}b",
        "*.contoso.com",
        "bücher.example",
        "1.2.3",
        "fe80::1%eth0",
        "10.0.0.0/8",
    ];
    for host in bad {
        client.put(XYZ, &json!({"host": host})).refused_for(&[("host", "Format")]);
    }
    client.put(XYZ, &json!({"host": name_of(256)})).refused_for(&[("host", "StringTooLong")]);
    for blank in [" ", "\t\n"] {
        let details = client.put(XYZ, &json!({"host": blank})).refused(400, "ValidationError").details();
        assert!(details.iter().all(|(target, _)| target == "host"), "{details:?}");
    }
    watch.untouched();
}
