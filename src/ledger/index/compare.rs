//! The index against git, commit by commit.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use git2::{ObjectType, Oid};
use rusqlite::{Connection, params};

use super::changed::Trees;
use super::fault::Fault;
use super::objects::Objects;
use super::packs::Packs;
use super::pages::{below, commit_at, last_change, place_of, reach, record};
use super::place::Place;
use super::raw::Commit;
use super::{file, refs};
use crate::ledger::commit::CommitRecord;
use crate::ledger::id::CommitId;
use crate::ledger::reader::{Damage, Reader};

/// So many differences are enough to know that the file is of no use.
const ENOUGH: usize = 100;

/// Something that the index says and git does not, or the other way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub commit: Option<CommitId>,
    pub reason: String,
}

/// What differs, as far as the index says that it has seen the repository. There is nothing to find where no index is,
/// or one that the next start makes again anyway.
///
/// # Errors
/// The refs cannot be read.
pub fn differences(index: &Path, repository: &Path, reader: &Reader) -> Result<Vec<Difference>, Damage> {
    let mut found = Vec::new();
    let compared = look(index, repository, reader, &mut found);
    match compared {
        Err(Fault::Damaged(why)) => {
            found.push(Difference { commit: None, reason: format!("the file is damaged: {why}") });
        }
        Err(Fault::Git(damage)) => return Err(damage),
        // Another process keeps it to itself, or this one may not read it: no fault of the index.
        Ok(()) | Err(Fault::Failed(_)) => {}
    }
    Ok(found)
}

fn look(index: &Path, repository: &Path, reader: &Reader, found: &mut Vec<Difference>) -> Result<(), Fault> {
    if !index.exists() {
        return Ok(());
    }
    let index = file::open_to_read(index)?;
    // One view of it, whatever a running service adds.
    index.execute_batch("BEGIN")?;
    if !file::is_to_be_believed(&index)? {
        return Ok(());
    }
    let refs = refs(reader)?;
    let mut comparison = Comparison {
        index: &index,
        objects: Packs::open(repository)?,
        trees: Trees::new(),
        changes: BTreeMap::new(),
        found,
    };
    let mut lines: BTreeMap<i64, i64> = BTreeMap::new();
    for (name, head) in comparison.heads()? {
        // A ref that is gone since, or moved away from what git has thrown out since, is only old.
        if !refs.contains_key(&name) || comparison.objects.read(head, ObjectType::Commit).is_err() {
            continue;
        }
        let Some(place) = place_of(&index, head)? else {
            comparison.tell(Some(head), format!("is the head of {name}, and is missing"));
            continue;
        };
        for (line, height) in reach(&index, place)? {
            let most = lines.entry(line).or_insert(height);
            *most = (*most).max(height);
        }
    }
    for (line, height) in lines {
        comparison.line(line, height)?;
    }
    comparison.count()
}

struct Comparison<'c> {
    index: &'c Connection,
    objects: Packs,
    trees: Trees,
    /// Up to which height a line was compared, and how many changes it must have there.
    changes: BTreeMap<i64, (i64, i64)>,
    found: &'c mut Vec<Difference>,
}

