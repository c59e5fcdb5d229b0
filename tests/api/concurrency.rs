//! Many clients at once: nothing is lost, nothing is half written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::support::documents::{described, service};
use crate::support::{Client, Server};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";
const WRITERS: u64 = 16;

/// The number that a test has put into an entry's description.
#[track_caller]
fn number(document: &Value) -> u64 {
    document["description"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("no number in {document}"))
}

/// Runs the same work in as many threads as there are writers; what each of them returned.
fn writers<T: Send>(work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    thread::scope(|threads| {
        let work = &work;
        let running: Vec<_> = (0..WRITERS).map(|writer| threads.spawn(move || work(writer))).collect();
        running.into_iter().map(|thread| thread.join().expect("a writer ends well")).collect()
    })
}

#[test]
fn of_writers_with_the_same_tag_exactly_one_wins_each_round() {
    const ROUNDS: u64 = 10;
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &described("web", "0")).expect(201);
    let barrier = Barrier::new(WRITERS as usize);

    let outcomes = writers(|writer| {
        (0..ROUNDS)
            .map(|round| {
                let tag = client.get(WEB).expect(200).etag();
                barrier.wait();
                let mine = described("web", &(round * WRITERS + writer + 1).to_string());
                let answer = client.request("PUT", WEB).if_match(&tag).json(&mine).send();
                assert!(matches!(answer.status, 200 | 412), "{answer:?}");
                // Nobody reads for the next round before everybody has written in this one.
                barrier.wait();
                answer
            })
            .collect::<Vec<_>>()
    });

    let mut winners = Vec::new();
    for round in 0..ROUNDS as usize {
        let won: Vec<_> =
            outcomes.iter().map(|answers| &answers[round]).filter(|answer| answer.status == 200).collect();
        assert_eq!(won.len(), 1, "round {round}: {won:?}");
        winners.push(won[0].version());
    }
    winners.reverse();
    assert_eq!(client.get(&format!("{WEB}/versions?limit=10")).versions(), winners);
    server.git().fsck();
}

#[test]
fn counting_with_if_match_loses_no_count() {
    const COUNTS: u64 = 5;
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &described("web", "0")).expect(201);

    let accepted = writers(|_| (0..COUNTS).map(|_| count_up(&client)).collect::<Vec<_>>()).concat();

    let total = WRITERS * COUNTS;
    assert_eq!(number(&client.get(WEB).json()), total);
    let listed: BTreeSet<_> = client.get(&format!("{WEB}/versions")).versions().into_iter().collect();
    assert_eq!(listed.len() as u64, total + 1);
    let accepted: BTreeSet<_> = accepted.into_iter().collect();
    assert_eq!(accepted.len() as u64, total, "each accepted write has a commit of its own");
    assert!(accepted.is_subset(&listed), "each accepted write is in the history");
    server.git().fsck();
}

/// Reads the number, writes the next, again until nobody came between; the commit.
fn count_up(client: &Client) -> String {
    loop {
        let read = client.get(WEB).expect(200);
        let next = number(&read.json()) + 1;
        let answer = client
            .request("PUT", WEB)
            .if_match(&read.etag())
            .json(&described("web", &next.to_string()))
            .send();
        match answer.status {
            200 => return answer.version(),
            412 => continue,
            _ => panic!("{answer:?}"),
        }
    }
}

#[test]
fn of_writers_that_create_the_same_entry_exactly_one_wins() {
    let server = Server::start();
    let client = server.client();
    let barrier = Barrier::new(WRITERS as usize);
    let answers = writers(|writer| {
        barrier.wait();
        (writer, client.post(WEB, &described("web", &writer.to_string())))
    });
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| answer.status == 201);
    assert_eq!(won.len(), 1, "{won:?}");
    assert!(lost.iter().all(|(_, answer)| answer.status == 409), "{lost:?}");
    assert_eq!(number(&client.get(WEB).json()), won[0].0);
    assert_eq!(client.get(&format!("{WEB}/versions")).total(), 1);
}

#[test]
fn writers_of_different_entries_all_land() {
    const WRITES: u64 = 6;
    let server = Server::start();
    let client = server.client();
    let first = server.git().rev_parse("prod");

    let commits = writers(|writer| {
        let id = format!("service-{writer:02}");
        let path = format!("{SERVICES}/{id}");
        let mut commits = vec![client.post(&path, &described(&id, "0")).expect(201).version()];
        for write in 1..WRITES {
            commits.push(client.put(&path, &described(&id, &write.to_string())).expect(200).version());
            // Who has a write's answer sees it in every later read.
            assert_eq!(number(&client.get(&path).expect(200).json()), write);
        }
        commits
    });

    let set = client.get(SERVICES).expect(200).items();
    assert_eq!(set.len() as u64, WRITERS);
    assert!(set.iter().all(|entry| number(entry) == WRITES - 1), "{set:?}");

    let listed = client.get(&format!("{SERVICES}/versions")).expect(200).versions();
    let by_git: Vec<_> =
        server.git().log(&format!("{first}..prod")).into_iter().map(|commit| commit.id).collect();
    assert_eq!(listed, by_git);
    assert_eq!(listed.len() as u64, WRITERS * WRITES, "each write is one commit");
    for (writer, mut commits) in commits.into_iter().enumerate() {
        commits.reverse();
        assert_eq!(client.get(&format!("{SERVICES}/service-{writer:02}/versions")).versions(), commits);
    }
    server.git().fsck();
}

