//! Ways down from a tip: what lies on them, and what they lead to.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use git2::Oid;
use rusqlite::{Connection, params};

use super::commits::{id, id_at, place_of, under};
use crate::ledger::id::CommitId;
use crate::ledger::index::fault::Fault;
use crate::ledger::index::place::Place;
use crate::ledger::index::raw::date;

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
pub fn is_on_way(database: &Connection, tip: Place, place: Place) -> Result<bool, Fault> {
    let mut stretch = Some(tip);
    while let Some(top) = stretch.filter(|top| top.height() >= place.height()) {
        if top.line() == place.line() {
            return Ok(true);
        }
        stretch = under(database, top)?;
    }
    Ok(false)
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
