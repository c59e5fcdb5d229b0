//! Which backups stay in a folder.

use std::fs;

use tempfile::TempDir;

use super::{backed_up, backup, filled, names, text};
use crate::support::program::run;

#[test]
fn older_backups_go_when_that_is_asked_for() {
    let (server, _) = filled();
    let home = TempDir::new().expect("a folder");
    let folder = home.path();
    fs::write(folder.join("revconf-of-somebody.bundle"), "mine").expect("a file");
    let files: Vec<_> = (0..3).map(|_| backed_up(server.data(), folder)).collect();
    assert_eq!(names(folder).len(), 4);
    let said =
        run(&["backup", "--keep", "2", "--data", text(server.data()), text(folder)]).expect_success().stdout;
    assert!(said.contains(&format!("removed {}", files[0].display())), "{said}");
    assert_eq!(files.iter().map(|file| file.exists()).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(names(folder).len(), 3, "{:?}", names(folder));
    let none = run(&["backup", "--keep", "0", "--data", text(server.data()), text(folder)]);
    assert_eq!(none.code(), Some(2), "{none:?}");
}

#[test]
fn what_a_killed_backup_left_is_cleared() {
    let (server, _) = filled();
    let home = TempDir::new().expect("a folder");
    fs::create_dir(home.path().join(".revconf-backup.new")).expect("a folder");
    fs::write(home.path().join(".revconf-backup.new/bundle"), "half").expect("a file");
    backed_up(server.data(), home.path());
    assert_eq!(names(home.path()).len(), 1);
}

#[test]
fn two_backups_into_one_folder_are_not_made_at_a_time() {
    let (server, _) = filled();
    let home = TempDir::new().expect("a folder");
    backed_up(server.data(), home.path());
    let lock = fs::File::open(home.path().join(".revconf-backup.lock")).expect("the lock");
    lock.lock().expect("held");
    let refused = backup(server.data(), home.path());
    assert_eq!(refused.code(), Some(1));
    assert!(refused.stderr.contains("another backup is being made there"), "{refused:?}");
    assert_eq!(names(home.path()).len(), 1);
}
