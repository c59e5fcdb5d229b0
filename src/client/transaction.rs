//! Changes of entries of every kind alike: a transaction, be it of one operation.

use serde::Serialize;
use serde_json::value::RawValue;
use ureq::http::Method;

use super::address::Entry;
use super::failure::Failure;
use super::options::Change;
use super::service::{Answer, Route, Service};

/// A transaction has so many operations at most; the service says so where there are more.
pub const MOST: usize = 1000;

/// What is done to an entry.
#[derive(Debug, Serialize)]
pub struct Operation {
    pub op: &'static str,
    pub kind: String,
    pub id: String,
    /// As it was written, so that the service reads what the author wrote, twice the same key and all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_match: Option<String>,
}

impl Operation {
    pub fn new(op: &'static str, entry: &Entry, value: Option<Box<RawValue>>) -> Self {
        Self { op, kind: entry.kind.clone(), id: entry.id.clone(), value, if_match: None }
    }
}

#[derive(Serialize)]
struct Transaction<'a> {
    operations: &'a [Operation],
}

/// Does all operations or none. Faults are told by `names`, one for each operation.
///
/// # Errors
/// The service refused, or cannot be reached.
pub fn send(
    service: &Service,
    config: &str,
    operations: &[Operation],
    names: &[String],
    change: &Change,
    headers: &[(&str, &str)],
) -> Result<Answer, Failure> {
    let route = Route::to(&["conf", config, "transactions"])
        .with("message", change.message.as_deref())
        .with("dry_run", change.dry());
    service.ask(&Method::POST, &route, headers, json(&Transaction { operations })?)?.done_with(names)
}

/// # Errors
/// Never for what is sent here; the library's signature wants to be heard.
pub fn json(value: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value).map_err(|error| Failure::Usage(format!("this cannot be sent: {error}")))
}
