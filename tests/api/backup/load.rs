//! Backups while the service writes and its packs are merged, and while `git gc` is at work.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{assert_sound, backed_up, repository, restore};
use crate::support::documents::described;
use crate::support::{Client, Server, wait_for};

const WRITERS: usize = 8;

fn set(number: usize) -> Value {
    (0..20).map(|nth| described(&format!("s{nth:02}"), &number.to_string())).collect()
}

/// Each writer has a configuration of its own, and writes 1, 2, 3, … into it; what was acknowledged last.
struct Writers {
    going: AtomicBool,
    acknowledged: Vec<AtomicUsize>,
}

impl Writers {
    fn begin(client: &Client) -> Self {
        for number in 0..WRITERS {
            client.post(&format!("/conf/configs/c{number}"), &json!({})).expect(201);
        }
        let acknowledged = (0..WRITERS).map(|_| AtomicUsize::new(0)).collect();
        Writers { going: AtomicBool::new(true), acknowledged }
    }

    fn write(&self, client: &Client, number: usize) {
        let mut count = 0;
        while self.going.load(Ordering::SeqCst) {
            count += 1;
            let path = format!("/conf/c{number}/backend-services");
            client.request("PUT", &path).json(&set(count)).unchecked().send().expect(200);
            self.acknowledged[number].store(count, Ordering::SeqCst);
        }
    }

    fn seen(&self) -> Vec<usize> {
        self.acknowledged.iter().map(|count| count.load(Ordering::SeqCst)).collect()
    }

    fn beside(&self, client: &Client, work: impl FnOnce()) {
        thread::scope(|threads| {
            for number in 0..WRITERS {
                threads.spawn(move || self.write(client, number));
            }
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            self.going.store(false, Ordering::SeqCst);
            outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        });
    }
}

/// How many packs the service has merged.
fn merged(client: &Client) -> u64 {
    let page = client.get("/metrics").text();
    let line = page.lines().find_map(|line| line.strip_prefix("revconf_merged_packs_total "));
    line.map_or(0, |number| number.parse().expect("a number"))
}

#[test]
fn what_was_acknowledged_before_a_backup_is_in_it_whatever_goes_on() {
    let server = Server::start();
    let client = server.client();
    let writers = Writers::begin(&client);
    let home = TempDir::new().expect("a folder");
    let mut made = Vec::new();
    writers.beside(&client, || {
        for round in 0..6 {
            let before = (merged(&client), writers.seen());
            wait_for("writes", || {
                (writers.seen().iter().sum::<usize>() > before.1.iter().sum::<usize>() + 40).then_some(())
            });
            wait_for("packs to be merged", || (merged(&client) > before.0).then_some(()));
            let seen = writers.seen();
            let file = thread::scope(|threads| {
                if round % 3 == 2 {
                    threads.spawn(|| server.git().text(&["gc", "--quiet"]));
                }
                backed_up(server.data(), home.path())
            });
            made.push((seen, file));
        }
    });
    for (round, (seen, file)) in made.into_iter().enumerate() {
        let data = home.path().join(format!("data-{round}"));
        restore(&data, &file).expect_success();
        let git = repository(&data);
        for (number, count) in seen.into_iter().enumerate() {
            let commits = git.log(&format!("c{number}")).len();
            assert!(commits > count, "round {round}: {commits} commits, {count} writes were acknowledged");
        }
        assert_sound(&data);
    }
}

#[test]
fn a_configuration_that_is_deleted_meanwhile_is_there_or_in_the_archive() {
    let server = Server::start();
    let client = server.client();
    let home = TempDir::new().expect("a folder");
    let going = AtomicBool::new(true);
    thread::scope(|threads| {
        threads.spawn(|| {
            while going.load(Ordering::SeqCst) {
                client.post("/conf/configs/flit", &json!({})).expect(201);
                client.delete("/conf/configs/flit").expect(200);
            }
        });
        let work = || {
            wait_for("the first to be deleted", || {
                server
                    .git()
                    .refs()
                    .iter()
                    .any(|(name, _)| name.starts_with("refs/archive/flit/"))
                    .then_some(())
            });
            // Where they come and go faster than they can be listed, that is told.
            (0..4)
                .filter_map(|_| {
                    let made = super::backup(server.data(), home.path());
                    let restless = made.stderr.contains("come and go faster");
                    assert!(made.code() == Some(0) || restless, "{made:?}");
                    made.stdout.lines().next().map(std::path::PathBuf::from)
                })
                .collect::<Vec<_>>()
        };
        let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        going.store(false, Ordering::SeqCst);
        for (round, file) in made.expect("backups").into_iter().enumerate() {
            let data = home.path().join(format!("data-{round}"));
            restore(&data, &file).expect_success();
            assert_sound(&data);
        }
    });
}
