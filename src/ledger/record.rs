//! A batch as bytes: what the journal keeps of it.
//!
//! A record is the length of its body and the body's CRC-32, both as little-endian 32-bit numbers, and the body: the
//! number of objects, each as kind, id, length and bytes; the number of ref moves, each as the name's length, the name,
//! and where it was and goes, either of which is a 0, or a 1 and an id. A kind is a number; with 128 added, the id of
//! another object follows the object's own, and the bytes are a delta of that.

use bytes::{Buf, Bytes};
use git2::Oid;

use super::batch::{Batch, Delta, ObjectKind, RefMove};
use super::id::ObjectId;

/// Length and checksum. In bytes.
pub const HEAD: usize = 8;
const ID: usize = 20;
const KINDS: [ObjectKind; 4] = [ObjectKind::Blob, ObjectKind::Tree, ObjectKind::Commit, ObjectKind::Tag];
const IS_DELTA: u8 = 128;

/// A batch as it was recorded.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub objects: Vec<Recorded>,
    pub moves: Vec<RefMove>,
}

/// An object as it was recorded.
#[derive(Debug, PartialEq, Eq)]
pub struct Recorded {
    pub kind: ObjectKind,
    pub id: ObjectId,
    pub content: Content,
}

/// What an object is made from.
#[derive(Debug, PartialEq, Eq)]
pub enum Content {
    Whole(Bytes),
    /// Of an object of the same kind, which was recorded before or is in the repository.
    Delta(Delta),
}

/// Puts a record at the end of `into`.
///
/// # Errors
/// The batch is too large for a record: its body would have more than 4 GiB.
pub fn encode(batch: &Batch, into: &mut Vec<u8>) -> Result<(), &'static str> {
    let start = into.len();
    into.extend_from_slice(&[0; HEAD]);
    number(batch.objects.len(), into)?;
    for object in &batch.objects {
        let kind = KINDS.iter().position(|kind| *kind == object.kind).map_or(0, |nth| nth.to_le_bytes()[0]);
        into.push(if object.delta.is_some() { kind | IS_DELTA } else { kind });
        into.extend_from_slice(&object.id.raw());
        let content = match &object.delta {
            None => &object.bytes,
            Some(Delta { base, script }) => {
                into.extend_from_slice(&base.raw());
                script
            }
        };
        number(content.len(), into)?;
        into.extend_from_slice(content);
    }
    number(batch.moves.len(), into)?;
    for RefMove { name, from, to } in &batch.moves {
        number(name.len(), into)?;
        into.extend_from_slice(name.as_bytes());
        for object in [from, to] {
            match object {
                None => into.push(0),
                Some(ObjectId(id)) => {
                    into.push(1);
                    into.extend_from_slice(id.as_bytes());
                }
            }
        }
    }
    let body = &into[start + HEAD..];
    let length = u32::try_from(body.len()).map_err(|_| TOO_LARGE)?;
    let checksum = crc32fast::hash(body);
    into[start..start + 4].copy_from_slice(&length.to_le_bytes());
    into[start + 4..start + HEAD].copy_from_slice(&checksum.to_le_bytes());
    Ok(())
}

const TOO_LARGE: &str = "the batch is larger than 4 GiB";

fn number(number: usize, into: &mut Vec<u8>) -> Result<(), &'static str> {
    into.extend_from_slice(&u32::try_from(number).map_err(|_| TOO_LARGE)?.to_le_bytes());
    Ok(())
}

/// Takes the record at the beginning of `bytes`; `None` if no whole and sound record is there.
pub fn decode(bytes: &mut Bytes) -> Option<Record> {
    let mut rest = bytes.clone();
    let length = usize::try_from(rest.try_get_u32_le().ok()?).ok()?;
    let checksum = rest.try_get_u32_le().ok()?;
    if rest.len() < length || length == 0 {
        return None;
    }
    let mut body = rest.split_to(length);
    if crc32fast::hash(&body) != checksum {
        return None;
    }
    let record = read(&mut body)?;
    *bytes = rest;
    Some(record)
}

