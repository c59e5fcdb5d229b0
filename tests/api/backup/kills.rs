//! A full disk, and kills: nothing half-made has the name of a backup, or the place of a repository.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{assert_sound, backed_up, filled, names, repository, restore, text};
use crate::support::program::{Finished, finish, program};

/// Runs the program, and this happens to its calls, such as `error=ENOSPC:when=3+`.
fn traced(calls: &str, happens: &str, arguments: &[&str]) -> Finished {
    let mut command = Command::new("strace");
    let inject = format!("inject={calls}:{happens}");
    command.args(["-f", "-o", "/dev/null", "-e", &format!("trace={calls}"), "-e", &inject]);
    let program = program();
    command.arg(program.get_program()).args(arguments).stdin(Stdio::null());
    // The settings that the tests' own environment may hold.
    for (name, _) in program.get_envs() {
        command.env_remove(name);
    }
    let done = finish(command, b"");
    assert!(!done.stderr.contains("strace") && !done.stderr.contains("settings"), "{done:?}");
    done
}

/// Calls at which the disk may be full, in the order in which either command comes to them.
const CALLS: [&str; 5] = ["write", "pwrite64", "fsync", "syncfs", "rename"];

#[test]
fn a_full_disk_leaves_no_backup() {
    let (server, _) = filled();
    let mut met = 0;
    for call in CALLS {
        for nth in 1..=9 {
            let home = TempDir::new().expect("a folder");
            let to = ["backup", "--data", text(server.data()), text(home.path())];
            let done = traced(call, &format!("error=ENOSPC:when={nth}"), &to);
            if !done.stderr.contains("nothing was backed up") {
                // There were not so many, or standard output was it.
                assert_eq!(names(home.path()).len(), 1, "{call} {nth}: {done:?}");
                break;
            }
            met += 1;
            assert_eq!(done.code(), Some(1), "{call} {nth}: {done:?}");
            let found = names(home.path());
            // Where the folder itself cannot be synced, the backup is there, whole, and may not last.
            assert!(found.is_empty() || call == "fsync", "{call} {nth}: {found:?} {done:?}");
        }
    }
    assert!(met >= 5, "met {met} times");
    server.git().fsck();
}

fn bundles(folder: &Path) -> Vec<String> {
    names(folder).into_iter().filter(|name| name.ends_with(".bundle")).collect()
}

#[test]
fn a_backup_that_is_killed_has_no_name() {
    let (server, _) = filled();
    let home = TempDir::new().expect("a folder");
    let mut killed = 0;
    for call in CALLS {
        for nth in 1..=9 {
            let before = bundles(home.path());
            let to = ["backup", "--data", text(server.data()), text(home.path())];
            let done = traced(call, &format!("signal=SIGKILL:when={nth}"), &to);
            for bundle in bundles(home.path()).iter().filter(|bundle| !before.contains(bundle)) {
                // Whatever has the name was checked before it got it.
                let data = TempDir::new().expect("a folder");
                restore(&data.path().join("data"), &home.path().join(bundle)).expect_success();
            }
            if done.code() == Some(0) {
                break;
            }
            killed += 1;
        }
    }
    assert!(killed >= 8, "{killed}");
    backed_up(server.data(), home.path());
    assert!(names(home.path()).iter().all(|name| name.ends_with(".bundle")), "{:?}", names(home.path()));
}

/// What happens to a restoration at each of its calls, and what is found then.
fn sweep(happens: &str, prepare: impl Fn(&Path), found: impl Fn(&Path)) {
    let (server, _) = filled();
    let home = TempDir::new().expect("a folder");
    let file = backed_up(server.data(), home.path());
    let mut met = 0;
    for call in CALLS {
        for nth in 1..=9 {
            let data = home.path().join(format!("{call}-{nth}"));
            prepare(&data);
            let arguments = ["restore", "--data", text(&data), text(&file)];
            let done = traced(call, &format!("{happens}:when={nth}"), &arguments);
            found(&data);
            restore(&data, &file).expect_success();
            let refs = repository(&data).refs();
            assert!(server.git().refs().iter().all(|known| refs.contains(known)), "{call} {nth}: {refs:?}");
            assert_sound(&data);
            assert!(!names(&data).contains(&"repository.git.new".to_owned()), "{call} {nth}");
            if done.code() == Some(0) {
                break;
            }
            met += 1;
        }
    }
    assert!(met >= 8, "{met}");
}

#[test]
fn a_restoration_that_ends_anywhere_leaves_a_whole_repository_or_none() {
    for happens in ["signal=SIGKILL", "error=ENOSPC"] {
        sweep(
            happens,
            |_| {},
            |data| {
                if data.join("repository.git").exists() {
                    assert_sound(data);
                }
            },
        );
    }
}

#[test]
fn a_restoration_into_a_repository_that_ends_anywhere_leaves_that_sound() {
    // One that has nothing in common with the backup but names that are not taken.
    let own = crate::support::Server::start();
    own.client().post("/conf/configs/own", &serde_json::json!({})).expect(201);
    own.client().delete("/conf/configs/prod").expect(200);
    let home = TempDir::new().expect("a folder");
    let file = backed_up(own.data(), home.path());
    let id = own.git().rev_parse("own");
    for happens in ["signal=SIGKILL", "error=ENOSPC"] {
        sweep(
            happens,
            |data| {
                restore(data, &file).expect_success();
            },
            |data| {
                assert_eq!(repository(data).rev_parse("own"), id);
                repository(data).fsck();
            },
        );
    }
}
