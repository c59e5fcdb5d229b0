//! States of the repository that somebody made with git, and damage: what is sound is served, what is not says so, and
//! writing makes nothing worse.

use std::fs;

use serde_json::json;

use crate::support::documents::{completed_service, described, file, service};
use crate::support::program::run;
use crate::support::{Server, planted};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";

/// A stopped server whose repository somebody may now change, and what is needed to start it again.
fn stopped() -> Server {
    let mut server = Server::start();
    server.client().post(WEB, &service("web")).expect(201);
    assert_eq!(server.stop().code(), Some(0));
    server
}

#[test]
fn a_whole_set_written_over_a_broken_one_is_served_at_once() {
    let mut server = stopped();
    planted::add(&server.git(), "prod", "backend-services/README.md", b"notes");
    server.start_again();
    let client = server.client();
    let refused = client.request("GET", SERVICES).allow_5xx().send();
    assert_eq!(refused.status, 500);
    assert!(refused.message().contains("README.md"), "{refused:?}");
    client.put(SERVICES, &json!([service("api")])).expect(200);
    assert_eq!(client.get(SERVICES).expect(200).total(), 1);
    server.git().fsck();
}

#[test]
fn a_configuration_without_a_description_is_served_and_keeps_what_else_is_said() {
    let mut server = stopped();
    planted::add(&server.git(), "prod", "config.json", b"{\"format\":2,\"owner\":\"team a\"}");
    server.start_again();
    let client = server.client();
    let record = client.get("/conf/configs/prod").expect(200).json();
    assert_eq!(record["description"], "");
    client.put("/conf/configs/prod", &json!({"description": "ours"})).expect(200);
    let said: serde_json::Value =
        serde_json::from_slice(&server.git().show("prod", "config.json")).expect("JSON");
    assert_eq!(said, json!({"format": 2, "description": "ours", "owner": "team a"}));
}

#[test]
fn a_version_that_breaks_todays_rules_says_so() {
    let mut server = stopped();
    let git = server.git();
    let bad = planted::add(&git, "prod", "backend-services/web.json", b"{\"id\":\"web\",\"nmae\":\"Web\"}");
    planted::add(&git, "prod", "backend-services/web.json", &file(&service("web")));
    server.start_again();
    let client = server.client();
    for path in [SERVICES, WEB, "/conf/configs/prod"] {
        let version = format!("{path}/versions/{bad}");
        for answer in [client.get(&version), client.revert(path, &bad)] {
            let refused = answer.expect_error(409);
            assert!(refused.message().contains("nmae"), "{refused:?}");
        }
    }
    client.get(WEB).expect(200);
}

#[test]
fn a_file_that_is_called_like_a_folder_makes_way() {
    let mut server = Server::start();
    server.stop();
    planted::add(&server.git(), "prod", "backend-services", b"a file");
    server.start_again();
    server.client().post(WEB, &service("web")).expect(201);
    let git = server.git();
    git.fsck();
    assert_eq!(git.ls("prod"), ["backend-services/web.json", "config.json"]);
}

#[test]
fn a_damaged_object_is_written_again() {
    for damage in [&b""[..], b"not an object"] {
        let server = Server::start();
        let bytes = file(&completed_service("web"));
        let id = server.git().hash_object(&bytes);
        let folder = server.data().join("repository.git/objects").join(&id[..2]);
        fs::create_dir_all(&folder).expect("a folder of objects");
        fs::write(folder.join(&id[2..]), damage).expect("an object can be damaged");
        server.client().post(WEB, &service("web")).expect(201);
        assert_eq!(server.git().show("prod", "backend-services/web.json"), bytes);
        server.git().fsck();
    }
}

