//! Pushes that are accepted: they are in the REST history at once.

use std::io::Read;

use serde_json::{Value, json};

use super::{SERVICES, WEB, WEB_FILE, Work, url};
use crate::access::tls::Authority;
use crate::support::documents::{described, file, service};
use crate::support::follower::Follower;
use crate::support::{Client, Server, wait_for};

fn start() -> (Server, Client, Work) {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    let work = Work::clone(&url(&server, None), &[]);
    (server, client, work)
}

/// The server and the person have the same, and git finds both sound.
#[track_caller]
fn assert_alike(server: &Server, work: &Work, branch: &str) {
    assert_eq!(server.git().rev_parse(branch), work.text(&["rev-parse", "HEAD"]));
    server.git().fsck();
    work.fsck();
}

#[test]
fn an_edit_is_a_version_with_its_author() {
    let (server, client, work) = start();
    let mut follower = Follower::start(&server, "/conf/prod/events", &[]);
    let pushed = work.describe("web", "pushed");
    work.text(&["push", "--quiet", "origin", "prod"]);
    let shown = client.get(WEB).expect(200);
    assert_eq!((shown.version(), shown.json()), (pushed.clone(), described("web", "pushed")));
    let versions = client.get(&format!("{WEB}/versions")).expect(200).json();
    let newest = &versions["items"][0];
    assert_eq!(newest["version"], json!(pushed));
    assert_eq!((&newest["author"], &newest["email"]), (&json!("Ann"), &json!("ann@example.com")));
    assert_eq!(newest["message"], json!("pushed"));
    let (id, event) = follower.next();
    assert_eq!((id, &event["changes"][0]["id"]), (pushed, &json!("web")));
    // And REST goes on where the push has ended.
    client.put(WEB, &described("web", "by REST")).expect(200);
    work.text(&["pull", "--quiet", "--ff-only"]);
    assert_alike(&server, &work, "prod");
}

#[test]
fn several_commits_and_a_merge_keep_their_ids() {
    let (server, client, work) = start();
    let first = work.describe("web", "one");
    work.text(&["checkout", "--quiet", "-b", "side"]);
    let side = work.describe("side", "aside");
    work.text(&["checkout", "--quiet", "prod"]);
    let second = work.describe("web", "two");
    work.text(&["merge", "--quiet", "--no-ff", "-m", "Merge", "side"]);
    let merge = work.text(&["rev-parse", "HEAD"]);
    work.text(&["push", "--quiet", "origin", "prod"]);
    let versions = client.get("/conf/configs/prod/versions").expect(200).json();
    let items = versions["items"].as_array().expect("items");
    let listed: Vec<_> = items.iter().filter_map(|item| item["version"].as_str()).take(3).collect();
    assert_eq!(listed, [&merge, &second, &first]);
    assert_eq!(versions["items"][0]["parents"], json!([second, side]));
    assert_eq!(client.get(SERVICES).expect(200).total(), 2);
    assert_alike(&server, &work, "prod");
}

#[test]
fn a_thousand_files_are_one_version() {
    let (server, client, work) = start();
    let files: Vec<(String, Vec<u8>)> = (0..1000)
        .map(|number| format!("s{number}"))
        .map(|id| (format!("backend-services/{id}.json"), file(&described(&id, "many"))))
        .collect();
    let files: Vec<(&str, Option<&[u8]>)> =
        files.iter().map(|(path, bytes)| (path.as_str(), Some(bytes.as_slice()))).collect();
    work.commit(&files, "A thousand");
    work.text(&["push", "--quiet", "origin", "prod"]);
    assert_eq!(client.get(SERVICES).expect(200).total(), 1001);
    assert_eq!(client.get(&format!("{SERVICES}/s999")).expect(200).json(), described("s999", "many"));
    work.text(&["rm", "--quiet", "-r", "backend-services"]);
    work.commit(&[], "None");
    work.text(&["push", "--quiet", "origin", "prod"]);
    assert_eq!(client.get(SERVICES).expect(200).total(), 0);
    assert_alike(&server, &work, "prod");
}

