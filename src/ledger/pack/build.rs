//! A pack of a batch's objects, made in memory.

use std::collections::HashMap;
use std::io;

use sha1::{Digest, Sha1};

use super::entry::{Deflater, Effort, Form, ID, write_head};
use super::frames::{Found, Frames, LONGEST_CHAIN};
use super::idx::{self, Place};
use super::{HEAD, head};
use crate::ledger::batch::{Object, ObjectKind};
use crate::ledger::id::ObjectId;

/// In bytes. Larger trees are stored as they are while somebody waits: they are mostly ids, which no deflating makes
/// smaller by much, and the next merge makes them deltas.
const STORED: usize = 4096;

/// A pack and its index.
#[derive(Debug)]
pub struct Pack {
    /// The checksum at its end, which names its files.
    pub checksum: [u8; ID],
    pub bytes: Vec<u8>,
    pub index: Vec<u8>,
}

/// Makes packs.
#[derive(Default)]
pub struct Builder {
    deflater: Deflater,
}

/// An object in the pack so far.
struct Written {
    offset: u64,
    chain: u32,
}

impl Builder {
    /// A pack of objects, in their order. None is there twice.
    ///
    /// # Errors
    /// They are too many or too large for one pack.
    pub fn build(&mut self, objects: &[Object]) -> io::Result<Pack> {
        let count = u32::try_from(objects.len()).map_err(io::Error::other)?;
        let mut bytes = Vec::with_capacity(HEAD + objects.iter().map(weight).sum::<usize>());
        bytes.extend_from_slice(&head(count));
        let mut places = Vec::with_capacity(objects.len());
        let mut written: HashMap<ObjectId, Written> = HashMap::with_capacity(objects.len());
        let mut frames = Frames::default();
        for object in objects {
            let offset = bytes.len() as u64;
            let chain = self.put(object, offset, &written, &mut frames, &mut bytes)?;
            let start = usize::try_from(offset).map_err(io::Error::other)?;
            let checksum = crc32fast::hash(&bytes[start..]);
            places.push(Place { id: object.id.raw(), checksum, offset });
            written.insert(object.id, Written { offset, chain });
        }
        let checksum: [u8; ID] = Sha1::digest(&bytes).into();
        bytes.extend_from_slice(&checksum);
        places.sort_unstable_by_key(|place| place.id);
        let index = idx::encode(&places, &checksum)?;
        Ok(Pack { checksum, bytes, index })
    }

    /// Writes an entry, and answers how long a chain of deltas it ends.
    fn put(
        &mut self,
        object: &Object,
        offset: u64,
        written: &HashMap<ObjectId, Written>,
        frames: &mut Frames,
        bytes: &mut Vec<u8>,
    ) -> io::Result<u32> {
        if let Some(delta) = &object.delta
            && let Some(base) = written.get(&delta.base)
            && base.chain < LONGEST_CHAIN
        {
            write_head(Form::OffsetDelta(offset - base.offset), delta.script.len() as u64, bytes);
            self.deflater.deflate(&[&delta.script], Effort::Fast, bytes)?;
            return Ok(base.chain + 1);
        }
        let is_frame = object.kind == ObjectKind::Tree;
        let found = if is_frame { frames.find(&object.bytes) } else { None };
        let frame_chain = match &found {
            Some(Found { delta, base, chain }) => {
                write_head(Form::OffsetDelta(offset - base), delta.len() as u64, bytes);
                self.deflater.deflate(&[delta], Effort::Fast, bytes)?;
                *chain
            }
            None => {
                write_head(Form::Whole(object.kind), object.bytes.len() as u64, bytes);
                let large = is_frame && object.bytes.len() > STORED;
                let effort = if large { Effort::Stored } else { Effort::Fast };
                self.deflater.deflate(&[&object.bytes], effort, bytes)?;
                0
            }
        };
        if is_frame {
            frames.remember(offset, frame_chain, object.bytes.clone(), found.map(|found| found.base));
        }
        // What follows may be as many deltas away from the frame as the frame is from a whole tree.
        Ok(0)
    }
}

/// So many bytes at most, roughly.
fn weight(object: &Object) -> usize {
    object.delta.as_ref().map_or(object.bytes.len(), |delta| delta.script.len()) + 64
}
