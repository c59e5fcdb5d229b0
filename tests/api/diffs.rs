//! `…/versions/{version}/diff`: what differs between two versions of a set, an entry or a configuration.

mod old_formats;
mod random;
mod text;

use serde_json::{Value, json};

use crate::support::documents::{completed_service, described, service};
use crate::support::planted;
use crate::support::{Answer, Client, Server};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";
const CONFIG: &str = "/conf/configs/prod";
const BACKENDS: &str = "/conf/prod/backends";

/// The difference of two versions, as JSON.
#[track_caller]
fn diff(client: &Client, path: &str, version: &str, against: Option<&str>) -> Value {
    asked(client, path, version, against).expect(200).json()
}

#[track_caller]
fn asked(client: &Client, path: &str, version: &str, against: Option<&str>) -> Answer {
    let query = against.map(|against| format!("?against={against}")).unwrap_or_default();
    client.get(&format!("{path}/versions/{version}/diff{query}"))
}

/// What a patch makes of a document, by the crate that most of Rust applies them with.
#[track_caller]
fn patched(mut document: Value, patch: &Value) -> Value {
    let patch: json_patch::Patch = serde_json::from_value(patch.clone()).expect("a patch of RFC 6902");
    json_patch::patch(&mut document, &patch)
        .unwrap_or_else(|error| panic!("{error}: {patch:?} on {document}"));
    document
}

/// `web` created, changed and deleted, `api` beside it; and these versions, with the first one of all before them.
fn a_history(client: &Client) -> [String; 4] {
    let first = client.get(CONFIG).expect(200).version();
    let created = client.post(SERVICES, &json!([service("web"), service("api")])).expect(201).version();
    let changed = client.put(WEB, &described("web", "changed")).expect(200).version();
    let deleted = client.delete(WEB).expect(200).version();
    [first, created, changed, deleted]
}

#[test]
fn a_version_is_compared_with_its_parent() {
    let server = Server::start();
    let client = server.client();
    let [first, created, changed, deleted] = a_history(&client);
    let answer = diff(&client, SERVICES, &created, None);
    let item = |id: &str| {
        let patch = json!([{"op": "add", "path": "", "value": completed_service(id)}]);
        json!({"id": id, "change": "created", "patch": patch})
    };
    assert_eq!(answer, json!({"from": first, "to": created, "items": [item("api"), item("web")]}));

    for path in [SERVICES, WEB] {
        let answer = diff(&client, path, &changed, None);
        assert_eq!((&answer["from"], &answer["to"]), (&json!(created), &json!(changed)));
        let [item] = &answer["items"].as_array().expect("items")[..] else { panic!("one item: {answer}") };
        assert_eq!(
            (&item["id"], &item["change"], item.get("kind")),
            (&json!("web"), &json!("updated"), None)
        );
        assert_eq!(patched(completed_service("web"), &item["patch"]), described("web", "changed"));
    }
    let answer = diff(&client, WEB, &deleted, None);
    let gone =
        json!({"id": "web", "change": "deleted", "patch": [{"op": "replace", "path": "", "value": null}]});
    assert_eq!(answer, json!({"from": changed, "to": deleted, "items": [gone]}));
    assert_eq!(diff(&client, &format!("{SERVICES}/api"), &changed, None)["items"], json!([]));
}

#[test]
fn the_first_version_is_compared_with_nothing() {
    let server = Server::start();
    let client = server.client();
    client.post("/conf/configs/new", &json!({"description": "New"})).expect(201);
    let first = client.get("/conf/configs/new").expect(200).version();
    let said = json!({"id": "new", "description": "New"});
    let item = json!({
        "kind": "configs", "id": "new", "change": "created",
        "patch": [{"op": "add", "path": "", "value": said}],
    });
    let answer = diff(&client, "/conf/configs/new", &first, None);
    assert_eq!(answer, json!({"from": null, "to": first, "items": [item]}));
    let empty = diff(&client, "/conf/new/backend-services", &first, None);
    assert_eq!(empty, json!({"from": null, "to": first, "items": []}));
}

