//! Somebody changes the bare repository while the service is stopped: commits that were acknowledged are not taken away
//! without a word.

use std::fs;
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use super::{SERVICES, WEB, mend};
use crate::support::documents::{described, file, full_service, service};
use crate::support::program::run;
use crate::support::{Client, Git, Server, planted};

/// `prod` with three versions of `web`, and how the service is to be stopped.
fn start() -> (Server, Git, Vec<String>) {
    let server = Server::start();
    let client = server.client();
    let mut versions = vec![client.post(WEB, &service("web")).expect(201).version()];
    for state in ["two", "three"] {
        versions.push(client.put(WEB, &described("web", state)).expect(200).version());
    }
    let git = server.git();
    (server, git, versions)
}

/// What was acknowledged last is read over REST and by git; a write says what would mend it.
#[track_caller]
fn assert_astray(server: &Server, newest: &str) -> String {
    let client = server.client();
    let web = client.get(WEB).expect(200);
    assert_eq!((web.json(), web.version()), (described("web", "three"), newest.to_owned()));
    let listed = server.git().text(&["ls-remote", &format!("http://{}/git", server.address())]);
    assert!(listed.contains(&format!("{newest}\trefs/heads/prod")), "{listed}");
    let refused = client.request("PUT", WEB).json(&described("web", "four")).allow_5xx().send();
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.message().contains(newest), "{refused:?}");
    client
        .post(&format!("/conf/configs/other-{}", client.get("/conf/configs").total()), &json!({}))
        .expect(201);
    refused.message()
}

#[track_caller]
fn assert_mended(client: &Client, versions: &[String]) {
    client.put(WEB, &described("web", "four")).expect(200);
    let listed = client.get(&format!("{WEB}/versions")).expect(200).versions();
    assert!(versions.iter().all(|version| listed.contains(version)), "{listed:?}");
}

#[test]
fn a_branch_that_went_back_or_aside_or_is_gone_is_served_as_it_was_acknowledged() {
    for way in ["back", "aside", "away", "gone"] {
        let (mut server, git, versions) = start();
        let newest = versions.last().expect("one");
        assert_eq!(server.stop().code(), Some(0));
        let who = ["-c", "user.name=a", "-c", "user.email=a@b"];
        let new = |arguments: &[&str]| git.text(&[&who[..], arguments].concat()).trim().to_owned();
        let tree = git.rev_parse("prod^{tree}");
        let to = match way {
            "back" => versions[0].clone(),
            "aside" => new(&["commit-tree", "-m", "m", "-p", "prod^", "-p", "prod", &tree]),
            "away" => new(&["commit-tree", "-m", "m", &tree]),
            _ => String::new(),
        };
        match to.as_str() {
            "" => git.text(&["update-ref", "-d", "refs/heads/prod"]),
            to => git.text(&["update-ref", "refs/heads/prod", to]),
        };
        server.start_again();
        let message = assert_astray(&server, newest);
        assert!(message.contains(&to), "{way}: {message}");
        // Neither a restart nor a kill makes anybody forget.
        server.stop();
        server.start_again();
        assert_astray(&server, newest);
        server.kill();
        server.start_again();
        let message = assert_astray(&server, newest);
        mend(&git, &message);
        assert_mended(&server.client(), &versions);
        server.stop();
        server.start_again();
        assert_mended(&server.client(), &versions);
        git.fsck();
    }
}

#[test]
fn a_branch_that_went_back_after_a_kill_is_where_it_was_acknowledged() {
    for checkpoint in [false, true] {
        let period = if checkpoint { "1" } else { "3600" };
        let mut server = Server::builder().env("REVCONF_JOURNAL_PERIOD", period).start();
        let client = server.client();
        let first = client.post(WEB, &service("web")).expect(201).version();
        let newest = client.put(WEB, &described("web", "three")).expect(200).version();
        if checkpoint {
            let tips = server.data().join("tips");
            crate::support::wait_for("a checkpoint", || {
                fs::read_to_string(&tips).is_ok_and(|text| text.contains(&newest)).then_some(())
            });
        }
        server.kill();
        let git = server.git();
        git.text(&["update-ref", "refs/heads/prod", &first]);
        server.start_again();
        // As long as the journal knows how it came there, it is brought back by that.
        let client = server.client();
        assert_eq!(client.get(WEB).expect(200).version(), newest);
        let answer = client.request("PUT", WEB).json(&described("web", "four")).allow_5xx().send();
        if answer.status == 503 {
            mend(&git, &answer.message());
        }
        assert_mended(&client, &[first, newest]);
    }
}

#[test]
fn what_somebody_added_may_be_taken_away_again() {
    let (mut server, git, versions) = start();
    server.stop();
    planted::add(&git, "prod", "backend-services/api.json", &file(&full_service("api")));
    server.start_again();
    assert_eq!(server.client().get(SERVICES).expect(200).total(), 2);
    server.stop();
    git.text(&["update-ref", "refs/heads/prod", versions.last().expect("one")]);
    server.start_again();
    assert_eq!(server.client().get(SERVICES).expect(200).total(), 1);
    assert_mended(&server.client(), &versions);
}

#[test]
fn what_was_deleted_by_the_service_is_missed_by_nobody() {
    let (mut server, _, _) = start();
    let client = server.client();
    client.post("/conf/configs/other", &json!({})).expect(201);
    server.stop();
    let tips = server.data().join("tips");
    let before = fs::read(&tips).expect("the tips");
    server.start_again();
    server.client().delete("/conf/configs/other").expect(200);
    server.client().post("/conf/configs/other", &json!({"description": "new"})).expect(201);
    server.stop();
    // As a program leaves them that knows nothing of them.
    fs::write(&tips, before).expect("written");
    server.start_again();
    server.client().put("/conf/configs/other", &json!({"description": "newer"})).expect(200);
}

