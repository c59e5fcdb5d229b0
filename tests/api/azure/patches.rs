//! `PATCH` is a JSON merge patch (RFC 7396): what the body leaves out stays.

use serde_json::json;

use super::{Azure, HOST, XYZ, entity, patch, server_with_xyz};
use crate::support::Watch;

#[test]
fn each_field_can_be_changed_alone_or_with_the_other() {
    let server = server_with_xyz();
    let client = server.client();
    let steps = [
        (json!({"skipCertificateChainValidation": true}), entity("xyz", HOST, true)),
        (json!({"host": "b.contoso.com"}), entity("xyz", "b.contoso.com", true)),
        (
            json!({"skipCertificateChainValidation": false, "host": "c.contoso.com"}),
            entity("xyz", "c.contoso.com", false),
        ),
    ];
    for (change, expected) in steps {
        let watch = Watch::on(&server, "prod");
        watch.one_commit(&patch(&client, XYZ, "*", &change).expect(204));
        assert_eq!(client.get(XYZ).json(), expected, "{change}");
    }
}

#[test]
fn null_takes_a_field_back_to_its_default() {
    let server = server_with_xyz();
    let client = server.client();
    patch(&client, XYZ, "*", &json!({"skipCertificateChainValidation": true})).expect(204);
    patch(&client, XYZ, "*", &json!({"skipCertificateChainValidation": null})).expect(204);
    assert_eq!(client.get(XYZ).json(), entity("xyz", HOST, false));
}

#[test]
fn a_host_has_no_default_to_go_back_to() {
    let server = server_with_xyz();
    let watch = Watch::on(&server, "prod");
    let answer = patch(&server.client(), XYZ, "*", &json!({"host": null})).refused(400, "ValidationError");
    assert_eq!(answer.details().into_iter().map(|(target, _)| target).collect::<Vec<_>>(), ["host"]);
    watch.untouched();
}

#[test]
fn a_patch_that_changes_nothing_makes_no_commit() {
    let server = server_with_xyz();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    let tag = client.get(XYZ).etag();
    let nothing_new = [
        json!({}),
        json!({"host": HOST}),
        json!({"skipCertificateChainValidation": false}),
        json!({"skipCertificateChainValidation": null}),
        json!({"host": HOST, "skipCertificateChainValidation": false}),
    ];
    for change in nothing_new {
        for given in [tag.as_str(), "*", "\"*\""] {
            let answer = patch(&client, XYZ, given, &change).expect(204);
            watch.no_commit(&answer);
            assert_eq!(answer.etag(), tag);
        }
    }
}

#[test]
fn a_patch_is_held_to_the_same_rules_as_a_creation() {
    let server = server_with_xyz();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    let cases = [
        (json!({"host": ""}), "host", "StringTooShort"),
        (json!({"host": 5}), "host", "StringType"),
        (json!({"host": "http://backend.contoso.com"}), "host", "Format"),
        (json!({"host": "x".repeat(256)}), "host", "StringTooLong"),
        (json!({"skipCertificateChainValidation": "true"}), "skipCertificateChainValidation", "BoolType"),
        (json!({"skipCertificateChainValidation": 1}), "skipCertificateChainValidation", "BoolType"),
        (json!({"skipCertificateChainValidation": {}}), "skipCertificateChainValidation", "BoolType"),
        (json!({"id": "/backends/xyz"}), "id", "ExtraForbidden"),
        (json!({"id": "other"}), "id", "ExtraForbidden"),
        (json!({"port": 80}), "port", "ExtraForbidden"),
        (json!({"Host": HOST}), "Host", "ExtraForbidden"),
        (json!([]), "body", "ObjectType"),
        (json!(null), "body", "ObjectType"),
        (json!("host"), "body", "ObjectType"),
    ];
    for (change, target, code) in cases {
        patch(&client, XYZ, "*", &change).refused_for(&[(target, code)]);
    }
    watch.untouched();
}

/// In a merge patch null takes a member away, and to pass over what is unknown would hide a typing error.
#[test]
fn a_field_that_may_not_be_sent_is_refused_even_as_null() {
    let server = server_with_xyz();
    for field in ["skipCertificateChain", "id"] {
        let answer = patch(&server.client(), XYZ, "*", &json!({field: null}));
        answer.refused_for(&[(field, "ExtraForbidden")]);
    }
}

#[test]
fn a_patch_may_be_sent_as_json_or_as_a_merge_patch() {
    let server = server_with_xyz();
    let client = server.client();
    let types = [
        Some("application/json"),
        Some("application/merge-patch+json"),
        Some("application/merge-patch+json; charset=utf-8"),
        Some("application/json;charset=UTF-8"),
        None,
    ];
    for (number, content_type) in types.into_iter().enumerate() {
        let host = format!("h{number}.contoso.com");
        let mut request = client.request("PATCH", XYZ).if_match("*").body(json!({"host": host}).to_string());
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        request.send().expect(204);
        assert_eq!(client.get(XYZ).json(), entity("xyz", &host, false), "{content_type:?}");
    }
}
