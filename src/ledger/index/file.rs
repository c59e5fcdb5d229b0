//! The file: its tables, and whether it can be relied on.
//!
//! When it is closed it keeps a sum of all its bytes, which is looked at before it is used again: SQLite itself notices
//! only some of what may happen to a file.
//!
//! It is never synced while it is written, so a power cut may leave any mixture of old and new pages. Therefore it says
//! of itself, synced, whether it was closed, and in which run of the system it was last used: open and of another run,
//! nothing in it is believed.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crc32fast::Hasher;
use rusqlite::{Connection, OpenFlags};

use super::fault::Fault;

/// Another number is another layout, and the file is made again.
const LAYOUT: i64 = 1;

/// `place` is a line's number and a height, see [`super::place::Place`].
const TABLES: &str = "
    CREATE TABLE use (one INTEGER PRIMARY KEY, closed INTEGER NOT NULL, boot TEXT NOT NULL, sum INTEGER);
    CREATE TABLE lines (line INTEGER PRIMARY KEY, parent INTEGER);
    CREATE TABLE people (person INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, UNIQUE (name, email));
    CREATE TABLE commits (
        place INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, time INTEGER NOT NULL, latest INTEGER,
        author INTEGER NOT NULL, message TEXT NOT NULL, sum INTEGER NOT NULL);
    CREATE TABLE merges (
        place INTEGER, nth INTEGER, parent INTEGER NOT NULL, PRIMARY KEY (place, nth)) WITHOUT ROWID;
    CREATE TABLE subjects (subject INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
    CREATE TABLE changes (
        subject INTEGER, place INTEGER, nth INTEGER NOT NULL, PRIMARY KEY (subject, place)) WITHOUT ROWID;
    CREATE TABLE heads (name TEXT PRIMARY KEY, id BLOB NOT NULL) WITHOUT ROWID;
";

/// In KiB of memory: a rebuild touches many pages over and over, a look-up few.
const WRITER_CACHE: i64 = 32 * 1024;
const READER_CACHE: i64 = 1024;
/// In bytes. A rebuild makes SQLite's own log longer; it is cut off afterwards.
const LARGEST_LOG: i64 = 8 << 20;
/// In bytes.
const PAGE: u64 = 4096;
/// The first two pages say what the file is, and in which state: the sum is of all others.
const SUMMED_FROM: u64 = 2 * PAGE;
/// Nobody holds a lock for longer but a process that should not be there.
const PATIENCE: Duration = Duration::from_secs(5);
const PATIENCE_AT_END: Duration = Duration::from_secs(1);

/// Opens the file for writing, made new where it is missing. From here on it counts as open.
///
/// # Errors
/// It is damaged or of another layout, or the disk fails.
pub fn open(path: &Path) -> Result<Connection, Fault> {
    let sum = sum(path)?;
    let database = connect(path)?;
    database.pragma_update(None, "synchronous", "full")?;
    let layout: i64 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = database.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let boot = boot();
    if layout == 0 && tables == 0 {
        let all = format!("BEGIN; {TABLES} PRAGMA user_version = {LAYOUT}; COMMIT;");
        database.execute_batch(&all)?;
    } else if layout == LAYOUT {
        let (closed, of, kept): (bool, String, Option<u32>) =
            database.query_row("SELECT closed, boot, sum FROM use", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
        if closed && kept != sum {
            return Err(Fault::damaged("its sum is not what it was when it was closed"));
        }
        if !closed && boot.as_ref() != Some(&of) {
            return Err(Fault::damaged("it was not closed before the system went down"));
        }
    } else {
        return Err(Fault::damaged(format!("it has layout {layout}, not {LAYOUT}")));
    }
    let mark = "INSERT OR REPLACE INTO use VALUES (1, 0, ?1, NULL)";
    database.execute(mark, [boot.as_deref().unwrap_or_default()])?;
    checkpoint(&database)?;
    is_whole(&database, path)?;
    database.pragma_update(None, "synchronous", "off")?;
    Ok(database)
}

fn connect(path: &Path) -> Result<Connection, Fault> {
    let database = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    database.busy_timeout(PATIENCE)?;
    database.pragma_update(None, "page_size", PAGE.cast_signed())?;
    database.pragma_update(None, "journal_mode", "wal")?;
    database.pragma_update(None, "journal_size_limit", LARGEST_LOG)?;
    database.pragma_update(None, "cache_size", -WRITER_CACHE)?;
    database.pragma_update(None, "cell_size_check", true)?;
    database.set_prepared_statement_cache_capacity(64);
    Ok(database)
}

/// Closes the file; everything in it lasts. Nobody else may have it open.
///
/// # Errors
/// The disk fails; the file then counts as open.
pub fn close(database: Connection, path: &Path) -> Result<(), Fault> {
    // Whoever else reads it, such as `revconf check`, need not be waited for long.
    database.busy_timeout(PATIENCE_AT_END)?;
    database.pragma_update(None, "synchronous", "full")?;
    // Synced before it says that it is.
    database.execute("UPDATE use SET closed = 0", [])?;
    checkpoint(&database)?;
    // To read a file that SQLite has open would take away SQLite's locks.
    database.close().map_err(|(_, error)| error)?;
    let sum = sum(path)?;
    let database = connect(path)?;
    database.pragma_update(None, "synchronous", "full")?;
    database.execute("UPDATE use SET closed = 1, sum = ?1", [sum])?;
    checkpoint(&database)
}

/// The sum of the file's bytes; `None` if there are too few, or none.
fn sum(path: &Path) -> Result<Option<u32>, Fault> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if file.metadata()?.len() <= SUMMED_FROM {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(SUMMED_FROM))?;
    let mut sum = Hasher::new();
    let mut bytes = vec![0; 1 << 20];
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok(Some(sum.finalize())),
            read => sum.update(&bytes[..read]),
        }
    }
}

/// Opens the file for look-ups.
///
/// # Errors
/// It is not there or cannot be read.
pub fn open_to_read(path: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags)?;
    database.busy_timeout(PATIENCE)?;
    database.pragma_update(None, "cache_size", -READER_CACHE)?;
    database.pragma_update(None, "cell_size_check", true)?;
    Ok(database)
}

/// Whether a file that is only read may be believed: it has this program's layout, and no power cut came between.
///
/// # Errors
/// It cannot be read.
pub fn is_to_be_believed(database: &Connection) -> Result<bool, Fault> {
    let layout: i64 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if layout != LAYOUT {
        return Ok(false);
    }
    let (closed, of): (bool, String) =
        database.query_row("SELECT closed, boot FROM use", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(closed || boot() == Some(of))
}

/// Removes the file and what belongs to it.
///
/// # Errors
/// The system refuses.
pub fn remove(path: &Path) -> Result<(), Fault> {
    // The log first: alone it would be replayed into a new file.
    for ending in ["-wal", "-shm", ""] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        match fs::remove_file(PathBuf::from(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

fn checkpoint(database: &Connection) -> Result<(), Fault> {
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

/// SQLite takes what lies beyond the end of a file that was cut off for zeros, which may look like a text.
fn is_whole(database: &Connection, path: &Path) -> Result<(), Fault> {
    let pages: i64 = database.pragma_query_value(None, "page_count", |row| row.get(0))?;
    let size: i64 = database.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let found = fs::metadata(path)?.len();
    if i64::try_from(found).is_ok_and(|found| found < pages * size) {
        return Err(Fault::damaged(format!("it has {found} bytes, fewer than its {pages} pages of {size}")));
    }
    Ok(())
}

/// The run of the system, where it tells one.
fn boot() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}