#[test]
fn any_two_versions_are_compared_in_either_direction() {
    let server = Server::start();
    let client = server.client();
    let [first, created, changed, deleted] = a_history(&client);
    let changes = |version: &str, against: &str| -> Vec<(String, String)> {
        let answer = diff(&client, SERVICES, version, Some(against));
        assert_eq!((&answer["from"], &answer["to"]), (&json!(against), &json!(version)));
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        answer["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|i| (text(&i["id"]), text(&i["change"])))
            .collect()
    };
    let told = |items: &[(&str, &str)]| -> Vec<(String, String)> {
        items.iter().map(|(id, change)| ((*id).to_owned(), (*change).to_owned())).collect()
    };
    assert_eq!(changes(&deleted, &first), told(&[("api", "created")]));
    assert_eq!(changes(&first, &deleted), told(&[("api", "deleted")]));
    assert_eq!(changes(&created, &changed), told(&[("web", "updated")]));
    assert_eq!(changes(&created, &deleted), told(&[("web", "created")]));
    assert_eq!(changes(&changed, &changed), told(&[]));
    // Beginnings of ids will do.
    let short = diff(&client, SERVICES, &deleted[..8], Some(&first[..8]));
    assert_eq!(short, diff(&client, SERVICES, &deleted, Some(&first)));
}

#[test]
fn a_configuration_tells_of_all_kinds_and_of_itself() {
    let server = Server::start();
    let client = server.client();
    let before = client.get(CONFIG).expect(200).version();
    client.post(WEB, &service("web")).expect(201);
    client.put(&format!("{BACKENDS}/b"), &json!({"host": "b.example"})).expect(201);
    let after = client.put(CONFIG, &json!({"description": "Ours"})).expect(200).version();
    let answer = diff(&client, CONFIG, &after, Some(&before));
    let places: Vec<_> = answer["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| (item["kind"].as_str(), item["id"].as_str(), item["change"].as_str()))
        .collect();
    assert_eq!(
        places,
        [
            (Some("configs"), Some("prod"), Some("updated")),
            (Some("backend-services"), Some("web"), Some("created")),
            (Some("backends"), Some("b"), Some("created")),
        ]
    );
    let backend = json!({"id": "b", "host": "b.example", "skipCertificateChainValidation": false});
    for path in [BACKENDS, "/backends", "/backends/b", "/api/v4.3/conf/prod/backends"] {
        let item = diff(&client, path, &after, Some(&before))["items"][0].clone();
        assert_eq!(patched(Value::Null, &item["patch"]), backend, "{path}");
    }
}

#[test]
fn a_copy_is_compared_with_what_it_came_from() {
    let server = Server::start();
    let client = server.client();
    let [first, created, ..] = a_history(&client);
    client.post("/conf/configs/copy", &json!({"from": {"config": "prod", "version": created}})).expect(201);
    let path = "/conf/copy/backend-services";
    let own = client.put(&format!("{path}/web"), &described("web", "own")).expect(200).version();
    let items = diff(&client, path, &own, Some(&created))["items"].clone();
    assert_eq!(patched(completed_service("web"), &items[0]["patch"]), described("web", "own"));
    assert_eq!(diff(&client, path, &own, Some(&first))["items"].as_array().map(Vec::len), Some(2));
    // What the source did since is none of the copy's.
    let later = client.get(CONFIG).expect(200).version();
    asked(&client, path, &own, Some(&later)).expect_error(404);
    asked(&client, SERVICES, &own, None).expect_error(404);
}

#[test]
fn what_is_not_there_is_not_found() {
    let server = Server::start();
    let client = server.client();
    let [first, created, _, deleted] = a_history(&client);
    for version in ["none", &"0".repeat(40), "abcdef"] {
        asked(&client, SERVICES, version, None).expect_error(404);
        asked(&client, CONFIG, &created, Some(version)).expect_error(404);
    }
    asked(&client, "/conf/none/backend-services", &created, None).expect_error(404);
    asked(&client, &format!("{SERVICES}/never"), &created, None).expect_error(404);
    // An entry that neither version has.
    let answer = asked(&client, WEB, &deleted, Some(&first)).expect_error(404);
    assert!(answer.message().contains("web"), "{answer:?}");
    client.get(&format!("{WEB}/versions/{created}/diff?agianst={first}")).expect_error(422);
}

#[test]
fn conditions_and_head_work_as_on_every_read() {
    let server = Server::start();
    let client = server.client();
    let [_, created, changed, _] = a_history(&client);
    for accept in ["application/json", "text/x-diff"] {
        let path = format!("{WEB}/versions/{changed}/diff?against={created}");
        let get = |method: &str| client.request(method, &path).header("Accept", accept);
        let answer = get("GET").send().expect(200);
        assert_eq!(answer.object(), server.git().hash_object(&answer.body), "anyone can compute the tag");
        assert_eq!(answer.version(), changed);
        let varies =
            answer.header("vary").is_some_and(|names| names.split(", ").any(|name| name == "accept"));
        assert!(varies, "a cache must know that Accept decides: {answer:?}");
        get("GET").if_none_match(&answer.etag()).send().expect(304);
        get("GET").if_match("\"0\"").send().expect_error(412);
        let head = get("HEAD").send().expect(200);
        assert_eq!((head.etag(), head.body.len()), (answer.etag(), 0));
    }
}

#[test]
fn a_difference_is_only_read() {
    let server = Server::start();
    let client = server.client();
    let [_, created, ..] = a_history(&client);
    for path in [SERVICES, WEB, CONFIG, BACKENDS, "/backends", "/backends/b"] {
        let path = format!("{path}/versions/{created}/diff");
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let refused = client.request(method, &path).send().expect_error(405);
            assert_eq!(refused.header("allow"), Some("GET, HEAD, OPTIONS"));
        }
        client.request("OPTIONS", &path).send().expect(204);
    }
}

#[test]
fn a_version_that_breaks_todays_rules_can_be_compared_as_text() {
    let mut server = Server::start();
    server.client().post(WEB, &service("web")).expect(201);
    server.stop();
    let git = server.git();
    let bad = planted::add(&git, "prod", "backend-services/web.json", b"{\"id\":\"web\",\"nmae\":\"Web\"}");
    planted::add(
        &git,
        "prod",
        "backend-services/web.json",
        &crate::support::documents::file(&service("web")),
    );
    server.start_again();
    let client = server.client();
    let refused = asked(&client, WEB, &bad, None).expect_error(409);
    assert!(refused.message().contains("nmae"), "{refused:?}");
    let path = format!("{WEB}/versions/{bad}/diff");
    let text = client.request("GET", &path).header("Accept", "text/x-diff").send().expect(200).text();
    assert!(text.contains("\n+{\"id\":\"web\",\"nmae\":\"Web\"}\n\\ No newline at end of file\n"), "{text}");
}
