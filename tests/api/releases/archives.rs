//! What becomes of releases when a configuration is copied, deleted and brought back.

use serde_json::json;

use super::{CONFIG, RELEASES, names, release, two_versions};
use crate::support::Server;

#[test]
fn a_copy_has_no_releases_of_its_source() {
    let server = Server::start();
    let client = server.client();
    let [first, newest] = two_versions(&client);
    release(&client, "v1", &json!({"version": first})).expect(201);
    client.post("/conf/configs/staging", &json!({"from": {"config": "prod", "version": "v1"}})).expect(201);
    assert_eq!(client.get("/conf/configs/staging").expect(200).version(), first, "a copy of the release");
    assert_eq!(client.get("/conf/configs/staging/releases").expect(200).total(), 0);
    client.get("/conf/configs/staging/versions/v1").expect_error(404);
    // It may have one of the same name, elsewhere.
    client.put("/conf/configs/staging/releases/v1", &json!({})).expect(201);
    release(&client, "v2", &json!({"version": newest})).expect(201);
    client.put("/conf/configs/staging/releases/v2", &json!({"version": newest})).expect_error(404);
    server.git().fsck();
}

#[test]
fn releases_go_with_their_configuration_and_come_back_with_it() {
    let server = Server::start();
    let client = server.client();
    let [first, _] = two_versions(&client);
    client.post("/conf/configs/left", &json!({})).expect(201);
    for name in ["v1", "v2"] {
        release(&client, name, &json!({"version": first, "message": name})).expect(201);
    }
    let list = client.get(RELEASES).expect(200);
    let tags: Vec<_> =
        server.git().refs().into_iter().filter(|(name, _)| name.starts_with("refs/tags/")).collect();
    let archive =
        client.delete(CONFIG).expect(200).json()["archive"].as_str().expect("an archive").to_owned();
    let git = server.git();
    assert!(!git.refs().iter().any(|(name, _)| name.starts_with("refs/tags/")), "a clone gets none of them");
    for name in ["v1", "v2"] {
        assert_eq!(git.rev_parse(&format!("refs/archive-tags/{archive}/{name}^{{commit}}")), first);
    }
    git.fsck();

    // A new one of the same name begins without.
    client.post(CONFIG, &json!({})).expect(201);
    assert_eq!(client.get(RELEASES).expect(200).total(), 0);
    release(&client, "v1", &json!({})).expect(201);
    client.delete(CONFIG).expect(200);

    // Under another name the tags would say whose they are not.
    client.post("/conf/configs/other", &json!({"from": {"archive": archive}})).expect(201);
    assert_eq!(client.get("/conf/configs/other/releases").expect(200).total(), 0);
    client.post(CONFIG, &json!({"from": {"archive": archive}})).expect(201);
    let back = client.get(RELEASES).expect(200);
    assert_eq!(back.json(), list.json());
    let now: Vec<_> =
        server.git().refs().into_iter().filter(|(name, _)| name.starts_with("refs/tags/")).collect();
    assert_eq!(now, tags);
    server.git().assert_sound(&["left", "other", "prod"]);
}

#[test]
fn to_delete_and_to_bring_back_can_be_done_again() {
    let mut server = Server::start();
    let client = server.client();
    two_versions(&client);
    release(&client, "v1", &json!({})).expect(201);
    for round in 0..3 {
        let archive = client.delete(CONFIG).expect(200).json()["archive"].clone();
        client.post(CONFIG, &json!({"from": {"archive": archive}})).expect(201);
        assert_eq!(names(&client.get(RELEASES).expect(200)).len(), 1 + round);
        release(&client, &format!("after-{round}"), &json!({})).expect(201);
    }
    server.git().fsck();
    server.kill();
    server.start_again();
    assert_eq!(server.client().get(RELEASES).expect(200).total(), 4);
}
