//! Nobody sees or fetches what they may not read.

mod guessed;

use serde_json::json;
use tempfile::TempDir;

use super::{WEB, WEB_FILE, Work, line, push, url, wanting};
use crate::access::{NewKey, Principals, new_key};
use crate::support::documents::{described, service};
use crate::support::program::finish;
use crate::support::{Client, Git, Server};

/// `prod`, `staging` and an archive of `old`, with an admin, a reader of staging alone, and one of everything.
struct Told {
    server: Server,
    admin: NewKey,
    staging: NewKey,
    all: NewKey,
}

fn start() -> Told {
    start_with(&[])
}

/// The same with further principals.
fn start_with(others: &[&NewKey]) -> Told {
    let admin = new_key("ada", &["admin=*"], &[]);
    let staging = new_key("sam", &["reader=staging"], &[]);
    let all = new_key("eve", &["reader=*"], &[]);
    let server = Principals::of(&[&[&admin, &staging, &all], others].concat()).builder().start();
    let client = server.client().with_key(&admin.key);
    client.post(WEB, &service("web")).expect(201);
    client.put(WEB, &described("web", "secret")).expect(200);
    client.put("/conf/configs/prod/releases/v1", &json!({})).expect(201);
    client.post("/conf/configs/staging", &json!({})).expect(201);
    for state in ["one", "two"] {
        client.put("/conf/staging/backend-services/web", &described("web", state)).expect(404);
        client.request("POST", "/conf/staging/backend-services/s").json(&described("s", state)).send();
        client.put("/conf/staging/backend-services/s", &described("s", state)).expect(200);
    }
    client.put("/conf/configs/staging/releases/s1", &json!({})).expect(201);
    client.post("/conf/configs/old", &json!({"description": "was"})).expect(201);
    client.put("/conf/configs/old/releases/o1", &json!({})).expect(201);
    client.delete("/conf/configs/old").expect(200);
    Told { server, admin, staging, all }
}

fn names(listed: &str) -> Vec<&str> {
    listed.lines().filter_map(|line| line.split('\t').nth(1)).collect()
}

#[test]
fn each_sees_the_refs_that_they_may_read() {
    let told = start();
    let list = |name: &str, key: &NewKey, version: &str| {
        let address = url(&told.server, Some((name, &key.key)));
        Work::new().text(&["-c", &format!("protocol.version={version}"), "ls-remote", &address])
    };
    for version in ["0", "2"] {
        assert_eq!(
            names(&list("sam", &told.staging, version)),
            ["HEAD", "refs/heads/staging", "refs/tags/staging/s1", "refs/tags/staging/s1^{}"]
        );
        let everything = list("ada", &told.admin, version);
        let archived: Vec<_> =
            names(&everything).into_iter().filter(|name| name.starts_with("refs/archive")).collect();
        assert_eq!(archived.len(), 3, "{everything}");
        let read = list("eve", &told.all, version);
        assert!(!read.contains("refs/archive") && read.contains("refs/tags/prod/v1"), "{read}");
    }
    let work = Work::clone(&url(&told.server, Some(("sam", &told.staging.key))), &[]);
    assert_eq!(work.text(&["symbolic-ref", "HEAD"]), "refs/heads/staging");
    work.fsck();
}

/// Whether a request that names an object gets it, in git's second protocol and without any.
#[track_caller]
fn gets(client: &Client, id: &str) -> bool {
    let new = client
        .request("POST", "/git/git-upload-pack")
        .header("Git-Protocol", "version=2")
        .header("Content-Type", "application/x-git-upload-pack-request")
        .body(wanting(&[id]))
        .send()
        .expect(200);
    let old = format!("{}0000{}", line(&format!("want {id} side-band-64k\n")), line("done\n"));
    let old = client
        .request("POST", "/git/git-upload-pack")
        .header("Content-Type", "application/x-git-upload-pack-request")
        .body(old)
        .send()
        .expect(200);
    let got = |body: &[u8]| body.windows(4).any(|four| four == b"PACK");
    assert_eq!(got(&new.body), got(&old.body), "{id}");
    if !got(&new.body) {
        let said = String::from_utf8_lossy(&new.body).into_owned();
        assert!(said.contains(&format!("ERR upload-pack: not our ref {id}")), "{said}");
    }
    got(&new.body)
}

