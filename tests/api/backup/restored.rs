//! What a restoration makes of a data directory.

use std::fs;
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use super::{WEB, assert_sound, backed_up, filled, names, repository, restore, text};
use crate::support::Server;
use crate::support::documents::{described, service};
use crate::support::program::{finish, program};

#[test]
fn what_was_lost_is_restored_byte_for_byte_and_served() {
    let (mut server, client) = filled();
    // `HEAD` names a branch that is not the first by its name.
    client.post("/conf/configs/a", &json!({"from": {"config": "prod"}})).expect(201);
    let home = TempDir::new().expect("a folder");
    backed_up(server.data(), home.path());
    client.put(WEB, &described("web", "third")).expect(200);
    let newest = backed_up(server.data(), home.path());
    let versions = client.get(&format!("{WEB}/versions")).expect(200).json();
    server.stop();
    let refs = server.git().refs();
    let head = fs::read_to_string(server.data().join("repository.git/HEAD")).expect("HEAD");
    fs::rename(server.data().join("repository.git"), home.path().join("lost.git")).expect("moved away");
    let said = restore(server.data(), home.path()).expect_success().stdout;
    assert!(said.starts_with(&format!("restored {} refs and ", refs.len())), "{said}");
    assert!(said.trim_end().ends_with(text(&newest)), "the newest of the folder: {said}");
    assert_eq!(server.git().refs(), refs);
    assert_eq!(fs::read_to_string(server.data().join("repository.git/HEAD")).expect("HEAD"), head);
    assert_sound(server.data());
    server.start_again();
    let client = server.client();
    assert_eq!(client.get(&format!("{WEB}/versions")).expect(200).json(), versions);
    client.get("/conf/configs/prod/releases/v1").expect(200);
    client.put(WEB, &described("web", "fourth")).expect(200);
    server.stop();
    assert_sound(server.data());
}

#[test]
fn restoring_what_is_there_changes_nothing() {
    let (mut server, client) = filled();
    let home = TempDir::new().expect("a folder");
    let file = backed_up(server.data(), home.path());
    client.put(WEB, &described("web", "newer")).expect(200);
    server.stop();
    let before = (server.git().everything(), names(server.data()));
    let refs = server.git().refs().len();
    let said = restore(server.data(), &file).expect_success().stdout;
    assert_eq!(
        said,
        format!(
            "restored 0 refs; of {refs} refs nothing was missing, 0 left as they are from {}\n",
            file.display()
        )
    );
    assert_eq!((server.git().everything(), names(server.data())), before);
}

#[test]
fn what_is_missing_is_brought_in_and_what_is_behind_is_moved_on() {
    let (server, client) = filled();
    let home = TempDir::new().expect("a folder");
    let old = backed_up(server.data(), home.path());
    client.put(WEB, &described("web", "third")).expect(200);
    client.put("/conf/configs/prod/releases/v2", &json!({})).expect(201);
    client.post("/conf/configs/new", &json!({})).expect(201);
    let newest = backed_up(server.data(), home.path());
    let refs = server.git().refs();
    let data = home.path().join("data");
    restore(&data, &old).expect_success();
    // Something that only this one has.
    let mut other = Server::builder().data(&data).start();
    other.client().post("/conf/configs/own", &json!({})).expect(201);
    other.client().delete("/conf/configs/staging").expect(200);
    // The journal has the last changes.
    other.kill();
    let own = repository(&data).rev_parse("own");
    let said = restore(&data, &newest).expect_success().stdout;
    let prod = [server.git().rev_parse("prod~1"), server.git().rev_parse("prod")];
    assert!(said.contains(&format!("moved refs/heads/prod on from {} to {}\n", prod[0], prod[1])), "{said}");
    for created in ["refs/heads/new", "refs/heads/staging", "refs/tags/prod/v2"] {
        assert!(said.contains(&format!("created {created} at ")), "{said}");
    }
    let found = repository(&data).refs();
    assert!(refs.iter().all(|known| found.contains(known)), "{found:?}");
    assert_eq!(repository(&data).rev_parse("own"), own);
    assert_sound(&data);
    other.start_again();
    let client = other.client();
    assert_eq!(client.get(WEB).expect(200).json()["description"], "third");
    client.get("/conf/configs/prod/releases/v2").expect(200);
    client.get("/conf/staging/backend-services/web").expect(200);
    assert_eq!(client.get(&format!("{WEB}/versions")).expect(200).json()["total"], 3);
    client.put(WEB, &described("web", "fourth")).expect(200);
    other.stop();
    assert_sound(&data);
}

