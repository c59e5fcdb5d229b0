//! Histories, made once by `git fast-import` and kept in the target folder; measurements work on copies.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

use crate::documents::{Dice, Documents, file, id};
use crate::process::{self, Running};

/// Seconds since 1970 of the first commit; each later one is a second younger.
const BEGINNING: u64 = 1_700_000_000;
/// So many versions of a history are kept in a list, to be looked back at.
const SAMPLE: u64 = 1000;
/// In the name of the folder: other histories are made where this changes.
const EDITION: u32 = 1;
/// In a copy, where a data directory has its repository.
const REPOSITORY: &str = "repository.git";

/// What a history is like: so many entries from its second commit on, and so many commits in all.
#[derive(Clone, Copy, PartialEq)]
pub struct Shape {
    pub entries: u32,
    pub commits: u64,
}

impl Shape {
    /// Just the entries, and nothing that happened to them.
    pub fn base(entries: u32) -> Self {
        Shape { entries, commits: 2 }
    }
}

/// The folder that they are kept in.
pub struct Histories<'a> {
    pub folder: PathBuf,
    pub documents: &'a Documents,
}

impl Histories<'_> {
    /// A data directory at `place` with that history, made before or now.
    pub fn copy(&self, shape: Shape, place: &Path) -> anyhow::Result<()> {
        copy(&self.kept(shape)?.join("data"), place)
    }

    /// Ids of versions from all over the history, in random order.
    pub fn versions(&self, shape: Shape) -> anyhow::Result<Vec<String>> {
        let text = fs::read_to_string(self.kept(shape)?.join("versions"))?;
        let mut versions: Vec<_> = text.lines().map(str::to_owned).collect();
        let mut dice = Dice::new(2);
        for last in (1..versions.len()).rev() {
            versions.swap(last, dice.below(last as u32 + 1) as usize);
        }
        Ok(versions)
    }

    fn kept(&self, shape: Shape) -> anyhow::Result<PathBuf> {
        let Shape { entries, commits } = shape;
        let length = self.documents.length();
        let kept = self.folder.join(format!("{commits}-commits-{entries}-entries-{length}-bytes-{EDITION}"));
        if !kept.exists() {
            eprintln!("making a history of {commits} commits over {entries} entries");
            let unfinished = kept.with_extension("unfinished");
            if unfinished.exists() {
                fs::remove_dir_all(&unfinished)?;
            }
            self.make(shape, &unfinished)?;
            fs::rename(&unfinished, &kept)?;
        }
        Ok(kept)
    }

    fn make(&self, shape: Shape, folder: &Path) -> anyhow::Result<()> {
        let data = folder.join("data");
        let repository = data.join(REPOSITORY);
        let marks = folder.join("marks");
        fs::create_dir_all(&repository)?;
        process::run(process::git(&repository).args(["init", "--quiet", "--bare", "--initial-branch=prod"]))?;
        let mut import = process::git(&repository);
        import.args(["fast-import", "--quiet"]).arg(format!("--export-marks={}", marks.display()));
        // Each commit has git take and give back the memory of a whole tree, for which it asks the system each time.
        import.env(
            "GLIBC_TUNABLES",
            "glibc.malloc.trim_threshold=1000000000:glibc.malloc.mmap_threshold=100000000",
        );
        feed(&mut import, |stream| self.write(shape, stream))?;
        let ids = fs::read_to_string(&marks)?;
        let ids: String =
            ids.lines().filter_map(|line| line.split_once(' ')).map(|(_, id)| format!("{id}\n")).collect();
        fs::write(folder.join("versions"), ids)?;
        if shape.commits <= 1000 {
            process::run(Command::new(crate::service::program()).args(["check", "--data"]).arg(&data))?;
        }
        Ok(())
    }

    fn write(&self, shape: Shape, stream: &mut dyn Write) -> anyhow::Result<()> {
        let Shape { entries, commits } = shape;
        let mut dice = Dice::new(1);
        let mut text = Vec::new();
        for number in 1..=commits {
            text.clear();
            let sampled = number > 1 && (commits <= SAMPLE || u64::from(dice.below(commits as u32)) < SAMPLE);
            let mark = if sampled { number } else { 0 };
            match number {
                1 => {
                    commit(number, mark, "Create configuration prod", &mut text);
                    modify("config.json", self.documents.header(), &mut text);
                }
                2 => {
                    commit(number, mark, "Create backend services", &mut text);
                    (0..entries).for_each(|entry| self.modify(entry, 0, &mut text));
                }
                _ => {
                    // The last entry changes twice: it is created, and changed in the middle.
                    let entry = if number == commits / 2 { entries - 1 } else { dice.below(entries - 1) };
                    commit(number, mark, &format!("Update backend service {}", id(entry)), &mut text);
                    self.modify(entry, number, &mut text);
                }
            }
            stream.write_all(&text)?;
        }
        Ok(())
    }

    fn modify(&self, entry: u32, revision: u64, out: &mut Vec<u8>) {
        out.extend(format!("M 100644 inline {}\ndata {}\n", file(entry), self.documents.length()).bytes());
        self.documents.write(entry, revision, out);
        out.push(b'\n');
    }

    /// The stream of a base of so many entries and of these changes upon it.
    fn write_changes(&self, entries: u32, changed: &[u32], stream: &mut dyn Write) -> anyhow::Result<()> {
        self.write(Shape::base(entries), stream)?;
        let mut text = Vec::new();
        for (index, &entry) in changed.iter().enumerate() {
            let revision = index as u64 + 1;
            text.clear();
            commit(revision + 10, 0, &format!("Update backend service {}", id(entry)), &mut text);
            self.modify(entry, revision, &mut text);
            stream.write_all(&text)?;
        }
        Ok(())
    }
}