#[test]
fn what_is_asked_for_by_its_id_is_given_to_those_who_may_read_it() {
    let told = start();
    let (git, client) = (told.server.git(), told.server.client());
    let [sam, eve, ada] = [&told.staging, &told.all, &told.admin].map(|key| client.with_key(&key.key));
    let archive = git.refs().into_iter().find(|(name, _)| name.starts_with("refs/archive/")).expect("one").1;
    let file = |revision: &str| git.rev_parse(&format!("{revision}:{WEB_FILE}"));
    for hidden in [
        git.rev_parse("prod"),
        git.rev_parse("prod~1"),
        git.rev_parse("prod^{tree}"),
        file("prod"),
        file("prod~1"),
        git.rev_parse("refs/tags/prod/v1"),
    ] {
        assert!(!gets(&sam, &hidden), "{hidden}");
        assert!(gets(&eve, &hidden) && gets(&ada, &hidden), "{hidden}");
    }
    for seen in [
        "staging",
        "staging~1",
        "staging^{tree}",
        "staging:config.json",
        "staging~1:backend-services/s.json",
        "refs/tags/staging/s1",
    ] {
        assert!(gets(&sam, &git.rev_parse(seen)), "{seen}");
    }
    assert!(gets(&ada, &archive));
    assert!(!gets(&eve, &archive) && !gets(&sam, &archive));
    let nothing = "0123456789012345678901234567890123456789";
    assert!(!gets(&sam, nothing) && !gets(&eve, nothing));
    // One that may be read does not bring another along.
    let both = wanting(&[&git.rev_parse("staging"), &git.rev_parse("prod")]);
    let request = sam.request("POST", "/git/git-upload-pack").header("Git-Protocol", "version=2");
    let answer = request.header("Content-Type", "application/x-git-upload-pack-request").body(both).send();
    assert!(answer.text().contains("not our ref"), "{answer:?}");
}

#[test]
fn a_partial_clone_works_for_who_may_not_read_everything() {
    let told = start();
    let address = url(&told.server, Some(("sam", &told.staging.key)));
    let work = Work::clone(&address, &["--filter=blob:none"]);
    let old = work.text(&["show", "HEAD~1:backend-services/s.json"]);
    assert!(old.contains("one"), "{old}");
    let secret = told.server.git().rev_parse(&format!("prod:{WEB_FILE}"));
    let refused = work.git(&["fetch", "--quiet", "origin", &secret]);
    assert!(refused.stderr.contains("not our ref"), "{refused:?}");
    work.fsck();
}

#[test]
fn who_pushes_cannot_lead_to_what_they_may_not_see() {
    let ed = new_key("ed", &["editor=staging", "admin=ed-*"], &[]);
    let eva = new_key("eva", &["editor=staging", "reader=*"], &[]);
    let told = start_with(&[&ed, &eva]);
    let git = told.server.git();
    let client = told.server.client();
    client
        .with_key(&told.admin.key)
        .post("/conf/configs/ed-copy", &json!({"from": {"config": "prod"}}))
        .expect(201);
    client.with_key(&told.admin.key).put(WEB, &described("web", "later")).expect(200);
    let [as_ed, as_eva] = [&ed, &eva].map(|key| client.with_key(&key.key));
    let work = Work::clone(&url(&told.server, Some(("ed", &ed.key))), &["--branch", "staging"]);
    let (tip, hidden, tag) =
        (git.rev_parse("staging"), git.rev_parse("prod"), git.rev_parse("refs/tags/prod/v1"));
    let time = git.text(&["show", "-s", "--format=%ct", "staging"]);
    let tree = git.rev_parse("staging^{tree}");
    let who = format!("Ann <ann@example.com> {time} +0000");
    let merge =
        format!("tree {tree}\nparent {tip}\nparent {hidden}\nauthor {who}\ncommitter {who}\n\nMerge\n");
    let stored = work.command(&["hash-object", "-t", "commit", "-w", "--literally", "--stdin"]);
    let merge = finish(stored, merge.as_bytes()).expect_success().stdout.trim().to_owned();
    let nothing = "0".repeat(40);
    let before = git.refs();
    for (moved, object) in [
        ([tip.as_str(), &merge, "refs/heads/staging"], &merge),
        ([&nothing, &merge, "refs/heads/ed-1"], &merge),
        ([&nothing, &hidden, "refs/heads/ed-1"], &tip),
        ([&nothing, &tag, "refs/tags/ed-copy/t1"], &tip),
    ] {
        let said = push(&as_ed, &work, moved, object);
        assert!(said.contains(&format!("ng {} pre-receive hook declined", moved[2])), "{said}");
        assert_eq!(git.refs(), before, "{said}");
    }
    // History that is seen in a copy may be led to, and so may all by those who see all of it.
    let old = git.rev_parse("ed-copy~1");
    let said = push(&as_ed, &work, [&nothing, &old, "refs/heads/ed-2"], &tip);
    assert!(said.contains("ok refs/heads/ed-2"), "{said}");
    let said = push(&as_eva, &work, [&tip, &merge, "refs/heads/staging"], &merge);
    assert!(said.contains("ok refs/heads/staging"), "{said}");
}

