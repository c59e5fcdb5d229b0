//! The operations of a transaction, as a request gives them.

use std::collections::HashMap;

use serde_json::Value;

use super::conditions::Tags;
use super::{fields, message};
use crate::document::{Document, EntryId, Fault, FaultKind, Faults, KINDS, Kind, Step, name_of};

/// A transaction has so many operations at most.
pub const MOST: usize = 1000;

/// What an operation does to its entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// The entry, which is not there, comes.
    Create,
    /// The entry, which is there, changes.
    Update,
    /// The entry comes or changes.
    Put,
    /// The entry, which is there, goes.
    Delete,
}

impl Op {
    /// Every one of them.
    pub const ALL: [Op; 4] = [Op::Create, Op::Update, Op::Put, Op::Delete];

    /// As requests name it.
    pub fn word(self) -> &'static str {
        match self {
            Op::Create => "create",
            Op::Update => "update",
            Op::Put => "put",
            Op::Delete => "delete",
        }
    }
}

/// An operation. It can be held against a state even where its document breaks rules, so that all is told at once.
#[derive(Debug)]
pub struct Operation {
    /// Its place in the list, from 0.
    pub index: usize,
    pub op: Op,
    pub kind: &'static Kind,
    pub id: EntryId,
    /// `None` where it takes none, or where rules are broken.
    pub document: Option<Document>,
    pub if_match: Option<Tags>,
}

/// What a request asks for, as far as it can be read, and every rule that it breaks.
#[derive(Debug)]
pub struct Transaction {
    pub message: Option<String>,
    pub operations: Vec<Operation>,
    pub faults: Vec<Fault>,
}

/// Why an operation cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The entry is not there.
    Absent,
    /// The entry is there already.
    Exists,
    /// `if_match` does not hold.
    Stale,
    /// A rule is broken.
    Rule,
}

/// What is wrong with a transaction, and where.
#[derive(Debug, Clone)]
pub struct OperationFault {
    pub reason: Reason,
    /// The way to it, from the body.
    pub loc: Vec<Step>,
    pub msg: String,
    /// The sort of rule; `None` where it is the state that is not the expected one.
    pub rule: Option<FaultKind>,
}

impl OperationFault {
    /// The operation that it is about, if it is about one.
    pub fn operation(&self) -> Option<usize> {
        match (self.loc.get(1), self.loc.get(2)) {
            (Some(Step::Key(key)), Some(Step::Index(index))) if key == OPERATIONS => Some(*index),
            _ => None,
        }
    }

    /// The way to it within the body (RFC 6901).
    pub fn pointer(&self) -> String {
        let escaped = |step: &Step| match step {
            Step::Key(key) => key.replace('~', "~0").replace('/', "~1"),
            Step::Index(index) => index.to_string(),
        };
        self.loc.iter().skip(1).map(|step| format!("/{}", escaped(step))).collect()
    }
}

impl From<Fault> for OperationFault {
    fn from(fault: Fault) -> Self {
        OperationFault { reason: Reason::Rule, loc: fault.loc, msg: fault.msg, rule: Some(fault.kind) }
    }
}

impl Operation {
    /// A fault of the state that a member of the operation is about.
    pub fn fault(&self, member: &str, reason: Reason, msg: String) -> OperationFault {
        let loc = vec!["body".into(), OPERATIONS.into(), self.index.into(), member.into()];
        OperationFault { reason, loc, msg, rule: None }
    }
}

const OPERATIONS: &str = "operations";
const FIELDS: [&str; 5] = ["op", "kind", "id", "value", "if_match"];

/// Reads `{"message"?, "operations": […]}`.
pub fn read(value: Value) -> Transaction {
    let mut faults = Faults::at("body");
    let (message, operations) = body(value, &mut faults);
    Transaction { message, operations, faults: faults.or::<()>(None).err().unwrap_or_default() }
}

fn body(value: Value, faults: &mut Faults) -> (Option<String>, Vec<Operation>) {
    let Value::Object(mut members) = value else {
        faults.add(FaultKind::ObjectType, format!("must be an object, not {}", name_of(&value)));
        return (None, Vec::new());
    };
    let message = members.swap_remove("message");
    let message =
        message.and_then(|message| faults.within("message", |faults| self::message(&message, faults)));
    let given = members.swap_remove(OPERATIONS);
    let operations = faults.within(OPERATIONS, |faults| match given {
        Some(given) => list(given, faults),
        None => {
            faults.add(FaultKind::Missing, "is required");
            Vec::new()
        }
    });
    fields::unknown(&members, &["message", OPERATIONS], faults);
    (message, operations)
}

