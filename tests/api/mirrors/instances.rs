//! The other side is another instance of this service.

use std::path::Path;

use serde_json::json;

use super::{Outside, WEB, follow, push, told, wait_for_state};
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
fn what_is_made_anew_while_the_second_instance_is_away_comes_in_the_place_of_the_old() {
    let (second, there, door) = other();
    let outside = Outside::new();
    let away = outside.path("away");
    let program = outside.program(
        "git",
        &format!(
            "case \"$*\" in --version) ;; *) test ! -e {} || exit 1;; esac\nexec git \"$@\"",
            away.display()
        ),
    );
    let settings = push(Path::new(&door), "archives = \"there\"");
    let first =
        Server::builder().keep(&outside.0).config(&settings).env("REVCONF_GIT_PROGRAM", &program).start();
    let here = first.client();
    for name in ["staging", "test"] {
        here.post(&format!("/conf/configs/{name}"), &json!({"description": "Old"})).expect(201);
        here.put(&format!("/conf/configs/{name}/releases/v1"), &json!({})).expect(201);
    }
    here.put("/conf/configs/prod/releases/v1", &json!({"message": "Old"})).expect(201);
    wait_for_state(&here, "current");
    wait_for("the release", || (there.get("/conf/configs/prod/releases/v1").status == 200).then_some(()));
    std::fs::write(&away, "").expect("a file");
    here.delete("/conf/configs/test").expect(200);
    here.delete("/conf/configs/staging").expect(200);
    here.post("/conf/configs/staging", &json!({"description": "New"})).expect(201);
    for release in ["v1", "v2"] {
        here.put(&format!("/conf/configs/staging/releases/{release}"), &json!({})).expect(201);
    }
    here.delete("/conf/configs/prod/releases/v1").expect(200);
    here.post(WEB, &service("web")).expect(201);
    here.put("/conf/configs/prod/releases/v1", &json!({"message": "New"})).expect(201);
    wait_for_state(&here, "failing");
    std::fs::remove_file(&away).expect("it is there");
    wait_for_state(&here, "current");
    for name in ["prod", "staging"] {
        wait_for_versions(&here, &there, name);
        let releases = format!("/conf/configs/{name}/releases");
        assert_eq!(there.get(&releases).expect(200).json(), here.get(&releases).expect(200).json());
    }
    there.get("/conf/configs/test").expect(404);
    // What was replaced is in archives there, with its releases.
    let kept = |below: &str| second.git().refs().iter().filter(|(name, _)| name.starts_with(below)).count();
    assert_eq!((kept("refs/archive/staging/"), kept("refs/archive/test/")), (1, 1));
    assert_eq!((kept("refs/archive-tags/staging/"), kept("refs/archive-tags/test/")), (1, 1));
    second.git().fsck();
}

#[test]
fn what_the_second_instance_refuses_holds_up_nothing_else() {
    // There `prod` follows something else, so that nobody may push to it.
    let outside = Outside::new();
    let second = Server::builder().config(&follow(&outside.path("nowhere.git"), "")).start();
    let there = second.client();
    let door = format!("http://{}/git", second.address());
    let first = Server::builder().config(&push(Path::new(&door), "archives = \"there\"")).start();
    let here = first.client();
    for name in ["a", "staging", "test"] {
        here.post(&format!("/conf/configs/{name}"), &json!({})).expect(201);
        here.put(&format!("/conf/configs/{name}/releases/v1"), &json!({})).expect(201);
    }
    for name in ["a", "staging", "test"] {
        wait_for_versions(&here, &there, name);
        let release = format!("/conf/configs/{name}/releases/v1");
        wait_for("its release", || (there.get(&release).status == 200).then_some(()));
    }
    here.delete("/conf/configs/staging").expect(200);
    wait_for("the deletion", || (there.get("/conf/configs/staging").status == 404).then_some(()));
    let failing = wait_for_state(&here, "failing");
    let message = failing["message"].as_str().unwrap_or_default();
    assert!(message.contains("refs/heads/prod") && !message.contains("staging"), "{failing}");
    there.get("/conf/configs/prod").expect(404);
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
