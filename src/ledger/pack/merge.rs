//! Packs made one. Entries are taken over as they are, deflated; only where a delta's base is has to be told anew. Trees
//! that had to be stored whole, because they were the first of their pack, become deltas of their like.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha1::{Digest, Sha1};

use super::entry::{self, Deflater, Effort, Form, ID, LONGEST_HEAD, write_head};
use super::file::{self, Name, Unfinished};
use super::frames::{Found, Frames};
use super::idx::{self, Place};
use super::{HEAD, head};
use crate::ledger::batch::ObjectKind;

/// How often whoever merges is asked whether there is something more urgent. In bytes.
const SLICE: u64 = 4 << 20;
/// In bytes. Of reading and of writing.
const BUFFER: usize = 1 << 18;
/// The checksum at a pack's end.
const TRAILER: u64 = ID as u64;

/// A pack that is read.
struct Source {
    reader: BufReader<File>,
    /// In the order in which they lie in the pack.
    places: Vec<Place>,
    /// Where the last entry ends.
    end: u64,
    path: std::path::PathBuf,
}

impl Source {
    fn open(name: &Name) -> io::Result<Self> {
        let path = name.pack();
        let mut places = idx::read(&name.index())?;
        places.sort_unstable_by_key(|place| place.offset);
        let file = File::open(&path)?;
        let end = file.metadata()?.len().saturating_sub(TRAILER);
        let mut reader = BufReader::with_capacity(BUFFER, file);
        reader.seek(SeekFrom::Start(HEAD as u64))?;
        Ok(Source { reader, places, end, path })
    }

    fn damaged(&self, offset: u64) -> io::Error {
        let path = self.path.display();
        io::Error::new(io::ErrorKind::InvalidData, format!("{path} is damaged at byte {offset}"))
    }

    /// Reads the next entry; `nth` counts them from zero.
    fn read(&mut self, nth: usize, into: &mut Vec<u8>) -> io::Result<Place> {
        let place = self.places[nth];
        let next = self.places.get(nth + 1).map_or(self.end, |next| next.offset);
        let length = next.checked_sub(place.offset).ok_or_else(|| self.damaged(place.offset))?;
        into.clear();
        self.reader.by_ref().take(length).read_to_end(into)?;
        if into.len() as u64 != length || crc32fast::hash(into) != place.checksum {
            return Err(self.damaged(place.offset));
        }
        Ok(place)
    }

    /// The id of the object whose entry begins at an offset.
    fn at(&self, offset: u64) -> Option<[u8; ID]> {
        let nth = self.places.binary_search_by_key(&offset, |place| place.offset).ok()?;
        Some(self.places[nth].id)
    }
}

/// A pack in the making.
struct Target {
    file: Unfinished,
    buffer: Vec<u8>,
    hash: Sha1,
    length: u64,
}

