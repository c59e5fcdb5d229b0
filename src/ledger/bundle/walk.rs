//! All that refs lead to, each object once and held against its id, newest commits first.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use git2::{ObjectType, Oid, Repository};

use super::BundleError;
use crate::ledger::batch::ObjectKind;
use crate::ledger::id::ObjectId;
use crate::ledger::loose;
use crate::ledger::reader::Damage;
use crate::ledger::repository;
use crate::ledger::tree::{self, empty_tree};

/// An object that cannot be read may have moved into another pack since the packs were listed: it is looked for again,
/// so often at most.
const ATTEMPTS: u32 = 4;

/// A repository that others may be writing.
pub struct Source {
    path: PathBuf,
    repository: Repository,
}

impl Source {
    /// Opens the repository at `path`.
    ///
    /// # Errors
    /// There is none, or git cannot read it.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        Ok(Source { path: path.to_owned(), repository: repository::open(path)? })
    }

    fn read(&mut self, id: Oid) -> Result<(ObjectKind, Bytes), Damage> {
        let mut attempt = 1;
        loop {
            match read(&self.repository, id) {
                Err(_) if attempt < ATTEMPTS => {
                    attempt += 1;
                    self.repository = Repository::open_bare(&self.path)?;
                }
                outcome => return outcome,
            }
        }
    }
}

/// An object, if it is what its id says.
fn read(repository: &Repository, id: Oid) -> Result<(ObjectKind, Bytes), Damage> {
    if id == empty_tree().0 {
        return Ok((ObjectKind::Tree, Bytes::new()));
    }
    let unreadable = |reason: String| Damage(format!("object {id} cannot be read: {reason}"));
    // libgit2 never comes back from a loose object that is cut off.
    let loose = loose::find(&repository.path().join("objects"), ObjectId(id));
    if let Some(found) = loose.map_err(|error| unreadable(error.to_string()))? {
        return Ok((found.kind, found.bytes));
    }
    let objects = repository.odb()?;
    let object = objects.read(id).map_err(|error| unreadable(error.message().to_owned()))?;
    let kind = match object.kind() {
        ObjectType::Blob => ObjectKind::Blob,
        ObjectType::Tree => ObjectKind::Tree,
        ObjectType::Commit => ObjectKind::Commit,
        ObjectType::Tag => ObjectKind::Tag,
        ObjectType::Any => return Err(unreadable("it is of no kind".to_owned())),
    };
    if !ObjectId(id).is_of(object.kind(), object.data()) {
        return Err(Damage(format!("{id} is not the {} that it should be", object.kind())));
    }
    Ok((kind, Bytes::copy_from_slice(object.data())))
}

/// What was found on the way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    pub commits: u64,
    pub objects: u64,
}

/// Visits what `tips` lead to, but for the `known` objects and what only they lead to. Takes some 40 bytes of memory for
/// each object.
///
/// # Errors
/// An object is missing or damaged, or the visit fails.
pub fn visit(
    source: &mut Source,
    tips: impl IntoIterator<Item = ObjectId>,
    known: HashSet<Oid>,
    mut visit: impl FnMut(ObjectId, ObjectKind, &Bytes) -> Result<(), BundleError>,
) -> Result<Counted, BundleError> {
    let mut way = Way { seen: known, todo: Vec::new() };
    tips.into_iter().for_each(|ObjectId(tip)| way.add(tip, None));
    let mut counted = Counted::default();
    // Last in, first out: a commit's tree comes right after it, and before its parents.
    while let Some((id, expected)) = way.todo.pop() {
        let (kind, bytes) = source.read(id)?;
        if expected.is_some_and(|expected| expected != kind) {
            return Err(Damage(format!("{id} is not of the kind that what leads to it says")).into());
        }
        way.follow(kind, &bytes).ok_or_else(|| Damage(format!("{id} leads to what is no id")))?;
        visit(ObjectId(id), kind, &bytes)?;
        counted.objects += 1;
        counted.commits += u64::from(kind == ObjectKind::Commit);
    }
    Ok(counted)
}

/// What is still to be visited.
struct Way {
    seen: HashSet<Oid>,
    todo: Vec<(Oid, Option<ObjectKind>)>,
}

impl Way {
    fn add(&mut self, id: Oid, expected: Option<ObjectKind>) {
        if self.seen.insert(id) {
            self.todo.push((id, expected));
        }
    }

    /// `None` where an id should be and is not.
    fn follow(&mut self, kind: ObjectKind, bytes: &[u8]) -> Option<()> {
        match kind {
            ObjectKind::Blob => {}
            ObjectKind::Tree => {
                for raw in tree::entries(bytes) {
                    let ObjectId(id) = raw.id()?;
                    if raw.is_folder() {
                        self.add(id, Some(ObjectKind::Tree));
                    } else if !raw.is_foreign() {
                        self.add(id, Some(ObjectKind::Blob));
                    }
                }
            }
            ObjectKind::Commit => {
                for ObjectId(parent) in named(bytes, "parent ") {
                    self.add(parent, Some(ObjectKind::Commit));
                }
                let ObjectId(tree) = named(bytes, "tree ").next()?;
                self.add(tree, Some(ObjectKind::Tree));
            }
            ObjectKind::Tag => {
                let ObjectId(object) = named(bytes, "object ").next()?;
                self.add(object, None);
            }
        }
        Some(())
    }
}

/// The ids in the lines of a commit's or a tag's head that begin with a word.
fn named<'b>(bytes: &'b [u8], word: &'static str) -> impl Iterator<Item = ObjectId> + 'b {
    let head = bytes.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty());
    head.filter_map(move |line| {
        let id = line.strip_prefix(word.as_bytes())?;
        ObjectId::from_hex(str::from_utf8(id).ok()?)
    })
}
