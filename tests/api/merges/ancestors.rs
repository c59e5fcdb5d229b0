//! What the two had in common: nothing, everything, several things, or something of an older format.

use serde_json::json;

use super::{PROD, STAGING, copies, describe, items, merge};
use crate::support::Server;
use crate::support::documents::{described, service};
use crate::support::program::run;

#[test]
fn without_a_common_ancestor_all_entries_are_new() {
    let server = Server::start();
    let client = server.client();
    client.post("/conf/configs/staging", &json!({})).expect(201);
    client.post(PROD, &json!([service("mine"), service("both"), described("web", "ours")])).expect(201);
    client.post(STAGING, &json!([service("both"), service("yours"), described("web", "theirs")])).expect(201);
    let refused = merge(&client, "staging", "prod", "").expect_error(409);
    let conflicts = &refused.json()["conflicts"];
    assert_eq!(conflicts.as_array().map(Vec::len), Some(1));
    assert_eq!((&conflicts[0]["id"], &conflicts[0]["base"]), (&json!("web"), &json!(null)));
    let answer = merge(&client, "staging", "prod", "?prefer=theirs").expect(200);
    assert_eq!(answer.json()["base"], json!(null));
    assert_eq!(items(&answer), ["backend-services web updated", "backend-services yours created"]);
    assert_eq!(server.git().head("prod").parents.len(), 2);
    client.delete(&format!("{PROD}/mine")).expect(200);
    assert_eq!(items(&merge(&client, "prod", "staging", "").expect(200)), Vec::<String>::new());
    assert_eq!(client.get(PROD).etag(), client.get(STAGING).etag());
    server.git().assert_sound(&["prod", "staging"]);
    run(&["check", "--data", server.data().to_str().expect("UTF-8")]).expect_success();
}

#[test]
fn what_is_taken_whole_is_noted_even_if_nothing_changes() {
    let server = copies();
    let (client, git) = (server.client(), server.git());
    for set in [PROD, STAGING] {
        // Without messages of their own the two would be one commit.
        let path = format!("{set}/web?message=In+{}", &set[6..10]);
        client.put(&path, &described("web", "the same")).expect(200);
    }
    let (before, versions) = (git.head("prod"), client.get("/conf/configs/prod/versions").versions());
    let answer = merge(&client, "staging", "prod", "").expect(200);
    assert_eq!(answer.message(), "Successfully merged configuration");
    assert!(items(&answer).is_empty());
    let commit = git.head("prod");
    assert_eq!((&commit.id, &commit.tree), (&answer.version(), &before.tree));
    assert_eq!(commit.parents, [before.id.clone(), git.rev_parse("staging")]);
    // No version of anything is new, but the configuration is at that commit.
    assert_eq!(client.get("/conf/configs/prod/versions").versions(), versions);
    assert_eq!(client.get("/conf/configs/prod").json()["version"], commit.id);
    // From here on a change there is no conflict with what stood before.
    describe(&client, STAGING, "web", "later");
    assert_eq!(items(&merge(&client, "staging", "prod", "").expect(200)), ["backend-services web updated"]);
    git.assert_sound(&["prod", "staging"]);
    run(&["check", "--data", server.data().to_str().expect("UTF-8")]).expect_success();
}

#[test]
fn a_source_that_is_only_ahead_is_still_a_commit_of_its_own() {
    let server = copies();
    let (client, git) = (server.client(), server.git());
    let before = git.head("prod");
    describe(&client, STAGING, "web", "1");
    describe(&client, STAGING, "web", "2");
    merge(&client, "staging", "prod", "").expect(200);
    let commit = git.head("prod");
    assert_eq!(commit.parents, [before.id, git.rev_parse("staging")]);
    assert_eq!(commit.tree, git.head("staging").tree);
    assert_eq!(client.get(&format!("{PROD}/web/versions")).versions()[0], commit.id);
    // The other way there is a commit to note, too, and then there is not.
    merge(&client, "prod", "staging", "").expect(200);
    assert_eq!(
        merge(&client, "staging", "prod", "").expect(200).message(),
        "Successfully merged configuration"
    );
}

