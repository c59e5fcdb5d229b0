//! As much of RFC 6902 as a diff needs: an applier of one's own, so that the service's patches are not judged by the
//! code that made them.

use serde_json::Value;

/// The document after these operations.
#[track_caller]
pub fn patched(mut document: Value, patch: &Value) -> Value {
    for operation in patch.as_array().expect("a patch is a list") {
        apply(&mut document, operation);
    }
    document
}

#[track_caller]
fn apply(document: &mut Value, operation: &Value) {
    let path = operation["path"].as_str().unwrap_or_else(|| panic!("no path in {operation}"));
    let name = operation["op"].as_str().unwrap_or_else(|| panic!("no op in {operation}"));
    let value = || operation.get("value").unwrap_or_else(|| panic!("no value in {operation}")).clone();
    if path.is_empty() {
        assert!(matches!(name, "add" | "replace"), "{operation} on the whole document");
        *document = value();
        return;
    }
    let (parent, key) = path.rsplit_once('/').unwrap_or_else(|| panic!("{operation} has no JSON pointer"));
    let key = key.replace("~1", "/").replace("~0", "~");
    match document.pointer_mut(parent) {
        Some(Value::Object(fields)) => match name {
            "add" => drop(fields.insert(key, value())),
            "replace" => {
                *fields.get_mut(&key).unwrap_or_else(|| panic!("nothing to replace: {operation}")) = value();
            }
            "remove" => {
                drop(fields.shift_remove(&key).unwrap_or_else(|| panic!("nothing to remove: {operation}")));
            }
            _ => panic!("not an operation of a diff: {operation}"),
        },
        Some(Value::Array(items)) => {
            let index = if key == "-" { items.len() } else { key.parse().expect("an index") };
            match name {
                "add" => items.insert(index, value()),
                "replace" => items[index] = value(),
                "remove" => drop(items.remove(index)),
                _ => panic!("not an operation of a diff: {operation}"),
            }
        }
        _ => panic!("{operation} points at nothing"),
    }
}

mod tests {
    use serde_json::json;

    use super::patched;

    #[test]
    fn the_applier_does_what_rfc_6902_says() {
        let before = json!({"a": [1, 2, 3], "b/c": "x", "d": {"e~f": true}});
        let patch = json!([
            {"op": "remove", "path": "/a/1"},
            {"op": "add", "path": "/a/0", "value": 0},
            {"op": "add", "path": "/a/-", "value": 4},
            {"op": "replace", "path": "/b~1c", "value": null},
            {"op": "remove", "path": "/d/e~0f"},
            {"op": "add", "path": "/g", "value": {}},
        ]);
        assert_eq!(patched(before, &patch), json!({"a": [0, 1, 3, 4], "b/c": null, "d": {}, "g": {}}));
        assert_eq!(patched(json!(null), &json!([{"op": "replace", "path": "", "value": 5}])), json!(5));
    }
}
