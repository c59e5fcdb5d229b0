//! Power cuts at any moment of a recorded run: of what was not synced by then nothing, everything or any part is there,
//! names and contents apart from each other. The service starts upon that, and has all that it had acknowledged.
//!
//! `REVCONF_TEST_CUTS` says how many cuts there are, instead of 20.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::disk::{Disk, Leaves};
use super::trace::{self, Done, Event};
use crate::support::chance::Chance;
use crate::support::documents::described;
use crate::support::strace::Strace;
use crate::support::{Client, Server, wait_for};

const CUTS: usize = 20;
const WEB: &str = "/conf/prod/backend-services/web";
const SETS: &str = "/conf/sets/backend-services";
const ENTRIES: usize = 60;
/// Packs are merged once, twice, and then nearly again.
const SET_WRITES: usize = 23;
const CONFIGS: usize = 8;

/// The versions that clients were answered, in the order of their writes: of the entry, of the set, and of configurations
/// that were each made after the one before was deleted.
struct Run {
    entries: Vec<String>,
    sets: Vec<String>,
    configs: Vec<String>,
}

fn set(number: usize) -> Value {
    (0..20).map(|nth| described(&format!("s{nth:02}"), &number.to_string())).collect()
}

fn write(client: &Client) -> Run {
    let put = |path: &str, number: usize, body: &Value| {
        client.put(&format!("{path}?message={number}"), body).expect(200).version()
    };
    std::thread::scope(|threads| {
        let entries = threads.spawn(|| {
            (1..=ENTRIES).map(|number| put(WEB, number, &described("web", &number.to_string()))).collect()
        });
        let sets = threads.spawn(|| (1..=SET_WRITES).map(|number| put(SETS, number, &set(number))).collect());
        let configs = threads.spawn(|| {
            let one = |number: usize| {
                let path = format!("/conf/configs/c{number}");
                let body = json!({"description": number.to_string()});
                let version = client.post(&path, &body).expect(201).version();
                client.delete(&path).expect(200);
                version
            };
            (1..=CONFIGS).map(one).collect()
        });
        let join = |thread: std::thread::ScopedJoinHandle<'_, Vec<String>>| thread.join().expect("writes");
        Run { entries: join(entries), sets: join(sets), configs: join(configs) }
    })
}

fn packs(server: &Server) -> usize {
    let folder = server.data().join("repository.git/objects/pack");
    let files = fs::read_dir(folder).expect("the packs").flatten();
    files.filter(|file| file.path().extension().is_some_and(|ending| ending == "pack")).count()
}

/// A run with checkpoints and maintenance, all that it did, and the disk as it was before.
fn record() -> (Run, Vec<Event>, Disk, tempfile::TempDir) {
    let home = tempfile::TempDir::new().expect("a folder");
    let data = home.path().join("data");
    let server = Server::builder().data(&data).env("REVCONF_JOURNAL_SIZE", "60000").start();
    let client = server.client();
    client.post(WEB, &described("web", "0")).expect(201);
    client.post("/conf/configs/sets", &json!({})).expect(201);
    client.put(SETS, &set(0)).expect(200);
    let log = home.path().join("trace");
    // The history index would be another run's after a power cut, and be made again. Other tests show that.
    let disk = Disk::of(&data);
    let strace = Strace::record(&server, trace::CALLS, &log);
    let run = write(&client);
    wait_for("packs to be merged", || (packs(&server) <= 2).then_some(()));
    strace.end();
    let events = trace::read(&fs::read_to_string(log).expect("a trace"));
    (run, events, disk, home)
}

/// The version in an answer that says that a write was made, or what is there.
fn answered(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let head = text.split("\r\n\r\n").next()?;
    let is_version = |line: &&str| line.to_ascii_lowercase().starts_with("revconf-version:");
    let (_, version) =
        head.lines().filter(|_| head.starts_with("HTTP/1.1 20")).find(is_version)?.split_once(':')?;
    Some(version.trim().to_owned())
}

