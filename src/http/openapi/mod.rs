//! The description of the API (OpenAPI 3.1), made of the table of routes and the kinds' own schemas.

mod answers;
mod changes;
mod components;

use actix_web::http::Method;
use serde_json::{Map, Value, json};

use answers::{common, failure, has_tag, responses, turned_away};
use components::{headers, name, parameters, reference, schemas, security_schemes};

use super::needs::Needs;
use super::route::{Input, Operation, Output, Resource};
use super::routes;
use super::shape::Dialect;
use crate::document::{KINDS, Kind};

const CONFIGURATIONS: &str = "configurations";
const SERVICE: &str = "service";

/// The whole description, for a service under these prefixes.
pub fn document(prefixes: &[String]) -> Value {
    let servers = prefixes.iter().map(|prefix| if prefix.is_empty() { "/" } else { prefix.as_str() });
    let servers: Vec<_> = servers.map(|url| json!({"url": url})).collect();
    let mut paths = Map::new();
    for resource in routes::all() {
        for kind in resource.each() {
            paths.insert(resource.path_for(kind), path_item(resource, kind));
        }
    }
    let mut tags = vec![
        json!({"name": CONFIGURATIONS, "description": "Configurations, each a branch of the repository"}),
    ];
    tags.extend(KINDS.iter().map(|kind| json!({"name": kind.name, "description": sentence(kind.plural)})));
    tags.push(json!({"name": SERVICE, "description": "The service itself"}));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "revconf",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Versioned configuration for the back-ends behind reverse proxies. Every change is a commit \
                            in a git repository; versions are listed, read and reverted to.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": servers,
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": all_schemas(),
            "headers": headers(),
            "parameters": parameters(),
            "securitySchemes": security_schemes(),
        },
    })
}

fn all_schemas() -> Value {
    let mut all = schemas();
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), changes::schemas()) {
        all.extend(more);
    }
    all
}

fn path_item(resource: &Resource, kind: Option<&'static Kind>) -> Value {
    let mut item = Map::new();
    if !resource.prefixed {
        item.insert("servers".to_owned(), json!([{"url": "/"}]));
    }
    let in_path = resource.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path: Vec<_> =
        in_path.filter(|name| *name != "kind").map(|name| reference("parameters", name)).collect();
    if !in_path.is_empty() {
        item.insert("parameters".to_owned(), in_path.into());
    }
    for operation in resource.operations {
        let described = describe(resource, operation, kind);
        if operation.method == Method::GET {
            item.insert("head".to_owned(), head_of(&described));
        }
        item.insert(operation.method.as_str().to_lowercase(), described);
    }
    let allow = json!({"description": "What can be done here", "headers": common(resource, json!({"Allow": reference("headers", "Allow")}))});
    let mut responses = json!({"204": allow});
    for status in turned_away(resource.least()) {
        responses[status.to_string()] = failure(resource, *status);
    }
    item.insert(
        "options".to_owned(),
        json!({
            "operationId": format!("options_{}", operation_id(resource, &resource.operations[0], kind)),
            "summary": "What can be done here",
            "tags": [tag(resource, kind)],
            "security": security(resource.least()),
            "responses": responses,
        }),
    );
    Value::Object(item)
}

fn operation_id(resource: &Resource, operation: &Operation, kind: Option<&Kind>) -> String {
    match kind {
        Some(kind) => {
            let root = if resource.path.contains("{config}") { "" } else { "_at_root" };
            format!("{}_{}{root}", operation.name, kind.name.replace('-', "_"))
        }
        None => operation.name.to_owned(),
    }
}

fn tag(resource: &Resource, kind: Option<&Kind>) -> &'static str {
    match kind {
        Some(kind) => kind.name,
        None if resource.prefixed => CONFIGURATIONS,
        None => SERVICE,
    }
}

fn describe(resource: &Resource, operation: &Operation, kind: Option<&Kind>) -> Value {
    let query = operation.query.iter().map(|parameter| {
        json!({"name": parameter.name, "in": "query", "description": parameter.about, "schema": parameter.form.schema()})
    });
    let mut parameters: Vec<Value> = query.collect();
    if has_tag(operation) || operation.output.is_write() {
        // Azure's contract wants If-Match where something that is there is changed.
        let required = resource.dialect == Dialect::Azure && operation.output == Output::Nothing;
        let if_match = if required { "If-Match-Required" } else { "If-Match" };
        parameters.extend([if_match, "If-None-Match"].map(|name| reference("parameters", name)));
    }
    if has_tag(operation) {
        parameters.push(reference("parameters", "Prefer"));
    }
    if matches!(operation.output, Output::Stream(_)) {
        parameters.push(reference("parameters", "Git-Protocol"));
    }
    if operation.output == Output::Events {
        parameters.push(reference("parameters", "Last-Event-ID"));
    }
    let mut described = json!({
        "operationId": operation_id(resource, operation, kind),
        "summary": operation.summary,
        "tags": [tag(resource, kind)],
        "parameters": parameters,
        "security": security(operation.needs),
        "responses": responses(resource, operation, kind),
    });
    if let Needs::Role(role) = operation.needs {
        described["x-role"] = role.name().into();
    }
    if operation.input != Input::None {
        described["requestBody"] = json!({
            "required": !matches!(operation.input, Input::Creation | Input::Release),
            "content": content_of(operation.input, kind),
        });
    }
    described
}

/// Any of the ways to show who asks, or none where nobody is asked for.
fn security(needs: Needs) -> Value {
    match needs {
        Needs::Nothing => json!([]),
        Needs::Something | Needs::Role(_) => {
            json!([{"bearer": []}, {"basic": []}, {"signature": []}, {"certificate": []}])
        }
        Needs::Secret => json!([
            {"hubSignature": []}, {"gitlabToken": []},
            {"bearer": []}, {"basic": []}, {"signature": []}, {"certificate": []},
        ]),
    }
}

/// A HEAD is a GET whose answers have no body.
fn head_of(get: &Value) -> Value {
    let mut head = get.clone();
    head["operationId"] = format!("head_{}", get["operationId"].as_str().unwrap_or_default()).into();
    if let Some(responses) = head["responses"].as_object_mut() {
        for response in responses.values_mut().filter_map(Value::as_object_mut) {
            response.shift_remove("content");
        }
    }
    head
}

fn sentence(text: &str) -> String {
    text.chars().take(1).flat_map(char::to_uppercase).chain(text.chars().skip(1)).collect()
}

fn input(input: Input, kind: Option<&Kind>) -> Value {
    let document = reference("schemas", &format!("{}Input", name(kind)));
    match input {
        Input::None | Input::Stream(_) => json!({}),
        Input::Document => document,
        Input::Set => json!({"type": "array", "items": {"allOf": [document, {"required": ["id"]}]}}),
        Input::Creation => reference("schemas", "NewConfiguration"),
        Input::Description => reference("schemas", "Description"),
        Input::Release => reference("schemas", "NewRelease"),
        Input::Transaction => reference("schemas", "Transaction"),
        Input::Merge => reference("schemas", "Merge"),
        Input::Entity => reference("schemas", "AzureBackendInput"),
        Input::EntityPatch => reference("schemas", "AzureBackendPatch"),
    }
}

fn content_of(kind_of_input: Input, kind: Option<&Kind>) -> Value {
    let schema = json!({"schema": input(kind_of_input, kind)});
    match kind_of_input {
        Input::EntityPatch => json!({"application/json": schema, "application/merge-patch+json": schema}),
        Input::Stream(media_type) => json!({media_type: {}}),
        _ => json!({"application/json": schema}),
    }
}
