//! Looking things up in the index.
//!
//! The history of a tip is a stretch of its line, the stretch of the line below from where it forks, and so on down to
//! the root. What changed a subject lies together for each line, and says the how manieth change it is.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use crc32fast::Hasher;
use git2::Oid;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::fault::Fault;
use super::place::Place;
use super::raw::{Commit, date};
use crate::ledger::commit::CommitRecord;
use crate::ledger::id::CommitId;

/// What of a history is wanted.
pub struct Wanted<'w> {
    /// Only what comes after this commit in the list.
    pub after: Option<CommitId>,
    /// So many at most.
    pub limit: usize,
    /// Only commits of which this is true.
    pub takes: Option<&'w dyn Fn(&CommitRecord) -> bool>,
}

/// A page of a history, newest first.
#[derive(Debug, Default)]
pub struct Listing {
    /// How many are wanted on all pages.
    pub total: usize,
    pub items: Vec<CommitRecord>,
    /// There is a next page.
    pub more: bool,
    /// The subject has changed at all, wanted or not.
    pub ever: bool,
}

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
fn under(database: &Connection, place: Place) -> Result<Option<Place>, Fault> {
    let mut find = database.prepare_cached("SELECT parent FROM lines WHERE line = ?1")?;
    Ok(find.query_row([place.line()], |row| row.get(0))?)
}

