//! Transactions: many changes in one commit, or none.

mod conditions;
mod done;
mod races;
mod refused;

use serde_json::{Value, json};

use crate::support::documents::{described, service};
use crate::support::{Answer, Client, Server};

const TRANSACTIONS: &str = "/conf/prod/transactions";
const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";

/// A server whose `prod` has the services `web` and `app` and the backend `contoso`.
#[track_caller]
fn server() -> Server {
    let server = Server::start();
    let client = server.client();
    client.post(SERVICES, &json!([service("web"), service("app")])).expect(201);
    client.put("/conf/prod/backends/contoso", &json!({"host": "contoso.com"})).expect(201);
    server
}

/// An operation on a backend service.
fn operation(op: &str, id: &str, value: Value) -> Value {
    json!({"op": op, "kind": "backend-services", "id": id, "value": value})
}

fn put(id: &str, description: &str) -> Value {
    operation("put", id, described(id, description))
}

fn delete(kind: &str, id: &str) -> Value {
    json!({"op": "delete", "kind": kind, "id": id})
}

#[track_caller]
fn apply(client: &Client, operations: &[Value]) -> Answer {
    client.post(TRANSACTIONS, &json!({"operations": operations}))
}