/// What git answers to these lines of a request to fetch, in its second protocol and without any.
fn answers(client: &Client, want: &str, lines: &[String], options: &[&str]) -> [Vec<u8>; 2] {
    let all = |texts: &[String]| texts.iter().map(|text| line(&format!("{text}\n"))).collect::<String>();
    let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
    let new = line("command=fetch\n")
        + "0001"
        + &line(&format!("want {want}\n"))
        + &all(&options)
        + &all(lines)
        + "0000";
    let (deepened, had): (Vec<_>, Vec<_>) =
        lines.iter().cloned().partition(|text| !text.starts_with("have "));
    let old = line(&format!("want {want} {}\n", options.join(" "))) + &all(&deepened) + "0000" + &all(&had);
    [(Some("version=2"), new), (None, old + "0000")].map(|(protocol, body)| {
        let request = client.request("POST", "/git/git-upload-pack");
        let request = match protocol {
            Some(protocol) => request.header("Git-Protocol", protocol),
            None => request,
        };
        request
            .header("Content-Type", "application/x-git-upload-pack-request")
            .body(body)
            .send()
            .expect(200)
            .body
    })
}

#[test]
fn whether_an_object_is_there_is_not_told_to_those_who_may_not_see_it() {
    let told = start();
    let (git, client) = (told.server.git(), told.server.client());
    let [sam, eve] = [&told.staging, &told.all].map(|key| client.with_key(&key.key));
    let tip = git.rev_parse("staging");
    let has = |client: &Client, id: &str| {
        let [new, old] = answers(client, &tip, &[format!("have {id}")], &[])
            .map(|answer| String::from_utf8_lossy(&answer).contains(&format!("ACK {id}")));
        assert_eq!(new, old, "{id}");
        new
    };
    let commit = git.rev_parse("prod~1");
    for hidden in [&commit, &git.rev_parse("prod")] {
        assert!(!has(&sam, hidden) && has(&eve, hidden), "{hidden}");
        assert!(!has(&sam, &hidden.to_uppercase()), "{hidden}");
    }
    // A file that somebody guesses.
    assert!(!has(&sam, &git.rev_parse(&format!("prod:{WEB_FILE}"))));
    for seen in ["staging", "staging~1", "staging~2"] {
        assert!(has(&sam, &git.rev_parse(seen)), "{seen}");
    }
}

/// The pack in an answer of git's second protocol: what its lines bring on the first band. How many lines it is cut into
/// is a matter of how fast the bytes came.
fn sent(answer: &[u8]) -> Vec<u8> {
    let (mut rest, mut pack) = (answer, Vec::new());
    while let Some((size, after)) = rest.split_at_checked(4) {
        let size = usize::from_str_radix(std::str::from_utf8(size).expect("a length"), 16).expect("a length");
        let (line, after) = after.split_at(size.saturating_sub(4));
        if let Some((1, bytes)) = line.split_first() {
            pack.extend_from_slice(bytes);
        }
        rest = after;
    }
    pack
}

#[test]
fn nothing_that_is_sent_rests_on_what_may_not_be_seen() {
    let told = start();
    let (git, client) = (told.server.git(), told.server.client());
    let sam = client.with_key(&told.staging.key);
    let (tip, hidden) = (git.rev_parse("staging"), git.rev_parse("prod"));
    let nothing = "0123456789012345678901234567890123456789";
    let ask = |had: &str| {
        let lines =
            [format!("have {had}"), format!("shallow {had}"), "deepen 1".to_owned(), "done".to_owned()];
        let options = ["thin-pack", "ofs-delta", "no-progress"];
        let [new, _] = answers(&sam, &tip, &lines, &options);
        // Alone in a repository: what rests on an object that is not sent cannot be read.
        let alone = TempDir::new().expect("a temporary directory");
        let alone = Git::init(alone.path().join("alone"), "main");
        alone.fed(&["index-pack", "--stdin"], &sent(&new));
        alone.text(&["cat-file", "--batch-all-objects", "--batch-check"])
    };
    let objects = ask(nothing);
    assert_eq!(objects.lines().count(), 5, "a commit, its two trees and two files: {objects}");
    assert_eq!(ask(&hidden), objects, "the same as for one that is nowhere");
}

#[test]
fn what_is_left_out_is_not_read_from_a_file_of_the_repository() {
    let told = start();
    let (git, client) = (told.server.git(), told.server.client());
    let tip = git.rev_parse("staging");
    let nothing = "0123456789012345678901234567890123456789";
    for key in [&told.staging, &told.all] {
        let client = client.with_key(&key.key);
        for id in [&git.rev_parse(&format!("prod:{WEB_FILE}")), nothing] {
            let filter = [format!("filter sparse:oid={id}"), "done".to_owned()];
            let [new, _] = answers(&client, &tip, &filter, &[]);
            let said = String::from_utf8_lossy(&new);
            assert!(said.contains("filter 'sparse:oid' not supported") && !said.contains("PACK"), "{said}");
        }
    }
    let address = url(&told.server, Some(("sam", &told.staging.key)));
    for filter in ["blob:none", "blob:limit=1k", "tree:1", "combine:blob:none+tree:3", "object:type=commit"] {
        Work::clone(&address, &["--no-checkout", &format!("--filter={filter}")]);
    }
}
