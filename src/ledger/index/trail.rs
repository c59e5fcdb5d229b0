//! The commits that a walk came by on its way down, to be taken up again in the other order. A long way goes to a file
//! without a name, so that no history is too long for the memory, and no commit is looked for twice.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use git2::Oid;

/// In bytes: as much is in memory at least before anything goes to the file.
const BUFFER: usize = 1 << 20;
/// After each commit's bytes come its id and their length.
const FOOT: usize = 24;

/// A stack of commits.
pub struct Trail {
    /// Where the file is made if there must be one.
    path: PathBuf,
    file: Option<File>,
    /// So much of the file is on the stack; `top` lies above it.
    below: u64,
    top: Vec<u8>,
}

impl Trail {
    pub fn new(path: PathBuf) -> Self {
        Trail { path, file: None, below: 0, top: Vec::new() }
    }

    /// # Errors
    /// The disk is full, or fails.
    pub fn push(&mut self, id: Oid, bytes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        self.top.extend_from_slice(bytes);
        self.top.extend_from_slice(id.as_bytes());
        self.top.extend_from_slice(&length.to_le_bytes());
        if self.top.len() >= 2 * BUFFER {
            let file = match &self.file {
                Some(file) => file,
                None => self.file.insert(nameless(&self.path)?),
            };
            file.write_all_at(&self.top, self.below)?;
            self.below += self.top.len() as u64;
            self.top.clear();
        }
        Ok(())
    }

    /// # Errors
    /// The disk fails.
    pub fn pop(&mut self) -> io::Result<Option<(Oid, Vec<u8>)>> {
        if self.top.is_empty() && self.below == 0 {
            return Ok(None);
        }
        self.fill(FOOT)?;
        let foot = self.top.split_off(self.top.len() - FOOT);
        let (id, length) = foot.split_at(20);
        let id = Oid::from_bytes(id).map_err(io::Error::other)?;
        let length = length.iter().rev().fold(0, |sum, b| sum << 8 | usize::from(*b));
        self.fill(length)?;
        let bytes = self.top.split_off(self.top.len() - length);
        Ok(Some((id, bytes)))
    }

    /// At least so many bytes are in memory.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        while self.top.len() < wanted {
            let file = self.file.as_ref().filter(|_| self.below > 0);
            let file = file.ok_or_else(|| io::Error::other("a trail is cut off"))?;
            let more = BUFFER.min(usize::try_from(self.below).unwrap_or(BUFFER));
            let mut bytes = vec![0; more];
            file.read_exact_at(&mut bytes, self.below - more as u64)?;
            self.below -= more as u64;
            bytes.append(&mut self.top);
            self.top = bytes;
        }
        Ok(())
    }
}

fn nameless(path: &PathBuf) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
    fs::remove_file(path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_there_last_comes_first() {
        let home = tempfile::TempDir::new().unwrap();
        let mut trail = Trail::new(home.path().join("trail"));
        let id = |nth: usize| Oid::hash_object(git2::ObjectType::Blob, &nth.to_le_bytes()).unwrap();
        let bytes = |nth: usize| vec![nth.to_le_bytes()[0]; nth * 7 % 3001];
        for nth in 0..20_000 {
            trail.push(id(nth), &bytes(nth)).unwrap();
        }
        assert!(trail.below > 0, "some of it is in the file");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "which has no name");
        for nth in (0..20_000).rev() {
            assert_eq!(trail.pop().unwrap(), Some((id(nth), bytes(nth))));
        }
        assert_eq!(trail.pop().unwrap(), None);
        trail.push(id(0), b"").unwrap();
        assert_eq!(trail.pop().unwrap(), Some((id(0), Vec::new())));
    }
}
