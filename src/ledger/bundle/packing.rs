//! A pack as it grows: whole objects, but for trees, which are mostly deltas of the tree that came before.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use bytes::Bytes;

use super::sums::Sums;
use crate::ledger::batch::ObjectKind;
use crate::ledger::id::ObjectId;
use crate::ledger::pack::entry::{Deflater, Effort, Form, ID, write_head};
use crate::ledger::pack::frames::{Found, Frames};
use crate::ledger::pack::idx::Place;
use crate::ledger::pack::{HEAD, head};

/// In bytes. Of writing, and of reading again.
const BUFFER: usize = 1 << 18;

/// A pack in the making, in a file that can be read as well.
pub struct Packing {
    file: BufWriter<File>,
    /// Where the pack begins in its file, and where the next entry will.
    start: u64,
    end: u64,
    count: u32,
    /// Where the objects are, for whoever wants an index of them.
    places: Option<Vec<Place>>,
    frames: Frames,
    deflater: Deflater,
    entry: Vec<u8>,
}

/// A pack that is complete.
pub struct Packed {
    pub file: File,
    /// Of the pack.
    pub checksum: [u8; ID],
    /// Of the whole file.
    pub sha256: [u8; 32],
    pub places: Option<Vec<Place>>,
    /// Of the whole file.
    pub bytes: u64,
}

impl Packing {
    /// Begins a pack behind what the file holds.
    ///
    /// # Errors
    /// The disk fails.
    pub fn begin(mut file: File, indexed: bool) -> io::Result<Self> {
        let start = file.seek(SeekFrom::End(0))?;
        let mut file = BufWriter::with_capacity(BUFFER, file);
        file.write_all(&head(0))?;
        Ok(Packing {
            file,
            start,
            end: HEAD as u64,
            count: 0,
            places: indexed.then(Vec::new),
            frames: Frames::default(),
            deflater: Deflater::default(),
            entry: Vec::new(),
        })
    }

    /// Adds an object that is not there yet.
    ///
    /// # Errors
    /// The disk fails, or there are more objects than a pack can have.
    pub fn add(&mut self, id: ObjectId, kind: ObjectKind, bytes: &Bytes) -> io::Result<()> {
        self.entry.clear();
        if kind == ObjectKind::Tree {
            self.tree(bytes)?;
        } else {
            self.whole(kind, bytes)?;
        }
        self.file.write_all(&self.entry)?;
        if let Some(places) = &mut self.places {
            let checksum = crc32fast::hash(&self.entry);
            places.push(Place { id: id.raw(), checksum, offset: self.end });
        }
        self.end += self.entry.len() as u64;
        self.count =
            self.count.checked_add(1).ok_or_else(|| io::Error::other("too many objects for a pack"))?;
        Ok(())
    }

    fn whole(&mut self, kind: ObjectKind, bytes: &[u8]) -> io::Result<()> {
        write_head(Form::Whole(kind), bytes.len() as u64, &mut self.entry);
        self.deflater.deflate(&[bytes], Effort::Thorough, &mut self.entry)
    }

    fn tree(&mut self, bytes: &Bytes) -> io::Result<()> {
        let Some(Found { delta, base, chain }) = self.frames.find(bytes) else {
            self.frames.remember(self.end, 0, bytes.clone(), None);
            return self.whole(ObjectKind::Tree, bytes);
        };
        write_head(Form::OffsetDelta(self.end - base), delta.len() as u64, &mut self.entry);
        self.frames.remember(self.end, chain, bytes.clone(), Some(base));
        self.deflater.deflate(&[&delta], Effort::Thorough, &mut self.entry)
    }

    /// Completes the pack. How many objects it has stands at its beginning, and its checksum follows from that, so it is
    /// read once more.
    ///
    /// # Errors
    /// The disk fails.
    pub fn finish(self) -> io::Result<Packed> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(self.start))?;
        file.write_all(&head(self.count))?;
        file.rewind()?;
        let mut sums = Sums::default();
        let mut reader = BufReader::with_capacity(BUFFER, &file);
        io::copy(&mut reader.by_ref().take(self.start), &mut sums)?;
        sums.begin_pack();
        io::copy(&mut reader, &mut sums)?;
        let (checksum, sha256) = sums.finish(|checksum| checksum);
        file.seek(SeekFrom::End(0))?;
        file.write_all(&checksum)?;
        let places = self.places.map(|mut places| {
            places.sort_unstable_by_key(|place| place.id);
            places
        });
        let bytes = self.start + self.end + ID as u64;
        Ok(Packed { file, checksum, sha256, places, bytes })
    }
}
