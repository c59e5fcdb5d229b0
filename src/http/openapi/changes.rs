//! The schemas of what changes many entries at once.

use serde_json::{Value, json};

use super::components::{object, reference};
use crate::document::{EntryId, Faults, KINDS};
use crate::registry::operation::Op;
use crate::registry::{merges, message, operation};

pub fn schemas() -> Value {
    let text = json!({"type": "string"});
    let document =
        json!({"type": ["object", "null"], "description": "The document; null where there is none"});
    json!({
        "Transaction": {
            "type": "object",
            "properties": {
                "message": {"type": "string", "minLength": 1, "maxLength": message::LONGEST, "description": "The commit's message; or the parameter message, but not both"},
                "operations": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": operation::MOST,
                    "description": "All of them are done in one commit, or none is. No two are about the same entry.",
                    "items": reference("schemas", "Operation"),
                },
            },
            "required": ["operations"],
            "additionalProperties": false,
        },
        "Operation": {
            "type": "object",
            "properties": {
                "op": {
                    "enum": Op::ALL.map(Op::word),
                    "description": "create: it is not there yet, else 409. update, delete: it is there, else 404. put: either.",
                },
                "kind": {"enum": KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>()},
                "id": {"type": "string", "minLength": 1, "maxLength": EntryId::LONGEST},
                "value": {
                    "description": "The document, as versions show it (also where a kind's routes speak another dialect); its id may be left out. Not for delete.",
                    "anyOf": KINDS.iter().map(|kind| reference("schemas", &format!("{}Input", kind.schema_name))).collect::<Vec<_>>(),
                },
                "if_match": {"type": "string", "description": "As the header If-Match, for this entry: its tag, or *; else 412"},
            },
            "required": ["op", "kind", "id"],
            "additionalProperties": false,
        },
        "Applied": object(&json!({
            "message": text,
            "items": {"type": "array", "description": "One for each operation, in their order", "items": object(&json!({
                "op": {"enum": Op::ALL.map(Op::word)},
                "kind": text,
                "id": text,
                "etag": {"type": ["string", "null"], "description": "The entry's new tag; null if it is gone"},
            }))},
        })),
        "Merge": {
            "type": "object",
            "description": "With kinds or ids, only these entries are taken, and the commit is an ordinary one. Else it has the \
                            merged version as its second parent, from where the next merge begins. The configuration's \
                            description is not merged.",
            "properties": {
                "from": {
                    "type": "object",
                    "properties": {
                        "config": text,
                        "version": {"type": "string", "description": "The newest if left out"},
                    },
                    "required": ["config"],
                    "additionalProperties": false,
                },
                "kinds": {
                    "type": "array",
                    "minItems": 1,
                    "uniqueItems": true,
                    "items": {"enum": KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>()},
                },
                "ids": {"type": "array", "minItems": 1, "maxItems": merges::MOST_IDS, "uniqueItems": true, "items": text},
            },
            "required": ["from"],
            "additionalProperties": false,
        },
        "Merged": object(&json!({
            "message": text,
            "from": {"type": "string", "description": "The version that was merged"},
            "base": {"type": ["string", "null"], "description": "The common ancestor; null where there is none"},
            "items": {"type": "array", "description": "What the merge changed", "items": object(&json!({
                "kind": text,
                "id": text,
                "change": {"enum": ["created", "updated", "deleted"]},
            }))},
        })),
        "Conflicts": object(&json!({
            "code": {"type": "integer"},
            "message": text,
            "total": {"type": "integer", "minimum": 1, "description": "How many there are"},
            "conflicts": {"type": "array", "maxItems": Faults::MOST, "description": "Of very many or very large ones only the first", "items": object(&json!({
                "kind": text,
                "id": text,
                "base": document.clone(),
                "ours": document.clone(),
                "theirs": document,
            }))},
        })),
        "OperationsError": object(&json!({
            "code": {"type": "integer", "description": "Of different reasons in detail the first of 404, 409, 412 and 422"},
            "message": text,
            "detail": {"type": "array", "items": reference("schemas", "OperationFault")},
        })),
        "OperationFault": object(&json!({
            "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
            "msg": text,
            "type": text,
            "operation": {"type": ["integer", "null"], "description": "The operation's place in the list, from 0"},
            "pointer": {"type": "string", "description": "Where in the body (RFC 6901)"},
            "code": {"type": "integer", "description": "The status that this alone would have"},
        })),
    })
}
