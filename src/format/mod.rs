//! How documents lie in a tree as files, and how older trees become today's.
//!
//! - `file_name`: from an id to a file's name
//! - [`header`](mod@header): `config.json`
//! - [`migrations`]: the format's versions, one step each

mod file_name;
pub mod header;
pub mod migrations;

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;

pub use file_name::{file_name, id_of_name};
pub use header::Header;
pub use migrations::upgrade;

use crate::document::json::{self, NotJson};
use crate::document::{Document, EntryId, Fault, IdFault, KINDS, Kind};

/// The format that this program writes. Older ones are upgraded, newer ones refused.
pub const FORMAT: u32 = 2;

/// Files of a configuration's tree, by path.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Why a file is not what its place says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    #[error("{0}")]
    NotJson(#[from] NotJson),
    #[error("{}", list(.0))]
    Faults(Vec<Fault>),
    #[error("its id {id:?} {fault}")]
    BadId { id: String, fault: IdFault },
    #[error("its id {id:?} belongs in {expected}")]
    WrongName { id: String, expected: String },
    #[error("format {found} is newer than this program knows ({FORMAT}); use a newer release")]
    Newer { found: u32 },
    #[error("config.json is missing")]
    NoHeader,
}

impl From<Vec<Fault>> for Misfit {
    fn from(faults: Vec<Fault>) -> Self {
        Misfit::Faults(faults)
    }
}

fn list(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The path of a document's file.
pub fn path(kind: &Kind, name: &str) -> String {
    format!("{}/{name}", kind.name)
}

/// The kind whose folder a path lies in, and the file's name there; `None` for files that belong to no kind.
pub fn place(path: &str) -> Option<(&'static Kind, &str)> {
    let (folder, name) = path.split_once('/')?;
    KINDS.iter().find(|kind| kind.name == folder).map(|kind| (*kind, name))
}

/// Reads a file of today's format.
///
/// # Errors
/// It is not JSON, breaks a rule of its kind, or lies under the name of another id.
pub fn decode(kind: &'static Kind, name: &str, bytes: &Bytes) -> Result<Document, Misfit> {
    let document = match Document::recognize(kind, bytes) {
        Some(document) => document,
        None => Document::parse(kind, json::read(bytes)?, None, name)?,
    };
    let expected = file_name(document.id());
    if expected != name {
        return Err(Misfit::WrongName { id: document.id().to_string(), expected });
    }
    Ok(document)
}

/// The id in a document that this program wrote itself, without checking the document again.
///
/// # Errors
/// The bytes are no such document.
pub fn id_of(bytes: &[u8]) -> Result<EntryId, Misfit> {
    #[derive(Deserialize)]
    struct Named {
        id: String,
    }
    let named: Named = serde_json::from_slice(bytes).map_err(|error| NotJson {
        reason: error.to_string(),
        line: error.line(),
        column: error.column(),
    })?;
    EntryId::parse(&named.id).map_err(|fault| Misfit::BadId { id: named.id, fault })
}
