//! Many connections that ask for nothing.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{connect, grown, served, start};
use crate::support::{Client, Server, wait_for};

/// So many connections, or as many as this machine lets a test have.
fn many() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let hard = limit.maximum;
    let raised = setrlimit(Resource::Nofile, Rlimit { current: hard, maximum: hard });
    let files = if raised.is_ok() { hard } else { limit.current };
    files
        .map_or(10_000, |files| 10_000.min(usize::try_from(files).unwrap_or(usize::MAX).saturating_sub(2000)))
}

/// In KiB, of memory of the service: what an idle connection takes at most. See SECURITY.md.
const IDLE: u64 = 24;

#[test]
fn ten_thousand_idle_connections_keep_nobody_out() {
    let count = many();
    let builder = Server::builder()
        .env("REVCONF_HTTP_CLIENT_TIMEOUT", "300")
        .env("REVCONF_HTTP_KEEP_ALIVE", "300")
        .open_files(512);
    let (server, client) = start(builder);
    let before = server.peak();
    let mut idle: Vec<TcpStream> = Vec::with_capacity(count);
    for number in 0..count {
        let mut stream = connect(&server);
        // Some have asked before, some have begun to ask, and most say nothing at all.
        match number % 10 {
            // Few are left when three in four are taken, and then those that have asked are closed.
            0 if number < count / 2 => {
                stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n").expect("sent");
                assert_ne!(stream.read(&mut [0; 1024]).expect("an answer"), 0);
            }
            1 => stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: ").expect("sent"),
            _ => {}
        }
        idle.push(stream);
    }
    wait_for("the service to have them all", || (server.open_files() > count).then_some(()));
    served(&client, "beside the idle ones");
    served(&server.client(), "by somebody new");
    let bound = count as u64 * IDLE / 1024;
    assert!(grown(&server, before) < bound, "{} MiB, and {bound} are the bound", grown(&server, before));
    drop(idle);
    wait_for("them to be forgotten", || (server.open_files() < 200).then_some(()));
    served(&client, "afterwards");
}

/// The answer to a plain read over a connection of its own.
#[track_caller]
fn ask(client: &Client) -> crate::support::Answer {
    client.raw(b"GET /conf/prod/backend-services/web HTTP/1.1\r\nHost: test\r\n\r\n")
}

#[test]
fn one_connection_too_many_is_told_so() {
    let builder =
        Server::builder().env("REVCONF_HTTP_MAX_CONNECTIONS", "20").env("REVCONF_HTTP_CLIENT_TIMEOUT", "300");
    let (server, client) = start(builder);
    let idle: Vec<TcpStream> = (0..40).map(|_| connect(&server)).collect();
    let refused = wait_for("a refusal", || Some(ask(&client)).filter(|answer| answer.status == 503));
    assert_eq!(refused.header("retry-after"), Some("1"), "{refused:?}");
    assert_eq!(refused.header("connection"), Some("close"), "{refused:?}");
    assert!(refused.message().contains("too many connections"), "{refused:?}");
    let watched = client.raw(b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n").expect(200);
    assert_eq!(watched.header("connection"), Some("close"), "{watched:?}");
    drop(idle);
    wait_for("room", || (ask(&client).status == 200).then_some(()));
}

#[test]
fn where_few_files_may_be_open_there_are_fewer_connections() {
    // Of the two limits only the soft one is low, and the service raises it.
    let (server, client) = start(Server::builder().open_files(64));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).expect("the server runs");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("the limit");
    let [soft, hard] = [0, 1].map(|nth| line.split_whitespace().nth(nth).expect("a number").to_owned());
    assert_eq!(soft, hard, "{line}");
    let idle: Vec<TcpStream> = (0..200).map(|_| connect(&server)).collect();
    wait_for("them to be there", || (server.open_files() > 200).then_some(()));
    served(&client, "beside more connections than the soft limit");
    drop(idle);
}
