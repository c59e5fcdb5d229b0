//! Packs in their folder. A pack counts from when its index is there, so that is written last and removed first.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::build::Pack;
use super::entry::ID;

const PACK: &str = "pack";
const INDEX: &str = "idx";
/// What git keeps beside a pack that is special: one that must stay, that belongs to a remote, whose reachable objects
/// are mapped, or that holds what nothing leads to.
const SPECIAL: [&str; 4] = ["keep", "promisor", "bitmap", "mtimes"];
/// What git derives from a pack, which goes with it.
const DERIVED: &str = "rev";
/// What the name of an unfinished file begins with. A `git fsck` takes `tmp_obj_` for what somebody is at work on, and
/// anything else among the objects for damage, in clones too: one by path copies what it finds.
const UNFINISHED: &str = "tmp_obj_revconf_";
/// Read-only, as git makes them.
const MODE: u32 = 0o444;

/// A pack in its folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// The path of its files without their endings.
    stem: PathBuf,
}

impl Name {
    fn new(folder: &Path, checksum: &[u8; ID]) -> Self {
        let hex: String = checksum.iter().map(|byte| format!("{byte:02x}")).collect();
        Name { stem: folder.join(format!("pack-{hex}")) }
    }

    /// Where its objects are.
    pub fn pack(&self) -> PathBuf {
        self.stem.with_extension(PACK)
    }

    /// Where its index is.
    pub fn index(&self) -> PathBuf {
        self.stem.with_extension(INDEX)
    }

    /// Removes its files. Those that are gone already are no error. Meanwhile its index has an unfinished name, by which
    /// [`clear`] knows what a crash leaves.
    ///
    /// # Errors
    /// A file stays.
    pub fn remove(&self) -> io::Result<()> {
        let aside = unfinished(self.stem.parent().unwrap_or(Path::new(".")));
        if_there(fs::rename(self.index(), &aside))?;
        for ending in [DERIVED, PACK] {
            if let Err(error) = if_there(fs::remove_file(self.stem.with_extension(ending))) {
                // Its objects can be read as before, and be merged again.
                if_there(fs::rename(&aside, self.index()))?;
                return Err(error);
            }
        }
        if_there(fs::remove_file(aside))
    }
}

/// No error where there is no such file.
fn if_there(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

/// A name in a folder that no file has.
fn unfinished(folder: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    folder.join(format!("{UNFINISHED}{}_{count}", std::process::id()))
}

/// Writes a pack that may be lost in a power cut.
///
/// # Errors
/// The disk fails; the pack is not there.
pub fn write(folder: &Path, pack: &Pack) -> io::Result<Name> {
    let [mut objects, mut index] = [Unfinished::create(folder)?, Unfinished::create(folder)?];
    objects.file.write_all(&pack.bytes)?;
    index.file.write_all(&pack.index)?;
    put(Name::new(folder, &pack.checksum), objects, index)
}

/// Writes a pack that lasts.
///
/// # Errors
/// The disk fails; the pack is not there.
pub fn write_synced(folder: &Path, pack: &Pack) -> io::Result<Name> {
    let mut unfinished = Unfinished::create(folder)?;
    unfinished.file.write_all(&pack.bytes)?;
    finish(folder, unfinished, &pack.checksum, &pack.index)
}

/// Writes a pack's index, and makes both last. The pack itself is what was written to `unfinished`.
///
/// # Errors
/// The disk fails; the pack is not there.
pub fn finish(folder: &Path, unfinished: Unfinished, checksum: &[u8; ID], bytes: &[u8]) -> io::Result<Name> {
    unfinished.file.sync_all()?;
    let mut index = Unfinished::create(folder)?;
    index.file.write_all(bytes)?;
    index.file.sync_all()?;
    let name = put(Name::new(folder, checksum), unfinished, index)?;
    File::open(folder)?.sync_all()?;
    Ok(name)
}

/// Moves a pack's two files to their places, both finished before.
fn put(name: Name, objects: Unfinished, index: Unfinished) -> io::Result<Name> {
    objects.finish(&name.pack())?;
    if let Err(error) = index.finish(&name.index()) {
        // The same pack may have been there before, with its index.
        if !name.index().exists() {
            fs::remove_file(name.pack())?;
        }
        return Err(error);
    }
    Ok(name)
}

/// Removes packs that a crash left in the folder without their indexes, before these were put in their places or while
/// the packs were removed: those whose index is there under its unfinished name. Any other pack without an index is left
/// alone, since a `git gc` at work may be about to put one beside it, and would then remove the packs that this one
/// replaces.
///
/// # Errors
/// The folder cannot be read, or a file stays.
pub fn clear(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            continue;
        }
        if let Some(checksum) = pack_of(&entry.path())? {
            let name = Name::new(folder, &checksum);
            if name.pack().exists() && !name.index().exists() {
                tracing::warn!(file = %name.pack().display(), "removing a pack that was not finished");
                fs::remove_file(name.pack())?;
            }
        }
    }
    Ok(())
}

/// The checksum of the pack that a file is the index of, if it is one: all but the last bytes of an index's end.
fn pack_of(index: &Path) -> io::Result<Option<[u8; ID]>> {
    let file = File::open(index)?;
    let mut checksum = [0; ID];
    match file.metadata()?.len().checked_sub(2 * ID as u64) {
        Some(at) => file.read_exact_at(&mut checksum, at).map(|()| Some(checksum)),
        None => Ok(None),
    }
}

/// A file that is not in its place yet. Dropped, it is removed; one that a crash leaves is cleared at the next start.
#[derive(Debug)]
pub struct Unfinished {
    pub file: File,
    path: Option<PathBuf>,
}

impl Unfinished {
    /// A new file in a folder.
    ///
    /// # Errors
    /// The disk fails.
    pub fn create(folder: &Path) -> io::Result<Self> {
        let path = unfinished(folder);
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(MODE).open(&path)?;
        Ok(Unfinished { file, path: Some(path) })
    }

    /// Moves the file to its place, where it replaces what was there.
    ///
    /// # Errors
    /// The disk fails.
    pub fn finish(mut self, to: &Path) -> io::Result<()> {
        if let Some(path) = &self.path {
            fs::rename(path, to)?;
            self.path = None;
        }
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = &self.path
            && let Err(error) = fs::remove_file(path)
        {
            tracing::warn!(file = %path.display(), %error, "an unfinished file stays behind");
        }
    }
}

/// A pack that may be merged with others.
#[derive(Debug, Clone)]
pub struct Found {
    pub name: Name,
    /// Of the pack itself.
    pub bytes: u64,
    pub modified: std::time::SystemTime,
}

/// The packs in a folder, but for those that git has marked as special.
///
/// # Errors
/// The folder cannot be read.
pub fn list(folder: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| ending != INDEX) {
            continue;
        }
        let name = Name { stem: path.with_extension("") };
        // Looked for now, and not found while the folder is read: a mark is made before its pack, but may come to lie in a
        // part of the folder that was read before.
        let special = SPECIAL.iter().any(|ending| name.stem.with_extension(ending).exists());
        match fs::metadata(name.pack()) {
            Ok(metadata) if !special => {
                found.push(Found { name, bytes: metadata.len(), modified: metadata.modified()? });
            }
            Ok(_) => {}
            // A `git gc` at work may have taken it away since the folder was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    found.sort_by(|a, b| (a.modified, &a.name).cmp(&(b.modified, &b.name)));
    Ok(found)
}
