//! The audit trail.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Principals, SERVICES, WEB, new_key, set_mode, wait_for_word};
use crate::support::documents::{described, service};
use crate::support::server::Builder;
use crate::support::{Server, wait_for};

fn with_trail(builder: Builder, file: &Path) -> Builder {
    builder.env("REVCONF_AUDIT_FILE", file.to_str().expect("a path in UTF-8"))
}

#[track_caller]
fn lines(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).expect("the trail");
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

#[test]
fn writes_and_refusals_have_a_line_each_and_reads_have_none() {
    let (ada, bob) = (new_key("ada", &["editor=prod"], &[]), new_key("bob", &["reader=prod"], &[]));
    let principals = Principals::of(&[&ada, &bob]);
    let trail = principals.folder().join("audit.jsonl");
    let server = with_trail(principals.builder(), &trail).start();
    let (ada, bob) = (server.client().with_key(&ada.key), server.client().with_key(&bob.key));
    let answers = [
        ada.post(WEB, &service("web")).expect(201),
        ada.put(&format!("{WEB}?dry_run=true&message=x"), &described("web", "x")).expect(200),
        ada.post(WEB, &service("web")).expect(409),
        bob.delete(WEB).expect(403),
        bob.get("/conf/staging/backends").expect(403),
        server.client().request("GET", WEB).unchecked().send().expect(401),
    ];
    ada.get(WEB).expect(200);
    ada.get("/nothing").expect(404);
    let lines = lines(&trail);
    assert_eq!(lines.len(), answers.len(), "{lines:#?}");
    let expected = [
        ("ada", "bearer", "POST", WEB, 201, "done"),
        ("ada", "bearer", "PUT", WEB, 200, "done"),
        ("ada", "bearer", "POST", WEB, 409, "rejected"),
        ("bob", "bearer", "DELETE", WEB, 403, "forbidden"),
        ("bob", "bearer", "GET", "/conf/staging/backends", 403, "forbidden"),
        ("", "none", "GET", WEB, 401, "unauthenticated"),
    ];
    for ((line, answer), (who, way, method, path, status, outcome)) in
        lines.iter().zip(&answers).zip(expected)
    {
        let principal = if who.is_empty() { Value::Null } else { who.into() };
        let found = json!([
            line["principal"],
            line["way"],
            line["method"],
            line["path"],
            line["status"],
            line["outcome"]
        ]);
        assert_eq!(found, json!([principal, way, method, path, status, outcome]), "{line}");
        assert_eq!(line["address"], "127.0.0.1", "{line}");
        assert_eq!(line["request_id"].as_str(), answer.header("x-request-id"), "{line}");
        let time = line["time"].as_str().expect("a time");
        assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok(), "{line}");
    }
    assert_eq!(lines[0]["commit"], answers[0].version());
    assert_eq!(json!([lines[1]["commit"], lines[1]["dry_run"]]), json!([null, true]));
    assert_eq!(json!([lines[0]["dry_run"], lines[3]["commit"]]), json!([false, null]));
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&trail).expect("the trail")) & 0o777;
    assert_eq!(mode, 0o600);
}

#[test]
fn every_way_to_show_who_asks_has_its_word() {
    let ada = new_key("ada", &["editor=prod"], &[]);
    let principals = Principals::of(&[&ada]);
    let trail = principals.folder().join("audit.jsonl");
    let builder = principals
        .builder()
        .env("REVCONF_ACCESS_PROXIES", "[\"127.0.0.1\"]")
        .env("REVCONF_ACCESS_PROXY_USER", "X-User")
        .env("REVCONF_LIMITS_ADDRESS", "1")
        .env("REVCONF_LIMITS_BURST", "4");
    let server = with_trail(builder, &trail).start();
    let client = server.client();
    for (name, value) in [
        ("Authorization", format!("Basic {}", ada.key)),
        ("X-User", "ada".to_owned()),
        ("Authorization", "SharedAccessSignature uid=a&ex=b&sn=AAAA".to_owned()),
        ("Authorization", "Digest x".to_owned()),
    ] {
        client.with_header(name, &value).request("DELETE", WEB).unchecked().send();
    }
    wait_for("a request too many", || {
        let answer = client.with_key(&ada.key).request("GET", WEB).unchecked().send();
        (answer.status == 429).then_some(())
    });
    let lines = lines(&trail);
    let ways: Vec<_> = lines.iter().map(|line| line["way"].as_str().unwrap_or_default()).collect();
    assert_eq!(ways, ["basic", "proxy", "signature", "unknown", "bearer"], "{lines:#?}");
    assert_eq!(lines[4]["outcome"], "limited");
    assert_eq!(lines[1]["principal"], "ada");
}

