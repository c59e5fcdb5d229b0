//! Who may push names nothing by its id alone that they may not read.

use std::fs;

use serde_json::json;
use sha1::{Digest, Sha1};

use super::{Told, start_with};
use crate::access::{NewKey, new_key};
use crate::git_door::limits::{head_of, varied, zipped};
use crate::git_door::{WEB_FILE, Work, push, push_pack, url};
use crate::support::documents::{described, file, service};
use crate::support::program::finish;
use crate::support::{Client, Git};

/// Ed changes `staging` and sees nothing else; Eva sees all but the archives.
struct Guessing {
    told: Told,
    git: Git,
    work: Work,
    ed: Client,
    eva: Client,
    ed_key: NewKey,
}

fn start() -> Guessing {
    let ed = new_key("ed", &["editor=staging"], &[]);
    let eva = new_key("eva", &["editor=staging", "reader=*"], &[]);
    let told = start_with(&[&ed, &eva]);
    let (git, client) = (told.server.git(), told.server.client());
    let work = Work::clone(&url(&told.server, Some(("ed", &ed.key))), &["--branch", "staging"]);
    let [as_ed, as_eva] = [&ed, &eva].map(|key| client.with_key(&key.key));
    Guessing { told, git, work, ed: as_ed, eva: as_eva, ed_key: ed }
}

impl Guessing {
    fn tree(&self, entries: &str) -> String {
        let made = finish(self.work.command(&["mktree", "--missing"]), entries.as_bytes());
        made.expect_success().stdout.trim().to_owned()
    }

    /// A commit after the newest of `staging` with this tree, whatever that is.
    fn commit(&self, tree: &str) -> String {
        let time = self.git.text(&["show", "-s", "--format=%ct", "staging"]);
        let who = format!("Ann <ann@example.com> {} +0000", time.trim());
        let parent = self.git.rev_parse("staging");
        let bytes = format!("tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\n\nTake it\n");
        let stored = self.work.command(&["hash-object", "-t", "commit", "-w", "--literally", "--stdin"]);
        finish(stored, bytes.as_bytes()).expect_success().stdout.trim().to_owned()
    }

    /// A commit in which one file of `backend-services` is this object, and the objects that it is made of but for that.
    fn with_file(&self, name: &str, blob: &str) -> (String, String) {
        let inner = self.tree(&format!("100644 blob {blob}\t{name}\n"));
        let config = self.git.rev_parse("staging:config.json");
        let top =
            self.tree(&format!("040000 tree {inner}\tbackend-services\n100644 blob {config}\tconfig.json\n"));
        let commit = self.commit(&top);
        let objects = [commit.as_str(), &top, &inner].join("\n");
        (commit, objects)
    }

    fn push(&self, client: &Client, commit: &str, objects: &str) -> String {
        let tip = self.git.rev_parse("staging");
        push(client, &self.work, [&tip, commit, "refs/heads/staging"], objects)
    }

    #[track_caller]
    fn assert_refused(&self, client: &Client, commit: &str, objects: &str, hidden: &str) {
        let before = self.git.refs();
        let said = self.push(client, commit, objects);
        assert!(said.contains("ng refs/heads/staging pre-receive hook declined"), "{said}");
        assert!(said.contains(&format!("it leads to {hidden}, which is in no configuration")), "{said}");
        assert_eq!(self.git.refs(), before);
    }
}

