//! Heads that are too large.

use std::thread;

use super::{grown, served, start};
use crate::support::Server;

#[test]
fn a_megabyte_of_headers_is_told_431() {
    let (server, client) = start(Server::builder());
    let before = server.peak();
    let one = format!("X-Long: {}\r\n", "a".repeat(1 << 20));
    let many: String = (0..20_000).map(|number| format!("X-{number}: {}\r\n", "a".repeat(45))).collect();
    // More than a hundred are no request to the framework, if it comes to counting them.
    for (headers, statuses) in [(one, &[431][..]), (many, &[431, 400])] {
        for start in ["GET /conf/configs", "PUT /conf/prod/backend-services/web", "GET /nowhere"] {
            let head = format!("{start} HTTP/1.1\r\nHost: test\r\n{headers}\r\n");
            thread::scope(|threads| {
                let asked: Vec<_> = (0..10).map(|_| threads.spawn(|| client.raw(head.as_bytes()))).collect();
                served(&client, start);
                asked.into_iter().for_each(|thread| {
                    let answer = thread.join().expect("an answer");
                    assert!(statuses.contains(&answer.status), "{answer:?}");
                });
            });
        }
    }
    // 128 KiB of each of the ten that come at once, and what the threads have put by.
    assert!(grown(&server, before) < 32, "{} MiB", grown(&server, before));
}
