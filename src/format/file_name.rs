//! The name of an entry's file.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::document::EntryId;

/// Every byte but these is percent-encoded, so that a name is safe on any file system and in any shell.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'_').remove(b'~').remove(b'-');

/// Names up to here fit every file system with room for an ending. In bytes.
const LONGEST: usize = 200;
/// So much of a longer name is kept, for people who read a listing. In bytes.
const KEPT: usize = 120;
/// Hex digits of the id's SHA-256 that tell longer names apart.
const DIGITS: usize = 32;

/// What follows an entry's name.
pub const ENDING: &str = ".json";

/// The file's name for an id. Different ids have different names.
pub fn file_name(id: &EntryId) -> String {
    let mut name = utf8_percent_encode(id.as_str(), ENCODED).to_string();
    // An id that happens to spell another one's shortened name is shortened as well: else the two would share a file.
    if name.len() > LONGEST || looks_shortened(&name) {
        name.truncate(KEPT);
        name.push('~');
        let digest = Sha256::digest(id.as_str().as_bytes());
        name.extend(digest.iter().flat_map(|byte| [byte >> 4, byte & 15]).take(DIGITS).map(hex_digit));
    }
    name + ENDING
}

/// The id whose file has this name; `None` if the name is no id's, or a shortened one, which does not tell.
pub fn id_of_name(name: &str) -> Option<EntryId> {
    let text = percent_decode_str(name.strip_suffix(ENDING)?).decode_utf8().ok()?;
    EntryId::parse(&text).ok().filter(|id| file_name(id) == name)
}

fn looks_shortened(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.len() == KEPT + 1 + DIGITS
        && bytes[KEPT] == b'~'
        && bytes[KEPT + 1..].iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn hex_digit(value: u8) -> char {
    char::from(b"0123456789abcdef"[usize::from(value & 15)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(id: &str) -> String {
        file_name(&EntryId::parse(id).expect("an id"))
    }

    #[test]
    fn plain_ids_are_their_own_names() {
        assert_eq!(name("web"), "web.json");
        assert_eq!(name(".git"), ".git.json");
        assert_eq!(name("A-b_c~1.2"), "A-b_c~1.2.json");
    }

    #[test]
    fn other_bytes_are_encoded() {
        assert_eq!(name("a b"), "a%20b.json");
        assert_eq!(name("é"), "%C3%A9.json");
        assert_eq!(name("a(1)!"), "a%281%29%21.json");
    }

    #[test]
    fn names_tell_ids_unless_they_are_shortened() {
        for id in ["web", ".git", "a b", "é", "a(1)!"] {
            assert_eq!(id_of_name(&name(id)).map(|id| id.to_string()).as_deref(), Some(id));
        }
        let long = name(&"a".repeat(201));
        for none in [long.as_str(), "web", "%zz.json", "a b.json", "%61.json", "%FF.json", ".json"] {
            assert_eq!(id_of_name(none), None, "{none}");
        }
    }

    #[test]
    fn long_names_are_shortened_and_stay_different() {
        assert_eq!(name(&"a".repeat(200)), "a".repeat(200) + ".json");
        let long = name(&"a".repeat(201));
        assert_eq!(long.len(), 120 + 1 + 32 + 5);
        assert!(long.starts_with(&("a".repeat(120) + "~")));
        assert_ne!(long, name(&"a".repeat(202)));
        let spelled = long.strip_suffix(".json").expect("the ending");
        assert_ne!(name(spelled), long, "an id that spells a shortened name must not share its file");
        assert!(name(&"é".repeat(256)).len() < 255);
    }
}