impl Target {
    fn flush(&mut self) -> io::Result<()> {
        self.hash.update(&self.buffer);
        self.file.file.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// Where each object is in the new pack; zero while it is not there yet.
struct Moved {
    ids: Vec<[u8; ID]>,
    places: Vec<Place>,
}

impl Moved {
    fn new(sources: &[Source]) -> Self {
        let mut ids: Vec<_> =
            sources.iter().flat_map(|source| &source.places).map(|place| place.id).collect();
        ids.sort_unstable();
        ids.dedup();
        let places = ids.iter().map(|id| Place { id: *id, checksum: 0, offset: 0 }).collect();
        Moved { ids, places }
    }

    fn get(&mut self, id: &[u8; ID]) -> Option<&mut Place> {
        let nth = self.ids.binary_search(id).ok()?;
        self.places.get_mut(nth)
    }
}

/// Makes one pack of several, and makes it last. Nothing is removed. `pause` is called now and then.
///
/// # Errors
/// A pack is damaged or gone, or the disk fails; the new pack is not there.
pub fn merge(folder: &Path, names: &[Name], pause: &mut dyn FnMut()) -> io::Result<Name> {
    let mut sources = names.iter().map(Source::open).collect::<io::Result<Vec<_>>>()?;
    let mut moved = Moved::new(&sources);
    let count = u32::try_from(moved.ids.len()).map_err(io::Error::other)?;
    let mut target = Target {
        file: Unfinished::create(folder)?,
        buffer: head(count).to_vec(),
        hash: Sha1::new(),
        length: 0,
    };
    let mut rewriter = Rewriter::default();
    let (mut bytes, mut next_pause) = (Vec::new(), SLICE);
    for source in &mut sources {
        for nth in 0..source.places.len() {
            let place = source.read(nth, &mut bytes)?;
            let offset = target.length + target.buffer.len() as u64;
            match moved.get(&place.id) {
                Some(known) if known.offset == 0 => known.offset = offset,
                _ => continue,
            }
            let start = target.buffer.len();
            rewriter.rewrite(source, place, offset, &bytes, &mut moved, &mut target.buffer)?;
            if let Some(new) = moved.get(&place.id) {
                new.checksum = crc32fast::hash(&target.buffer[start..]);
            }
            if target.buffer.len() >= BUFFER {
                target.length += target.buffer.len() as u64;
                target.flush()?;
            }
            if target.length >= next_pause {
                next_pause = target.length + SLICE;
                pause();
            }
        }
    }
    target.flush()?;
    let checksum: [u8; ID] = target.hash.finalize().into();
    target.file.file.write_all(&checksum)?;
    let index = idx::encode(&moved.places, &checksum)?;
    file::finish(folder, target.file, &checksum, &index)
}

/// Writes entries for their new place.
#[derive(Default)]
struct Rewriter {
    frames: Frames,
    deflater: Deflater,
}

impl Rewriter {
    fn rewrite(
        &mut self,
        source: &Source,
        old: Place,
        offset: u64,
        bytes: &[u8],
        moved: &mut Moved,
        into: &mut Vec<u8>,
    ) -> io::Result<()> {
        let damaged = || source.damaged(old.offset);
        let head = entry::read_head(&bytes[..bytes.len().min(LONGEST_HEAD)]).ok_or_else(damaged)?;
        match head.form {
            Form::OffsetDelta(distance) => {
                let base = old.offset.checked_sub(distance).and_then(|base| source.at(base));
                let base = moved.get(&base.ok_or_else(damaged)?).ok_or_else(damaged)?;
                if base.offset == 0 || base.offset >= offset {
                    return Err(damaged());
                }
                write_head(Form::OffsetDelta(offset - base.offset), head.size, into);
                into.extend_from_slice(&bytes[head.length..]);
            }
            Form::Whole(ObjectKind::Tree) => self.tree(head, offset, bytes, into).map_err(|_| damaged())?,
            Form::Whole(_) | Form::Tag | Form::IdDelta(_) => into.extend_from_slice(bytes),
        }
        Ok(())
    }

    /// A tree that is stored whole.
    fn tree(&mut self, head: entry::Head, offset: u64, bytes: &[u8], into: &mut Vec<u8>) -> io::Result<()> {
        let deflated = &bytes[head.length..];
        let tree = entry::inflate(deflated, head.size)?;
        let found = self.frames.find(&tree);
        let chain = match &found {
            Some(Found { delta, base, chain }) => {
                write_head(Form::OffsetDelta(offset - base), delta.len() as u64, into);
                self.deflater.deflate(&[delta], Effort::Thorough, into)?;
                *chain
            }
            None if (deflated.len() as u64) < head.size => {
                into.extend_from_slice(bytes);
                0
            }
            None => {
                write_head(head.form, head.size, into);
                self.deflater.deflate(&[&tree], Effort::Thorough, into)?;
                0
            }
        };
        self.frames.remember(offset, chain, tree.into(), found.map(|found| found.base));
        Ok(())
    }
}
