//! The commit-graph (gitformat-commit-graph): all commits in one file, so that `git log` and its like need not read each
//! of them from a pack. Git keeps it by the same rules when `git gc` runs.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use git2::{Oid, Repository};
use sha1::{Digest, Sha1};

use super::pack::entry::ID;
use super::pack::file::Unfinished;

/// Where it lies in the folder of objects.
const FILE: &str = "info/commit-graph";
/// The file's own version, SHA-1, three chunks, upon no other file.
const HEAD: [u8; 8] = *b"CGPH\x01\x01\x03\x00";
const CHUNKS: [&[u8; 4]; 3] = [b"OIDF", b"OIDL", b"CDAT"];
/// In bytes: a chunk's name and offset.
const ENTRY: usize = 12;
const FAN: usize = 256 * 4;
/// In bytes: the tree, two parents, level and time.
const DATA: usize = ID + 16;
const NO_PARENT: u32 = 0x7000_0000;
/// Levels have 30 bits, times 34.
const HIGHEST_LEVEL: u64 = 0x3fff_ffff;
const TIME_BITS: u32 = 34;

/// With more commits the graph would take more memory to write than a service should (150 bytes a commit), and is left
/// to `git gc`.
const MOST: usize = 1_000_000;

/// A commit in the graph.
struct Node {
    tree: [u8; ID],
    parents: [Option<[u8; ID]>; 2],
    time: u64,
    /// One more than the highest of its parents.
    level: u64,
}

/// The commits of a graph, by their ids.
#[derive(Default)]
pub struct Graph(HashMap<[u8; ID], Node>);

impl Graph {
    /// Reads the graph that there is. One that is damaged, of another form, or upon other files is none.
    ///
    /// # Errors
    /// The disk fails.
    pub fn read(objects: &Path) -> io::Result<Self> {
        match fs::read(objects.join(FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Graph::default()),
            bytes => Ok(decode(&bytes?).unwrap_or_default()),
        }
    }

    /// So many commits are in it.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes in all that refs lead to. Answers whether all of it has a place: a commit with more than two parents,
    /// which only others make, has none here, and there may be too many.
    ///
    /// # Errors
    /// A ref or a commit cannot be read.
    pub fn extend(&mut self, repository: &Repository) -> Result<bool, git2::Error> {
        let mut todo: Vec<Oid> = Vec::new();
        for reference in repository.references()? {
            // A ref that leads nowhere is no matter of the graph.
            todo.extend(reference?.peel_to_commit().ok().map(|commit| commit.id()));
        }
        while let Some(&id) = todo.last() {
            if self.0.contains_key(&raw(id)) {
                todo.pop();
                continue;
            }
            let commit = repository.find_commit(id)?;
            let parents: Vec<Oid> = commit.parent_ids().collect();
            if parents.len() > 2 || self.0.len() >= MOST {
                return Ok(false);
            }
            let unknown: Vec<Oid> =
                parents.iter().copied().filter(|parent| !self.0.contains_key(&raw(*parent))).collect();
            if unknown.is_empty() {
                todo.pop();
                let level = |id: &Oid| self.0.get(&raw(*id)).map_or(0, |node| node.level);
                let level = parents.iter().map(level).max().unwrap_or(0) + 1;
                let node = Node {
                    tree: raw(commit.tree_id()),
                    parents: [parents.first().copied().map(raw), parents.get(1).copied().map(raw)],
                    time: u64::try_from(commit.time().seconds()).unwrap_or(0) & ((1 << TIME_BITS) - 1),
                    level: level.min(HIGHEST_LEVEL),
                };
                self.0.insert(raw(id), node);
            } else {
                todo.extend(unknown);
            }
        }
        Ok(true)
    }

    /// Writes the graph, in place of the one that there was.
    ///
    /// # Errors
    /// The disk fails, or there are more commits than the file's form can have.
    pub fn write(&self, objects: &Path) -> io::Result<()> {
        let bytes = self.encode()?;
        let folder = objects.join("info");
        fs::create_dir_all(&folder)?;
        let mut unfinished = Unfinished::create(&folder)?;
        unfinished.file.write_all(&bytes)?;
        unfinished.file.sync_all()?;
        unfinished.finish(&objects.join(FILE))
    }

    fn encode(&self) -> io::Result<Vec<u8>> {
        let many = |_| io::Error::other("too many commits for a commit-graph");
        let mut ids: Vec<[u8; ID]> = self.0.keys().copied().collect();
        ids.sort_unstable();
        let lengths = [FAN, ids.len() * ID, ids.len() * DATA];
        let mut bytes = HEAD.to_vec();
        let mut offset = HEAD.len() + ENTRY * (CHUNKS.len() + 1);
        for (name, length) in CHUNKS.into_iter().zip(lengths) {
            bytes.extend_from_slice(name);
            bytes.extend_from_slice(&(offset as u64).to_be_bytes());
            offset += length;
        }
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&(offset as u64).to_be_bytes());
        for fan in 0..=u8::MAX {
            let below = ids.partition_point(|id| id[0] <= fan);
            bytes.extend_from_slice(&u32::try_from(below).map_err(many)?.to_be_bytes());
        }
        ids.iter().for_each(|id| bytes.extend_from_slice(id));
        for node in ids.iter().filter_map(|id| self.0.get(id)) {
            bytes.extend_from_slice(&node.tree);
            for nth in 0..2 {
                let place = node.parents[nth].and_then(|parent| ids.binary_search(&parent).ok());
                let place = place.map_or(Ok(NO_PARENT), u32::try_from).map_err(many)?;
                bytes.extend_from_slice(&place.to_be_bytes());
            }
            bytes.extend_from_slice(&(node.level << TIME_BITS | node.time).to_be_bytes());
        }
        let checksum = Sha1::digest(&bytes);
        bytes.extend_from_slice(&checksum);
        Ok(bytes)
    }
}

