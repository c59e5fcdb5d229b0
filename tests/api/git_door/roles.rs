//! Who may push what.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::{WEB, Work, line, url};
use crate::access::{NewKey, Principals, new_key};
use crate::support::documents::service;
use crate::support::{PATIENCE, Server, wait_for};

struct Told {
    server: Server,
    admin: NewKey,
    editor: NewKey,
    reader: NewKey,
    trail: std::path::PathBuf,
}

fn start() -> Told {
    let admin = new_key("ada", &["admin=*"], &[]);
    let editor = new_key("ed", &["editor=prod", "reader=staging", "admin=ed-*"], &[]);
    let reader = new_key("rex", &["reader=*"], &[]);
    let principals = Principals::of(&[&admin, &editor, &reader]);
    let trail = principals.folder().join("trail");
    let server = principals.builder().env("REVCONF_AUDIT_FILE", trail.to_str().expect("UTF-8")).start();
    let client = server.client().with_key(&admin.key);
    client.post(WEB, &service("web")).expect(201);
    client.post("/conf/configs/staging", &json!({"from": {"config": "prod"}})).expect(201);
    Told { server, admin, editor, reader, trail }
}

#[test]
fn who_is_not_known_is_asked_for_a_password() {
    let told = start();
    let client = told.server.client();
    let refused =
        client.request("GET", "/git/info/refs?service=git-upload-pack").unchecked().send().expect(401);
    let ways: Vec<_> = refused.headers.get_all("www-authenticate").iter().collect();
    assert!(ways.iter().any(|way| way.to_str().is_ok_and(|way| way.starts_with("Basic"))), "{refused:?}");
    let person = Work::new().git(&["clone", &url(&told.server, None)]);
    assert!(person.stderr.contains("could not read Username"), "{person:?}");
    // A program that git asks for who it is.
    let work = Work::new();
    let helper = format!("!f() {{ echo username=rex; echo password={}; }}; f", told.reader.key);
    let config = format!("credential.helper={helper}");
    let folder = work.folder();
    work.git(&["-c", &config, "clone", "--quiet", &url(&told.server, None), folder.to_str().expect("UTF-8")])
        .expect_success();
    let wrong = Work::new().git(&["clone", &url(&told.server, Some(("rex", &told.editor.key)))]);
    assert!(
        wrong.stderr.contains("is not known here") && wrong.stderr.contains("Authentication failed"),
        "{wrong:?}"
    );
}

#[test]
fn each_push_needs_the_role_that_rest_asks_for() {
    let told = start();
    let before = told.server.git().refs();
    let work = Work::clone(&url(&told.server, Some(("rex", &told.reader.key))), &[]);
    work.describe("web", "new");
    work.text(&["tag", "-a", "-m", "One", "prod/v1", "origin/prod"]);
    let as_who = |name: &str, key: &NewKey| {
        work.text(&["remote", "set-url", "origin", &url(&told.server, Some((name, &key.key)))]);
    };
    for (name, key, push, needed) in [
        ("rex", &told.reader, "HEAD:prod", "role editor for configuration \"prod\""),
        ("rex", &told.reader, "prod/v1", "role editor for configuration \"prod\""),
        ("rex", &told.reader, ":prod", "role admin for configuration \"prod\""),
        ("ed", &told.editor, "HEAD:staging", "role editor for configuration \"staging\""),
        ("ed", &told.editor, "HEAD:refs/heads/new", "role admin for configuration \"new\""),
        ("ed", &told.editor, ":prod", "role admin for configuration \"prod\""),
    ] {
        as_who(name, key);
        let said = work.refused(&[push]);
        assert!(said.contains(needed), "{name} {push}: {said}");
    }
    // One that is refused keeps back all.
    let both = work.refused(&["HEAD:prod", "HEAD:staging"]);
    assert!(both.contains("refs/heads/staging: this needs the role editor"), "{both}");
    assert_eq!(told.server.git().refs(), before);
    as_who("ed", &told.editor);
    work.text(&["push", "--quiet", "origin", "HEAD:prod", "prod/v1", "HEAD:refs/heads/ed-1"]);
    let gone = work.refused(&[":prod/v1"]);
    assert!(gone.contains("role admin"), "{gone}");
    as_who("ada", &told.admin);
    work.text(&["push", "--quiet", "origin", ":prod/v1", ":staging"]);
    assert_told(&told);
}

