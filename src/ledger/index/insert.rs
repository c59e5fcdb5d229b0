//! Commits go into the index, parents first.
//!
//! A commit that follows the last one of its first parent's line goes onto that line; one that follows another begins a
//! line of its own. So copies share their source's lines, and nobody renumbers anything.

use std::collections::HashMap;

use git2::Oid;
use rusqlite::{Connection, OptionalExtension, params};

use super::fault::Fault;
use super::pages;
use super::place::Place;
use super::raw::Commit;

/// What is remembered is forgotten beyond so many people, paths or counts, which bounds the memory.
const REMEMBERED: usize = 200_000;

/// A commit, and what it changed against its first parent.
#[derive(Debug)]
pub struct Step {
    pub commit: Commit,
    pub changed: Vec<String>,
}

/// The end of a line, and what is known there.
struct End {
    place: Place,
    /// The latest time of all commits up to here.
    latest: i64,
    /// How often each subject changed up to here, as far as anyone asked.
    counts: HashMap<i64, i64>,
}

/// Writes into the index's file. What it wrote counts once it is kept by [`Inserter::keep`].
pub struct Inserter<'d> {
    database: &'d Connection,
    is_open: bool,
    people: HashMap<(String, String), i64>,
    subjects: HashMap<String, i64>,
    ends: HashMap<Oid, End>,
    remembered: usize,
    next_line: i64,
}

impl<'d> Inserter<'d> {
    /// # Errors
    /// The file cannot be read.
    pub fn new(database: &'d Connection) -> Result<Self, Fault> {
        let next_line =
            database.query_row("SELECT coalesce(max(line), 0) + 1 FROM lines", [], |row| row.get(0))?;
        Ok(Inserter {
            database,
            is_open: false,
            people: HashMap::new(),
            subjects: HashMap::new(),
            ends: HashMap::new(),
            remembered: 0,
            next_line,
        })
    }

    /// Takes in a commit, unless it is there already. Answers whether its parents are there, which they must be.
    ///
    /// # Errors
    /// The file cannot be written, or is damaged.
    pub fn insert(&mut self, step: &Step) -> Result<bool, Fault> {
        let id = step.commit.id;
        self.begin()?;
        if self.ends.contains_key(&id) || pages::place_of(self.database, id)?.is_some() {
            return Ok(true);
        }
        self.insert_new(step)
    }

    /// The same for a commit that is known not to be there.
    ///
    /// # Errors
    /// The same.
    pub fn insert_new(&mut self, step: &Step) -> Result<bool, Fault> {
        let Step { commit, changed } = step;
        self.begin()?;
        let mut others = Vec::new();
        for parent in commit.parents.iter().skip(1) {
            match pages::place_of(self.database, *parent)? {
                Some(place) => others.push(place),
                None => return Ok(false),
            }
        }
        let mut end = match commit.parents.first() {
            None => End { place: self.new_line(None, 0)?, latest: i64::MIN, counts: HashMap::new() },
            Some(parent) => match self.ends.remove(parent) {
                Some(end) => End { place: end.place.above(), ..end },
                None => match self.after(*parent)? {
                    Some(end) => end,
                    None => return Ok(false),
                },
            },
        };
        end.latest = end.latest.max(commit.time);
        self.write(commit, &end, &others)?;
        for path in changed {
            let subject = self.subject(path)?;
            let before = match end.counts.get(&subject) {
                Some(count) => *count,
                None => {
                    self.remembered += 1;
                    let parent = pages::below(self.database, end.place)?;
                    let last = parent.map(|parent| pages::last_change(self.database, subject, parent));
                    last.transpose()?.flatten().map_or(0, |(_, count)| count)
                }
            };
            self.database.prepare_cached("INSERT INTO changes VALUES (?1, ?2, ?3)")?.execute(params![
                subject,
                end.place,
                before + 1
            ])?;
            end.counts.insert(subject, before + 1);
        }
        if self.remembered > REMEMBERED {
            self.forget();
            end.counts.clear();
        }
        self.ends.insert(commit.id, end);
        self.remembered += 1;
        Ok(true)
    }

