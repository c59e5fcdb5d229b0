//! Preconditions under many writers at once: they are checked where the commit is made, so that one of them wins.

use std::sync::Barrier;
use std::thread;

use serde_json::json;

use super::STALE;
use crate::support::documents::{described, service};
use crate::support::{Answer, Server};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";
const WRITERS: usize = 8;

/// Lets all writers go at the same moment; their answers.
fn at_once(server: &Server, write: impl Fn(usize) -> Answer + Sync) -> Vec<Answer> {
    let start = Barrier::new(WRITERS);
    let answers = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let (start, write) = (&start, &write);
                scope.spawn(move || {
                    start.wait();
                    write(number)
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().expect("a writer ends")).collect()
    });
    server.git().fsck();
    answers
}

#[track_caller]
fn assert_one_won(answers: &[Answer], won: u16, lost: u16) {
    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(won), count(lost)), (1, WRITERS - 1), "{answers:#?}");
}

#[test]
fn of_many_creations_under_if_none_match_one_is_made() {
    let server = Server::start();
    let client = server.client();
    let path = format!("{SERVICES}/other");
    let answers = at_once(&server, |writer| {
        let body = described("other", &format!("writer {writer}"));
        client.request("POST", &path).if_none_match("*").json(&body).send()
    });
    assert_one_won(&answers, 201, 412);
}

#[test]
fn of_many_deletions_of_the_same_entry_one_is_made() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    assert_one_won(&at_once(&server, |_| client.delete(WEB)), 200, 404);
}

#[test]
fn of_many_replacements_of_the_set_with_the_same_tag_one_is_made() {
    let server = Server::start();
    let client = server.client();
    let tag = client.get(SERVICES).etag();
    let answers = at_once(&server, |writer| {
        client
            .request("PUT", SERVICES)
            .if_match(&tag)
            .json(&json!([service(&format!("writer-{writer}"))]))
            .send()
    });
    assert_one_won(&answers, 200, 412);
    assert_eq!(client.get(SERVICES).total(), 1);
}

#[test]
fn of_many_creations_of_the_same_configuration_one_is_made() {
    let server = Server::start();
    let client = server.client();
    let answers = at_once(&server, |writer| {
        client.post("/conf/configs/staging", &json!({"description": format!("writer {writer}")}))
    });
    assert_one_won(&answers, 201, 409);
}

#[test]
fn a_refused_write_does_not_hold_up_the_others() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    let answers = at_once(&server, |writer| {
        if writer % 2 == 0 {
            client.request("PUT", WEB).if_match(STALE).json(&described("web", "never")).send()
        } else {
            client.post(&format!("{SERVICES}/w{writer}"), &service(&format!("w{writer}")))
        }
    });
    for (writer, answer) in answers.iter().enumerate() {
        assert_eq!(answer.status, if writer % 2 == 0 { 412 } else { 201 }, "{answer:?}");
    }
    assert_eq!(client.get(SERVICES).total(), 1 + WRITERS as u64 / 2);
}
