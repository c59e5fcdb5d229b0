//! The local log: files of records in a folder of the data directory, one synced append a batch.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::batch::Batch;
use super::log::{Log, LogError, Mark};
use super::record::{self, Record};

const ENDING: &str = ".log";
/// In bytes: so much a file is longer than its records at most.
const AHEAD: usize = 1 << 20;

/// Files of records, each named by a number; the one with the highest is appended to.
pub struct Journal {
    folder: PathBuf,
    file: File,
    number: u64,
    /// Of the records in the file that is appended to. In bytes.
    length: u64,
    /// Of that file. In bytes.
    allocated: u64,
    /// Of the last append. In bytes.
    last: u64,
    /// Of the files before it. In bytes.
    before: u64,
    buffer: Vec<u8>,
}

impl Journal {
    /// Opens the journal in `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// The folder or its files cannot be read and written.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let numbers = numbers(folder)?;
        let mut before = 0;
        for number in &numbers {
            before += fs::metadata(path(folder, *number))?.len();
        }
        // A file of its own, so that whatever a crash left at the end of the last one stays there.
        let number = numbers.last().map_or(1, |last| last + 1);
        let file = create(folder, number)?;
        Ok(Journal {
            folder: folder.to_owned(),
            file,
            number,
            length: 0,
            allocated: 0,
            last: 0,
            before,
            buffer: Vec::new(),
        })
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.allocated = length;
        self.file.sync_data()
    }

    /// Writes the buffer at the end of the records, and makes that last.
    fn write(&mut self) -> io::Result<()> {
        let end = self.length + self.buffer.len() as u64;
        if end > self.allocated {
            // To sync a file that has not grown takes half as long, so it grows ahead, by what is not a record.
            let zeros = vec![0; AHEAD];
            self.file.write_all_at(&zeros, end)?;
            self.allocated = end + AHEAD as u64;
        }
        self.file.write_all_at(&self.buffer, self.length)?;
        self.file.sync_data()
    }

    /// A file's whole and sound records. What follows them was cut off by a crash, or is damaged.
    fn read(&self, number: u64) -> io::Result<Vec<Record>> {
        let path = path(&self.folder, number);
        let mut rest = Bytes::from(fs::read(&path)?);
        let mut records = Vec::new();
        while let Some(record) = record::decode(&mut rest) {
            records.push(record);
        }
        if rest.iter().any(|byte| *byte != 0) {
            let (file, bytes) = (path.display(), rest.len());
            if sound_record_within(&rest) {
                // A crash leaves nothing behind what it cut off, so this is damage. What can be read is kept beside.
                fs::copy(&path, path.with_extension("damaged"))?;
                tracing::error!(%file, bytes, "the journal is damaged; what follows was not replayed");
            } else {
                tracing::warn!(%file, bytes, "the journal ends in a record that was cut off; nobody was told of it");
            }
        }
        Ok(records)
    }
}

impl Log for Journal {
    fn append(&mut self, batch: &Batch) -> Result<(), LogError> {
        self.buffer.clear();
        record::encode(batch, &mut self.buffer).map_err(|why| LogError::Refused(why.to_owned()))?;
        match self.write() {
            Ok(()) => {
                self.last = self.buffer.len() as u64;
                self.length += self.last;
                Ok(())
            }
            // Half a record would end every later replay, so it must go before anything else is appended.
            Err(error) => match self.cut(self.length) {
                Ok(()) => Err(LogError::Refused(error.to_string())),
                Err(_) => Err(LogError::Unknown(error.to_string())),
            },
        }
    }

    fn take_back(&mut self) -> Result<(), LogError> {
        self.cut(self.length - self.last).map_err(|error| LogError::Unknown(error.to_string()))?;
        self.length -= self.last;
        self.last = 0;
        Ok(())
    }

    fn replay(&mut self) -> Result<Vec<Record>, LogError> {
        let refused = |error: io::Error| LogError::Refused(error.to_string());
        let mut records = Vec::new();
        for number in numbers(&self.folder).map_err(refused)? {
            records.extend(self.read(number).map_err(refused)?);
        }
        Ok(records)
    }

    fn mark(&mut self) -> Result<Mark, LogError> {
        let number = self.number + 1;
        let file = create(&self.folder, number).map_err(|error| LogError::Refused(error.to_string()))?;
        self.before += self.length;
        (self.file, self.number, self.length, self.allocated, self.last) = (file, number, 0, 0, 0);
        Ok(Mark(number))
    }

    fn forget(&mut self, mark: Mark) -> Result<(), LogError> {
        let remove = || -> io::Result<u64> {
            let mut left = 0;
            let mut removed = false;
            for number in numbers(&self.folder)? {
                let path = path(&self.folder, number);
                if number < mark.0 {
                    // Were an older file there after a power cut and a newer one not, a start would bring back what the
                    // older one says, such as a branch whose deletion is in the newer one.
                    if removed {
                        File::open(&self.folder)?.sync_all()?;
                    }
                    fs::remove_file(path)?;
                    removed = true;
                } else if number < self.number {
                    left += fs::metadata(path)?.len();
                }
            }
            Ok(left)
        };
        self.before = remove().map_err(|error| LogError::Unknown(error.to_string()))?;
        Ok(())
    }

