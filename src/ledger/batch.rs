//! What a batch of changes adds to the repository, finished and ready to be written.

use std::io;

use bytes::Bytes;
use git2::ObjectType;

use super::id::ObjectId;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    Blob,
    Tree,
    Commit,
    Tag,
}

impl From<ObjectKind> for ObjectType {
    fn from(kind: ObjectKind) -> Self {
        match kind {
            ObjectKind::Blob => ObjectType::Blob,
            ObjectKind::Tree => ObjectType::Tree,
            ObjectKind::Commit => ObjectType::Commit,
            ObjectKind::Tag => ObjectType::Tag,
        }
    }
}

/// A finished object.
#[derive(Debug, Clone)]
pub struct Object {
    pub kind: ObjectKind,
    pub id: ObjectId,
    pub bytes: Bytes,
    /// How it is made from another, where that is known and worth knowing.
    pub delta: Option<Delta>,
}

/// How an object is made from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta {
    /// Of the same kind. It is in the repository, or before this object in the batch.
    pub base: ObjectId,
    /// As a pack has it.
    pub script: Bytes,
}

impl Object {
    pub(super) fn new(kind: ObjectKind, id: ObjectId, bytes: Bytes) -> Self {
        Object { kind, id, bytes, delta: None }
    }

    pub(super) fn of(kind: ObjectKind, bytes: Vec<u8>) -> Self {
        Object::new(kind, ObjectId::of(kind.into(), &bytes), bytes.into())
    }
}

/// A ref that moves from one object, a commit or a tag, to another; `None` is its absence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefMove {
    pub name: String,
    pub from: Option<ObjectId>,
    pub to: Option<ObjectId>,
}

/// Everything that one batch of changes adds to the repository.
#[derive(Debug, Default)]
pub struct Batch {
    pub objects: Vec<Object>,
    /// Others wrote objects into the repository.
    pub foreign: bool,
    pub moves: Vec<RefMove>,
}

/// Why a batch did not last.
#[derive(Debug, thiserror::Error)]
pub enum PersistError {
    #[error("{name} is at {found}, not where this service left it")]
    Moved { name: String, found: String },
    #[error("object {expected} was written as {found}")]
    Miswritten { expected: ObjectId, found: ObjectId },
    /// The batch may or may not be there after a crash.
    #[error("{0}")]
    Unknown(String),
    #[error("{0}")]
    Git(#[from] git2::Error),
    #[error("{0}")]
    Io(#[from] io::Error),
}