impl Comparison<'_> {
    fn tell(&mut self, commit: Option<Oid>, reason: impl Into<String>) {
        if self.found.len() < ENOUGH {
            self.found.push(Difference { commit: commit.map(CommitId), reason: reason.into() });
        }
    }

    fn heads(&self) -> Result<Vec<(String, Oid)>, Fault> {
        let mut noted = self.index.prepare("SELECT name, id FROM heads ORDER BY name")?;
        let mut rows = noted.query([])?;
        let mut heads = Vec::new();
        while let Some(row) = rows.next()? {
            let id: [u8; 20] = row.get(1)?;
            let id = Oid::from_bytes(&id).map_err(|error| Fault::damaged(error.message()))?;
            heads.push((row.get(0)?, id));
        }
        Ok(heads)
    }

    /// Every commit of a line from its first one up to a height.
    fn line(&mut self, line: i64, height: i64) -> Result<(), Fault> {
        let mut counts = HashMap::new();
        let mut expected = 0;
        let mut places =
            self.index.prepare("SELECT place FROM commits WHERE place BETWEEN ?1 AND ?2 ORDER BY place")?;
        let mut rows = places.query(params![Place::new(line, 0), Place::new(line, height)])?;
        let mut next: Option<Place> = None;
        while let Some(row) = rows.next()? {
            let place: Place = row.get(0)?;
            if next.is_some_and(|next| next != place) {
                self.tell(None, format!("commits are missing before {}", commit_at(self.index, place)?.id));
            }
            next = Some(place.above());
            expected += self.commit(place, &mut counts)?;
            if self.found.len() >= ENOUGH {
                return Ok(());
            }
        }
        self.changes.insert(line, (height, expected));
        Ok(())
    }

    /// One commit and its changes; how many changes git has there.
    fn commit(&mut self, place: Place, counts: &mut HashMap<i64, i64>) -> Result<i64, Fault> {
        let ours = record(self.index, place)?;
        let id = ours.id.0;
        let theirs = self.objects.read(id, ObjectType::Commit).and_then(|bytes| Commit::parse(id, &bytes));
        let theirs = match theirs {
            Ok(theirs) => theirs,
            Err(damage) => {
                self.tell(Some(id), format!("git cannot read it: {}", damage.0));
                return Ok(0);
            }
        };
        let before = theirs.parents.first().map(|parent| self.tree_of(*parent)).transpose();
        let changed = before
            .and_then(|before| self.trees.changed(&mut self.objects, before, theirs.tree))
            .unwrap_or_default();
        self.record(&ours, &theirs.into());
        for path in &changed {
            self.change(place, id, path, counts)?;
        }
        Ok(i64::try_from(changed.len()).unwrap_or(i64::MAX))
    }

    fn tree_of(&mut self, commit: Oid) -> Result<Oid, Damage> {
        let bytes = self.objects.read(commit, ObjectType::Commit)?;
        Ok(Commit::parse(commit, &bytes)?.tree)
    }

    fn record(&mut self, ours: &CommitRecord, theirs: &CommitRecord) {
        let parts = [
            ("author", ours.author == theirs.author),
            ("address", ours.email == theirs.email),
            ("message", ours.message == theirs.message),
            ("time", ours.time == theirs.time),
            ("parents", ours.parents == theirs.parents),
        ];
        for (part, _) in parts.into_iter().filter(|(_, same)| !same) {
            self.tell(Some(ours.id.0), format!("has another {part} in git"));
        }
    }

    fn change(
        &mut self,
        place: Place,
        id: Oid,
        path: &str,
        counts: &mut HashMap<i64, i64>,
    ) -> Result<(), Fault> {
        let mut find = self.index.prepare_cached(
            "SELECT subject, nth FROM subjects JOIN changes USING (subject) WHERE path = ?1 AND place = ?2",
        )?;
        let mut rows = find.query(params![path, place])?;
        let name = if path.is_empty() { "the configuration" } else { path };
        let Some(row) = rows.next()? else {
            self.tell(Some(id), format!("changed {name}, which is not listed"));
            return Ok(());
        };
        let (subject, nth): (i64, i64) = (row.get(0)?, row.get(1)?);
        let before = match (counts.get(&subject), below(self.index, place)?) {
            (Some(count), _) => *count,
            (None, Some(parent)) => last_change(self.index, subject, parent)?.map_or(0, |(_, nth)| nth),
            (None, None) => 0,
        };
        counts.insert(subject, nth);
        if nth != before + 1 {
            self.tell(Some(id), format!("is listed as change {nth} of {name}, and is change {}", before + 1));
        }
        Ok(())
    }

    /// Changes that git has were looked for one by one; whether there are others, the numbers tell.
    fn count(&mut self) -> Result<(), Fault> {
        let mut listed: BTreeMap<i64, i64> = BTreeMap::new();
        let mut all = self.index.prepare("SELECT place FROM changes")?;
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            let place: Place = row.get(0)?;
            if self.changes.get(&place.line()).is_some_and(|(height, _)| place.height() <= *height) {
                *listed.entry(place.line()).or_default() += 1;
            }
        }
        drop(rows);
        for (line, (_, expected)) in std::mem::take(&mut self.changes) {
            let found = listed.get(&line).copied().unwrap_or_default();
            if found > expected {
                self.tell(None, format!("{found} changes are listed where git has {expected}"));
            }
        }
        Ok(())
    }
}
