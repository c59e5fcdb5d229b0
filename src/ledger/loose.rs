//! Objects that are files of their own: what single changes are written as, because no reader has to look for them.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::batch::{Object, ObjectKind};
use super::id::ObjectId;
use super::pack::entry::{Deflater, Effort, inflate_all};
use super::pack::file::Unfinished;

/// In bytes. Larger trees are stored as they are, until a pack takes them.
const STORED: usize = 4096;

fn word(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Blob => "blob",
        ObjectKind::Tree => "tree",
        ObjectKind::Commit => "commit",
        ObjectKind::Tag => "tag",
    }
}

fn path(objects: &Path, id: ObjectId) -> PathBuf {
    let hex = id.to_string();
    objects.join(&hex[..2]).join(&hex[2..])
}

/// Writes an object, also over one that is there: a power cut may have left that empty or damaged. It may be lost in
/// a power cut itself.
///
/// # Errors
/// The disk fails; the object is not there.
pub fn write(objects: &Path, object: &Object, deflater: &mut Deflater) -> io::Result<()> {
    let head = format!("{} {}\0", word(object.kind), object.bytes.len());
    let stored = object.kind == ObjectKind::Tree && object.bytes.len() > STORED;
    let mut bytes = Vec::new();
    deflater.deflate(
        &[head.as_bytes(), &object.bytes],
        if stored { Effort::Stored } else { Effort::Fast },
        &mut bytes,
    )?;
    let path = path(objects, object.id);
    let mut unfinished = in_folder(path.parent().unwrap_or(objects))?;
    unfinished.file.write_all(&bytes)?;
    unfinished.finish(&path)
}

/// A `git gc` at work removes folders that are empty for a moment, so one may have to be made more than once.
const ATTEMPTS: u32 = 10;

fn in_folder(folder: &Path) -> io::Result<Unfinished> {
    let mut attempts = 0;
    loop {
        match Unfinished::create(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && attempts < ATTEMPTS => {
                fs::create_dir_all(folder)?;
                attempts += 1;
            }
            created => return created,
        }
    }
}

/// An object's file.
#[derive(Debug, Clone)]
pub struct Found {
    pub id: ObjectId,
    pub path: PathBuf,
    pub modified: SystemTime,
}

/// All objects that are files of their own, oldest first.
///
/// # Errors
/// A folder cannot be read.
pub fn list(objects: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for fan in 0..=u8::MAX {
        let fan = format!("{fan:02x}");
        let entries = match fs::read_dir(objects.join(&fan)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let Some(id) = ObjectId::from_hex(&format!("{fan}{}", entry.file_name().to_string_lossy()))
            else {
                continue;
            };
            match entry.metadata() {
                Ok(metadata) => found.push(Found { id, path: entry.path(), modified: metadata.modified()? }),
                // A `git gc` at work may have packed it since the folder was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    found.sort_by_key(|found| (found.modified, found.id));
    Ok(found)
}

/// The object of an id, if it has a file of its own.
///
/// # Errors
/// It is damaged.
pub fn find(objects: &Path, id: ObjectId) -> io::Result<Option<Object>> {
    read(&Found { id, path: path(objects, id), modified: SystemTime::UNIX_EPOCH })
}

/// Reads an object's file; `None` if it is gone, or of a kind that the ledger does not write.
///
/// # Errors
/// It is damaged.
pub fn read(found: &Found) -> io::Result<Option<Object>> {
    let bytes = match fs::read(&found.path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        bytes => bytes?,
    };
    let damaged = || {
        let path = found.path.display();
        io::Error::new(io::ErrorKind::InvalidData, format!("{path} is damaged"))
    };
    let content = inflate_all(&bytes).map_err(|_| damaged())?;
    let end = content.iter().position(|b| *b == 0).ok_or_else(damaged)?;
    let (kind, size) =
        str::from_utf8(&content[..end]).ok().and_then(|h| h.split_once(' ')).ok_or_else(damaged)?;
    if size != (content.len() - end - 1).to_string() {
        return Err(damaged());
    }
    let kinds = [ObjectKind::Blob, ObjectKind::Tree, ObjectKind::Commit, ObjectKind::Tag];
    let Some(kind) = kinds.into_iter().find(|known| word(*known) == kind) else { return Ok(None) };
    let object = Object::of(kind, content[end + 1..].to_vec());
    if object.id == found.id { Ok(Some(object)) } else { Err(damaged()) }
}
