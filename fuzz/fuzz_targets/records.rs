//! Any bytes, read as a file of the journal; and as the body of a record whose length and checksum are right.
#![no_main]

use bytes::{Buf, Bytes};
use libfuzzer_sys::fuzz_target;
use revconf::ledger::batch::{Batch, Object};
use revconf::ledger::record::{Content, HEAD, Record, Recorded, decode, encode};

fuzz_target!(|bytes: &[u8]| {
    read_all(Bytes::copy_from_slice(bytes));

    let length = u32::try_from(bytes.len()).expect("no fuzzer's input is that long");
    let mut record = [length.to_le_bytes(), crc32fast::hash(bytes).to_le_bytes()].concat();
    record.extend_from_slice(bytes);
    // Not a record that follows, so this one ends where it says.
    record.extend_from_slice(&[0; HEAD]);
    let left = read_all(record.clone().into());
    assert!(left == HEAD || left == record.len(), "{left} bytes of {} are left", record.len());
});

/// Reads records while there are any; so many bytes follow them. What is read, written again, is what was read.
fn read_all(mut rest: Bytes) -> usize {
    loop {
        let before = rest.clone();
        let Some(record) = decode(&mut rest) else {
            assert_eq!(rest, before, "what is no record stays");
            return rest.len();
        };
        let mut again = Vec::new();
        encode(&batch(record), &mut again).expect("not too large");
        assert_eq!(again, before[..before.len() - rest.remaining()]);
    }
}

fn batch(record: Record) -> Batch {
    let object = |Recorded { kind, id, content }: Recorded| match content {
        Content::Whole(bytes) => Object { kind, id, bytes, delta: None },
        Content::Delta(delta) => Object { kind, id, bytes: Bytes::new(), delta: Some(delta) },
    };
    let objects = record.objects.into_iter().map(object).collect();
    Batch { objects, moves: record.moves, foreign: false }
}
