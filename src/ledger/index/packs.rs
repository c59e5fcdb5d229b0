//! Packs, read for histories. Each tree is mostly a delta of one that was read a moment ago, so what was read is kept and
//! a delta costs one copy. Nothing is hashed to see that it is what its id says: the index is not where git's objects are
//! checked. And nothing is mapped into memory: a history is read once, and must not take the place of what is served.

use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::rc::Rc;

use flate2::{Decompress, FlushDecompress, Status};
use git2::{ObjectType, Oid};

use super::names::Names;
use super::objects::{Git, Objects};
use crate::ledger::pack::delta;
use crate::ledger::pack::entry::{self, Form, LONGEST_HEAD};
use crate::ledger::reader::Damage;

/// In bytes. Twice as much is kept at most; it must hold some chains of deltas.
const KEPT: usize = 8 << 20;
/// In bytes. An object with more is no matter of histories.
const LARGEST: usize = 1 << 28;
/// In bytes: so much of a pack is read at a time, in so many places.
const WINDOW: usize = 64 << 10;
const WINDOWS: usize = 6;

/// Where an object's bytes begin: which pack, and the offset in it.
type Spot = (usize, u64);
type Whole = (ObjectType, Rc<Vec<u8>>);

/// The objects of a repository: from its packs, or else with libgit2.
pub struct Packs {
    packs: Vec<(Names, Pack)>,
    /// The pack that had the last object probably has the next one.
    recent: usize,
    kept: Kept,
    inflate: Decompress,
    others: Git,
}

impl Packs {
    /// Opens the repository at `path`, with the packs that it has now.
    ///
    /// # Errors
    /// There is none.
    pub fn open(path: &Path) -> Result<Self, Damage> {
        let others = Git::open(path)?;
        let mut packs = Vec::new();
        for entry in fs::read_dir(path.join("objects/pack")).into_iter().flatten().flatten() {
            let file = entry.path();
            if file.extension().is_some_and(|ending| ending == "idx") {
                // A pack that goes or cannot be read is libgit2's matter.
                packs.extend(Names::open(&file).zip(Pack::open(&file.with_extension("pack"))));
            }
        }
        Ok(Packs { packs, recent: 0, kept: Kept::default(), inflate: Decompress::new(true), others })
    }

    fn find(&mut self, id: Oid) -> Option<Spot> {
        let all = 0..self.packs.len();
        let mut spot = |nth: usize| Some((nth, self.packs.get_mut(nth)?.0.offset(id)?));
        let found = match spot(self.recent) {
            Some(found) => found,
            None => all.into_iter().find_map(spot)?,
        };
        self.recent = found.0;
        Some(found)
    }

    /// The object at a spot; `None` if it cannot be read here.
    fn at(&mut self, spot: Spot) -> Option<Whole> {
        let mut deltas = Vec::new();
        let mut next = spot;
        let mut whole = loop {
            if let Some(known) = self.kept.get(next) {
                break known;
            }
            let Entry { form, bytes } = self.packs.get_mut(next.0)?.1.entry(next.1, &mut self.inflate)?;
            let base = match form {
                Form::Whole(kind) => break (kind.into(), Rc::new(bytes)),
                Form::Tag => return None,
                Form::OffsetDelta(distance) => (next.0, next.1.checked_sub(distance)?),
                Form::IdDelta(id) => self.find(Oid::from_bytes(&id).ok()?)?,
            };
            // Longer than any program makes them: a circle.
            if deltas.len() > 1 << 14 {
                return None;
            }
            deltas.push((next, bytes));
            next = base;
        };
        if whole.0 == ObjectType::Tree || !deltas.is_empty() {
            self.kept.put(next, &whole);
        }
        while let Some((spot, delta)) = deltas.pop() {
            whole.1 = Rc::new(delta::apply(&whole.1, &delta)?);
            self.kept.put(spot, &whole);
        }
        Some(whole)
    }
}

impl Objects for Packs {
    fn read(&mut self, id: Oid, kind: ObjectType) -> Result<Rc<Vec<u8>>, Damage> {
        match self.find(id).and_then(|spot| self.at(spot)) {
            Some((found, bytes)) if found == kind => Ok(bytes),
            // Loose, in a pack that is newer than this, or damaged, which libgit2 has words for.
            _ => self.others.read(id, kind),
        }
    }
}

/// An entry of a pack, inflated: an object, or a delta.
struct Entry {
    form: Form,
    bytes: Vec<u8>,
}

/// A pack's entries (gitformat-pack).
struct Pack {
    file: File,
    size: u64,
    /// What was read, the latest first.
    windows: Vec<(u64, Vec<u8>)>,
}

impl Pack {
    fn open(path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        let size = file.metadata().ok()?.len();
        Some(Pack { file, size, windows: Vec::new() })
    }

    fn entry(&mut self, offset: u64, inflate: &mut Decompress) -> Option<Entry> {
        let head = entry::read_head(self.bytes(offset, LONGEST_HEAD)?)?;
        let size = usize::try_from(head.size).ok().filter(|size| *size < LARGEST)?;
        let mut bytes = vec![0; size];
        // Bytes that do not get smaller get a little larger.
        let packed = self.bytes(offset + head.length as u64, size + size / 256 + 64)?;
        inflate.reset(true);
        let done = inflate.decompress(packed, &mut bytes, FlushDecompress::Finish).ok()?;
        let whole = done == Status::StreamEnd && inflate.total_out() == u64::try_from(size).ok()?;
        whole.then_some(Entry { form: head.form, bytes })
    }

    /// The bytes from an offset on: so many, or up to the end.
    fn bytes(&mut self, offset: u64, wanted: usize) -> Option<&[u8]> {
        let end = (offset + u64::try_from(wanted).ok()?).min(self.size);
        let has = |(start, bytes): &(u64, Vec<u8>)| *start <= offset && end <= *start + bytes.len() as u64;
        if let Some(nth) = self.windows.iter().position(has) {
            self.windows[..=nth].rotate_right(1);
        } else {
            // Who walks back reads what lies before, who walks on what comes after.
            let back = self.windows.iter().any(|(start, _)| *start > offset && *start < end + WINDOW as u64);
            let start = if back { end.saturating_sub(WINDOW as u64).min(offset) } else { offset };
            let stop = (start + WINDOW as u64).max(end).min(self.size);
            let mut bytes = match self.windows.len() {
                WINDOWS => self.windows.pop()?.1,
                _ => Vec::new(),
            };
            bytes.resize(usize::try_from(stop.checked_sub(start)?).ok()?, 0);
            self.file.read_exact_at(&mut bytes, start).ok()?;
            self.windows.insert(0, (start, bytes));
        }
        let (start, bytes) = self.windows.first()?;
        bytes.get(usize::try_from(offset - start).ok()?..)
    }
}

/// What was read lately, in two halves: when the newer one is full, the older one is forgotten.
#[derive(Default)]
struct Kept {
    newer: HashMap<Spot, Whole>,
    older: HashMap<Spot, Whole>,
    bytes: usize,
}

impl Kept {
    fn get(&mut self, spot: Spot) -> Option<Whole> {
        if let Some(found) = self.newer.get(&spot) {
            return Some(found.clone());
        }
        let found = self.older.remove(&spot)?;
        self.put(spot, &found);
        Some(found)
    }

    fn put(&mut self, spot: Spot, whole: &Whole) {
        if self.bytes > KEPT {
            self.older = std::mem::take(&mut self.newer);
            self.bytes = 0;
        }
        if self.newer.insert(spot, whole.clone()).is_none() {
            self.bytes += whole.1.len();
        }
    }
}
