//! A copy elsewhere is kept like the repository.

use std::fs;

use serde_json::json;

use super::{Outside, WEB, metric, ours, push, text_of, told, wait_for_copy, wait_for_state};
use crate::support::documents::service;
use crate::support::{Server, program, wait_for};

#[test]
fn every_commit_release_and_archive_comes_to_a_bare_repository() {
    let outside = Outside::new();
    let copy = outside.bare("copy.git");
    let server = outside.pushing(copy.directory()).start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    wait_for_copy(&server, &copy);
    assert_eq!(copy.head("prod").id, server.git().head("prod").id);
    client.post("/conf/configs/staging", &json!({"from": {"config": "prod"}})).expect(201);
    client.put("/conf/configs/staging/releases/v1", &json!({})).expect(201);
    client.put("/conf/configs/prod/releases/v1", &json!({})).expect(201);
    wait_for_copy(&server, &copy);
    assert_eq!(copy.find("refs/tags/staging/v1"), server.git().find("refs/tags/staging/v1"));
    client.delete("/conf/configs/staging").expect(200);
    wait_for_copy(&server, &copy);
    let names: Vec<_> = ours(&copy).into_iter().map(|(name, _)| name).collect();
    assert!(names.iter().any(|name| name.starts_with("refs/archive/staging/")), "{names:?}");
    assert!(names.iter().any(|name| name.starts_with("refs/archive-tags/staging/")), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("heads/staging")), "{names:?}");
    copy.fsck();
    let told = wait_for_state(&client, "current");
    assert_eq!(told["commits_behind"], 0, "{told}");
    assert!(told["last_success"].is_string(), "{told}");
    assert_eq!(metric(&client, "revconf_mirror_lag_seconds"), 0.0);
    assert!(metric(&client, "revconf_mirror_last_success_timestamp_seconds") > 1e9);
}

#[test]
fn a_configuration_that_is_made_anew_replaces_the_one_that_is_archived() {
    let outside = Outside::new();
    let copy = outside.bare("copy.git");
    let server = outside.pushing(copy.directory()).start();
    let client = server.client();
    client.post("/conf/configs/staging", &json!({"description": "first"})).expect(201);
    client.put("/conf/configs/staging/releases/v1", &json!({})).expect(201);
    wait_for_copy(&server, &copy);
    client.delete("/conf/configs/staging").expect(200);
    client.post("/conf/configs/staging", &json!({"description": "second"})).expect(201);
    client.put("/conf/configs/staging/releases/v1", &json!({})).expect(201);
    wait_for_copy(&server, &copy);
    copy.fsck();
    wait_for_state(&client, "current");
}

#[test]
fn without_archives_nothing_is_deleted_or_replaced_there() {
    let outside = Outside::new();
    let copy = outside.bare("copy.git");
    let settings = push(copy.directory(), "archives = false");
    let server = Server::builder().keep(&outside.0).config(&settings).start();
    let client = server.client();
    for name in ["gone", "anew"] {
        client.post(&format!("/conf/configs/{name}"), &json!({})).expect(201);
        client.put(&format!("/conf/configs/{name}/releases/v1"), &json!({})).expect(201);
    }
    client.put("/conf/configs/prod/releases/v1", &json!({})).expect(201);
    wait_for_copy(&server, &copy);
    wait_for_state(&client, "current");
    let before = ours(&copy);
    client.delete("/conf/configs/prod/releases/v1").expect(200);
    for name in ["gone", "anew"] {
        client.delete(&format!("/conf/configs/{name}")).expect(200);
    }
    client.post("/conf/configs/anew", &json!({"description": "Another"})).expect(201);
    client.put("/conf/configs/anew/releases/v1", &json!({})).expect(201);
    // What takes nothing away goes on.
    client.post(WEB, &service("web")).expect(201);
    wait_for("the newest version", || (copy.find("prod") == server.git().find("prod")).then_some(()));
    for name in ["heads/gone", "heads/anew", "tags/gone/v1", "tags/anew/v1", "tags/prod/v1"] {
        wait_for(&format!("{name} to be told"), || {
            let told = told(&client);
            let named = told["message"].as_str().is_some_and(|text| text.contains(&format!("refs/{name}")));
            (told["state"] == "diverged" && named).then_some(())
        });
    }
    let kept = |refs: Vec<(String, String)>| -> Vec<_> {
        refs.into_iter().filter(|(name, _)| name != "refs/heads/prod").collect()
    };
    assert_eq!(kept(ours(&copy)), kept(before));
    // What is taken away there by hand is as it is here.
    for name in ["heads/gone", "heads/anew", "tags/gone/v1", "tags/anew/v1", "tags/prod/v1"] {
        copy.text(&["update-ref", "-d", &format!("refs/{name}")]);
    }
    wait_for_state(&client, "current");
    assert_eq!(copy.find("refs/heads/anew"), server.git().find("refs/heads/anew"));
}

