//! Restoring into a service that runs.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;
use tempfile::TempDir;

use super::{WEB, backed_up, filled, repository, restore, text};
use crate::access::{Principals, new_key};
use crate::support::documents::{described, service};
use crate::support::planted::plant;
use crate::support::program::{Finished, finish, run, run_with};
use crate::support::{Client, Git, Server, wait_for};

#[track_caller]
fn bring(server: &Server, from: &Path, environment: &[(&str, &str)]) -> Finished {
    let url = format!("http://{}", server.address());
    run_with(&["restore", "--server", &url, text(from)], b"", environment)
}

/// The refs that a service takes from others.
fn pushable(git: &Git) -> Vec<(String, String)> {
    let below = |name: &str| name.starts_with("refs/heads/") || name.starts_with("refs/tags/");
    git.refs().into_iter().filter(|(name, _)| below(name)).collect()
}

/// Writes to a configuration of its own while `work` is done; at least one write is before it, and one after.
fn under_writes<T>(client: &Client, work: impl FnOnce() -> T) -> T {
    client.post("/conf/configs/busy", &json!({})).expect(201);
    client.post("/conf/busy/backend-services/web", &service("web")).expect(201);
    let going = AtomicBool::new(true);
    let write = || {
        let mut number = 0;
        while going.load(Ordering::SeqCst) {
            number += 1;
            let path = "/conf/busy/backend-services/web";
            client
                .request("PUT", path)
                .json(&described("web", &number.to_string()))
                .unchecked()
                .send()
                .expect(200);
        }
    };
    let written = || client.get("/conf/configs/busy/versions").expect(200).total();
    thread::scope(|threads| {
        threads.spawn(write);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_for("a write", || (written() > 2).then_some(()));
            let done = work();
            let before = written();
            wait_for("another write", || (written() > before).then_some(()));
            done
        }));
        going.store(false, Ordering::SeqCst);
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[test]
fn what_was_deleted_since_comes_back_under_writes() {
    let (server, client) = filled();
    let home = TempDir::new().expect("a folder");
    let file = backed_up(server.data(), home.path());
    let refs = pushable(&server.git());
    let versions = client.get(&format!("{WEB}/versions")).expect(200).json();
    client.delete("/conf/configs/prod/releases/v1").expect(200);
    client.delete("/conf/configs/prod").expect(200);
    client.delete("/conf/configs/staging").expect(200);
    let done = under_writes(&client, || bring(&server, &file, &[])).expect_success();
    for created in ["refs/heads/prod", "refs/heads/staging", "refs/tags/prod/v1"] {
        assert!(done.stdout.contains(&format!("created {created} at ")), "{done:?}");
    }
    let found = pushable(&server.git());
    assert!(refs.iter().all(|known| found.contains(known)), "{found:?}");
    assert_eq!(client.get(&format!("{WEB}/versions")).expect(200).json(), versions);
    client.get("/conf/configs/prod/releases/v1").expect(200);
    client.put(WEB, &described("web", "goes on")).expect(200);
    server.git().fsck();
    let again = bring(&server, &file, &[]).expect_success();
    assert!(again.stdout.contains("restored 0 refs; "), "{again:?}");
}

