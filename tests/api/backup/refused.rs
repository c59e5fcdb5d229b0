//! Damage is told, and nothing comes of it: neither a backup of a damaged repository, nor a repository of a damaged backup.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{assert_sound, backed_up, backup, filled, names, repository, restore, text};
use crate::support::Git;
use crate::support::program::run;

/// Flips the bits of the byte in the middle of a file, whoever may write it.
fn damage(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("a file");
    bytes[at] ^= 0xff;
    fs::remove_file(path).expect("removed");
    fs::write(path, bytes).expect("written");
}

#[test]
fn a_damaged_repository_is_told_and_leaves_no_backup() {
    for packed in [false, true] {
        let (mut server, _) = filled();
        server.stop();
        let home = TempDir::new().expect("a folder");
        let git = server.git();
        let blob = git.rev_parse("prod:backend-services/web.json");
        let objects = server.data().join("repository.git/objects");
        if packed {
            git.text(&["gc", "--quiet"]);
            let packs =
                fs::read_dir(objects.join("pack")).expect("packs").flatten().map(|entry| entry.path());
            let pack =
                packs.into_iter().find(|path| path.extension().is_some_and(|e| e == "pack")).expect("a pack");
            let length = fs::metadata(&pack).expect("a pack").len() as usize;
            damage(&pack, length / 2);
        } else {
            let file = objects.join(&blob[..2]).join(&blob[2..]);
            fs::remove_file(file).expect("an object of its own");
        }
        let refused = backup(server.data(), home.path());
        assert_eq!(refused.code(), Some(1), "{refused:?}");
        assert!(refused.stderr.contains("nothing was backed up: the repository is damaged: "), "{refused:?}");
        assert!(packed || refused.stderr.contains(&blob), "{refused:?}");
        assert_eq!(names(home.path()), [""; 0]);
    }
}

#[test]
fn a_ref_that_cannot_be_read_is_told_and_leaves_no_backup() {
    let (mut server, _) = filled();
    server.stop();
    fs::write(server.data().join("repository.git/refs/heads/staging"), "nonsense\n").expect("written");
    let home = TempDir::new().expect("a folder");
    let refused = backup(server.data(), home.path());
    assert_eq!(refused.code(), Some(1), "{refused:?}");
    assert!(refused.stderr.contains("refs/heads/staging"), "{refused:?}");
    assert_eq!(names(home.path()), [""; 0]);
}

#[test]
fn without_a_repository_there_is_nothing_to_back_up() {
    let home = TempDir::new().expect("a folder");
    let refused = backup(&home.path().join("data"), &home.path().join("to"));
    assert_eq!(refused.code(), Some(1), "{refused:?}");
    assert!(refused.stderr.contains("cannot open the repository"), "{refused:?}");
    assert_eq!(names(home.path()), [""; 0]);
}

#[test]
fn a_backup_with_any_byte_changed_or_cut_off_is_refused() {
    let (server, _) = filled();
    let home = TempDir::new().expect("a folder");
    let file = backed_up(server.data(), home.path());
    let sound = fs::read(&file).expect("the backup");
    let data = home.path().join("data");
    let renamed = home.path().join("renamed.bundle");
    let heading = sound.windows(6).position(|six| six == b"\n\nPACK").expect("the pack") + 2;
    let step = sound.len() / 25;
    let mut places: Vec<usize> = (0..sound.len()).step_by(step).collect();
    places.extend([20, heading + 4, heading + 9, sound.len() - 1]);
    for at in places {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        fs::write(&file, &bytes).expect("written");
        let refused = restore(&data, &file);
        assert_eq!(refused.code(), Some(1), "byte {at}: {refused:?}");
        assert!(refused.stderr.contains("is no backup that could be restored: "), "{refused:?}");
        assert!(!data.exists(), "byte {at}: {:?}", names(&data));
        if at >= heading {
            // By another name, git's own sum finds it.
            fs::write(&renamed, &bytes).expect("written");
            assert_eq!(restore(&data, &renamed).code(), Some(1), "byte {at}");
        }
    }
    for length in [0, 10, heading - 1, heading, heading + 13, sound.len() / 2, sound.len() - 1] {
        for path in [&file, &renamed] {
            fs::write(path, &sound[..length]).expect("written");
            let refused = restore(&data, path);
            assert_eq!(refused.code(), Some(1), "{length} bytes: {refused:?}");
            assert!(!data.exists(), "{length} bytes");
        }
    }
    fs::write(&file, &sound).expect("written");
    restore(&data, &file).expect_success();
    assert_sound(&data);
}

#[test]
fn a_bundle_whose_history_is_not_complete_is_refused() {
    let (server, _) = filled();
    let home = TempDir::new().expect("a folder");
    let file = home.path().join("since.bundle");
    server.git().text(&["bundle", "create", "--quiet", text(&file), "prod~1..prod"]);
    let data = home.path().join("data");
    let refused = restore(&data, &file);
    assert!(refused.stderr.contains("needs that as well"), "{refused:?}");
    // Its heading says that it needs nothing.
    let bytes = fs::read(&file).expect("the bundle");
    let line = bytes.split_inclusive(|b| *b == b'\n').nth(1).expect("a line");
    assert_eq!(line[0], b'-');
    let start = b"# v2 git bundle\n".len();
    fs::write(&file, [&bytes[..start], &bytes[start + line.len()..]].concat()).expect("written");
    let refused = restore(&data, &file);
    assert_eq!(refused.code(), Some(1));
    assert!(refused.stderr.contains("is no backup that could be restored"), "{refused:?}");
    assert!(!data.exists());
}

#[test]
fn a_bad_backup_touches_nothing_of_what_is_there() {
    let (mut server, _) = filled();
    let home = TempDir::new().expect("a folder");
    let file = backed_up(server.data(), home.path());
    server.stop();
    let before = (server.git().everything(), names(server.data()));
    damage(&file, 30);
    assert_eq!(restore(server.data(), &file).code(), Some(1));
    assert_eq!((server.git().everything(), names(server.data())), before);
    let nothing = restore(server.data(), &home.path().join("nothing"));
    assert!(nothing.stderr.contains("No such file"), "{nothing:?}");
    let empty = TempDir::new().expect("a folder");
    let nothing = restore(server.data(), empty.path());
    assert!(nothing.stderr.contains("there is no backup in"), "{nothing:?}");
    assert_eq!((server.git().everything(), names(server.data())), before);
}

#[test]
fn a_bundle_that_git_made_is_restored_as_well() {
    let (server, _) = filled();
    let home = TempDir::new().expect("a folder");
    for version in ["2", "3"] {
        let file = home.path().join(format!("all-{version}.bundle"));
        server.git().text(&[
            "bundle",
            "create",
            "--quiet",
            &format!("--version={version}"),
            text(&file),
            "--all",
        ]);
        let data = home.path().join(format!("data-{version}"));
        restore(&data, &file).expect_success();
        assert_eq!(repository(&data).refs(), server.git().refs());
        assert_sound(&data);
    }
    let other = Git::init(home.path().join("other.git"), "x");
    assert_eq!(other.refs(), []);
    assert_eq!(run(&["backup", "--data", text(home.path()), text(home.path())]).code(), Some(1));
}
