//! The thread that maintains a repository: it merges packs, packs files of single objects, and tidies refs.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use git2::Repository;

use super::{FAN_IN, MANY_LOOSE, Shared, State, lock};
use crate::ledger::batch::Object;
use crate::ledger::commit_graph::Graph;
use crate::ledger::housekeeping;
use crate::ledger::id::ARCHIVES;
use crate::ledger::loose;
use crate::ledger::pack::build::Builder;
use crate::ledger::pack::file::{self, Found, Name};
use crate::ledger::pack::merge;
use crate::ledger::refs;
use crate::ledger::repository::clear_pushes;

/// In bytes. Packs are of the same class while their sizes are within a power of [`FAN_IN`] times this.
const SMALLEST_CLASS: u64 = 256 << 10;
/// Packs of this class and beyond (8 GiB) stay as they are: to copy them would take minutes.
const LARGEST_CLASS: u32 = 6;
/// Packs of so many classes (less than 2 MiB) are merged in between larger ones, and while nobody writes any.
const SMALL_CLASSES: u32 = 2;
/// With so many packs, those that were replaced go without grace.
const MANY_PACKS: usize = 36;
/// So long a pack stays after it was replaced, for readers that have found it and not opened it yet.
const GRACE: Duration = Duration::from_secs(1);
/// In bytes. So much of objects with a file of their own is held in memory at a time.
const LOT: usize = 32 << 20;
/// With so many commits more than the commit-graph has, and a quarter more, it is written again.
const MANY_COMMITS: usize = 4096;
/// So many archives that are files of their own are put into `packed-refs`.
const MANY_ARCHIVES: usize = 64;
/// After a failure, and while there is nothing to do.
const PAUSE: Duration = Duration::from_secs(1);

/// So often it is looked for what pushes have left, or more often if that stays for less.
const LOOK: Duration = Duration::from_secs(60);

/// What the thread works with.
pub(super) struct Worker {
    shared: Arc<Shared>,
    packs: PathBuf,
    /// Replaced, and when.
    retired: VecDeque<(Instant, Name)>,
    /// Damaged, and said so.
    unfit: HashSet<Name>,
    /// Being merged.
    busy: HashSet<Name>,
    /// With so many commits more the commit-graph is written again.
    next_graph: usize,
    /// When it was looked last for what pushes have left.
    looked: Instant,
}

impl Worker {
    /// A worker that has not begun, in a folder of packs.
    pub(super) fn new(shared: Arc<Shared>, packs: PathBuf) -> Self {
        Worker {
            shared,
            packs,
            retired: VecDeque::new(),
            unfit: HashSet::new(),
            busy: HashSet::new(),
            next_graph: MANY_COMMITS,
            looked: Instant::now(),
        }
    }

    pub(super) fn run(mut self) {
        while self.wait() {
            if self.is_gits_turn() {
                lock(&self.shared).failing = true;
                self.shared.changed.notify_all();
                continue;
            }
            self.count_loose();
            self.clear_pushes();
            let outcome = self.merge_packs().and_then(|()| self.pack_loose()).and_then(|()| self.tidy_refs());
            let mut failing = false;
            if let Err(error) = outcome {
                tracing::error!(%error, "the maintenance of the repository failed; it tries again");
                failing = true;
            }
            self.remove_retired(GRACE);
            let mut state = lock(&self.shared);
            state.failing = failing;
            drop(state);
            self.shared.changed.notify_all();
        }
        self.remove_retired(Duration::ZERO);
    }

    /// Waits until there may be something to do. Answers whether to go on.
    fn wait(&self) -> bool {
        let idle = |state: &mut State| {
            !state.stopping && (state.failing || state.new_packs < FAN_IN && state.loose < MANY_LOOSE)
        };
        let waited = self.shared.changed.wait_timeout_while(lock(&self.shared), PAUSE, idle);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !state.stopping
    }

    /// Merges packs until no class has too many.
    fn merge_packs(&mut self) -> io::Result<()> {
        let busy = lock(&self.shared).new_packs > 0;
        while let Some(names) = self.next_merge(LARGEST_CLASS)? {
            self.merge(&names)?;
        }
        if busy { Ok(()) } else { self.merge_while_idle() }
    }

