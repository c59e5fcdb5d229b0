//! `diff`: exit status 0 where nothing differs, 1 where something does, 2 and more for trouble.

use serde_json::{Value, json};

use super::{API, Files, SHOP, ask, feed, head, put, refused, server};
use crate::support::documents::described;
use crate::support::program::Finished;
use crate::support::{Server, Watch};

#[track_caller]
fn differs(server: &Server, arguments: &[&str]) -> Finished {
    let finished = ask(server, &[&["diff"][..], arguments].concat());
    assert_eq!(finished.code(), Some(1), "{arguments:?}: {finished:?}");
    assert!(finished.stderr.is_empty(), "{finished:?}");
    finished
}

#[track_caller]
fn same(server: &Server, arguments: &[&str]) {
    let finished = ask(server, &[&["diff"][..], arguments].concat()).expect_success();
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("", ""), "{arguments:?}");
}

#[test]
fn between_versions_it_is_what_git_prints() {
    let server = server();
    let first = head(&server);
    put(&server, API, &json!({"host": "10.0.0.2"}));
    let second = head(&server);
    put(&server, SHOP, &described("shop", "two"));
    let third = head(&server);
    let git = |from: &str, to: &str, path: &[&str]| {
        let text = server.git().text(&[&["diff", from, to, "--"][..], path].concat());
        if text.is_empty() { text } else { text + "\n" }
    };
    assert_eq!(differs(&server, &[&first]).stdout, git(&first, &third, &[]));
    assert_eq!(differs(&server, &[&first[..9], &second]).stdout, git(&first, &second, &[]));
    assert_eq!(differs(&server, &[&third, &first]).stdout, git(&third, &first, &[]));
    assert_eq!(differs(&server, &["backends/", &first]).stdout, git(&first, &third, &["backends"]));
    assert_eq!(differs(&server, &["backends", &first, &second]).stdout, git(&first, &second, &["backends"]));
    assert_eq!(
        differs(&server, &[SHOP, &first]).stdout,
        git(&first, &third, &["backend-services/shop.json"])
    );
    same(&server, &[SHOP, &first, &second]);
    same(&server, &[&third]);
    server.client().put("/conf/configs/prod/releases/v1", &json!({"version": first})).expect(201);
    server.client().put("/conf/configs/prod/releases/v2", &json!({"version": second})).expect(201);
    assert_eq!(differs(&server, &["v1", "v2"]).stdout, git(&first, &second, &[]));
    let printed: Value = serde_json::from_str(&differs(&server, &["v1", "v2", "-o", "json"]).stdout).unwrap();
    assert_eq!(printed, server.client().get("/conf/configs/prod/versions/v2/diff?against=v1").json());
}

#[test]
fn a_file_shows_what_applying_it_would_change() {
    let server = server();
    let files = Files::new();
    let watch = Watch::on(&server, "prod");
    let path = files.json("backends/api.json", &json!({"host": "10.0.0.2"}));
    let expected = "updated backends/api\n  replace /host \"10.0.0.2\"\n";
    assert_eq!(differs(&server, &["-f", &path]).stdout, expected);
    let other = files.json("any.json", &json!({"host": "10.0.0.2"}));
    assert_eq!(differs(&server, &[API, "-f", &other]).stdout, expected);
    let new = files.json("backend-services/x.json", &described("new", "in the document is what counts"));
    assert_eq!(differs(&server, &["-f", &new]).stdout, "created backend-services/new\n");
    let shown: Value = serde_json::from_str(&differs(&server, &["-f", &path, "-o", "json"]).stdout).unwrap();
    assert_eq!(
        shown["diff"]["items"][0]["patch"],
        json!([{"op": "replace", "path": "/host", "value": "10.0.0.2"}])
    );
    same(&server, &["-f", &files.json("backends/api.json", &json!({"host": "10.0.0.1"}))]);
    let piped = feed(&server, &["diff", API, "-f", "-"], r#"{"host": "10.0.0.2"}"#);
    assert_eq!((piped.code(), piped.stdout.as_str()), (Some(1), expected), "{piped:?}");
    watch.untouched();
}

#[test]
fn trouble_is_not_taken_for_a_difference() {
    let server = server();
    let files = Files::new();
    let bad = files.json("backends/bad.json", &json!({"host": "http://a", "hots": "b"}));
    refused(&server, &["diff", "-f", &bad], 2, "  backends/bad: hots: is no field here");
    refused(&server, &["diff", "-f", &files.text("nowhere.json")], 2, "cannot be read");
    refused(&server, &["diff", "-f", &files.write("backends/x.json", "{")], 2, "not JSON");
    refused(&server, &["diff", "-f", &bad, "v1", "v2"], 2, "newest");
    refused(&server, &["diff"], 2, "Usage");
    refused(&server, &["diff", "backends/"], 2, "which version");
    refused(&server, &["diff", "0000000"], 3, "0000000");
    refused(
        &server,
        &["diff", "0000000", "--server", "http://127.0.0.1:1"],
        5,
        "127.0.0.1:1 cannot be reached",
    );
}