#[test]
fn without_what_was_acknowledged_the_branch_is_taken_as_it_is() {
    for how in ["pruned", "forgotten", "copied"] {
        let (mut server, git, versions) = start();
        server.stop();
        let repository = server.data().join("repository.git");
        git.text(&["update-ref", "refs/heads/prod", &versions[1]]);
        match how {
            "pruned" => drop(git.text(&["-c", "gc.reflogExpire=now", "gc", "--quiet", "--prune=now"])),
            "forgotten" => fs::remove_file(server.data().join("tips")).expect("the tips"),
            _ => {
                // What the refs lead to, and nothing else.
                let aside = server.data().join("aside.git");
                fs::rename(&repository, &aside).expect("moved");
                let [from, to] = [&aside, &repository].map(|path| path.to_str().expect("UTF-8"));
                Git::at(&aside).text(&["clone", "--quiet", "--mirror", &format!("file://{from}"), to]);
            }
        }
        server.start_again();
        let client = server.client();
        assert_eq!(client.get(WEB).expect(200).json(), described("web", "two"), "{how}");
        assert_mended(&client, &versions[..2]);
        server.stop();
        server.start_again();
        assert_mended(&server.client(), &versions[..2]);
    }
}

#[test]
fn an_older_copy_of_the_whole_directory_is_what_it_was() {
    let (mut server, _, versions) = start();
    server.stop();
    let home = TempDir::new().expect("a folder");
    let copy = home.path().join("copy");
    let copied = Command::new("cp").arg("-a").arg(server.data()).arg(&copy).status().expect("cp");
    assert!(copied.success());
    server.start_again();
    server.client().put(WEB, &described("web", "four")).expect(200);
    let older = Server::builder().data(&copy).start();
    assert_eq!(older.client().get(WEB).expect(200).json(), described("web", "three"));
    assert_mended(&older.client(), &versions);
}

#[test]
fn a_backup_has_what_was_acknowledged() {
    let (mut server, git, versions) = start();
    let newest = versions.last().expect("one");
    server.stop();
    git.text(&["update-ref", "refs/heads/prod", &versions[0]]);
    server.start_again();
    assert_astray(&server, newest);
    let home = TempDir::new().expect("a folder");
    let (data, folder) = (server.data().to_str().expect("a path"), home.path().to_str().expect("a path"));
    run(&["backup", "--data", data, folder]).expect_success();
    let file = fs::read_dir(home.path()).expect("a folder").map(|entry| entry.expect("an entry").path());
    let bundle = file.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "bundle"));
    let bundle = bundle.expect("a backup");
    let heads = git.text(&["bundle", "list-heads", bundle.to_str().expect("a path")]);
    assert!(heads.contains(&format!("{newest} refs/heads/prod")), "{heads}");
}

#[test]
fn a_configuration_that_was_brought_back_does_not_go_back_further() {
    let (mut server, git, versions) = start();
    let newest = versions.last().expect("one");
    let client = server.client();
    let archive = client.delete("/conf/configs/prod").expect(200).json()["archive"].clone();
    client.post("/conf/configs/prod", &json!({"from": {"archive": archive}})).expect(201);
    let newest = if git.rev_parse("prod") == *newest { newest.clone() } else { git.rev_parse("prod") };
    server.stop();
    git.text(&["update-ref", "refs/heads/prod", &versions[0]]);
    server.start_again();
    assert_astray(&server, &newest);
}

#[test]
fn branches_that_the_journal_does_not_name_are_noted_at_the_first_start() {
    let (mut server, git, versions) = start();
    let newest = versions.last().expect("one").clone();
    server.client().post("/conf/configs/staging", &json!({})).expect(201);
    server.stop();
    server.start_again();
    server.client().post("/conf/staging/backend-services/s", &service("s")).expect(201);
    // As an older version leaves it, which has no notes.
    server.kill();
    fs::remove_file(server.data().join("tips")).expect("a file");
    server.start_again();
    server.stop();
    git.text(&["update-ref", "refs/heads/prod", &versions[0]]);
    server.start_again();
    assert_astray(&server, &newest);
}

#[test]
fn notes_that_cannot_be_read_are_told_and_those_that_cannot_be_written_hold_nothing_up() {
    let (mut server, _, versions) = start();
    server.stop();
    let notes = server.data().join("tips");
    let good = fs::read(&notes).expect("a file");
    fs::write(&notes, b"prod \xff\n").expect("a file can be written");
    let refused =
        run(&["serve", "--listen", "127.0.0.1:0", "--data", server.data().to_str().expect("a path")]);
    assert!(!refused.status.success() && refused.stderr.contains("tips: "), "{refused:?}");
    fs::write(&notes, good).expect("a file can be written");
    // In the place of the file that is to become the notes.
    fs::create_dir(server.data().join("tips.new")).expect("a folder");
    server.start_again();
    server.client().put(WEB, &described("web", "four")).expect(200);
    server.stop();
    let journal = fs::read_dir(server.data().join("journal")).expect("a folder");
    let left: u64 = journal.map(|entry| entry.expect("an entry").metadata().expect("a file").len()).sum();
    assert_eq!(left, 0, "the journal was emptied nevertheless");
    fs::remove_dir(server.data().join("tips.new")).expect("a folder");
    server.start_again();
    assert_mended(&server.client(), &versions);
}
