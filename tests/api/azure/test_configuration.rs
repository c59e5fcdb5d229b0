//! What this kind is for: a test configuration that skipped certificate checks can be found, blamed and reverted.

use serde_json::json;

use super::{Azure, BACKENDS, HOST, XYZ, create, entity, patch, server_with_xyz};
use crate::support::{Client, Server, Watch};

const SKIP: &str = "skipCertificateChainValidation";
const REASON: &str = "Self-signed certificate for the mutual TLS test";

/// A server on which the checks of `xyz` were switched off between other changes, and that commit.
fn server_that_skips_checks() -> (Server, String) {
    let server = server_with_xyz();
    let client = server.client();
    create(&client, "other", "other.contoso.com");
    let target = format!("{XYZ}?message={}", REASON.replace(' ', "+"));
    let tag = client.get(XYZ).etag();
    let culprit = patch(&client, &target, &tag, &json!({SKIP: true})).expect(204).version();
    patch(&client, &super::path("other"), "*", &json!({"host": "moved.contoso.com"})).expect(204);
    (server, culprit)
}

/// What the history of the backend says was the state before that commit.
#[track_caller]
fn version_before(client: &Client, path: &str, commit: &str) -> String {
    let versions = client.get(&format!("{path}/versions")).expect(200).versions();
    let at = versions.iter().position(|version| version == commit).expect("the commit is in the history");
    versions[at + 1].clone()
}

#[test]
fn it_can_be_found_by_a_search_through_the_history() {
    let (server, culprit) = server_that_skips_checks();
    let needle = format!("\"{SKIP}\": true");
    let found = server.git().text(&["log", "--format=%H %an: %s", "-S", &needle, "prod", "--", "backends"]);
    assert_eq!(found, format!("{culprit} anonymous: {REASON}"));
}

#[test]
fn its_line_can_be_blamed() {
    let (server, culprit) = server_that_skips_checks();
    let line = format!("/{SKIP}/,+1");
    let blame = server.git().text(&["blame", "--porcelain", "-L", &line, "prod", "--", "backends/xyz.json"]);
    assert!(blame.starts_with(&culprit), "{blame}");
    assert!(blame.contains(&format!("summary {REASON}")), "{blame}");
}

#[test]
fn it_can_be_found_over_http() {
    let (server, culprit) = server_that_skips_checks();
    let client = server.client();
    let answer = client.get(&format!("{XYZ}/versions?q=self-signed")).expect(200);
    assert_eq!(answer.versions(), std::slice::from_ref(&culprit));
    assert_eq!(answer.items()[0]["author"], "anonymous");
    let before = version_before(&client, XYZ, &culprit);
    assert_eq!(client.get(&format!("{XYZ}/versions/{before}")).json()[SKIP], false);
    assert_eq!(client.get(&format!("{XYZ}/versions/{culprit}")).json()[SKIP], true);
}

#[test]
fn the_backends_can_be_reverted_to_before_it() {
    let (server, culprit) = server_that_skips_checks();
    let client = server.client();
    let before = version_before(&client, BACKENDS, &culprit);
    let watch = Watch::on(&server, "prod");

    let answer = client.revert(BACKENDS, &before).expect(200);
    assert_eq!(watch.one_commit(&answer).subject, format!("Revert backends to {}", &before[..7]));
    let value = [entity("other", "other.contoso.com", false), entity("xyz", HOST, false)];
    assert_eq!(client.get(BACKENDS).json()["value"], json!(value));
    assert_eq!(client.get(BACKENDS).etag(), answer.etag());
    let history = client.get(&format!("{XYZ}/versions")).expect(200).versions();
    assert_eq!(history[..2], [answer.version(), culprit], "the history keeps what happened");
}

#[test]
fn the_backend_alone_can_be_reverted_to_before_it() {
    let (server, culprit) = server_that_skips_checks();
    let client = server.client();
    let before = version_before(&client, XYZ, &culprit);
    let watch = Watch::on(&server, "prod");

    let answer = client.revert(XYZ, &before).expect(200);
    assert_eq!(watch.one_commit(&answer).subject, format!("Revert backend xyz to {}", &before[..7]));
    assert_eq!(client.get(XYZ).json(), entity("xyz", HOST, false));
    assert_eq!(client.get(&super::path("other")).json(), entity("other", "moved.contoso.com", false));
}

/// As Azure's documentation advises when testing is complete.
#[test]
fn it_can_be_switched_off_by_a_patch_that_names_it() {
    let (server, _) = server_that_skips_checks();
    let client = server.client();
    let tag = client.get(XYZ).etag();
    patch(&client, XYZ, &tag, &json!({SKIP: false})).expect(204);
    assert_eq!(client.get(XYZ).json(), entity("xyz", HOST, false));
    patch(&client, XYZ, &tag, &json!({SKIP: true})).refused(412, "PreconditionFailed");
}