fn read(body: &mut Bytes) -> Option<Record> {
    let mut record = Record::default();
    for _ in 0..body.try_get_u32_le().ok()? {
        let kind = body.try_get_u8().ok()?;
        let id = ObjectId(id(body)?);
        let base = if kind & IS_DELTA == 0 { None } else { Some(ObjectId(self::id(body)?)) };
        let bytes = take(body)?;
        let content = match base {
            None => Content::Whole(bytes),
            Some(base) => Content::Delta(Delta { base, script: bytes }),
        };
        record.objects.push(Recorded { kind: *KINDS.get(usize::from(kind & !IS_DELTA))?, id, content });
    }
    for _ in 0..body.try_get_u32_le().ok()? {
        let name = String::from_utf8(take(body)?.to_vec()).ok()?;
        let (from, to) = (object(body)?, object(body)?);
        record.moves.push(RefMove { name, from, to });
    }
    body.is_empty().then_some(record)
}

fn take(body: &mut Bytes) -> Option<Bytes> {
    let length = usize::try_from(body.try_get_u32_le().ok()?).ok()?;
    (body.len() >= length).then(|| body.split_to(length))
}

fn id(body: &mut Bytes) -> Option<Oid> {
    if body.len() < ID {
        return None;
    }
    Oid::from_bytes(&body.split_to(ID)).ok()
}

/// The outer option is for bytes that are none; the inner one is a ref's absence.
#[expect(clippy::option_option, reason = "the two absences mean different things")]
fn object(body: &mut Bytes) -> Option<Option<ObjectId>> {
    match body.try_get_u8().ok()? {
        0 => Some(None),
        1 => Some(Some(ObjectId(id(body)?))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::batch::Object;

    fn batch() -> Batch {
        let object = Object::of(ObjectKind::Blob, b"some bytes".to_vec());
        let commit = Object::of(ObjectKind::Commit, b"a commit".to_vec()).id;
        let delta = Delta { base: object.id, script: Bytes::from_static(b"a script") };
        let changed = Object { delta: Some(delta), ..Object::of(ObjectKind::Blob, b"other bytes".to_vec()) };
        Batch {
            objects: vec![object, changed, Object::of(ObjectKind::Tree, Vec::new())],
            moves: vec![
                RefMove { name: "refs/heads/a".to_owned(), from: None, to: Some(commit) },
                RefMove { name: "refs/heads/b".to_owned(), from: Some(commit), to: None },
            ],
            foreign: false,
        }
    }

    fn encoded() -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(&batch(), &mut bytes).expect("small enough");
        bytes
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let mut bytes = encoded();
        bytes.extend(encoded());
        let mut bytes = Bytes::from(bytes);
        for _ in 0..2 {
            let read = decode(&mut bytes).expect("a record");
            let batch = batch();
            let content = |object: &Object| match object.delta.clone() {
                None => Content::Whole(object.bytes.clone()),
                Some(delta) => Content::Delta(delta),
            };
            let objects = batch.objects.iter();
            let objects = objects.map(|o| Recorded { kind: o.kind, id: o.id, content: content(o) }).collect();
            assert_eq!(read, Record { objects, moves: batch.moves });
        }
        assert!(decode(&mut bytes).is_none() && bytes.is_empty());
    }

    #[test]
    fn no_damage_goes_unseen() {
        let whole = encoded();
        for length in 0..whole.len() {
            assert!(decode(&mut Bytes::copy_from_slice(&whole[..length])).is_none(), "cut at {length}");
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut damaged = whole.clone();
                damaged[at] ^= 1 << bit;
                assert!(decode(&mut Bytes::from(damaged)).is_none(), "bit {bit} of byte {at}");
            }
        }
    }
}