#[test]
fn what_was_acknowledged_survives_cuts_at_any_moment() {
    let cuts = std::env::var("REVCONF_TEST_CUTS")
        .map_or(CUTS, |text| text.parse().expect("REVCONF_TEST_CUTS is a number"));
    let (run, events, mut disk, _home) = record();
    let checkpoints = events.iter().filter(|event| matches!(event.done, Done::AllSynced)).count();
    assert!(checkpoints > 1, "there were {checkpoints} checkpoints");
    let mut chance = Chance(cuts as u32);
    let mut moments: Vec<usize> = (0..cuts).map(|_| chance.below(events.len())).collect();
    moments.sort_unstable();
    let mut told = HashSet::new();
    let mut checked = 0;
    let mut next = 0;
    for moment in moments {
        for event in &events[next..moment] {
            disk.take(event);
        }
        next = next.max(moment);
        // An answer that has begun may have arrived.
        let now = events[moment].ended;
        let sent = events.iter().filter(|event| event.began <= now);
        told.extend(sent.filter_map(|event| match &event.done {
            Done::Sent { bytes } => answered(bytes),
            _ => None,
        }));
        let leaves = (Leaves::ALL[chance.below(4)], Leaves::ALL[chance.below(4)]);
        eprintln!("cut at {moment} of {}, of names and contents it leaves {leaves:?}", events.len());
        let after = tempfile::TempDir::new().expect("a folder");
        let data = after.path().join("data");
        disk.cut(leaves, &mut chance, &data);
        checked += check(&data, &run, &told);
    }
    eprintln!("{cuts} cuts, {checked} acknowledged writes looked for");
    assert!(checked > 0, "all cuts came before the first write");
}

#[test]
fn a_service_that_synced_nothing_would_be_found_out() {
    let (run, events, mut disk, _home) = record();
    for event in events.iter().filter(|event| !matches!(event.done, Done::Synced { .. } | Done::AllSynced)) {
        disk.take(event);
    }
    let after = tempfile::TempDir::new().expect("a folder");
    let data = after.path().join("data");
    disk.cut((Leaves::Nothing, Leaves::Nothing), &mut Chance(1), &data);
    let told = run.entries.iter().cloned().collect();
    let found = std::panic::catch_unwind(|| check(&data, &run, &told)).expect_err("all writes are missing");
    let said = found.downcast_ref::<String>().map_or("", String::as_str);
    assert!(said.contains("60 was acknowledged, 0 is there"), "{said}");
}

/// How many of the versions, from the first on, somebody was told of.
fn last_told(versions: &[String], told: &HashSet<String>) -> usize {
    versions.iter().rposition(|version| told.contains(version)).map_or(0, |last| last + 1)
}

/// Starts the service upon what a cut left. Answers how many acknowledged writes it had to have.
fn check(data: &Path, run: &Run, told: &HashSet<String>) -> usize {
    let index = fs::read_dir(data).expect("the data").flatten().map(|entry| entry.path());
    for file in
        index.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("index")))
    {
        fs::remove_file(file).expect("the index can be removed");
    }
    let server = Server::builder().data(data).start();
    let client = server.client();
    let text = |value: &Value| value.as_str().and_then(|text| text.parse().ok()).unwrap_or(usize::MAX);
    let web = text(&client.get(WEB).expect(200).json()["description"]);
    let (entries, sets) = (last_told(&run.entries, told), last_told(&run.sets, told));
    assert!((entries..=ENTRIES).contains(&web), "{entries} was acknowledged, {web} is there");
    let items = client.get(SETS).expect(200).items();
    let number = text(&items[0]["description"]);
    assert!((sets..=SET_WRITES).contains(&number), "{sets} was acknowledged, {number} is there");
    assert_eq!(Value::Array(items), set(number), "a set is there whole");
    let configs = last_told(&run.configs, told);
    for gone in 1..configs {
        client.get(&format!("/conf/configs/c{gone}")).expect(404);
    }
    let git = server.git();
    git.fsck();
    let reachable = git.text(&["rev-list", "--all"]);
    let reachable: HashSet<&str> = reachable.lines().collect();
    let all = run.entries[..entries].iter().chain(&run.sets[..sets]).chain(&run.configs[..configs]);
    for version in all {
        assert!(reachable.contains(version.as_str()), "{version} was acknowledged and cannot be reached");
    }
    client.put(WEB, &described("web", "after")).expect(200);
    client.put(SETS, &set(SET_WRITES + 1)).expect(200);
    entries + sets + configs
}
