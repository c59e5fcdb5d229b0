//! Pushes that are refused: with every file and reason on the screen of the person, and nothing left behind.

use std::path::Path;

use serde_json::json;

use super::{WEB, WEB_FILE, Work, push, url};
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

/// The empty tree, the bytes of which git takes no delta of.
const EMPTY: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

#[test]
fn folders_without_files_and_odd_modes_are_refused() {
    let (server, work) = start();
    work.repository().fed(&["hash-object", "-t", "tree", "-w", "--stdin"], b"");
    let top = work.repository().text(&["ls-tree", "HEAD"]);
    let tree =
        work.repository().fed(&["mktree"], format!("{top}\n040000 tree {EMPTY}\tbackends\n").as_bytes());
    let commit = work.text(&["commit-tree", "-p", "HEAD", "-m", "Empty", tree.trim()]);
    assert_refused(&server, &work, &[&format!("{commit}:refs/heads/prod")], &["backends", "without files"]);
}

#[test]
fn times_that_nobody_can_have_are_refused() {
    let (server, work) = start();
    let tree = work.text(&["rev-parse", "HEAD^{tree}"]);
    let parent = work.text(&["rev-parse", "HEAD"]);
    let now = "1767225600 +0000";
    for (author, committer, said) in [
        (now, "9223372036854775807 +0000", "committer"),
        (now, "9000000000000000 +0000", "committer"),
        (now, "4102444800 +0000", "committer's time is from the future"),
        ("4102444800 +0000", now, "author's time is from the future"),
    ] {
        let bytes = format!(
            "tree {tree}\nparent {parent}\nauthor A <a@b> {author}\ncommitter A <a@b> {committer}\n\nm\n"
        );
        let id = work
            .repository()
            .fed(&["hash-object", "-t", "commit", "-w", "--literally", "--stdin"], bytes.as_bytes());
        assert_refused(&server, &work, &[&format!("{}:refs/heads/prod", id.trim())], &[said]);
    }
}

#[test]
fn tags_that_git_does_not_make_are_refused() {
    let (server, work) = start();
    let commit = work.text(&["rev-parse", "HEAD"]);
    for (head, said) in [
        ("tag prod/v1\n", "who made it"),
        ("tag other\ntagger A <a@b> 1767225600 +0000\n", "prod/v1"),
        ("tag prod/v1\ntagger A <a@b> 4102444800 +0000\n", "future"),
    ] {
        let bytes = format!("object {commit}\ntype commit\n{head}\nA release\n");
        let id = work
            .repository()
            .fed(&["hash-object", "-t", "tag", "-w", "--literally", "--stdin"], bytes.as_bytes());
        assert_refused(&server, &work, &[&format!("{}:refs/tags/prod/v1", id.trim())], &[said]);
    }
}

/// Git hands on what a client calls a ref before it looks at it.
#[test]
fn a_ref_whose_name_is_more_than_a_line_moves_nothing() {
    let (server, work) = start();
    let client = server.client();
    let from = work.text(&["rev-parse", "HEAD"]);
    let to = work.describe("web", "new");
    let objects = work.text(&["rev-list", "--objects", "HEAD", "^origin/prod"]);
    for name in [
        "refs/heads/prod\r".to_owned(),
        format!("refs/heads/prod\n{from} {to} refs/heads/prod"),
        format!("refs/heads/other\nmove {from} {to} refs/heads/prod"),
        "refs/heads/prod\nend".to_owned(),
        "refs/heads/prod\u{85}".to_owned(),
    ] {
        let said = push(&client, &work, [&from, &to, &name], &objects);
        assert!(said.contains("control character") || said.contains("pre-receive hook declined"), "{said}");
        assert!(!said.contains("has stopped"), "{said}");
        assert_eq!(server.git().rev_parse("prod"), from, "{name:?}");
    }
    assert!(push(&client, &work, [&from, &to, "refs/heads/prod"], &objects).contains("ok refs/heads/prod"));
}

#[test]
fn a_damaged_repository_is_not_the_fault_of_who_pushes() {
    let (server, work) = start();
    let tree = server.git().rev_parse("prod:backend-services");
    work.describe("web", "new");
    let path = server.data().join("repository.git/objects").join(&tree[..2]).join(&tree[2..]);
    let bytes = std::fs::read(&path).expect("an object");
    std::fs::remove_file(&path).expect("removed");
    let said = work.refused(&["--no-thin", "HEAD:prod"]);
    assert!(said.contains("the repository is damaged") && said.contains(&tree), "{said}");
    server.wait_for_log("whose fault it is", |line| {
        (line.contains("ERROR") && line.contains("a push cannot be looked through")).then_some(())
    });
    std::fs::write(&path, bytes).expect("written");
    work.text(&["push", "--quiet", "origin", "HEAD:prod"]);
    assert_eq!(server.client().get(WEB).expect(200).json(), described("web", "new"));
}