/// Somebody begins to push, is shut out, and goes on.
#[test]
fn who_is_shut_out_while_they_push_is_not_accepted() {
    let (ada, bob) = (new_key("ada", &["admin=*"], &[]), new_key("bob", &["reader=*"], &[]));
    let principals = Principals::of(&[&ada, &bob]);
    let server = principals.builder().start();
    let client = server.client().with_key(&ada.key);
    client.post(WEB, &service("web")).expect(201);
    let work = Work::clone(&url(&server, Some(("ada", &ada.key))), &[]);
    let (from, to) = (work.text(&["rev-parse", "HEAD"]), work.describe("web", "late"));
    work.text(&["repack", "--quiet", "-a", "-d"]);
    let packs = work.folder().join(".git/objects/pack");
    let packs = std::fs::read_dir(packs).expect("a folder").map(|entry| entry.expect("an entry").path());
    let pack = packs.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "pack"));
    let pack = std::fs::read(pack.expect("a pack")).expect("it can be read");
    let command = line(&format!("{from} {to} refs/heads/prod\0 report-status"));
    let body = [command.as_bytes(), b"0000", &pack].concat();
    let (first, last) = body.split_at(body.len() - 10);
    let head = format!(
        "POST /git/git-receive-pack HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\
         Content-Type: application/x-git-receive-pack-request\r\nConnection: close\r\n\r\n",
        ada.key,
        body.len()
    );
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time can be set");
    stream.write_all(&[head.as_bytes(), first].concat()).expect("it reads");
    wait_for("git to be at work", || {
        let views = std::fs::read_dir(server.data().join("git/views")).expect("a folder").count();
        (views == 1).then_some(())
    });
    principals.write(&bob.entry);
    wait_for("the principals to be read", || {
        (client.request("GET", WEB).unchecked().send().status == 401).then_some(())
    });
    stream.write_all(last).expect("it reads");
    let mut said = Vec::new();
    stream.read_to_end(&mut said).expect("it answers");
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(said.contains("ng refs/heads/prod"), "{said}");
    assert_eq!(server.git().rev_parse("prod"), from);
}

/// Each ref has its line, with who it was.
fn assert_told(told: &Told) {
    let text = std::fs::read_to_string(&told.trail).expect("the trail");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of = |path: &str| -> Vec<(&str, &str)> {
        let pushes = lines.iter().filter(|line| line["method"] == "PUSH" && line["path"] == path);
        pushes
            .map(|line| {
                (line["principal"].as_str().expect("a name"), line["outcome"].as_str().expect("an outcome"))
            })
            .collect()
    };
    assert_eq!(of("/git/refs/heads/ed-1"), [("ed", "done")]);
    let prod = of("/git/refs/heads/prod");
    assert_eq!(prod.last(), Some(&("ed", "done")));
    assert!(prod.contains(&("rex", "forbidden")) && !prod.contains(&("rex", "rejected")), "{prod:?}");
    assert!(of("/git/refs/heads/staging").contains(&("ed", "forbidden")));
    // Of those that come with one that is refused it is not their own fault.
    assert!(of("/git/refs/heads/prod").contains(&("ed", "rejected")));
    assert_eq!(of("/git/refs/tags/prod/v1").last(), Some(&("ada", "done")));
    assert!(!lines.iter().any(|line| line["path"] == "/git/git-upload-pack"), "fetches are no writes");
    let whole =
        lines.iter().find(|line| line["path"] == "/git/git-receive-pack" && line["outcome"] == "done");
    assert!(whole.is_none(), "it was not known yet: {whole:?}");
}
