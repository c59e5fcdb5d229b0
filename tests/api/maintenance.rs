//! What becomes of the repository's files while it grows: packs stay few, single objects become packs, and nothing is
//! lost whoever else is at work on them, and whenever the work is cut off.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::chance::Chance;
use crate::support::documents::{described, file};
use crate::support::{Client, Git, Server, wait_for};

const CLIENTS: usize = 32;
/// With more of them reading gets slow.
const MOST_PACKS: usize = 50;
/// With more of them objects do not stay files of their own.
const MANY_LOOSE: usize = 2048;
/// How long clients write where it is time that counts.
const LOAD: Duration = Duration::from_secs(4);

fn packs(server: &Server) -> usize {
    let folder = server.data().join("repository.git/objects/pack");
    let names = fs::read_dir(folder).expect("the packs").flatten().map(|entry| entry.file_name());
    names.filter(|name| name.to_string_lossy().ends_with(".pack")).count()
}

fn loose(server: &Server) -> usize {
    let folder = server.data().join("repository.git/objects");
    let fans = fs::read_dir(folder).expect("objects").flatten().filter(|fan| fan.file_name().len() == 2);
    fans.map(|fan| fs::read_dir(fan.path()).map_or(0, Iterator::count)).sum()
}

/// What `git count-objects -v` says of this.
fn counted(git: &Git, what: &str) -> usize {
    let text = git.text(&["count-objects", "-v"]);
    let line = text.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(": "));
    line.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no {what} in {text}"))
}

/// One of the service's own counters.
fn counter(client: &Client, name: &str) -> u64 {
    let text = client.get("/metrics").text();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().expect("a number"))
}

/// A whole set of as many documents, which all say the same number.
fn set(size: usize, number: usize) -> Value {
    (0..size).map(|nth| described(&format!("s{nth:02}"), &number.to_string())).collect()
}

/// Each client writes a set or an entry of its own, 1, 2, 3, … , until it is told to stop or the service is gone;
/// the last numbers that were acknowledged.
struct Load {
    going: AtomicBool,
    acknowledged: Vec<AtomicUsize>,
}

impl Load {
    /// A configuration for each client that writes sets, and an entry for each of the others.
    fn begin(client: &Client) -> Self {
        for number in (0..CLIENTS).filter(|number| writes_sets(*number)) {
            client.post(&format!("/conf/configs/c{number}"), &json!({})).expect(201);
        }
        for number in (0..CLIENTS).filter(|number| !writes_sets(*number)) {
            client.post(&path(number), &described(&format!("w{number}"), "0")).expect(201);
        }
        let acknowledged = (0..CLIENTS).map(|_| AtomicUsize::new(0)).collect();
        Load { going: AtomicBool::new(true), acknowledged }
    }

    fn write(&self, client: &Client, number: usize) {
        let first = self.acknowledged[number].load(Ordering::SeqCst) + 1;
        for count in first.. {
            let body = document(number, count);
            let request = client.request("PUT", &path(number)).json(&body).unchecked();
            let Ok(answer) = request.try_send() else { return };
            assert_eq!(answer.status, 200, "{answer:?}");
            self.acknowledged[number].store(count, Ordering::SeqCst);
            if !self.going.load(Ordering::SeqCst) {
                return;
            }
        }
    }

    fn total(&self) -> usize {
        self.acknowledged.iter().map(|count| count.load(Ordering::SeqCst)).sum()
    }