/// Each took in the other's past, so there are two best common ancestors, of which each says something else.
#[test]
fn what_crossed_over_is_not_undone_by_either_side() {
    let server = copies();
    let (client, git) = (server.client(), server.git());
    let of = |set: &str, id: &str, text: &str| {
        client.put(&format!("{set}/{id}"), &described(id, text)).expect(200).version()
    };
    let ours = of(PROD, "app", "new");
    let theirs = of(STAGING, "web", "new");
    let at = |config: &str, version: &str| json!({"from": {"config": config, "version": version}});
    client.post("/conf/prod/merge", &at("staging", &theirs)).expect(200);
    client.post("/conf/staging/merge", &at("prod", &ours)).expect(200);
    let bases = git.text(&["merge-base", "--all", "prod", "staging"]);
    assert_eq!(bases.lines().count(), 2, "{bases}");
    // Prod goes back to how web was before; from the ancestor that does not know of it, staging would bring it again.
    client.put(&format!("{PROD}/web"), &service("web")).expect(200);
    client.put(&format!("{STAGING}/app"), &service("app")).expect(200);
    let answer = merge(&client, "staging", "prod", "").expect(200);
    assert_eq!(items(&answer), ["backend-services app updated"]);
    for id in ["web", "app"] {
        assert_eq!(client.get(&format!("{PROD}/{id}")).json()["description"], "", "{id}");
    }
    merge(&client, "prod", "staging", "").expect(200);
    assert_eq!(client.get(PROD).etag(), client.get(STAGING).etag());
    git.assert_sound(&["prod", "staging"]);
}

#[test]
fn an_ancestor_whose_files_were_laid_out_otherwise_is_the_same_to_documents() {
    let mut server = copies();
    server.stop();
    let git = server.git();
    let laid_out = serde_json::to_vec(&described("web", "by hand")).expect("JSON");
    crate::support::planted::add(&git, "staging", "backend-services/web.json", &laid_out);
    server.start_again();
    let client = server.client();
    assert_eq!(items(&merge(&client, "staging", "prod", "").expect(200)), ["backend-services web updated"]);
    // What was written is laid out as it always is.
    let file = git.show("prod", "backend-services/web.json");
    assert_eq!(file, crate::support::documents::file(&described("web", "by hand")));
    describe(&client, PROD, "web", "changed");
    assert!(items(&merge(&client, "staging", "prod", "").expect(200)).is_empty());
    assert_eq!(items(&merge(&client, "prod", "staging", "").expect(200)), ["backend-services web updated"]);
}

/// Six that merge with each other again and again: each merge has several ancestors, and so have these, and the ways down
/// multiply with each round. A merge must not take longer each time.
#[test]
fn many_who_merge_with_each_other_again_and_again_are_not_held_up() {
    const ALL: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
    let server = Server::start();
    let client = server.client();
    for name in ALL {
        client.post(&format!("/conf/configs/{name}"), &json!({"from": {"config": "prod"}})).expect(201);
    }
    for round in 0..8 {
        for name in ALL {
            let set = format!("/conf/{name}/backend-services");
            describe(&client, &set, name, &format!("Round {round}"));
        }
        let heads = ALL.map(|name| client.get(&format!("/conf/configs/{name}")).expect(200).version());
        for into in ALL {
            for (from, head) in ALL.iter().zip(&heads).filter(|(from, _)| **from != into) {
                let body = json!({"from": {"config": from, "version": head}});
                client.post(&format!("/conf/{into}/merge"), &body).expect(200);
            }
        }
    }
    let sets = ALL.map(|name| client.get(&format!("/conf/{name}/backend-services")).expect(200).items());
    for set in &sets {
        assert_eq!(*set, sets[0]);
        let states: Vec<_> = set.iter().map(|entry| entry["description"].as_str().expect("a text")).collect();
        assert_eq!(states, ["Round 7"; 6]);
    }
}
