//! The index beside a pack (gitformat-pack, "Version 2 pack-*.idx files").

use std::io;
use std::path::Path;

use sha1::{Digest, Sha1};

use super::entry::ID;

const HEAD: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];
const FANS: usize = 256;
/// Offsets from here on stand in a table of their own.
const LARGE: u64 = 1 << 31;

/// Where an object's entry is in a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub id: [u8; ID],
    /// Of the entry as it lies in the pack.
    pub checksum: u32,
    /// From the beginning of the pack.
    pub offset: u64,
}

/// The bytes of an index. `places` are in the order of their ids; `pack` is the checksum at the pack's end.
///
/// # Errors
/// There are more than 2³¹ objects.
pub fn encode(places: &[Place], pack: &[u8; ID]) -> io::Result<Vec<u8>> {
    let many = |_| io::Error::other("too many objects for one pack");
    let mut bytes = Vec::with_capacity(HEAD.len() + 4 * FANS + places.len() * 28 + 2 * ID);
    bytes.extend_from_slice(&HEAD);
    let mut below = 0;
    for fan in 0..=u8::MAX {
        below += places[below..].iter().take_while(|place| place.id[0] == fan).count();
        bytes.extend_from_slice(&u32::try_from(below).map_err(many)?.to_be_bytes());
    }
    for place in places {
        bytes.extend_from_slice(&place.id);
    }
    for place in places {
        bytes.extend_from_slice(&place.checksum.to_be_bytes());
    }
    let mut large = Vec::new();
    for place in places {
        let offset = match u32::try_from(place.offset) {
            Ok(offset) if place.offset < LARGE => offset,
            _ => {
                large.push(place.offset);
                u32::try_from(large.len() - 1).map_err(many)? | 1 << 31
            }
        };
        bytes.extend_from_slice(&offset.to_be_bytes());
    }
    for offset in large {
        bytes.extend_from_slice(&offset.to_be_bytes());
    }
    bytes.extend_from_slice(pack);
    let checksum = Sha1::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    Ok(bytes)
}

/// Reads an index, in the order of ids.
///
/// # Errors
/// It cannot be read, is damaged, or of another version.
pub fn read(path: &Path) -> io::Result<Vec<Place>> {
    let bytes = std::fs::read(path)?;
    decode(&bytes).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, "a damaged index, or one of another version")
    })
}

fn decode(bytes: &[u8]) -> Option<Vec<Place>> {
    let (content, checksum) = bytes.split_at_checked(bytes.len().checked_sub(ID)?)?;
    if Sha1::digest(content).as_slice() != checksum || !content.starts_with(&HEAD) {
        return None;
    }
    let number = |at: usize| Some(u32::from_be_bytes(content.get(at..at + 4)?.try_into().ok()?));
    let fans = HEAD.len();
    let count = usize::try_from(number(fans + 4 * (FANS - 1))?).ok()?;
    let ids = fans + 4 * FANS;
    let checksums = ids + count.checked_mul(ID)?;
    let offsets = checksums + count * 4;
    let large = offsets + count * 4;
    let mut places = Vec::with_capacity(count.min(content.len() / 28));
    for nth in 0..count {
        let id = content.get(ids + nth * ID..ids + (nth + 1) * ID)?.try_into().ok()?;
        let checksum = number(checksums + nth * 4)?;
        let offset = number(offsets + nth * 4)?;
        let offset = if u64::from(offset) < LARGE {
            u64::from(offset)
        } else {
            let at = large + usize::try_from(offset & !(1 << 31)).ok()? * 8;
            u64::from_be_bytes(content.get(at..at + 8)?.try_into().ok()?)
        };
        places.push(Place { id, checksum, offset });
    }
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_reads_as_it_was_written() {
        let place = |n: u8| Place {
            id: [n; ID],
            checksum: u32::from(n) << 20,
            offset: if n.is_multiple_of(2) { u64::from(n) } else { u64::from(n) << 33 },
        };
        for places in [Vec::new(), vec![place(255)], (0..=255).map(place).collect::<Vec<_>>()] {
            let bytes = encode(&places, &[9; ID]).expect("few objects");
            assert_eq!(decode(&bytes), Some(places));
            for at in [0, 9, bytes.len() / 2, bytes.len() - 1] {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1;
                assert_eq!(decode(&damaged), None, "damaged at {at}");
            }
        }
    }
}
