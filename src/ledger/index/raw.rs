//! Commits and trees read from their bytes, without a detour through structures that a rebuild would make and drop a
//! million times.

use chrono::{DateTime, Utc};
use git2::Oid;

use crate::ledger::commit::CommitRecord;
use crate::ledger::id::CommitId;
use crate::ledger::reader::Damage;

/// What the index keeps of a commit.
#[derive(Debug)]
pub struct Commit {
    pub id: Oid,
    pub tree: Oid,
    pub parents: Vec<Oid>,
    pub author: String,
    pub email: String,
    pub message: String,
    /// The committer's, in seconds since 1970.
    pub time: i64,
}

impl Commit {
    /// Reads a commit's bytes (gitformat-commit), and means by them what libgit2 does.
    ///
    /// # Errors
    /// They are no commit.
    pub fn parse(id: Oid, bytes: &[u8]) -> Result<Self, Damage> {
        read(id, bytes).ok_or_else(|| Damage(format!("{id} is no commit that could be read")))
    }

    /// The first parent alone, which is all that a walk needs.
    ///
    /// # Errors
    /// The bytes are no commit.
    pub fn first_parent(id: Oid, bytes: &[u8]) -> Result<Option<Oid>, Damage> {
        let after = bytes.get(46..).filter(|_| bytes.starts_with(b"tree "));
        let after = after.ok_or_else(|| Damage(format!("{id} is no commit that could be read")))?;
        Ok(after.strip_prefix(b"parent ").and_then(|rest| hex(rest.get(..40)?)))
    }
}

fn read(id: Oid, bytes: &[u8]) -> Option<Commit> {
    let mut lines = bytes;
    let tree = hex(line(&mut lines)?.strip_prefix(b"tree ")?)?;
    let mut parents = Vec::with_capacity(1);
    let mut next = line(&mut lines)?;
    while let Some(parent) = next.strip_prefix(b"parent ") {
        parents.push(hex(parent)?);
        next = line(&mut lines)?;
    }
    let (author, email, _) = signature(next.strip_prefix(b"author ")?)?;
    next = line(&mut lines)?;
    while next.starts_with(b"author ") {
        next = line(&mut lines)?;
    }
    let (.., time) = signature(next.strip_prefix(b"committer ")?)?;
    // Further headers, until the empty line.
    while !lines.is_empty() && !line(&mut lines)?.is_empty() {}
    let end = lines.iter().position(|b| *b == 0).unwrap_or(lines.len());
    let start = lines[..end].iter().position(|b| *b != b'\n').unwrap_or(end);
    let message = text(&lines[start..end]);
    Some(Commit { id, tree, parents, author, email, message, time })
}

fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim_end().to_owned()
}

/// The next line, without its end; the last one may have none.
fn line<'b>(lines: &mut &'b [u8]) -> Option<&'b [u8]> {
    if lines.is_empty() {
        return None;
    }
    let end = lines.iter().position(|b| *b == b'\n').unwrap_or(lines.len());
    let found = &lines[..end];
    *lines = lines.get(end + 1..).unwrap_or_default();
    Some(found)
}

fn hex(digits: &[u8]) -> Option<Oid> {
    let digits: &[u8; 40] = digits.try_into().ok()?;
    let mut raw = [0; 20];
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    for (byte, pair) in raw.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Oid::from_bytes(&raw).ok()
}

/// Name, address and time.
fn signature(line: &[u8]) -> Option<(String, String, i64)> {
    let begin = line.iter().rposition(|b| *b == b'<')?;
    let end = line.iter().rposition(|b| *b == b'>').filter(|end| *end > begin)?;
    let cut = |bytes: &[u8]| text(bytes.split(|b| *b == 0).next().unwrap_or_default());
    let (name, email) = (trimmed(&line[..begin]), trimmed(&line[begin + 1..end]));
    let time = match line.get(end + 2..) {
        None | Some([]) => 0,
        Some(rest) => number(rest)?,
    };
    Some((cut(name), cut(email), time))
}

/// What libgit2 leaves out at both ends of names and addresses.
fn trimmed(mut bytes: &[u8]) -> &[u8] {
    let is_crud = |b: &u8| *b <= 32 || b",:;<>\"\\'".contains(b);
    while let Some(rest) = bytes.split_first().filter(|(b, _)| is_crud(b)).map(|(_, rest)| rest) {
        bytes = rest;
    }
    while let Some(rest) = bytes.split_last().filter(|(b, _)| is_crud(b)).map(|(_, rest)| rest) {
        bytes = rest;
    }
    bytes
}

fn number(bytes: &[u8]) -> Option<i64> {
    let bytes = bytes.trim_ascii_start();
    let signed = usize::from(bytes.first().is_some_and(|b| matches!(b, b'-' | b'+')));
    let digits = bytes[signed..].iter().take_while(|b| b.is_ascii_digit()).count();
    str::from_utf8(&bytes[..signed + digits]).ok()?.parse().ok()
}

/// A time as it is told to readers.
pub fn date(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH)
}

impl From<Commit> for CommitRecord {
    fn from(commit: Commit) -> Self {
        CommitRecord {
            id: CommitId(commit.id),
            author: commit.author,
            email: commit.email,
            message: commit.message,
            time: date(commit.time),
            parents: commit.parents.into_iter().map(CommitId).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use git2::{ObjectType, Repository};

    use super::*;
    use crate::ledger::commit;

    /// Odd commits, as other programs have made them, mean the same as to libgit2.
    #[test]
    fn commits_mean_what_they_mean_to_libgit2() {
        let home = tempfile::TempDir::new().unwrap();
        let repository = Repository::init_bare(home.path()).unwrap();
        let tree = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n";
        let ann = "author Ann <a@b> 1 +0000\n";
        let bob = "committer Bob <b@c> 2 +0000\n";
        let plain = format!("{tree}{ann}{bob}");
        let commits: Vec<Vec<u8>> = vec![
            format!("{plain}\nMessage\n").into(),
            format!("{plain}\n\n\n  Message \n\nBody\n\n\n").into(),
            format!("{plain}\n").into(),
            plain.clone().into(),
            format!("{plain}encoding latin1\ngpgsig -----\n line\n \n end\n\nSigned\n").into(),
            format!("{plain}\na\0b\n").into(),
            [plain.as_bytes(), b"\n\xff\xfe caf\xe9\n"].concat(),
            format!("{tree}author  \"J. R.\" <x <y>> 7 -0130\n{bob}\nx").into(),
            format!("{tree}author <> 7 +0000\n{bob}\nx").into(),
            format!("{tree}author Ann <a@b>\n{bob}\nx").into(),
            format!("{tree}{ann}{ann}committer Bob <b@c> -5 +0000\n\nx").into(),
            format!("{tree}parent {}\nparent {}\n{ann}{bob}\nx\n", "1".repeat(40), "2".repeat(40)).into(),
        ];
        for bytes in commits {
            let id = repository.odb().unwrap().write(ObjectType::Commit, &bytes).unwrap();
            let theirs = commit::record(&repository.find_commit(id).unwrap());
            let ours = CommitRecord::from(Commit::parse(id, &bytes).unwrap());
            assert_eq!(ours, theirs, "{}", String::from_utf8_lossy(&bytes));
            let first = Commit::first_parent(id, &bytes).unwrap();
            assert_eq!(first.map(CommitId), theirs.parents.first().copied());
        }
    }

    #[test]
    fn what_is_no_commit_is_damage() {
        for bytes in [&b""[..], b"tree 12\n", b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"] {
            assert!(Commit::parse(Oid::ZERO_SHA1, bytes).is_err());
        }
    }
}
