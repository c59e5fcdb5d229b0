//! The beginning of a bundle: which refs it holds.

use std::io::{self, BufRead, Read};

use git2::Reference;

use crate::ledger::id::ObjectId;

const SIGNATURE: &str = "# v2 git bundle";
/// What else `git bundle create` may write; of what it can announce, only the kind of hash can be met here.
const THIRD: &str = "# v3 git bundle";
const SHA1: &str = "@object-format=sha1";
/// In bytes, of a line.
const LONGEST: u64 = 64 << 10;
pub const HEAD: &str = "HEAD";

/// A ref by its full name, and the object that it names.
pub type Ref = (String, ObjectId);

/// What a bundle says that it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// In the order of the file, without `HEAD`.
    pub refs: Vec<Ref>,
    /// What `HEAD` leads to.
    pub head: Option<ObjectId>,
}

impl Heading {
    /// As the file has it, with the empty line at its end. Where several branches are where `HEAD` is, git takes the
    /// last for the one that `HEAD` names.
    pub fn encode(&self) -> Vec<u8> {
        let lines = self.refs.iter().map(|(name, id)| format!("{id} {name}\n"));
        let head = self.head.iter().map(|id| format!("{id} {HEAD}\n"));
        let text: String = lines.chain(head).collect();
        format!("{SIGNATURE}\n{text}\n").into_bytes()
    }

    /// Reads a heading, to where the pack begins.
    ///
    /// # Errors
    /// It is none, or one of a bundle that does not hold everything.
    pub fn read(from: &mut impl BufRead) -> io::Result<Self> {
        let signature = line(from)?;
        if signature != SIGNATURE && signature != THIRD {
            return Err(unsound("it does not begin as a git bundle does"));
        }
        let mut heading = Heading { refs: Vec::new(), head: None };
        loop {
            let line = line(from)?;
            match line.as_bytes().first() {
                None => return heading.checked(),
                Some(b'-') => {
                    return Err(unsound("it is only what came after another backup, and needs that as well"));
                }
                Some(b'@') if line == SHA1 => {}
                Some(b'@') => return Err(unsound(&format!("it needs {line}, which is not known here"))),
                Some(_) => heading.add(&line)?,
            }
        }
    }

    fn add(&mut self, line: &str) -> io::Result<()> {
        let entry = line.split_once(' ').and_then(|(id, name)| Some((ObjectId::from_hex(id)?, name)));
        let (id, name) = entry.ok_or_else(|| unsound(&format!("{line:?} is no ref")))?;
        if name == HEAD {
            self.head = Some(id);
        } else if name.starts_with("refs/") && Reference::is_valid_name(name) {
            self.refs.push((name.to_owned(), id));
        } else {
            return Err(unsound(&format!("{name:?} is no ref's name")));
        }
        Ok(())
    }

    /// No ref is there twice, or where others need a folder.
    fn checked(self) -> io::Result<Self> {
        let mut names: Vec<&str> = self.refs.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let folder = |name: &str| format!("{name}/");
        let clash = |name: &&&str| {
            let folder = folder(name);
            let next = names.partition_point(|other| **other < *folder);
            names.get(next).is_some_and(|other| other.starts_with(&folder))
        };
        if let Some(name) = names.windows(2).find(|two| two[0] == two[1]).map(|two| two[0]) {
            return Err(unsound(&format!("{name} is there twice")));
        }
        if let Some(name) = names.iter().find(clash) {
            return Err(unsound(&format!("{name} is a ref and a folder of refs")));
        }
        if names.is_empty() {
            return Err(unsound("it holds no refs"));
        }
        Ok(self)
    }
}

fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut bytes = Vec::new();
    from.take(LONGEST).read_until(b'\n', &mut bytes)?;
    if bytes.pop() != Some(b'\n') {
        return Err(unsound("its list of refs does not end"));
    }
    String::from_utf8(bytes).map_err(|_| unsound("its list of refs is not UTF-8"))
}

pub fn unsound(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Heading, String> {
        Heading::read(&mut text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_heading_reads_as_it_was_written() {
        let id = ObjectId::from_hex(&"5".repeat(40)).expect("an id");
        let refs = ["refs/heads/prod", "refs/archive/a/1", "refs/heads/prod-2", "refs/tags/prod/v1"];
        let refs: Vec<Ref> = refs.map(|name| (name.to_owned(), id)).into();
        for head in [None, Some(id)] {
            let heading = Heading { refs: refs.clone(), head };
            let bytes = [heading.encode(), b"PACK".to_vec()].concat();
            let mut rest = bytes.as_slice();
            assert_eq!(Heading::read(&mut rest).expect("a heading"), heading);
            assert_eq!(rest, b"PACK");
        }
    }

    #[test]
    fn what_cannot_be_restored_is_told_why() {
        let id = "5".repeat(40);
        for (lines, reason) in [
            ("# v1 git bundle\n".to_owned(), "begin"),
            ("".to_owned(), "does not end"),
            ("# v2 git bundle\n".to_owned(), "does not end"),
            ("# v2 git bundle\n\n".to_owned(), "no refs"),
            (format!("# v2 git bundle\n-{id} before\n\n"), "another backup"),
            ("# v3 git bundle\n@object-format=sha256\n\n".to_owned(), "sha256"),
            (format!("# v2 git bundle\n{id} refs/../x\n\n"), "no ref's name"),
            (format!("# v2 git bundle\n{id} config\n\n"), "no ref's name"),
            (format!("# v2 git bundle\n{id}\n\n"), "is no ref"),
            (format!("# v2 git bundle\n{id} refs/heads/a\n{id} refs/heads/a\n\n"), "twice"),
            (format!("# v2 git bundle\n{id} refs/a/b\n{id} refs/a-c\n{id} refs/a\n\n"), "folder"),
        ] {
            let found = read(&lines).expect_err(&lines);
            assert!(found.contains(reason), "{lines}: {found}");
        }
    }
}
