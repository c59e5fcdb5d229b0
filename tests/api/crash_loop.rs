//! Crashes, one after the other, upon the same data: writers with numbers that are known, a kill at any moment, and then
//! everything that was acknowledged is there, in order, and nothing by half.
//!
//! `REVCONF_TEST_CRASH_ROUNDS` says how many crashes there are in all, instead of 50.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::chance::Chance;
use crate::support::documents::{described, file};
use crate::support::program::run;
use crate::support::{Client, PATIENCE, Server, wait_for};

/// The tests below share the rounds.
const TESTS: usize = 5;
const ROUNDS: usize = 50;
/// So many crashes the same data lives through.
const ROUNDS_OF_ONE: usize = 10;
/// A service is ready again after a crash.
const READY: Duration = Duration::from_secs(2);
/// Mostly few, so that the rounds are quick; now and then enough for work on packs to be under way.
const MOST_WRITES: [usize; 4] = [15, 30, 60, 200];
const LARGEST_SET: usize = 40;

#[test]
fn crashes_with_a_journal_that_is_kept() {
    crashes(1, &[("REVCONF_JOURNAL_PERIOD", "3600")]);
}

#[test]
fn crashes_with_a_checkpoint_after_each_batch() {
    crashes(2, &[("REVCONF_JOURNAL_SIZE", "1")]);
}

#[test]
fn crashes_with_a_checkpoint_now_and_then() {
    crashes(3, &[("REVCONF_JOURNAL_SIZE", "300000")]);
}

#[test]
fn crashes_with_small_batches() {
    crashes(4, &[("REVCONF_COMMITS_BATCH", "1"), ("REVCONF_JOURNAL_SIZE", "50000")]);
}

#[test]
fn crashes_with_the_settings_that_are_the_default() {
    crashes(5, &[]);
}

fn crashes(seed: u32, settings: &[(&str, &str)]) {
    let rounds = std::env::var("REVCONF_TEST_CRASH_ROUNDS")
        .map_or(ROUNDS, |text| text.parse().expect("REVCONF_TEST_CRASH_ROUNDS is a number"));
    let mut left = rounds.div_ceil(TESTS);
    let mut chance = Chance(seed);
    let (mut killed, mut acknowledged, mut slowest) = (0, 0, Duration::ZERO);
    while left > 0 {
        let now = left.min(ROUNDS_OF_ONE);
        left -= now;
        let mut server = settings
            .iter()
            .fold(Server::builder(), |builder, (name, value)| builder.env(name, value))
            .start();
        let mut writers = begin(&server.client());
        let mut waits = Vec::new();
        for round in 1..=now {
            let most = MOST_WRITES[chance.below(MOST_WRITES.len())];
            let (writes, more) = (chance.below(most), chance.moment(Duration::from_millis(8)));
            eprintln!("seed {seed}, round {round}, {left} to come: killed {more:?} after {writes} writes");
            write_until_killed(&mut server, &mut writers, writes, more);
            let begun = Instant::now();
            server.start_again();
            server.client().request("GET", "/health/ready").unchecked().send().expect(200);
            waits.push(begun.elapsed());
            check(&server, &writers);
        }
        killed += now;
        acknowledged += writers.iter().map(Writer::acknowledged).sum::<usize>();
        // An unoptimized program on a machine that others use may take longer once, but not each time.
        waits.sort();
        let longest = if cfg!(debug_assertions) { waits[waits.len() / 2] } else { waits[waits.len() - 1] };
        assert!(longest < READY, "ready again after {waits:?}");
        slowest = slowest.max(waits[waits.len() - 1]);
    }
    eprintln!(
        "seed {seed}: {killed} crashes, {acknowledged} acknowledged writes, ready after {slowest:?} at most"
    );
}

/// Two that write entries, in two configurations; one that writes whole sets; one that makes and deletes configurations.
fn begin(client: &Client) -> Vec<Writer> {
    for config in ["staging", "sets"] {
        client.post(&format!("/conf/configs/{config}"), &json!({})).expect(201);
    }
    let entry = |config: &str, id: &str| {
        let path = format!("/conf/{config}/backend-services/{id}");
        client.post(&path, &described(id, "0")).expect(201);
        Numbered::new(path, Some(id))
    };
    vec![
        Writer::Numbers(vec![entry("prod", "a"), entry("staging", "b")]),
        Writer::Numbers(vec![entry("staging", "c"), entry("prod", "d"), entry("prod", "e")]),
        Writer::Numbers(vec![Numbered::new("/conf/sets/backend-services".to_owned(), None)]),
        Writer::Configurations(Vec::new()),
    ]
}

