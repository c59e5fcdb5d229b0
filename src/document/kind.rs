//! What a kind of document is.

use serde_json::Value;

use super::rule::Record;

/// A kind of document.
#[derive(Debug)]
pub struct Kind {
    /// The kind's word in paths and in the repository.
    pub name: &'static str,
    /// For messages: one of them.
    pub singular: &'static str,
    /// For messages: several.
    pub plural: &'static str,
    /// The name of its schema in the published description of the API.
    pub schema_name: &'static str,
    pub(super) record: &'static Record,
}

impl Kind {
    /// Whether its documents have a field of this name.
    pub fn has_field(&self, name: &str) -> bool {
        self.record.fields.iter().any(|field| field.name == name)
    }

    /// The JSON Schema of a document as clients send it.
    pub fn schema_of_input(&self) -> Value {
        self.record.schema_of_input()
    }

    /// The JSON Schema of a document as it is answered.
    pub fn schema_of_answer(&self) -> Value {
        self.record.schema_of_answer()
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Kind {}

impl std::hash::Hash for Kind {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}
