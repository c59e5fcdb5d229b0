//! Reads from git what the index has not seen, in the order in which it goes in: parents first.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use git2::{ObjectType, Oid};
use rusqlite::Connection;

use super::changed::Trees;
use super::fault::Fault;
use super::insert::Step;
use super::objects::Objects;
use super::raw::Commit;
use super::trail::Trail;
use super::{file, pages};
use crate::ledger::reader::Damage;

/// So many commits are handed over at a time.
const LOT: usize = 256;
/// After so many commits, what was handed over is to be kept.
const KEEP: usize = 16 * 1024;

/// What a walk hands over.
pub enum Found {
    /// So many commits have to be read, as far as is known by now.
    More(usize),
    Steps(Vec<Step>),
    /// What came before can be looked up once this is answered.
    Keep(SyncSender<()>),
    /// All that the ref needs came before.
    Head(String, Oid),
    /// The ref cannot be followed.
    Unreadable(String, Damage),
}

/// Why a walk ended early.
pub enum Stop {
    /// Nobody takes what it finds.
    Unwanted,
    Damage(Damage),
    Fault(Fault),
}

impl From<Damage> for Stop {
    fn from(damage: Damage) -> Self {
        Stop::Damage(damage)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Stop::Fault(fault)
    }
}

/// Walks from refs down to what is known.
pub struct Walk<'o> {
    objects: &'o mut dyn Objects,
    trees: Trees,
    index: Connection,
    /// Nothing is in the index yet, so nothing needs to be looked up there.
    is_empty: bool,
    /// Where trails have their files.
    trails: PathBuf,
    out: SyncSender<Found>,
    lot: Vec<Step>,
    /// What was handed over since it was last said to keep it, and what before that.
    fresh: HashSet<Oid>,
    older: HashSet<Oid>,
    kept: Option<Receiver<()>>,
    /// The commit that was read last, and its tree: mostly the next one's parent.
    last: Option<(Oid, Oid)>,
}

impl<'o> Walk<'o> {
    /// # Errors
    /// The index cannot be opened a second time.
    pub fn new(objects: &'o mut dyn Objects, path: &Path, out: SyncSender<Found>) -> Result<Self, Fault> {
        let index = file::open_to_read(path)?;
        let is_empty = !index.prepare("SELECT 1 FROM commits")?.exists([])?;
        Ok(Walk {
            objects,
            trees: Trees::new(),
            index,
            is_empty,
            trails: path.with_extension("trail"),
            out,
            lot: Vec::with_capacity(LOT),
            fresh: HashSet::new(),
            older: HashSet::new(),
            kept: None,
            last: None,
        })
    }

    /// Hands over all that each ref needs.
    ///
    /// # Errors
    /// Nobody listens any more, or the index fails.
    pub fn refs(&mut self, refs: Vec<(String, Oid)>) -> Result<(), Stop> {
        for (name, tip) in refs {
            match self.tip(tip) {
                Ok(()) => {
                    self.hand_over()?;
                    self.say(Found::Head(name, tip))?;
                }
                Err(Stop::Damage(damage)) => self.say(Found::Unreadable(name, damage))?,
                Err(stop) => return Err(stop),
            }
        }
        Ok(())
    }

    fn tip(&mut self, tip: Oid) -> Result<(), Stop> {
        // A stack of its own: sides may have sides as deep as anybody likes.
        let mut open = vec![(self.unknown_above(tip)?, None)];
        while let Some((trail, waiting)) = open.last_mut() {
            let commit = match waiting.take() {
                Some(commit) => commit,
                None => match trail.pop().map_err(Fault::from)? {
                    Some((id, bytes)) => Commit::parse(id, &bytes)?,
                    None => {
                        open.pop();
                        continue;
                    }
                },
            };
            match self.unknown_side(&commit)? {
                None => self.step(commit)?,
                Some(side) => {
                    *waiting = Some(commit);
                    open.push((self.unknown_above(side)?, None));
                }
            }
        }
        Ok(())
    }

    /// A parent other than the first that is still to be read.
    fn unknown_side(&mut self, commit: &Commit) -> Result<Option<Oid>, Stop> {
        for parent in commit.parents.iter().skip(1) {
            if !self.is_known(*parent)? {
                return Ok(Some(*parent));
            }
        }
        Ok(None)
    }

    /// The commits from `tip` along the first parents that are not known.
    fn unknown_above(&mut self, tip: Oid) -> Result<Trail, Stop> {
        // One view of the index for the whole way: a lock for each commit would cost more than the look-ups.
        self.index.execute_batch("BEGIN").map_err(Fault::from)?;
        let found = self.unknown_in_view(tip);
        self.index.execute_batch("COMMIT").map_err(Fault::from)?;
        found
    }

    fn unknown_in_view(&mut self, tip: Oid) -> Result<Trail, Stop> {
        let mut trail = Trail::new(self.trails.clone());
        let mut passed = 0;
        let mut next = Some(tip);
        while let Some(id) = next {
            if self.is_known(id)? {
                break;
            }
            let bytes = self.objects.read(id, ObjectType::Commit)?;
            next = Commit::first_parent(id, &bytes)?;
            trail.push(id, &bytes).map_err(Fault::from)?;
            passed += 1;
            if passed % KEEP == 0 {
                self.say(Found::More(KEEP))?;
            }
        }
        self.say(Found::More(passed % KEEP))?;
        Ok(trail)
    }

    fn step(&mut self, commit: Commit) -> Result<(), Stop> {
        let before = match commit.parents.first() {
            None => None,
            Some(parent) => Some(self.tree_of(*parent)?),
        };
        let changed = self.trees.changed(self.objects, before, commit.tree)?;
        self.last = Some((commit.id, commit.tree));
        self.fresh.insert(commit.id);
        self.lot.push(Step { commit, changed });
        if self.lot.len() == LOT {
            self.hand_over()?;
        }
        if self.fresh.len() == KEEP {
            self.hand_over()?;
            self.keep()?;
        }
        Ok(())
    }

    fn tree_of(&mut self, commit: Oid) -> Result<Oid, Damage> {
        match self.last {
            Some((last, tree)) if last == commit => Ok(tree),
            _ => {
                let bytes = self.objects.read(commit, ObjectType::Commit)?;
                Ok(Commit::parse(commit, &bytes)?.tree)
            }
        }
    }

    fn is_known(&mut self, id: Oid) -> Result<bool, Stop> {
        if self.fresh.contains(&id) || self.older.contains(&id) {
            return Ok(true);
        }
        if self.is_empty {
            return Ok(false);
        }
        Ok(pages::place_of(&self.index, id)?.is_some())
    }

    /// The index need not be waited for: what it was told to keep the last time, it has kept by now.
    fn keep(&mut self) -> Result<(), Stop> {
        if let Some(kept) = self.kept.take() {
            kept.recv().map_err(|_| Stop::Unwanted)?;
        }
        let (answer, kept) = sync_channel(1);
        self.say(Found::Keep(answer))?;
        self.kept = Some(kept);
        self.older = std::mem::take(&mut self.fresh);
        self.is_empty = false;
        Ok(())
    }

    fn hand_over(&mut self) -> Result<(), Stop> {
        if self.lot.is_empty() {
            return Ok(());
        }
        let lot = std::mem::replace(&mut self.lot, Vec::with_capacity(LOT));
        self.say(Found::Steps(lot))
    }

    fn say(&self, found: Found) -> Result<(), Stop> {
        self.out.send(found).map_err(|_| Stop::Unwanted)
    }
}
