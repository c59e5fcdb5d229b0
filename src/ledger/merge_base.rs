//! What two commits have in common. libgit2 could tell, too, but never comes back from a file that is cut off; here every
//! commit is read by the caller, who sees that it is whole.

use std::collections::{BinaryHeap, HashMap};

use git2::Oid;

/// A commit as far as it matters here.
#[derive(Debug, Clone)]
pub struct Link {
    /// In seconds since 1970.
    pub time: i64,
    pub parents: Vec<Oid>,
}

/// What is known of a commit: from which of the two it is reached, and whether from a common ancestor.
type Marks = u8;
const ONE: Marks = 1;
const OTHER: Marks = 2;
const BOTH: Marks = ONE | OTHER;
/// An ancestor of a common ancestor, and so none of the best.
const BELOW: Marks = 4;

/// The common ancestors of two commits that are ancestors of no other common one, in the order of their ids. Goes back, by
/// time, until all that is left is below a common ancestor.
pub fn merge_bases<E>(
    one: Oid,
    other: Oid,
    read: &mut impl FnMut(Oid) -> Result<Link, E>,
) -> Result<Vec<Oid>, E> {
    let found = common(one, other, read)?;
    // Where times go back, one of them may have been found before what leads to it.
    let mut best = Vec::new();
    for candidate in &found {
        let mut is_best = true;
        for above in found.iter().filter(|above| *above != candidate && found.len() > 1) {
            is_best &= !common(*candidate, *above, read)?.contains(candidate);
        }
        best.extend(is_best.then_some(*candidate));
    }
    Ok(best)
}