fn message(value: &Value, faults: &mut Faults) -> Option<String> {
    let Value::String(text) = value else {
        faults.add(FaultKind::StringType, format!("must be a string, not {}", name_of(value)));
        return None;
    };
    match message::check(text.trim(), message::LONGEST) {
        Ok(()) => Some(text.trim().to_owned()),
        Err((kind, msg)) => {
            faults.add(kind, msg);
            None
        }
    }
}

fn list(given: Value, faults: &mut Faults) -> Vec<Operation> {
    let Value::Array(values) = given else {
        faults.add(FaultKind::ListType, format!("must be an array, not {}", name_of(&given)));
        return Vec::new();
    };
    if values.is_empty() || values.len() > MOST {
        let kind = if values.is_empty() { FaultKind::TooFew } else { FaultKind::TooMany };
        faults.add(kind, format!("must have from 1 to {MOST} elements, has {}", values.len()));
        return Vec::new();
    }
    let mut operations = Vec::<Operation>::with_capacity(values.len());
    let mut earlier = HashMap::new();
    for (index, value) in values.into_iter().enumerate() {
        faults.within(index, |faults| {
            let Some(operation) = operation(index, value, faults) else { return };
            // What two of them do to one entry could only be told by their order, which is easily got wrong.
            match earlier.insert((operation.kind, operation.id.clone()), index) {
                None => operations.push(operation),
                Some(first) => faults.within("id", |faults| {
                    let msg = format!("{:?} is in operation {first} already", operation.id.as_str());
                    faults.add(FaultKind::Duplicate, msg);
                }),
            }
        });
    }
    operations
}

fn operation(index: usize, value: Value, faults: &mut Faults) -> Option<Operation> {
    let Value::Object(mut members) = value else {
        faults.add(FaultKind::ObjectType, format!("must be an object, not {}", name_of(&value)));
        return None;
    };
    let op = faults.within("op", |faults| fields::word(members.get("op"), &Op::ALL.map(Op::word), faults));
    let op = op.and_then(|word| Op::ALL.into_iter().find(|op| op.word() == word));
    let kinds: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
    let kind = faults.within("kind", |faults| fields::word(members.get("kind"), &kinds, faults));
    let kind = kind.and_then(Kind::named);
    let id = faults.within("id", |faults| fields::id(members.get("id"), faults));
    let if_match =
        members.get("if_match").and_then(|tags| faults.within("if_match", |faults| if_match(tags, faults)));
    let value = members.swap_remove("value");
    fields::unknown(&members, &FIELDS, faults);
    let document = faults.within("value", |faults| match (op?, value) {
        (Op::Delete, None) => None,
        (Op::Delete, Some(_)) => {
            faults.add(FaultKind::ExtraForbidden, "is no field of a delete");
            None
        }
        (_, None) => {
            faults.add(FaultKind::Missing, "is required");
            None
        }
        (_, Some(value)) => document(kind?, id.as_ref()?, value, faults),
    });
    Some(Operation { index, op: op?, kind: kind?, id: id?, document, if_match })
}

fn if_match(value: &Value, faults: &mut Faults) -> Option<Tags> {
    let tags = Tags::parse(fields::text(Some(value), faults)?, false, false);
    tags.map_err(|reason| faults.add(FaultKind::Format, format!("is no list of entity tags: {reason}"))).ok()
}

/// A document as it is stored, whose id the operation gives. It may repeat that.
fn document(kind: &'static Kind, id: &EntryId, mut value: Value, faults: &mut Faults) -> Option<Document> {
    if let Some(members) = value.as_object_mut() {
        let said = members.entry("id").or_insert_with(|| id.as_str().into());
        if let Some(said) = said.as_str().filter(|said| said.trim() != id.as_str()) {
            let msg = format!("is {said:?}, but the operation is about {:?}", id.as_str());
            faults.within("id", |faults| faults.add(FaultKind::Mismatch, msg));
        }
    }
    Document::parse(kind, value, None, "value").map_err(|found| faults.take_in(found)).ok()
}
