//! Which files and folders a commit changed: its tree against its parent's, as bytes.
//!
//! A subject is known by its path. Like git's own look-ups, this asks which object is at a path, not what sort of thing
//! it is; and it looks at the two levels that a configuration has.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::rc::Rc;

use git2::{ObjectType, Oid};

use super::objects::Objects;
use crate::ledger::reader::Damage;
use crate::ledger::tree::empty_tree;

/// The path of a whole branch.
pub const WHOLE: &str = "";
/// So many trees are kept: those of a commit's parent are those of the commit before.
const KEPT: usize = 16;

/// Compares commits' trees, and remembers those that come up again.
pub struct Trees {
    kept: VecDeque<(Oid, Rc<Level>)>,
    /// What a folder without anything is called.
    empty: Oid,
}

/// One level of a tree.
#[derive(Default)]
struct Level {
    bytes: Rc<Vec<u8>>,
    /// Where each entry begins.
    starts: Vec<usize>,
}

/// Which entries of two levels need to be compared: those from `first` up to an end.
struct Window {
    first: usize,
    old_end: usize,
    new_end: usize,
}

/// An entry of a level.
struct Entry<'l> {
    name: &'l [u8],
    id: &'l [u8],
    is_folder: bool,
}

impl Trees {
    pub fn new() -> Self {
        Trees { kept: VecDeque::new(), empty: empty_tree().0 }
    }

    /// The paths of all that differs, the whole branch first; none where nothing does.
    ///
    /// # Errors
    /// A tree cannot be read.
    pub fn changed(
        &mut self,
        objects: &mut dyn Objects,
        before: Option<Oid>,
        after: Oid,
    ) -> Result<Vec<String>, Damage> {
        if before == Some(after) {
            return Ok(Vec::new());
        }
        let mut paths = vec![WHOLE.to_owned()];
        let mut folders = Vec::new();
        self.compare(objects, before, Some(after), |name, before, after| {
            paths.push(name.to_owned());
            if before.is_some() || after.is_some() {
                folders.push((name.to_owned(), before, after));
            }
        })?;
        for (folder, before, after) in folders {
            self.compare(objects, before, after, |name, _, _| paths.push(format!("{folder}/{name}")))?;
        }
        // A file that became a folder, or the other way, is met twice.
        paths.sort_unstable();
        paths.dedup();
        Ok(paths)
    }

    /// Tells every name whose object differs, with the folders among the two objects.
    fn compare(
        &mut self,
        objects: &mut dyn Objects,
        before: Option<Oid>,
        after: Option<Oid>,
        tell: impl FnMut(&str, Option<Oid>, Option<Oid>),
    ) -> Result<(), Damage> {
        let no_tree = |id: Oid| Damage(format!("{id} is no tree that could be read"));
        let old = match before.filter(|id| *id != self.empty) {
            None => Rc::default(),
            Some(id) => match self.known(id) {
                Some(level) => level,
                None => {
                    let level =
                        Level::parse(objects.read(id, ObjectType::Tree)?).ok_or_else(|| no_tree(id))?;
                    self.keep(id, level)
                }
            },
        };
        let (new, window) = match after.filter(|id| *id != self.empty) {
            None => (Rc::default(), Window { first: 0, old_end: old.starts.len(), new_end: 0 }),
            Some(id) => match self.known(id) {
                Some(level) => {
                    let window = Window::between(&old, &level);
                    (level, window)
                }
                None => {
                    let read = Level::after(&old, objects.read(id, ObjectType::Tree)?);
                    let (level, window) = read.ok_or_else(|| no_tree(id))?;
                    (self.keep(id, level), window)
                }
            },
        };
        differing(&old, &new, &window, tell);
        Ok(())
    }

    fn known(&self, id: Oid) -> Option<Rc<Level>> {
        self.kept.iter().find(|(known, _)| *known == id).map(|(_, level)| Rc::clone(level))
    }

    fn keep(&mut self, id: Oid, level: Level) -> Rc<Level> {
        let level = Rc::new(level);
        self.kept.push_front((id, Rc::clone(&level)));
        self.kept.truncate(KEPT);
        level
    }
}

impl Level {
    fn parse(bytes: Rc<Vec<u8>>) -> Option<Self> {
        Level::after(&Level::default(), bytes).map(|(level, _)| level)
    }

