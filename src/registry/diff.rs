//! The difference between two states of documents: which came, changed and went, and how.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use super::catalogue::{Configuration, Contents};
use super::error::Error;
use super::step::Step;
use crate::document::{Kind, json};
use crate::ledger::CommitId;

/// What happened to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    Created,
    Updated,
    Deleted,
}

/// One document's difference.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// The kind's name; `configs` for what the configuration says of itself, `releases` for its releases. `None` where
    /// all are of one kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    pub id: String,
    pub change: What,
    /// RFC 6902: turns the one document into the other; a document that is not there is `null`. One that was created is
    /// added whole. One that was deleted is replaced by `null`: to `remove` a whole document is beyond most libraries.
    pub patch: Value,
}

/// Everything that differs.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Difference {
    pub from: Option<String>,
    /// `None` where the other state was never written.
    pub to: Option<String>,
    pub items: Vec<Item>,
}

impl Difference {
    fn between(from: Option<CommitId>) -> Self {
        Difference { from: from.map(|commit| commit.to_string()), ..Difference::default() }
    }

    pub(super) fn compare(&mut self, kind: &'static str, id: &str, before: &Value, after: &Value) {
        let change = match (before, after) {
            (before, after) if before == after => return,
            (Value::Null, _) => What::Created,
            (_, Value::Null) => What::Deleted,
            _ => What::Updated,
        };
        let patch = match change {
            What::Created => json!([{"op": "add", "path": "", "value": after}]),
            What::Updated | What::Deleted => json!(json_patch::diff(before, after).0),
        };
        self.items.push(Item { kind: Some(kind), id: id.to_owned(), change, patch });
    }
}

/// The kind's word for what a configuration says of itself.
pub(super) const CONFIGURATIONS: &str = "configs";

/// What steps would change in a configuration.
pub(super) fn preview(configuration: &Configuration, steps: &[Step]) -> Result<Difference, Error> {
    let mut difference = Difference::between(Some(configuration.version()));
    let Ok(contents) = &configuration.contents else {
        return Ok(difference);
    };
    let mut ends: BTreeMap<(&'static str, String), Option<Value>> = BTreeMap::new();
    for step in steps {
        match step {
            Step::Put(document) => {
                let key = (document.kind().name, document.id().to_string());
                ends.insert(key, Some(document.value()));
            }
            Step::Remove(kind, id) => {
                ends.insert((kind.name, id.to_string()), None);
            }
            Step::Replace(kind, documents) => {
                let ids = contents.set(kind).into_iter().flat_map(|set| set.entries.keys());
                ends.extend(ids.map(|id| ((kind.name, id.to_string()), None)));
                ends.extend(
                    documents
                        .iter()
                        .map(|document| ((kind.name, document.id().to_string()), Some(document.value()))),
                );
            }
            Step::Describe(header) => {
                let name = configuration.name.as_str();
                let [before, after] = [&contents.header, header]
                    .map(|header| json!({"id": name, "description": header.description}));
                difference.compare(CONFIGURATIONS, name, &before, &after);
            }
        }
    }
    for ((kind, id), after) in ends {
        let before = Kind::named(kind).and_then(|kind| newest(contents, kind, &id)).transpose()?;
        difference.compare(kind, &id, &before.unwrap_or_default(), &after.unwrap_or_default());
    }
    Ok(difference)
}

/// What a configuration that comes or goes brings or takes along.
pub(super) fn whole(
    name: &str,
    before: Option<&Configuration>,
    after: Option<&Contents>,
) -> Result<Difference, Error> {
    let mut difference = Difference::between(before.map(Configuration::version));
    let before = before.and_then(|configuration| configuration.contents.as_ref().ok());
    let [said, says] = [before, after].map(|contents| {
        contents
            .map_or(Value::Null, |contents| json!({"id": name, "description": contents.header.description}))
    });
    difference.compare(CONFIGURATIONS, name, &said, &says);
    let mut ends: BTreeMap<(&'static str, String), [Value; 2]> = BTreeMap::new();
    for (side, contents) in [before, after].into_iter().enumerate() {
        for set in contents.into_iter().flat_map(Contents::sets) {
            for (id, entry) in &set.entries {
                ends.entry((set.kind.name, id.to_string())).or_default()[side] = value(&entry.bytes)?;
            }
        }
    }
    for ((kind, id), [before, after]) in ends {
        difference.compare(kind, &id, &before, &after);
    }
    Ok(difference)
}

fn newest(contents: &Contents, kind: &Kind, id: &str) -> Option<Result<Value, Error>> {
    let entry = contents.set(kind)?.entries.get(id)?;
    Some(value(&entry.bytes))
}

fn value(bytes: &Bytes) -> Result<Value, Error> {
    json::read(bytes).map_err(|error| Error::Damaged(error.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Any JSON, but for numbers that JSON has several words for.
    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-3..3).prop_map(Value::from),
            "[a/~\"\\\\ü]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            let names = prop_oneof!["[ab/~]{0,2}", Just("-".to_owned()), Just("0".to_owned())];
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::hash_map(names, inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_patch_turns_the_one_document_into_the_other(before in documents(), after in documents()) {
            let mut difference = Difference::default();
            difference.compare("things", "a", &before, &after);
            prop_assert_eq!(difference.items.is_empty(), before == after);
            let mut document = before;
            for item in difference.items {
                let patch: json_patch::Patch = serde_json::from_value(item.patch).expect("RFC 6902");
                json_patch::patch(&mut document, &patch).expect("it can be applied");
            }
            prop_assert_eq!(document, after);
        }
    }
}