    /// While nobody writes packs, the small ones become one without waiting for more of their kind: they hold trees that
    /// are whole and not even deflated.
    fn merge_while_idle(&mut self) -> io::Result<()> {
        let found = file::list(&self.packs)?;
        let small =
            found.into_iter().filter(|found| self.is_fit(found) && class(found.bytes) < SMALL_CLASSES);
        let names: Vec<Name> = small.map(|found| found.name).collect();
        if names.len() > 1 { self.merge(&names) } else { Ok(()) }
    }

    fn is_fit(&self, found: &Found) -> bool {
        let taken = self.unfit.contains(&found.name) || self.busy.contains(&found.name);
        !taken && self.retired.iter().all(|(_, name)| *name != found.name)
    }

    /// Makes one pack of several. What is written meanwhile must not pile up behind a large one, so small ones are done
    /// in between.
    fn merge(&mut self, names: &[Name]) -> io::Result<()> {
        let folder = self.packs.clone();
        self.busy.extend(names.iter().cloned());
        let mut smaller = Ok(());
        let outcome = merge::merge(&folder, names, &mut || {
            if smaller.is_ok() && lock(&self.shared).new_packs >= FAN_IN {
                smaller = self.merge_small();
            }
        });
        names.iter().for_each(|name| {
            self.busy.remove(name);
        });
        self.replace(names, outcome).and(smaller)
    }

    fn merge_small(&mut self) -> io::Result<()> {
        while let Some(names) = self.next_merge(SMALL_CLASSES)? {
            let merged = merge::merge(&self.packs, &names, &mut || {});
            self.replace(&names, merged)?;
        }
        Ok(())
    }

