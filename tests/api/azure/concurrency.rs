//! Many Azure clients at once: nothing is lost, and of those who exclude each other one wins.

use std::sync::Barrier;
use std::thread;

use serde_json::json;

use super::{Azure, BACKENDS, HOST, XYZ, create, delete, entity, patch, path, server_with_xyz};
use crate::support::{Answer, Client, Server};

const CLIENTS: usize = 16;

/// Lets all clients go at the same moment, each over a connection of its own; their answers.
fn at_once(server: &Server, work: impl Fn(&Client, usize) -> Answer + Sync) -> Vec<Answer> {
    let start = Barrier::new(CLIENTS);
    let answers = thread::scope(|threads| {
        let (start, work) = (&start, &work);
        let run = |number: usize| {
            threads.spawn(move || {
                let client = server.client();
                client.get("/health/live").expect(200);
                start.wait();
                work(&client, number)
            })
        };
        let running: Vec<_> = (0..CLIENTS).map(run).collect();
        running.into_iter().map(|thread| thread.join().expect("a client ends well")).collect()
    });
    server.git().fsck();
    answers
}

/// The number of the one who won; all others were refused in this way.
#[track_caller]
fn winner(answers: &[Answer], won: u16, (lost, code): (u16, &str)) -> usize {
    let winners: Vec<usize> = (0..CLIENTS).filter(|number| answers[*number].status == won).collect();
    assert_eq!(winners.len(), 1, "{answers:#?}");
    for (_, answer) in answers.iter().enumerate().filter(|(number, _)| *number != winners[0]) {
        answer.clone().refused(lost, code);
    }
    winners[0]
}

#[test]
fn of_many_creations_of_one_id_one_is_made() {
    let server = Server::start();
    let answers = at_once(&server, |client, number| {
        client.put(XYZ, &json!({"host": format!("h{number}.contoso.com")}))
    });
    let number = winner(&answers, 201, (409, "ResourceExists"));
    let client = server.client();
    let kept = client.get(XYZ).expect(200);
    assert_eq!(kept.json(), entity("xyz", &format!("h{number}.contoso.com"), false));
    assert_eq!(kept.version(), answers[number].version());
    assert_eq!(client.get(&format!("{XYZ}/versions")).total(), 1);
}

#[test]
fn of_many_changes_under_the_same_tag_one_is_made() {
    let server = server_with_xyz();
    let tag = server.client().get(XYZ).etag();
    let answers = at_once(&server, |client, number| {
        patch(client, XYZ, &tag, &json!({"host": format!("h{number}.contoso.com")}))
    });
    let number = winner(&answers, 204, (412, "PreconditionFailed"));
    let kept = server.client().get(XYZ).expect(200);
    assert_eq!(kept.json(), entity("xyz", &format!("h{number}.contoso.com"), false));
    assert_eq!(kept.etag(), answers[number].etag());
}

#[test]
fn of_many_deletions_of_one_id_one_is_made() {
    let server = server_with_xyz();
    let answers = at_once(&server, |client, _| delete(client, XYZ, "*"));
    winner(&answers, 204, (404, "ResourceNotFound"));
    assert_eq!(server.client().get(&format!("{XYZ}/versions")).total(), 2);
}

/// A patch is laid over what is there when its commit is made, not over what was there when it was asked for.
#[test]
fn changes_of_different_fields_all_land() {
    let server = Server::start();
    let client = server.client();
    let ids: Vec<String> = (0..CLIENTS / 2).map(|pair| format!("b{pair}")).collect();
    for id in &ids {
        create(&client, id, HOST);
    }
    for round in 0..8 {
        let before = server.git().rev_parse("prod");
        let host = format!("round{round}.contoso.com");
        let skips = round % 2 == 0;
        let answers = at_once(&server, |client, number| {
            let change = match number % 2 {
                0 => json!({"host": host}),
                _ => json!({"skipCertificateChainValidation": skips}),
            };
            patch(client, &path(&ids[number / 2]), "*", &change).expect(204)
        });

        for id in &ids {
            assert_eq!(client.get(&path(id)).json(), entity(id, &host, skips), "round {round}");
        }
        let commits = server.git().log(&format!("{before}..prod"));
        let mut made: Vec<String> = commits.into_iter().map(|commit| commit.id).collect();
        let mut answered: Vec<String> = answers.iter().map(Answer::version).collect();
        made.sort();
        answered.sort();
        assert_eq!(made, answered, "each change is one commit");
    }
}

#[test]
fn clients_with_backends_of_their_own_do_not_hinder_each_other() {
    let server = Server::start();
    let answers = at_once(&server, |client, number| {
        let id = format!("b{number:02}");
        let tag = create(client, &id, HOST).etag();
        let tag = patch(client, &path(&id), &tag, &json!({"host": "new.contoso.com"})).expect(204).etag();
        // Who has a write's answer sees it in every later read.
        assert_eq!(client.get(&path(&id)).expect(200).etag(), tag);
        if number % 2 == 0 { delete(client, &path(&id), &tag).expect(204) } else { client.get(&path(&id)) }
    });
    assert_eq!(answers.len(), CLIENTS);
    let left: Vec<String> =
        (0..CLIENTS).filter(|number| number % 2 == 1).map(|n| format!("b{n:02}")).collect();
    let list = server.client().get(BACKENDS).expect(200);
    assert_eq!(list.ids(), left);
    assert_eq!(list.count(), left.len() as u64);
    let commits = CLIENTS * 2 + CLIENTS / 2;
    assert_eq!(server.client().get(&format!("{BACKENDS}/versions")).total(), commits as u64);
}
