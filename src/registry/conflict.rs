//! What a merge cannot decide.

use serde::Serialize;
use serde_json::Value;

/// An entry that both sides have changed, in different ways. A document that is not there is `null`.
#[derive(Debug, Clone, Serialize)]
pub struct Conflict {
    pub kind: &'static str,
    pub id: String,
    pub base: Value,
    pub ours: Value,
    pub theirs: Value,
}
