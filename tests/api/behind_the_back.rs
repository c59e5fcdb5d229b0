//! Somebody changes the bare repository with git while the service runs: what may follow is taken, anything else stops
//! writes to that configuration and nothing more.

mod stopped;

use std::fs;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;

use crate::support::documents::{described, file, full_service, service};
use crate::support::follower::Follower;
use crate::support::{Client, Git, Server, planted};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";
const API: &str = "/conf/prod/backend-services/api";
const API_FILE: &str = "backend-services/api.json";

fn start() -> (Server, Client, Git) {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    let git = server.git();
    (server, client, git)
}

/// The next write is refused with a message that holds all of these; reads and other configurations go on.
#[track_caller]
fn assert_stopped(client: &Client, said: &[&str]) -> String {
    let before = client.get(SERVICES).expect(200).json();
    let refused = client.request("PUT", WEB).json(&described("web", "new")).allow_5xx().send();
    assert_eq!(refused.status, 503, "{refused:?}");
    let message = refused.message();
    said.iter().for_each(|said| assert!(message.contains(said), "{said:?} is not in {message}"));
    assert_eq!(client.get(SERVICES).expect(200).json(), before);
    let other = format!("/conf/configs/other-{}", client.get("/conf/configs").total());
    client.post(&other, &json!({})).expect(201);
    message
}

/// Does what a message says between its last backticks.
#[track_caller]
fn mend(git: &Git, message: &str) {
    let command = message.rsplit('`').nth(1).expect("a command");
    let words: Vec<_> = command.split(' ').skip_while(|word| !word.starts_with("update-ref")).collect();
    git.text(&words);
}

#[test]
fn what_may_follow_is_taken_before_the_next_write() {
    let (mut server, client, git) = start();
    let mut follower = Follower::start(&server, "/conf/prod/events", &[]);
    let by_hand = planted::add(&git, "prod", API_FILE, &file(&full_service("api")));
    let written = client.put(WEB, &described("web", "new")).expect(200).version();
    assert_eq!(client.get(API).expect(200).json(), full_service("api"));
    let versions = client.get("/conf/configs/prod/versions").expect(200).json();
    assert_eq!(versions["items"][0]["version"], json!(written));
    assert_eq!(versions["items"][1]["version"], json!(by_hand));
    assert_eq!(versions["items"][1]["author"], "Somebody");
    assert_eq!(client.get(&format!("{API}/versions")).expect(200).total(), 1);
    for expected in [&by_hand, &written] {
        let (id, event) = follower.next();
        assert_eq!((&id, &event["version"]), (expected, &json!(expected)));
    }
    server.kill();
    server.start_again();
    assert_eq!(server.client().get("/conf/configs/prod").expect(200).version(), written);
    server.git().fsck();
}

#[test]
fn a_broken_document_stops_writes_until_it_is_mended() {
    let (server, client, git) = start();
    let before = git.rev_parse("prod");
    planted::add(&git, "prod", API_FILE, b"{\"id\":\"api\",\"nmae\":\"API\"}");
    let message = assert_stopped(&client, &[API_FILE, "nmae", "update-ref refs/heads/prod", &before]);
    assert_stopped(&client, &[API_FILE]);
    mend(&git, &message);
    client.put(WEB, &described("web", "mended")).expect(200);
    // Made right by one more commit, all of what is new must be right.
    planted::add(&git, "prod", API_FILE, b"{}");
    planted::add(&git, "prod", API_FILE, &file(&full_service("api")));
    let message = assert_stopped(&client, &[API_FILE]);
    mend(&git, &message);
    client.put(WEB, &described("web", "mended again")).expect(200);
    server.git().fsck();
}

