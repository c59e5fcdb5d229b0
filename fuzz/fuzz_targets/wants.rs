//! Any bytes, as a request of git's to fetch; and as what such a request holds between its lines' lengths: every id that is
//! asked for is found, and no other, since git gives away whatever is asked for; and what a client says to have is left out
//! where it may not be told of.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use revconf::ledger::wire::lines::{FLUSH, having, named};

/// What names an object.
const WORDS: [&[u8]; 4] = [b"want ", b"oid ", b"have ", b"shallow "];
/// In bytes.
const ID: usize = 20;

fuzz_target!(|bytes: &[u8]| {
    drop(named(bytes));

    let mut request = Vec::new();
    let mut asked = BTreeSet::new();
    for part in bytes.chunks(ID + 1) {
        match part.split_first() {
            Some((0..=99, id)) if id.len() == ID => {
                let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
                request.extend(line(format!("want {id}\n").as_bytes()));
                asked.insert(id);
            }
            Some((100..=119, _)) => request.extend(FLUSH),
            Some((120..=139, _)) => request.extend(b"0001"),
            Some((140..=199, id)) if id.len() == ID => {
                let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
                request.extend(line(format!("have {id}\n").as_bytes()));
            }
            Some((_, text)) if !WORDS.iter().any(|word| text.starts_with(word)) => request.extend(line(text)),
            _ => {}
        }
    }
    let found = named(&request).expect("every line has its length");
    assert_eq!(found.wanted.iter().map(ToString::to_string).collect::<BTreeSet<_>>(), asked);
    let left = having(&request, &BTreeSet::new()).expect("every line has its length");
    let left = named(&left).expect("every line has its length");
    assert_eq!((left.wanted, left.had), (found.wanted, BTreeSet::new()));
});

fn line(text: &[u8]) -> Vec<u8> {
    [format!("{:04x}", text.len() + 4).as_bytes(), text].concat()
}