    /// Notes where a ref is, whose commit is there.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn head(&mut self, name: &str, id: Option<Oid>) -> Result<(), Fault> {
        self.begin()?;
        match id {
            Some(id) => self
                .database
                .prepare_cached("INSERT OR REPLACE INTO heads VALUES (?1, ?2)")?
                .execute(params![name, id.as_bytes()])?,
            None => self.database.prepare_cached("DELETE FROM heads WHERE name = ?1")?.execute([name])?,
        };
        Ok(())
    }

    /// What was written since the last time can be looked up from here on.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&mut self) -> Result<(), Fault> {
        if std::mem::take(&mut self.is_open) {
            self.database.execute_batch("COMMIT")?;
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<(), Fault> {
        if !self.is_open {
            self.database.execute_batch("BEGIN IMMEDIATE")?;
            self.is_open = true;
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.ends.clear();
        self.people.clear();
        self.subjects.clear();
        self.remembered = 0;
    }

    /// Where a commit goes whose parent is no remembered end; `None` if there is no such parent.
    fn after(&mut self, parent: Oid) -> Result<Option<End>, Fault> {
        let found = self
            .database
            .prepare_cached("SELECT place, coalesce(latest, time) FROM commits WHERE id = ?1")?
            .query_row([parent.as_bytes()], |row| Ok((row.get::<_, Place>(0)?, row.get(1)?)))
            .optional()?;
        let Some((place, latest)) = found else { return Ok(None) };
        let is_taken = pages::is_there(self.database, place.above())?;
        let next = if is_taken { self.new_line(Some(place), place.height() + 1)? } else { place.above() };
        Ok(Some(End { place: next, latest, counts: HashMap::new() }))
    }

    fn new_line(&mut self, parent: Option<Place>, height: i64) -> Result<Place, Fault> {
        let line = self.next_line;
        self.database.prepare_cached("INSERT INTO lines VALUES (?1, ?2)")?.execute(params![line, parent])?;
        self.next_line += 1;
        Ok(Place::new(line, height))
    }

    fn write(&mut self, commit: &Commit, end: &End, others: &[Place]) -> Result<(), Fault> {
        let author = self.person(&commit.author, &commit.email)?;
        let latest = Some(end.latest).filter(|latest| *latest != commit.time);
        let sum = pages::sum(end.place, commit);
        self.database.prepare_cached("INSERT INTO commits VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute(
            params![end.place, commit.id.as_bytes(), commit.time, latest, author, commit.message, sum],
        )?;
        for (nth, parent) in (2_i64..).zip(others) {
            self.database
                .prepare_cached("INSERT INTO merges VALUES (?1, ?2, ?3)")?
                .execute(params![end.place, nth, parent])?;
        }
        Ok(())
    }

    fn person(&mut self, name: &str, email: &str) -> Result<i64, Fault> {
        let key = (name.to_owned(), email.to_owned());
        if let Some(known) = self.people.get(&key) {
            return Ok(*known);
        }
        let person = row(
            self.database,
            "SELECT person FROM people WHERE name = ?1 AND email = ?2",
            "INSERT INTO people (name, email) VALUES (?1, ?2)",
            &[name, email],
        )?;
        self.people.insert(key, person);
        self.remembered += 1;
        Ok(person)
    }

    fn subject(&mut self, path: &str) -> Result<i64, Fault> {
        if let Some(known) = self.subjects.get(path) {
            return Ok(*known);
        }
        let subject = row(
            self.database,
            "SELECT subject FROM subjects WHERE path = ?1",
            "INSERT INTO subjects (path) VALUES (?1)",
            &[path],
        )?;
        self.subjects.insert(path.to_owned(), subject);
        self.remembered += 1;
        Ok(subject)
    }
}

impl Drop for Inserter<'_> {
    fn drop(&mut self) {
        if self.is_open
            && let Err(error) = self.database.execute_batch("ROLLBACK")
        {
            tracing::debug!(%error, "what was not kept is gone with its connection");
        }
    }
}

/// The number of a row that is there, or is put there.
fn row(database: &Connection, find: &str, add: &str, values: &[&str]) -> Result<i64, Fault> {
    let values = rusqlite::params_from_iter(values);
    let found = database.prepare_cached(find)?.query_row(values.clone(), |row| row.get(0)).optional()?;
    if let Some(found) = found {
        return Ok(found);
    }
    Ok(database.prepare_cached(add)?.insert(values)?)
}
