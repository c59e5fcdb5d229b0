//! What a terminal shows, and what a pipe gets.

use std::process::Command;

use serde_json::json;

use super::{API, ask, head, put, server};
use crate::support::Server;
use crate::support::program::{Finished, finish};

const ESCAPE: char = '\u{1b}';

/// Runs a command on a terminal of its own, which util-linux's `script` makes.
#[track_caller]
fn on_a_terminal(server: &Server, arguments: &str, no_color: &str) -> Finished {
    let line = format!("'{}' {arguments} 2>&1", env!("CARGO_BIN_EXE_revconf"));
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]);
    command.env("REVCONF_SERVER", format!("http://{}", server.address())).env("NO_PROXY", "127.0.0.1");
    command.env("NO_COLOR", no_color).env_remove("REVCONF_CONFIGURATION").env_remove("REVCONF_KEY");
    finish(command, b"")
}

#[test]
fn a_terminal_gets_a_head_short_versions_and_colours() {
    let server = server();
    let shown = on_a_terminal(&server, "log", "").expect_success().stdout;
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines[0].contains(ESCAPE) && lines[0].contains("VERSION"), "{shown:?}");
    let version = head(&server);
    assert!(lines[1].contains(&format!("\u{1b}[33m{}\u{1b}[0m  ", &version[..12])), "{shown:?}");
    assert!(!shown.contains(&version), "{shown:?}");
    let plain = on_a_terminal(&server, "log", "1").expect_success().stdout;
    assert!(plain.starts_with("VERSION       DATE  ") && !plain.contains(ESCAPE), "{plain:?}");
    // All columns begin where their names do.
    let at = plain.lines().next().and_then(|head| head.find("MESSAGE")).expect("the column's name");
    assert!(plain.lines().nth(1).is_some_and(|line| line[at..].starts_with("Put backend api")), "{plain:?}");
}

#[test]
fn a_long_command_says_how_far_it_is_if_somebody_looks() {
    let server = server();
    put(&server, API, &json!({"host": "10.0.0.2"}));
    let shown = on_a_terminal(&server, "log -n 1", "1").expect_success().stdout;
    assert!(shown.contains("1 of 4; -n 0 shows all"), "{shown:?}");
    let piped = ask(&server, &["log", "-n", "1"]).expect_success();
    assert_eq!((piped.stdout.lines().count(), piped.stderr.as_str()), (1, ""));
}

#[test]
fn a_pipe_gets_neither_colours_nor_a_head_unless_it_asks() {
    let server = server();
    let version = head(&server);
    let first = server.git().rev_parse("prod~1");
    for arguments in [&["log"][..], &["ls"], &["diff", &first]] {
        let shown = ask(&server, arguments).stdout;
        assert!(!shown.is_empty() && !shown.contains(ESCAPE), "{arguments:?}: {shown}");
    }
    let shown = ask(&server, &["diff", &first, "--color", "always"]);
    assert!(shown.stdout.contains("\u{1b}[32m+  \"id\": \"api\",\u{1b}[0m\n"), "{shown:?}");
    let shown = ask(&server, &["log", "--color", "always"]).expect_success().stdout;
    assert!(shown.contains(&format!("\u{1b}[33m{version}\u{1b}[0m  ")), "{shown:?}");
    let never = on_a_terminal(&server, "log --color never", "").expect_success().stdout;
    assert!(!never.contains(ESCAPE), "{never:?}");
}

#[test]
fn columns_have_no_tabs_and_messages_stay_in_their_line() {
    let server = server();
    let message = "First\nsecond\tline \u{fc}ber";
    let body = json!({"message": message, "operations": [{"op": "delete", "kind": "backends", "id": "api"}]});
    server.client().post("/conf/prod/transactions", &body).expect(200);
    let shown = ask(&server, &["log"]).expect_success().stdout;
    assert_eq!(shown.lines().count(), 4, "{shown}");
    assert!(shown.lines().next().is_some_and(|line| line.ends_with("  anonymous  First")), "{shown}");
    assert!(!shown.contains('\t'), "{shown}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let server = server();
    let line = format!("set -o pipefail; '{}' get | true", env!("CARGO_BIN_EXE_revconf"));
    let mut command = Command::new("bash");
    command.args(["-c", &line]).env("REVCONF_SERVER", format!("http://{}", server.address()));
    let finished = finish(command, b"").expect_success();
    assert_eq!(finished.stderr, "");
}