fn write_until_killed(server: &mut Server, writers: &mut [Writer], writes: usize, more: Duration) {
    let client = server.client();
    let (acknowledge, acknowledged) = mpsc::channel();
    std::thread::scope(|threads| {
        for writer in writers {
            let (client, acknowledge) = (&client, acknowledge.clone());
            threads.spawn(move || writer.write_until_cut_off(client, &acknowledge));
        }
        for _ in 0..writes {
            acknowledged.recv_timeout(PATIENCE).expect("a write is acknowledged");
        }
        let end = Instant::now() + more;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            ignore(&acknowledged, left);
        }
        server.kill();
    });
}

/// Waits, whatever comes in meanwhile.
fn ignore(acknowledged: &Receiver<()>, longest: Duration) {
    let _ = acknowledged.recv_timeout(longest);
}

fn check(server: &Server, writers: &[Writer]) {
    let git = server.git();
    git.fsck();
    // The service may be at work on packs already.
    wait_for("a repository without leftovers", || git.leftovers().is_empty().then_some(()));
    let data = server.data().to_str().expect("UTF-8");
    assert_eq!(run(&["check", "--data", data]).expect_success().code(), Some(0));
    for writer in writers {
        match writer {
            Writer::Numbers(places) => places.iter().for_each(|place| place.check(server)),
            Writer::Configurations(all) => check_configurations(server, all),
        }
    }
}

enum Writer {
    /// Each has the next number written in turn.
    Numbers(Vec<Numbered>),
    Configurations(Vec<Configuration>),
}

impl Writer {
    fn acknowledged(&self) -> usize {
        match self {
            Writer::Numbers(places) => places.iter().map(|place| place.acknowledged.len()).sum(),
            Writer::Configurations(all) => all.iter().map(|one| one.acknowledged).sum(),
        }
    }

    fn write_until_cut_off(&mut self, client: &Client, acknowledge: &Sender<()>) {
        for turn in 0.. {
            let taken = match self {
                Writer::Numbers(places) => {
                    let count = places.len();
                    places[turn % count].write(client)
                }
                Writer::Configurations(all) => {
                    if turn % 3 == 0 {
                        all.push(Configuration {
                            name: format!("c{}", all.len()),
                            ..Configuration::default()
                        });
                    }
                    all.last_mut().expect("the newest").write(client)
                }
            };
            // Nobody counts any more once the server is killed.
            if !taken || acknowledge.send(()).is_err() {
                return;
            }
        }
    }
}

/// Sends a write; its version, or `None` where the service was gone before it answered.
fn acknowledged(client: &Client, method: &str, path: &str, body: &Value) -> Option<String> {
    let answer = client.request(method, path).json(body).unchecked().try_send().ok()?;
    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
    Some(answer.version())
}

/// An entry or a set whose documents all say the number that was written last.
struct Numbered {
    path: String,
    /// Of an entry.
    id: Option<String>,
    sent: usize,
    /// Numbers, and the versions that were answered.
    acknowledged: BTreeMap<usize, String>,
}

impl Numbered {
    fn new(path: String, id: Option<&str>) -> Self {
        Numbered { path, id: id.map(str::to_owned), sent: 0, acknowledged: BTreeMap::new() }
    }

    fn documents(&self, number: usize) -> Vec<Value> {
        let text = number.to_string();
        match &self.id {
            Some(id) => vec![described(id, &text)],
            // Of any size, so that it is written as single objects or as a pack.
            None => {
                (0..1 + number * 7 % LARGEST_SET).map(|nth| described(&format!("s{nth:02}"), &text)).collect()
            }
        }
    }