#[test]
fn a_new_branch_is_a_configuration_and_one_that_is_deleted_an_archive() {
    let (server, client, work) = start();
    work.text(&["checkout", "--quiet", "-b", "staging"]);
    work.describe("web", "on staging");
    work.text(&["push", "--quiet", "-u", "origin", "staging"]);
    assert_eq!(
        client.get("/conf/staging/backend-services/web").expect(200).json()["description"],
        "on staging"
    );
    assert_eq!(client.get(WEB).expect(200).json()["description"], "");
    assert_alike(&server, &work, "staging");
    work.text(&["tag", "-a", "-m", "First", "staging/v1"]);
    work.text(&["push", "--quiet", "origin", "staging/v1"]);
    work.text(&["push", "--quiet", "origin", "--delete", "staging"]);
    client.get("/conf/configs/staging").expect_error(404);
    let refs = server.git().refs();
    let archives: Vec<_> =
        refs.iter().filter(|(name, _)| name.starts_with("refs/archive/staging/")).collect();
    assert_eq!(archives.len(), 1, "{refs:?}");
    let tip = work.text(&["rev-parse", "staging"]);
    assert_eq!(archives[0].1, tip);
    let archive = archives[0].0.trim_start_matches("refs/archive/");
    client.post("/conf/configs/staging", &json!({"from": {"archive": archive}})).expect(201);
    client.get("/conf/configs/staging/releases/v1").expect(200);
    server.git().fsck();
}

#[test]
fn an_annotated_tag_is_a_release() {
    let (server, client, work) = start();
    let tip = work.text(&["rev-parse", "prod"]);
    work.text(&["tag", "-a", "-m", "The first", "prod/v1"]);
    work.text(&["push", "--quiet", "origin", "prod/v1"]);
    let release = client.get("/conf/configs/prod/releases/v1").expect(200).json();
    assert_eq!((&release["version"], &release["message"]), (&json!(tip), &json!("The first")));
    client.get(&format!("{WEB}?version=v1")).expect(200);
    // A version and its release come together.
    work.describe("web", "two");
    work.text(&["tag", "-a", "-m", "The second", "prod/v2"]);
    work.text(&["push", "--quiet", "origin", "prod", "prod/v2"]);
    assert_eq!(client.get("/conf/configs/prod/releases").expect(200).total(), 2);
    work.text(&["push", "--quiet", "origin", "--delete", "prod/v1"]);
    client.get("/conf/configs/prod/releases/v1").expect_error(404);
    assert_alike(&server, &work, "prod");
}

/// What was pushed is there after a crash, and after an answer it has all been synced.
#[test]
fn a_push_survives_a_kill() {
    let (mut server, client, work) = start();
    drop(client);
    let pushed = work.describe("web", "the last word");
    work.text(&["push", "--quiet", "origin", "prod"]);
    server.kill();
    server.start_again();
    assert_eq!(server.client().get(WEB).expect(200).version(), pushed);
    assert_alike(&server, &work, "prod");
}

/// So many times the service is killed.
const KILLS: u64 = 8;