#[test]
fn files_and_folders_that_are_hidden_cannot_be_named() {
    let all = start();
    let git = &all.git;
    for hidden in [git.rev_parse(&format!("prod:{WEB_FILE}")), git.rev_parse(&format!("prod~1:{WEB_FILE}"))] {
        let (commit, objects) = all.with_file("web.json", &hidden);
        all.assert_refused(&all.ed, &commit, &objects, &hidden);
    }
    let (hidden, config) = (git.rev_parse("prod:backend-services"), git.rev_parse("staging:config.json"));
    let top =
        all.tree(&format!("040000 tree {hidden}\tbackend-services\n100644 blob {config}\tconfig.json\n"));
    let commit = all.commit(&top);
    let said = all.push(&all.ed, &commit, &format!("{commit}\n{top}"));
    assert!(said.contains("pre-receive hook declined") && said.contains("it leads to "), "{said}");
    // Nor the whole.
    let commit = all.commit(&git.rev_parse("prod^{tree}"));
    let said = all.push(&all.ed, &commit, &commit);
    assert!(said.contains("pre-receive hook declined") && said.contains("it leads to "), "{said}");
    // An archive is hidden to who may read everything else.
    let archive = git.refs().into_iter().find(|(name, _)| name.starts_with("refs/archive/")).expect("one").0;
    let hidden = git.rev_parse(&format!("{archive}:config.json"));
    let inner = git.rev_parse("staging:backend-services");
    let top =
        all.tree(&format!("040000 tree {inner}\tbackend-services\n100644 blob {hidden}\tconfig.json\n"));
    let commit = all.commit(&top);
    all.assert_refused(&all.eva, &commit, &format!("{commit}\n{top}"), &hidden);
    // What may be read may be named.
    let (commit, objects) = all.with_file("web.json", &git.rev_parse(&format!("prod:{WEB_FILE}")));
    let said = all.push(&all.eva, &commit, &objects);
    assert!(said.contains("ok refs/heads/staging"), "{said}");
    git.fsck();
}

#[test]
fn what_is_seen_or_comes_along_may_be_named() {
    let all = start();
    // Of an older version, and not sent.
    let old = all.git.rev_parse("staging~1:backend-services/s.json");
    let (commit, objects) = all.with_file("s.json", &old);
    let said = all.push(&all.ed, &commit, &objects);
    assert!(said.contains("ok refs/heads/staging"), "{said}");
    let work = Work::clone(&url(&all.told.server, Some(("ed", &all.ed_key.key))), &["--branch", "staging"]);
    // The very bytes of a hidden file, which is no secret to who knows them.
    let known = all.git.show("prod", WEB_FILE);
    work.commit(&[(WEB_FILE, Some(&known))], "The same");
    work.text(&["push", "--quiet", "origin", "HEAD:staging"]);
    // As git does it: nothing new, a version from before, a file that went and is back, a merge.
    work.text(&["commit", "--quiet", "--allow-empty", "-m", "Nothing"]);
    work.text(&["revert", "--no-edit", "HEAD~1"]);
    work.text(&["push", "--quiet", "origin", "HEAD:staging"]);
    work.text(&["revert", "--no-edit", "HEAD"]);
    work.text(&["push", "--quiet", "origin", "HEAD:staging"]);
    work.text(&["checkout", "--quiet", "-b", "side", "HEAD~2"]);
    work.describe("app", "side");
    work.text(&["checkout", "--quiet", "staging"]);
    work.describe("s", "main");
    work.text(&["merge", "--quiet", "--no-edit", "side"]);
    work.text(&["push", "--quiet", "origin", "HEAD:staging"]);
    assert_eq!(all.git.rev_parse("staging"), work.text(&["rev-parse", "HEAD"]));
    work.fsck();
    all.git.fsck();
}

#[test]
fn what_a_tag_said_that_is_gone_is_not_had_by_its_id() {
    let all = start();
    let ada = all.told.server.client().with_key(&all.told.admin.key);
    let release = "/conf/configs/staging/releases/s2";
    ada.put(release, &json!({"message": "a secret"})).expect(201);
    let tag = all.git.rev_parse("refs/tags/staging/s2");
    ada.delete(release).expect(200);
    let nothing = "0".repeat(40);
    let commit = all.git.rev_parse("staging");
    let any = all.git.rev_parse("staging:config.json");
    let said = push(&all.ed, &all.work, [&nothing, &tag, "refs/tags/staging/s2"], &any);
    assert!(said.contains(&format!("it leads to {tag}, which is in no configuration")), "{said}");
    assert_eq!(all.git.find("refs/tags/staging/s2"), None);
    // One of their own is a release.
    let made = ["tag", "-a", "-m", "s2", "staging/s2", &commit];
    all.work.text(&[&["-c", "user.name=Ed", "-c", "user.email=ed@localhost"], &made[..]].concat());
    all.work.text(&["push", "--quiet", "origin", "staging/s2"]);
    assert!(all.git.find("refs/tags/staging/s2").is_some());
}