    fn write(&mut self, client: &Client) -> bool {
        self.sent += 1;
        let documents = Value::Array(self.documents(self.sent));
        let body = if self.id.is_some() { &documents[0] } else { &documents };
        let path = format!("{}?message={}", self.path, self.sent);
        let version = acknowledged(client, "PUT", &path, body);
        version.is_some_and(|version| self.acknowledged.insert(self.sent, version).is_none())
    }

    fn check(&self, server: &Server) {
        let answer = server.client().get(&self.path).expect(200);
        let found = if self.id.is_some() { vec![answer.json()] } else { answer.items() };
        let last = self.acknowledged.keys().next_back().copied().unwrap_or_default();
        // Before the first write a set is empty, and an entry says 0.
        let now = found.first().map_or(0, |document| number(&document["description"]));
        assert!((last..=self.sent).contains(&now), "{}: {last} was acknowledged, {now} is there", self.path);
        assert!(now == 0 || found == self.documents(now), "{}: {now} is there by half", self.path);

        let listed = self.listed(server);
        let in_order = listed.windows(2).all(|two| two[0].0 < two[1].0);
        assert!(in_order && listed.last().is_none_or(|(last, _)| *last == now), "{}: {listed:?}", self.path);
        let listed: BTreeMap<_, _> = listed.into_iter().collect();
        for (number, version) in &self.acknowledged {
            assert_eq!(listed.get(number), Some(version), "{}: {number} in {listed:?}", self.path);
        }
        self.check_contents(server, &listed);
    }

    /// The numbers in the messages of all versions, with the versions, oldest first.
    fn listed(&self, server: &Server) -> Vec<(usize, String)> {
        let client = server.client();
        let mut items = Vec::new();
        let mut next = Some(format!("{}/versions", self.path));
        while let Some(path) = next {
            let page = client.get(&path).expect(200);
            items.extend(page.items());
            next = page.next_page();
        }
        // The first version of an entry has a message of its own.
        items.truncate(items.len() - usize::from(self.id.is_some()));
        let version = |item: &Value| item["version"].as_str().expect("a version").to_owned();
        items.iter().rev().map(|item| (number(&item["message"]), version(item))).collect()
    }

    /// Every version holds what was written with its number.
    fn check_contents(&self, server: &Server, listed: &BTreeMap<usize, String>) {
        let (mut revisions, mut expected) = (Vec::new(), Vec::new());
        for (number, version) in listed {
            for document in self.documents(*number) {
                let id = document["id"].as_str().expect("an id");
                revisions.push(format!("{version}:backend-services/{id}.json"));
                expected.push(Some(file(&document)));
            }
        }
        assert!(server.git().blobs(&revisions) == expected, "{}: a version holds something else", self.path);
    }
}

fn number(text: &Value) -> usize {
    text.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{text} is no number"))
}

/// A configuration that is made, changed, and deleted.
#[derive(Debug, Default)]
struct Configuration {
    name: String,
    sent: usize,
    acknowledged: usize,
}

impl Configuration {
    fn write(&mut self, client: &Client) -> bool {
        self.sent += 1;
        let path = format!("/conf/configs/{}", self.name);
        let (method, body) = match self.sent {
            1 => ("POST", json!({"from": {"config": "sets"}})),
            2 => ("PUT", json!({"description": self.name})),
            _ => ("DELETE", json!({})),
        };
        let taken = acknowledged(client, method, &path, &body).is_some();
        if taken {
            self.acknowledged = self.sent;
        }
        taken
    }
}

fn check_configurations(server: &Server, all: &[Configuration]) {
    let refs = server.git().refs();
    let client = server.client();
    for configuration in all {
        let name = &configuration.name;
        let archives = format!("refs/archive/{name}/");
        let archived = refs.iter().any(|(full, _)| full.starts_with(&archives));
        let branch = refs.iter().any(|(full, _)| *full == format!("refs/heads/{name}"));
        assert!(!(archived && branch), "{configuration:?} is deleted by half");
        let is = match (archived, branch) {
            (true, _) => 3,
            (_, true) if client.get(&format!("/conf/configs/{name}")).json()["description"] == **name => 2,
            (_, true) => 1,
            _ => 0,
        };
        assert!(
            (configuration.acknowledged..=configuration.sent).contains(&is),
            "{configuration:?} is at {is}"
        );
    }
}
