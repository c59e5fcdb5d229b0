//! One entry of a pack (gitformat-pack, "pack-*.pack files"): its head, and its bytes deflated.

use std::io::{self, Read};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::ledger::batch::ObjectKind;

const OFFSET_DELTA: u8 = 6;
const ID_DELTA: u8 = 7;
pub const ID: usize = 20;
/// The longest head: ten bytes of kind and size, and twenty of an id.
pub const LONGEST_HEAD: usize = 30;

/// How an entry is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Whole(ObjectKind),
    /// An annotated tag, which only others write.
    Tag,
    /// As a delta of the entry that begins so many bytes before this one.
    OffsetDelta(u64),
    /// As a delta of the entry of this id.
    IdDelta([u8; ID]),
}

/// The head of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub form: Form,
    /// Of the bytes when they are inflated.
    pub size: u64,
    /// Of the head itself.
    pub length: usize,
}

/// Puts an entry's head at the end of `bytes`.
pub fn write_head(form: Form, size: u64, bytes: &mut Vec<u8>) {
    let kind = match form {
        Form::Whole(ObjectKind::Commit) => 1,
        Form::Whole(ObjectKind::Tree) => 2,
        Form::Whole(ObjectKind::Blob) => 3,
        Form::Tag | Form::Whole(ObjectKind::Tag) => 4,
        Form::OffsetDelta(_) => OFFSET_DELTA,
        Form::IdDelta(_) => ID_DELTA,
    };
    let low = size.to_le_bytes()[0];
    let mut byte = kind << 4 | low & 0x0f;
    let mut rest = size >> 4;
    while rest > 0 {
        bytes.push(byte | 0x80);
        byte = rest.to_le_bytes()[0] & 0x7f;
        rest >>= 7;
    }
    bytes.push(byte);
    match form {
        Form::Whole(_) | Form::Tag => {}
        Form::OffsetDelta(distance) => write_distance(distance, bytes),
        Form::IdDelta(id) => bytes.extend_from_slice(&id),
    }
}

/// Big-endian groups of seven bits, where all but the last are one less than they stand for.
fn write_distance(distance: u64, bytes: &mut Vec<u8>) {
    let mut groups = vec![distance.to_le_bytes()[0] & 0x7f];
    let mut rest = distance >> 7;
    while rest > 0 {
        rest -= 1;
        groups.push(rest.to_le_bytes()[0] & 0x7f | 0x80);
        rest >>= 7;
    }
    bytes.extend(groups.iter().rev());
}

/// Reads the head at the beginning of `bytes`; `None` if there is none.
pub fn read_head(bytes: &[u8]) -> Option<Head> {
    let mut rest = bytes.iter().copied();
    let first = rest.next()?;
    let mut size = u64::from(first & 0x0f);
    let (mut byte, mut shift) = (first, 4);
    while byte & 0x80 != 0 {
        byte = rest.next()?;
        if shift > 60 {
            return None;
        }
        size |= u64::from(byte & 0x7f) << shift;
        shift += 7;
    }
    let form = match first >> 4 & 7 {
        1 => Form::Whole(ObjectKind::Commit),
        2 => Form::Whole(ObjectKind::Tree),
        3 => Form::Whole(ObjectKind::Blob),
        4 => Form::Tag,
        OFFSET_DELTA => Form::OffsetDelta(read_distance(&mut rest)?),
        ID_DELTA => {
            let mut id = [0; ID];
            for byte in &mut id {
                *byte = rest.next()?;
            }
            Form::IdDelta(id)
        }
        _ => return None,
    };
    Some(Head { form, size, length: bytes.len() - rest.len() })
}

fn read_distance(bytes: &mut impl Iterator<Item = u8>) -> Option<u64> {
    let mut byte = bytes.next()?;
    let mut distance = u64::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        byte = bytes.next()?;
        distance = distance.checked_add(1)?.checked_mul(128)? + u64::from(byte & 0x7f);
    }
    Some(distance)
}

/// Deflates many small things without setting up a compressor for each.
pub struct Deflater {
    fast: Compress,
    stored: Compress,
    thorough: Compress,
}

/// How much work is put into deflating.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// None: for bytes that will soon be packed otherwise.
    Stored,
    /// For what is written while somebody waits.
    Fast,
    /// For what lasts.
    Thorough,
}

impl Default for Deflater {
    fn default() -> Self {
        let compress = |level| Compress::new(Compression::new(level), true);
        Deflater { fast: compress(1), stored: compress(0), thorough: compress(6) }
    }
}

