//! The principals' file: who may read it, what it must hold, and that it is read again.

use std::fs;

use super::{Principals, SERVICES, WEB, new_key, set_mode, wait_for_word};
use crate::support::documents::service;
use crate::support::{Client, wait_for};

/// Asks until this key is answered so.
#[track_caller]
fn until(client: &Client, key: &str, status: u16) {
    let client = client.with_key(key);
    wait_for("the new state to be in force", || {
        (client.request("GET", SERVICES).unchecked().send().status == status).then_some(())
    });
}

#[test]
fn who_is_added_comes_in_and_who_is_taken_out_stays_out() {
    let (ada, bob) = (new_key("ada", &["reader=prod"], &[]), new_key("bob", &["reader=prod"], &[]));
    let principals = Principals::of(&[&ada]);
    // Remembered for long, and still out at once.
    let server = principals
        .builder()
        .env("REVCONF_ACCESS_GUESSES", "100000")
        .env("REVCONF_ACCESS_REMEMBER", "3600")
        .start();
    let client = server.client();
    until(&client, &ada.key, 200);
    until(&client, &bob.key, 401);
    principals.write(&format!("{}{}", ada.entry, bob.entry));
    until(&client, &bob.key, 200);
    client.with_key(&ada.key).get(SERVICES).expect(200);
    principals.write(&bob.entry);
    until(&client, &ada.key, 401);
    client.with_key(&bob.key).get(SERVICES).expect(200);
}

#[test]
fn a_role_that_changes_takes_effect() {
    let ada = new_key("ada", &["reader=prod"], &[]);
    let principals = Principals::of(&[&ada]);
    let server = principals.builder().start();
    let client = server.client().with_key(&ada.key);
    client.post(WEB, &service("web")).expect_error(403);
    principals.write(&ada.entry.replace("reader=prod", "editor=prod"));
    wait_for("the new role", || (client.post(WEB, &service("web")).status == 201).then_some(()));
    principals.write(&ada.entry.replace("reader=prod", "reader=other"));
    wait_for("the role to go", || (client.request("GET", WEB).send().status == 403).then_some(()));
}

#[test]
fn a_second_key_lets_the_first_one_go() {
    let (old, new) = (new_key("ada", &["reader=*"], &[]), new_key("ada", &["reader=*"], &[]));
    let stored = |key: &super::NewKey| {
        let line = key.entry.lines().find_map(|line| line.strip_prefix("keys = [")).expect("keys").to_owned();
        line.trim_end_matches(']').to_owned()
    };
    let both = old.entry.replace(&stored(&old), &format!("{}, {}", stored(&old), stored(&new)));
    let server = Principals::new(&both).builder().start();
    for key in [&old.key, &new.key] {
        server.client().with_key(key).get(SERVICES).expect(200);
    }
}

#[test]
fn a_broken_state_leaves_the_old_one_in_force_and_the_log_says_so() {
    let ada = new_key("ada", &["reader=prod"], &["--signing"]);
    let principals = Principals::of(&[&ada]);
    let server = principals.builder().start();
    let client = server.client().with_key(&ada.key);
    client.get(SERVICES).expect(200);
    principals.write(&ada.entry.replace("reader=prod", "owner=prod"));
    let line = wait_for_word(&server, "the principals stay as they were");
    assert!(line.contains("ERROR") && line.contains("principals[0].roles[0]"), "{line}");
    client.get(SERVICES).expect(200);
    for broken in ["", "[[principals]", "principals = []"] {
        principals.write(broken);
        client.get(SERVICES).expect(200);
    }
    fs::remove_file(principals.path()).expect("the file can go");
    client.get(SERVICES).expect(200);
    let all = server.log_lines().join("\n");
    assert!(!all.contains(&ada.field("signing_key")), "{all}");
    // And it goes on from there.
    principals.write(&ada.entry.replace("reader=prod", "editor=prod"));
    wait_for_word(&server, "the principals were read again");
    client.post(WEB, &service("web")).expect(201);
}

#[test]
fn a_file_that_others_may_read_or_change_is_refused() {
    let ada = new_key("ada", &["reader=prod"], &[]);
    let principals = Principals::of(&[&ada]);
    for mode in [0o644, 0o640, 0o604, 0o602, 0o620, 0o666] {
        set_mode(&principals.path(), mode);
        let finished = principals.builder().run();
        assert_eq!(finished.code(), Some(1), "{mode:o}: {finished:?}");
        assert!(finished.stderr.contains("chmod 600"), "{finished:?}");
    }
    for mode in [0o600, 0o400] {
        set_mode(&principals.path(), mode);
        let server = principals.builder().start();
        server.client().with_key(&ada.key).get(SERVICES).expect(200);
    }
}

#[test]
fn a_file_that_becomes_readable_by_others_is_not_taken() {
    let ada = new_key("ada", &["reader=prod"], &[]);
    let principals = Principals::of(&[&ada]);
    let server = principals.builder().start();
    fs::write(principals.path(), ada.entry.replace("reader=prod", "admin=*")).expect("it can be written");
    set_mode(&principals.path(), 0o644);
    let line = wait_for_word(&server, "the principals stay as they were");
    assert!(line.contains("chmod 600"), "{line}");
}

#[test]
fn a_service_whose_file_is_wrong_or_gone_does_not_start() {
    let ada = new_key("ada", &["reader=prod"], &[]);
    for (text, said) in [
        (String::new(), "no [[principals]]"),
        (ada.entry.replace("argon2id", "argon2i"), "keys[0]"),
        (ada.entry.replace("m=19456", "m=1945600"), "keys[0]"),
        (ada.entry.replace("name = \"ada\"", ""), "principals[0].name"),
        (format!("{}{}", ada.entry, ada.entry), "principals[1].name"),
        (format!("{}\n[other]\n", ada.entry), "other"),
    ] {
        let finished = Principals::new(&text).builder().run();
        assert_eq!(finished.code(), Some(1), "{finished:?}");
        assert!(finished.stderr.contains(said), "{said}: {finished:?}");
    }
    let principals = Principals::of(&[&ada]);
    fs::remove_file(principals.path()).expect("the file can go");
    let finished = principals.builder().run();
    assert_eq!(finished.code(), Some(1), "{finished:?}");
    assert!(finished.stderr.contains("principals.toml"), "{finished:?}");
}

#[test]
fn every_fault_is_told_at_once() {
    let text = "[[principals]]\nname = \"\"\nemail = 1\nroles = [\"x\"]\nsigning_key = \"short\"\n";
    let said = Principals::new(text).builder().run().stderr;
    for place in ["name", "email", "roles[0]", "signing_key"] {
        assert!(said.contains(&format!("principals[0].{place}")), "{place}: {said}");
    }
}
