//! The description of the API (OpenAPI 3.1), made of the table of routes and the kinds' own schemas.

use actix_web::http::Method;
use serde_json::{Map, Value, json};

use super::route::{Input, Kinds, Operation, Output, Resource};
use super::routes;
use super::shape::Dialect;
use crate::document::{EntryId, KINDS, Kind};

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
        "components": {"schemas": schemas(), "headers": headers(), "parameters": parameters()},
    })
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
    item.insert(
        "options".to_owned(),
        json!({
            "operationId": format!("options_{}", operation_id(resource, &resource.operations[0], kind)),
            "summary": "What can be done here",
            "tags": [tag(resource, kind)],
            "responses": {"204": allow},
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
    let mut described = json!({
        "operationId": operation_id(resource, operation, kind),
        "summary": operation.summary,
        "tags": [tag(resource, kind)],
        "parameters": parameters,
        "responses": responses(resource, operation, kind),
    });
    if operation.input != Input::None {
        described["requestBody"] = json!({
            "required": operation.input != Input::Creation,
            "content": content_of(operation.input, kind),
        });
    }
    described
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

fn has_tag(operation: &Operation) -> bool {
    !operation.output.is_write() && !matches!(operation.name, "live" | "ready" | "metrics")
}

fn responses(resource: &Resource, operation: &Operation, kind: Option<&Kind>) -> Value {
    let mut responses = Map::new();
    let mut add = |status: u16, response: Value| {
        responses.insert(status.to_string(), response);
    };
    let (status, success) = success(resource, operation, kind);
    add(status, success);
    let write = operation.output.is_write();
    if write && status != 200 {
        let dry = json!({"description": "A dry run: what would have been done", "headers": common(resource, json!({})), "content": body(&reference("schemas", "DryRun"))});
        add(200, dry);
    }
    if has_tag(operation) {
        let headers = common(resource, json!({"ETag": reference("headers", "ETag")}));
        add(304, json!({"description": "It is still what If-None-Match names", "headers": headers}));
    }
    let mut refuses: Vec<u16> = operation.refuses.to_vec();
    refuses.extend([400, 414, 500]);
    if resource.dialect == Dialect::Own {
        refuses.push(422);
    }
    if operation.output.is_json() {
        refuses.push(406);
    }
    if has_tag(operation) || write {
        refuses.push(412);
    }
    if operation.input != Input::None {
        refuses.extend([413, 415]);
    }
    if write {
        refuses.push(503);
    }
    refuses.sort_unstable();
    refuses.dedup();
    for status in refuses {
        add(status, failure(resource, status));
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
        Output::Configuration => (200, "The record", body(&schema("Configuration"))),
        Output::Configurations => (200, "All records, sorted by id", body(&schema("Configurations"))),
        Output::Created => (201, "It was created", body(&schema("Message"))),
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
        Output::Entity => (200, "The entity", body(&schema("AzureBackend"))),
        Output::Entities => (200, "A page of entities, sorted by id", body(&schema("AzureBackends"))),
        Output::CreatedEntity => (201, "It was created", body(&schema("AzureBackend"))),
        Output::Nothing => (204, "It was done", json!({})),
        Output::Health => (200, "It is", body(&schema("Health"))),
        Output::OpenApi => (200, "The description", body(&json!({"type": "object"}))),
        Output::Text(media_type) => {
            let media_type = media_type.split(';').next().unwrap_or(media_type);
            (200, "The text", json!({media_type: {"schema": {"type": "string"}}}))
        }
    };
    let mut headers = Map::new();
    let mut header = |name: &str| headers.insert(name.to_owned(), reference("headers", name));
    let writes = [Output::Created, Output::Updated, Output::Deleted, Output::CreatedEntity, Output::Nothing];
    if has_tag(operation) || writes.contains(&operation.output) {
        header("ETag");
    }
    if matches!(operation.output, Output::Created | Output::CreatedEntity) {
        header("Location");
    }
    if operation.output == Output::Versions {
        header("Link");
    }
    let headers = common(resource, Value::Object(headers));
    let mut success = json!({"description": about, "headers": headers});
    if operation.output != Output::Nothing {
        success["content"] = content;
    }
    (status, success)
}

fn failure(resource: &Resource, status: u16) -> Value {
    let (about, schema) = match status {
        400 => ("A header or the body cannot be read", "Error"),
        404 => ("There is no such thing", "Error"),
        406 => ("Accept takes no JSON", "Error"),
        409 => ("It is there already, or the version breaks today's rules", "Error"),
        412 => ("If-Match or If-None-Match does not hold", "Error"),
        413 => ("The body is too large", "Error"),
        414 => ("The URL is too long", "Error"),
        415 => ("The body is not JSON", "Error"),
        422 => ("Rules are broken; all of them are told", "ValidationError"),
        503 => ("A write cannot be taken now, or it is not known whether it was", "Error"),
        _ => ("What is stored is damaged", "Error"),
    };
    let mut headers = json!({});
    if status == 503 {
        headers["Retry-After"] = reference("headers", "Retry-After");
    }
    let content = match resource.dialect {
        Dialect::Azure => body(&reference("schemas", "AzureError")),
        Dialect::Own => json!({
            "application/json": {"schema": reference("schemas", schema)},
            "application/problem+json": {"schema": reference("schemas", "Problem")},
        }),
    };
    json!({"description": about, "headers": common(resource, headers), "content": content})
}

/// The headers of every answer, and of every answer about a configuration.
fn common(resource: &Resource, mut headers: Value) -> Value {
    if resource.path.contains("{config}") || resource.kinds != Kinds::None {
        headers["Revconf-Version"] = reference("headers", "Revconf-Version");
    }
    headers["X-Request-Id"] = reference("headers", "X-Request-Id");
    headers
}

fn reference(section: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{section}/{name}")})
}

fn body(schema: &Value) -> Value {
    json!({"application/json": {"schema": schema}})
}

fn name(kind: Option<&Kind>) -> String {
    kind.map_or_else(|| "Document".to_owned(), |kind| kind.schema_name.to_owned())
}

fn sentence(text: &str) -> String {
    text.chars().take(1).flat_map(char::to_uppercase).chain(text.chars().skip(1)).collect()
}

fn input(input: Input, kind: Option<&Kind>) -> Value {
    let document = reference("schemas", &format!("{}Input", name(kind)));
    match input {
        Input::None => json!({}),
        Input::Document => document,
        Input::Set => json!({"type": "array", "items": {"allOf": [document, {"required": ["id"]}]}}),
        Input::Creation => reference("schemas", "NewConfiguration"),
        Input::Description => reference("schemas", "Description"),
        Input::Entity => reference("schemas", "AzureBackendInput"),
        Input::EntityPatch => reference("schemas", "AzureBackendPatch"),
    }
}

fn content_of(kind_of_input: Input, kind: Option<&Kind>) -> Value {
    let schema = json!({"schema": input(kind_of_input, kind)});
    match kind_of_input {
        Input::EntityPatch => json!({"application/json": schema, "application/merge-patch+json": schema}),
        _ => json!({"application/json": schema}),
    }
}

fn parameters() -> Value {
    let text = |name: &str, place: &str, about: &str, schema: Value| json!({"name": name, "in": place, "required": place == "path", "description": about, "schema": schema});
    json!({
        "config": text("config", "path", "The configuration's name", name_schema()),
        "id": text("id", "path", "The entry's id", json!({"type": "string", "minLength": 1, "maxLength": EntryId::LONGEST})),
        "version": text(
            "version",
            "path",
            "A full commit id, or seven or more of its first digits if they are unique",
            json!({"type": "string", "pattern": "^[0-9a-f]{7,40}$"}),
        ),
        "file": text("file", "path", "The part's name", json!({"type": "string"})),
        "If-Match": text("If-Match", "header", "Do it only if the tag is one of these, or * for any", json!({"type": "string"})),
        "If-Match-Required": {
            "name": "If-Match",
            "in": "header",
            "required": true,
            "description": "Do it only if the tag is one of these, or * for any",
            "schema": {"type": "string"},
        },
        "If-None-Match": text(
            "If-None-Match",
            "header",
            "Do it only if the tag is none of these, or * for none at all",
            json!({"type": "string"}),
        ),
    })
}

fn headers() -> Value {
    let text = |about: &str, schema: Value| json!({"description": about, "schema": schema});
    json!({
        "ETag": text("What git names that which is shown: a blob, a tree or a commit", json!({"type": "string", "pattern": "^\"[0-9a-f]{40}\"$"})),
        "Revconf-Version": text("The commit of the configuration that the answer is from", commit_schema()),
        "Location": text("Where that which was created is", json!({"type": "string"})),
        "Link": text("The next page, where there is one (RFC 8288, rel=\"next\")", json!({"type": "string"})),
        "Allow": text("The methods that can be used here", json!({"type": "string"})),
        "Retry-After": text("In seconds", json!({"type": "integer"})),
        "X-Request-Id": text("The request's id in the log", json!({"type": "string"})),
    })
}

fn name_schema() -> Value {
    json!({"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,62}$"})
}

fn commit_schema() -> Value {
    json!({"type": "string", "pattern": "^[0-9a-f]{40}$"})
}

fn list_of(item: &Value) -> Value {
    object(&json!({"total": {"type": "integer", "minimum": 0}, "items": {"type": "array", "items": item}}))
}

/// An object that has all of these and nothing else.
fn object(properties: &Value) -> Value {
    let required: Vec<_> = properties.as_object().into_iter().flat_map(Map::keys).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn schemas() -> Value {
    let text = json!({"type": "string"});
    let description = json!({"type": "string", "maxLength": 4096});
    let host = json!({"type": "string", "minLength": 1, "maxLength": 255});
    let mut schemas = json!({
        "Message": object(&json!({"message": text})),
        "Archived": object(&json!({"message": text, "archive": {"type": "string", "description": "What from.archive takes"}})),
        "DryRun": object(&json!({"message": text, "diff": reference("schemas", "Difference")})),
        "Difference": object(&json!({
            "from": {"type": ["string", "null"]},
            "to": {"type": ["string", "null"]},
            "items": {"type": "array", "items": object(&json!({
                "kind": text,
                "id": text,
                "change": {"enum": ["created", "updated", "deleted"]},
                "patch": {"type": "array", "description": "RFC 6902; a document that is not there is null", "items": {"type": "object"}},
            }))},
        })),
        "Versions": list_of(&reference("schemas", "Version")),
        "Version": object(&json!({
            "author": text,
            "email": text,
            "message": text,
            "date": {"type": "string", "format": "date-time"},
            "version": commit_schema(),
            "parents": {"type": "array", "items": commit_schema()},
        })),
        "Configuration": object(&json!({
            "id": name_schema(),
            "description": text,
            "version": commit_schema(),
            "date": {"type": "string", "format": "date-time"},
        })),
        "Configurations": list_of(&reference("schemas", "Configuration")),
        "ConfigurationVersion": object(&json!({
            "id": name_schema(),
            "version": commit_schema(),
            "documents": object(&KINDS.iter().map(|kind| {
                (kind.name.to_owned(), json!({"type": "array", "items": reference("schemas", kind.schema_name)}))
            }).collect::<Map<_, _>>().into()),
        })),
        "Description": {
            "type": "object",
            "properties": {"description": description},
            "required": ["description"],
            "additionalProperties": false,
        },
        "NewConfiguration": {
            "type": "object",
            "properties": {
                "description": description,
                "from": {"oneOf": [
                    {"type": "object", "properties": {"config": text, "version": text}, "required": ["config"], "additionalProperties": false},
                    {"type": "object", "properties": {"archive": text}, "required": ["archive"], "additionalProperties": false},
                ]},
            },
            "additionalProperties": false,
        },
        "AzureBackend": object(&json!({
            "id": {"type": "string", "pattern": "^/backends/"},
            "host": text,
            "skipCertificateChainValidation": {"type": "boolean"},
        })),
        "AzureBackends": object(&json!({
            "value": {"type": "array", "items": reference("schemas", "AzureBackend")},
            "count": {"type": "integer", "minimum": 0, "description": "How many match, on all pages"},
            "nextLink": {"type": ["string", "null"], "description": "The next page; null on the last"},
        })),
        "AzureBackendInput": {
            "type": "object",
            "properties": {"host": host, "skipCertificateChainValidation": {"type": "boolean", "default": false}},
            "required": ["host"],
            "additionalProperties": false,
        },
        "AzureBackendPatch": {
            "type": "object",
            "properties": {"host": host, "skipCertificateChainValidation": {"type": ["boolean", "null"]}},
            "additionalProperties": false,
        },
        "AzureError": object(&json!({"error": object(&json!({
            "code": text,
            "message": text,
            "details": {"type": "array", "items": object(&json!({"code": text, "target": text, "message": text}))},
        }))})),
        "Health": object(&json!({"status": text})),
        "Fault": object(&json!({
            "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
            "msg": text,
            "type": text,
        })),
        "Error": {
            "type": "object",
            "properties": {
                "code": {"type": "integer"},
                "message": text,
                "line": {"type": "integer", "description": "Where the body is not JSON, from 1"},
                "column": {"type": "integer", "description": "In bytes, from 1"},
            },
            "required": ["code", "message"],
            "additionalProperties": false,
        },
        "ValidationError": object(&json!({
            "code": {"type": "integer"},
            "message": text,
            "detail": {"type": "array", "items": reference("schemas", "Fault")},
        })),
        "Problem": {
            "type": "object",
            "description": "RFC 9457",
            "properties": {
                "type": text,
                "title": text,
                "status": {"type": "integer"},
                "detail": text,
                "code": {"type": "integer"},
                "message": text,
                "line": {"type": "integer"},
                "column": {"type": "integer"},
                "errors": {"type": "array", "items": reference("schemas", "Fault")},
            },
            "required": ["type", "title", "status", "detail", "code", "message"],
            "additionalProperties": false,
        },
    });
    for kind in KINDS {
        schemas[kind.schema_name] = kind.schema_of_answer();
        schemas[format!("{}Input", kind.schema_name)] = kind.schema_of_input();
        schemas[format!("{}Set", kind.schema_name)] = list_of(&reference("schemas", kind.schema_name));
    }
    schemas
}