    /// Notes that packs were replaced by one, or why they were not.
    fn replace(&mut self, names: &[Name], outcome: io::Result<Name>) -> io::Result<()> {
        match outcome {
            Ok(merged) => {
                // A pack of the same objects in the same order is the same pack.
                let replaced = names.iter().filter(|name| **name != merged);
                self.retired.extend(replaced.map(|name| (Instant::now(), name.clone())));
                metrics::counter!("revconf_merged_packs_total").increment(names.len() as u64);
                lock(&self.shared).packs += 1;
                self.remove_retired(GRACE);
                Ok(())
            }
            // A `git gc` at work took one of them away: the next look shows what there is now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                tracing::error!(%error, "packs are left as they are, since one of them is damaged");
                self.unfit.extend(names.iter().cloned());
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// The packs that should become one, if there are any: of the smallest class that has too many.
    fn next_merge(&mut self, below: u32) -> io::Result<Option<Vec<Name>>> {
        lock(&self.shared).new_packs = 0;
        let found = file::list(&self.packs)?;
        lock(&self.shared).packs = counted(&found);
        let fit: Vec<_> = found.iter().filter(|found| self.is_fit(found)).collect();
        for class in 0..below {
            let of_class: Vec<_> = fit.iter().filter(|found| self::class(found.bytes) == class).collect();
            if of_class.len() >= FAN_IN {
                return Ok(Some(of_class.into_iter().map(|found| found.name.clone()).collect()));
            }
        }
        Ok(None)
    }

    /// Whether a `git gc` is at work. It fails if a pack goes that it has listed.
    fn is_gits_turn(&self) -> bool {
        housekeeping::is_under_way(self.shared.objects.parent().unwrap_or(&self.shared.objects))
    }

    /// Removes packs that were replaced so long ago.
    fn remove_retired(&mut self, grace: Duration) {
        if self.retired.is_empty() || self.is_gits_turn() {
            return;
        }
        let mut removed = 0;
        while let Some((since, name)) = self.retired.front() {
            if since.elapsed() < grace && lock(&self.shared).packs < MANY_PACKS {
                break;
            }
            if let Err(error) = name.remove() {
                tracing::warn!(%error, pack = %name.pack().display(), "a pack that was replaced cannot be removed");
            }
            self.retired.pop_front();
            removed += 1;
            let mut state = lock(&self.shared);
            state.packs = state.packs.saturating_sub(1);
        }
        if removed > 0 {
            self.shared.removals.fetch_add(1, Ordering::Release);
            self.shared.changed.notify_all();
        }
    }

    /// Takes away what pushes have left that were killed.
    fn clear_pushes(&mut self) {
        let Shared { objects, pushes, .. } = &*self.shared;
        if self.looked.elapsed() < LOOK.min(*pushes) {
            return;
        }
        if let Err(error) = clear_pushes(objects, *pushes) {
            tracing::error!(%error, "what an interrupted push left cannot be removed");
        }
        self.looked = Instant::now();
    }

    /// Counts the files of single objects, if others wrote some. That takes a while, so whoever writes does not wait for it.
    fn count_loose(&self) {
        if std::mem::take(&mut lock(&self.shared).uncounted) {
            let found = loose::list(&self.shared.objects).map_or(MANY_LOOSE, |found| found.len());
            lock(&self.shared).loose = found;
        }
    }

    /// Makes packs of the objects that are files of their own, once they are many.
    fn pack_loose(&mut self) -> io::Result<()> {
        if lock(&self.shared).loose < MANY_LOOSE {
            return Ok(());
        }
        let found = loose::list(&self.shared.objects)?;
        let mut lot = Vec::new();
        let mut bytes = 0;
        let mut left = 0;
        for (nth, one) in found.iter().enumerate() {
            match loose::read(one) {
                Ok(Some(object)) => {
                    bytes += object.bytes.len();
                    lot.push((object, one));
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(%error, "an object is left as it is");
                    left += 1;
                }
            }
            if bytes >= LOT || nth + 1 == found.len() && !lot.is_empty() {
                self.pack_lot(std::mem::take(&mut lot))?;
                bytes = 0;
            }
        }
        // Counted again from here; what was written meanwhile will be counted late, which does no harm.
        lock(&self.shared).loose = left;
        Ok(())
    }

    /// Writes the commit-graph, and packs archives, once that is worth it.
    fn tidy_refs(&mut self) -> io::Result<()> {
        let commits = lock(&self.shared).commits;
        if commits < self.next_graph {
            return Ok(());
        }
        lock(&self.shared).commits = 0;
        let repository = self.shared.objects.parent().unwrap_or(&self.shared.objects);
        let repository = Repository::open_bare(repository).map_err(io::Error::other)?;
        let packed = refs::pack(&repository, ARCHIVES, MANY_ARCHIVES).map_err(io::Error::other)?;
        if packed > 0 {
            tracing::info!(archives = packed, "archives were put into packed-refs");
        }
        let mut graph = Graph::read(&self.shared.objects)?;
        if graph.extend(&repository).map_err(io::Error::other)? {
            graph.write(&self.shared.objects)?;
        }
        self.next_graph = MANY_COMMITS.max(graph.len() / 4);
        Ok(())
    }

    fn pack_lot(&mut self, lot: Vec<(Object, &loose::Found)>) -> io::Result<()> {
        let (objects, files): (Vec<_>, Vec<_>) = lot.into_iter().unzip();
        let pack = Builder::default().build(&objects)?;
        file::write_synced(&self.packs, &pack)?;
        let mut state = lock(&self.shared);
        state.packs += 1;
        state.new_packs += 1;
        drop(state);
        for file in files {
            match std::fs::remove_file(&file.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        metrics::counter!("revconf_packed_objects_total").increment(objects.len() as u64);
        self.merge_packs()
    }
}

/// So many packs can become fewer. Others must not make writes wait.
pub(super) fn counted(found: &[Found]) -> usize {
    found.iter().filter(|found| class(found.bytes) < LARGEST_CLASS).count()
}

fn class(bytes: u64) -> u32 {
    let mut class = 0;
    let mut largest = SMALLEST_CLASS;
    while bytes >= largest && class < LARGEST_CLASS {
        largest = largest.saturating_mul(FAN_IN as u64);
        class += 1;
    }
    class
}
