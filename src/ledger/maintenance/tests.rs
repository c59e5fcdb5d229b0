//! Packs against git. They are tested here, since they need trees, and packs may not know those.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use chrono::DateTime;

use crate::ledger::batch::{Object, ObjectKind};
use crate::ledger::commit::{self, Identity};
use crate::ledger::edit::{Blob, Edit};
use crate::ledger::id::CommitId;
use crate::ledger::pack::build::Builder;
use crate::ledger::pack::file::{self, Name};
use crate::ledger::pack::merge::merge;
use crate::ledger::tree::Tree;

/// Of a pack. In bytes.
const HEAD: usize = 12;

/// A line of commits, each of which changes a file of one of two folders.
struct Line {
    tree: Tree,
    tip: Option<CommitId>,
    changes: u32,
}

impl Line {
    fn new(files: u32) -> (Self, Vec<Object>) {
        let mut line = Line { tree: Tree::empty(), tip: None, changes: 0 };
        let file = |nth: u32| (format!("file-{nth}"), Blob::new(format!("file {nth}\n")));
        let objects = line.commit(&[Edit::Replace("folder".to_owned(), (0..files).map(file).collect())]);
        (line, objects)
    }

    fn commit(&mut self, edits: &[Edit]) -> Vec<Object> {
        let mut objects = self.tree.edit(edits, |_, _| {});
        let who = Identity::new("somebody", "somebody@example.org");
        let time = DateTime::from_timestamp(1_700_000_000 + i64::from(self.changes), 0).expect("a time");
        let bytes = commit::encode(self.tree.id, self.tip.as_slice(), &who, &who, time, "A change");
        let commit = Object::of(ObjectKind::Commit, bytes);
        self.tip = Some(CommitId(commit.id.0));
        objects.push(commit);
        objects
    }

    fn changes(&mut self, count: u32, files: u32) -> Vec<Object> {
        let mut objects = Vec::new();
        for _ in 0..count {
            self.changes += 1;
            let nth = self.changes;
            let path =
                |n: u32| format!("{}/file-{n}", if nth.is_multiple_of(5) { "other" } else { "folder" });
            let edits = match nth % 7 {
                3 => vec![Edit::Remove(path(nth * 31 % files))],
                _ => vec![Edit::Put(path(nth * 17 % files), Blob::new(format!("change {nth}\n")))],
            };
            objects.extend(self.commit(&edits));
        }
        let mut seen = std::collections::HashSet::new();
        objects.retain(|object| seen.insert(object.id));
        objects
    }
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output =
        Command::new("git").arg("-C").arg(folder).args(arguments).output().expect("git is installed");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "git {arguments:?}: {}", text(&output.stderr));
    assert_eq!(text(&output.stderr).replace("notice: HEAD points to an unborn branch (master)\n", ""), "");
    text(&output.stdout)
}

fn repository() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    git(folder.path(), &["init", "-q", "--bare", "-b", "master"]);
    let packs = folder.path().join("objects/pack");
    (folder, packs)
}

/// What git, and libgit2, say of a repository that should hold just these objects.
fn verify(folder: &Path, tip: CommitId, expected: &HashMap<git2::Oid, Object>) {
    std::fs::write(folder.join("refs/heads/master"), format!("{tip}\n")).expect("a ref");
    git(folder, &["fsck", "--strict", "--full"]);
    for found in file::list(&folder.join("objects/pack")).expect("packs") {
        git(folder, &["verify-pack", &found.name.index().to_string_lossy()]);
        let copy = folder.join("made-by-git.idx");
        let pack = found.name.pack();
        let index = [
            "index-pack",
            "--strict",
            "--no-rev-index",
            "-o",
            &copy.to_string_lossy(),
            &pack.to_string_lossy(),
        ];
        git(folder, &index);
        let (own, gits) = (std::fs::read(found.name.index()), std::fs::read(&copy));
        assert_eq!(own.expect("an index"), gits.expect("an index"), "not the index that git makes");
        std::fs::remove_file(copy).expect("removed");
    }
    let repository = git2::Repository::open_bare(folder).expect("a repository");
    let objects = repository.odb().expect("objects");
    for (id, object) in expected {
        let found = objects.read(*id).expect("an object");
        assert_eq!((found.kind(), found.data()), (object.kind.into(), &object.bytes[..]));
    }
    let count = git(folder, &["cat-file", "--batch-all-objects", "--batch-check"]).lines().count();
    assert_eq!(count, expected.len());
}

