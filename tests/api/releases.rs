//! Releases: versions that have a name for good, which are annotated tags of the repository.

mod archives;
mod by_hand;
mod names;
mod requests;
mod versions;

use serde_json::{Value, json};

use crate::support::documents::{described, service};
use crate::support::{Answer, Client, Server};

const CONFIG: &str = "/conf/configs/prod";
const RELEASES: &str = "/conf/configs/prod/releases";
const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";

#[track_caller]
fn release(client: &Client, name: &str, body: &Value) -> Answer {
    client.put(&format!("{RELEASES}/{name}"), body)
}

/// `web` in two versions, oldest first.
#[track_caller]
fn two_versions(client: &Client) -> [String; 2] {
    let first = client.post(WEB, &service("web")).expect(201).version();
    [first, client.put(WEB, &described("web", "newer")).expect(200).version()]
}

fn names(answer: &Answer) -> Vec<String> {
    answer.items().iter().map(|item| item["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn a_version_gets_a_name() {
    let server = Server::start();
    let client = server.client();
    let git = server.git();
    let [first, newest] = two_versions(&client);
    let made = release(&client, "v1", &json!({"version": first, "message": "The first\n\nWith reasons"}));
    let made = made.expect(201);
    assert_eq!(made.json(), json!({"message": "Successfully created entry"}));
    assert_eq!(made.location(), format!("{RELEASES}/v1"));
    assert_eq!(made.version(), newest, "no commit was made");
    assert_eq!(made.object(), git.rev_parse("refs/tags/prod/v1"), "the tag is the tag's");

    let shown = client.get(&format!("{RELEASES}/v1")).expect(200);
    let record = shown.json();
    assert_eq!(shown.etag(), made.etag());
    assert_eq!(record["name"], "v1");
    assert_eq!(record["version"], json!(first));
    assert_eq!(
        (&record["message"], &record["by"]),
        (&json!("The first\n\nWith reasons"), &json!("anonymous"))
    );
    let date = record["date"].as_str().expect("a date");
    assert!(date.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(date).is_ok(), "{date}");
    let list = client.get(RELEASES).expect(200);
    assert_eq!(list.json(), json!({"total": 1, "items": [record]}));
    assert_eq!(list.version(), newest);
}

#[test]
fn git_sees_an_annotated_tag() {
    let server = Server::start();
    let client = server.client();
    let git = server.git();
    let [first, _] = two_versions(&client);
    release(&client, "v1.0", &json!({"version": first, "message": "Why\n\nBecause"})).expect(201);
    let time = git.text(&["for-each-ref", "--format=%(taggerdate:unix)", "refs/tags/prod/v1.0"]);
    let expected = format!(
        "object {first}\ntype commit\ntag prod/v1.0\ntagger anonymous <anonymous@localhost> {time} +0000\n\nWhy\n\nBecause"
    );
    assert_eq!(git.text(&["cat-file", "tag", "prod/v1.0"]), expected);
    assert_eq!(git.text(&["describe", "--exact-match", &first]), "prod/v1.0");
    assert!(git.text(&["show", "--no-patch", "prod/v1.0"]).starts_with("tag prod/v1.0\nTagger: anonymous"));
    git.fsck();
    // It has no signature, which is all that git has to say against it.
    let verified = std::process::Command::new("git")
        .arg("-C")
        .arg(git.directory())
        .args(["tag", "-v", "prod/v1.0"])
        .env("LC_ALL", "C")
        .output()
        .expect("git runs");
    assert_eq!(String::from_utf8_lossy(&verified.stderr).trim(), "error: no signature found");
    let (home, clone) = git.clone();
    assert_eq!(clone.rev_parse("prod/v1.0^{commit}"), first, "a clone has it");
    drop(home);
    git.assert_no_leftovers();
}

#[test]
fn the_same_again_changes_nothing() {
    let server = Server::start();
    let client = server.client();
    let [first, newest] = two_versions(&client);
    let made = release(&client, "v1", &json!({"version": first})).expect(201);
    let before = server.git().everything();
    for body in [
        json!({"version": first}),
        json!({"version": first[..9]}),
        json!({"version": "v1", "message": "Other"}),
    ] {
        let again = release(&client, "v1", &body).expect(200);
        assert_eq!(again.json(), json!({"message": "Successfully updated entry"}));
        assert_eq!((again.etag(), again.version()), (made.etag(), newest.clone()));
    }
    assert_eq!(client.get(&format!("{RELEASES}/v1")).expect(200).json()["message"], "Release v1");
    for body in [json!({"version": newest}), json!({})] {
        let refused = release(&client, "v1", &body).expect_error(409);
        assert!(refused.message().contains(&first), "it says where the release is: {refused:?}");
    }
    assert_eq!(server.git().everything(), before);
}

#[test]
fn without_a_body_the_newest_version_is_released() {
    let server = Server::start();
    let client = server.client();
    let [_, newest] = two_versions(&client);
    client.request("PUT", &format!("{RELEASES}/v1")).send().expect(201);
    release(&client, "v2", &json!({})).expect(201);
    for name in ["v1", "v2"] {
        let record = client.get(&format!("{RELEASES}/{name}")).expect(200).json();
        assert_eq!(
            (&record["version"], &record["message"]),
            (&json!(newest), &json!(format!("Release {name}")))
        );
    }
}

#[test]
fn a_release_is_taken_away_and_its_version_stays() {
    let server = Server::start();
    let client = server.client();
    let [first, newest] = two_versions(&client);
    release(&client, "v1", &json!({"version": first})).expect(201);
    let gone = client.delete(&format!("{RELEASES}/v1")).expect(200);
    assert_eq!(gone.json(), json!({"message": "Successfully deleted entry"}));
    assert_eq!((gone.version(), gone.header("etag")), (newest.clone(), None));
    client.get(&format!("{RELEASES}/v1")).expect_error(404);
    client.delete(&format!("{RELEASES}/v1")).expect_error(404);
    client.get(&format!("{WEB}?version=v1")).expect_error(404);
    client.get(&format!("{WEB}?version={first}")).expect(200);
    assert_eq!(client.get(RELEASES).expect(200).json(), json!({"total": 0, "items": []}));
    assert!(server.git().find("refs/tags/prod/v1").is_none());
    release(&client, "v1", &json!({"version": newest})).expect(201);
    server.git().fsck();
}

#[test]
fn lists_are_paged_newest_first() {
    let server = Server::start();
    let client = server.client();
    let mut all = Vec::new();
    for number in 0..7 {
        release(&client, &format!("v{number}"), &json!({})).expect(201);
    }
    let whole = client.get(RELEASES).expect(200);
    let dates: Vec<_> = whole.items().iter().map(|item| item["date"].to_string()).collect();
    assert!(dates.is_sorted_by(|a, b| a >= b), "newest first: {dates:?}");
    let mut next = Some(format!("{RELEASES}?limit=3"));
    while let Some(path) = next {
        let page = client.get(&path).expect(200);
        assert_eq!(page.total(), 7);
        assert!(page.items().len() <= 3);
        all.extend(names(&page));
        next = page.next_page();
    }
    assert_eq!(all, names(&whole));
    client.get(&format!("{RELEASES}?after=none")).expect_error(404);
    client.get(&format!("{RELEASES}?limit=0")).expect_error(422);
    let same = client.request("GET", RELEASES).if_none_match(&whole.etag()).send().expect(304);
    assert_eq!(same.version(), whole.version());
}

#[test]
fn what_is_released_survives_a_crash_and_a_restart() {
    let mut server = Server::start();
    let client = server.client();
    let [first, newest] = two_versions(&client);
    release(&client, "v1", &json!({"version": first})).expect(201);
    release(&client, "v2", &json!({"version": first})).expect(201);
    client.delete(&format!("{RELEASES}/v2")).expect(200);
    let before = client.get(RELEASES).expect(200).text();
    server.kill();
    server.start_again();
    assert_eq!(server.client().get(RELEASES).expect(200).text(), before);
    server.stop();
    server.start_again();
    let client = server.client();
    assert_eq!(client.get(RELEASES).expect(200).text(), before);
    release(&client, "v2", &json!({"version": newest})).expect(201);
    server.git().assert_sound(&["prod"]);
}

#[test]
fn of_many_at_once_one_wins() {
    let server = Server::start();
    let client = server.client();
    let versions: Vec<String> = (0..8)
        .map(|n| client.put(CONFIG, &json!({"description": n.to_string()})).expect(200).version())
        .collect();
    for round in 0..5 {
        let name = format!("r{round}");
        let statuses: Vec<(u16, &String)> = std::thread::scope(|threads| {
            let asked: Vec<_> = versions
                .iter()
                .map(|version| {
                    let (client, name) = (client.clone(), name.clone());
                    threads.spawn(move || {
                        (release(&client, &name, &json!({"version": version})).status, version)
                    })
                })
                .collect();
            asked.into_iter().map(|thread| thread.join().expect("an answer")).collect()
        });
        let made: Vec<_> = statuses.iter().filter(|(status, _)| *status == 201).collect();
        assert_eq!(made.len(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|(status, _)| matches!(status, 201 | 409)), "{statuses:?}");
        let shown = client.get(&format!("{RELEASES}/{name}")).expect(200).json();
        assert_eq!(shown["version"], json!(made[0].1));
    }
    server.git().fsck();
}

/// Together they are enough for a pack.
#[test]
fn many_at_once_are_all_there() {
    let server = Server::start();
    let client = server.client();
    let version = client.post(WEB, &service("web")).expect(201).version();
    for round in 0..4 {
        std::thread::scope(|threads| {
            for number in 0..40 {
                let client = client.clone();
                threads
                    .spawn(move || release(&client, &format!("r{round}-{number}"), &json!({})).expect(201));
            }
        });
    }
    assert_eq!(client.get(RELEASES).expect(200).total(), 160);
    let git = server.git();
    assert_eq!(git.text(&["tag", "--points-at", &version]).lines().count(), 160);
    git.fsck();
    git.text(&["gc", "--quiet"]);
    assert_eq!(client.get(&format!("{RELEASES}/r3-39")).expect(200).json()["version"], json!(version));
    assert_eq!(client.get(RELEASES).expect(200).total(), 160);
}