#[test]
fn another_instance_is_moved_on_and_what_differs_is_left() {
    let (server, client) = filled();
    let home = TempDir::new().expect("a folder");
    let old = backed_up(server.data(), home.path());
    client.put(WEB, &described("web", "third")).expect(200);
    client.put("/conf/configs/prod/releases/v2", &json!({})).expect(201);
    client.post("/conf/staging/backend-services/new", &service("new")).expect(201);
    let newest = backed_up(server.data(), home.path());
    let data = home.path().join("data");
    restore(&data, &old).expect_success();
    let other = Server::builder().data(&data).start();
    other.client().post("/conf/staging/backend-services/own", &service("own")).expect(201);
    let [behind, there] = [repository(&data), server.git()].map(|git| git.rev_parse("prod"));
    let [own, theirs] = [repository(&data), server.git()].map(|git| git.rev_parse("staging"));
    let done = under_writes(&other.client(), || bring(&other, &newest, &[]));
    assert_eq!(done.code(), Some(4), "{done:?}");
    assert!(
        done.stdout.contains(&format!("moved refs/heads/prod on from {behind} to {there}\n")),
        "{done:?}"
    );
    let left = format!(
        "left refs/heads/staging, which is at {own}, and at {theirs} in the backup: their histories have parted\n"
    );
    assert!(done.stdout.contains(&left), "{done:?}");
    assert_eq!(repository(&data).rev_parse("prod"), there);
    assert_eq!(repository(&data).rev_parse("staging"), own);
    assert_eq!(other.client().get(WEB).expect(200).json()["description"], "third");
    other.client().get("/conf/configs/prod/releases/v2").expect(200);
    // What is further on stays, and is nothing that differs.
    other.client().put(WEB, &described("web", "fourth")).expect(200);
    let again = bring(&other, &old, &[]);
    assert!(!again.stdout.contains("refs/heads/prod"), "{again:?}");
    assert_eq!(other.client().get(WEB).expect(200).json()["description"], "fourth");
    repository(&data).fsck();
}

#[test]
fn archives_are_left_out_and_counted() {
    let (server, _) = filled();
    let home = TempDir::new().expect("a folder");
    let file = backed_up(server.data(), home.path());
    let other = Server::start();
    // The first start made a configuration of this name, in the same second maybe; it gets a history of its own.
    other.client().post("/conf/prod/backend-services/other", &service("other")).expect(201);
    let done = bring(&other, &file, &[]);
    assert!(done.stdout.contains("left out 2 refs, such as archives"), "{done:?}");
    assert!(done.stdout.contains("created refs/heads/staging at "), "{done:?}");
    assert_eq!(done.code(), Some(4), "{done:?}");
    let same = bring(&server, &file, &[]).expect_success();
    assert!(!same.stdout.contains("left out"), "the archives are there: {same:?}");
}

#[test]
fn a_configuration_with_a_broken_document_holds_up_no_other() {
    let (mut server, _) = filled();
    let home = TempDir::new().expect("a folder");
    server.stop();
    let git = server.git();
    plant(
        &git,
        "broken",
        &[
            ("config.json", b"{\"format\": 2}"),
            ("backend-services/web.json", b"{\"id\": \"web\", \"nmae\": 1}"),
        ],
        "Broken",
    );
    git.text(&["tag", "broken/v1", "broken"]);
    let file = home.path().join("by-hand.bundle");
    git.text(&["bundle", "create", "--quiet", text(&file), "--all"]);
    let other = Server::start();
    let done = bring(&other, &file, &[]);
    assert_eq!(done.code(), Some(1), "{done:?}");
    for said in ["refs/heads/broken", "backend-services/web.json", "nmae", "refs/tags/broken/v1"] {
        assert!(done.stderr.contains(said), "{said}: {done:?}");
    }
    other.client().get("/conf/staging/backend-services/web").expect(200);
    other.client().get("/conf/configs/broken").expect_error(404);
    other.git().fsck();
}

#[test]
fn a_key_is_needed_where_there_are_principals() {
    let (server, _) = filled();
    let home = TempDir::new().expect("a folder");
    let file = backed_up(server.data(), home.path());
    let (ada, rex) = (new_key("ada", &["admin=*"], &[]), new_key("rex", &["reader=*"], &[]));
    let other = Principals::of(&[&ada, &rex]).builder().start();
    let nobody = bring(&other, &file, &[]);
    assert_eq!(nobody.code(), Some(1), "{nobody:?}");
    assert!(nobody.stderr.contains("REVCONF_KEY or --key-file"), "{nobody:?}");
    let reader = bring(&other, &file, &[("REVCONF_KEY", &rex.key)]);
    assert_eq!(reader.code(), Some(1), "{reader:?}");
    assert!(reader.stderr.contains("this needs the role admin for configuration \"staging\""), "{reader:?}");
    assert_eq!(other.git().find("refs/heads/staging"), None);
    let key = home.path().join("key");
    fs::write(&key, &ada.key).expect("written");
    let admin = bring(&other, &file, &[("REVCONF_KEY_FILE", text(&key))]);
    assert!(admin.stdout.contains("created refs/heads/staging at "), "{admin:?}");
    for said in [&nobody, &reader, &admin] {
        assert!(![&ada, &rex].iter().any(|who| format!("{said:?}").contains(&who.key)), "a key is shown");
    }
}

