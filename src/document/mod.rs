//! Documents: their kinds and their rules. [`Document::parse`] is the only way to make one, so whoever holds a
//! [`Document`] holds a valid one.
//!
//! - [`kinds`]: the list of kinds, one file for each beside it; [`kind`]: what a kind is
//! - [`rule`], `check`: the language of a kind's rules, and holding a value against them; `canonical`: seeing that
//!   a text is in the form that this program writes
//! - [`id`], [`host`]: rules with a name of their own
//! - [`fault`]: what is wrong, all at once
//! - [`json`]: reading JSON strictly

mod backend;
mod backend_service;
mod canonical;
mod check;
pub mod fault;
pub mod host;
pub mod id;
pub mod json;
pub mod kind;
pub mod kinds;
pub mod rule;

use std::collections::HashSet;

use bytes::Bytes;
use serde_json::Value;

pub use check::name_of;
pub use fault::{Fault, FaultKind, Faults, Step};
pub use id::{EntryId, IdFault};
use json::NotJson;
pub use kind::Kind;
pub use kinds::KINDS;

/// A valid document in its canonical form: strings trimmed, every field there, fields in their kind's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    kind: &'static Kind,
    id: EntryId,
    /// Text takes a fraction of the memory that values do, and most documents are only written and sent.
    text: Bytes,
}

impl Document {
    /// Makes a document of a value. `id` is the entry's id where it is known from elsewhere; the document need not
    /// repeat it then, and must not contradict it.
    ///
    /// # Errors
    /// Every rule that the value breaks, with the way to it from `root`.
    pub fn parse(
        kind: &'static Kind,
        value: Value,
        id: Option<&EntryId>,
        root: &str,
    ) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::at(root);
        let document = Self::check(kind, value, id, &mut faults);
        faults.or(document)
    }

    /// Makes documents of an array of values, each of which names its id.
    ///
    /// # Errors
    /// Every rule that any of them breaks; that two have the same id is one.
    pub fn parse_set(kind: &'static Kind, value: Value, root: &str) -> Result<Vec<Self>, Vec<Fault>> {
        let mut set = Growing::new(kind, root);
        let Value::Array(values) = value else {
            let found = name_of(&value);
            set.faults.add(FaultKind::ListType, format!("must be an array of {}, not {found}", kind.plural));
            return set.faults.or(None);
        };
        values.into_iter().for_each(|value| set.add(value));
        set.faults.or(Some(set.documents))
    }

    /// As [`Document::parse_set`], of a text, in a fraction of the memory.
    ///
    /// # Errors
    /// What makes the text no JSON, before any rule that it breaks.
    pub fn read_set(
        kind: &'static Kind,
        text: &[u8],
        root: &str,
    ) -> Result<Result<Vec<Self>, Vec<Fault>>, NotJson> {
        let mut set = Growing::new(kind, root);
        Ok(match json::read_each(text, |value| set.add(value))? {
            Some(other) => Self::parse_set(kind, other, root),
            None => set.faults.or(Some(set.documents)),
        })
    }

    /// The document whose canonical text this is, if that is easily seen. What is not recognized may still be read by
    /// [`Document::parse`].
    pub fn recognize(kind: &'static Kind, text: &Bytes) -> Option<Self> {
        let id = canonical::id_of(kind.record, text)?;
        Some(Document { kind, id, text: text.clone() })
    }

    fn check(kind: &'static Kind, value: Value, id: Option<&EntryId>, faults: &mut Faults) -> Option<Self> {
        let body = check::object(kind.record, value, id, faults)?;
        let id = EntryId::parse(body.get("id")?.as_str()?).ok()?;
        Some(Document { kind, id, text: json::pretty(&Value::Object(body)).into() })
    }

    /// What it is.
    pub fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// Its name within its set.
    pub fn id(&self) -> &EntryId {
        &self.id
    }

    /// Its canonical text: JSON for people, two spaces a level, a line feed at the end.
    pub fn text(&self) -> &Bytes {
        &self.text
    }

    /// An object, its members in the order in which they are written.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.text).unwrap_or_default()
    }
}

/// A set that is being read.
struct Growing {
    kind: &'static Kind,
    faults: Faults,
    count: usize,
    ids: HashSet<EntryId>,
    documents: Vec<Document>,
}

impl Growing {
    fn new(kind: &'static Kind, root: &str) -> Self {
        Growing { kind, faults: Faults::at(root), count: 0, ids: HashSet::new(), documents: Vec::new() }
    }

    fn add(&mut self, value: Value) {
        let Growing { kind, faults, count, ids, documents } = self;
        faults.within(*count, |faults| {
            // Whatever else is wrong with a document, an id that is there twice is told as well.
            let id = value.get("id").and_then(Value::as_str).and_then(|id| EntryId::parse(id.trim()).ok());
            documents.extend(Document::check(kind, value, None, faults));
            if let Some(id) = id.filter(|id| !ids.insert(id.clone())) {
                let msg = format!("{:?} is in the set already", id.as_str());
                faults.within("id", |faults| faults.add(FaultKind::Duplicate, msg));
            }
        });
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(value: Value) -> Result<Document, Vec<Fault>> {
        Document::parse(KINDS[0], value, None, "body")
    }

    #[test]
    fn what_is_left_out_is_filled_in_and_in_order() {
        let document = service(json!({"name": " Web ", "id": "web", "back_hosts": [{"host": "a.example"}]}));
        assert_eq!(
            document.expect("valid").value().to_string(),
            r#"{"back_hosts":[{"backup":false,"down":false,"fail_timeout":10,"host":"a.example","http_ports":[80],"https_ports":[443],"max_fails":0,"monitor_state":"","weight":1}],"description":"","http11":true,"id":"web","least_conn":false,"name":"Web","sticky":"none","sticky_cookie_name":"","transport_mode":"default"}"#
        );
    }

    #[test]
    fn every_fault_is_told_with_its_place() {
        let faults = service(json!({
            "id": "a/b", "colour": 1, "http11": "yes", "sticky": "glue",
            "back_hosts": [{"host": "ok"}, {"host": "http://x", "weight": 65536, "http_ports": [80, 80, 0, 1.5]}],
        }))
        .expect_err("invalid");
        let places: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let starts = [
            "body.back_hosts[1].host: ",
            "body.back_hosts[1].http_ports[1]: ",
            "body.back_hosts[1].http_ports[2]: ",
            "body.back_hosts[1].http_ports[3]: ",
            "body.back_hosts[1].weight: ",
            "body.http11: ",
            "body.id: ",
            "body.name: ",
            "body.sticky: ",
            "body.colour: ",
        ];
        assert_eq!(places.len(), starts.len(), "{places:#?}");
        for (place, start) in places.iter().zip(starts) {
            assert!(place.starts_with(start), "{place} should start with {start}");
        }
    }

    #[test]
    fn a_million_faults_stay_an_answer() {
        let faults =
            Document::parse_set(KINDS[0], Value::Array(vec![json!({}); 5000]), "body").expect_err("invalid");
        assert_eq!(faults.len(), Faults::MOST);
        assert!(faults[Faults::MOST - 1].msg.ends_with("(and 9000 more faults)"), "{:?}", faults.last());
    }
}
