//! Files as they come and go: what can be asked about, and what can be done to them.

use bytes::Bytes;

use super::id::BlobId;

/// A file's content, and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    pub id: BlobId,
    pub bytes: Bytes,
}

impl Blob {
    /// Hashes the bytes, so that the committer need not.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Blob { id: BlobId::of(&bytes), bytes }
    }
}

/// One step of a commit. Paths have one or two parts.
#[derive(Debug, Clone)]
pub enum Edit {
    /// The file at the path holds this.
    Put(String, Blob),
    /// There is no file at the path.
    Remove(String),
    /// The folder holds just these files.
    Replace(String, Vec<(String, Blob)>),
}

/// A part of a branch that has an id of its own.
#[derive(Debug, Clone)]
pub enum Subject {
    /// The branch; its id is that of its newest commit.
    Branch,
    /// A top-level folder; its id is that of its tree. It is absent while it is empty.
    Folder(String),
    /// A file; its id is that of its blob.
    File(String),
}
