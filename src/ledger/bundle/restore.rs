//! Restoring: a bundle becomes the repository of a data directory, or brings into it what is missing there. Nothing that is
//! there is ever undone. No service is using the directory meanwhile.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use git2::{Oid, Repository, Sort};

use super::fates::{Fate, Plan, Restored};
use super::heading::Heading;
use super::listing::branch_of_head;
use super::packing::{Packed, Packing};
use super::unpack::{Unpacked, unpack};
use super::walk::{self, Source};
use super::{BundleError, at, naming};
use crate::ledger::batch::RefMove;
use crate::ledger::journal::Journal;
use crate::ledger::maintenance::Maintenance;
use crate::ledger::pack::{file, idx};
use crate::ledger::persist::{Checkpoints, Logged};
use crate::ledger::reader::Damage;
use crate::ledger::refs;
use crate::ledger::remote::Refs;
use crate::ledger::repository::{self, DataDirectory, OpenError, sync_file_system};
use crate::ledger::store::Store;
use crate::ledger::tips::Tips;

/// So many refs are moved at a time.
const AT_ONCE: usize = 100;

/// What a restoration did.
#[derive(Debug)]
pub struct Restoration {
    pub bundle: PathBuf,
    pub commits: u64,
    /// There was no repository before.
    pub is_new: bool,
    pub refs: Vec<Restored>,
}

/// Restores the data directory from a bundle, or the newest one in a folder. The bundle is checked first. A service that uses the
/// directory is said to be at `url`.
///
/// # Errors
/// There is no sound bundle, a process is using the directory, or the disk fails. What is there is then as it was, or has
/// some of the missing refs; to restore again brings the others.
pub fn restore(data: &Path, from: &Path, url: &str) -> Result<Restoration, BundleError> {
    git2::opts::strict_hash_verification(false);
    let bundle = choose(from)?;
    let was_missing = !data.exists();
    let directory = DataDirectory::take(data).map_err(|error| match error {
        OpenError::InUse { .. } => {
            BundleError::InUse { reason: error.to_string(), bundle: bundle.clone(), url: url.to_owned() }
        }
        other => other.into(),
    })?;
    let unfinished = directory.unfinished();
    let outcome = unpack_beside(&bundle, &unfinished).and_then(|unpacked| {
        let refs = if directory.has_repository() {
            bring_in(&directory, &unfinished, &unpacked.heading)
        } else {
            put(&directory, &unfinished, &unpacked.heading)
        };
        refs.map(|refs| (refs, unpacked))
    });
    let cleared = clear(&unfinished).map_err(at(&unfinished));
    let (refs, unpacked) = outcome.inspect_err(|_| {
        if was_missing {
            directory.undo();
        }
    })?;
    cleared?;
    let is_new = refs.is_none();
    let created = |(name, id)| Restored { name, id, fate: Fate::Created };
    let refs = refs.unwrap_or_else(|| unpacked.heading.refs.into_iter().map(created).collect());
    Ok(Restoration { bundle, commits: unpacked.counted.commits, is_new, refs })
}

/// The bundle itself, or the newest one of a folder.
///
/// # Errors
/// There is none.
pub fn choose(from: &Path) -> Result<PathBuf, BundleError> {
    if !fs::metadata(from).map_err(at(from))?.is_dir() {
        return Ok(from.to_owned());
    }
    let newest = naming::list(from).map_err(at(from))?.into_iter().next();
    newest.ok_or_else(|| BundleError::NoBackup { path: from.to_owned() })
}

