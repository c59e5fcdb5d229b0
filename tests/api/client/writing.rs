//! `put`, `rm` and `revert`.

use serde_json::{Value, json};

use super::{API, Files, SHOP, ask, feed, head, put, refused, server};
use crate::support::documents::{described, file, service};
use crate::support::{Server, Watch};

#[test]
fn an_entry_is_created_and_replaced() {
    let server = Server::start();
    let files = Files::new();
    for text in ["one", "two"] {
        let before = head(&server);
        let path = files.json("shop.json", &described("shop", text));
        let said = ask(&server, &["put", SHOP, "-f", &path]).expect_success();
        let commit = server.git().head("prod");
        assert_eq!(commit.parents, [before]);
        assert_eq!(commit.subject, "Put backend service shop");
        assert!(said.stdout.contains(&commit.id) && said.stderr.is_empty(), "{said:?}");
        assert_eq!(server.git().show("prod", "backend-services/shop.json"), file(&described("shop", text)));
    }
    feed(&server, &["put", API, "-f", "-", "-m", "From the pipe"], r#"{"host": "a.example.org"}"#)
        .expect_success();
    assert_eq!(server.git().head("prod").subject, "From the pipe");
}

#[test]
fn an_id_may_have_what_only_urls_forbid() {
    let server = Server::start();
    let entry = "backend-services/the shop, \u{fc}ber alles";
    put(&server, entry, &service("the shop, \u{fc}ber alles"));
    let got = ask(&server, &["get", entry]).expect_success();
    assert_eq!(serde_json::from_str::<Value>(&got.stdout).unwrap()["id"], "the shop, \u{fc}ber alles");
    ask(&server, &["rm", entry]).expect_success();
    refused(&server, &["get", entry], 3, "no backend service");
}

#[test]
fn what_was_got_can_be_put() {
    let server = server();
    for entry in [SHOP, API] {
        let got = ask(&server, &["get", entry]).expect_success().stdout;
        let before = head(&server);
        feed(&server, &["put", entry, "-f", "-"], &got).expect_success();
        assert_eq!(head(&server), before, "nothing changed, so there is no commit");
    }
}

#[test]
fn the_tag_is_what_git_says_of_what_was_printed() {
    let server = server();
    let got = ask(&server, &["get", API]).expect_success().stdout;
    let tag = server.git().hash_object(got.as_bytes());
    let change = |host: &str, tag: &str| {
        let document = json!({"host": host}).to_string();
        feed(&server, &["put", API, "-f", "-", "--if-match", tag], &document)
    };
    change("10.0.0.2", &tag).expect_success();
    for stale in [tag.clone(), format!("\"{tag}\"")] {
        let finished = change("10.0.0.3", &stale);
        assert_eq!(finished.code(), Some(4), "{finished:?}");
        assert!(finished.stderr.contains("if_match"), "{finished:?}");
    }
    refused(&server, &["rm", API, "--if-match", &tag], 4, "if_match");
    let version = server.git().rev_parse("prod~1");
    refused(&server, &["revert", API, &version, "--if-match", &tag], 4, "If-Match");
    change("10.0.0.4", "*").expect_success();
}

#[test]
fn an_entry_is_deleted_and_comes_back() {
    let server = server();
    let before = head(&server);
    ask(&server, &["rm", SHOP, "-m", "Close the shop"]).expect_success();
    assert_eq!(server.git().head("prod").subject, "Close the shop");
    assert_eq!(server.git().ls("prod"), ["backends/api.json", "config.json"]);
    refused(&server, &["rm", SHOP], 3, "\"shop\"");
    ask(&server, &["revert", SHOP, &before[..10]]).expect_success();
    assert_eq!(server.git().rev_parse("prod^{tree}"), server.git().rev_parse(&format!("{before}^{{tree}}")));
}

#[test]
fn sets_and_configurations_are_reverted() {
    let server = server();
    let before = head(&server);
    put(&server, API, &json!({"host": "10.0.0.2"}));
    put(&server, SHOP, &described("shop", "two"));
    let said = ask(&server, &["revert", "backends", &before]).expect_success();
    assert!(said.stdout.contains(&head(&server)), "{said:?}");
    assert_eq!(
        server.git().rev_parse("prod:backends"),
        server.git().rev_parse(&format!("{before}:backends"))
    );
    ask(&server, &["revert", &before, "-m", "Back"]).expect_success();
    assert_eq!(server.git().rev_parse("prod^{tree}"), server.git().rev_parse(&format!("{before}^{{tree}}")));
    assert_eq!(server.git().head("prod").subject, "Back");
    refused(&server, &["revert", "0000000"], 3, "0000000");
    refused(&server, &["revert"], 2, "Usage");
}

#[test]
fn a_dry_run_shows_and_writes_nothing() {
    let server = server();
    let before = head(&server);
    put(&server, API, &json!({"host": "10.0.0.2"}));
    let watch = Watch::on(&server, "prod");
    for (arguments, expected) in [
        (&["put", API, "-f", "-"][..], "updated backends/api\n  replace /host \"10.0.0.3\"\n"),
        (&["put", "backends/new", "-f", "-"], "created backends/new\n"),
        (&["rm", SHOP], "deleted backend-services/shop\n"),
        (&["revert", API, &before], "updated backends/api\n  replace /host \"10.0.0.1\"\n"),
        (&["revert", &before], "updated backends/api\n  replace /host \"10.0.0.1\"\n"),
    ] {
        let arguments = [arguments, &["--dry-run"]].concat();
        let finished = feed(&server, &arguments, r#"{"host": "10.0.0.3"}"#).expect_success();
        assert_eq!(finished.stdout, expected, "{arguments:?}");
        let finished = feed(&server, &[&arguments[..], &["-o", "json"]].concat(), r#"{"host": "10.0.0.3"}"#);
        let answer: Value = serde_json::from_str(&finished.expect_success().stdout).unwrap();
        assert_eq!(answer["message"], "Dry run: nothing was written");
    }
    watch.untouched();
}

#[test]
fn json_is_what_the_api_answers() {
    let server = server();
    let said =
        feed(&server, &["put", API, "-f", "-", "-o", "json"], r#"{"host": "10.0.0.2"}"#).expect_success();
    let answer: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(
        answer["items"][0]["etag"],
        json!(format!("\"{}\"", server.git().rev_parse("prod:backends/api.json")))
    );
    let said = ask(&server, &["rm", API, "-o", "json"]).expect_success();
    assert_eq!(serde_json::from_str::<Value>(&said.stdout).unwrap()["items"][0]["op"], "delete");
}

#[test]
fn other_configurations_are_named() {
    let server = server();
    server.client().post("/conf/configs/staging", &json!({})).expect(201);
    let document = json!({"host": "10.0.0.1"}).to_string();
    feed(&server, &["put", API, "-f", "-", "--config", "staging"], &document).expect_success();
    assert_eq!(server.git().ls("staging"), ["backends/api.json", "config.json"]);
    refused(&server, &["rm", API, "--config", "nowhere"], 3, "\"nowhere\"");
}