#[test]
fn more_refs_are_brought_in_than_files_may_be_open() {
    let (mut server, _) = filled();
    let home = TempDir::new().expect("a folder");
    let (prod, notes) = (server.git().rev_parse("prod"), server.data().join("repository.git/refs/notes"));
    fs::create_dir(&notes).expect("a folder");
    for number in 0..400 {
        fs::write(notes.join(format!("n{number}")), format!("{prod}\n")).expect("a ref");
    }
    let refs = server.git().refs();
    let file = backed_up(server.data(), home.path());
    server.stop();
    fs::remove_dir_all(&notes).expect("they can be removed");
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 200; exec \"$0\" \"$@\""]).arg(program().get_program());
    for (name, _) in program().get_envs() {
        limited.env_remove(name);
    }
    limited.args(["restore", "--data", text(server.data()), text(&file)]);
    let said = finish(limited, b"").expect_success().stdout;
    assert!(said.contains("restored 400 refs"), "{said}");
    assert_eq!(server.git().refs(), refs);
    assert_sound(server.data());
}

#[test]
fn what_differs_is_told_and_left_as_it_is() {
    let (server, client) = filled();
    let home = TempDir::new().expect("a folder");
    let old = backed_up(server.data(), home.path());
    client.put(WEB, &described("web", "there")).expect(200);
    client.put("/conf/configs/prod/releases/v2", &json!({})).expect(201);
    client.post("/conf/configs/new", &json!({})).expect(201);
    client.post("/conf/new/backend-services/web", &service("web")).expect(201);
    let newest = backed_up(server.data(), home.path());
    let data = home.path().join("data");
    restore(&data, &old).expect_success();
    let mut other = Server::builder().data(&data).start();
    other.client().put(WEB, &described("web", "here")).expect(200);
    other.client().put("/conf/configs/staging/releases/v1", &json!({})).expect(201);
    other.stop();
    let [here, there] = [repository(&data), server.git()].map(|git| git.rev_parse("prod"));
    let done = restore(&data, &newest);
    assert_eq!(done.code(), Some(4), "{done:?}");
    let left = format!(
        "left refs/heads/prod, which is at {here}, and at {there} in the backup: their histories have parted\n"
    );
    assert!(done.stdout.contains(&left), "{done:?}");
    let tag = server.git().rev_parse("refs/tags/prod/v2");
    let left = format!("left refs/tags/prod/v2, which is not here, and at {tag} in the backup: ");
    assert!(done.stdout.contains(&left), "{done:?}");
    assert!(done.stdout.contains("created refs/heads/new at "), "{done:?}");
    assert!(done.stdout.contains("restored 1 ref; "), "{done:?}");
    assert_eq!(repository(&data).rev_parse("prod"), here);
    assert_sound(&data);
    other.start_again();
    assert_eq!(other.client().get(WEB).expect(200).json()["description"], "here");
    other.client().get("/conf/new/backend-services/web").expect(200);
}

#[test]
fn a_running_service_is_not_written_beside() {
    let (server, client) = filled();
    let home = TempDir::new().expect("a folder");
    let file = backed_up(server.data(), home.path());
    client.delete("/conf/configs/staging").expect(200);
    let before = server.git().everything();
    let refused = restore(server.data(), &file);
    assert_eq!(refused.code(), Some(1), "{refused:?}");
    let pid = server.pid();
    assert!(refused.stderr.contains(&format!("in use by process {pid}")), "{refused:?}");
    assert!(
        refused.stderr.contains(&format!("git clone --mirror {} copy.git", file.display())),
        "{refused:?}"
    );
    assert_eq!(server.git().everything(), before);
}

#[test]
fn a_journal_without_its_repository_is_not_thrown_away() {
    let (mut server, _) = filled();
    let home = TempDir::new().expect("a folder");
    let file = backed_up(server.data(), home.path());
    server.kill();
    let journal = server.data().join("journal");
    assert!(
        fs::read_dir(&journal).expect("a journal").flatten().any(|f| f.metadata().is_ok_and(|m| m.len() > 0))
    );
    fs::rename(server.data().join("repository.git"), home.path().join("lost.git")).expect("moved away");
    let refused = restore(server.data(), &file);
    assert_eq!(refused.code(), Some(1), "{refused:?}");
    assert!(refused.stderr.contains("move the journal away"), "{refused:?}");
    assert!(!server.data().join("repository.git").exists());
    fs::rename(&journal, home.path().join("journal")).expect("moved away");
    restore(server.data(), &file).expect_success();
    assert_sound(server.data());
}