#[test]
fn a_release_that_is_taken_away_and_given_anew_is_so_there_also_after_a_restart() {
    let outside = Outside::new();
    let copy = outside.bare("copy.git");
    let mut server = outside.pushing(copy.directory()).start();
    let client = server.client();
    client.put("/conf/configs/prod/releases/v1", &json!({})).expect(201);
    client.put("/conf/configs/prod/releases/v2", &json!({})).expect(201);
    wait_for_copy(&server, &copy);
    wait_for_state(&client, "current");
    // What others have put there is theirs.
    copy.text(&["tag", "prod/theirs", "prod"]);
    fs::rename(copy.directory(), outside.path("away.git")).expect("it can be moved");
    client.delete("/conf/configs/prod/releases/v1").expect(200);
    client.delete("/conf/configs/prod/releases/v2").expect(200);
    client.post(WEB, &service("web")).expect(201);
    client.put("/conf/configs/prod/releases/v1", &json!({})).expect(201);
    server.stop();
    fs::rename(outside.path("away.git"), copy.directory()).expect("it can be moved back");
    server.start_again();
    wait_for_state(&server.client(), "current");
    let there: Vec<_> = ours(&copy).into_iter().filter(|(name, _)| !name.ends_with("/theirs")).collect();
    assert_eq!(there, ours(&server.git()));
    assert!(copy.find("refs/tags/prod/theirs").is_some());
}

#[test]
fn what_is_newer_there_than_a_backup_stays_there_when_that_is_restored() {
    let outside = Outside::new();
    let copy = outside.bare("copy.git");
    let mut server = outside.pushing(copy.directory()).start();
    let client = server.client();
    client.put("/conf/configs/prod/releases/v1", &json!({})).expect(201);
    let data = text_of(server.data());
    let backups = text_of(&outside.path("backups"));
    program::run(&["backup", "--data", &data, &backups]).expect_success();
    client.put("/conf/configs/prod/releases/v2", &json!({})).expect(201);
    wait_for_copy(&server, &copy);
    wait_for_state(&client, "current");
    let newest = ours(&copy);
    server.stop();
    fs::rename(server.data().join("repository.git"), outside.path("lost.git")).expect("it can be moved");
    program::run(&["restore", "--data", &data, &backups]).expect_success();
    server.start_again();
    let client = server.client();
    wait_for_state(&client, "current");
    client.get("/conf/configs/prod/releases/v2").expect(404);
    // A commit that has come there shows that all was done.
    client.post(WEB, &service("web")).expect(201);
    wait_for("the newest version", || (copy.find("prod") == server.git().find("prod")).then_some(()));
    wait_for_state(&client, "current");
    let tags = |refs: &[(String, String)]| -> Vec<_> {
        refs.iter().filter(|(name, _)| name.starts_with("refs/tags/")).cloned().collect()
    };
    assert_eq!(tags(&ours(&copy)), tags(&newest));
}

#[test]
fn what_was_not_pushed_is_pushed_after_a_restart() {
    let outside = Outside::new();
    let copy = outside.bare("copy.git");
    let mut server = outside.pushing(copy.directory()).start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    wait_for_copy(&server, &copy);
    fs::rename(copy.directory(), outside.path("away.git")).expect("it can be moved");
    for number in 0..5 {
        client
            .post(&format!("/conf/prod/backend-services/web{number}"), &service(&format!("web{number}")))
            .expect(201);
    }
    let failing = wait_for_state(&client, "failing");
    assert!(failing["message"].as_str().is_some_and(|text| text.contains("copy.git")), "{failing}");
    server.kill();
    fs::rename(outside.path("away.git"), copy.directory()).expect("it can be moved back");
    server.start_again();
    wait_for_copy(&server, &copy);
    copy.fsck();
}

#[test]
fn a_remote_that_is_away_holds_up_nothing_and_gets_all_when_it_is_back() {
    let outside = Outside::new();
    let copy = outside.bare("copy.git");
    let server = outside.pushing(copy.directory()).start();
    let client = server.client();
    wait_for_copy(&server, &copy);
    fs::rename(copy.directory(), outside.path("away.git")).expect("it can be moved");
    client.post(WEB, &service("web")).expect(201);
    wait_for_state(&client, "failing");
    client.get("/health/ready").expect(200);
    client.put(WEB, &json!({"name": "other"})).expect(200);
    wait_for("the lag to be told", || {
        let behind = metric(&client, "revconf_mirror_lag_seconds") > 0.0;
        (behind && metric(&client, "revconf_mirror_failures_total") > 0.0).then_some(())
    });
    wait_for("the commits to be counted", || {
        (metric(&client, "revconf_mirror_lag_commits") == 2.0).then_some(())
    });
    assert!(server.log_lines().iter().any(|line| line.contains("it is tried again")));
    fs::rename(outside.path("away.git"), copy.directory()).expect("it can be moved back");
    wait_for_copy(&server, &copy);
    wait_for_state(&client, "current");
    assert_eq!(metric(&client, "revconf_mirror_lag_seconds"), 0.0);
}

