//! What bundles are called in a folder of backups: after the moment when they were begun, and by the first digits of their
//! SHA-256, which find damage that git's format would not: it has no sum for the list of refs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

const BEGIN: &str = "revconf-";
const END: &str = ".bundle";
/// So many hexadecimal digits of the sum stand in the name.
const DIGITS: usize = 16;
/// As long as a time is.
const TIME: usize = "20261122T160512.345Z".len();
/// For people.
pub const EXAMPLE: &str = "revconf-20261122T160512.345Z-0123456789abcdef.bundle";

/// The name of a bundle that was begun at a time and has this sum.
pub fn name(begun: DateTime<Utc>, sha256: &[u8; 32]) -> String {
    format!("{BEGIN}{}-{}{END}", begun.format("%Y%m%dT%H%M%S%.3fZ"), digits(sha256))
}

/// What a name says of the sum, if it is one of these names.
pub fn digits_in(path: &Path) -> Option<&str> {
    let middle = path.file_name()?.to_str()?.strip_prefix(BEGIN)?.strip_suffix(END)?;
    let (time, digits) = middle.split_once('-')?;
    let hex = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
    let timely = |(at, c): (usize, u8)| match at {
        8 => c == b'T',
        15 => c == b'.',
        19 => c == b'Z',
        _ => c.is_ascii_digit(),
    };
    let fits = time.len() == TIME && time.bytes().enumerate().all(timely);
    (fits && digits.len() == DIGITS && digits.bytes().all(hex)).then_some(digits)
}

/// The first digits of a sum.
pub fn digits(sha256: &[u8; 32]) -> String {
    sha256.iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect()
}

/// The bundles in a folder, newest first.
///
/// # Errors
/// The folder cannot be read.
pub fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if digits_in(&path).is_some() {
            found.push(path);
        }
    }
    found.sort_unstable_by(|a, b| b.file_name().cmp(&a.file_name()));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_times_in_their_order_and_sums() {
        let at = |ms| DateTime::from_timestamp_millis(ms).expect("a time");
        let early = name(at(1_000_000_000_999), &[0xab; 32]);
        assert_eq!(early, "revconf-20010909T014640.999Z-abababababababab.bundle");
        assert!(early < name(at(1_000_000_001_000), &[0; 32]));
        assert_eq!(digits_in(Path::new(&format!("/x/{early}"))), Some("abababababababab"));
        assert!(digits_in(Path::new(EXAMPLE)).is_some());
        for other in ["a.bundle", "revconf-1-2.bundle", &early.replace('T', "t"), &format!("{early}.part")] {
            assert_eq!(digits_in(Path::new(other)), None, "{other}");
        }
    }
}
