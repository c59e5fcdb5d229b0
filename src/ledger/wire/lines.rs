//! The lines of git's protocol (gitprotocol-common): four hex digits with the length, themselves included, and the text.

use std::collections::BTreeSet;

use crate::ledger::ObjectId;

/// A line of length nothing: the end of a part.
pub const FLUSH: &[u8] = b"0000";

/// In bytes: the longest line, with its length.
const LONGEST: usize = 65520;

/// A request that is not in git's protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the body is no request of git's: {0}")]
pub struct Malformed(pub &'static str);

/// A line with this text, which is cut off where it is too long for one.
pub fn line(text: &str) -> Vec<u8> {
    let mut end = text.len().min(LONGEST - 4);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end).unwrap_or_default();
    format!("{:04x}{text}", text.len() + 4).into_bytes()
}

/// Splits the first line off. `None` is a line without a text: the end of something.
///
/// # Errors
/// These bytes are no line.
pub fn split(bytes: &[u8]) -> Result<(Option<&[u8]>, &[u8]), Malformed> {
    let digits = bytes.get(..4).ok_or(Malformed("it ends within a line"))?;
    let digits = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
    let length = digits.and_then(|digits| usize::from_str_radix(digits, 16).ok());
    match length.ok_or(Malformed("a line does not begin with its length"))? {
        0..=2 => Ok((None, bytes.get(4..).unwrap_or_default())),
        3 => Err(Malformed("a line is shorter than its length")),
        length => {
            let text = bytes.get(4..length).ok_or(Malformed("it ends within a line"))?;
            Ok((Some(text), bytes.get(length..).unwrap_or_default()))
        }
    }
}

/// The objects that a request to fetch asks for by their ids, in any version of the protocol.
///
/// # Errors
/// The request is not in git's protocol.
pub fn wants(mut request: &[u8]) -> Result<BTreeSet<ObjectId>, Malformed> {
    let mut wants = BTreeSet::new();
    while !request.is_empty() {
        let (text, rest) = split(request)?;
        request = rest;
        let Some(id) = text.and_then(|text| text.strip_prefix(b"want ")) else { continue };
        let id = id.get(..40).and_then(|id| std::str::from_utf8(id).ok()).map(str::to_ascii_lowercase);
        let id = id.and_then(|id| ObjectId::from_hex(&id));
        wants.insert(id.ok_or(Malformed("it wants what is no id"))?);
    }
    Ok(wants)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111";
    const TWO: &str = "abcdefabcdefabcdefabcdefabcdefabcdefabcd";

    fn request(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    #[test]
    fn wants_are_found_in_each_version() {
        let old = request(&[
            &line(&format!("want {ONE} ofs-delta\n")),
            &line(&format!("want {TWO}\n")),
            FLUSH,
            b"0009done\n",
        ]);
        let new = request(&[
            b"0012command=fetch\n",
            b"0001",
            b"000eofs-delta\n",
            &line(&format!("want {}\n", TWO.to_uppercase())),
            &line(&format!("want {ONE}")),
            FLUSH,
        ]);
        for request in [old, new] {
            let found: Vec<_> = wants(&request).expect("a request").iter().map(ToString::to_string).collect();
            assert_eq!(found, [ONE, TWO]);
        }
        assert_eq!(wants(b"0014command=ls-refs\n0000"), Ok(BTreeSet::new()));
        assert_eq!(wants(b""), Ok(BTreeSet::new()));
    }

    #[test]
    fn what_is_no_request() {
        for bad in [&b"00"[..], b"zzzz", b"0003", b"+0040", b"0032want", b"000bwant x\n", b"0009want "] {
            assert!(wants(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
