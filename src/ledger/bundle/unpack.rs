//! A bundle that is read: it becomes a repository of its own, without refs yet, that was found whole and sound.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use git2::{ErrorClass, Indexer, Repository, RepositoryInitOptions};

use super::heading::{Heading, unsound};
use super::sums::Sums;
use super::walk::{self, Counted, Source};
use super::{BundleError, at, naming};
use crate::ledger::pack::entry::ID;

/// In bytes.
const BUFFER: usize = 1 << 18;
/// As git makes packs: read-only.
const MODE: u32 = 0o444;

/// What a bundle was found to hold.
pub struct Unpacked {
    pub heading: Heading,
    pub counted: Counted,
}

/// Makes a bare repository at `into` of what a bundle holds, and checks all of it: its sums, its pack, and everything that
/// its refs lead to. Looks at nothing but the bundle.
///
/// # Errors
/// The bundle is no such, incomplete or damaged, or the disk fails; what is at `into` then is of no use.
pub fn unpack(bundle: &Path, into: &Path) -> Result<Unpacked, BundleError> {
    let mut file = BufReader::with_capacity(BUFFER, File::open(bundle).map_err(at(bundle))?);
    let tell = |error: io::Error| fault(bundle, error);
    let heading = Heading::read(&mut file).map_err(tell)?;
    let start = file.stream_position().map_err(at(bundle))?;
    check_sums(&mut file, start, naming::digits_in(bundle)).map_err(tell)?;
    file.seek(SeekFrom::Start(start)).map_err(at(bundle))?;
    make_repository(into).and_then(|()| index(&mut file, &into.join("objects/pack"))).map_err(tell)?;
    let tips = heading.refs.iter().map(|(_, id)| *id).chain(heading.head);
    let counted = walk::visit(&mut Source::open(into)?, tips, HashSet::new(), |_, _, _| Ok(()));
    let counted = counted.map_err(|error| match error {
        BundleError::Damage(damage) => fault(bundle, unsound(&damage.0)),
        other => other,
    })?;
    Ok(Unpacked { heading, counted })
}

/// What is wrong with the bundle, or with the disk.
fn fault(bundle: &Path, error: io::Error) -> BundleError {
    let path = bundle.to_owned();
    match error.kind() {
        io::ErrorKind::InvalidData => BundleError::Unsound { path, reason: error.to_string() },
        _ => BundleError::Io { path, error },
    }
}

/// Holds the file against the sum in its name, if it has one, and the pack against the sum at its end.
fn check_sums(file: &mut (impl BufRead + Seek), start: u64, named: Option<&str>) -> io::Result<()> {
    let length = file.seek(SeekFrom::End(0))?;
    let end = length.checked_sub(ID as u64).filter(|end| *end > start);
    let end = end.ok_or_else(|| unsound("it is cut off before its pack"))?;
    file.rewind()?;
    let mut sums = Sums::default();
    io::copy(&mut file.by_ref().take(start), &mut sums)?;
    sums.begin_pack();
    io::copy(&mut file.by_ref().take(end - start), &mut sums)?;
    let mut last = [0; ID];
    file.read_exact(&mut last)?;
    let (pack, sha256) = sums.finish(|_| last);
    let digits = naming::digits(&sha256);
    if let Some(named) = named.filter(|named| *named != digits) {
        return Err(unsound(&format!("its SHA-256 begins with {digits}, and with {named} when it was made")));
    }
    if pack != last {
        return Err(unsound(
            "its pack is damaged or cut off: it does not have the sum that stands at its end",
        ));
    }
    Ok(())
}

fn make_repository(path: &Path) -> io::Result<()> {
    let mut options = RepositoryInitOptions::new();
    options.bare(true).external_template(false);
    Repository::init_opts(path, &options).map(drop).map_err(|error| told(&error))
}

fn index(pack: &mut impl Read, folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut indexer = Indexer::new(None, folder, MODE, false).map_err(|error| told(&error))?;
    // What it says of a pack that it cannot take comes as an error of nothing in particular.
    io::copy(pack, &mut indexer).map_err(|error| {
        match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(inner) => told(inner),
            None => error,
        }
    })?;
    indexer.commit().map(drop).map_err(|error| told(&error))
}

/// libgit2 tells errors of the disk by their class.
fn told(error: &git2::Error) -> io::Error {
    match error.class() {
        ErrorClass::Os | ErrorClass::Filesystem => io::Error::other(error.message().to_owned()),
        _ => unsound(error.message()),
    }
}