/// The last change of a subject up to a tip, and the how manieth it is.
pub fn last_change(database: &Connection, subject: i64, tip: Place) -> Result<Option<(Place, i64)>, Fault> {
    let mut find = database.prepare_cached(
        "SELECT place, nth FROM changes WHERE subject = ?1 AND place BETWEEN ?2 AND ?3 ORDER BY place DESC LIMIT 1",
    )?;
    let mut stretch = Some(tip);
    while let Some(top) = stretch {
        let found = find
            .query_row(params![subject, top.floor(), top], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if found.is_some() {
            return Ok(found);
        }
        stretch = under(database, top)?;
    }
    Ok(None)
}

/// A page of the history of what is at a path. `None` if what it is to come after is not in it.
pub fn page(
    database: &Connection,
    tip: Place,
    path: &str,
    wanted: &Wanted<'_>,
) -> Result<Option<Listing>, Fault> {
    let mut find = database.prepare_cached("SELECT subject FROM subjects WHERE path = ?1")?;
    let subject: Option<i64> = find.query_row([path], |row| row.get(0)).optional()?;
    let last = match subject {
        Some(subject) => last_change(database, subject, tip)?.map(|last| (subject, last)),
        None => None,
    };
    let Some((subject, (newest, count))) = last else {
        return Ok(wanted.after.is_none().then(Listing::default));
    };
    let after = match wanted.after {
        None => None,
        Some(after) => match change_at(database, subject, tip, after)? {
            Some(change) => Some(change),
            None => return Ok(None),
        },
    };
    match wanted.takes {
        None => whole_page(database, subject, (newest, count), after, wanted.limit),
        Some(takes) => narrowed(database, subject, (newest, count), after, wanted.limit, takes),
    }
    .map(Some)
}

fn whole_page(
    database: &Connection,
    subject: i64,
    (newest, count): (Place, i64),
    after: Option<(Place, i64)>,
    limit: usize,
) -> Result<Listing, Fault> {
    let from = match after {
        None => Some((newest, count)),
        Some((place, nth)) => below(database, place)?.map(|place| (place, nth - 1)),
    };
    let total = usize::try_from(count).map_err(|_| Fault::damaged("a count is negative"))?;
    let mut listing = Listing { total, ever: true, ..Listing::default() };
    let Some((from, count)) = from else { return Ok(listing) };
    let seen = changes(database, subject, (from, count), |place| {
        listing.more = listing.items.len() == limit;
        if !listing.more {
            listing.items.push(record(database, place)?);
        }
        Ok(!listing.more)
    });
    seen.map(|()| listing)
}

fn narrowed(
    database: &Connection,
    subject: i64,
    newest: (Place, i64),
    after: Option<(Place, i64)>,
    limit: usize,
    takes: &dyn Fn(&CommitRecord) -> bool,
) -> Result<Listing, Fault> {
    let mut listing = Listing { ever: true, ..Listing::default() };
    let mut begun = after.is_none();
    let after = after.map(|(place, _)| place);
    let seen = changes(database, subject, newest, |place| {
        let alone = commit_at(database, place)?.into();
        if takes(&alone) {
            listing.total += 1;
            if begun && listing.items.len() < limit {
                listing.items.push(record(database, place)?);
            } else if begun {
                listing.more = true;
            }
        }
        begun |= after == Some(place);
        Ok(true)
    });
    seen.map(|()| listing)
}

/// Visits the changes of a subject from the `count`-th down, which is the newest up to `from`, as long as that answers
/// true. They must be as many as they say.
fn changes(
    database: &Connection,
    subject: i64,
    (from, mut count): (Place, i64),
    mut visit: impl FnMut(Place) -> Result<bool, Fault>,
) -> Result<(), Fault> {
    let mut find = database.prepare_cached(
        "SELECT place, nth FROM changes WHERE subject = ?1 AND place BETWEEN ?2 AND ?3 ORDER BY place DESC",
    )?;
    let mut stretch = Some(from).filter(|_| count > 0);
    while let Some(top) = stretch {
        let mut rows = find.query(params![subject, top.floor(), top])?;
        while let Some(row) = rows.next()? {
            let (place, nth): (Place, i64) = (row.get(0)?, row.get(1)?);
            if nth != count {
                return Err(Fault::damaged(format!("change {count} of subject {subject} is missing")));
            }
            count -= 1;
            if !visit(place)? {
                return Ok(());
            }
        }
        stretch = under(database, top)?.filter(|_| count > 0);
    }
    if count != 0 {
        return Err(Fault::damaged(format!("change {count} of subject {subject} is missing")));
    }
    Ok(())
}

/// The change of a subject at a commit, if there is one and the first parents of `tip` lead there.
fn change_at(
    database: &Connection,
    subject: i64,
    tip: Place,
    commit: CommitId,
) -> Result<Option<(Place, i64)>, Fault> {
    let Some(place) = place_of(database, commit.0)? else { return Ok(None) };
    if !is_on_way(database, tip, place)? {
        return Ok(None);
    }
    let mut find = database.prepare_cached("SELECT nth FROM changes WHERE subject = ?1 AND place = ?2")?;
    let nth: Option<i64> = find.query_row(params![subject, place], |row| row.get(0)).optional()?;
    Ok(nth.map(|nth| (place, nth)))
}

/// The commits that follow `after` on the way of the first parents to `tip`, oldest first, `limit` at most. `None` if
/// `after` is not on that way.
pub fn following(
    database: &Connection,
    tip: Place,
    after: CommitId,
    limit: usize,
) -> Result<Option<Vec<CommitId>>, Fault> {
    let Some(after) = place_of(database, after.0)? else { return Ok(None) };
    let mut tops = vec![tip];
    while let Some(top) = tops.last().copied().filter(|top| top.line() != after.line()) {
        match under(database, top)? {
            Some(lower) => tops.push(lower),
            None => return Ok(None),
        }
    }
    let mut found = Vec::new();
    let mut low = after;
    if tops.last().is_none_or(|top| *top < after) {
        return Ok(None);
    }
    for top in tops.into_iter().rev() {
        let mut place = Place::new(top.line(), low.height() + 1);
        while place <= top && found.len() < limit {
            found.push(CommitId(id_at(database, place)?));
            place = place.above();
        }
        low = top;
    }
    Ok(Some(found))
}

/// Whether the first parents of `tip` lead to a place.
fn is_on_way(database: &Connection, tip: Place, place: Place) -> Result<bool, Fault> {
    let mut stretch = Some(tip);
    while let Some(top) = stretch.filter(|top| top.height() >= place.height()) {
        if top.line() == place.line() {
            return Ok(true);
        }
        stretch = under(database, top)?;
    }
    Ok(false)
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

fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<Oid> {
    let raw: [u8; 20] = row.get(column)?;
    Oid::from_bytes(&raw).map_err(|_| rusqlite::Error::QueryReturnedNoRows)
}

fn id_at(database: &Connection, place: Place) -> Result<Oid, Fault> {
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

/// The commit that hex digits name: all forty, or a beginning that no other commit reachable from `tip` has.
pub fn resolve(database: &Connection, tip: Place, digits: &str) -> Result<Option<CommitId>, Fault> {
    let end = |digit: &str| Oid::from_str(&format!("{digits}{}", digit.repeat(40 - digits.len())));
    let (Ok(low), Ok(high)) = (end("0"), end("f")) else { return Ok(None) };
    let mut find = database.prepare_cached("SELECT id, place FROM commits WHERE id BETWEEN ?1 AND ?2")?;
    let mut rows = find.query(params![low.as_bytes(), high.as_bytes()])?;
    let mut reachable = None;
    let mut found = None;
    while let Some(row) = rows.next()? {
        let (id, place): (Oid, Place) = (id(row, 0)?, row.get(1)?);
        // Most versions lie on the way of the first parents; what merges brought in is looked for only if need be.
        if is_on_way(database, tip, place)? || is_among(database, tip, place, &mut reachable)? {
            if found.is_some() {
                return Ok(None);
            }
            found = Some(CommitId(id));
        }
    }
    Ok(found)
}

fn is_among(
    database: &Connection,
    tip: Place,
    place: Place,
    reachable: &mut Option<HashMap<i64, i64>>,
) -> Result<bool, Fault> {
    let known = match reachable {
        Some(known) => known,
        None => reachable.insert(reach(database, tip)?),
    };
    Ok(known.get(&place.line()).is_some_and(|height| place.height() <= *height))
}

/// Up to which height of which lines a tip's parents of all sorts reach.
pub fn reach(database: &Connection, tip: Place) -> Result<HashMap<i64, i64>, Fault> {
    let mut merges = database.prepare_cached("SELECT parent FROM merges WHERE place BETWEEN ?1 AND ?2")?;
    let mut heights: HashMap<i64, i64> = HashMap::new();
    let mut open = vec![tip];
    while let Some(top) = open.pop() {
        let line = top.line();
        let low = match heights.get(&line) {
            Some(height) if *height >= top.height() => continue,
            Some(height) => Place::new(line, *height + 1),
            None => {
                open.extend(under(database, top)?);
                top.floor()
            }
        };
        heights.insert(line, top.height());
        let mut rows = merges.query(params![low, top])?;
        while let Some(row) = rows.next()? {
            open.push(row.get(0)?);
        }
    }
    Ok(heights)
}

/// The state of a tip's branch at a time: the newest commit up to which nothing is of a later time. The service's own
/// commits are never of an earlier time than their parents; where others' are, the later time counts.
pub fn at(database: &Connection, tip: Place, time: DateTime<Utc>) -> Result<Option<CommitId>, Fault> {
    let mut find =
        database.prepare_cached("SELECT id, coalesce(latest, time) FROM commits WHERE place = ?1")?;
    let mut look = |place: Place| -> Result<Option<Oid>, Fault> {
        let (id, latest): (Oid, i64) = find.query_row([place], |row| Ok((id(row, 0)?, row.get(1)?)))?;
        Ok((date(latest) <= time).then_some(id))
    };
    let mut stretch = Some(tip);
    while let Some(top) = stretch {
        let parent = under(database, top)?;
        let first = parent.map_or(0, |parent| parent.height() + 1);
        if let Some(mut found) = look(Place::new(top.line(), first))? {
            let (mut low, mut high) = (first, top.height());
            while low < high {
                let middle = low + (high - low + 1) / 2;
                match look(Place::new(top.line(), middle))? {
                    Some(id) => (found, low) = (id, middle),
                    None => high = middle - 1,
                }
            }
            return Ok(Some(CommitId(found)));
        }
        stretch = parent;
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
