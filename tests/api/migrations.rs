//! Repositories of an older format: brought up to date at start, and read as if they had always been new.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::documents::{back_host, file, full_service, with, without};
use crate::support::planted::plant;
use crate::support::program::run;
use crate::support::{Git, Server};

const SHOP: &str = "/conf/prod/backend-services/shop";
const SERVICES: &str = "/conf/prod/backend-services";

/// `config.json` of the format before port lists.
const OLD_CONFIG: &[u8] = b"{\n  \"format\": 1,\n  \"description\": \"\"\n}\n";

/// A service as format 1 has it: one port of each sort.
fn old_service(id: &str, port: u16) -> Value {
    let host = without(without(back_host("10.0.0.1"), "http_ports"), "https_ports");
    let host = with(with(host, "http_port", port), "https_port", port + 1);
    with(full_service(id), "back_hosts", json!([host]))
}

/// The same service as format 2 has it.
fn new_service(id: &str, port: u16) -> Value {
    let host =
        with(with(back_host("10.0.0.1"), "http_ports", json!([port])), "https_ports", json!([port + 1]));
    with(full_service(id), "back_hosts", json!([host]))
}

/// A data directory whose repository was made by an older release: two versions of the set in `prod`.
struct Old {
    home: TempDir,
    /// The commits of `prod`, oldest first.
    commits: [String; 2],
}

impl Old {
    #[track_caller]
    fn new() -> Self {
        let home = TempDir::new().expect("a temporary directory");
        let git = Git::init(home.path().join("repository.git"), "prod");
        let first = file(&old_service("shop", 8080));
        let second = file(&old_service("shop", 9090));
        let other = file(&old_service("blog", 7070));
        let state = |shop: &[u8], message| {
            let files = [
                ("config.json", OLD_CONFIG),
                ("backend-services/shop.json", shop),
                ("backend-services/blog.json", other.as_slice()),
            ];
            plant(&git, "prod", &files, message)
        };
        let commits = [state(&first, "Open the shop"), state(&second, "Move the shop")];
        Self { home, commits }
    }

    fn git(&self) -> Git {
        Git::at(self.home.path().join("repository.git"))
    }

    #[track_caller]
    fn serve(&self) -> Server {
        Server::builder().data(self.home.path()).start()
    }
}

#[test]
fn a_branch_is_brought_up_to_date_in_one_commit_at_start() {
    let old = Old::new();
    let server = old.serve();
    let head = old.git().head("prod");
    assert_eq!(head.parents, [old.commits[1].clone()], "one commit, on top of what was there");
    assert!(head.subject.to_lowercase().contains("format"), "{head:?}");
    assert_eq!(old.git().show("prod", "backend-services/shop.json"), file(&new_service("shop", 9090)));
    let config: Value =
        serde_json::from_slice(&old.git().show("prod", "config.json")).expect("config.json is JSON");
    assert_eq!(config, json!({"format": 2, "description": ""}));
    old.git().fsck();

    let client = server.client();
    assert_eq!(client.get(SHOP).expect(200).json(), new_service("shop", 9090));
    assert_eq!(client.get(SERVICES).items(), [new_service("blog", 7070), new_service("shop", 9090)]);
}

#[test]
fn a_second_start_changes_nothing_more() {
    let old = Old::new();
    old.serve().stop();
    let refs = old.git().refs();
    old.serve().stop();
    assert_eq!(old.git().refs(), refs);
}

#[test]
fn each_branch_gets_one_commit_and_those_up_to_date_none() {
    let old = Old::new();
    let git = old.git();
    let staging = plant(
        &git,
        "staging",
        &[("config.json", OLD_CONFIG), ("backend-services/a.json", &file(&old_service("a", 80)))],
        "Old",
    );
    let new_config: &[u8] = b"{\n  \"format\": 2,\n  \"description\": \"\"\n}\n";
    let current = plant(
        &git,
        "current",
        &[("config.json", new_config), ("backend-services/a.json", &file(&new_service("a", 80)))],
        "New",
    );
    let server = old.serve();
    assert_eq!(git.head("staging").parents, [staging]);
    assert_eq!(git.rev_parse("current"), current);
    for config in ["staging", "current"] {
        let answer = server.client().get(&format!("/conf/{config}/backend-services/a")).expect(200);
        assert_eq!(answer.json(), new_service("a", 80));
    }
}

#[test]
fn a_branch_without_documents_is_brought_up_to_date_too() {
    let old = Old::new();
    let empty = plant(&old.git(), "empty", &[("config.json", OLD_CONFIG)], "Old");
    let server = old.serve();
    assert_eq!(old.git().head("empty").parents, [empty]);
    assert_eq!(server.client().get("/conf/empty/backend-services").expect(200).total(), 0);
}

#[test]
fn old_versions_are_read_in_the_new_form() {
    let old = Old::new();
    let server = old.serve();
    let client = server.client();
    let [first, second] = &old.commits;
    for (version, port) in [(first, 8080), (second, 9090)] {
        let set = client.get(&format!("{SERVICES}/versions/{version}")).expect(200);
        assert_eq!(set.items(), [new_service("blog", 7070), new_service("shop", port)]);
        assert_eq!(
            client.get(&format!("{SHOP}/versions/{version}")).expect(200).json(),
            new_service("shop", port)
        );
        let whole = client.get(&format!("/conf/configs/prod/versions/{version}")).expect(200).json();
        assert_eq!(
            whole["documents"]["backend-services"],
            json!([new_service("blog", 7070), new_service("shop", port)])
        );
    }
}

