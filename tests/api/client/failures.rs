//! Exit status, and what standard error says: for scripts, and for people.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

use super::{API, Files, SHOP, ask, feed, refused, server};
use crate::support::program::{Finished, run, run_with};

#[track_caller]
fn ends(finished: &Finished, status: i32, said: &str) {
    assert_eq!(finished.code(), Some(status), "{finished:?}");
    assert!(finished.stderr.starts_with("revconf: ") && finished.stderr.contains(said), "{finished:?}");
    assert_eq!(finished.stdout, "");
}

#[test]
fn each_reason_has_a_status_of_its_own() {
    let server = server();
    ask(&server, &["get", API]).expect_success();
    let bad = r#"{"host": "http://a", "hots": "b"}"#;
    let said = feed(&server, &["put", API, "-f", "-"], bad);
    ends(&said, 1, "\n  backends/api: host: must be a bare host name");
    assert!(said.stderr.contains("\n  backends/api: hots: is no field here"), "{said:?}");
    ends(
        &feed(&server, &["put", "pictures/a", "-f", "-"], "{}"),
        1,
        "must be one of backend-services, backends",
    );
    ends(
        &feed(&server, &["put", API, "-f", "-"], r#"{"host": "a", "host": "b"}"#),
        1,
        "duplicate key \"host\"",
    );
    ends(&feed(&server, &["put", API, "-f", "-"], "{\n\"host\" 1}"), 2, "standard input is not JSON");
    ends(&ask(&server, &["put", API, "-f", "/nowhere.json"]), 2, "/nowhere.json cannot be read");
    refused(&server, &["put", "backends", "-f", "-"], 2, "which entry?");
    refused(&server, &["put", API], 2, "Usage");
    ends(&ask(&server, &["rm", "backends/nobody"]), 3, "\"nobody\"");
    ends(&ask(&server, &["rm", SHOP, "--if-match", &"0".repeat(40)]), 4, "read it again");
}

#[test]
fn a_service_that_is_not_there_is_told_from_one_that_refuses() {
    for command in
        [&["ls"][..], &["get", API], &["rm", API], &["log"], &["diff", "v1"], &["follow"], &["revert", "v1"]]
    {
        let arguments = [command, &["--server", "http://127.0.0.1:1"]].concat();
        ends(&run(&arguments), 5, "http://127.0.0.1:1 cannot be reached: Connection refused");
    }
    ends(&run(&["ls", "--server", "127.0.0.1:8080"]), 2, "no URL of a service");
    ends(&run(&["ls", "--server", "http://"]), 2, "");
}

/// Answers each connection with this, and ends it.
fn impostor(answer: impl Into<String>) -> String {
    let answer = answer.into();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(&stream);
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let _ = (&stream).write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn another_service_is_not_taken_for_this_one() {
    for (answer, status, said) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", 1, "not one of revconf's"),
        ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 6\r\n\r\n<html>", 1, "the answer is 502"),
        // Whether there is such a thing is not for a stranger to say.
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 6\r\n\r\n<html>", 1, "the answer is 404"),
        ("HTTP/1.1 301 Moved\r\nlocation: /\r\ncontent-length: 0\r\n\r\n", 1, "the answer is 301"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{", 5, "cannot be reached"),
        ("SSH-2.0-OpenSSH\r\n", 5, "cannot be reached"),
    ] {
        ends(&run(&["log", "--server", &impostor(answer)]), status, said);
    }
}

#[test]
fn a_write_whose_answer_was_lost_may_have_been_done() {
    let lost = impostor("");
    ends(&run(&["rm", API, "--server", &lost]), 5, "may have been done nevertheless: log tells");
    for (arguments, server) in [(["rm", API], "http://127.0.0.1:1"), (["get", API], lost.as_str())] {
        let finished = run(&[&arguments[..], &["--server", server]].concat());
        ends(&finished, 5, "cannot be reached");
        assert!(!finished.stderr.contains("nevertheless"), "{finished:?}");
    }
}

#[test]
fn what_others_wrote_cannot_steer_the_terminal() {
    let body = r#"{"code":404,"message":"no \u001b[2Jsuch thing"}"#;
    let answer = format!("HTTP/1.1 404 Not Found\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let finished = run(&["ls", "--server", &impostor(answer)]);
    ends(&finished, 3, "no \\u{1b}[2Jsuch thing");
}

#[test]
fn a_prefix_belongs_to_the_url() {
    let server = server();
    let url = format!("http://{}/api/v4.3/", server.address());
    let listed = run_with(&["ls", "backends", "--server", &url], b"", &[("NO_PROXY", "127.0.0.1")]);
    assert_eq!(listed.expect_success().stdout, "api  10.0.0.1\n");
}

/// The variables of the client are none of the service's settings, and the other way round.
#[test]
fn the_environment_of_the_client_does_not_stop_the_service() {
    let files = Files::new();
    let environment = [
        ("REVCONF_SERVER", "https://conf.example.org"),
        ("REVCONF_CONFIGURATION", "staging"),
        ("REVCONF_KEY", "rck_x"),
        ("REVCONF_KEY_FILE", "/nowhere"),
        ("REVCONF_CA", "/nowhere"),
    ];
    run_with(&["check", "--data", &files.text("data")], b"", &environment);
    run_with(&["openapi"], b"", &environment).expect_success();
    let server = server();
    let listed = feed(&server, &["ls", "backends"], "");
    assert_eq!(listed.expect_success().stdout, "api  10.0.0.1\n");
    let url = format!("http://{}", server.address());
    let staging = run_with(
        &["ls", "backends"],
        b"",
        &[("REVCONF_SERVER", &url), ("REVCONF_CONFIGURATION", "staging"), ("NO_PROXY", "127.0.0.1")],
    );
    ends(&staging, 3, "\"staging\"");
}