impl Deflater {
    /// Puts the deflated parts at the end of `into`.
    ///
    /// # Errors
    /// The library fails, which bytes in memory give it no reason to.
    pub fn deflate(&mut self, parts: &[&[u8]], effort: Effort, into: &mut Vec<u8>) -> io::Result<()> {
        let compress = match effort {
            Effort::Stored => &mut self.stored,
            Effort::Fast => &mut self.fast,
            Effort::Thorough => &mut self.thorough,
        };
        compress.reset();
        let total: usize = parts.iter().map(|part| part.len()).sum();
        into.reserve(total + total / 1000 + 64);
        for (nth, part) in parts.iter().enumerate() {
            let last = nth + 1 == parts.len();
            let flush = if last { FlushCompress::Finish } else { FlushCompress::None };
            let begin = compress.total_in();
            loop {
                let done = usize::try_from(compress.total_in() - begin).map_err(io::Error::other)?;
                if done == part.len() && !last {
                    break;
                }
                let status = compress.compress_vec(&part[done..], into, flush).map_err(io::Error::other)?;
                if status == Status::StreamEnd {
                    return Ok(());
                }
                into.reserve(1024 + into.capacity() / 4);
            }
        }
        Ok(())
    }
}

/// Inflates the stream at the beginning of `bytes` to just `size` bytes.
///
/// # Errors
/// It is damaged, or holds more or less.
pub fn inflate(bytes: &[u8], size: u64) -> io::Result<Vec<u8>> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a damaged deflated stream");
    let size = usize::try_from(size).map_err(|_| damaged())?;
    let mut inflate = Decompress::new(true);
    // What a damaged head claims is not reserved before the stream has delivered.
    let mut content = Vec::with_capacity(size.min(bytes.len().saturating_mul(1032)) + 1);
    loop {
        let done = usize::try_from(inflate.total_in()).map_err(|_| damaged())?;
        let before = (inflate.total_in(), content.len());
        let status = inflate
            .decompress_vec(bytes.get(done..).ok_or_else(damaged)?, &mut content, FlushDecompress::Finish)
            .map_err(|_| damaged())?;
        if status == Status::StreamEnd {
            break;
        }
        if content.len() > size || before == (inflate.total_in(), content.len()) {
            return Err(damaged());
        }
    }
    if content.len() == size { Ok(content) } else { Err(damaged()) }
}

/// Inflates a whole stream whose size is not known.
///
/// # Errors
/// It is damaged.
pub fn inflate_all(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    flate2::read::ZlibDecoder::new(bytes).read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_read_as_they_were_written() {
        let kinds = [ObjectKind::Blob, ObjectKind::Tree, ObjectKind::Commit].map(Form::Whole);
        let distances = [1, 127, 128, 16_511, 16_512, 2_113_663, 2_113_664, 1 << 40].map(Form::OffsetDelta);
        for form in kinds.into_iter().chain(distances).chain([Form::Tag, Form::IdDelta([7; ID])]) {
            for size in [0, 1, 15, 16, 2047, 2048, 1 << 33, u64::MAX >> 1] {
                let mut bytes = Vec::new();
                write_head(form, size, &mut bytes);
                assert!(bytes.len() <= LONGEST_HEAD);
                assert_eq!(read_head(&bytes), Some(Head { form, size, length: bytes.len() }));
                assert_eq!(read_head(&bytes[..bytes.len() - 1]), None);
            }
        }
    }

    #[test]
    fn what_is_deflated_inflates() {
        let mut deflater = Deflater::default();
        for length in [0, 1, 100, 5000, 1_000_000] {
            let content: Vec<u8> = (0..length).map(|n: usize| (n * n).to_le_bytes()[1]).collect();
            for effort in [Effort::Stored, Effort::Fast, Effort::Thorough] {
                let mut bytes = Vec::new();
                let (a, b) = content.split_at(length / 3);
                deflater.deflate(&[a, b], effort, &mut bytes).expect("deflated");
                assert!(inflate(&bytes, length as u64).is_ok_and(|found| found == content));
                assert!(inflate(&bytes, length as u64 + 1).is_err());
                assert!(length == 0 || inflate(&bytes, length as u64 - 1).is_err());
                assert!(inflate(&bytes[..bytes.len() - 1], length as u64).is_err());
                assert!(inflate_all(&bytes).is_ok_and(|found| found == content));
            }
        }
    }
}