fn clear(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn unpack_beside(bundle: &Path, unfinished: &Path) -> Result<Unpacked, BundleError> {
    // What an earlier attempt left that was killed.
    clear(unfinished).map_err(at(unfinished))?;
    unpack(bundle, unfinished)
}

/// What was unpacked becomes the repository.
fn put(
    directory: &DataDirectory,
    unfinished: &Path,
    heading: &Heading,
) -> Result<Option<Vec<Restored>>, BundleError> {
    let journal = directory.journal();
    if has_bytes(&journal).map_err(at(&journal))? {
        return Err(BundleError::Journal { data: directory.path().to_owned(), journal });
    }
    write_refs(unfinished, heading).map_err(at(unfinished))?;
    // It is made from the repository, and this is another.
    let index = directory.index();
    if index.exists() {
        fs::remove_file(&index).map_err(at(&index))?;
    }
    // So are these of the one before.
    for notes in [directory.tips(), directory.strays()] {
        if notes.exists() {
            fs::remove_file(&notes).map_err(at(&notes))?;
        }
    }
    // What is newer at a mirror than in this repository was not taken away here, so nobody may remember to have put it
    // there.
    let mirrors = directory.mirrors();
    clear(&mirrors).map_err(at(&mirrors))?;
    directory.put(unfinished)?;
    Ok(None)
}

/// Gives a repository that was unpacked the refs that the bundle says.
pub fn write_refs(unpacked: &Path, heading: &Heading) -> io::Result<()> {
    let mut refs: Vec<_> = heading.refs.iter().collect();
    refs.sort_unstable();
    let lines: String = refs.into_iter().map(|(name, id)| format!("{id} {name}\n")).collect();
    let write = |name: &str, text: String| File::create(unpacked.join(name))?.write_all(text.as_bytes());
    write("packed-refs", format!("# pack-refs with: sorted \n{lines}"))?;
    match branch_of_head(heading) {
        Some(branch) => write("HEAD", format!("ref: {branch}\n")),
        None => Ok(()),
    }
}

/// Whether a folder has a file with something in it.
fn has_bytes(folder: &Path) -> io::Result<bool> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        entries => entries?,
    };
    for entry in entries {
        if entry?.metadata()?.len() > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Brings what is missing into the repository that is there.
fn bring_in(
    directory: &DataDirectory,
    unfinished: &Path,
    heading: &Heading,
) -> Result<Option<Vec<Restored>>, BundleError> {
    let path = directory.repository();
    directory.clear_leftovers()?;
    catch_up(directory)?;
    let here = repository::open(&path)?;
    let there = repository::open(unfinished)?;
    let restored = Plan::new(&here, &there, refs_of(&here)?).decide(&heading.refs)?;
    let moves: Vec<RefMove> = restored.iter().filter_map(moved).collect();
    if moves.is_empty() {
        return Ok(Some(restored));
    }
    let known = history(&here)?;
    bring_objects(&path, &mut Source::open(unfinished)?, &moves, known)?;
    // Where a crash leaves no notes, the next start makes them of what is there.
    let notes = directory.tips();
    let mut tips = Tips::read(&notes).map_err(at(&notes))?;
    if notes.exists() {
        fs::remove_file(&notes).map_err(at(&notes))?;
    }
    // Each ref that is moved has an open file until all of its lot are.
    for lot in moves.chunks(AT_ONCE) {
        refs::apply(&here, lot)?;
    }
    File::open(&path).and_then(|folder| sync_file_system(&folder)).map_err(at(&path))?;
    tips.follow(&moves);
    tips.keep();
    Ok(Some(restored))
}

fn refs_of(repository: &Repository) -> Result<Refs, BundleError> {
    let mut found = Refs::new();
    for reference in repository.references().map_err(Damage::from)? {
        let reference = reference.map_err(Damage::from)?;
        let name = String::from_utf8_lossy(reference.name_bytes()).into_owned();
        if let Some(id) = refs::current(repository, &name)? {
            found.insert(name, id);
        }
    }
    Ok(found)
}

fn moved(restored: &Restored) -> Option<RefMove> {
    let from = match restored.fate {
        Fate::Created => None,
        Fate::Forwarded { from } => Some(from),
        _ => return None,
    };
    Some(RefMove { name: restored.name.clone(), from, to: Some(restored.id) })
}

/// Brings the repository up to its journal, which is empty then.
fn catch_up(directory: &DataDirectory) -> Result<(), BundleError> {
    let folder = directory.journal();
    let journal = Journal::open(&folder).map_err(at(&folder))?;
    let path = directory.repository();
    let maintenance =
        Maintenance::start(&path.join("objects"), Arc::default(), Duration::MAX).map_err(at(&path))?;
    let store = Store::open(&path, maintenance)?;
    // There will be nothing to write a checkpoint of.
    let checkpoints = Checkpoints { size: u64::MAX, period: Duration::from_secs(3600) };
    let tips = Tips::read(&directory.tips()).map_err(at(&directory.tips()))?;
    drop(Logged::open(journal, store, tips, checkpoints)?);
    Ok(())
}

/// Every commit that a ref leads to.
fn history(repository: &Repository) -> Result<HashSet<Oid>, BundleError> {
    let commits = || -> Result<HashSet<Oid>, git2::Error> {
        let mut walk = repository.revwalk()?;
        walk.set_sorting(Sort::NONE)?;
        for reference in repository.references()? {
            if let Ok(commit) = reference?.peel_to_commit() {
                walk.push(commit.id())?;
            }
        }
        walk.collect()
    };
    Ok(commits().map_err(Damage::from)?)
}

/// Writes a pack of what the refs are to lead to and do not yet.
fn bring_objects(
    repository: &Path,
    source: &mut Source,
    moves: &[RefMove],
    known: HashSet<Oid>,
) -> Result<(), BundleError> {
    let folder = repository.join("objects/pack");
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    let unfinished = file::Unfinished::create(&folder).map_err(at(&folder))?;
    let handle = unfinished.file.try_clone().map_err(at(&folder))?;
    let mut packing = Packing::begin(handle, true).map_err(at(&folder))?;
    let counted = walk::visit(source, moves.iter().filter_map(|m| m.to), known, |id, kind, bytes| {
        packing.add(id, kind, bytes).map_err(at(&folder))
    })?;
    if counted.objects > 0 {
        let Packed { checksum, places, .. } = packing.finish().map_err(at(&folder))?;
        let index = idx::encode(&places.unwrap_or_default(), &checksum).map_err(at(&folder))?;
        file::finish(&folder, unfinished, &checksum, &index).map_err(at(&folder))?;
    }
    Ok(())
}
