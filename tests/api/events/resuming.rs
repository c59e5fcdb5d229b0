//! Coming again: from where one was, without a gap or a repeat.

use serde_json::{Value, json};

use super::{EVENTS, SET};
use crate::support::documents::{described, service};
use crate::support::histories::{ANN, Foreign, import};
use crate::support::{Follower, Heard, Server};

fn write(server: &Server, numbers: std::ops::Range<usize>) -> Vec<String> {
    let client = server.client();
    numbers
        .map(|number| {
            client.put(SET, &json!([described("web", &format!("State {number}"))])).expect(200).version()
        })
        .collect()
}

#[test]
fn from_the_last_id_or_a_version_on() {
    let mut server = Server::start();
    let versions = write(&server, 0..30);
    for (nth, version) in versions.iter().enumerate() {
        let rest = &versions[nth + 1..];
        let mut by_query = Follower::start(&server, &format!("{EVENTS}?since={version}"), &[]);
        assert_eq!(by_query.since(), *version);
        assert_eq!(by_query.ids(rest.len()), rest);
        // What a browser that comes again heard last counts, not what it began with.
        let first = format!("{EVENTS}?since={}", &versions[0][..12]);
        let mut by_header = Follower::start(&server, &first, &[("Last-Event-ID", version)]);
        assert_eq!(by_header.ids(rest.len()), rest);
    }
    let mut from_before = Follower::start(&server, &format!("{EVENTS}?since={}", versions[0]), &[]);
    let begun = from_before.ids(3);
    assert_eq!(begun, versions[1..4]);
    server.kill();
    server.start_again();
    let more = write(&server, 30..40);
    let expected: Vec<_> = versions[4..].iter().chain(&more).cloned().collect();
    let mut again = Follower::start(&server, EVENTS, &[("Last-Event-ID", &begun[2])]);
    assert_eq!(again.ids(expected.len()), expected);
}

#[test]
fn across_a_branch_that_moved_far_ahead_while_it_goes_on_moving() {
    let mut server = Server::start();
    server.stop();
    let bytes: Vec<Vec<u8>> = (0..3000)
        .map(|number| crate::support::documents::file(&described("web", &format!("State {number}"))))
        .collect();
    let files: Vec<[(&str, &[u8]); 1]> =
        bytes.iter().map(|bytes| [("backend-services/web.json", bytes.as_slice())]).collect();
    let foreign: Vec<Foreign<'_>> = files
        .iter()
        .map(|files| Foreign {
            branch: "prod",
            files,
            message: "By hand",
            author: ANN,
            date: "2026-01-02T03:04:05Z",
            merges: None,
        })
        .collect();
    let first = server.git().rev_parse("prod");
    let made = import(&server.git(), &foreign);
    server.start_again();
    let mut follower = Follower::start(&server, &format!("{EVENTS}?since={first}"), &[]);
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(|| write(&server, 3000..3300));
        assert_eq!(follower.ids(made.len()), made);
        writer.join().expect("the writer writes")
    });
    assert_eq!(follower.ids(written.len()), written);
}

/// A reader that does not read holds up nobody, and is told where to begin again once it does.
#[test]
fn who_falls_behind_is_told_where_to_resume() {
    const ENTRIES: usize = 1000;
    // On a busy machine the writes take longer than a client may usually take nothing.
    let server = Server::builder().env("REVCONF_HTTP_SEND_TIMEOUT", "600").start();
    let client = server.client();
    let long = "x".repeat(150);
    let set: Value = (0..ENTRIES).map(|id| service(&format!("{long}{id}"))).collect();
    let full = client.put(SET, &set).expect(200).version();
    let mut slow = Follower::with_little_room(&server, EVENTS);
    let mut quick = Follower::start(&server, EVENTS, &[]);
    let mut versions = Vec::new();
    // What is kept for followers has room for a dozen of these, and the system for some twenty.
    for _ in 0..30 {
        versions.push(client.delete(SET).expect(200).version());
        versions.push(client.revert(SET, &full).expect(200).version());
        assert_eq!(quick.ids(2), versions[versions.len() - 2..]);
    }
    slow.make_room();
    let (mut heard, mut resume) = (Vec::new(), None);
    loop {
        match slow.hear() {
            Heard::Event(id, _) => heard.push(id),
            Heard::Named(name, data) => {
                assert_eq!(name, "overtaken");
                resume = data["resume"].as_str().map(str::to_owned);
            }
            Heard::Heartbeat(_) => assert_ne!(heard.last(), versions.last(), "it had room for everything"),
            Heard::End => break,
        }
    }
    assert_eq!(heard, versions[..heard.len()]);
    let resume = resume.expect("it was told where to resume");
    assert_eq!(heard.last(), Some(&resume));
    let mut again = Follower::start(&server, EVENTS, &[("Last-Event-ID", &resume)]);
    assert_eq!(again.ids(versions.len() - heard.len()), versions[heard.len()..]);
    let last = server.client().post(&format!("{SET}/last"), &service("last")).expect(201).version();
    assert_eq!(again.next().0, last);
}
