//! Looking things up in the index.
//!
//! The history of a tip is a stretch of its line, the stretch of the line below from where it forks, and so on down to
//! the root. What changed a subject lies together for each line, and says which change of it each is, counted from the
//! first.
//!
//! - `commits`: where a commit is, and what it says; `ways`: what the ways down from a tip lead to

mod commits;
mod ways;

use rusqlite::{Connection, OptionalExtension, params};

use commits::under;
pub use commits::{below, commit_at, is_there, place_of, record, sum};
use ways::is_on_way;
pub use ways::{at, following, reach, resolve};

use super::fault::Fault;
use super::place::Place;
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

/// The last change of a subject up to a tip, and which of its changes that is, counted from the first.
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

#[cfg(test)]
mod tests;
