//! Many at once: each transaction is done whole, on the state that it was meant for.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{SERVICES, TRANSACTIONS, WEB, server};
use crate::support::chance::Chance;
use crate::support::documents::{back_host, described, service, with};
use crate::support::{Client, Server};

const ACCOUNTS: usize = 4;
const CLIENTS: u32 = 6;
const MOVES: usize = 25;
const START: u64 = 1000;

fn account(id: &str, weight: u64) -> Value {
    with(service(id), "back_hosts", json!([with(back_host("10.0.0.1"), "weight", weight)]))
}

fn weight(document: &Value) -> u64 {
    document["back_hosts"][0]["weight"].as_u64().expect("a weight")
}

fn name(number: usize) -> String {
    format!("account-{number}")
}

fn sum(set: &Value) -> u64 {
    set["items"].as_array().expect("items").iter().map(weight).sum()
}

/// Moves an amount between two entries, if both are still what was read.
#[track_caller]
fn try_move(client: &Client, from: &str, to: &str, amount: u64) -> bool {
    let read = |id: &str| {
        let answer = client.get(&format!("{SERVICES}/{id}")).expect(200);
        (weight(&answer.json()), answer.etag())
    };
    let ((had, from_tag), (has, to_tag)) = (read(from), read(to));
    let amount = amount.min(had);
    let update = |id: &str, weight, tag| json!({"op": "update", "kind": "backend-services", "id": id, "value": account(id, weight), "if_match": tag});
    let body =
        json!({"operations": [update(from, had - amount, from_tag), update(to, has + amount, to_tag)]});
    let answer = client.post(TRANSACTIONS, &body);
    assert!([200, 412].contains(&answer.status), "{answer:?}");
    answer.status == 200
}

#[test]
fn what_is_moved_between_entries_is_neither_lost_nor_made() {
    let server = Server::start();
    let client = server.client();
    let accounts: Vec<_> = (0..ACCOUNTS).map(|number| account(&name(number), START)).collect();
    client.put(SERVICES, &json!(accounts)).expect(200);
    let refused = AtomicUsize::new(0);
    std::thread::scope(|threads| {
        for seed in 0..CLIENTS {
            let (client, refused) = (client.clone(), &refused);
            threads.spawn(move || {
                let mut chance = Chance(seed);
                for _ in 0..MOVES {
                    let from = chance.below(ACCOUNTS);
                    let to = (from + 1 + chance.below(ACCOUNTS - 1)) % ACCOUNTS;
                    let amount = chance.below(50) as u64 + 1;
                    while !try_move(&client, &name(from), &name(to), amount) {
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        // Nobody ever sees half of one.
        for _ in 0..100 {
            assert_eq!(sum(&client.get(SERVICES).json()), START * ACCOUNTS as u64);
        }
    });
    assert_eq!(sum(&client.get(SERVICES).json()), START * ACCOUNTS as u64);
    assert!(refused.load(Ordering::Relaxed) > 0, "they got into each other's way");
    // In git, every version has the sum.
    for commit in server.git().log("prod").iter().filter(|commit| commit.subject.starts_with("Update 2")) {
        let version = client.get(&format!("{SERVICES}/versions/{}", commit.id)).expect(200);
        assert_eq!(sum(&version.json()), START * ACCOUNTS as u64, "{commit:?}");
    }
    server.git().assert_sound(&["prod"]);
}

#[test]
fn single_writes_beside_transactions_lose_nothing() {
    let server = server();
    let client = server.client();
    std::thread::scope(|threads| {
        for number in 0..3 {
            let client = client.clone();
            threads.spawn(move || {
                for round in 0..20 {
                    let id = format!("single-{number}-{round}");
                    client.post(&format!("{SERVICES}/{id}"), &service(&id)).expect(201);
                    client.put(WEB, &described("web", &id)).expect(200);
                }
            });
            let client = server.client();
            threads.spawn(move || {
                for round in 0..20 {
                    let put = |which: &str| {
                        let id = format!("many-{number}-{round}-{which}");
                        json!({"op": "create", "kind": "backend-services", "id": id, "value": service(&id)})
                    };
                    let body = json!({"operations": [put("a"), put("b")]});
                    client.post(TRANSACTIONS, &body).expect(200);
                }
            });
        }
    });
    assert_eq!(client.get(SERVICES).total(), 2 + 3 * 20 + 2 * 3 * 20);
    server.git().assert_sound(&["prod"]);
}
