//! What the description's parts refer to: schemas, headers and parameters.

use serde_json::{Map, Value, json};

use crate::document::{EntryId, KINDS, Kind};
use crate::registry::configurations::LONGEST_DESCRIPTION;
use crate::registry::message;
use crate::registry::mirrors::standing::Standing;

pub fn reference(section: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{section}/{name}")})
}

pub fn name(kind: Option<&Kind>) -> String {
    kind.map_or_else(|| "Document".to_owned(), |kind| kind.schema_name.to_owned())
}

pub fn parameters() -> Value {
    let text = |name: &str, place: &str, about: &str, schema: Value| json!({"name": name, "in": place, "required": place == "path", "description": about, "schema": schema});
    json!({
        "config": text("config", "path", "The configuration's name", name_schema()),
        "id": text("id", "path", "The entry's id, or the mirror's name", json!({"type": "string", "minLength": 1, "maxLength": EntryId::LONGEST})),
        "version": text(
            "version",
            "path",
            "A full commit id, or seven or more of its first digits if they are unique, or the name of a release",
            name_schema(),
        ),
        "release": text("release", "path", "The release's name; not 7 to 40 hex digits, which could be a version", name_schema()),
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
        "Prefer": text(
            "Prefer",
            "header",
            "wait=N, with If-None-Match: hold the answer until it is another one, for N seconds (300) at most (RFC 7240)",
            json!({"type": "string"}),
        ),
        "Git-Protocol": text(
            "Git-Protocol",
            "header",
            "The version of git's protocol that the client would speak, such as version=2",
            json!({"type": "string"}),
        ),
        "Last-Event-ID": text(
            "Last-Event-ID",
            "header",
            "Begin with what came after this version",
            json!({"type": "string"}),
        ),
    })
}

pub fn headers() -> Value {
    let text = |about: &str, schema: Value| json!({"description": about, "schema": schema});
    json!({
        "ETag": text("What git names that which is shown: a blob, a tree or a commit", json!({"type": "string", "pattern": "^\"[0-9a-f]{40}\"$"})),
        "Revconf-Version": text("The commit of the configuration that the answer is from", commit_schema()),
        "Location": text("Where that which was created is", json!({"type": "string"})),
        "Link": text("The next page, where there is one (RFC 8288, rel=\"next\")", json!({"type": "string"})),
        "Allow": text("The methods that can be used here", json!({"type": "string"})),
        "WWW-Authenticate": text("What Authorization takes (RFC 9110 section 11.6.1)", json!({"type": "string"})),
        "Preference-Applied": text("The preference that was heeded (RFC 7240)", json!({"type": "string"})),
        "Retry-After": text("In seconds", json!({"type": "integer"})),
        "X-Request-Id": text("The request's id in the log", json!({"type": "string"})),
    })
}

/// The ways to show who asks. They are asked for where the service has principals.
pub fn security_schemes() -> Value {
    json!({
        "bearer": {"type": "http", "scheme": "bearer", "description": "A key"},
        "basic": {
            "type": "http",
            "scheme": "basic",
            "description": "A principal's name, and a key as the password; or, as clients of Reblaze's API have it, the \
                            key itself in the place of both",
        },
        "signature": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "SharedAccessSignature uid=…&ex=…&sn=…: a principal's name, a time (ISO 8601), and the base64 \
                            of an HMAC-SHA512 with the principal's signing key over both, a line feed between them",
        },
        "hubSignature": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Hub-Signature-256",
            "description": "sha256= and the HMAC-SHA256 of the body with a mirror's secret, in hex digits, as GitHub, Gitea \
                            and Forgejo send it",
        },
        "gitlabToken": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Gitlab-Token",
            "description": "A mirror's secret, as GitLab sends it",
        },
        "certificate": {"type": "mutualTLS", "description": "A certificate that is listed with a principal"},
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

/// What differs between two states; `place` is how a document is named.
fn difference(place: &Value) -> Value {
    let mut item = place.clone();
    item["change"] = json!({"enum": ["created", "updated", "deleted"]});
    item["patch"] = json!({
        "type": "array",
        "description": "RFC 6902: turns the one document into the other, where a document that is not there is null. One \
                        that was created is added whole, with the path \"\"; one that was deleted is replaced by null.",
        "items": {"type": "object"},
    });
    object(&json!({
        "from": {"type": ["string", "null"], "description": "A commit; null is nothing"},
        "to": {"type": ["string", "null"], "description": "A commit; null is what was never written"},
        "items": {"type": "array", "items": object(&item)},
    }))
}