    /// Runs this while all clients write.
    fn beside<T>(&self, client: &Client, work: impl FnOnce() -> T) -> T {
        self.going.store(true, Ordering::SeqCst);
        thread::scope(|threads| {
            for number in 0..CLIENTS {
                threads.spawn(move || self.write(client, number));
            }
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            self.going.store(false, Ordering::SeqCst);
            outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Every client finds what was acknowledged last, or what it sent after that.
    fn check(&self, client: &Client) {
        for (number, acknowledged) in self.acknowledged.iter().enumerate() {
            let last = acknowledged.load(Ordering::SeqCst);
            let answer = client.get(&path(number)).expect(200);
            let found = if writes_sets(number) { Value::Array(answer.items()) } else { answer.json() };
            let next = document(number, last + 1);
            let nothing = last == 0 && found == json!([]);
            let sound = nothing || found == document(number, last) || found == next;
            assert!(sound, "{}: {last} was acknowledged, there is {found}", path(number));
            if found == next {
                acknowledged.store(last + 1, Ordering::SeqCst);
            }
        }
    }
}

/// Every fourth client writes sets, of 4 to 32 documents.
fn writes_sets(number: usize) -> bool {
    number.is_multiple_of(4)
}

fn path(number: usize) -> String {
    if writes_sets(number) {
        format!("/conf/c{number}/backend-services")
    } else {
        format!("/conf/prod/backend-services/w{number}")
    }
}

fn document(number: usize, count: usize) -> Value {
    if writes_sets(number) {
        set(number + 4, count)
    } else {
        described(&format!("w{number}"), &count.to_string())
    }
}

/// git finds nothing wrong, and reads every object.
fn assert_whole(git: &Git) {
    git.fsck();
    let objects = git.text(&["cat-file", "--batch-all-objects", "--batch-check"]);
    let missing: Vec<_> = objects.lines().filter(|line| line.ends_with("missing")).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(!git.contents().is_empty());
}

#[test]
fn packs_become_one_while_nobody_writes() {
    let server = Server::start();
    let client = server.client();
    for text in ["first", "second", "third"] {
        let set: Vec<Value> = (0..20).map(|nth| described(&format!("s{nth}"), text)).collect();
        client.put("/conf/prod/backend-services", &json!(set)).expect(200);
    }
    wait_for("one pack", || (packs(&server) == 1).then_some(()));
    server.git().fsck();
    assert_eq!(client.get("/conf/prod/backend-services/versions").total(), 3);
}

#[test]
fn packs_stay_few_while_many_write() {
    let server = Server::start();
    let client = server.client();
    let load = Load::begin(&client);
    let most = load.beside(&client, || {
        let begun = Instant::now();
        wait_for_most(&server, || begun.elapsed() >= LOAD && load.total() > 500)
    });
    assert!(most <= MOST_PACKS, "there were {most} packs");
    assert!(counter(&client, "revconf_merged_packs_total") > 0, "no packs were merged");
    load.check(&client);
    assert_whole(&server.git());
    wait_for("a repository at rest", || (counted(&server.git(), "garbage") == 0).then_some(()));
    assert!(packs(&server) <= MOST_PACKS);
}

/// The most packs that were seen until it is enough.
fn wait_for_most(server: &Server, enough: impl Fn() -> bool) -> usize {
    let mut most = 0;
    wait_for("enough writes", || {
        most = most.max(packs(server));
        enough().then_some(most)
    })
}

#[test]
fn objects_with_a_file_of_their_own_become_packs_once_they_are_many() {
    let server = Server::start();
    let client = server.client();
    // Each set is written as 12 blobs, two trees and a commit, which is one short of a pack.
    let mut number = 0;
    let mut most = 0;
    while counter(&client, "revconf_packed_objects_total") == 0 {
        for _ in 0..10 {
            number += 1;
            client.put("/conf/prod/backend-services", &set(12, number)).expect(200);
        }
        most = most.max(loose(&server));
        assert!(most < 3 * MANY_LOOSE, "{most} objects have files of their own");
    }
    assert!(most + 15 * 10 > MANY_LOOSE, "only {most} objects had files of their own");
    wait_for("few files", || (loose(&server) < MANY_LOOSE).then_some(()));
    assert!(packs(&server) > 0);
    let git = server.git();
    assert_whole(&git);
    let commits = git.log("prod");
    assert_eq!(commits.len(), number + 1);
    for (nth, commit) in commits.iter().rev().skip(1).enumerate() {
        let expected = file(&described("s00", &(nth + 1).to_string()));
        if nth.is_multiple_of(20) {
            assert_eq!(git.show(&commit.id, "backend-services/s00.json"), expected);
        }
    }
    wait_for("a repository at rest", || (counted(&git, "garbage") == 0).then_some(()));
}

/// `git gc` writes this file while it works, and fails if a pack goes that it has seen.
#[test]
fn packs_stay_where_they_are_while_git_tidies_up() {
    let server = Server::start();
    let client = server.client();
    let note = server.git().directory().join("gc.pid");
    let packs = || -> BTreeSet<PathBuf> {
        let files = fs::read_dir(server.git().directory().join("objects/pack")).expect("the packs").flatten();
        let paths = files.map(|file| file.path());
        paths.filter(|path| path.extension().is_some_and(|ending| ending == "pack")).collect()
    };
    let machine = fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
    fs::write(&note, format!("{} {machine}", std::process::id())).expect("a file can be written");
    let mut seen = BTreeSet::new();
    for number in 0..60 {
        let set: Value = (0..20).map(|id| described(&format!("e{id}"), &format!("State {number}"))).collect();
        client.put("/conf/prod/backend-services", &set).expect(200);
        assert!(seen.is_subset(&packs()), "a pack went while git tidied up");
        seen = packs();
    }
    assert!(seen.len() >= 50, "{} packs for 60 large commits", seen.len());
    // Its process is gone: it was killed, and its file says nothing.
    fs::write(&note, format!("4194304 {machine}")).expect("a file can be written");
    wait_for("fewer packs", || (packs().len() < 10).then_some(()));
    assert_whole(&server.git());
}

#[test]
fn an_operator_may_clone_and_tidy_up_under_load() {
    let server = Server::start();
    let client = server.client();
    let git = server.git();
    let load = Load::begin(&client);
    let clones: Vec<_> = load.beside(&client, || {
        (0..4)
            .map(|round| {
                wait_for("some writes", || (load.total() > 60 * (round + 1)).then_some(()));
                let (home, cloned) = git.clone();
                git.text(&["gc", "--quiet"]);
                cloned.fsck();
                let history = cloned.log("origin/prod");
                drop(home);
                history
            })
            .collect()
    });
    load.check(&client);
    assert_whole(&git);
    let last = git.log("prod");
    for history in clones {
        assert!(last.ends_with(&history), "a clone has a history of its own");
    }
}

#[test]
fn work_on_packs_that_is_cut_off_loses_nothing() {
    let mut server = Server::builder().env("REVCONF_JOURNAL_SIZE", "100000").start();
    let load = Load::begin(&server.client());
    let mut chance = Chance(7);
    for round in 1..=8 {
        let (writes, more) = (chance.below(150), chance.moment(Duration::from_millis(60)));
        eprintln!("round {round}: killed {more:?} after {writes} writes");
        let client = server.client();
        let before = load.total();
        load.beside(&client, || {
            wait_for("enough writes", || (load.total() >= before + writes).then_some(()));
            let merging = Instant::now();
            wait_for("the moment", || (merging.elapsed() >= more).then_some(()));
            server.kill();
        });
        server.start_again();
        load.check(&server.client());
        assert_whole(&server.git());
        wait_for("no leftovers", || server.git().leftovers().is_empty().then_some(()));
        wait_for("no garbage", || (counted(&server.git(), "garbage") == 0).then_some(()));
    }
}
