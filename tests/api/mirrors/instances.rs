//! The other side is another instance of this service.

use std::path::Path;

use serde_json::json;

use super::{WEB, follow, push, told, wait_for_state};
use crate::support::documents::{described, service};
use crate::support::{Client, Server, wait_for};

/// The other instance, without the configuration that it begins with, and its door for git.
fn other() -> (Server, Client, String) {
    let server = Server::start();
    let client = server.client();
    client.delete("/conf/configs/prod").expect(200);
    let door = format!("http://{}/git", server.address());
    (server, client, door)
}

#[track_caller]
fn wait_for_versions(one: &Client, other: &Client, configuration: &str) {
    let versions = format!("/conf/configs/{configuration}/versions");
    wait_for("the other instance to have every version", || {
        let there = other.get(&versions);
        (there.status == 200 && there.json() == one.get(&versions).expect(200).json()).then_some(())
    });
}

#[test]
fn what_is_pushed_to_a_second_instance_is_served_there() {
    let (second, there, door) = other();
    let first = Server::builder().config(&push(Path::new(&door), "archives = \"there\"")).start();
    let here = first.client();
    here.post(WEB, &service("web")).expect(201);
    wait_for_versions(&here, &there, "prod");
    here.post("/conf/configs/staging", &json!({"from": {"config": "prod"}})).expect(201);
    here.put("/conf/staging/backend-services/web", &described("web", "staged")).expect(200);
    here.put("/conf/configs/staging/releases/v1", &json!({})).expect(201);
    wait_for_versions(&here, &there, "staging");
    assert_eq!(
        there.get("/conf/staging/backend-services/web").expect(200).json(),
        described("web", "staged")
    );
    wait_for("the release", || (there.get("/conf/configs/staging/releases/v1").status == 200).then_some(()));
    here.delete("/conf/configs/staging").expect(200);
    wait_for("the deletion", || (there.get("/conf/configs/staging").status == 404).then_some(()));
    wait_for_state(&here, "current");
    let archives: Vec<_> = second
        .git()
        .refs()
        .into_iter()
        .filter(|(name, _)| name.starts_with("refs/archive/staging/"))
        .collect();
    assert_eq!(archives.len(), 1, "{archives:?}");
    second.git().fsck();
}

#[test]
fn what_was_written_at_the_second_instance_is_not_overwritten() {
    let (_second, there, door) = other();
    let first = Server::builder().config(&push(Path::new(&door), "archives = \"there\"")).start();
    let here = first.client();
    here.post(WEB, &service("web")).expect(201);
    wait_for_versions(&here, &there, "prod");
    there.put(WEB, &described("web", "theirs")).expect(200);
    here.put(WEB, &described("web", "ours")).expect(200);
    wait_for_state(&here, "diverged");
    assert!(told(&here)["message"].as_str().expect("a text").contains("refs/heads/prod"));
    assert_eq!(there.get(WEB).expect(200).json(), described("web", "theirs"));
}

#[test]
fn a_second_instance_follows_the_first() {
    let first = Server::start();
    let here = first.client();
    here.post(WEB, &service("web")).expect(201);
    let door = format!("http://{}/git", first.address());
    let second = Server::builder().config(&follow(Path::new(&door), "interval = 1")).start();
    let there = second.client();
    wait_for_versions(&here, &there, "prod");
    here.put(WEB, &described("web", "new")).expect(200);
    wait_for_versions(&here, &there, "prod");
    let refused = there.put(WEB, &described("web", "mine")).expect(403);
    assert!(refused.text().contains(&door), "{}", refused.text());
    // Not by git, either.
    let (_home, clone) = second.git().clone();
    clone.text(&["remote", "set-url", "origin", &format!("http://{}/git", second.address())]);
    let ann = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"];
    clone.text(&[&ann[..], &["commit", "--quiet", "--allow-empty", "-m", "Mine"]].concat());
    let said = clone.refused(&["push", "origin", "HEAD:prod"]);
    assert!(said.contains("follows the branch prod of"), "{said}");
}
