//! What an operation may answer.

use serde_json::{Map, Value, json};

use super::components::{name, reference};
use crate::document::Kind;
use crate::http::events::EVENT_STREAM;
use crate::http::needs::Needs;
use crate::http::route::Input;
use crate::http::route::{Kinds, Operation, Output, Resource};
use crate::http::shape::Dialect;

pub fn responses(resource: &Resource, operation: &Operation, kind: Option<&Kind>) -> Value {
    let mut responses = Map::new();
    let mut add = |status: u16, response: Value| {
        responses.insert(status.to_string(), response);
    };
    let (status, success) = success(resource, operation, kind);
    add(status, success);
    let write = operation.output.is_write();
    if write && status != 200 {
        let dry = reference("schemas", "DryRun");
        let answer = match operation.output {
            Output::Released => json!({
                "description": "It is there already, or it was a dry run",
                "headers": common(resource, json!({"ETag": reference("headers", "ETag")})),
                "content": body(&json!({"oneOf": [reference("schemas", "Message"), dry]})),
            }),
            _ => json!({
                "description": "A dry run: what would have been done",
                "headers": common(resource, json!({})),
                "content": body(&dry),
            }),
        };
        add(200, answer);
    }
    if has_tag(operation) {
        let headers = json!({
            "ETag": reference("headers", "ETag"),
            "Preference-Applied": reference("headers", "Preference-Applied"),
        });
        let headers = common(resource, headers);
        add(304, json!({"description": "It is still what If-None-Match names", "headers": headers}));
    }
    let mut refuses: Vec<u16> = operation.refuses.to_vec();
    refuses.extend([400, 408, 413, 414, 431, 500, 503]);
    if resource.dialect != Dialect::Azure {
        refuses.push(422);
    }
    refuses.extend(turned_away(operation.needs));
    if operation.output.is_json() || operation.output == Output::Events {
        refuses.push(406);
    }
    if has_tag(operation) || write {
        refuses.push(412);
    }
    if operation.input != Input::None {
        refuses.push(415);
    }
    refuses.sort_unstable();
    refuses.dedup();
    for status in refuses {
        add(status, refusal(resource, operation, status));
    }
    responses.sort_keys();
    Value::Object(responses)
}

fn success(resource: &Resource, operation: &Operation, kind: Option<&Kind>) -> (u16, Value) {
    let schema = |name: &str| reference("schemas", name);
    let (status, about, content) = match operation.output {
        Output::Document => (200, "The document", body(&schema(&name(kind)))),
        Output::Set => (200, "The set, sorted by id", body(&schema(&format!("{}Set", name(kind))))),
        Output::Versions => (200, "A page of versions", body(&schema("Versions"))),
        Output::Whole => (200, "All documents by kind", body(&schema("ConfigurationVersion"))),
        Output::Difference => {
            let patches = schema(if kind.is_some() { "SetDifference" } else { "Difference" });
            let text = json!({"type": "string", "description": "As `git diff --no-renames` prints it"});
            let content = json!({"application/json": {"schema": patches}, "text/x-diff": {"schema": text}});
            (200, "What differs: patches, or a unified diff", content)
        }
        Output::Configuration => (200, "The record", body(&schema("Configuration"))),
        Output::Configurations => (200, "All records, sorted by id", body(&schema("Configurations"))),
        Output::Release => (200, "The release", body(&schema("Release"))),
        Output::Releases => (200, "A page of releases", body(&schema("Releases"))),
        Output::Created | Output::Released => (201, "It was created", body(&schema("Message"))),
        Output::Updated | Output::Deleted => (
            200,
            "It was done, or was a dry run",
            body(&json!({"oneOf": [schema("Message"), schema("DryRun")]})),
        ),
        Output::Archived => (
            200,
            "It was done, or was a dry run",
            body(&json!({"oneOf": [schema("Archived"), schema("DryRun")]})),
        ),
        Output::Applied => (
            200,
            "All of it was done, or was a dry run",
            body(&json!({"oneOf": [schema("Applied"), schema("DryRun")]})),
        ),
        Output::Merged => (
            200,
            "It was merged, or there was nothing to merge, or it was a dry run",
            body(&json!({"oneOf": [schema("Merged"), schema("DryRun")]})),
        ),
        Output::Entity => (200, "The entity", body(&schema("AzureBackend"))),
        Output::Entities => (200, "A page of entities, sorted by id", body(&schema("AzureBackends"))),
        Output::CreatedEntity => (201, "It was created", body(&schema("AzureBackend"))),
        Output::Nothing => (204, "It was done", json!({})),
        Output::Mirrors => (200, "How it goes with each", body(&schema("Mirrors"))),
        Output::Noted => (202, "It is looked at once", body(&schema("Message"))),
        Output::Health => (200, "It is", body(&schema("Health"))),
        Output::OpenApi => (200, "The description", body(&json!({"type": "object"}))),
        Output::Events => (
            200,
            "Events; the data of each is an Event, its id the version",
            json!({EVENT_STREAM: {"schema": {"type": "string"}}}),
        ),
        Output::Stream(media_types) => {
            let content: Map<String, Value> = media_types
                .iter()
                .map(|media_type| ((*media_type).to_owned(), json!({"schema": {"type": "string"}})))
                .collect();
            (200, "In git's own protocol, which has its own way to say that something failed", content.into())
        }
        Output::Text(media_type) => {
            let media_type = media_type.split(';').next().unwrap_or(media_type);
            (200, "The text", json!({media_type: {"schema": {"type": "string"}}}))
        }
    };
    let mut headers = Map::new();
    let mut header = |name: &str| headers.insert(name.to_owned(), reference("headers", name));
    // Of what was put away there is no newest state that a tag could name.
    let tagged = operation.output.is_write() && operation.output != Output::Archived;
    if has_tag(operation) || tagged {
        header("ETag");
    }
    if has_tag(operation) {
        header("Preference-Applied");
    }
    if matches!(operation.output, Output::Created | Output::Released | Output::CreatedEntity) {
        header("Location");
    }
    if matches!(operation.output, Output::Versions | Output::Releases) {
        header("Link");
    }
    let headers = common(resource, Value::Object(headers));
    let mut success = json!({"description": about, "headers": headers});
    if operation.output != Output::Nothing {
        success["content"] = content;
    }
    (status, success)
}

