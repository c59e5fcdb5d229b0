//! A tree as git hashes and stores it: its bytes read, written, and made from those before with the delta between.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use git2::Oid;

use crate::ledger::id::ObjectId;
use crate::ledger::pack::delta::Script;

pub(super) const FILE: u32 = 0o100_644;
pub(super) const FOLDER: u32 = 0o040_000;
const ID: usize = 20;

/// An entry's name, and a slash after that of a folder: compared as bytes, such keys stand in git's order.
pub(super) type Key = Vec<u8>;
/// What becomes of the entries of a level that an edit touches; `None` is one that is removed.
pub(super) type Changes = BTreeMap<Key, Option<Entry>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub mode: u32,
    pub id: ObjectId,
}

impl Entry {
    /// Neither a folder nor a link nor a commit of another repository.
    pub fn is_file(self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }

    /// As git hashes and stores it: mode, space, name, NUL, raw id.
    pub fn encode(self, key: &[u8], bytes: &mut Vec<u8>) {
        let name = if self.mode == FOLDER { key.strip_suffix(b"/").unwrap_or(key) } else { key };
        bytes.extend_from_slice(format!("{:o} ", self.mode).as_bytes());
        bytes.extend_from_slice(name);
        bytes.push(0);
        bytes.extend_from_slice(&self.id.raw());
    }
}

/// An entry as it stands in a tree's bytes.
pub(in crate::ledger) struct Raw<'a> {
    mode: u32,
    pub name: &'a [u8],
    id: &'a [u8],
    /// Of the whole entry.
    length: usize,
}

/// The entries of a tree; ends early where the bytes are no tree's.
pub(in crate::ledger) fn entries(mut bytes: &[u8]) -> impl Iterator<Item = Raw<'_>> {
    std::iter::from_fn(move || {
        let raw = Raw::read(bytes)?;
        bytes = &bytes[raw.length..];
        Some(raw)
    })
}

/// The entries of a tree, unless the bytes are no tree's.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<(Key, Entry)>> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let raw = Raw::read(rest)?;
        entries.push((raw.key(), Entry { mode: raw.mode, id: raw.id()? }));
        rest = &rest[raw.length..];
    }
    Some(entries)
}

impl<'a> Raw<'a> {
    /// The entry at the beginning of `bytes`.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let space = bytes.iter().position(|b| *b == b' ')?;
        let digit = |mode: u32, b: &u8| Some(mode << 3 | char::from(*b).to_digit(8)?);
        let mode = bytes[..space].iter().take(8).try_fold(0, digit)?;
        let name = &bytes[space + 1..];
        let end = name.iter().position(|b| *b == 0)?;
        let (name, id) = (&name[..end], name.get(end + 1..end + 1 + ID)?);
        Some(Raw { mode, name, id, length: space + end + 2 + ID })
    }

    pub fn mode(&self) -> u32 {
        self.mode
    }

    pub fn is_folder(&self) -> bool {
        self.mode == FOLDER
    }

    pub fn is_file(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }

    /// A commit of another repository.
    pub fn is_foreign(&self) -> bool {
        self.mode == 0o160_000
    }

    pub fn id(&self) -> Option<ObjectId> {
        Oid::from_bytes(self.id).ok().map(ObjectId)
    }

    /// Where this stands in a tree, against an entry of another.
    pub fn order(&self, other: &Raw<'_>) -> Ordering {
        let shared = self.name.len().min(other.name.len());
        let tail =
            |raw: &Raw<'_>| raw.name.get(shared).copied().unwrap_or(if raw.is_folder() { b'/' } else { 0 });
        self.name[..shared].cmp(&other.name[..shared]).then_with(|| tail(self).cmp(&tail(other)))
    }

    /// Whether two entries of one name are the same.
    pub fn is_same(&self, other: &Raw<'_>) -> bool {
        self.mode == other.mode && self.id == other.id
    }

    fn key(&self) -> Key {
        let mut key = self.name.to_vec();
        if self.mode == FOLDER {
            key.push(b'/');
        }
        key
    }

    fn compare(&self, key: &[u8]) -> Ordering {
        let slash: &[u8] = if self.mode == FOLDER { b"/" } else { b"" };
        self.name.iter().chain(slash).cmp(key)
    }
}

/// A tree's bytes with some entries changed, and the delta that makes them, if it is worth having.
pub(super) fn splice(before: &[u8], changes: &Changes) -> (Vec<u8>, Option<Vec<u8>>) {
    let mut after = Vec::with_capacity(before.len() + changes.len() * 64);
    let mut script = Script::default();
    let (mut at, mut kept) = (0, 0);
    for (key, change) in changes {
        let mut skipped = 0;
        while let Some(raw) = Raw::read(&before[at..]) {
            match raw.compare(key) {
                Ordering::Less => at += raw.length,
                Ordering::Equal => {
                    skipped = raw.length;
                    break;
                }
                Ordering::Greater => break,
            }
        }
        script.copy(kept, at - kept);
        after.extend_from_slice(&before[kept..at]);
        at += skipped;
        kept = at;
        if let Some(entry) = change {
            let start = after.len();
            entry.encode(key, &mut after);
            script.insert(start, after.len() - start);
        }
    }
    script.copy(kept, before.len() - kept);
    after.extend_from_slice(&before[kept..]);
    let script = script.encode(before.len(), &after);
    (after, script)
}
