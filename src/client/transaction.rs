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

    /// The entry, as whoever asks names it.
    pub fn name(&self) -> String {
        format!("{}/{}", self.kind, self.id)
    }

    /// In bytes: so far from its beginning the value begins.
    fn before_value(&self) -> Option<usize> {
        let Self { op, kind, id, .. } = self;
        let (op, kind, id) = (*op, kind.clone(), id.clone());
        let bare = json(&Self { op, kind, id, value: None, if_match: None }).ok()?;
        Some(bare.len() - "}".len() + r#","value":"#.len())
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
    let body = json(&Transaction { operations })?;
    let answer = service.ask(&Method::POST, &route, headers, body.clone())?.done_with(names);
    answer.map_err(|failure| match failure {
        Failure::Refused(mut refusal) if refusal.status == 400 => {
            refusal.message = within(&refusal.message, &body, operations, names).unwrap_or(refusal.message);
            Failure::Refused(refusal)
        }
        other => other,
    })
}

/// What is wrong with the text of a transaction, told of the operation's own value: its line and column there.
fn within(message: &str, body: &[u8], operations: &[Operation], names: &[String]) -> Option<String> {
    let (reason, place) = message.rsplit_once(" at line ")?;
    let (line, column) = place.split_once(" column ")?;
    let (line, column): (usize, usize) = (line.parse().ok()?, column.parse().ok()?);
    let above: usize =
        body.split_inclusive(|byte| *byte == b'\n').take(line.checked_sub(1)?).map(<[u8]>::len).sum();
    let fault = above + column;
    let mut start = r#"{"operations":["#.len();
    for (operation, name) in operations.iter().zip(names) {
        if let Some(value) = &operation.value {
            let begin = start + operation.before_value()?;
            let end = begin + value.get().len();
            if (begin..=end).contains(&fault) {
                let text = body.get(begin..fault)?;
                let lines = text.iter().filter(|byte| **byte == b'\n').count();
                let column = text.len() - text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                return Some(format!("{name}: {reason} at line {} column {}", lines + 1, column.max(1)));
            }
        }
        start += json(operation).ok()?.len() + ",".len();
    }
    None
}

/// # Errors
/// Never for what is sent here; the library's signature wants to be heard.
pub fn json(value: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value).map_err(|error| Failure::Usage(format!("this cannot be sent: {error}")))
}