#[test]
fn writers_of_different_configurations_do_not_meet() {
    const WRITES: u64 = 4;
    let server = Server::start();
    let client = server.client();
    writers(|writer| {
        client.post(&format!("/conf/configs/config-{writer}"), &json!({})).expect(201);
        for write in 0..WRITES {
            client
                .put(
                    &format!("/conf/config-{writer}/backend-services"),
                    &json!([described("web", &write.to_string())]),
                )
                .expect(200);
        }
    });
    for writer in 0..WRITERS {
        assert_eq!(client.get(&format!("/conf/config-{writer}/backend-services/versions")).total(), WRITES);
    }
    assert_eq!(client.get("/conf/configs").total(), WRITERS + 1);
    server.git().fsck();
}

#[test]
fn readers_never_see_a_half_written_set() {
    const WRITES: u64 = 60;
    const READERS: usize = 4;
    let server = Server::start();
    let client = server.client();
    let stamped = |stamp: u64| -> Value {
        (0..30).map(|entry| described(&format!("service-{entry}"), &stamp.to_string())).collect()
    };
    client.post(SERVICES, &stamped(0)).expect(201);
    let (acknowledged, finished) = (AtomicU64::new(0), AtomicBool::new(false));

    let seen = thread::scope(|threads| {
        let readers: Vec<_> = (0..READERS)
            .map(|_| {
                threads.spawn(|| {
                    let mut seen = BTreeMap::new();
                    while !finished.load(Ordering::SeqCst) {
                        let at_least = acknowledged.load(Ordering::SeqCst);
                        let answer = client.get(SERVICES).expect(200);
                        let stamps: BTreeSet<u64> = answer.items().iter().map(number).collect();
                        assert_eq!(
                            (stamps.len(), answer.total()),
                            (1, 30),
                            "a set is of one piece: {stamps:?}"
                        );
                        let stamp = stamps.into_iter().next().expect("one stamp");
                        assert!(stamp >= at_least, "{stamp} was read after {at_least} had been acknowledged");
                        seen.insert(stamp, (answer.etag(), answer.version()));
                    }
                    seen
                })
            })
            .collect();
        for stamp in 1..=WRITES {
            client.put(SERVICES, &stamped(stamp)).expect(200);
            acknowledged.store(stamp, Ordering::SeqCst);
        }
        finished.store(true, Ordering::SeqCst);
        readers.into_iter().map(|reader| reader.join().expect("a reader ends well")).collect::<Vec<_>>()
    });

    // Tag and version belong to the body that they came with, whoever read it.
    let mut of_stamp = BTreeMap::new();
    for (stamp, labels) in seen.into_iter().flatten() {
        assert_eq!(of_stamp.entry(stamp).or_insert_with(|| labels.clone()), &labels, "stamp {stamp}");
        assert_eq!(
            server.git().rev_parse(&format!("{}:backend-services", labels.1)),
            labels.0.trim_matches('"')
        );
    }
    assert!(!of_stamp.is_empty(), "the readers have read");
}

#[test]
fn a_set_and_its_entries_written_at_once_stay_in_step() {
    let server = Server::start();
    let client = server.client();
    client.put(SERVICES, &json!([service("web")])).expect(200);
    // Half of them replace the whole set, the others join an entry of their own: each order has a meaning, and none
    // of them leaves anything but whole sets behind.
    let answers = writers(|writer| {
        if writer % 2 == 0 {
            client.put(SERVICES, &json!([described("web", &writer.to_string())])).expect(200)
        } else {
            client.post(&format!("{SERVICES}/own-{writer}"), &json!({"name": "own"})).expect(201)
        }
    });
    let commits: BTreeSet<_> = answers.iter().map(|answer| answer.version()).collect();
    assert_eq!(commits.len() as u64, WRITERS);
    for commit in server.git().log("prod").windows(2) {
        assert_eq!(commit[0].parents, [commit[1].id.clone()], "the history is one line");
    }
    let files = server.git().ls("prod:backend-services").len() as u64;
    assert_eq!(client.get(SERVICES).total(), files);
    server.git().fsck();
}