    /// Reads a level that is probably much like another one: where they are the same, the other one's entries tell
    /// where the entries begin.
    fn after(old: &Level, bytes: Rc<Vec<u8>>) -> Option<(Self, Window)> {
        let (same, rest) = common(&old.bytes, &bytes);
        let first = old.holding(same);
        let mut at = old.starts.get(first).copied().unwrap_or(0);
        let mut starts = Vec::with_capacity(old.starts.len() + 1);
        starts.extend_from_slice(old.starts.get(..first)?);
        let mut join = old.starts.partition_point(|start| *start < old.bytes.len() - rest);
        while at < bytes.len() {
            let left = |start: &usize| old.bytes.len() - start;
            while old.starts.get(join).map(left).is_some_and(|left| left > bytes.len() - at) {
                join += 1;
            }
            if old.starts.get(join).map(left) == Some(bytes.len() - at) {
                break;
            }
            starts.push(at);
            at = end_of_entry(&bytes, at)?;
        }
        if at == bytes.len() {
            join = old.starts.len();
        }
        let window = Window { first, old_end: join, new_end: starts.len() };
        starts.extend(old.starts[join..].iter().map(|start| start + bytes.len() - old.bytes.len()));
        Some((Level { bytes, starts }, window))
    }

    /// The entry that holds the byte at `at`, or the last one.
    fn holding(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// Entries are whole: that was seen when the level was read.
    fn entry(&self, nth: usize) -> Option<Entry<'_>> {
        let start = *self.starts.get(nth)?;
        let end = self.starts.get(nth + 1).copied().unwrap_or(self.bytes.len());
        let (head, id) = self.bytes[start..end].split_at_checked((end - start).checked_sub(20)?)?;
        let space = head.iter().position(|b| *b == b' ')?;
        let name = head.get(space + 1..head.len().checked_sub(1)?)?;
        Some(Entry { name, id, is_folder: matches!(&head[..space], b"40000" | b"040000") })
    }
}

impl Window {
    fn between(old: &Level, new: &Level) -> Self {
        let (same, rest) = common(&old.bytes, &new.bytes);
        let first = old.holding(same).min(new.holding(same));
        let mut old_end = old.starts.partition_point(|start| *start < old.bytes.len() - rest).max(first);
        // The same bytes at the end are the same entries from where both have one begin.
        while let Some(start) = old.starts.get(old_end) {
            let new_start = (start + new.bytes.len()).checked_sub(old.bytes.len());
            let new_end = new_start.and_then(|start| new.starts.binary_search(&start).ok());
            if let Some(new_end) = new_end.filter(|end| *end >= first) {
                return Window { first, old_end, new_end };
            }
            old_end += 1;
        }
        Window { first, old_end: old.starts.len(), new_end: new.starts.len() }
    }
}

/// Mode, space, name, NUL, and twenty bytes of id (gitformat).
fn end_of_entry(bytes: &[u8], start: usize) -> Option<usize> {
    let nul = bytes[start..].iter().position(|b| *b == 0)?;
    let space = bytes[start..start + nul].iter().position(|b| *b == b' ')?;
    let end = start + nul + 21;
    (space > 0 && end <= bytes.len()).then_some(end)
}

/// How many bytes are the same at the beginning, and how many of the others at the end.
fn common(one: &[u8], other: &[u8]) -> (usize, usize) {
    const CHUNK: usize = 256;
    let equal = |pair: &(&[u8], &[u8])| pair.0 == pair.1;
    let chunks = one.chunks_exact(CHUNK).zip(other.chunks_exact(CHUNK)).take_while(equal).count();
    let same = chunks * CHUNK;
    let same = same + one[same..].iter().zip(&other[same..]).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[same..], &other[same..]);
    let chunks = one.rchunks_exact(CHUNK).zip(other.rchunks_exact(CHUNK)).take_while(equal).count();
    let rest = chunks * CHUNK;
    let (one, other) = (&one[..one.len() - rest], &other[..other.len() - rest]);
    (same, rest + one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count())
}

fn differing(
    old: &Level,
    new: &Level,
    window: &Window,
    mut tell: impl FnMut(&str, Option<Oid>, Option<Oid>),
) {
    let folder = |entry: Option<&Entry<'_>>| {
        entry.filter(|entry| entry.is_folder).and_then(|entry| Oid::from_bytes(entry.id).ok())
    };
    let (mut i, mut j) = (window.first, window.first);
    loop {
        let before = if i < window.old_end { old.entry(i) } else { None };
        let after = if j < window.new_end { new.entry(j) } else { None };
        let order = match (&before, &after) {
            (Some(before), Some(after)) => in_git_order(before, after),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return,
        };
        let before = before.as_ref().filter(|_| order != Ordering::Greater);
        let after = after.as_ref().filter(|_| order != Ordering::Less);
        // What is not UTF-8 cannot be asked for.
        if before.map(|entry| entry.id) != after.map(|entry| entry.id)
            && let Some(Ok(name)) = before.or(after).map(|entry| str::from_utf8(entry.name))
        {
            tell(name, folder(before), folder(after));
        }
        i += usize::from(order != Ordering::Greater);
        j += usize::from(order != Ordering::Less);
    }
}

