//! What may happen to the file.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};

use serde_json::json;

use super::{WEB, assert_git_agrees, assert_index_agrees, change, index, settle};
use crate::support::documents::described;
use crate::support::view::fill;
use crate::support::{Server, wait_for};

/// A server with some of everything, and an index that was closed.
fn stopped() -> Server {
    let mut server = Server::start();
    let client = server.client();
    fill(&client);
    for number in 0..60 {
        client.put(WEB, &described("web", &format!("{number} {}", "long ".repeat(200)))).expect(200);
    }
    let message = "m".repeat(900);
    client.put(&format!("{WEB}?message={message}"), &described("web", "more")).expect(200);
    assert_index_agrees(&server);
    server.stop();
    server
}

#[test]
fn a_new_index_is_right_from_the_first_commit_on() {
    let server = Server::start();
    fill(&server.client());
    assert_index_agrees(&server);
}

#[test]
fn who_has_a_writes_answer_sees_it_in_the_list() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &described("web", "first")).expect(201);
    settle(&server);
    for number in 0..200 {
        let version = client.put(WEB, &described("web", &number.to_string())).expect(200).version();
        let list = client.get(&format!("{WEB}/versions?limit=1")).expect(200);
        assert_eq!(list.versions(), [version]);
        assert_eq!(list.total(), number + 2);
    }
    assert_index_agrees(&server);
}

#[test]
fn an_index_that_was_closed_is_used_again() {
    let mut server = stopped();
    server.start_again();
    assert_index_agrees(&server);
    let said = server.log_lines().join("\n");
    assert!(!said.contains("history index"), "nothing had to be read from git: {said}");
}

#[test]
fn an_index_that_was_removed_is_made_again() {
    let mut server = stopped();
    fs::remove_file(index(&server)).expect("the index can be removed");
    server.start_again();
    assert_index_agrees(&server);
}

#[test]
fn a_kill_leaves_an_index_that_can_be_used() {
    let mut server = stopped();
    for _ in 0..3 {
        server.start_again();
        server.client().put(WEB, &described("web", server.address())).expect(200);
        server.kill();
    }
    server.start_again();
    assert_index_agrees(&server);
    assert!(!server.log_lines().join("\n").contains("thrown away"));
}

#[test]
fn an_index_that_is_behind_catches_up() {
    let mut server = stopped();
    let old = server.data().join("old.sqlite");
    fs::copy(index(&server), &old).expect("a copy");
    server.start_again();
    let client = server.client();
    client.put(WEB, &described("web", "later")).expect(200);
    client.post("/conf/configs/copy", &json!({"from": {"config": "prod"}})).expect(201);
    client.delete("/conf/copy/backend-services/web").expect(200);
    client.delete("/conf/configs/staging").expect(200);
    server.stop();
    fs::rename(&old, index(&server)).expect("the old one comes back");
    server.start_again();
    assert_index_agrees(&server);
}

#[test]
fn a_power_cut_while_it_was_open_makes_it_anew() {
    let mut server = stopped();
    change(&server, "UPDATE use SET closed = 0, boot = 'another'");
    server.start_again();
    assert_index_agrees(&server);
    server.wait_for_log("the reason", |line| line.contains("thrown away").then_some(()));
}

#[test]
fn another_layout_makes_it_anew() {
    let mut server = stopped();
    rusqlite::Connection::open(index(&server))
        .and_then(|file| file.pragma_update(None, "user_version", 999))
        .expect("a layout");
    server.start_again();
    assert_index_agrees(&server);
    server.wait_for_log("the reason", |line| line.contains("thrown away").then_some(()));
}

#[test]
fn a_file_that_was_cut_off_anywhere_misleads_nobody() {
    let mut server = stopped();
    let whole = fs::read(index(&server)).expect("the index");
    for tenths in [1, 4, 6, 9] {
        let length = whole.len() * tenths / 10;
        fs::write(index(&server), &whole[..length]).expect("the index can be cut");
        server.start_again();
        assert_git_agrees(&server);
        server.stop();
    }
}

#[test]
fn a_file_that_was_overwritten_anywhere_misleads_nobody() {
    let mut server = stopped();
    let whole = fs::read(index(&server)).expect("the index");
    let garbage = [&[0; 4096][..], &[b'x'; 700][..], &[1][..]];
    for (page, garbage) in (0..whole.len() / 4096).step_by(3).zip(garbage.into_iter().cycle()) {
        let mut damaged = whole.clone();
        let at = page * 4096 + (4096 - garbage.len()) / 2;
        damaged[at..at + garbage.len()].copy_from_slice(garbage);
        fs::write(index(&server), &damaged).expect("the index can be damaged");
        server.start_again();
        assert_git_agrees(&server);
        server.stop();
    }
}

#[test]
fn what_is_no_database_is_made_anew() {
    let mut server = stopped();
    for text in [&b""[..], b"no database", &[b'x'; 100_000]] {
        fs::write(index(&server), text).expect("the index can be overwritten");
        server.start_again();
        assert_index_agrees(&server);
        server.stop();
    }
}

#[test]
fn damage_while_the_service_runs_misleads_nobody() {
    let mut server = stopped();
    server.start_again();
    settle(&server);
    let mut file = OpenOptions::new().write(true).open(index(&server)).expect("the index");
    let pages = file.metadata().expect("its size").len() / 4096;
    for page in 1..pages {
        file.seek(SeekFrom::Start(page * 4096)).expect("a place");
        file.write_all(&[0; 4096]).expect("damage");
    }
    assert_git_agrees(&server);
    server.wait_for_log("a new index", |line| line.contains("thrown away").then_some(()));
    wait_for("the new index", || index(&server).exists().then_some(()));
    assert_index_agrees(&server);
    server.client().put(WEB, &described("web", "goes on")).expect(200);
    assert_index_agrees(&server);
}

#[test]
fn a_place_where_no_index_can_be_stops_nobody() {
    let mut server = stopped();
    fs::remove_file(index(&server)).expect("the index can be removed");
    fs::create_dir(index(&server)).expect("a folder in its place");
    server.start_again();
    server.wait_for_log("the reason", |line| line.contains("cannot be used").then_some(()));
    server.client().put(WEB, &described("web", "goes on")).expect(200);
    assert_git_agrees(&server);
    fs::remove_dir(index(&server)).expect("the folder can go");
    assert_index_agrees(&server);
    assert_eq!(server.stop().code(), Some(0));
}
