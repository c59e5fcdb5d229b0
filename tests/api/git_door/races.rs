//! Many at once: those who push and those who write over REST.

use std::thread;

use super::{SERVICES, WEB, Work, url};
use crate::support::Server;
use crate::support::documents::{described, service};

/// So many versions each person pushes.
const PUSHES: usize = 5;
/// So many are written over REST meanwhile.
const WRITES: usize = 60;

/// Pushes what is wanted upon whatever is there by then, until it is accepted. Its id.
fn push_until_accepted(work: &Work, id: &str, description: &str) -> String {
    for _ in 0..200 {
        work.text(&["fetch", "--quiet", "origin"]);
        work.text(&["reset", "--quiet", "--hard", "origin/prod"]);
        let commit = work.describe(id, description);
        if work.git(&["push", "--quiet", "origin", "HEAD:prod"]).status.success() {
            return commit;
        }
    }
    panic!("{id} was never accepted");
}

#[test]
fn two_clones_and_writers_lose_nothing() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    let people: Vec<_> = (0..2).map(|_| Work::clone(&url(&server, None), &[])).collect();
    let mut made = Vec::new();
    thread::scope(|threads| {
        let pushers: Vec<_> = people
            .iter()
            .enumerate()
            .map(|(number, work)| {
                threads.spawn(move || {
                    let id = format!("p{number}");
                    let push = |count| push_until_accepted(work, &id, &format!("push {count}"));
                    (0..PUSHES).map(push).collect::<Vec<_>>()
                })
            })
            .collect();
        let client = client.clone();
        // It ends before those who push, who would lose against somebody who never pauses.
        let writer = threads.spawn(move || {
            let path = format!("{SERVICES}/rest");
            let mut made = vec![client.post(&path, &service("rest")).expect(201).version()];
            for number in 0..WRITES {
                made.push(client.put(&path, &described("rest", &number.to_string())).expect(200).version());
            }
            made
        });
        for pusher in pushers {
            made.extend(pusher.join().expect("it ends well"));
        }
        made.extend(writer.join().expect("it ends well"));
    });
    let log = server.git().log_with(&["--first-parent", "prod"]);
    let ids: Vec<_> = log.iter().map(|commit| commit.id.as_str()).collect();
    for version in &made {
        assert_eq!(ids.iter().filter(|id| *id == version).count(), 1, "{version}");
    }
    assert_eq!(ids.len(), made.len() + 2, "and nothing else");
    assert_eq!(client.get("/conf/configs/prod/versions").expect(200).total(), ids.len() as u64);
    for number in 0..people.len() {
        let shown = client.get(&format!("{SERVICES}/p{number}")).expect(200).json();
        assert_eq!(shown["description"], format!("push {}", PUSHES - 1));
    }
    server.git().fsck();
    for work in &people {
        work.text(&["pull", "--quiet", "--ff-only"]);
        work.fsck();
    }
}

#[test]
fn of_pushes_at_once_upon_the_same_version_one_is_accepted() {
    let server = Server::start();
    server.client().post(WEB, &service("web")).expect(201);
    let people: Vec<_> = (0..4).map(|_| Work::clone(&url(&server, None), &[])).collect();
    for (number, work) in people.iter().enumerate() {
        work.describe(&format!("p{number}"), "mine");
    }
    let accepted: Vec<bool> = thread::scope(|threads| {
        let pushes: Vec<_> = people
            .iter()
            .map(|work| threads.spawn(|| work.git(&["push", "--quiet", "origin", "prod"])))
            .collect();
        let done = pushes.into_iter().map(|push| push.join().expect("git ends"));
        done.map(|push| {
            let lost = push.stderr.contains("fetch");
            assert!(push.status.success() || lost, "{push:?}");
            push.status.success()
        })
        .collect()
    });
    assert_eq!(accepted.iter().filter(|accepted| **accepted).count(), 1, "{accepted:?}");
    assert_eq!(server.client().get(SERVICES).expect(200).total(), 2);
    server.git().fsck();
}