/// A pack of these objects, and one more: what `delta` makes of an object that is not in it.
fn with_delta(work: &Work, objects: &str, base: &str, delta: &[u8]) -> Vec<u8> {
    let packed =
        finish(work.command(&["pack-objects", "--quiet", "base"]), format!("{objects}\n").as_bytes());
    let name = packed.expect_success().stdout;
    let mut pack = fs::read(work.folder().join(format!("base-{}.pack", name.trim()))).expect("a pack");
    pack.truncate(pack.len() - 20);
    let count = u32::from_be_bytes(pack[8..12].try_into().expect("four bytes"));
    pack[8..12].copy_from_slice(&(count + 1).to_be_bytes());
    let base = (0..20).map(|at| u8::from_str_radix(&base[2 * at..2 * at + 2], 16).expect("digits"));
    pack.extend([head_of(7, delta.len() as u64), base.collect(), zipped(delta)].concat());
    let sum = Sha1::digest(&pack);
    pack.extend(sum);
    pack
}

#[test]
fn what_is_hidden_is_no_base_for_what_comes() {
    let all = start();
    let ada = all.told.server.client().with_key(&all.told.admin.key);
    let hidden = all.git.rev_parse(&format!("prod:{WEB_FILE}"));
    let bytes = all.git.show("prod", WEB_FILE);
    let tip = all.git.rev_parse("staging");
    let length = bytes.len() as u64;
    let copy = [0xb0, bytes.len().to_le_bytes()[0], bytes.len().to_le_bytes()[1]];
    let same = [varied(length), varied(length), copy.to_vec()].concat();
    let more = [varied(length), varied(length + 1), copy.to_vec(), vec![1, b'\n']].concat();
    let target = all.git.hash_object(&[bytes, b"\n".to_vec()].concat());
    for (delta, id) in [(&same, &hidden), (&more, &target)] {
        let (commit, objects) = all.with_file("web.json", id);
        let pack = with_delta(&all.work, &objects, &hidden, delta);
        let moved = [tip.as_str(), &commit, "refs/heads/staging"];
        let said = push_pack(&all.ed, moved, &pack);
        assert!(said.contains("unresolved delta") && !said.contains("ok refs/heads/staging"), "{said}");
        assert_eq!(all.git.rev_parse("staging"), tip);
        if id == &target {
            // Who sees all of it may send changes to it.
            let said = push_pack(&ada, moved, &pack);
            assert!(said.contains("ok refs/heads/staging"), "{said}");
        }
    }
    all.git.fsck();
}

#[test]
fn who_sees_a_part_is_asked_for_whole_objects() {
    let all = start();
    let told = |client: &Client| client.get("/git/info/refs?service=git-receive-pack").expect(200).text();
    let ada = all.told.server.client().with_key(&all.told.admin.key);
    assert!(told(&all.ed).contains(" no-thin\n") && !told(&ada).contains("no-thin"), "{}", told(&all.ed));
    // A large folder, of which little changes: git would send changes to it.
    let many: Vec<_> = (0..300)
        .map(|nth| {
            let id = format!("m{nth:03}");
            (format!("backend-services/{id}.json"), file(&service(&id)))
        })
        .collect();
    let files: Vec<(&str, Option<&[u8]>)> =
        many.iter().map(|(path, bytes)| (path.as_str(), Some(bytes.as_slice()))).collect();
    all.work.commit(&files, "Many");
    all.work.text(&["push", "--quiet", "origin", "HEAD:staging"]);
    for state in ["one", "two"] {
        all.work.describe("m007", state);
        all.work.text(&["push", "--quiet", "origin", "HEAD:staging"]);
    }
    assert_eq!(
        all.ed.get("/conf/staging/backend-services/m007").expect(200).json(),
        described("m007", "two")
    );
}
