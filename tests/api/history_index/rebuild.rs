//! What the index has to read from git.

use std::fs;

use serde_json::json;

use super::{WEB, assert_index_agrees, index, metric, settle};
use crate::support::Server;
use crate::support::documents::{completed_service, described, file, service};
use crate::support::histories::{ANN, BOB, Foreign, import};

fn foreign<'a>(
    branch: &'a str,
    files: &'a [(&'a str, &'a [u8])],
    date: &'a str,
    merges: Option<&'a str>,
) -> Foreign<'a> {
    Foreign { branch, files, message: "By hand", author: ANN, date, merges }
}

#[test]
fn commits_and_merges_made_by_hand_are_listed() {
    let mut server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    client.post("/conf/configs/side", &json!({"from": {"config": "prod"}})).expect(201);
    let side = client.put("/conf/side/backend-services/web", &described("web", "side")).expect(200).version();
    client.put(WEB, &described("web", "main")).expect(200);
    assert_index_agrees(&server);
    server.stop();
    let web = file(&described("web", "by hand"));
    let app = file(&completed_service("app"));
    let web = [("backend-services/web.json", web.as_slice())];
    let app = [("backend-services/app.json", app.as_slice())];
    let ids = import(
        &server.git(),
        &[
            foreign("prod", &web, "2091-01-01T10:00:00Z", None),
            foreign("side", &app, "2091-01-02T10:00:00Z", None),
            foreign("prod", &app, "2080-01-01T10:00:00Z", Some(&side)),
        ],
    );
    // The side that was merged is a branch no more.
    server.git().text(&["branch", "-D", "side"]);
    server.start_again();
    assert_index_agrees(&server);
    let client = server.client();
    client.put(WEB, &described("web", "goes on")).expect(200);
    for version in [&side, &ids[0], &ids[2]] {
        client.get(&format!("/conf/prod/backend-services/versions/{version}")).expect(200);
        client.get(&format!("/conf/prod/backend-services/versions/{}", &version[..9])).expect(200);
    }
    client.get(&format!("/conf/prod/backend-services/versions/{}", ids[1])).expect_error(404);
    client.get(&format!("/conf/prod/backend-services/versions/{}", &ids[1][..9])).expect_error(404);
    assert_index_agrees(&server);
}

#[test]
fn a_branch_that_was_moved_by_hand_has_the_history_that_it_was_moved_to() {
    let mut server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    let first = server.git().rev_parse("prod");
    for number in 0..5 {
        client.put(WEB, &described("web", &number.to_string())).expect(200);
    }
    assert_index_agrees(&server);
    server.stop();
    server.git().text(&["update-ref", "refs/heads/prod", &first]);
    // Else it would be served as it was acknowledged.
    fs::remove_file(server.data().join("tips")).expect("the tips can be removed");
    server.start_again();
    assert_eq!(server.client().get(&format!("{WEB}/versions")).expect(200).versions(), [first]);
    for number in 0..5 {
        server.client().put(WEB, &described("web", &format!("again {number}"))).expect(200);
    }
    assert_index_agrees(&server);
}

#[test]
fn copies_share_their_sources_history_and_archives_keep_theirs() {
    let mut server = Server::start();
    let client = server.client();
    let mut versions = vec![client.post(WEB, &service("web")).expect(201).version()];
    for number in 0..6 {
        versions.push(client.put(WEB, &described("web", &number.to_string())).expect(200).version());
    }
    for (nth, version) in versions.iter().enumerate() {
        let name = format!("copy{nth}");
        let from = json!({"from": {"config": "prod", "version": version}});
        client.post(&format!("/conf/configs/{name}"), &from).expect(201);
        client.put(&format!("/conf/{name}/backend-services/web"), &described("web", &name)).expect(200);
        let list = client.get(&format!("/conf/{name}/backend-services/web/versions")).expect(200);
        assert_eq!(list.total(), nth as u64 + 2);
    }
    // A copy of a copy, and one that goes and comes back.
    client.post("/conf/configs/deep", &json!({"from": {"config": "copy3"}})).expect(201);
    client.put("/conf/deep/backend-services/web", &described("web", "deep")).expect(200);
    let own = client.put("/conf/copy5/backend-services/app", &json!({})).status;
    assert_eq!(own, 404);
    let gone = client.get("/conf/configs/copy5").expect(200).version();
    let archive = client.delete("/conf/configs/copy5").expect(200).json()["archive"].clone();
    assert_index_agrees(&server);
    client.get(&format!("/conf/prod/backend-services/versions/{gone}")).expect_error(404);
    client.post("/conf/configs/back", &json!({"from": {"archive": archive}})).expect(201);
    assert_index_agrees(&server);
    client.get(&format!("/conf/back/backend-services/versions/{}", &gone[..8])).expect(200);
    server.stop();
    fs::remove_file(index(&server)).expect("the index can be removed");
    server.start_again();
    assert_index_agrees(&server);
}