#[test]
fn without_the_setting_there_is_none_and_with_it_open_services_have_one_too() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let trail = home.path().join("audit.jsonl");
    let server = with_trail(Server::builder(), &trail).start();
    server.client().post(WEB, &service("web")).expect(201);
    assert_eq!(lines(&trail)[0]["principal"], Value::Null);
    assert_eq!(lines(&trail)[0]["outcome"], "done");
}

#[test]
fn the_trail_is_put_aside_by_size_and_goes_on_after_a_restart() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let trail = home.path().join("audit.jsonl");
    let builder = with_trail(Server::builder(), &trail)
        .env("REVCONF_AUDIT_SIZE", "2000")
        .env("REVCONF_AUDIT_KEEP", "2");
    let mut server = builder.start();
    let write = |server: &Server, from: usize| {
        for number in from..from + 20 {
            let path = format!("{SERVICES}/s{number}");
            server
                .client()
                .request("POST", &path)
                .json(&service(&format!("s{number}")))
                .unchecked()
                .send()
                .expect(201);
        }
    };
    write(&server, 0);
    server.stop();
    server.start_again();
    write(&server, 20);
    let numbered = |number: usize| PathBuf::from(format!("{}.{number}", trail.display()));
    let mut paths: Vec<String> = Vec::new();
    for file in [numbered(2), numbered(1), trail.clone()] {
        assert!(fs::metadata(&file).expect("a file").len() <= 2000, "{}", file.display());
        paths.extend(lines(&file).iter().map(|line| line["path"].as_str().unwrap_or_default().to_owned()));
    }
    assert!(!numbered(3).exists());
    let all: Vec<_> = (0..40).map(|number| format!("{SERVICES}/s{number}")).collect();
    assert_eq!(paths, all[all.len() - paths.len()..], "the newest, in order, without a gap");
    assert!(paths.len() > 10);
}

#[test]
fn a_trail_that_cannot_be_opened_stops_the_start() {
    let finished = with_trail(Server::builder(), Path::new("/nonexistent/audit.jsonl")).run();
    assert_eq!(finished.code(), Some(1), "{finished:?}");
    assert!(finished.stderr.contains("/nonexistent/audit.jsonl"), "{finished:?}");
}

/// A folder whose trail is put aside for each line, and that then goes away.
fn losing(required: bool) -> (tempfile::TempDir, PathBuf, Server) {
    let home = tempfile::tempdir().expect("a temporary directory");
    let folder = home.path().join("trail");
    fs::create_dir(&folder).expect("a folder");
    let builder = with_trail(Server::builder(), &folder.join("audit.jsonl"))
        .env("REVCONF_AUDIT_SIZE", "1")
        .env("REVCONF_AUDIT_KEEP", "0")
        .env("REVCONF_AUDIT_REQUIRED", &required.to_string());
    let server = builder.start();
    server.client().post(WEB, &service("web")).expect(201);
    fs::remove_dir_all(&folder).expect("the folder can go");
    (home, folder, server)
}

#[test]
fn a_trail_that_fails_is_told_loudly_and_stops_nothing() {
    let (_home, _, server) = losing(false);
    for text in ["a", "b"] {
        server.client().put(WEB, &described("web", text)).expect(200);
    }
    let line = wait_for_word(&server, "the audit trail cannot be written");
    assert!(line.contains("ERROR") && line.contains("PUT") && line.contains(WEB), "{line}");
}

#[test]
fn a_trail_that_is_required_and_fails_stops_writes_until_it_is_back() {
    let (_home, folder, server) = losing(true);
    let client = server.client();
    // The one that found out was done, and is in the log.
    client.put(WEB, &described("web", "a")).expect(200);
    let refused =
        client.request("PUT", WEB).json(&described("web", "b")).allow_5xx().send().expect_error(503);
    assert!(refused.message().contains("audit"), "{refused:?}");
    client.get(WEB).expect(200);
    fs::create_dir(&folder).expect("the folder comes back");
    set_mode(&folder, 0o700);
    client.put(WEB, &described("web", "c")).expect(200);
    assert_eq!(lines(&folder.join("audit.jsonl")).len(), 1);
}