#[test]
fn what_cannot_be_done_touches_nothing() {
    let (server, client) = filled();
    let home = TempDir::new().expect("a folder");
    let file = backed_up(server.data(), home.path());
    client.delete("/conf/configs/staging").expect(200);
    let before = server.git().everything();
    let sound = fs::read(&file).expect("the backup");
    let broken = home.path().join("broken.bundle");
    fs::write(&broken, &sound[..sound.len() - 1]).expect("written");
    let damaged = bring(&server, &broken, &[]);
    assert_eq!(damaged.code(), Some(1), "{damaged:?}");
    assert!(damaged.stderr.contains("is no backup that could be restored: "), "{damaged:?}");
    let no_git = bring(&server, &file, &[("REVCONF_GIT_PROGRAM", "/nonexistent/git")]);
    assert_eq!(no_git.code(), Some(1), "{no_git:?}");
    assert!(no_git.stderr.contains("install git 2.31 or newer"), "{no_git:?}");
    let both = run(&["restore", "--data", "x", "--server", "http://127.0.0.1:1", text(&file)]);
    assert_eq!(both.code(), Some(2), "{both:?}");
    assert_eq!(server.git().everything(), before);
    let closed = Server::builder().env("REVCONF_GIT_PROGRAM", "/nonexistent/git").start();
    let refused = bring(&closed, &file, &[]);
    assert_eq!(refused.code(), Some(1), "{refused:?}");
    assert!(refused.stderr.contains("its door for git is closed"), "{refused:?}");
    let url = format!("http://{}", server.address());
    let refused = restore(server.data(), &file);
    assert!(refused.stderr.contains("revconf restore --server http://"), "{refused:?}");
    // Where the settings say that it is.
    for (listen, url) in [("0.0.0.0:9321", "http://127.0.0.1:9321"), ("[::1]:9321", "http://[::1]:9321")] {
        let arguments = ["restore", "--data", text(server.data()), text(&file)];
        let told = run_with(&arguments, b"", &[("REVCONF_HTTP_LISTEN", listen)]).stderr;
        assert!(
            told.contains(&format!("--server {url} ")) && told.contains(&format!("push {url}/git")),
            "{told}"
        );
    }
    run(&["restore", "--server", &url, text(&file)]).expect_success();
}

/// docs/backup.md has these lines.
#[test]
fn git_alone_brings_a_configuration_back() {
    let (server, client) = filled();
    let home = TempDir::new().expect("a folder");
    let file = backed_up(server.data(), home.path());
    let prod = server.git().rev_parse("prod");
    client.delete("/conf/configs/prod").expect(200);
    let chapter = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/backup.md")).expect("docs");
    let lines = chapter.lines().filter(|line| line.starts_with("git "));
    let script: String = lines
        .map(|line| {
            let line = line.replace("DIR/….bundle", text(&file)).replace("NAME", "prod");
            format!("{}\n", line.replace("127.0.0.1:8080", server.address()))
        })
        .collect();
    assert_eq!(script.lines().count(), 2, "{script}");
    let mut command = Command::new("sh");
    command.args(["-ec", &script]).current_dir(home.path()).env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.env("NO_PROXY", "127.0.0.1").env("GIT_TERMINAL_PROMPT", "0");
    finish(command, b"").expect_success();
    assert_eq!(server.git().rev_parse("prod"), prod);
    client.get("/conf/configs/prod/releases/v1").expect(200);
    server.git().fsck();
}
