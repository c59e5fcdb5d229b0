//! Random histories: every patch, applied to the one version, gives the other; every text is git's.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{CONFIG, diff, patched};
use crate::support::chance::Chance;
use crate::support::{Client, Server};

/// A configuration's documents by kind and id, and what it says of itself.
type State = BTreeMap<(String, String), Value>;

fn state(client: &Client, config: &str, version: &str) -> State {
    let whole = client.get(&format!("/conf/configs/{config}/versions/{version}")).expect(200).json();
    let record = client.get(&format!("/conf/configs/{config}?version={version}")).expect(200).json();
    let said = json!({"id": config, "description": record["description"]});
    let mut state = State::from([(("configs".to_owned(), config.to_owned()), said)]);
    for (kind, documents) in whole["documents"].as_object().expect("kinds") {
        for document in documents.as_array().expect("documents") {
            let id = document["id"].as_str().expect("an id").to_owned();
            state.insert((kind.clone(), id), document.clone());
        }
    }
    state
}

/// Applies each patch to its document; each must say truly what it does.
#[track_caller]
fn applied(mut state: State, items: &Value, kind: Option<&str>) -> State {
    for item in items.as_array().expect("items") {
        let kind = kind.or(item["kind"].as_str()).expect("a kind").to_owned();
        let place = (kind, item["id"].as_str().expect("an id").to_owned());
        let before = state.remove(&place).unwrap_or_default();
        let after = patched(before.clone(), &item["patch"]);
        let change = match (before.is_null(), after.is_null()) {
            (true, false) => "created",
            (false, true) => "deleted",
            (false, false) => "updated",
            (true, true) => panic!("nothing happens: {item}"),
        };
        assert_eq!(item["change"], change, "{item}");
        assert_ne!(before, after, "{item}");
        if !after.is_null() {
            state.insert(place, after);
        }
    }
    state
}

fn service(chance: &mut Chance, id: &str) -> Value {
    let words = ["", "a/b", "tilde~1", "ü", "line\nfeed", "\"quoted\""];
    let hosts: Vec<Value> = (0..chance.below(5))
        .map(|_| {
            let ports: Vec<_> = (0..chance.below(4)).map(|port| 80 + port * (1 + chance.below(3))).collect();
            let host = format!("10.0.0.{}", chance.below(6));
            json!({"host": host, "weight": chance.below(3), "down": chance.below(2) == 0, "http_ports": dedup(ports)})
        })
        .collect();
    json!({"id": id, "name": id, "description": words[chance.below(words.len())], "back_hosts": hosts})
}

fn dedup(mut ports: Vec<usize>) -> Vec<usize> {
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// Some write that changes something, or nothing.
fn write(client: &Client, chance: &mut Chance) {
    let ids = ["web", "api", "a b", "Ünï", "x~y"];
    let id = ids[chance.below(ids.len())];
    let path = |kind: &str| format!("/conf/prod/{kind}/{}", crate::support::documents::encoded(id));
    let status = match chance.below(8) {
        0..=2 => client.post(&path("backend-services"), &service(chance, id)).status,
        3 | 4 => client.put(&path("backend-services"), &service(chance, id)).status,
        5 => client.request("DELETE", &path("backend-services")).send().status,
        6 => {
            let host = format!("h{}.example", chance.below(3));
            client.put(&path("backends"), &json!({"host": host})).status
        }
        _ => client.put(CONFIG, &json!({"description": format!("State {}", chance.below(4))})).status,
    };
    assert!(matches!(status, 200 | 201 | 404 | 409), "{status}");
}

#[test]
fn patches_lead_from_any_version_to_any_other() {
    let server = Server::start();
    let client = server.client();
    let mut chance = Chance(6);
    for _ in 0..60 {
        write(&client, &mut chance);
    }
    let versions = client.get(&format!("{CONFIG}/versions")).expect(200).versions();
    assert!(versions.len() > 25, "there is something to compare: {}", versions.len());
    for _ in 0..40 {
        let [from, to] = [0; 2].map(|_| &versions[chance.below(versions.len())]);
        let (before, after) = (state(&client, "prod", from), state(&client, "prod", to));
        let whole = diff(&client, CONFIG, to, Some(from));
        assert_eq!(applied(before.clone(), &whole["items"], None), after, "{from} to {to}");
        let of = |state: &State, kind: &str| -> State {
            state.iter().filter(|(place, _)| place.0 == kind).map(|(p, v)| (p.clone(), v.clone())).collect()
        };
        for kind in ["backend-services", "backends"] {
            let set = diff(&client, &format!("/conf/prod/{kind}"), to, Some(from));
            assert_eq!(applied(of(&before, kind), &set["items"], Some(kind)), of(&after, kind));
        }
        let text = client.request("GET", &format!("{CONFIG}/versions/{to}/diff?against={from}"));
        let text = text.header("Accept", "text/x-diff").send().expect(200).text();
        let printed = server.git().text(&["diff", "--no-renames", from, to]);
        assert_eq!(text.trim_end_matches('\n'), printed, "{from} to {to}");
    }
}

#[test]
fn one_change_in_a_large_set_is_one_item() {
    let server = Server::start();
    let client = server.client();
    let set: Vec<Value> = (0..2000).map(|n| json!({"id": format!("s{n}"), "name": "S"})).collect();
    client.post("/conf/prod/backend-services", &json!(set)).expect(201);
    let changed = json!({"name": "Changed"});
    let version = client.put("/conf/prod/backend-services/s1234", &changed).expect(200).version();
    for path in ["/conf/prod/backend-services", CONFIG] {
        let answer = client.get(&format!("{path}/versions/{version}/diff")).expect(200);
        let patch = json!([{"op": "replace", "path": "/name", "value": "Changed"}]);
        assert_eq!(answer.items().len(), 1);
        assert_eq!((&answer.items()[0]["id"], &answer.items()[0]["patch"]), (&json!("s1234"), &patch));
    }
}
