//! Many changes at once: all in one commit, or none.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use super::conditions::Tags;
use super::entries::{self, Place};
use super::error::{Error, Rejection};
use super::operation::{self, Op, Operation, OperationFault, Reason, Transaction};
use super::step::Step;
use super::write::{self, Demand, Outcome, Ready, Write};
use super::{Registry, Result};
use crate::document::json;
use crate::ledger::{BlobId, Head, Requirement, State, Subject};

/// What an operation has done.
#[derive(Debug, Clone, Serialize)]
pub struct Done {
    op: &'static str,
    kind: &'static str,
    id: String,
    /// The entry's new entity tag; `None` if it is gone.
    etag: Option<String>,
}

/// What became of a transaction.
#[derive(Debug)]
pub struct Transacted {
    pub outcome: Outcome,
    /// One for each operation, in their order.
    pub items: Vec<Done>,
}

/// A transaction that nothing is wrong with.
struct Prepared {
    demands: Vec<Demand>,
    steps: Vec<Step>,
    items: Vec<Done>,
    message: Option<String>,
    default_message: String,
}

impl Registry {
    /// Does all operations of a transaction in one commit.
    ///
    /// # Errors
    /// There is no such configuration, the write's conditions do not hold, there are two messages, or some operations
    /// cannot be done: then all that is wrong with any of them is told, and nothing is written.
    pub async fn transact(
        self: &Arc<Self>,
        configuration: &str,
        body: Bytes,
        mut write: Write,
    ) -> Result<Transacted> {
        let configuration = self.configuration(configuration)?;
        let at = Rejection::at(configuration.version());
        let mut demands = write::conditions(&write, &Subject::Branch, &Subject::Branch);
        write::check(&demands, Some(&configuration.head)).map_err(&at)?;
        let (name, head) = (configuration.name.to_string(), configuration.head.clone());
        let two_may_come = write.message.is_some();
        let prepare = move |bytes: &[u8]| {
            let transaction = operation::read(json::read(bytes)?);
            if two_may_come && transaction.message.is_some() {
                return Err(Error::TwoMessages);
            }
            prepare(transaction, &name, &head)
        };
        let prepared = self.reading(body, prepare).await.map_err(&at)?;
        demands.extend(prepared.demands);
        write.message = write.message.or(prepared.message);
        let ready = Ready {
            demands,
            steps: prepared.steps,
            target: Subject::Branch,
            message: prepared.default_message,
        };
        let outcome = self.write(&configuration, ready, write).await?;
        Ok(Transacted { outcome, items: prepared.items })
    }
}

/// Holds a transaction against the newest state.
fn prepare(transaction: Transaction, name: &str, head: &Head) -> std::result::Result<Prepared, Error> {
    let Transaction { message, operations, faults } = transaction;
    let mut faults: Vec<OperationFault> = faults.into_iter().map(OperationFault::from).collect();
    let mut demands = Vec::new();
    for operation in &operations {
        let of_this = self::demands(operation, name);
        faults.extend(
            of_this.iter().find(|(demand, _)| !demand.holds(Some(head))).map(|(_, fault)| fault.clone()),
        );
        demands.extend(of_this);
    }
    if !faults.is_empty() {
        faults.sort_by_key(OperationFault::operation);
        return Err(Error::Operations(faults));
    }
    let demand = |(requirement, fault)| Demand { requirement, denial: Error::Operations(vec![fault]) };
    Ok(Prepared {
        demands: demands.into_iter().map(demand).collect(),
        default_message: default_message(&operations),
        items: operations.iter().map(done).collect(),
        steps: operations.into_iter().map(step).collect(),
        message,
    })
}

/// What an operation requires of its entry, and what is wrong where that is not so; in the order in which a request
/// about the entry alone would find it.
fn demands(operation: &Operation, name: &str) -> Vec<(Requirement, OperationFault)> {
    let Operation { op, kind, id, if_match, .. } = operation;
    let file = entries::subject(kind, id);
    let mut demands = Vec::new();
    let mut demand = |state, member: &str, reason, msg: String| {
        let requirement = Requirement { subject: file.clone(), state };
        demands.push((requirement, operation.fault(member, reason, msg)));
    };
    match op {
        Op::Create => {
            let denial = Error::EntryExists { kind, id: id.clone() };
            demand(State::Absent, "id", Reason::Exists, denial.to_string());
        }
        Op::Update | Op::Delete => {
            let denial = Place { configuration: name, kind, id: id.as_str() }.missing();
            demand(State::Present, "id", Reason::Absent, denial.to_string());
        }
        Op::Put => {}
    }
    let stale = || "the entry is not what if_match asks for; read it again and decide anew".to_owned();
    match if_match {
        None => {}
        Some(Tags::Any) => demand(State::Present, "if_match", Reason::Stale, stale()),
        Some(Tags::These(ids)) => demand(State::OneOf(ids.clone()), "if_match", Reason::Stale, stale()),
    }
    demands
}

fn done(operation: &Operation) -> Done {
    let Operation { op, kind, id, document, .. } = operation;
    let etag = document.as_ref().map(|document| format!("\"{}\"", BlobId::of(document.text())));
    Done { op: op.word(), kind: kind.name, id: id.to_string(), etag }
}

fn step(operation: Operation) -> Step {
    match operation.document {
        Some(document) => Step::Put(document),
        None => Step::Remove(operation.kind, operation.id),
    }
}

/// One operation says what a request about its entry alone would; of more, how many entries of each kind there are.
fn default_message(operations: &[Operation]) -> String {
    let mut groups: Vec<(Op, &Operation, usize)> = Vec::new();
    for operation in operations {
        match groups.iter_mut().find(|(op, first, _)| *op == operation.op && first.kind == operation.kind) {
            Some((.., count)) => *count += 1,
            None => groups.push((operation.op, operation, 1)),
        }
    }
    let parts = groups.iter().map(|(op, first, count)| match (count, first.kind) {
        (1, kind) => format!("{} {} {}", op.word(), kind.singular, first.id),
        (count, kind) => format!("{} {count} {}", op.word(), kind.plural),
    });
    let text = parts.collect::<Vec<_>>().join(", ");
    text.chars().take(1).flat_map(char::to_uppercase).chain(text.chars().skip(1)).collect()
}
