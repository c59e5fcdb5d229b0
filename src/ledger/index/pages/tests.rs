//! Look-ups against walks, in histories made by chance.

use std::collections::BTreeSet;

use git2::{ObjectType, Oid};

use super::*;
use crate::ledger::index::file;
use crate::ledger::index::insert::{Inserter, Step};
use crate::ledger::index::raw::{Commit, date};

/// A generator that a failure can be repeated with (Numerical Recipes).
struct Chance(u32);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % end
    }
}

/// Commits upon commits, with merges, and times that go back now and then.
fn history(chance: &mut Chance) -> Vec<(Vec<usize>, i64)> {
    let mut commits: Vec<(Vec<usize>, i64)> = Vec::new();
    for number in 0..120 {
        let mut parents = Vec::new();
        if number > 0 && chance.below(20) > 0 {
            let recent = if chance.below(4) == 0 { number } else { number.min(3) };
            parents.push(number - 1 - chance.below(recent));
            if chance.below(8) == 0 {
                parents.push(chance.below(number));
            }
        }
        let back = if chance.below(6) == 0 { 4000 } else { 0 };
        commits.push((parents, 1_700_000_000 + 1000 * number as i64 - back));
    }
    commits
}

fn id(number: usize) -> Oid {
    Oid::hash_object(ObjectType::Blob, &number.to_le_bytes()).unwrap()
}

fn fill(database: &Connection, commits: &[(Vec<usize>, i64)]) {
    let mut inserter = Inserter::new(database).unwrap();
    for (number, (parents, time)) in commits.iter().enumerate() {
        let commit = Commit {
            id: id(number),
            tree: id(number),
            parents: parents.iter().map(|parent| id(*parent)).collect(),
            author: "Ann".to_owned(),
            email: "ann@example.com".to_owned(),
            message: format!("Commit {number}"),
            time: *time,
        };
        let step = Step { commit, changed: vec![String::new()] };
        assert!(inserter.insert(&step).unwrap());
        assert!(inserter.insert(&step).unwrap(), "a second time changes nothing");
    }
    inserter.keep().unwrap();
}

#[test]
fn a_time_and_a_name_find_what_a_walk_finds() {
    let home = tempfile::TempDir::new().unwrap();
    let mut chance = Chance(5);
    for round in 0..5 {
        let database = file::open(&home.path().join(round.to_string())).unwrap();
        let commits = history(&mut chance);
        fill(&database, &commits);
        for tip in 0..commits.len() {
            let place = place_of(&database, id(tip)).unwrap().unwrap();
            let mut way = vec![tip];
            while let Some(parent) = commits[way[way.len() - 1]].0.first() {
                way.push(*parent);
            }
            for _ in 0..10 {
                let time = 1_700_000_000 + chance.below(125_000) as i64 - 3000;
                let mut expected = None;
                for number in &way {
                    expected = (commits[*number].1 <= time).then_some(expected.unwrap_or(*number));
                }
                let found = at(&database, place, date(time)).unwrap();
                assert_eq!(found, expected.map(|number| CommitId(id(number))), "{tip} at {time}");
            }
            let mut reachable = BTreeSet::new();
            let mut open = vec![tip];
            while let Some(number) = open.pop() {
                if reachable.insert(number) {
                    open.extend(&commits[number].0);
                }
            }
            for number in 0..commits.len() {
                let expected = reachable.contains(&number).then(|| CommitId(id(number)));
                let name = id(number).to_string();
                for digits in [&name[..], &name[..9]] {
                    assert_eq!(resolve(&database, place, digits).unwrap(), expected, "{tip} {number}");
                }
            }
            let wanted = Wanted { after: None, limit: 3, takes: None };
            let listing = page(&database, place, "", &wanted).unwrap().unwrap();
            assert_eq!(listing.total, way.len());
            let ids: Vec<_> = listing.items.iter().map(|item| item.id.0).collect();
            assert_eq!(ids, way.iter().take(3).map(|number| id(*number)).collect::<Vec<_>>());
        }
    }
}

/// Two commits whose ids begin alike: a beginning that both have names neither, unless only one can be meant.
#[test]
fn a_beginning_that_two_commits_share_names_none() {
    let home = tempfile::TempDir::new().unwrap();
    let database = file::open(&home.path().join("index")).unwrap();
    let mut inserter = Inserter::new(&database).unwrap();
    let [one, other] =
        ["1", "2"].map(|end| Oid::from_str(&format!("{}{end}", "ab".repeat(19) + "c")).unwrap());
    for (id, parents) in [(one, vec![]), (other, vec![one])] {
        let commit = Commit {
            id,
            tree: id,
            parents,
            author: String::new(),
            email: String::new(),
            message: String::new(),
            time: 0,
        };
        inserter.insert(&Step { commit, changed: Vec::new() }).unwrap();
    }
    inserter.keep().unwrap();
    let [first, second] = [one, other].map(|id| place_of(&database, id).unwrap().unwrap());
    assert_eq!(resolve(&database, second, "abababa").unwrap(), None);
    assert_eq!(resolve(&database, first, "abababa").unwrap(), Some(CommitId(one)));
    assert_eq!(resolve(&database, second, &other.to_string()).unwrap(), Some(CommitId(other)));
}