fn common<E>(one: Oid, other: Oid, read: &mut impl FnMut(Oid) -> Result<Link, E>) -> Result<Vec<Oid>, E> {
    if one == other {
        return Ok(vec![one]);
    }
    let mut walk = Walk::default();
    walk.mark(one, ONE, read)?;
    walk.mark(other, OTHER, read)?;
    let mut found = Vec::new();
    while walk.open > 0
        && let Some((_, id)) = walk.queue.pop()
    {
        let marks = walk.leave(id);
        let mut hand_down = marks;
        if marks & BOTH == BOTH {
            if marks & BELOW == 0 {
                found.push(id);
            }
            hand_down |= BELOW;
        }
        for parent in walk.links[&id].parents.clone() {
            walk.mark(parent, hand_down, read)?;
        }
    }
    found.retain(|id| walk.marks[id] & BELOW == 0);
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

#[derive(Default)]
struct Walk {
    /// By time, newest first. A commit that is marked again after it was left comes again.
    queue: BinaryHeap<(i64, Oid)>,
    queued: HashMap<Oid, usize>,
    marks: HashMap<Oid, Marks>,
    links: HashMap<Oid, Link>,
    /// So many in the queue are not below a common ancestor.
    open: usize,
}

impl Walk {
    fn mark<E>(
        &mut self,
        id: Oid,
        marks: Marks,
        read: &mut impl FnMut(Oid) -> Result<Link, E>,
    ) -> Result<(), E> {
        let before = self.marks.get(&id).copied().unwrap_or_default();
        let after = before | marks;
        if before == after {
            return Ok(());
        }
        let time = match self.links.get(&id) {
            Some(link) => link.time,
            None => self.links.entry(id).or_insert(read(id)?).time,
        };
        let queued = self.queued.entry(id).or_default();
        if before & BELOW == 0 && after & BELOW != 0 {
            self.open -= *queued;
        }
        self.queue.push((time, id));
        *queued += 1;
        self.open += usize::from(after & BELOW == 0);
        self.marks.insert(id, after);
        Ok(())
    }

    /// Takes a commit's place out of the queue. What is known of it?
    fn leave(&mut self, id: Oid) -> Marks {
        let marks = self.marks.get(&id).copied().unwrap_or_default();
        if let Some(queued) = self.queued.get_mut(&id) {
            *queued -= 1;
        }
        self.open -= usize::from(marks & BELOW == 0);
        marks
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use git2::{ObjectType, Repository};

    use super::*;

    const EMPTY: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    /// Numbers that a failure can be repeated with.
    fn below(seed: &mut u32, end: usize) -> usize {
        *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (*seed >> 8) as usize % end
    }

    /// A history with merges, in which now and then a commit is older than its parents.
    fn history(repository: &Repository, seed: &mut u32, skewed: bool) -> Vec<(Oid, Link)> {
        let objects = repository.odb().unwrap();
        objects.write(ObjectType::Tree, b"").unwrap();
        let mut commits: Vec<(Oid, Link)> = Vec::new();
        for number in 0..30 {
            let mut parents = Vec::new();
            for _ in 0..[1, 1, 1, 2, 2, 0][below(seed, 6)] {
                let recent = commits.len().min(6);
                parents.extend((recent > 0).then(|| commits[commits.len() - 1 - below(seed, recent)].0));
            }
            parents.dedup();
            let back = if skewed { below(seed, 5000) } else { 0 };
            let time = 1_700_000_000 + 1000 * number - i64::try_from(back).unwrap();
            let lines: String = parents.iter().map(|parent| format!("parent {parent}\n")).collect();
            let who = format!("A <a@b> {time} +0000");
            let text = format!("tree {EMPTY}\n{lines}author {who}\ncommitter {who}\n\n{number}\n");
            let id = objects.write(ObjectType::Commit, text.as_bytes()).unwrap();
            commits.push((id, Link { time, parents }));
        }
        commits
    }

    /// All that a commit leads to, itself included.
    fn reached_from(links: &HashMap<Oid, Link>, from: Oid) -> std::collections::BTreeSet<Oid> {
        let (mut found, mut todo) = (std::collections::BTreeSet::new(), vec![from]);
        while let Some(id) = todo.pop() {
            if found.insert(id) {
                todo.extend(&links[&id].parents);
            }
        }
        found
    }

    #[test]
    fn bases_are_what_their_definition_and_git_say() {
        let mut crossed = 0;
        for seed in 0..12 {
            let home = tempfile::TempDir::new().unwrap();
            let repository = Repository::init_bare(home.path()).unwrap();
            let skewed = seed % 2 == 1;
            let commits = history(&repository, &mut (seed + 7), skewed);
            let links: HashMap<Oid, Link> = commits.iter().cloned().collect();
            let reached: HashMap<Oid, _> = links.keys().map(|id| (*id, reached_from(&links, *id))).collect();
            let mut read = |id: Oid| Ok::<_, Infallible>(links[&id].clone());
            for (one, _) in commits.iter().step_by(2) {
                for (other, _) in &commits {
                    let common: Vec<Oid> = reached[one].intersection(&reached[other]).copied().collect();
                    let is_best =
                        |id: &Oid| common.iter().all(|above| above == id || !reached[above].contains(id));
                    let expected: Vec<Oid> = common.iter().copied().filter(is_best).collect();
                    let found = merge_bases(*one, *other, &mut read).unwrap();
                    crossed += usize::from(found.len() > 1);
                    assert_eq!(found, expected, "{one} and {other}, seed {seed}");
                    if !skewed {
                        let git = repository.merge_bases(*one, *other);
                        let mut git: Vec<Oid> = git.map(|found| found.to_vec()).unwrap_or_default();
                        git.sort_unstable();
                        assert_eq!(found, git, "{one} and {other}, seed {seed}");
                    }
                }
            }
        }
        assert!(crossed > 0, "some histories cross");
    }

    #[test]
    fn what_lies_below_the_common_ancestor_is_not_read() {
        let id = |number: usize| Oid::hash_object(ObjectType::Blob, &number.to_le_bytes()).unwrap();
        let mut count = 0;
        let mut read = |wanted: Oid| {
            count += 1;
            let number = (0..2002).find(|number| id(*number) == wanted).unwrap();
            let parent = if number > 2000 { 1999 } else { number.saturating_sub(1) };
            let time = i64::try_from(number).unwrap();
            Ok::<_, Infallible>(Link { time, parents: vec![id(parent)] })
        };
        assert_eq!(merge_bases(id(2000), id(2001), &mut read).unwrap(), [id(1999)]);
        assert!(count < 10, "{count}");
    }
}
