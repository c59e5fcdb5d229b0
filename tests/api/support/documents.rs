//! Documents for tests to send and to expect.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// The least that a backend service must have.
pub fn service(id: &str) -> Value {
    json!({"id": id, "name": id})
}

/// A backend service as the service answers it: every field, in the order of the API's documentation.
pub fn full_service(id: &str) -> Value {
    json!({
        "back_hosts": [back_host("web1.example.com")],
        "description": "",
        "http11": true,
        "id": id,
        "least_conn": false,
        "name": id,
        "sticky": "none",
        "sticky_cookie_name": "",
        "transport_mode": "default"
    })
}

/// What the service makes of `service(id)`.
pub fn completed_service(id: &str) -> Value {
    with(full_service(id), "back_hosts", json!([]))
}

/// A back host with every field, all defaults but the host.
pub fn back_host(host: &str) -> Value {
    json!({
        "backup": false,
        "down": false,
        "fail_timeout": 10,
        "host": host,
        "http_ports": [80],
        "https_ports": [443],
        "max_fails": 0,
        "monitor_state": "",
        "weight": 1
    })
}

/// The same document with one field set to something else, or added at the end.
pub fn with(mut document: Value, field: &str, value: impl Into<Value>) -> Value {
    document[field] = value.into();
    document
}

/// The same document without one field; the others keep their order.
pub fn without(mut document: Value, field: &str) -> Value {
    document.as_object_mut().expect("a document is an object").shift_remove(field);
    document
}

/// A full service that says which state of it this is.
pub fn described(id: &str, description: &str) -> Value {
    with(full_service(id), "description", description)
}

/// A document as the file in the repository and the body of an answer have it.
pub fn file(document: &Value) -> Vec<u8> {
    let mut text = serde_json::to_string_pretty(document).expect("a value is JSON");
    text.push('\n');
    text.into_bytes()
}

/// A path segment or a query's value in which everything but `A-Z a-z 0-9 - . _ ~` is percent-encoded.
pub fn encoded(text: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, KEPT).to_string()
}