#[test]
fn an_unreadable_ref_is_told_and_does_not_stop_the_others() {
    let mut server = stopped();
    fs::write(server.data().join("repository.git/refs/heads/broken"), b"").expect("a ref can be damaged");
    let data = server.data().to_str().expect("UTF-8").to_owned();
    let finished = run(&["check", "--data", &data]);
    assert_eq!(finished.code(), Some(1), "{finished:?}");
    assert!(finished.stdout.contains("broken"), "{finished:?}");
    server.start_again();
    server.client().get(WEB).expect(200);
    server.wait_for_log("the broken branch", |line| line.contains("broken").then_some(()));
}

#[test]
fn a_name_that_git_cannot_keep_fails_alone() {
    let server = Server::start();
    let git = server.git();
    git.text(&["update-ref", "refs/heads/feature/x", "refs/heads/prod"]);
    let client = server.client();
    std::thread::scope(|threads| {
        let bad = threads.spawn(|| {
            for _ in 0..40 {
                let answer =
                    client.request("POST", "/conf/configs/feature").json(&json!({})).allow_5xx().send();
                assert_eq!(answer.status, 503);
                assert!(answer.message().contains("feature"), "{answer:?}");
            }
        });
        let good: Vec<_> = (0..3)
            .map(|writer| {
                let client = &client;
                threads.spawn(move || {
                    let path = format!("{SERVICES}/w{writer}");
                    client.post(&path, &service(&format!("w{writer}"))).expect(201);
                    for count in 0..20 {
                        client.put(&path, &described(&format!("w{writer}"), &count.to_string())).expect(200);
                    }
                })
            })
            .collect();
        bad.join().expect("the bad one is refused each time");
        good.into_iter().for_each(|writer| writer.join().expect("the others are not disturbed"));
    });
    git.fsck();
}

#[test]
fn a_branch_that_is_reserved_is_left_alone_and_told() {
    let mut server = stopped();
    server.git().text(&["branch", "configs", "prod"]);
    server.start_again();
    let listed = server.client().get("/conf/configs").expect(200);
    assert_eq!(listed.total(), 1, "{listed:?}");
    let data = server.data().to_str().expect("UTF-8").to_owned();
    let finished = run(&["check", "--data", &data]);
    assert_eq!(finished.code(), Some(1), "{finished:?}");
    assert!(finished.stdout.contains("branch configs"), "{finished:?}");
}

#[test]
fn an_archive_that_cannot_be_is_not_found() {
    let server = Server::start();
    let client = server.client();
    for archive in ["", "prod", "a/../b", "prod/x", &"a".repeat(5000), "prod/2026..01", "../heads/prod"] {
        client.post("/conf/configs/copy", &json!({"from": {"archive": archive}})).expect_error(404);
    }
}

#[test]
fn git_may_tidy_up_while_the_service_writes() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    let git = server.git();
    std::thread::scope(|threads| {
        let writer = threads.spawn(|| {
            for count in 0..150 {
                client.put(WEB, &described("web", &count.to_string())).expect(200);
                if count % 10 == 0 {
                    let path = format!("/conf/configs/copy{count}");
                    client.post(&path, &json!({"from": {"config": "prod"}})).expect(201);
                    client.delete(&path).expect(200);
                }
            }
        });
        while !writer.is_finished() {
            git.text(&["pack-refs", "--all"]);
            git.text(&["-c", "gc.auto=1", "gc", "--quiet"]);
        }
        writer.join().expect("every write is taken");
    });
    git.fsck();
    assert_eq!(client.get(&format!("{WEB}/versions")).total(), 151);
    assert_eq!(client.get(WEB).json(), described("web", "149"));
    let archives = git.refs().into_iter().filter(|(name, _)| name.starts_with("refs/archive/")).count();
    assert_eq!(archives, 15, "every copy that was deleted is kept");
}

#[test]
fn methods_that_clients_make_up_make_no_labels() {
    let server = Server::start();
    let client = server.client();
    for number in 0..20 {
        client.request(&format!("MADEUP{number}"), SERVICES).send();
    }
    let metrics = client.get("/metrics").text();
    assert!(!metrics.contains("MADEUP"), "{metrics}");
    assert!(metrics.contains("method=\"other\""), "{metrics}");
}
