//! Bodies, conditions and dry runs.

use serde_json::{Value, json};

use super::{RELEASES, WEB, release, two_versions};
use crate::support::Server;

#[test]
fn bodies_that_break_rules() {
    let server = Server::start();
    let client = server.client();
    two_versions(&client);
    let before = server.git().everything();
    let long = "m".repeat(1001);
    for (body, faults) in [
        (json!([]), vec![("[\"body\"]", "object_type")]),
        (
            json!({"version": 1, "message": null}),
            vec![("[\"body\",\"version\"]", "string_type"), ("[\"body\",\"message\"]", "string_type")],
        ),
        (json!({"message": " "}), vec![("[\"body\",\"message\"]", "string_too_short")]),
        (json!({"message": long}), vec![("[\"body\",\"message\"]", "string_too_long")]),
        (json!({"message": "a\u{0}b"}), vec![("[\"body\",\"message\"]", "format")]),
        (json!({"verion": "v1"}), vec![("[\"body\",\"verion\"]", "extra_forbidden")]),
    ] {
        release(&client, "v1", &body).expect_faults(&faults);
    }
    client.request("PUT", &format!("{RELEASES}/v1")).body("{").send().expect_error(400);
    for version in ["none", "", "0000000", "HEAD", "prod"] {
        release(&client, "v1", &json!({"version": version})).expect_error(404);
    }
    client.put("/conf/configs/none/releases/v1", &json!({})).expect_error(404);
    client.put(&format!("{RELEASES}/v1?message=x"), &json!({})).expect_error(422);
    client.post(&format!("{RELEASES}/v1"), &json!({})).expect_error(405);
    assert_eq!(server.git().everything(), before);
}

#[test]
fn a_tag_is_what_it_says() {
    let server = Server::start();
    let client = server.client();
    let message = "Ümläute\nand <lines>";
    release(&client, "v1", &json!({"message": format!("  {message}\n")})).expect(201);
    assert_eq!(client.get(&format!("{RELEASES}/v1")).expect(200).json()["message"], message);
    server.git().fsck();
}

#[test]
fn conditions_hold_for_releases() {
    let server = Server::start();
    let client = server.client();
    let [first, newest] = two_versions(&client);
    let path = format!("{RELEASES}/v1");
    let put = || client.request("PUT", &path);
    put().if_match("*").send().expect_error(412);
    put().if_none_match("*").json(&json!({"version": first})).send().expect(201);
    let tag = client.get(&path).expect(200).etag();
    // A stale tag is told before a bad body.
    put().if_none_match("*").body("{").send().expect_error(412);
    put().if_match("\"0123456789012345678901234567890123456789\"").body("{").send().expect_error(412);
    put().if_match(&tag).json(&json!({"version": first})).send().expect(200);
    put().if_match(&tag).json(&json!({"version": newest})).send().expect_error(409);
    let get = |method: &str| client.request(method, &path);
    get("GET").if_none_match(&tag).send().expect(304);
    get("GET").if_match(&tag).send().expect(200);
    get("GET").if_match("\"0\"").send().expect_error(412);
    let head = get("HEAD").send().expect(200);
    assert_eq!((head.etag(), head.body.len()), (tag.clone(), 0));
    get("DELETE").if_match("\"0\"").send().expect_error(412);
    client.request("DELETE", &format!("{RELEASES}/none")).if_match("\"0\"").send().expect_error(404);
    get("DELETE").if_match(&tag).send().expect(200);
}

#[test]
fn a_dry_run_says_whether_it_could_be_done() {
    let server = Server::start();
    let client = server.client();
    let [first, newest] = two_versions(&client);
    release(&client, "there", &json!({"version": first})).expect(201);
    let before = server.git().everything();
    let dry = |name: &str| format!("{RELEASES}/{name}?dry_run=true");
    let expected = |items: Value| {
        json!({
            "message": "Dry run: nothing was written",
            "diff": {"from": newest, "to": null, "items": items},
        })
    };
    let made = |message: &str| {
        let value = json!({"name": "new", "version": newest, "message": message, "by": "anonymous"});
        let patch = json!([{"op": "add", "path": "", "value": value}]);
        expected(json!([{"kind": "releases", "id": "new", "change": "created", "patch": patch}]))
    };
    assert_eq!(client.put(&dry("new"), &json!({})).expect(200).json(), made("Release new"));
    let said = client.put(&dry("new"), &json!({"message": "The newest"})).expect(200).json();
    assert_eq!(said, made("The newest"));
    let same = client.put(&dry("there"), &json!({"version": first})).expect(200).json();
    assert_eq!(same, expected(json!([])));
    client.put(&dry("there"), &json!({})).expect_error(409);
    client.put(&dry("new"), &json!({"version": "none"})).expect_error(404);
    let patch = json!([{"op": "replace", "path": "", "value": null}]);
    let gone = json!([{"kind": "releases", "id": "there", "change": "deleted", "patch": patch}]);
    assert_eq!(client.delete(&dry("there")).expect(200).json(), expected(gone));
    client.delete(&dry("new")).expect_error(404);
    assert_eq!(server.git().everything(), before);
    client.get(WEB).expect(200);
}
