//! Which names a release may have.

use serde_json::json;

use super::{CONFIG, RELEASES, release};
use crate::support::Server;
use crate::support::documents::encoded;

#[test]
fn names_that_git_and_the_contract_take() {
    let server = Server::start();
    let client = server.client();
    let long = "a".repeat(63);
    for name in ["v1", "1.0", "2026-01-31", "abcdef", "0", "a-b_c.d", "deadbeef-1", "head", &long] {
        release(&client, name, &json!({})).expect(201);
        let shown = client.get(&format!("{RELEASES}/{name}")).expect(200).json();
        assert_eq!(shown["name"], name);
        client.get(&format!("{CONFIG}/versions/{name}")).expect(200);
        assert!(server.git().find(&format!("refs/tags/prod/{name}")).is_some());
    }
    server.git().fsck();
}

#[test]
fn names_that_could_not_be_tags_or_could_be_versions() {
    let server = Server::start();
    let client = server.client();
    let before = server.git().everything();
    let long = "v".repeat(64);
    let id = "a".repeat(40);
    for name in [
        "V1", "v 1", "ü", ".a", "-a", "a..b", "a.", "a.lock", "@", "a@{1}", "a~1", "a^", "a:b", "a?", "a*",
        "a[", "a\\b", "a\n", "a/b", &long, "1234567", "20260131", "deadbeef", &id,
    ] {
        let path = format!("{RELEASES}/{}", encoded(name));
        let refused = client.put(&path, &json!({}));
        refused.expect_faults(&[("[\"path\",\"release\"]", "format")]);
        client.get(&path).expect_error(404);
        client.delete(&path).expect_error(404);
    }
    assert_eq!(server.git().everything(), before);
}
