//! Who guesses keys is slowed, and nobody else.

use std::collections::BTreeSet;
use std::process::Command;

use super::{Principals, SERVICES, metric, new_key};
use crate::support::Server;
use crate::support::program::finish;

/// The status and `Retry-After` of a request from one of this machine's loopback addresses.
#[track_caller]
fn ask_from(server: &Server, address: &str, header: &str) -> (u16, String) {
    let mut command = Command::new("curl");
    command.args(["-s", "-o", "/dev/null", "-w", "%{http_code} %header{retry-after}"]);
    command.args(["--interface", address, "-H", header]);
    command.arg(format!("http://{}{SERVICES}", server.address()));
    let said = finish(command, b"").expect_success().stdout;
    let (status, wait) = said.split_once(' ').expect("a status");
    (status.parse().expect("a status"), wait.to_owned())
}

#[test]
fn wrong_keys_from_an_address_are_slowed_while_others_are_served() {
    let (ada, bob) = (new_key("ada", &["reader=prod"], &[]), new_key("bob", &["reader=prod"], &[]));
    let stray = new_key("stray", &["reader=prod"], &[]);
    // One a minute: the test is over before an address may guess again.
    let server = Principals::of(&[&ada, &bob]).builder().env("REVCONF_ACCESS_GUESSES", "1").start();
    let bearer = |key: &str| format!("Authorization: Bearer {key}");
    let (known, fresh) = (bearer(&ada.key), bearer(&bob.key));
    let signature = "Authorization: SharedAccessSignature uid=ada&ex=2099-01-01T00:00:00Z&sn=AAAA";
    let wrong = [bearer(&stray.key), bearer("nonsense"), signature.to_owned()];
    for (address, wrong) in ["127.0.0.3", "127.0.0.4", "127.0.0.5"].into_iter().zip(&wrong) {
        assert_eq!(ask_from(&server, address, &known).0, 200);
        assert_eq!(ask_from(&server, address, wrong).0, 401, "{wrong}");
        // A right key that is not known yet could be a guess, too.
        for guess in [wrong, &fresh] {
            let (status, wait) = ask_from(&server, address, guess);
            assert_eq!(status, 429, "{guess}");
            assert!((1..=61).contains(&wait.parse::<u32>().expect("seconds to wait")), "{wait}");
        }
        assert_eq!(ask_from(&server, address, &known).0, 200, "a key that was found right is served");
        // Who shows nothing guesses nothing.
        assert_eq!(ask_from(&server, address, "X-Nothing: 1").0, 401);
    }
    assert_eq!(ask_from(&server, "127.0.0.6", &fresh).0, 200, "another address");
    assert_eq!(ask_from(&server, "127.0.0.3", &fresh).0, 200, "known by now");
}

#[test]
fn right_keys_are_no_guesses() {
    let keys: Vec<_> = (0..6).map(|n| new_key(&format!("p{n}"), &["reader=prod"], &[])).collect();
    let principals = Principals::of(&keys.iter().collect::<Vec<_>>());
    let server = principals.builder().env("REVCONF_ACCESS_GUESSES", "2").start();
    for key in &keys {
        server.client().with_key(&key.key).request("GET", SERVICES).unchecked().send().expect(200);
    }
}

/// A guess tells nothing of which keys there are, not by the time that it takes either.
#[test]
fn a_key_that_nobody_has_is_checked_as_one_that_is_wrong() {
    let ada = new_key("ada", &["reader=prod"], &[]);
    let server = Principals::of(&[&ada]).builder().start();
    let client = server.client();
    let known = client.with_key(&ada.key);
    let checks = || metric(&known, "revconf_key_checks_total");
    let ask = |key: &str| client.with_key(key).request("GET", SERVICES).unchecked().send().expect(401);
    let before = checks();
    ask(&variant(&ada.key, 1));
    assert_eq!(checks(), before + 1, "a wrong secret of a key that is there");
    ask(&new_key("stray", &[], &[]).key);
    assert_eq!(checks(), before + 2, "a key that is not there");
}

/// The key with another secret.
fn variant(key: &str, number: usize) -> String {
    format!("{}{number:08x}", &key[..key.len() - 8])
}

/// Each check takes 19 MiB while it lasts. Three hundred at once would take six gigabytes.
#[test]
fn a_flood_of_wrong_keys_takes_bounded_memory() {
    let ada = new_key("ada", &["reader=prod"], &[]);
    let server = Principals::of(&[&ada]).builder().env("REVCONF_ACCESS_GUESSES", "1000000").start();
    let client = server.client();
    client.with_key(&ada.key).get(SERVICES).expect(200);
    let before = server.peak();
    let statuses: BTreeSet<u16> = std::thread::scope(|threads| {
        let (client, key) = (&client, &ada.key);
        let flood: Vec<_> = (0..400)
            .map(|number| {
                threads.spawn(move || {
                    let client = client.with_key(&variant(key, number));
                    let answer = client.request("GET", SERVICES).unchecked().send();
                    assert_eq!(answer.header("retry-after").is_some(), answer.status == 429, "{answer:?}");
                    answer.status
                })
            })
            .collect();
        flood.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    assert!(statuses.is_subset(&BTreeSet::from([401, 429])), "{statuses:?}");
    let grown = (server.peak() - before) / 1024;
    assert!(grown < 200, "{grown} MiB more than before");
    client.with_key(&ada.key).get(SERVICES).expect(200);
}

/// A flood of wrong keys takes turns on a few threads, and those who are known do not wait for it.
#[test]
fn a_flood_of_wrong_keys_holds_up_nobody_who_is_known() {
    let ada = new_key("ada", &["reader=prod"], &[]);
    let stray = new_key("stray", &["reader=prod"], &[]);
    let server = Principals::of(&[&ada]).builder().env("REVCONF_ACCESS_GUESSES", "1000000").start();
    let known = server.client().with_key(&ada.key);
    known.get(SERVICES).expect(200);
    std::thread::scope(|threads| {
        let flood: Vec<_> = (0..16)
            .map(|_| {
                threads.spawn(|| {
                    let client = server.client().with_key(&stray.key);
                    for _ in 0..4 {
                        client.request("GET", SERVICES).unchecked().send().expect(401);
                    }
                })
            })
            .collect();
        let mut served = 0;
        while flood.iter().any(|thread| !thread.is_finished()) {
            known.get(SERVICES).expect(200);
            served += 1;
        }
        assert!(served > 64, "{served} were served while 64 wrong keys were looked at");
    });
}
