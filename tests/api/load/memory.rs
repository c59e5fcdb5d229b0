//! What bodies take beyond their bytes.

use std::thread;

use super::{SERVICES, grown, served, start};
use crate::support::Server;

/// In bytes.
const BODY: usize = 1 << 19;

/// As many copies of an element as go into a body.
fn filled(element: &str) -> Vec<u8> {
    let mut body = Vec::with_capacity(BODY);
    body.push(b'[');
    while body.len() + element.len() + 2 < BODY {
        body.extend(element.bytes());
        body.push(b',');
    }
    body.pop();
    body.push(b']');
    body
}

/// Read whole, each would take twenty megabytes and more: values take many times the memory of their text.
#[test]
fn a_set_of_a_great_many_bad_elements_is_read_one_by_one() {
    let (server, client) = start(Server::builder());
    let before = server.peak();
    for element in ["0", "{\"id\":\"a\"}"] {
        client.request("PUT", SERVICES).body(filled(element)).send().expect_error(422);
    }
    assert!(grown(&server, before) < 12, "{} MiB", grown(&server, before));
}

/// In bytes. glibc's allocator, once it has given a large piece back, keeps the next ones of that size, of each thread,
/// for later: by chance one to five of 19 MiB here. Told so, it gives back whatever is larger than this, and what is
/// measured is what the service takes.
const GIVEN_BACK: (&str, &str) = ("MALLOC_MMAP_THRESHOLD_", "1048576");

/// A single document is read whole, which takes up to 64 times its bytes; so several such are read in turn.
#[test]
fn bodies_of_a_great_many_values_are_read_in_turn() {
    let (allocator, threshold) = GIVEN_BACK;
    let builder = Server::builder().env("REVCONF_HTTP_BODY_MEMORY", "67108864").env(allocator, threshold);
    let (server, client) = start(builder);
    let before = server.peak();
    let mut body = b"{\"back_hosts\":".to_vec();
    body.extend(filled("0"));
    body.push(b'}');
    thread::scope(|threads| {
        let asked: Vec<_> = (0..24)
            .map(|number| {
                let path = format!("{SERVICES}/s{number}");
                let (client, body) = (&client, body.clone());
                threads.spawn(move || {
                    let answer = client.request("POST", &path).body(body).allow_5xx().send();
                    assert_eq!(answer.status == 503, answer.header("retry-after").is_some(), "{answer:?}");
                    answer.status
                })
            })
            .collect();
        served(&client, "beside them");
        for thread in asked {
            assert!([422, 503].contains(&thread.join().expect("an answer")));
        }
    });
    // At once they would take 24 × 20 MiB. `http.body_memory` is the bound.
    assert!(grown(&server, before) < 64, "{} MiB", grown(&server, before));
}
