//! `revconf check` compares the index with git.

use std::fs;

use serde_json::json;

use super::{WEB, change, index, settle};
use crate::support::documents::{described, service};
use crate::support::program::{Finished, run};
use crate::support::view::fill;
use crate::support::{Server, planted};

fn check(server: &Server) -> Finished {
    run(&["check", "--data", server.data().to_str().expect("UTF-8")])
}

fn stopped() -> Server {
    let mut server = Server::start();
    fill(&server.client());
    settle(&server);
    server.stop();
    server
}

#[test]
fn a_good_index_passes_stopped_or_not_behind_or_missing() {
    let mut server = stopped();
    check(&server).expect_success();
    planted::add(
        &server.git(),
        "prod",
        "config.json",
        b"{\n  \"format\": 2,\n  \"description\": \"new\"\n}\n",
    );
    check(&server).expect_success();
    server.git().text(&["branch", "-D", "staging"]);
    check(&server).expect_success();
    server.start_again();
    check(&server).expect_success();
    server.client().put(WEB, &described("web", "now")).expect(200);
    check(&server).expect_success();
    server.kill();
    check(&server).expect_success();
    fs::remove_file(index(&server)).expect("the index can be removed");
    check(&server).expect_success();
    assert!(!index(&server).exists(), "a check makes no index");
}

#[test]
fn a_check_while_the_service_writes_finds_nothing() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    std::thread::scope(|threads| {
        let writer = threads.spawn(|| {
            for number in 0..150 {
                client.put(WEB, &described("web", &number.to_string())).expect(200);
                if number % 20 == 0 {
                    let copy = format!("/conf/configs/copy{number}");
                    client.post(&copy, &json!({"from": {"config": "prod"}})).expect(201);
                }
            }
        });
        while !writer.is_finished() {
            check(&server).expect_success();
        }
        writer.join().expect("every write is taken");
    });
    check(&server).expect_success();
}

#[test]
fn what_was_changed_in_the_index_is_told() {
    let changes = [
        ("UPDATE people SET name = 'Mallory'", "commit"),
        (
            "UPDATE commits SET message = 'Nothing happened' WHERE place = (SELECT max(place) FROM commits)",
            "commit",
        ),
        ("UPDATE commits SET id = randomblob(20) WHERE place = (SELECT min(place) + 1 FROM commits)", ""),
        ("UPDATE commits SET sum = sum + 1", "damaged"),
        ("DELETE FROM changes WHERE subject = 1 AND nth = 2", "not listed"),
        ("UPDATE changes SET nth = nth + 1 WHERE nth > 1", "is listed as change"),
        ("INSERT INTO changes SELECT 9000, place, 1 FROM commits", "changes are listed where git has"),
        ("DELETE FROM commits WHERE place = (SELECT min(place) + 1 FROM commits)", ""),
    ];
    for (statement, word) in changes {
        let mut server = stopped();
        change(&server, statement);
        let finished = check(&server);
        assert_eq!(finished.code(), Some(1), "{statement}: {finished:?}");
        assert!(finished.stdout.contains("history index"), "{statement}: {finished:?}");
        assert!(finished.stdout.contains(word), "{statement}: {finished:?}");
        // The service does not need to be told.
        server.start_again();
        settle(&server);
    }
}

#[test]
fn a_damaged_index_is_told_and_one_that_will_be_made_anew_is_not() {
    let server = stopped();
    let whole = fs::read(index(&server)).expect("the index");
    let mut damaged = whole.clone();
    damaged[4096..].fill(b'x');
    for bytes in [&damaged[..], &[b'x'; 9000][..]] {
        fs::write(index(&server), bytes).expect("the index can be damaged");
        let finished = check(&server);
        assert_eq!(finished.code(), Some(1), "{finished:?}");
        assert!(
            finished.stdout.contains("history index") && finished.stdout.contains("damaged"),
            "{finished:?}"
        );
    }
    fs::write(index(&server), &whole).expect("the index can be put back");
    change(&server, "UPDATE use SET closed = 0, boot = 'another'");
    change(&server, "UPDATE commits SET message = 'torn'");
    check(&server).expect_success();
}
