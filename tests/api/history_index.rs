//! The history index: whatever becomes of it, lists of versions say what `git log` says.

mod check;
mod damage;
mod random;
mod rebuild;

use std::path::PathBuf;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::documents::encoded;
use crate::support::git::Commit;
use crate::support::{Client, Git, Server, wait_for};

const WEB: &str = "/conf/prod/backend-services/web";
/// The folders and files that these tests write.
const PATHS: [&str; 6] = [
    "",
    "backend-services",
    "backend-services/web.json",
    "backend-services/app.json",
    "backend-services/a%C3%A4.json",
    "backends",
];

fn index(server: &Server) -> PathBuf {
    server.data().join("index.sqlite")
}

/// A number of the page for Prometheus; what was never counted is none.
#[track_caller]
fn metric(client: &Client, name: &str) -> f64 {
    let page = client.get("/metrics").expect(200).text();
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().expect("a number"))
}

/// Waits until the index has everything that is in the repository.
#[track_caller]
fn settle(server: &Server) {
    let client = server.client();
    wait_for("the index", || (metric(&client, "revconf_index_ready") == 1.0).then_some(()));
}

/// The commits that changed what is at a path, as git tells.
#[track_caller]
fn log(git: &Git, branch: &str, path: &str) -> Vec<Commit> {
    if !path.is_empty() {
        return git.log_with(&["--first-parent", branch, "--", path]);
    }
    let all = git.log_with(&["--first-parent", branch]);
    let before = all.iter().skip(1).map(|commit| commit.tree.clone()).chain([String::new()]);
    all.iter().zip(before).filter(|(commit, before)| commit.tree != *before).map(|(c, _)| c.clone()).collect()
}

fn shown(commit: &Commit) -> Value {
    let date = chrono::DateTime::from_timestamp(commit.time, 0).expect("a time");
    json!({
        "author": commit.author,
        "email": commit.email,
        "message": message(commit),
        "date": date.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "version": commit.id,
        "parents": commit.parents,
    })
}

fn message(commit: &Commit) -> String {
    format!("{}\n\n{}", commit.subject, commit.body).trim_end().to_owned()
}

/// Where the versions of what is at a path are listed.
fn list_of(branch: &str, path: &str) -> String {
    match path.split_once('/') {
        _ if path.is_empty() => format!("/conf/configs/{branch}/versions"),
        None => format!("/conf/{branch}/{path}/versions"),
        Some((folder, file)) => {
            format!("/conf/{branch}/{folder}/{}/versions", file.trim_end_matches(".json"))
        }
    }
}

/// Every list of every configuration is git's, whole, in pages, and narrowed; and every version is found by its name.
#[track_caller]
fn assert_git_agrees(server: &Server) {
    let (client, git) = (server.client(), server.git());
    for config in client.get("/conf/configs").expect(200).items() {
        let branch = config["id"].as_str().expect("a name");
        for path in PATHS {
            let expected = log(&git, branch, path);
            let list = list_of(branch, path);
            let answer = client.get(&list);
            if path.contains('/') && expected.is_empty() {
                answer.expect_error(404);
                continue;
            }
            let answer = answer.expect(200);
            let all: Vec<Value> = expected.iter().map(shown).collect();
            assert_eq!(answer.json(), json!({"total": all.len(), "items": all}), "{list}");
            assert_pages(&client, &list, &expected);
            assert_narrowed(&client, &list, &expected);
        }
        let reachable = git.log(branch);
        for commit in reachable.iter().step_by(3) {
            for version in [&commit.id[..], &commit.id[..12]] {
                let path = format!("/conf/configs/{branch}/versions/{version}");
                assert_eq!(client.get(&path).expect(200).json()["version"], commit.id);
            }
        }
    }
}

#[track_caller]
fn assert_pages(client: &Client, list: &str, expected: &[Commit]) {
    let ids: Vec<&str> = expected.iter().map(|commit| commit.id.as_str()).collect();
    for (nth, id) in ids.iter().enumerate().step_by(2) {
        let page = client.get(&format!("{list}?limit=2&after={id}")).expect(200);
        assert_eq!(page.total(), ids.len() as u64, "{list} after {id}");
        assert_eq!(page.versions(), ids[nth + 1..].iter().take(2).copied().collect::<Vec<_>>(), "{list}");
        assert_eq!(page.next_page().is_some(), ids.len() > nth + 3, "{list} after {id}");
    }
}

#[track_caller]
fn assert_narrowed(client: &Client, list: &str, expected: &[Commit]) {
    let Some(middle) = expected.get(expected.len() / 2) else { return };
    let at = chrono::DateTime::from_timestamp(middle.time, 0).expect("a time").to_rfc3339();
    let author = middle.author.to_uppercase();
    let word = message(middle).split_whitespace().last().unwrap_or_default().to_lowercase();
    let is_by = |commit: &&Commit| {
        format!("{} <{}>", commit.author, commit.email).to_lowercase().contains(&author.to_lowercase())
    };
    let says = |commit: &&Commit| message(commit).to_lowercase().contains(&word);
    type Rule<'r> = &'r dyn Fn(&&Commit) -> bool;
    let cases: [(String, Rule<'_>); 5] = [
        (format!("author={}", encoded(&author)), &is_by),
        (format!("q={}", encoded(&word)), &says),
        (format!("since={}", encoded(&at)), &|commit| commit.time >= middle.time),
        (format!("until={}", encoded(&at)), &|commit| commit.time <= middle.time),
        (format!("until={}&author={}", encoded(&at), encoded(&author)), &|commit| {
            commit.time <= middle.time && is_by(commit)
        }),
    ];
    for (query, rule) in cases {
        let wanted: Vec<&str> = expected.iter().filter(rule).map(|commit| commit.id.as_str()).collect();
        let answer = client.get(&format!("{list}?limit=3&{query}")).expect(200);
        assert_eq!(answer.total(), wanted.len() as u64, "{list}?{query}");
        assert_eq!(answer.versions(), wanted[..wanted.len().min(3)], "{list}?{query}");
        assert_eq!(answer.next_page().is_some(), wanted.len() > 3, "{list}?{query}");
    }
}

/// The same, and all of it came from the index.
#[track_caller]
pub fn assert_index_agrees(server: &Server) {
    settle(server);
    let client = server.client();
    let before = metric(&client, "revconf_history_walks_total");
    assert_git_agrees(server);
    assert_eq!(metric(&client, "revconf_history_walks_total"), before, "nothing was asked of git");
}

/// Changes something in the file of a service that is stopped.
#[track_caller]
fn change(server: &Server, statement: &str) {
    let file = Connection::open(index(server)).expect("the index");
    let changed = file.execute(statement, []).expect("a statement");
    assert!(changed > 0, "{statement} changes nothing");
}
