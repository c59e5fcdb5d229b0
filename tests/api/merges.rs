//! Merges: what one configuration has changed comes into another, entry by entry.

mod ancestors;
mod conflicts;
mod damage;
mod model;
mod narrowed;
mod races;
mod random;
mod refused;
mod taken;

use serde_json::{Value, json};

use crate::support::documents::{described, service};
use crate::support::{Answer, Client, Server};

const PROD: &str = "/conf/prod/backend-services";
const STAGING: &str = "/conf/staging/backend-services";

/// `prod` with the services `web`, `app` and `old` and the backend `contoso`, and `staging`, a copy of it.
#[track_caller]
fn copies() -> Server {
    let server = Server::start();
    let client = server.client();
    client.post(PROD, &json!([service("web"), service("app"), service("old")])).expect(201);
    client.put("/conf/prod/backends/contoso", &json!({"host": "contoso.com"})).expect(201);
    client.post("/conf/configs/staging", &json!({"from": {"config": "prod"}})).expect(201);
    server
}

/// Merges one configuration into another; `query` begins with a question mark or is empty.
#[track_caller]
fn merge(client: &Client, from: &str, into: &str, query: &str) -> Answer {
    client.post(&format!("/conf/{into}/merge{query}"), &json!({"from": {"config": from}}))
}

#[track_caller]
fn describe(client: &Client, set: &str, id: &str, description: &str) {
    client.put(&format!("{set}?mode=merge"), &json!([described(id, description)])).expect(200);
}

/// Kind, id and change of each item.
#[track_caller]
fn items(answer: &Answer) -> Vec<String> {
    let told = |item: &Value| {
        ["kind", "id", "change"].map(|member| item[member].as_str().expect("a text").to_owned()).join(" ")
    };
    answer.items().iter().map(told).collect()
}