#[test]
fn a_restart_changes_nothing_of_it() {
    let (mut server, client, git) = start();
    client.post("/conf/configs/other", &json!({})).expect(201);
    let bad = planted::add(&git, "prod", API_FILE, b"{}");
    git.text(&["update-ref", "-d", "refs/heads/other"]);
    assert_stopped(&client, &[API_FILE]);
    client.request("PUT", "/conf/configs/other").json(&json!({"description": "x"})).allow_5xx().send();
    for _ in 0..2 {
        // A kill would have the journal bring the branch back that is gone.
        server.stop();
        server.start_again();
        let client = server.client();
        assert_eq!(client.get(SERVICES).expect(200).total(), 1);
        client.get("/conf/configs/other").expect(200);
        let answer = client
            .request("PUT", "/conf/configs/other")
            .json(&json!({"description": "x"}))
            .allow_5xx()
            .send();
        assert_eq!(answer.status, 503, "{answer:?}");
        // Git's door shows what is served, too.
        let door = format!("http://{}/git", server.address());
        let listed = git.text(&["ls-remote", &door]);
        assert!(!listed.contains(&bad) && listed.contains("refs/heads/other"), "{listed}");
        mend(&git, &answer.message());
        client.put("/conf/configs/other", &json!({"description": "x"})).expect(200);
        git.text(&["update-ref", "-d", "refs/heads/other"]);
        client.request("PUT", "/conf/configs/other").json(&json!({"description": "y"})).allow_5xx().send();
    }
    server.kill();
    server.start_again();
    let client = server.client();
    let answer = client.request("PUT", WEB).json(&described("web", "new")).allow_5xx().send();
    mend(&git, &answer.message());
    client.put(WEB, &described("web", "mended")).expect(200);
    server.kill();
    server.start_again();
    server.client().put(WEB, &described("web", "again")).expect(200);
    server.git().fsck();
}

#[test]
fn a_branch_that_went_back_or_aside_stops_writes_until_it_is_put_back() {
    let (_server, client, git) = start();
    client.put(WEB, &described("web", "two")).expect(200);
    let mut newest = git.rev_parse("prod");
    let tree = git.rev_parse("prod^{tree}");
    let name = ["-c", "user.name=a", "-c", "user.email=a@b"];
    let aside = [&name[..], &["commit-tree", "-m", "m", "-p", "prod^", "-p", "prod", &tree]].concat();
    let (aside, away) =
        (git.text(&aside), git.text(&[&name[..], &["commit-tree", "-m", "m", &tree]].concat()));
    for to in [git.rev_parse("prod^"), aside.trim().to_owned(), away.trim().to_owned()] {
        git.text(&["update-ref", "refs/heads/prod", &to]);
        let message = assert_stopped(&client, &[&to, &newest]);
        mend(&git, &message);
        assert_eq!(git.rev_parse("prod"), newest);
        client.put("/conf/configs/prod", &json!({"description": to})).expect(200);
        git.text(&["update-ref", "refs/heads/prod", &newest]);
        mend(&git, &assert_stopped(&client, &[&newest]));
        client.revert("/conf/configs/prod", &newest).expect(200);
        newest = git.rev_parse("prod");
    }
}

#[test]
fn a_branch_that_is_gone_stops_writes_until_it_is_back() {
    let (_server, client, git) = start();
    git.text(&["update-ref", "-d", "refs/heads/prod"]);
    let message = assert_stopped(&client, &["refs/heads/prod", "gone"]);
    let refused = client.request("DELETE", "/conf/configs/prod").allow_5xx().send();
    assert_eq!(refused.status, 503, "{refused:?}");
    mend(&git, &message);
    client.put(WEB, &described("web", "back")).expect(200);
}

#[test]
fn a_branch_that_was_made_is_a_configuration_once_it_is_asked_for() {
    let (_server, client, git) = start();
    git.text(&["branch", "copy", "prod"]);
    client.post("/conf/configs/copy", &json!({})).expect_error(409);
    assert_eq!(client.get("/conf/copy/backend-services").expect(200).total(), 1);
    planted::plant(&git, "notes", &[("README.md", b"notes")], "Notes");
    let refused = client.request("POST", "/conf/configs/notes").json(&json!({})).allow_5xx().send();
    assert_eq!(refused.status, 503, "{refused:?}");
    let message = refused.message();
    assert!(message.contains("README.md") && message.contains("config.json"), "{message}");
    mend(&git, &message);
    client.post("/conf/configs/notes", &json!({})).expect(201);
}

#[test]
fn a_document_that_was_laid_out_by_hand_is_shown_as_all_are() {
    let (_server, client, git) = start();
    let bytes = b"{\"name\":\"api\",\n\"id\":\"api\"}";
    planted::add(&git, "prod", API_FILE, bytes);
    client.put(WEB, &described("web", "new")).expect(200);
    let shown = client.get(API).expect(200);
    assert_eq!(shown.json()["sticky"], "none");
    assert_eq!(shown.object(), git.hash_object(bytes));
}

/// In seconds since 1970: the year 2100.
const FUTURE: &str = "4102444800 +0000";

