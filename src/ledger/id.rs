//! Names of git objects and branches. All of them are short texts; the types keep them apart.

use std::fmt;

use git2::{ObjectType, Oid};
use sha1::{Digest, Sha1};

/// The id of any object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub(super) Oid);

impl ObjectId {
    /// Reads the 40 lower-case hex digits of an id.
    pub fn from_hex(text: &str) -> Option<Self> {
        let hex = text.len() == 40 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if hex { Oid::from_str(text).ok().map(ObjectId) } else { None }
    }

    /// The id as git's files hold it.
    pub(super) fn raw(self) -> [u8; 20] {
        let mut raw = [0; 20];
        raw.copy_from_slice(self.0.as_bytes());
        raw
    }

    /// Whether this is the id of bytes that git already has by it.
    pub(super) fn is_of(self, kind: ObjectType, bytes: &[u8]) -> bool {
        Self::quickly(kind, bytes) == self
    }

    fn quickly(kind: ObjectType, bytes: &[u8]) -> Self {
        let hash = Sha1::new().chain_update(format!("{kind} {}\0", bytes.len())).chain_update(bytes);
        Oid::from_bytes(&hash.finalize()).map_or(ObjectId(Oid::ZERO_SHA1), ObjectId)
    }

    pub(super) fn of(kind: ObjectType, bytes: &[u8]) -> Self {
        // git2's hash looks for collisions that somebody made on purpose, which costs four times as much. Bytes that
        // clients choose need that; a tree is names and ids.
        if kind == ObjectType::Tree {
            return Self::quickly(kind, bytes);
        }
        // Hashing bytes in memory has no way to fail but a kind that is no kind.
        ObjectId(Oid::hash_object(kind, bytes).unwrap_or(Oid::ZERO_SHA1))
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! id_of {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(super) Oid);

        impl From<$name> for ObjectId {
            fn from(id: $name) -> Self {
                ObjectId(id.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id_of! {
    /// The id of a commit: a version.
    CommitId
}
id_of! {
    /// The id of a folder's tree.
    TreeId
}
id_of! {
    /// The id of a file's content.
    BlobId
}

impl CommitId {
    /// The first seven digits, as people quote a commit.
    pub fn short(self) -> String {
        self.to_string()[..7].to_owned()
    }
}

impl BlobId {
    /// What git would name these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        BlobId(ObjectId::of(ObjectType::Blob, bytes).0)
    }
}

/// A branch's name: safe as a part of a ref and as a part of a URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BranchName(std::sync::Arc<str>);

/// Why a text is no [`BranchName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    #[error("must have 1 to {max} characters, has {found}", max = BranchName::LONGEST)]
    Length { found: usize },
    #[error("must begin with one of a-z 0-9, not {0:?}")]
    First(char),
    #[error("may contain a-z 0-9 . _ - only, not {0:?}")]
    Forbidden(char),
    #[error("must not contain {0:?}")]
    Sequence(&'static str),
    #[error("must not end in {0:?}")]
    Ending(&'static str),
    /// A word that the ledger's user keeps for itself.
    #[error("{0:?} is reserved")]
    Reserved(&'static str),
    /// It could be taken for a commit's id.
    #[error("must not look like a version; put a letter behind f, such as v, or a hyphen into it")]
    Version,
}

impl BranchName {
    /// In characters.
    pub const LONGEST: usize = 63;

    /// Reads a name: `[a-z0-9][a-z0-9._-]{0,62}`, no `..`, not ending in `.lock` or `.`, which git refuses.
    ///
    /// # Errors
    /// The first rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, NameFault> {
        let length = text.chars().count();
        if length == 0 || length > Self::LONGEST {
            return Err(NameFault::Length { found: length });
        }
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if let Some(first) = text.chars().next().filter(|c| !plain(*c)) {
            return Err(NameFault::First(first));
        }
        if let Some(bad) = text.chars().find(|c| !plain(*c) && !matches!(c, '.' | '_' | '-')) {
            return Err(NameFault::Forbidden(bad));
        }
        if text.contains("..") {
            return Err(NameFault::Sequence(".."));
        }
        for ending in [".lock", "."] {
            if text.ends_with(ending) {
                return Err(NameFault::Ending(ending));
            }
        }
        Ok(BranchName(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn full(&self) -> String {
        format!("{BRANCHES}{}", self.0)
    }
}

/// Whether a text can name a commit: a full id, or enough of one.
pub(super) fn is_version(text: &str) -> bool {
    (7..=40).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Where branches lie among the refs.
pub(super) const BRANCHES: &str = "refs/heads/";
/// Where the heads of deleted branches are kept.
pub(super) const ARCHIVES: &str = "refs/archive/";

impl fmt::Display for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for BranchName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branch_names() {
        for name in ["prod", "0", "a.b", "a-_b", &"a".repeat(63)] {
            assert!(BranchName::parse(name).is_ok(), "{name}");
        }
        let long = "a".repeat(64);
        for name in ["", &long, ".a", "-a", "Prod", "a/b", "a b", "a..b", "a.", "a.lock", "ü", "a\n", "@"] {
            assert!(BranchName::parse(name).is_err(), "{name}");
        }
    }

    #[test]
    fn blobs_are_named_as_git_names_them() {
        assert_eq!(BlobId::of(b"").to_string(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    }
}