#[test]
fn packs_and_merged_packs_are_what_git_expects() {
    const FILES: u32 = 400;
    let (folder, packs) = repository();
    let (mut line, first) = Line::new(FILES);
    let mut builder = Builder::default();
    let mut expected = HashMap::new();
    let mut names: Vec<Name> = Vec::new();
    let mut write = |objects: Vec<Object>| {
        let pack = builder.build(&objects).expect("a pack");
        expected.extend(objects.into_iter().map(|object| (object.id.0, object)));
        names.push(file::write(&packs, &pack).expect("written"));
    };
    write(first);
    for count in [1, 40, 100, 3, 250, 1, 1, 5] {
        write(line.changes(count, FILES));
    }
    let tip = line.tip.expect("a commit");
    verify(folder.path(), tip, &expected);
    let small: u64 = sizes(&packs);

    // In two steps, so that what was merged is merged again.
    let (some, rest) = names.split_at(4);
    let mut pauses = 0;
    let merged = merge(&packs, some, &mut || pauses += 1).expect("merged");
    let all: Vec<_> = std::iter::once(merged.clone()).chain(rest.iter().cloned()).collect();
    verify(folder.path(), tip, &expected);
    let last = merge(&packs, &all, &mut || {}).expect("merged");
    for name in names.iter().chain([&merged]) {
        name.remove().expect("removed");
    }
    verify(folder.path(), tip, &expected);
    assert_eq!(file::list(&packs).expect("packs").len(), 1);
    assert!(sizes(&packs) < small, "no smaller than {small}");

    // Packs that git made, with deltas of its own choice and tags, can be merged as well.
    git(
        folder.path(),
        &["-c", "user.name=a", "-c", "user.email=a@b", "tag", "-m", "a tag", "tagged", "master"],
    );
    git(
        folder.path(),
        &["-c", "pack.depth=100", "repack", "-q", "-a", "-d", "-f", "--no-write-bitmap-index"],
    );
    let (_, more) = Line::new(7);
    let own = file::write(&packs, &builder.build(&more).expect("a pack")).expect("written");
    let mut both: Vec<_> = file::list(&packs).expect("packs").into_iter().map(|found| found.name).collect();
    assert_eq!(both.len(), 2);
    both.sort_by_key(|name| *name == own);
    merge(&packs, &both, &mut || {}).expect("merged");
    both.iter().for_each(|name| name.remove().expect("removed"));
    expected.extend(more.into_iter().map(|object| (object.id.0, object)));
    assert!(git(folder.path(), &["cat-file", "-t", "tagged"]).starts_with("tag"));
    git(folder.path(), &["fsck", "--strict", "--full"]);
    assert_ne!(last, own);
}

fn sizes(packs: &Path) -> u64 {
    file::list(packs).expect("packs").iter().map(|found| found.bytes).sum()
}

#[test]
fn damage_is_noticed_and_not_copied() {
    let (_folder, packs) = repository();
    let (mut line, first) = Line::new(50);
    let mut builder = Builder::default();
    let names: Vec<_> = [first, line.changes(30, 50)]
        .map(|objects| file::write(&packs, &builder.build(&objects).expect("a pack")).expect("written"))
        .into();
    let pack = names[1].pack();
    let whole = std::fs::read(&pack).expect("a pack");
    for at in (HEAD..whole.len() - 20).step_by(97) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        std::fs::remove_file(&pack).expect("removed");
        std::fs::write(&pack, damaged).expect("written");
        let error = merge(&packs, &names, &mut || {}).expect_err("damaged");
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");
    }
    assert_eq!(std::fs::read_dir(&packs).expect("a folder").count(), 4, "nothing is left behind");
}