/// In kills at moments that move through the time that a push takes, all of it is there or nothing.
#[test]
fn a_push_that_the_service_dies_of_is_done_or_not() {
    let (mut server, client, work) = start();
    drop(client);
    for kill in 0..KILLS {
        let before = server.git().rev_parse("prod");
        work.text(&["remote", "set-url", "origin", &url(&server, None)]);
        work.text(&["fetch", "--quiet", "origin"]);
        work.text(&["reset", "--quiet", "--hard", "origin/prod"]);
        let files: Vec<(String, Vec<u8>)> = (0..200)
            .map(|number| format!("k{number}"))
            .map(|id| (format!("backend-services/{id}.json"), file(&described(&id, &kill.to_string()))))
            .collect();
        let files: Vec<(&str, Option<&[u8]>)> =
            files.iter().map(|(path, bytes)| (path.as_str(), Some(bytes.as_slice()))).collect();
        let pushed = work.commit(&files, "Many");
        let mut push = work.command(&["push", "--quiet", "origin", "prod"]).spawn().expect("git runs");
        let begun = std::time::Instant::now();
        // Between nothing and the time that a push takes here.
        wait_for("the moment", || {
            let ended = push.try_wait().expect("git can be waited for").is_some();
            (ended || begun.elapsed().as_millis() >= u128::from(40 * kill)).then_some(())
        });
        server.kill();
        let told = push.wait().expect("git ends").success();
        server.start_again();
        let now = server.git().rev_parse("prod");
        assert!(now == before || now == pushed, "{now}");
        assert!(!told || now == pushed, "a push that was acknowledged is lost");
        let descriptions = server.client().get("/conf/prod/backend-services/k199");
        assert_eq!(
            descriptions.status == 200 && descriptions.json()["description"] == json!(kill.to_string()),
            now == pushed
        );
        server.git().fsck();
        // Git's process may outlive the service for a moment, and finds nobody to ask.
        let objects = server.data().join("repository.git/objects");
        wait_for("what was pushed to be taken away", || {
            let names = std::fs::read_dir(&objects)
                .expect("a folder")
                .map(|entry| entry.expect("an entry").file_name());
            (!names.into_iter().any(|name| name.to_string_lossy().contains("incoming"))).then_some(())
        });
    }
}

#[test]
fn all_of_it_goes_over_tls_and_http_2() {
    let authority = Authority::new();
    authority.issue("one");
    authority.install("one");
    let server = authority.builder(Server::builder()).start();
    let address = format!("https://{}/git", server.address());
    let trust = format!("http.sslCAInfo={}", authority.text("ca.pem"));
    for version in ["HTTP/2", "HTTP/1.1"] {
        let config = ["-c", &trust, "-c", &format!("http.version={version}")];
        let work = Work::clone(&address, &config);
        let mut noise = [0; 1000];
        let chance = std::fs::File::open("/dev/urandom");
        chance.and_then(|mut chance| chance.read_exact(&mut noise)).expect("chance");
        let description: String = noise.iter().map(|byte| format!("{byte:02x}")).collect();
        work.describe("web", description.get(..1000).expect("enough"));
        work.describe("api", description.get(1000..2000).expect("enough"));
        work.text(&["push", "--quiet", "origin", "prod"]);
        work.text(&["fetch", "--quiet", "origin"]);
        assert_alike(&server, &work, "prod");
    }
}

/// The README's first tour, by somebody who has git alone.
#[test]
fn a_person_does_the_whole_job_with_git_alone() {
    let (server, client, work) = start();
    for description in ["one", "two"] {
        work.describe("web", description);
    }
    work.text(&["push", "--quiet", "origin", "prod"]);
    work.text(&["revert", "--no-edit", "HEAD"]);
    work.text(&["tag", "-a", "-m", "Back", "prod/v1"]);
    work.text(&["push", "--quiet", "origin", "prod", "prod/v1"]);
    work.text(&["checkout", "--quiet", "-b", "staging"]);
    work.describe("api", "new");
    work.text(&["push", "--quiet", "origin", "staging"]);
    work.text(&["checkout", "--quiet", "prod"]);
    work.text(&["merge", "--quiet", "--no-ff", "-m", "Release the API", "staging"]);
    work.text(&["push", "--quiet", "origin", "prod"]);
    let messages: Vec<Value> = client.get("/conf/configs/prod/versions").expect(200).json()["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["message"].clone())
        .collect();
    assert_eq!(messages[0], "Release the API");
    assert!(messages[1].as_str().is_some_and(|text| text.starts_with("Revert \"two\"")), "{messages:?}");
    assert_eq!(client.get(WEB).expect(200).json()["description"], "one");
    client.get("/conf/prod/backend-services/api").expect(200);
    let untouched = server.git().show("prod", WEB_FILE);
    assert_eq!(client.get(WEB).expect(200).body, untouched);
    assert_alike(&server, &work, "prod");
}
