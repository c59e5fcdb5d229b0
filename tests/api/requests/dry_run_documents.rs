//! `?dry_run=true` foretells what a write would do to the documents, and does none of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::json_patch::patched;
use crate::support::documents::{back_host, described, full_service, service, with};
use crate::support::{Answer, Client, Server};

/// The documents of a configuration by their ids.
type Documents = BTreeMap<String, Value>;

/// A configuration with the entries `web` (in two versions) and `app`, and a deleted entry `old`.
struct Target<'a> {
    client: &'a Client,
    config: String,
    first: String,
}

impl<'a> Target<'a> {
    fn new(client: &'a Client, number: usize) -> Self {
        let config = format!("config{number}");
        client.post(&format!("/conf/configs/{config}"), &json!({})).expect(201);
        let set = format!("/conf/{config}/backend-services");
        let all = json!([full_service("web"), service("app"), service("old")]);
        let first = client.post(&set, &all).expect(201).version();
        client.delete(&format!("{set}/old")).expect(200);
        let hosts = json!([back_host("web2.example.com"), back_host("web1.example.com")]);
        let web = with(described("web", "newer"), "back_hosts", hosts);
        client.put(&format!("{set}/web"), &web).expect(200);
        Self { client, config, first }
    }

    fn documents(&self) -> Documents {
        let items = self.client.get(&format!("/conf/{}/backend-services", self.config)).expect(200).items();
        items.into_iter().map(|item| (item["id"].as_str().expect("an id").to_owned(), item)).collect()
    }

    /// Sends a write to a path in which the configuration and its first version are filled in.
    fn send(&self, method: &str, path: &str, body: &Option<Value>, dry: bool) -> Answer {
        let mut path = path.replace("{config}", &self.config).replace("{first}", &self.first);
        if dry {
            path.push_str(if path.contains('?') { "&dry_run=true" } else { "?dry_run=true" });
        }
        let request = self.client.request(method, &path);
        if let Some(body) = body { request.json(body).send() } else { request.send() }
    }
}

/// What a dry run's diff makes of these documents; each of its items must tell the truth about its kind of change.
#[track_caller]
fn foretold(mut documents: Documents, diff: &Value) -> Documents {
    for item in diff["items"].as_array().expect("a diff has items") {
        assert_eq!(item["kind"], "backend-services", "{item}");
        let id = item["id"].as_str().expect("an id").to_owned();
        let before = documents.remove(&id).unwrap_or(Value::Null);
        let after = patched(before.clone(), &item["patch"]);
        let change = match (&before, &after) {
            (Value::Null, _) => "created",
            (_, Value::Null) => "deleted",
            _ => "updated",
        };
        assert_eq!(item["change"], change, "{item}");
        assert_ne!(before, after, "a diff holds only what changes: {item}");
        if !after.is_null() {
            documents.insert(id, after);
        }
    }
    documents
}

/// Dry first, then in earnest: the first must foretell the second.
#[track_caller]
fn assert_foretells(writes: &[(&str, &str, Option<Value>)]) {
    let server = Server::start();
    let client = server.client();
    for (number, (method, path, body)) in writes.iter().enumerate() {
        let target = Target::new(&client, number);
        let before = target.documents();
        let current = client.get(&format!("/conf/configs/{}", target.config)).version();
        let everything = server.git().everything();

        let dry = target.send(method, path, body, true).expect(200);
        assert_eq!(server.git().everything(), everything, "a dry run writes nothing:\n{dry:?}");
        assert_eq!(target.documents(), before);
        assert_eq!(dry.message(), "Dry run: nothing was written");
        assert_eq!(dry.version(), current, "{dry:?}");
        let diff = &dry.json()["diff"];
        assert_eq!((&diff["from"], &diff["to"]), (&json!(current), &Value::Null), "{dry:?}");

        let real = target.send(method, path, body, false);
        assert!(matches!(real.status, 200 | 201), "{real:?}");
        assert_eq!(foretold(before, diff), target.documents(), "{dry:?}");
    }
}

#[test]
fn writes_to_an_entry_are_foretold() {
    assert_foretells(&[
        ("POST", "/conf/{config}/backend-services/new", Some(service("new"))),
        ("PUT", "/conf/{config}/backend-services/web", Some(described("web", "newest"))),
        ("DELETE", "/conf/{config}/backend-services/web", None),
        ("PUT", "/conf/{config}/backend-services/web/versions/{first}/revert", None),
        ("PUT", "/conf/{config}/backend-services/old/versions/{first}/revert", None),
    ]);
}

#[test]
fn writes_to_a_set_are_foretold() {
    let mixed = json!([service("new"), described("web", "newest")]);
    assert_foretells(&[
        ("PUT", "/conf/{config}/backend-services", Some(mixed.clone())),
        ("PUT", "/conf/{config}/backend-services?mode=merge", Some(mixed)),
        ("PUT", "/conf/{config}/backend-services", Some(json!([]))),
        ("DELETE", "/conf/{config}/backend-services", None),
        ("PUT", "/conf/{config}/backend-services/versions/{first}/revert", None),
    ]);
}

#[test]
fn the_revert_of_a_configuration_is_foretold() {
    assert_foretells(&[("PUT", "/conf/configs/{config}/versions/{first}/revert", None)]);
}

#[test]
fn the_creation_of_a_set_is_foretold() {
    let server = Server::start();
    let client = server.client();
    let everything = server.git().everything();
    let set = json!([service("web"), full_service("app")]);
    let dry = client.post("/conf/prod/backend-services?dry_run=true", &set).expect(200);
    assert_eq!(server.git().everything(), everything);
    client.post("/conf/prod/backend-services", &set).expect(201);
    let items = client.get("/conf/prod/backend-services").items();
    let documents = foretold(Documents::new(), &dry.json()["diff"]);
    assert_eq!(documents.into_values().collect::<Vec<_>>(), items);
}

#[test]
fn a_write_that_would_change_nothing_has_an_empty_diff() {
    let server = Server::start();
    let client = server.client();
    let target = Target::new(&client, 0);
    let same = Some(client.get("/conf/config0/backend-services/web").json());
    let dry = target.send("PUT", "/conf/{config}/backend-services/web", &same, true).expect(200);
    assert_eq!(dry.json()["diff"]["items"], json!([]));
}
