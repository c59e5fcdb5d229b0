//! More writes than may wait.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use super::{SERVICES, grown, served, start};
use crate::support::documents::service;
use crate::support::{PATIENCE, Server};

#[test]
fn a_full_queue_is_told_503_and_nothing_of_it_is_done() {
    let builder = Server::builder().env("REVCONF_COMMITS_QUEUE", "1").env("REVCONF_COMMITS_BATCH", "1");
    let (server, client) = start(builder);
    let before = server.peak();
    let (put_off, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    let deadline = Instant::now() + PATIENCE;
    let acknowledged: Vec<String> = thread::scope(|threads| {
        let writers: Vec<_> = (0..16)
            .map(|writer| {
                let (client, put_off, done) = (&client, &put_off, &done);
                threads.spawn(move || {
                    let mut acknowledged = Vec::new();
                    for count in 0.. {
                        if done.load(Ordering::Relaxed) || Instant::now() > deadline {
                            break;
                        }
                        let id = format!("w{writer}-{count}");
                        let path = format!("{SERVICES}/{id}");
                        let answer = client.request("POST", &path).json(&service(&id)).allow_5xx().send();
                        match answer.status {
                            201 => acknowledged.push(id),
                            _ => {
                                let answer = answer.expect_error(503);
                                assert_eq!(answer.header("retry-after"), Some("1"), "{answer:?}");
                                assert!(answer.message().contains("queue"), "{answer:?}");
                                put_off.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        while put_off.load(Ordering::Relaxed) < 20 && Instant::now() < deadline {
            client.get(SERVICES).expect(200);
        }
        done.store(true, Ordering::Relaxed);
        writers.into_iter().flat_map(|writer| writer.join().expect("a writer")).collect()
    });
    assert!(put_off.into_inner() >= 20, "the queue was never full");
    let mut there: Vec<String> = client
        .get(SERVICES)
        .items()
        .iter()
        .map(|item| item["id"].as_str().expect("an id").to_owned())
        .filter(|id| id != "web")
        .collect();
    let mut acknowledged = acknowledged;
    acknowledged.sort();
    there.sort();
    assert_eq!(there, acknowledged);
    served(&client, "afterwards");
    assert!(grown(&server, before) < 64, "{} MiB", grown(&server, before));
}
