//! Commits in the index: where each is, what it says, and where its parents are.

use crc32fast::Hasher;
use git2::Oid;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::ledger::commit::CommitRecord;
use crate::ledger::index::fault::Fault;
use crate::ledger::index::place::Place;
use crate::ledger::index::raw::Commit;

/// Where a commit is, if it is in the index.
pub fn place_of(database: &Connection, id: Oid) -> Result<Option<Place>, Fault> {
    let mut find = database.prepare_cached("SELECT place FROM commits WHERE id = ?1")?;
    Ok(find.query_row([id.as_bytes()], |row| row.get(0)).optional()?)
}

/// Whether there is a commit at a place.
pub fn is_there(database: &Connection, place: Place) -> Result<bool, Fault> {
    Ok(database.prepare_cached("SELECT 1 FROM commits WHERE place = ?1")?.exists([place])?)
}

/// Where the first parent of the commit at a place is; `None` at a root.
pub fn below(database: &Connection, place: Place) -> Result<Option<Place>, Fault> {
    if place.height() > 0 && is_there(database, place.below())? {
        return Ok(Some(place.below()));
    }
    under(database, place)
}

/// Where a place's line begins on another.
pub fn under(database: &Connection, place: Place) -> Result<Option<Place>, Fault> {
    let mut find = database.prepare_cached("SELECT parent FROM lines WHERE line = ?1")?;
    Ok(find.query_row([place.line()], |row| row.get(0))?)
}

/// The commit at a place, without its parents.
pub fn commit_at(database: &Connection, place: Place) -> Result<Commit, Fault> {
    let mut find = database.prepare_cached(
        "SELECT id, time, name, email, message, sum FROM commits JOIN people ON person = author WHERE place = ?1",
    )?;
    let (commit, sum) = find.query_row([place], commit_of)?;
    if sum != self::sum(place, &commit) {
        return Err(Fault::damaged(format!("commit {} is not what was written", commit.id)));
    }
    Ok(commit)
}

/// The commit at a place.
pub fn record(database: &Connection, place: Place) -> Result<CommitRecord, Fault> {
    let mut commit = commit_at(database, place)?;
    if let Some(first) = below(database, place)? {
        commit.parents.push(id_at(database, first)?);
        let mut others =
            database.prepare_cached("SELECT parent FROM merges WHERE place = ?1 ORDER BY nth")?;
        let mut rows = others.query([place])?;
        while let Some(row) = rows.next()? {
            commit.parents.push(id_at(database, row.get(0)?)?);
        }
    }
    Ok(commit.into())
}

fn commit_of(row: &Row<'_>) -> rusqlite::Result<(Commit, u32)> {
    let commit = Commit {
        id: id(row, 0)?,
        tree: Oid::ZERO_SHA1,
        parents: Vec::new(),
        time: row.get(1)?,
        author: row.get(2)?,
        email: row.get(3)?,
        message: row.get(4)?,
    };
    Ok((commit, row.get(5)?))
}

/// An id in a row.
pub fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<Oid> {
    let raw: [u8; 20] = row.get(column)?;
    Oid::from_bytes(&raw).map_err(|_| rusqlite::Error::QueryReturnedNoRows)
}

/// The id of the commit at a place.
pub fn id_at(database: &Connection, place: Place) -> Result<Oid, Fault> {
    let mut find = database.prepare_cached("SELECT id FROM commits WHERE place = ?1")?;
    Ok(find.query_row([place], |row| id(row, 0))?)
}

/// SQLite does not look at what its rows hold.
pub fn sum(place: Place, commit: &Commit) -> u32 {
    let mut sum = Hasher::new();
    let Commit { id, author, email, message, time, .. } = commit;
    for part in [id.as_bytes(), author.as_bytes(), &[0], email.as_bytes(), &[0], message.as_bytes()] {
        sum.update(part);
    }
    sum.update(&time.to_le_bytes());
    sum.update(&place.line().to_le_bytes());
    sum.update(&place.height().to_le_bytes());
    sum.finalize()
}
