//! `ls`, `get` and `log`.

use serde_json::{Value, json};

use super::{API, SERVICES, SHOP, ask, head, put, refused, rows, server};
use crate::support::Server;
use crate::support::documents::{back_host, described, with};

#[test]
fn configurations_are_listed() {
    let server = server();
    let more = json!({"description": "For trying things", "from": {"config": "prod"}});
    server.client().post("/conf/configs/staging", &more).expect(201);
    let listed = rows(&ask(&server, &["ls"]).expect_success());
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert_eq!(listed[0][..2], ["prod".to_owned(), head(&server)]);
    let staging = server.git().rev_parse("staging");
    assert_eq!([&listed[1][0], &listed[1][1], &listed[1][3]], ["staging", &staging, "For trying things"]);
    let json: Value =
        serde_json::from_str(&ask(&server, &["ls", "-o", "json"]).expect_success().stdout).unwrap();
    assert_eq!(json, server.client().get("/conf/configs").json());
}

#[test]
fn a_set_is_listed_with_what_says_most() {
    let server = server();
    let hosts = json!([back_host("10.0.0.1"), back_host("10.0.0.2")]);
    put(&server, "backend-services/two", &with(described("two", "of two"), "back_hosts", hosts));
    for kind in ["backend-services", "backend-services/"] {
        let listed = rows(&ask(&server, &["ls", kind]).expect_success());
        let name = described("two", "")["name"].as_str().unwrap().to_owned();
        assert_eq!(listed[1], ["two", &name, "10.0.0.1,10.0.0.2", "of two"]);
        assert_eq!(listed[0][0], "shop");
    }
    assert_eq!(rows(&ask(&server, &["ls", "backends"]).expect_success()), [["api", "10.0.0.1"]]);
    let json: Value =
        serde_json::from_str(&ask(&server, &["ls", "backend-services", "-o", "json"]).stdout).unwrap();
    assert_eq!(json, server.client().get(SERVICES).json());
    refused(&server, &["ls", "nonsense"], 3, "nonsense");
    refused(&server, &["ls", SHOP], 2, "get");
    refused(&server, &["ls", "--at", "2026-01-01T00:00:00Z"], 2, "kind");
}

#[test]
fn an_entry_is_printed_as_its_file_is() {
    let server = server();
    for entry in [SHOP, API] {
        let printed = ask(&server, &["get", entry]).expect_success().stdout;
        assert_eq!(printed.as_bytes(), server.git().show("prod", &format!("{entry}.json")));
    }
    refused(&server, &["get", "backend-services/nobody"], 3, "\"nobody\"");
    refused(&server, &["get", "backend-services/a/b"], 2, "looks like");
}

#[test]
fn sets_and_configurations_are_printed_whole() {
    let server = server();
    let set: Value =
        serde_json::from_str(&ask(&server, &["get", "backends"]).expect_success().stdout).unwrap();
    assert_eq!(set["items"][0]["id"], "api");
    let whole: Value = serde_json::from_str(&ask(&server, &["get"]).expect_success().stdout).unwrap();
    assert_eq!(whole, server.client().get(&format!("/conf/configs/prod/versions/{}", head(&server))).json());
    assert_eq!(whole["documents"]["backends"], set["items"]);
}

#[test]
fn what_was_is_printed_by_version_release_and_time() {
    let server = server();
    let before = head(&server);
    let date = server.git().text(&["log", "-1", "--format=%cI", "prod"]);
    server.client().put("/conf/configs/prod/releases/v1", &json!({})).expect(201);
    put(&server, API, &json!({"host": "10.0.0.2"}));
    let host = |arguments: &[&str]| {
        let printed = ask(&server, &[&["get", API][..], arguments].concat()).expect_success().stdout;
        serde_json::from_str::<Value>(&printed).unwrap()["host"].clone()
    };
    assert_eq!(host(&[]), "10.0.0.2");
    assert_eq!(host(&["--version", &before]), "10.0.0.1");
    assert_eq!(host(&["--version", &before[..8]]), "10.0.0.1");
    assert_eq!(host(&["--version", "v1"]), "10.0.0.1");
    assert_eq!(host(&["--at", "2999-01-01T00:00:00Z"]), "10.0.0.2");
    refused(&server, &["get", API, "--at", "2000-01-01T00:00:00Z"], 3, "no version yet");
    refused(&server, &["get", API, "--at", "yesterday"], 1, "RFC 3339");
    refused(&server, &["get", API, "--version", "v2"], 3, "v2");
    refused(&server, &["get", API, "--at", &date, "--version", "v1"], 2, "cannot be used with");
    let listed = rows(&ask(&server, &["ls", "backends", "--version", "v1"]).expect_success());
    assert_eq!(listed, [["api", "10.0.0.1"]]);
}

#[test]
fn versions_are_listed_newest_first() {
    let server = server();
    put(&server, API, &json!({"host": "10.0.0.2"}));
    for (arguments, path) in
        [(&["log"][..], "prod"), (&["log", "backends"], "backends"), (&["log", API], "backends/api.json")]
    {
        let expected = match path {
            "prod" => server.git().log("prod"),
            path => server.git().log_with(&["prod", "--", path]),
        };
        let listed = rows(&ask(&server, arguments).expect_success());
        let found: Vec<_> = listed.iter().map(|row| [&row[0], &row[2], &row[3]]).collect();
        let expected: Vec<_> =
            expected.iter().map(|commit| [&commit.id, &commit.author, &commit.subject]).collect();
        assert_eq!(found, expected);
    }
    let json: Value =
        serde_json::from_str(&ask(&server, &["log", "-o", "json"]).expect_success().stdout).unwrap();
    assert_eq!(json, server.client().get("/conf/configs/prod/versions").json());
    refused(&server, &["log", "backends/nobody"], 3, "nobody");
}

#[test]
fn a_log_is_as_long_and_as_narrow_as_is_asked_for() {
    let server = Server::start();
    let client = server.client();
    for number in 0..60 {
        client
            .put(
                &format!("{SERVICES}?message=Change+{number}"),
                &json!([described("a", &number.to_string())]),
            )
            .expect(200);
    }
    let count =
        |arguments: &[&str]| rows(&ask(&server, &[&["log"][..], arguments].concat()).expect_success()).len();
    assert_eq!(count(&[]), 50);
    assert_eq!(count(&["-n", "7"]), 7);
    assert_eq!(count(&["-n", "0"]), 61);
    assert_eq!(count(&["-n", "0", "-q", "change 5"]), 11);
    assert_eq!(count(&["--author", "nobody"]), 0);
    assert_eq!(count(&["--until", "2000-01-01T00:00:00Z"]), 0);
    assert_eq!(count(&["--since", "2000-01-01T00:00:00Z", "-n", "0"]), 61);
    refused(&server, &["log", "--since", "yesterday"], 1, "RFC 3339");
}

/// More than a page of the API.
#[test]
fn a_long_log_is_put_together_from_its_pages() {
    let server = Server::start();
    let client = server.client();
    for number in 0..1100 {
        client.put(SERVICES, &json!([described("a", &number.to_string())])).expect(200);
    }
    let listed = rows(&ask(&server, &["log", "backend-services", "-n", "0"]).expect_success());
    let found: Vec<_> = listed.iter().map(|row| row[0].clone()).collect();
    let expected = server.git().log_with(&["prod", "--", "backend-services"]);
    assert_eq!(found, expected.into_iter().map(|commit| commit.id).collect::<Vec<_>>());
    assert_eq!(rows(&ask(&server, &["log", "-n", "1050"]).expect_success()).len(), 1050);
}