#[test]
fn the_old_commits_stay_in_every_list_of_versions() {
    let old = Old::new();
    let server = old.serve();
    let client = server.client();
    let [first, second] = &old.commits;
    let upgrade = old.git().rev_parse("prod");
    let newest_first = [upgrade.clone(), second.clone(), first.clone()];
    for path in [SERVICES, SHOP, "/conf/configs/prod"] {
        let answer = client.get(&format!("{path}/versions")).expect(200);
        assert_eq!(answer.versions(), newest_first, "{path}");
        assert_eq!(answer.items()[2]["message"], "Open the shop");
        assert_eq!(answer.items()[2]["author"], "Somebody");
    }
    assert_eq!(client.get(&format!("{SERVICES}/blog/versions")).versions(), [upgrade, first.clone()]);
}

#[test]
fn a_revert_to_an_old_version_writes_the_new_form() {
    let old = Old::new();
    let server = old.serve();
    let client = server.client();
    for path in [SHOP, SERVICES, "/conf/configs/prod"] {
        client.put(SHOP, &with(new_service("shop", 1234), "description", path)).expect(200);
        let answer = client.revert(path, &old.commits[0]).expect(200);
        assert_eq!(answer.version(), old.git().rev_parse("prod"));
        assert_eq!(
            old.git().show("prod", "backend-services/shop.json"),
            file(&new_service("shop", 8080)),
            "{path}"
        );
        let config: Value =
            serde_json::from_slice(&old.git().show("prod", "config.json")).expect("config.json is JSON");
        assert_eq!(config["format"], 2, "no revert takes the format back: {path}");
    }
    old.git().fsck();
}

#[test]
fn a_revert_to_the_same_documents_in_the_old_form_changes_nothing() {
    let old = Old::new();
    let server = old.serve();
    let before = old.git().refs();
    server.client().revert(SERVICES, &old.commits[1]).expect(200);
    assert_eq!(old.git().refs(), before);
}

#[test]
fn a_copy_of_an_old_version_is_in_the_new_form() {
    let old = Old::new();
    let mut server = old.serve();
    let client = server.client();
    let from = json!({"from": {"config": "prod", "version": old.commits[0]}});
    client.post("/conf/configs/copy", &from).expect(201);
    let shop = "/conf/copy/backend-services/shop";
    let read = client.get(shop).expect(200);
    assert_eq!(read.json(), new_service("shop", 8080));
    // The repository holds what is shown, so a tag that was read can be used, and nothing is mixed up later.
    assert_eq!(read.object(), old.git().rev_parse("copy:backend-services/shop.json"));
    let change = client.request("PUT", shop).if_match(&read.etag()).json(&new_service("shop", 6060));
    change.send().expect(200);
    client.put("/conf/configs/copy", &json!({"description": "a copy"})).expect(200);
    server.stop();
    run(&["check", "--data", old.home.path().to_str().expect("a path in UTF-8")]).expect_success();
    server.start_again();
    assert_eq!(server.client().get(shop).expect(200).json(), new_service("shop", 6060));
}

#[test]
fn an_upgraded_repository_passes_the_check_and_can_be_written_to() {
    let old = Old::new();
    let mut server = old.serve();
    server.client().put(SHOP, &new_service("shop", 5050)).expect(200);
    server.stop();
    run(&["check", "--data", old.home.path().to_str().expect("a path in UTF-8")]).expect_success();
}

#[test]
fn what_was_copied_from_before_an_upgrade_is_merged_by_what_it_says() {
    let old = Old::new();
    let server = old.serve();
    let client = server.client();
    // The last that the two have in common is of format 1; each was brought up to date by itself.
    let trial = json!({"from": {"config": "prod", "version": old.commits[0]}});
    client.post("/conf/configs/trial", &trial).expect(201);
    assert_eq!(old.git().text(&["merge-base", "prod", "trial"]), old.commits[0]);
    let blog = with(new_service("blog", 7070), "description", "new");
    client.put("/conf/trial/backend-services/blog", &blog).expect(200);
    let merged = client.post("/conf/prod/merge", &json!({"from": {"config": "trial"}})).expect(200);
    assert_eq!(
        merged.json()["items"],
        json!([{"kind": "backend-services", "id": "blog", "change": "updated"}])
    );
    assert_eq!(client.get(SHOP).json(), new_service("shop", 9090));
    // A version of format 1 can be merged, too.
    client.post("/conf/configs/empty", &json!({})).expect(201);
    let first = json!({"from": {"config": "prod", "version": old.commits[0]}});
    client.post("/conf/empty/merge", &first).expect(200);
    assert_eq!(client.get("/conf/empty/backend-services/shop").json(), new_service("shop", 8080));
    old.git().fsck();
    run(&["check", "--data", old.home.path().to_str().expect("UTF-8")]).expect_success();
}
