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

/// What git tells those who come, with one more capability at the end of its first line. `None` while there is no whole line.
pub fn capable_of(capability: &str, told: &[u8]) -> Option<Vec<u8>> {
    let (first, rest) = split(told).ok()?;
    let first = std::str::from_utf8(first?).ok()?.trim_end_matches('\n');
    Some([line(&format!("{first} {capability}\n")), rest.to_owned()].concat())
}

/// What a request to fetch names by its id.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Named {
    /// What it asks for, or asks about.
    pub wanted: BTreeSet<ObjectId>,
    /// What the client says that it has, whole or up to there. Git tells it which of that is here, too.
    pub had: BTreeSet<ObjectId>,
}

/// How a line names an object.
enum Naming {
    Wanted(ObjectId),
    Had(ObjectId),
}

fn naming(text: &[u8]) -> Result<Option<Naming>, Malformed> {
    let Some(end) = text.iter().position(|byte| *byte == b' ') else { return Ok(None) };
    let (word, id) = (text.get(..end).unwrap_or_default(), text.get(end + 1..).unwrap_or_default());
    let naming = match word {
        // The latter is of the command `object-info`, which some releases of git answer without being told to.
        b"want" | b"oid" => Naming::Wanted,
        b"have" | b"shallow" => Naming::Had,
        _ => return Ok(None),
    };
    let id = id.get(..40).and_then(|id| std::str::from_utf8(id).ok()).map(str::to_ascii_lowercase);
    let id = id.and_then(|id| ObjectId::from_hex(&id));
    Ok(Some(naming(id.ok_or(Malformed("it names an object by what is no id"))?)))
}

/// The objects that a request to fetch names by their ids, in any version of the protocol.
///
/// # Errors
/// The request is not in git's protocol.
pub fn named(mut request: &[u8]) -> Result<Named, Malformed> {
    let mut named = Named::default();
    while !request.is_empty() {
        let (text, rest) = split(request)?;
        request = rest;
        match text.map(naming).transpose()?.flatten() {
            Some(Naming::Wanted(id)) => named.wanted.insert(id),
            Some(Naming::Had(id)) => named.had.insert(id),
            None => false,
        };
    }
    Ok(named)
}

/// The request without what the client says that it has, but for these.
///
/// # Errors
/// The request is not in git's protocol.
pub fn having(mut request: &[u8], kept: &BTreeSet<ObjectId>) -> Result<Vec<u8>, Malformed> {
    let mut left = Vec::with_capacity(request.len());
    while !request.is_empty() {
        let (text, rest) = split(request)?;
        let line = request.get(..request.len() - rest.len()).unwrap_or_default();
        request = rest;
        let had = text.map(naming).transpose()?.flatten();
        if !matches!(had, Some(Naming::Had(id)) if !kept.contains(&id)) {
            left.extend_from_slice(line);
        }
    }
    Ok(left)
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
            let found = named(&request).expect("a request").wanted;
            assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [ONE, TWO]);
        }
        assert_eq!(named(b"0014command=ls-refs\n0000"), Ok(Named::default()));
        assert_eq!(named(b""), Ok(Named::default()));
    }

    #[test]
    fn what_a_client_has_is_left_out_but_for_what_may_be_told() {
        let (want, had) = (line(&format!("want {ONE}\n")), line(&format!("have {ONE}\n")));
        let others =
            [line(&format!("have {}\n", TWO.to_uppercase())), line(&format!("shallow {TWO}"))].concat();
        let request = request(&[&want, b"0001", &others, &had, FLUSH, b"0009done\n"]);
        let found = named(&request).expect("a request").had;
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [ONE, TWO]);
        assert_eq!(having(&request, &found), Ok(request.clone()));
        let one = found.into_iter().take(1).collect();
        assert_eq!(having(&request, &one), Ok([&want, &b"0001"[..], &had, FLUSH, b"0009done\n"].concat()));
    }

    #[test]
    fn a_capability_is_added_to_the_first_line() {
        let (first, second) = (format!("{ONE} refs/heads/a\0delete-refs"), format!("{TWO} refs/heads/b\n"));
        let told = request(&[&line(&format!("{first}\n")), &line(&second), FLUSH]);
        let more = request(&[&line(&format!("{first} no-thin\n")), &line(&second), FLUSH]);
        assert_eq!(capable_of("no-thin", &told), Some(more));
        for begun in [&b""[..], b"00", &told[..20], FLUSH] {
            assert_eq!(capable_of("no-thin", begun), None);
        }
    }

    #[test]
    fn what_is_no_request() {
        for bad in [
            &b"00"[..],
            b"zzzz",
            b"0003",
            b"+0040",
            b"0032want",
            b"000bwant x\n",
            b"0009want ",
            b"000bhave x\n",
        ] {
            assert!(named(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
