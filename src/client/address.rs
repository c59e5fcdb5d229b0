//! What a command is about: a configuration, a set, or an entry.

use std::fmt;
use std::str::FromStr;

use super::service::Route;

/// A set, as `KIND` or `KIND/`, or an entry, as `KIND/ID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub kind: String,
    pub id: Option<String>,
}

/// An entry, as `KIND/ID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub kind: String,
    pub id: String,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, id) = text.split_once('/').unwrap_or((text, ""));
        if kind.is_empty() || id.contains('/') {
            return Err("it looks like backend-services, or backend-services/shop for one entry".to_owned());
        }
        Ok(Self { kind: kind.to_owned(), id: (!id.is_empty()).then(|| id.to_owned()) })
    }
}

impl FromStr for Entry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse()? {
            Address { kind, id: Some(id) } => Ok(Self { kind, id }),
            Address { kind, id: None } => Err(format!("which entry? It looks like {kind}/shop")),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

/// Where the versions are of what `address` names in this configuration; without an address, of all of it.
pub fn versions(config: &str, address: Option<&Address>) -> Route {
    match address {
        None => Route::to(&["conf", "configs", config, "versions"]),
        Some(Address { kind, id: None }) => Route::to(&["conf", config, kind, "versions"]),
        Some(Address { kind, id: Some(id) }) => Route::to(&["conf", config, kind, id, "versions"]),
    }
}