#[test]
fn what_no_push_could_bring_is_not_taken_either() {
    let (_server, client, git) = start();
    let blob = git.fed(&["hash-object", "-w", "--stdin"], &file(&full_service("api")));
    let blob = blob.trim();
    for (stream, said) in [
        (format!("M 100755 {blob} {API_FILE}\n"), "executable"),
        (format!("M 120000 {blob} {API_FILE}\n"), "symbolic link"),
        (format!("M 100644 {blob} backend-services/other.json\n"), "belongs in api.json"),
        (format!("M 100644 {blob} backend-services/api.json/api.json\n"), "folder"),
        (format!("M 100644 {blob} services/api.json\n"), "does not belong"),
        (format!("M 100644 {blob} config.json\n"), "config.json"),
        ("D config.json\n".to_owned(), "is missing"),
        ("M 100644 inline config.json\ndata 12\n{\"format\":1}\n".to_owned(), "format is 1"),
        ("M 100644 inline config.json\ndata 12\n{\"format\":3}\n".to_owned(), "newer"),
    ] {
        let head =
            "commit refs/heads/prod\ncommitter A <a@b> 1767225600 +0000\ndata 1\nm\nfrom refs/heads/prod^0\n";
        git.fed(&["fast-import", "--quiet"], format!("{head}{stream}").as_bytes());
        let message = assert_stopped(&client, &[said]);
        mend(&git, &message);
        client.put(WEB, &described("web", said)).expect(200);
    }
    let head =
        format!("commit refs/heads/prod\ncommitter A <a@b> {FUTURE}\ndata 1\nm\nfrom refs/heads/prod^0\n");
    git.fed(&["fast-import", "--quiet"], format!("{head}M 100644 {blob} {API_FILE}\n").as_bytes());
    mend(&git, &assert_stopped(&client, &["future"]));
    client.put(WEB, &described("web", "now")).expect(200);
}

/// So many pushes are made past the service.
const PUSHES: usize = 12;

#[test]
fn writers_of_both_kinds_lose_nothing() {
    let (server, client, git) = start();
    let (_home, clone) = git.clone();
    // Every other push has the branch for itself: against writers that never pause, git would lose every race.
    let (turn, done) = (RwLock::new(()), AtomicBool::new(false));
    for writer in 0..3 {
        client.post(&format!("{SERVICES}/w{writer}"), &service(&format!("w{writer}"))).expect(201);
    }
    let write = |writer: usize| {
        let (client, id) = (&client, format!("w{writer}"));
        let path = format!("{SERVICES}/{id}");
        let mut versions = Vec::new();
        while !done.load(Ordering::Relaxed) {
            let _turn = turn.read().expect("nobody panics");
            let document = described(&id, &versions.len().to_string());
            versions.push(client.put(&path, &document).expect(200).version());
        }
        versions
    };
    let mut taken = Vec::new();
    thread::scope(|threads| {
        let write = &write;
        let writers: Vec<_> = (0..3).map(|writer| threads.spawn(move || write(writer))).collect();
        for number in 0..PUSHES {
            let _turn = (number % 2 == 0).then(|| turn.write().expect("nobody panics"));
            taken.extend(push(&clone, number));
        }
        done.store(true, Ordering::Relaxed);
        assert!(taken.len() >= PUSHES / 2, "git had its share");
        for writer in writers {
            taken.extend(writer.join().expect("every write is taken"));
        }
    });
    client.put(WEB, &described("web", "last")).expect(200);
    let log = git.log_with(&["--first-parent", "prod"]);
    let history: Vec<_> = log.into_iter().map(|commit| commit.id).collect();
    for version in &taken {
        assert!(history.contains(version), "{version} is lost");
    }
    server.git().fsck();
}

/// Pushes one more version past the service, and answers which, unless somebody else was first.
fn push(clone: &Git, number: usize) -> Option<String> {
    clone.text(&["fetch", "--quiet", "origin"]);
    clone.text(&["reset", "--quiet", "--hard", "origin/prod"]);
    let document = file(&described("by-hand", &number.to_string()));
    fs::write(clone.directory().join("backend-services/by-hand.json"), document).expect("written");
    clone.text(&["add", "."]);
    let ann = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"];
    clone.text(&[&ann[..], &["commit", "--quiet", "-m", "By hand"]].concat());
    clone.succeeds(&["push", "--quiet", "origin", "HEAD:prod"]).then(|| clone.rev_parse("HEAD"))
}