/// What is told of a version.
fn version(text: &Value) -> Value {
    json!({
        "author": text,
        "email": text,
        "message": text,
        "date": {"type": "string", "format": "date-time"},
        "version": commit_schema(),
        "parents": {"type": "array", "items": commit_schema()},
    })
}

/// What is told of a version that has just come: the same, and what it changes.
fn event(text: &Value) -> Value {
    let mut event = version(text);
    let change = json!({"kind": text, "id": text, "change": {"enum": ["created", "updated", "deleted"]}});
    event["changes"] = json!({"type": "array", "items": object(&change)});
    event
}

/// An object that has all of these and nothing else.
pub fn object(properties: &Value) -> Value {
    let required: Vec<_> = properties.as_object().into_iter().flat_map(Map::keys).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

pub fn schemas() -> Value {
    let text = json!({"type": "string"});
    let description = json!({"type": "string", "maxLength": LONGEST_DESCRIPTION});
    let mut schemas = json!({
        "Message": object(&json!({"message": text})),
        "Archived": object(&json!({"message": text, "archive": {"type": "string", "description": "What from.archive takes"}})),
        "DryRun": object(&json!({"message": text, "diff": reference("schemas", "Difference")})),
        "Difference": difference(&json!({"kind": text, "id": text})),
        "SetDifference": difference(&json!({"id": text})),
        "Versions": list_of(&reference("schemas", "Version")),
        "Version": object(&version(&text)),
        "Event": object(&event(&text)),
        "Configuration": object(&json!({
            "id": name_schema(),
            "description": text,
            "version": commit_schema(),
            "date": {"type": "string", "format": "date-time"},
        })),
        "Release": object(&json!({
            "name": name_schema(),
            "version": commit_schema(),
            "date": {"type": "string", "format": "date-time"},
            "message": text,
            "by": {"type": "string", "description": "The name of who made it"},
        })),
        "Releases": list_of(&reference("schemas", "Release")),
        "NewRelease": {
            "type": "object",
            "properties": {
                "version": {"type": "string", "description": "The default is the newest"},
                "message": {"type": "string", "minLength": 1, "maxLength": message::LONGEST},
            },
            "additionalProperties": false,
        },
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
    });
    let others = azure_schemas(&text).into_iter().chain(error_schemas(&text));
    for (name, schema) in others {
        schemas[name] = schema;
    }
    for kind in KINDS {
        schemas[kind.schema_name] = kind.schema_of_answer();
        schemas[format!("{}Input", kind.schema_name)] = kind.schema_of_input();
        schemas[format!("{}Set", kind.schema_name)] = list_of(&reference("schemas", kind.schema_name));
    }
    schemas
}

fn azure_schemas(text: &Value) -> Map<String, Value> {
    let host = json!({"type": "string", "minLength": 1, "maxLength": 255});
    members(json!({
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
    }))
}

fn error_schemas(text: &Value) -> Map<String, Value> {
    members(json!({
        "Mirrors": list_of(&reference("schemas", "Mirror")),
        "Mirror": object(&json!({
            "name": text,
            "url": {"type": "string", "description": "Without a name or a token"},
            "direction": {"enum": ["push", "follow"]},
            "configurations": {"type": "array", "items": text, "description": "Patterns; the one that follows"},
            "branch": {"type": ["string", "null"], "description": "What is followed"},
            "state": {
                "enum": Standing::ALL,
                "description": "failing: it is tried again; diverged: the other side has gone elsewhere and is not \
                                overwritten; refused: what is there breaks the rules, so the old state stays",
            },
            "message": {"type": ["string", "null"], "description": "Why it is not current"},
            "commits_behind": {"type": "integer", "minimum": 0, "description": "As far as it is known"},
            "refs_behind": {"type": "integer", "minimum": 0},
            "behind_since": {"type": ["string", "null"], "format": "date-time"},
            "last_success": {"type": ["string", "null"], "format": "date-time"},
            "failures": {"type": "integer", "minimum": 0, "description": "Since the service was started"},
        })),
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
                "total": {"type": "integer"},
                "conflicts": {"type": "array", "items": {"type": "object"}},
                "errors": {"type": "array", "items": {"anyOf": [reference("schemas", "Fault"), reference("schemas", "OperationFault")]}},
            },
            "required": ["type", "title", "status", "detail", "code", "message"],
            "additionalProperties": false,
        },
    }))
}

fn members(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
