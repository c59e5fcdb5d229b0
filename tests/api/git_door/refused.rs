//! Pushes that are refused: with every file and reason on the screen of the person, and nothing left behind.

use std::path::Path;

use serde_json::json;

use super::{WEB, WEB_FILE, Work, url};
use crate::support::documents::{described, file, service, with};
use crate::support::{Server, wait_for};

fn start() -> (Server, Work) {
    let server = Server::start();
    server.client().post(WEB, &service("web")).expect(201);
    let work = Work::clone(&url(&server, None), &[]);
    (server, work)
}

/// Pushes `prod`, which is refused with all of this; nothing of it is there afterwards.
#[track_caller]
fn assert_refused(server: &Server, work: &Work, arguments: &[&str], said: &[&str]) {
    let before = server.git().everything();
    let screen = work.refused(arguments);
    for said in said {
        assert!(screen.contains(said), "{said:?} is not in\n{screen}");
    }
    wait_for("what was pushed to be taken away", || (server.git().everything() == before).then_some(()));
}

#[test]
fn bad_documents_of_each_sort_are_told_by_path_and_reason() {
    let (server, work) = start();
    let start = work.text(&["rev-parse", "HEAD"]);
    let good = file(&described("api", "good"));
    let cases: &[(&str, &[u8], &[&str])] = &[
        (WEB_FILE, b"{\"id\":\"web\",\"nmae\":\"x\"}", &[WEB_FILE, "nmae", "name"]),
        (WEB_FILE, b"{\"id\": ", &[WEB_FILE, "JSON"]),
        (WEB_FILE, b"\xff\xfe", &[WEB_FILE, "JSON"]),
        (WEB_FILE, b"[]", &[WEB_FILE, "object"]),
        (WEB_FILE, b"", &[WEB_FILE, "JSON"]),
        ("backend-services/other.json", &good, &["backend-services/other.json", "api.json"]),
        ("README.md", b"hello", &["README.md", "does not belong"]),
        ("backend-services/deep/api.json", &good, &["backend-services/deep in", "folder"]),
        ("config.json", b"{\"format\": 99}", &["config.json", "newer"]),
        ("config.json", b"{}", &["config.json", "format"]),
    ];
    for (path, bytes, said) in cases {
        work.commit(&[(path, Some(bytes))], "Bad");
        assert_refused(&server, &work, &["HEAD:prod"], said);
        work.text(&["reset", "--quiet", "--hard", &start]);
    }
    // All that is wrong is told at once, and what a later commit mends is wrong nevertheless.
    let bad = file(&with(described("web", "x"), "least_conn", json!("maybe")));
    work.commit(&[(WEB_FILE, Some(&bad)), ("notes", Some(b"x")), ("backends/b.json", Some(b"{"))], "Bad");
    let all: &[&str] = &[WEB_FILE, "least_conn", "notes", "backends/b.json", "refs/heads/prod"];
    assert_refused(&server, &work, &["HEAD:prod"], all);
    work.commit(
        &[(WEB_FILE, Some(&file(&described("web", "x")))), ("notes", None), ("backends/b.json", None)],
        "Good",
    );
    assert_refused(&server, &work, &["HEAD:prod"], all);
}

#[test]
fn modes_and_links_are_refused() {
    let (server, work) = start();
    let start = work.text(&["rev-parse", "HEAD"]);
    let script = work.folder().join(WEB_FILE);
    make_executable(&script);
    work.commit(&[], "Executable");
    assert_refused(&server, &work, &["HEAD:prod"], &[WEB_FILE, "executable"]);
    work.text(&["reset", "--quiet", "--hard", &start]);
    std::os::unix::fs::symlink("web.json", work.folder().join("backend-services/link.json")).expect("a link");
    work.commit(&[], "Link");
    assert_refused(&server, &work, &["HEAD:prod"], &["backend-services/link.json", "link"]);
    work.text(&["reset", "--quiet", "--hard", &start]);
}

fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("its mode can be set");
}

#[test]
fn what_is_no_fast_forward_is_refused() {
    let (server, work) = start();
    let client = server.client();
    client.put(WEB, &described("web", "by REST")).expect(200);
    work.describe("web", "late");
    let late = work.refused(&["prod"]);
    assert!(late.contains("fetch first") || late.contains("rejected"), "{late}");
    assert_refused(&server, &work, &["--force", "prod"], &["refs/heads/prod"]);
    work.text(&["checkout", "--quiet", "--orphan", "else"]);
    work.describe("web", "else");
    work.text(&["fetch", "--quiet", "origin"]);
    assert_refused(&server, &work, &["--force", "HEAD:prod"], &["refs/heads/prod"]);
    work.text(&["checkout", "--quiet", "prod"]);
    work.text(&["reset", "--quiet", "--hard", "origin/prod"]);
    work.text(&["reset", "--quiet", "--hard", "HEAD~1"]);
    assert_refused(&server, &work, &["--force", "prod"], &["refs/heads/prod"]);
    client.put(WEB, &described("web", "afterwards")).expect(200);
}

#[test]
fn refs_of_no_configuration_are_refused() {
    let (server, work) = start();
    let tip = work.text(&["rev-parse", "HEAD"]);
    for name in [
        "refs/heads/a/b",
        "refs/heads/UPPER",
        "refs/tags/v1",
        "refs/tags/prod/deadbeef",
        "refs/notes/n",
        "refs/archive/prod/20260101T000000Z",
    ] {
        assert_refused(&server, &work, &[&format!("{tip}:{name}")], &[name]);
    }
    work.text(&["tag", "-a", "-m", "m", "other/v1"]);
    assert_refused(&server, &work, &["other/v1"], &["other"]);
    work.text(&["tag", "-a", "-m", "One", "prod/v1"]);
    work.text(&["push", "--quiet", "origin", "prod/v1"]);
    work.text(&["tag", "-f", "-a", "-m", "Two", "prod/v1"]);
    assert_refused(&server, &work, &["--force", "prod/v1"], &["v1"]);
}

#[test]
fn nothing_of_a_push_moves_a_cursor() {
    let (server, work) = start();
    work.commit(&[("a\u{1b}[31mb\nc", Some(b"x"))], "Red");
    let screen = work.refused(&["HEAD:prod"]);
    assert!(!screen.contains('\u{1b}') && screen.contains("?[31mb"), "{screen:?}");
    server.git().fsck();
}
