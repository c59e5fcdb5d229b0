//! Rate limits: off by default, by principal and by address.

use super::{Principals, SERVICES, new_key};
use crate::support::{Client, Server};

fn statuses(client: &Client, count: usize) -> Vec<u16> {
    (0..count).map(|_| client.request("GET", SERVICES).unchecked().send().status).collect()
}

#[test]
fn there_are_none_by_default() {
    let server = Server::start();
    assert_eq!(statuses(&server.client(), 300), [200; 300]);
}

#[test]
fn who_asks_too_often_waits_and_others_do_not() {
    let (ada, bob) = (new_key("ada", &["reader=prod"], &[]), new_key("bob", &["reader=prod"], &[]));
    // Once a second, so that the test cannot be slow enough to be let in again by the dozen.
    let server = Principals::of(&[&ada, &bob])
        .builder()
        .env("REVCONF_LIMITS_PRINCIPAL", "1")
        .env("REVCONF_LIMITS_BURST", "5")
        .start();
    let (ada, bob) = (server.client().with_key(&ada.key), server.client().with_key(&bob.key));
    let found = statuses(&ada, 20);
    assert_eq!(found[..5], [200; 5], "{found:?}");
    assert!(found.contains(&429), "{found:?}");
    let refused =
        (0..50).map(|_| ada.request("GET", SERVICES).unchecked().send()).find(|it| it.status == 429);
    let refused = refused.expect("one that is refused").expect_error(429);
    let wait: u64 = refused.header("retry-after").and_then(|wait| wait.parse().ok()).expect("seconds");
    assert!((1..=2).contains(&wait), "{refused:?}");
    assert_eq!(statuses(&bob, 5), [200; 5]);
    // One who waits as told is served.
    let served = crate::support::wait_for("the limit to pass", || {
        let answer = ada.request("GET", SERVICES).unchecked().send();
        (answer.status == 200).then_some(answer)
    });
    served.expect(200);
}

#[test]
fn an_address_is_limited_before_anything_is_looked_at() {
    let server =
        Server::builder().env("REVCONF_LIMITS_ADDRESS", "1").env("REVCONF_LIMITS_BURST", "3").start();
    let client = server.client();
    assert_eq!(statuses(&client, 3), [200; 3]);
    let answers: Vec<_> = (0..20)
        .map(|_| client.request("GET", "/conf/prod/backends").unchecked().send())
        .filter(|answer| answer.status == 429)
        .collect();
    let refused = answers.first().expect("one that is refused");
    assert_eq!(refused.json()["error"]["code"], "TooManyRequests", "{refused:?}");
    for _ in 0..20 {
        client.request("GET", "/health/live").unchecked().send().expect(200);
    }
}