/// A failure that may be told in an operation's own words.
fn refusal(resource: &Resource, operation: &Operation, status: u16) -> Value {
    let (about, schema) = match (operation.output, status) {
        (Output::Applied, 404) => {
            ("There is no such configuration, or an operation's entry is not there", "OperationsError")
        }
        (Output::Applied, 409) => {
            ("An operation's entry is there already, and none is missing", "OperationsError")
        }
        (Output::Applied, 412) => (
            "If-Match or If-None-Match does not hold; or an if_match, and it is neither 404 nor 409",
            "OperationsError",
        ),
        (Output::Applied, 422) => {
            ("Rules are broken, and it is none of 404, 409 and 412; all of them are told", "OperationsError")
        }
        (Output::Merged, 404) => ("There is no such configuration or version", "Error"),
        (Output::Merged, 409) => (
            "Both sides have changed entries in different ways, or a version breaks today's rules",
            "Conflicts",
        ),
        _ => return failure(resource, status),
    };
    let mut refusal = failure(resource, status);
    refusal["description"] = about.into();
    let usual = refusal["content"]["application/json"]["schema"].take();
    refusal["content"]["application/json"]["schema"] =
        json!({"anyOf": [usual, reference("schemas", schema)]});
    refusal
}

/// What is answered to who may not come in.
pub fn turned_away(needs: Needs) -> &'static [u16] {
    if needs == Needs::Nothing { &[] } else { &[401, 403, 429] }
}

pub fn failure(resource: &Resource, status: u16) -> Value {
    let (about, schema) = match status {
        400 => ("A header or the body cannot be read", "Error"),
        401 => ("It is not known who asks", "Error"),
        403 => (
            "Who asks lacks the role that the message names, or the configuration follows another server and is changed there",
            "Error",
        ),
        404 => ("There is no such thing", "Error"),
        406 => ("Accept takes no form of the answer", "Error"),
        408 => ("The body took too long to arrive", "Error"),
        409 => ("It is there already, or the version breaks today's rules", "Error"),
        412 => ("If-Match or If-None-Match does not hold", "Error"),
        413 => ("The body is too large", "Error"),
        414 => ("The URL is too long", "Error"),
        415 => ("The body is not of the type that is asked for here", "Error"),
        422 => ("Rules are broken; all of them are told", "ValidationError"),
        429 => ("This is too often", "Error"),
        431 => ("The head of the request is too large", "Error"),
        501 => ("Git is not installed, or its door is closed", "Error"),
        503 => (
            "There is no room for the request now, or a write cannot be taken, or it is not known whether it was",
            "Error",
        ),
        _ => ("What is stored is damaged", "Error"),
    };
    let mut headers = json!({});
    if matches!(status, 429 | 503) {
        headers["Retry-After"] = reference("headers", "Retry-After");
    }
    if status == 401 {
        headers["WWW-Authenticate"] = reference("headers", "WWW-Authenticate");
    }
    let content = match resource.dialect {
        Dialect::Git => json!({"text/plain": {"schema": {"type": "string"}}}),
        Dialect::Azure => body(&reference("schemas", "AzureError")),
        Dialect::Own => json!({
            "application/json": {"schema": reference("schemas", schema)},
            "application/problem+json": {"schema": reference("schemas", "Problem")},
        }),
    };
    json!({"description": about, "headers": common(resource, headers), "content": content})
}

pub fn has_tag(operation: &Operation) -> bool {
    let no_object =
        matches!(operation.output, Output::Events | Output::Mirrors | Output::Noted | Output::Stream(_))
            || matches!(operation.name, "live" | "ready" | "metrics");
    !operation.output.is_write() && !no_object
}

/// The headers of every answer, and of every answer about a configuration.
pub fn common(resource: &Resource, mut headers: Value) -> Value {
    if resource.path.contains("{config}") || resource.kinds != Kinds::None {
        headers["Revconf-Version"] = reference("headers", "Revconf-Version");
    }
    headers["X-Request-Id"] = reference("headers", "X-Request-Id");
    headers
}

fn body(schema: &Value) -> Value {
    json!({"application/json": {"schema": schema}})
}