#[test]
fn an_archive_is_read_from_git_too() {
    let mut server = Server::start();
    let client = server.client();
    client.post("/conf/configs/old", &json!({"from": {"config": "prod"}})).expect(201);
    for number in 0..3 {
        client.put("/conf/configs/old", &json!({"description": number.to_string()})).expect(200);
    }
    let archive = client.delete("/conf/configs/old").expect(200).json()["archive"].clone();
    server.stop();
    fs::remove_file(index(&server)).expect("the index can be removed");
    server.start_again();
    settle(&server);
    server.client().post("/conf/configs/back", &json!({"from": {"archive": archive}})).expect(201);
    assert_index_agrees(&server);
    assert_eq!(server.client().get("/conf/configs/back/versions").expect(200).total(), 4);
}

/// `prod` with so many more commits, in a pack as git makes it.
fn grow(server: &Server, commits: usize) {
    let git = server.git();
    let mut stream = String::new();
    for number in 0..commits {
        let id = format!("s{}", number % 7);
        let document = String::from_utf8(file(&described(&id, &number.to_string()))).expect("UTF-8");
        let message = format!("Change {number}");
        stream += "commit refs/heads/prod\n";
        stream += &format!("committer {} <{}> {} +0000\n", BOB.0, BOB.1, 3_000_000_000_u64 + number as u64);
        stream += &format!("data {}\n{message}\n", message.len());
        if number == 0 {
            stream += &format!("from {}\n", git.rev_parse("prod"));
        }
        stream +=
            &format!("M 100644 inline backend-services/{id}.json\ndata {}\n{document}\n", document.len());
    }
    git.fed(&["fast-import", "--quiet"], stream.as_bytes());
}

#[test]
fn a_long_history_is_read_while_the_service_serves_and_tells_how_far_it_has_come() {
    let mut server = Server::start();
    server.client().post(WEB, &service("web")).expect(201);
    server.stop();
    grow(&server, 12_000);
    fs::remove_file(index(&server)).expect("the index can be removed");
    server.start_again();
    let client = server.client();
    let mut total = 12_001;
    for number in 0..50 {
        let version = client.put(WEB, &described("web", &number.to_string())).expect(200).version();
        total += 1;
        if number % 10 == 0 {
            let list = client.get("/conf/prod/backend-services/versions?limit=1").expect(200);
            assert_eq!((list.versions(), list.total()), (vec![version], total));
        }
    }
    server.wait_for_log("how far it has come", |line| {
        (line.contains("building the history index") && line.contains("\"of\":1")).then_some(())
    });
    server.wait_for_log("its end", |line| line.contains("the history index is up to date").then_some(()));
    settle(&server);
    assert!(metric(&client, "revconf_index_commits_total") >= f64::from(12_051));
    let entry = client.get("/conf/prod/backend-services/s3/versions?limit=1000").expect(200);
    assert_eq!(entry.total(), (0..12_000).filter(|number| number % 7 == 3).count() as u64);
    assert_git_agrees_on_ends(&server);
    // A repository that git has tidied up is read the same.
    server.stop();
    server.git().text(&["gc", "--quiet"]);
    fs::remove_file(index(&server)).expect("the index can be removed");
    server.start_again();
    settle(&server);
    assert_git_agrees_on_ends(&server);
    server.client().put(WEB, &described("web", "the end")).expect(200);
    assert_eq!(server.stop().code(), Some(0));
}

/// The first pages; a whole list of this length is another test's.
fn assert_git_agrees_on_ends(server: &Server) {
    let (client, git) = (server.client(), server.git());
    for path in ["backend-services", "backend-services/web.json", "backend-services/s5.json"] {
        let expected: Vec<_> = git
            .log_with(&["--first-parent", "prod", "--", path])
            .into_iter()
            .map(|commit| commit.id)
            .collect();
        let list = super::list_of("prod", path);
        let page = client.get(&format!("{list}?limit=20")).expect(200);
        assert_eq!((page.total(), page.versions()), (expected.len() as u64, expected[..20].to_vec()));
        let middle = expected.len() / 2;
        let page = client.get(&format!("{list}?limit=20&after={}", &expected[middle][..20])).expect(200);
        assert_eq!(page.versions(), expected[middle + 1..middle + 21]);
    }
}

#[test]
fn a_stop_need_not_wait_for_a_rebuild_which_goes_on_later() {
    let mut server = Server::start();
    server.stop();
    grow(&server, 3_000);
    fs::remove_file(index(&server)).expect("the index can be removed");
    for _ in 0..3 {
        server.start_again();
        assert_eq!(server.stop().code(), Some(0));
    }
    server.start_again();
    settle(&server);
    assert_eq!(server.client().get("/conf/configs/prod/versions?limit=1").expect(200).total(), 3_001);
}
