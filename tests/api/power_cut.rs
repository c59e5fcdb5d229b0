//! What a power cut leaves: the journal, which is synced before anyone is answered, and of the repository whatever
//! happened to be on the disk. Here the repository is made to forget or garble all that was written since a moment; in
//! `cuts` what a service did is recorded, and replayed up to any moment without what was not synced.

mod cuts;
mod disk;
mod trace;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::support::Server;
use crate::support::documents::described;
use crate::support::view::{fill, view};

/// A service that makes no checkpoint by itself while a test runs.
fn server() -> Server {
    Server::builder().env("REVCONF_JOURNAL_PERIOD", "3600").start()
}

fn repository(server: &Server) -> PathBuf {
    server.data().join("repository.git")
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp");
    assert!(copied.success(), "{} could not be copied", from.display());
}

fn files(below: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![below.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(below).expect("below").to_owned());
            }
        }
    }
    found
}

/// Writes of every sort after a moment, a cut, and what `damage` makes of the repository as it was at that moment and
/// as it is now. Then everything must be there again.
fn cut(damage: impl Fn(&Path, &Path)) {
    let mut server = server();
    let before = server.data().join("before.git");
    copy(&repository(&server), &before);
    let client = server.client();
    let mut paths = fill(&client);
    for (name, count) in [("one", 5), ("two", 25)] {
        client.post(&format!("/conf/configs/{name}"), &json!({"from": {"config": "prod"}})).expect(201);
        for number in 0..count {
            let path = format!("/conf/{name}/backend-services/web");
            client.put(&path, &described("web", &number.to_string())).expect(200);
        }
        paths.push(format!("/conf/{name}/backend-services/versions"));
    }
    client.post("/conf/configs/gone", &json!({"from": {"config": "two"}})).expect(201);
    let archive = client.delete("/conf/configs/gone").expect(200).json()["archive"].clone();
    let seen = view(&client, &paths);
    let refs = server.git().refs();
    server.kill();
    damage(&before, &repository(&server));
    server.start_again();
    assert_eq!(server.git().refs(), refs);
    assert_eq!(view(&server.client(), &paths), seen);
    server.client().post("/conf/configs/gone", &json!({"from": {"archive": archive}})).expect(201);
    fs::remove_dir_all(&before).expect("a copy can be removed");
    server.git().fsck();
}

#[test]
fn a_repository_that_forgot_everything_since_is_brought_up_to_the_journal() {
    cut(|before, now| {
        fs::remove_dir_all(now).expect("a repository can be removed");
        copy(before, now);
    });
}

#[test]
fn files_that_were_left_empty_are_written_again() {
    cut(|before, now| {
        for file in files(now).difference(&files(before)) {
            fs::write(now.join(file), b"").expect("a file can be emptied");
        }
        for name in ["refs/heads/prod", "refs/heads/one"] {
            fs::write(now.join(name), b"").expect("a ref can be emptied");
        }
    });
}

#[test]
fn refs_without_their_objects_get_them() {
    cut(|before, now| {
        for file in files(now).difference(&files(before)).filter(|file| file.starts_with("objects")) {
            fs::remove_file(now.join(file)).expect("an object can be removed");
        }
    });
}

#[test]
fn objects_without_their_refs_get_them() {
    cut(|before, now| {
        fs::remove_dir_all(now.join("refs")).expect("refs can be removed");
        copy(&before.join("refs"), &now.join("refs"));
    });
}

/// The journal's one file of a service that was killed before any checkpoint.
fn journal(server: &Server) -> PathBuf {
    let folder = server.data().join("journal");
    let mut found: Vec<_> = files(&folder).into_iter().map(|file| folder.join(file)).collect();
    found.retain(|file| fs::metadata(file).expect("a file").len() > 0);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// So many bytes of records the journal's file begins with; zeros follow them.
fn recorded(file: &Path) -> u64 {
    let bytes = fs::read(file).expect("the journal");
    let mut end = 0;
    while let Some(Ok(length)) = bytes.get(end..end + 4).map(<[u8; 4]>::try_from)
        && length != [0; 4]
    {
        end += 8 + u32::from_le_bytes(length) as usize;
    }
    end as u64
}

#[test]
fn a_torn_end_of_the_journal_is_cut_off_and_said() {
    let mut server = server();
    let client = server.client();
    client.post("/conf/prod/backend-services/web", &described("web", "kept")).expect(201);
    let before = server.data().join("before.git");
    copy(&repository(&server), &before);
    let whole = recorded(&journal(&server));
    client.put("/conf/prod/backend-services/web", &described("web", "torn")).expect(200);
    server.kill();
    let file = journal(&server);
    let both = recorded(&file);
    let bytes = fs::read(&file).expect("the journal");
    // Without its last bytes, unless those are zeros: then the zeros behind would make it whole again.
    let last = (whole..both).rev().find(|at| bytes[*at as usize] != 0).expect("a record has more than zeros");
    let lengths = [whole + 1, whole + 20, last];
    for (length, in_zeros) in lengths.iter().flat_map(|length| [(*length, false), (*length, true)]) {
        let torn = fs::OpenOptions::new().write(true).open(&file).expect("the journal");
        let kept = fs::read(&file).expect("the journal");
        torn.set_len(length).expect("the journal can be cut");
        if in_zeros {
            torn.set_len(kept.len() as u64).expect("the journal can be lengthened");
        }
        fs::remove_dir_all(repository(&server)).expect("a repository can be removed");
        copy(&before, &repository(&server));
        server.start_again();
        let answer = server.client().get("/conf/prod/backend-services/web").expect(200);
        assert_eq!(answer.json(), described("web", "kept"), "cut at {length} of {both}");
        server.wait_for_log("the torn record", |line| line.contains("cut off").then_some(()));
        server.git().fsck();
        server.kill();
        fs::write(&file, kept).expect("the journal can be restored");
    }
}

#[test]
fn a_clean_stop_leaves_the_journal_empty() {
    let mut server = server();
    server.client().post("/conf/prod/backend-services/web", &described("web", "kept")).expect(201);
    assert_eq!(server.stop().code(), Some(0));
    let folder = server.data().join("journal");
    for file in files(&folder) {
        assert_eq!(fs::metadata(folder.join(&file)).expect("a file").len(), 0, "{}", file.display());
    }
}

#[test]
fn checkpoints_empty_the_journal_by_size_and_by_time() {
    for (name, value) in [("REVCONF_JOURNAL_SIZE", "1"), ("REVCONF_JOURNAL_PERIOD", "1")] {
        let server = Server::builder().env(name, value).start();
        let client = server.client();
        for number in 0..20 {
            let path = format!("/conf/prod/backend-services/w{number}");
            client.post(&path, &described(&format!("w{number}"), "")).expect(201);
        }
        let folder = server.data().join("journal");
        crate::support::wait_for("an empty journal", || {
            // A file may go between the listing and the look.
            let length = |file: PathBuf| fs::metadata(folder.join(file)).map_or(0, |found| found.len());
            (files(&folder).into_iter().map(length).sum::<u64>() == 0).then_some(())
        });
        server.git().fsck();
    }
}
