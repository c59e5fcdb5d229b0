//! Clones and fetches of all sorts.

use std::thread;

use serde_json::json;

use super::{SERVICES, WEB, WEB_FILE, Work, url};
use crate::support::documents::{described, service};
use crate::support::{Git, Server, wait_for};

/// A server whose `prod` has these states of a service.
fn with_states(states: usize) -> Server {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    for state in 1..states {
        client.put(WEB, &described("web", &format!("state {state}"))).expect(200);
    }
    server
}

/// The refs of branches and tags as the server has them.
fn shown(server: &Server) -> Vec<(String, String)> {
    let below = |name: &String| name.starts_with("refs/heads/") || name.starts_with("refs/tags/");
    server.git().refs().into_iter().filter(|(name, _)| below(name)).collect()
}

#[test]
fn a_clone_has_all_branches_and_releases_in_each_protocol() {
    let server = with_states(5);
    let client = server.client();
    client.post("/conf/configs/staging", &json!({"from": {"config": "prod"}})).expect(201);
    client.put("/conf/configs/prod/releases/v1", &json!({})).expect(201);
    for version in ["0", "1", "2"] {
        let config = format!("protocol.version={version}");
        let work = Work::clone(&url(&server, None), &["--mirror", "-c", &config]);
        assert_eq!(work.repository().refs(), shown(&server), "version {version}");
        work.fsck();
    }
    let work = Work::clone(&url(&server, None), &[]);
    assert_eq!(work.text(&["symbolic-ref", "HEAD"]), "refs/heads/prod");
    assert_eq!(work.text(&["tag"]), "prod/v1");
    assert_eq!(work.repository().head("HEAD"), server.git().head("prod"));
    assert_eq!(
        std::fs::read(work.folder().join(WEB_FILE)).expect("a file"),
        server.git().show("prod", WEB_FILE)
    );
}

#[test]
fn a_fetch_brings_what_was_written_since() {
    let server = with_states(2);
    let work = Work::clone(&url(&server, None), &[]);
    let written = server.client().put(WEB, &described("web", "later")).expect(200).version();
    for options in [&["-c", "protocol.version=0"][..], &[]] {
        work.text(&[options, &["fetch", "--quiet"]].concat());
        assert_eq!(work.text(&["rev-parse", "origin/prod"]), written);
    }
    work.text(&["pull", "--quiet"]);
    work.fsck();
}

#[test]
fn a_shallow_clone_can_be_deepened() {
    let server = with_states(10);
    let work = Work::clone(&url(&server, None), &["--depth", "2"]);
    assert_eq!(work.text(&["rev-list", "--count", "HEAD"]), "2");
    work.text(&["fetch", "--quiet", "--deepen", "3"]);
    assert_eq!(work.text(&["rev-list", "--count", "HEAD"]), "5");
    work.text(&["fetch", "--quiet", "--unshallow"]);
    let all = server.git().text(&["rev-list", "--count", "prod"]);
    assert_eq!(work.text(&["rev-list", "--count", "HEAD"]), all);
    work.fsck();
}

#[test]
fn a_partial_clone_fetches_files_when_they_are_needed() {
    let server = with_states(6);
    for version in ["0", "2"] {
        let config = format!("protocol.version={version}");
        let arguments = ["--filter=blob:none", "--no-checkout", "-c", &config];
        let work = Work::clone(&url(&server, None), &arguments);
        let missing = work.text(&["rev-list", "--objects", "--missing=print", "HEAD"]);
        assert!(missing.lines().any(|line| line.starts_with('?')), "{missing}");
        work.text(&["checkout", "--quiet", "prod"]);
        assert_eq!(
            std::fs::read(work.folder().join(WEB_FILE)).expect("a file"),
            server.git().show("prod", WEB_FILE)
        );
        let old = work.text(&["show", &format!("prod~3:{WEB_FILE}")]);
        assert_eq!(old.trim_end().as_bytes(), server.git().show("prod~3", WEB_FILE).trim_ascii_end());
        work.fsck();
    }
}

#[test]
fn refs_can_be_listed_while_others_write() {
    let server = with_states(1);
    let client = server.client();
    thread::scope(|threads| {
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let client = client.clone();
                threads.spawn(move || {
                    let path = format!("{SERVICES}/w{writer}");
                    client.post(&path, &service(&format!("w{writer}"))).expect(201);
                    for number in 0..40 {
                        client.put(&path, &described(&format!("w{writer}"), &number.to_string())).expect(200);
                    }
                })
            })
            .collect();
        let work = Work::new();
        while writers.iter().any(|writer| !writer.is_finished()) {
            let listed = work.text(&["ls-remote", &url(&server, None)]);
            assert_eq!(listed.lines().count(), 2, "{listed}");
            Work::clone(&url(&server, None), &["--bare"]).fsck();
        }
    });
}

/// A linear history of so many commits upon the branch's first.
fn long_history(git: &Git, commits: usize) {
    let document = crate::support::documents::file(&described("web", "long"));
    let mut stream = String::from_utf8(document).expect("UTF-8");
    let length = stream.len();
    stream = format!("blob\nmark :1\ndata {length}\n{stream}\n");
    let first = git.rev_parse("prod");
    for number in 0..commits {
        let from = if number == 0 { format!("from {first}\n") } else { String::new() };
        let file = if number % 2 == 0 { "M 100644 :1" } else { "D" };
        stream += &format!(
            "commit refs/heads/prod\ncommitter A <a@b> {} +0000\ndata 1\nm\n{from}{file} {WEB_FILE}\n",
            1_700_000_000 + number
        );
    }
    git.fed(&["fast-import", "--quiet"], stream.as_bytes());
}

/// Processes that the server has started and that are still there.
fn children(server: &Server) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", server.pid())).expect("the server runs");
    let of =
        |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
    let text: String = tasks.filter_map(Result::ok).map(of).collect();
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_hundred_thousand_commits_are_cloned_and_a_clone_that_is_killed_leaves_no_process() {
    let mut server = Server::start();
    server.stop();
    long_history(&server.git(), 100_000);
    server.start_again();
    let before = server.peak();
    let work = Work::clone(&url(&server, None), &["--bare"]);
    assert_eq!(work.text(&["rev-list", "--count", "prod"]), "100001");
    assert!(server.peak() - before < 64 * 1024, "{} KiB more", server.peak() - before);
    wait_for("git to end", || children(&server).is_empty().then_some(()));
    let folder = work.home.path().join("killed");
    let address = url(&server, None);
    let arguments = ["clone", "--bare", &address, folder.to_str().expect("UTF-8")];
    let mut client = work.command(&arguments).spawn().expect("git runs");
    wait_for("git to be at work", || (!children(&server).is_empty()).then_some(()));
    client.kill().expect("it can be killed");
    client.wait().expect("it ends");
    wait_for("git to be ended", || children(&server).is_empty().then_some(()));
    let views = || std::fs::read_dir(server.data().join("git/views")).expect("a folder").count();
    wait_for("what it saw to be taken away", || (views() == 0).then_some(()));
}