/// Folders stand as if their names ended in a slash.
fn in_git_order(one: &Entry<'_>, other: &Entry<'_>) -> Ordering {
    let key = |entry: &Entry<'_>, at: usize| match entry.name.get(at) {
        Some(byte) => Some(*byte),
        None => (at == entry.name.len() && entry.is_folder).then_some(b'/'),
    };
    let same = one.name.iter().zip(other.name).take_while(|(a, b)| a == b).count();
    key(one, same).cmp(&key(other, same)).then_with(|| key(one, same + 1).cmp(&key(other, same + 1)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Objects that lie in memory.
    struct Shelf(BTreeMap<Oid, Vec<u8>>);

    impl Objects for Shelf {
        fn read(&mut self, id: Oid, _: ObjectType) -> Result<Rc<Vec<u8>>, Damage> {
            self.0.get(&id).cloned().map(Rc::new).ok_or_else(|| Damage(id.to_string()))
        }
    }

    impl Shelf {
        fn tree(&mut self, entries: &[(&str, Oid, bool)]) -> Oid {
            let mut entries = entries.to_vec();
            entries.sort_by_key(|(name, _, folder)| format!("{name}{}", if *folder { "/" } else { "" }));
            let mut bytes = Vec::new();
            for (name, id, folder) in entries {
                bytes.extend_from_slice(if folder { b"40000 " } else { b"100644 " });
                bytes.extend_from_slice(name.as_bytes());
                bytes.push(0);
                bytes.extend_from_slice(id.as_bytes());
            }
            let id = Oid::hash_object(ObjectType::Tree, &bytes).unwrap();
            self.0.insert(id, bytes);
            id
        }
    }

    fn blob(content: u32) -> Oid {
        Oid::hash_object(ObjectType::Blob, &content.to_le_bytes()).unwrap()
    }

    /// Two folders after one another, with or without what is remembered: always what a naive comparison tells.
    #[test]
    fn every_difference_is_told_and_nothing_else() {
        let names = ["a", "a.b", "a0", "ab", "b", "ba", "x-y", "x", "x.json", "y"];
        let mut seed = 1_u32;
        let mut next = |below: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) % below
        };
        let (mut shelf, mut trees) = (Shelf(BTreeMap::new()), Trees::new());
        let mut before: Option<(Oid, BTreeMap<String, Oid>)> = None;
        for round in 0..3000 {
            let mut flat = BTreeMap::new();
            let mut top = Vec::new();
            for folder in ["a", "a.b", "b"] {
                // Mostly small changes of what was there.
                let few = next(3) > 0;
                let old = |path: &str| before.as_ref().and_then(|(_, flat)| flat.get(path).copied());
                let mut inner = Vec::new();
                for name in names {
                    let path = format!("{folder}/{name}");
                    let fresh = (next(3) > 0).then(|| blob(next(4)));
                    let file = if few && next(8) > 0 { old(&path) } else { fresh };
                    if let Some(file) = file {
                        inner.push((name, file, false));
                        flat.insert(path, file);
                    }
                }
                match next(6) {
                    0 => flat.retain(|path, _| !path.starts_with(&format!("{folder}/"))),
                    1 => {
                        flat.retain(|path, _| !path.starts_with(&format!("{folder}/")));
                        let file = blob(next(3));
                        flat.insert(folder.to_owned(), file);
                        top.push((folder, file, false));
                    }
                    _ => {
                        let tree = shelf.tree(&inner);
                        flat.insert(folder.to_owned(), tree);
                        top.push((folder, tree, true));
                    }
                }
            }
            let tree = shelf.tree(&top);
            if round % 7 == 0 {
                trees = Trees::new();
            }
            let old = before.as_ref().map(|(_, flat)| flat.clone()).unwrap_or_default();
            let mut expected: Vec<String> = old
                .keys()
                .chain(flat.keys())
                .filter(|path| old.get(*path) != flat.get(*path))
                .cloned()
                .collect();
            if before.as_ref().map(|(id, _)| *id) != Some(tree) {
                expected.push(WHOLE.to_owned());
            }
            expected.sort();
            expected.dedup();
            let told = trees.changed(&mut shelf, before.as_ref().map(|(id, _)| *id), tree).unwrap();
            assert_eq!(told, expected, "round {round}");
            before = Some((tree, flat));
        }
    }

    #[test]
    fn what_is_no_tree_is_damage() {
        for bytes in [
            &b"100644 a"[..],
            b"100644 a\0short",
            b" a\x0012345678901234567890",
            b"100644a\0aaaaaaaaaaaaaaaaaaaa",
        ] {
            let id = blob(0);
            let mut shelf = Shelf(BTreeMap::from([(id, bytes.to_vec())]));
            assert!(Trees::new().changed(&mut shelf, None, id).is_err(), "{bytes:?}");
        }
    }
}