fn commit(number: u64, mark: u64, message: &str, out: &mut Vec<u8>) {
    let time = BEGINNING + number;
    out.extend(b"commit refs/heads/prod\n");
    if mark > 0 {
        out.extend(format!("mark :{mark}\n").bytes());
    }
    out.extend(format!("author anonymous <anonymous@localhost> {time} +0000\n").bytes());
    out.extend(format!("committer revconf <revconf@localhost> {time} +0000\n").bytes());
    out.extend(format!("data {}\n{message}\n", message.len()).bytes());
}

fn modify(path: &str, bytes: &[u8], out: &mut Vec<u8>) {
    out.extend(format!("M 100644 inline {path}\ndata {}\n", bytes.len()).bytes());
    out.extend_from_slice(bytes);
    out.push(b'\n');
}

/// Runs a command with what `write` writes as its input.
fn feed(
    command: &mut Command,
    write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (output, input) = std::io::pipe()?;
    let running = Running::start(command.stdin(Stdio::from(output)))?;
    // The command holds the pipe's other end as long as it is there, and would wait for more for ever.
    command.stdin(Stdio::null());
    let mut stream = BufWriter::with_capacity(1 << 16, input);
    let written = write(&mut stream).and_then(|()| Ok(stream.flush()?));
    drop(stream);
    let status = running.wait()?;
    ensure!(status.success(), "{command:?} failed: {status}");
    written
}

/// Copies a data directory. Objects and packs never change once they are there, so they are linked.
pub fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        let in_objects = from.components().any(|part| part.as_os_str() == "objects");
        if kind.is_dir() {
            copy(&source, &target)?;
        } else if in_objects && from.file_name().is_some_and(|name| name != "info") {
            fs::hard_link(&source, &target).with_context(|| source.display().to_string())?;
        } else if kind.is_file() {
            fs::copy(&source, &target)?;
        } else {
            bail!("{} is neither a file nor a folder", source.display());
        }
    }
    Ok(())
}

/// What the files below a folder take on the disk, and how many there are of those that `counts` counts.
pub fn on_disk(folder: &Path) -> anyhow::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut blocks = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            // A service that is at work removes files meanwhile.
            let Ok(metadata) = entry.metadata() else { continue };
            blocks += metadata.blocks();
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(blocks * 512)
}

/// Writes a stream of changes to a file, for an import that is timed.
pub fn stream_to_file(
    histories: &Histories<'_>,
    entries: u32,
    changed: &[u32],
    path: &Path,
) -> anyhow::Result<()> {
    let mut stream = BufWriter::with_capacity(1 << 16, File::create(path)?);
    histories.write_changes(entries, changed, &mut stream)?;
    Ok(stream.flush()?)
}