#[test]
fn a_remote_that_has_gone_elsewhere_is_not_overwritten() {
    let outside = Outside::new();
    let copy = outside.bare("copy.git");
    let server = outside.pushing(copy.directory()).start();
    let client = server.client();
    client.post("/conf/configs/staging", &json!({})).expect(201);
    wait_for_copy(&server, &copy);
    let tree = copy.text(&["rev-parse", "prod^{tree}"]);
    let theirs = copy.text(&[
        "-c",
        "user.name=Eve",
        "-c",
        "user.email=eve@example.org",
        "commit-tree",
        &tree,
        "-p",
        "prod",
        "-m",
        "theirs",
    ]);
    copy.text(&["update-ref", "refs/heads/prod", &theirs]);
    client.post(WEB, &service("web")).expect(201);
    let diverged = wait_for_state(&client, "diverged");
    assert!(diverged["message"].as_str().is_some_and(|text| text.contains("refs/heads/prod")), "{diverged}");
    assert_eq!(copy.rev_parse("prod"), theirs);
    assert!(server.log_lines().iter().any(|line| line.contains("gone elsewhere")));
    // The others go on.
    client.post("/conf/staging/backend-services/web", &service("web")).expect(201);
    wait_for("the other branch", || (copy.find("staging") == server.git().find("staging")).then_some(()));
    assert_eq!(copy.rev_parse("prod"), theirs);
    // Somebody decides.
    copy.text(&["update-ref", "refs/heads/eve", &theirs]);
    copy.text(&["update-ref", "-d", "refs/heads/prod"]);
    wait_for("its own", || (copy.find("prod") == server.git().find("prod")).then_some(()));
    wait_for_state(&client, "current");
    assert_eq!(copy.rev_parse("eve"), theirs);
}

#[test]
fn what_the_other_side_does_not_take_is_told_in_its_words_and_nothing_is_lost() {
    let outside = Outside::new();
    let copy = outside.bare("copy.git");
    let server = outside.pushing(copy.directory()).start();
    let client = server.client();
    client.post("/conf/configs/staging", &json!({})).expect(201);
    wait_for_copy(&server, &copy);
    let prod = copy.rev_parse("prod");
    // It is what a clone of the copy checks out.
    client.delete("/conf/configs/prod").expect(200);
    let failing = wait_for_state(&client, "failing");
    let message = failing["message"].as_str().unwrap_or_default();
    assert!(message.contains("refs/heads/prod") && message.contains("current branch"), "{failing}");
    let archived = ours(&copy).into_iter().find(|(name, _)| name.starts_with("refs/archive/prod/"));
    assert_eq!(archived.map(|(_, id)| id), Some(prod));
    client.post("/conf/staging/backend-services/web", &service("web")).expect(201);
    wait_for("the others to go on", || (copy.find("staging") == server.git().find("staging")).then_some(()));
    copy.text(&["symbolic-ref", "HEAD", "refs/heads/staging"]);
    wait_for_copy(&server, &copy);
    wait_for_state(&client, "current");
}

#[test]
fn only_the_configurations_that_are_named_are_pushed() {
    let outside = Outside::new();
    let copy = outside.bare("copy.git");
    let settings = push(copy.directory(), "configurations = [\"staging-*\", \"test\"]");
    let server = Server::builder().keep(&outside.0).config(&settings).start();
    let client = server.client();
    for name in ["staging-eu", "staging", "test", "test-2"] {
        client.post(&format!("/conf/configs/{name}"), &json!({})).expect(201);
        client.put(&format!("/conf/configs/{name}/releases/v1"), &json!({})).expect(201);
    }
    wait_for("four refs", || (ours(&copy).len() == 4).then_some(()));
    wait_for_state(&client, "current");
    let names: Vec<_> = ours(&copy).into_iter().map(|(name, _)| name).collect();
    let wanted = ["refs/heads/staging-eu", "refs/heads/test", "refs/tags/staging-eu/v1", "refs/tags/test/v1"];
    assert_eq!(names, wanted);
}

#[test]
fn a_burst_of_writes_is_few_pushes() {
    let outside = Outside::new();
    let copy = outside.bare("copy.git");
    let server = outside.pushing(copy.directory()).start();
    let client = server.client();
    wait_for_copy(&server, &copy);
    let before = metric(&client, "revconf_mirror_attempts_total");
    for number in 0..60 {
        client
            .post(&format!("/conf/prod/backend-services/web{number}"), &service(&format!("web{number}")))
            .expect(201);
    }
    wait_for_copy(&server, &copy);
    wait_for_state(&client, "current");
    let attempts = metric(&client, "revconf_mirror_attempts_total") - before;
    assert!((1.0..40.0).contains(&attempts), "{attempts}");
}

#[test]
fn without_git_the_service_runs_and_says_what_is_missing() {
    let outside = Outside::new();
    let copy = outside.bare("copy.git");
    let server = outside.pushing(copy.directory()).env("REVCONF_GIT_PROGRAM", "/nonexistent/git").start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    let failing = wait_for_state(&client, "failing");
    assert!(failing["message"].as_str().is_some_and(|text| text.contains("install git")), "{failing}");
    assert_eq!(told(&client)["direction"], "push");
}