    fn size(&self) -> u64 {
        self.before + self.length
    }
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:016}{ENDING}"))
}

fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        numbers.extend(
            name.to_string_lossy().strip_suffix(ENDING).and_then(|number| number.parse::<u64>().ok()),
        );
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// An empty file, which is there after a power cut. An attempt that failed half-way may have left it, and no records in it.
fn create(folder: &Path, number: u64) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).open(path(folder, number))?;
    file.sync_all()?;
    File::open(folder)?.sync_all()?;
    Ok(file)
}

/// Whether a whole record follows somewhere in bytes that do not begin with one.
fn sound_record_within(bytes: &Bytes) -> bool {
    (1..bytes.len().saturating_sub(record::HEAD)).any(|at| record::decode(&mut bytes.slice(at..)).is_some())
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::ledger::batch::{Object, ObjectKind, RefMove};

    /// A log for tests: it forgets when the process does.
    #[derive(Default)]
    struct Memory {
        records: VecDeque<(u64, Vec<u8>)>,
        mark: u64,
    }

    impl Log for Memory {
        fn append(&mut self, batch: &Batch) -> Result<(), LogError> {
            let mut bytes = Vec::new();
            record::encode(batch, &mut bytes).map_err(|why| LogError::Refused(why.to_owned()))?;
            self.records.push_back((self.mark, bytes));
            Ok(())
        }

        fn take_back(&mut self) -> Result<(), LogError> {
            self.records.pop_back();
            Ok(())
        }

        fn replay(&mut self) -> Result<Vec<Record>, LogError> {
            let read = |(_, bytes): &(u64, Vec<u8>)| record::decode(&mut bytes.clone().into());
            Ok(self.records.iter().filter_map(read).collect())
        }

        fn mark(&mut self) -> Result<Mark, LogError> {
            self.mark += 1;
            Ok(Mark(self.mark))
        }

        fn forget(&mut self, mark: Mark) -> Result<(), LogError> {
            self.records.retain(|(made, _)| *made >= mark.0);
            Ok(())
        }

        fn size(&self) -> u64 {
            self.records.iter().map(|(_, bytes)| bytes.len() as u64).sum()
        }
    }

    fn batch(number: u64) -> Batch {
        let commit = Object::of(ObjectKind::Commit, number.to_string().into_bytes());
        let moved = RefMove { name: format!("refs/heads/b{number}"), from: None, to: Some(commit.id) };
        Batch { objects: vec![commit], moves: vec![moved], foreign: false }
    }

    fn names(log: &mut impl Log) -> Vec<String> {
        let records = log.replay().expect("readable");
        records.into_iter().flat_map(|record| record.moves).map(|moved| moved.name).collect()
    }

    /// What every log must do.
    fn suite(mut log: impl Log) {
        assert_eq!((names(&mut log), log.size()), (Vec::new(), 0));
        for number in 1..=3 {
            log.append(&batch(number)).expect("appended");
        }
        assert_eq!(names(&mut log), ["refs/heads/b1", "refs/heads/b2", "refs/heads/b3"]);
        let three = log.size();
        log.append(&batch(4)).expect("appended");
        assert!(log.size() > three);
        log.take_back().expect("taken back");
        assert_eq!((names(&mut log).len(), log.size()), (3, three));
        log.append(&batch(5)).expect("appended where the other was");
        let mark = log.mark().expect("marked");
        log.append(&batch(6)).expect("appended");
        assert_eq!(names(&mut log).len(), 5, "a mark forgets nothing by itself");
        log.forget(mark).expect("forgotten");
        assert_eq!(names(&mut log), ["refs/heads/b6"]);
        log.take_back().expect("taken back");
        assert_eq!((names(&mut log), log.size()), (Vec::new(), 0));
    }

    fn journal(folder: &Path) -> Journal {
        Journal::open(folder).expect("a journal")
    }

    #[test]
    fn a_log_in_memory() {
        suite(Memory::default());
    }

    #[test]
    fn the_journal() {
        let folder = tempfile::tempdir().expect("a folder");
        suite(journal(&folder.path().join("journal")));
    }

    #[test]
    fn the_journal_outlives_its_process() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 1..=3 {
            let mut log = journal(folder.path());
            log.append(&batch(number)).expect("appended");
            assert_eq!(names(&mut log).len() as u64, number);
        }
        let mut log = journal(folder.path());
        let mark = log.mark().expect("marked");
        log.forget(mark).expect("forgotten");
        assert_eq!(names(&mut journal(folder.path())), Vec::<String>::new());
    }

    #[test]
    fn damage_in_the_middle_is_kept_beside() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut log = journal(folder.path());
        for number in 1..=3 {
            log.append(&batch(number)).expect("appended");
        }
        let file =
            fs::read_dir(folder.path()).expect("a folder").next().expect("a file").expect("an entry").path();
        let mut bytes = fs::read(&file).expect("readable");
        let middle = usize::try_from(log.length / 2).expect("a small file");
        bytes[middle] ^= 1;
        fs::write(&file, bytes).expect("writable");
        assert_eq!(names(&mut journal(folder.path())), ["refs/heads/b1"]);
        assert!(file.with_extension("damaged").is_file());
    }
}