fn raw(id: Oid) -> [u8; ID] {
    let mut raw = [0; ID];
    raw.copy_from_slice(id.as_bytes());
    raw
}

/// Git's own file may have more chunks, which are found by their names and left out.
fn decode(bytes: &[u8]) -> Option<Graph> {
    let (content, checksum) = bytes.split_at_checked(bytes.len().checked_sub(ID)?)?;
    if Sha1::digest(content).as_slice() != checksum
        || content.get(..6)? != &HEAD[..6]
        || content.get(7)? != &0
    {
        return None;
    }
    let entries = content.get(HEAD.len()..)?.chunks_exact(ENTRY).take(usize::from(*content.get(6)?));
    let mut chunks = HashMap::new();
    for entry in entries {
        let offset = u64::from_be_bytes(entry[4..].try_into().ok()?);
        chunks.insert(&entry[..4], usize::try_from(offset).ok()?);
    }
    if chunks.contains_key(b"EDGE".as_slice()) {
        return None;
    }
    let number = |at: usize| Some(u32::from_be_bytes(content.get(at..at + 4)?.try_into().ok()?));
    let start = |nth: usize| chunks.get(CHUNKS[nth].as_slice()).copied();
    let (fan, ids, data) = (start(0)?, start(1)?, start(2)?);
    let count = usize::try_from(number(fan + FAN - 4)?).ok()?;
    let id = |nth: usize| -> Option<[u8; ID]> {
        content.get(ids + nth * ID..ids + (nth + 1) * ID)?.try_into().ok()
    };
    let mut nodes = HashMap::with_capacity(count.min(content.len() / (ID + DATA)));
    for nth in 0..count {
        let at = data + nth * DATA;
        let mut parents = [None; 2];
        for (place, parent) in parents.iter_mut().enumerate() {
            let nth = number(at + ID + 4 * place)?;
            if nth != NO_PARENT {
                *parent = Some(id(usize::try_from(nth).ok().filter(|nth| *nth < count)?)?);
            }
        }
        let both = u64::from_be_bytes(content.get(at + ID + 8..at + DATA)?.try_into().ok()?);
        let (level, time) = (both >> TIME_BITS, both & ((1 << TIME_BITS) - 1));
        // Without its level a commit's place above others cannot be told.
        if level == 0 {
            return None;
        }
        nodes.insert(
            id(nth)?,
            Node { tree: content.get(at..at + ID)?.try_into().ok()?, parents, time, level },
        );
    }
    Some(Graph(nodes))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn git(folder: &Path, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.arg("-C").arg(folder).args(["-c", "user.name=a", "-c", "user.email=a@b"]).args(arguments);
        let output = command.output().expect("git is installed");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        assert!(output.status.success(), "git {arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn commit(folder: &Path, parents: &[&str]) -> String {
        let parents: Vec<&str> = parents.iter().flat_map(|parent| ["-p", *parent]).collect();
        let empty = git(folder, &["hash-object", "-t", "tree", "-w", "/dev/null"]);
        let id = git(folder, &[&["commit-tree", "-m", "a commit", &empty], parents.as_slice()].concat());
        git(folder, &["update-ref", "refs/heads/main", &id]);
        id
    }

    fn write(folder: &Path) -> (bool, usize) {
        let objects = folder.join("objects");
        let repository = Repository::open_bare(folder).expect("a repository");
        let mut graph = Graph::read(&objects).expect("readable");
        let whole = graph.extend(&repository).expect("readable");
        graph.write(&objects).expect("written");
        (whole, graph.len())
    }

    #[test]
    fn git_finds_the_graph_right() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        git(folder, &["init", "-q", "--bare", "-b", "main"]);
        let root = commit(folder, &[]);
        let one = commit(folder, &[&root]);
        let two = commit(folder, &[&one]);
        assert_eq!(write(folder), (true, 3));
        git(folder, &["commit-graph", "verify"]);

        // Upon what was written before, with a merge, by an annotated tag as well.
        let merge = commit(folder, &[&one, &two]);
        git(folder, &["tag", "-m", "a tag", "v1", &merge]);
        commit(folder, &[&merge]);
        assert_eq!(write(folder), (true, 5));
        git(folder, &["commit-graph", "verify"]);
        assert_eq!(git(folder, &["rev-list", "--count", "main"]), "5");

        // Upon what git wrote, with chunks of its own.
        git(folder, &["commit-graph", "write", "--reachable"]);
        commit(folder, &["main"]);
        assert_eq!(write(folder), (true, 6));
        git(folder, &["commit-graph", "verify"]);

        // What is damaged is made anew.
        let file = folder.join("objects").join(FILE);
        let mut bytes = fs::read(&file).expect("a graph");
        bytes[1100] ^= 1;
        fs::remove_file(&file).expect("removed");
        fs::write(&file, bytes).expect("written");
        assert_eq!(write(folder), (true, 6));
        git(folder, &["commit-graph", "verify"]);

        let octopus = commit(folder, &[&root, &one, &two]);
        assert_eq!(octopus.len(), 40);
        assert!(!write(folder).0, "a commit with three parents has no place");
    }
}
