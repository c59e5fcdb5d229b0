//! A batch in the making: each change is decided against the state that the changes before it leave, and what it adds is
//! made, so that a commit's id is known before anything is written.

mod tags;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, SubsecRound, Utc};
use imbl::OrdMap;

use super::adoption::adopted;
use super::batch::{Batch, Object, ObjectKind, RefMove};
use super::change::{Action, Change, Draft, Refused, Written};
use super::commit::{self, CommitRecord, Identity};
use super::committed::{Committed, FileChange};
use super::edit::Blob;
use super::id::{ARCHIVES, BranchName, CommitId, ObjectId};
use super::index::Fresh;
use super::reader::{Damage, Reader};
use super::tree::{Head, Tree};

/// The newest state of every branch.
pub type Heads = OrdMap<BranchName, Head>;

/// What became of a branch in a batch.
pub enum Fate {
    /// Files changed; `None` is a file that was removed. Those that are `ours` were written by this program.
    Files { files: BTreeMap<String, Option<Blob>>, ours: bool },
    /// It came or went.
    Anew,
}

/// A batch in the making.
pub struct Plan<'a> {
    pub heads: Heads,
    pub batch: Batch,
    known: HashSet<ObjectId>,
    /// Where each touched branch was before the batch.
    pub starts: BTreeMap<BranchName, Option<CommitId>>,
    pub fates: BTreeMap<BranchName, Fate>,
    /// Each touched tag's ref, and the object that it named before the batch and names now.
    pub tags: BTreeMap<String, [Option<ObjectId>; 2]>,
    /// The commits so far, with what they changed.
    pub fresh: Vec<Fresh>,
    /// Others made some of what there is now.
    pub foreign: bool,
    /// The same for each branch that stays.
    pub committed: BTreeMap<BranchName, Vec<Committed>>,
    committer: &'a Identity,
    reader: &'a Reader,
    now: DateTime<Utc>,
}

impl<'a> Plan<'a> {
    pub fn new(heads: Heads, committer: &'a Identity, reader: &'a Reader) -> Self {
        Plan {
            heads,
            batch: Batch::default(),
            known: HashSet::new(),
            starts: BTreeMap::new(),
            fates: BTreeMap::new(),
            tags: BTreeMap::new(),
            fresh: Vec::new(),
            foreign: false,
            committed: BTreeMap::new(),
            committer,
            reader,
            now: Utc::now().trunc_subsecs(0),
        }
    }

    pub fn decide(&mut self, change: &Change) -> Result<Written, Refused> {
        let head = self.heads.get(&change.branch).cloned();
        for (index, requirement) in change.requirements.iter().enumerate() {
            if !requirement.holds(head.as_ref()) {
                let version = head.map(|head| head.commit);
                return Err(Refused::Requirement { index, version });
            }
        }
        match (&change.action, head) {
            (Action::Commit(drafts), Some(head)) => self.commit(change, Some(head), drafts),
            (Action::Merge { merged, .. }, Some(head)) if head.merged != *merged => Err(Refused::Overtaken),
            (Action::Merge { draft, theirs, .. }, Some(head)) => self.merge(change, head, draft, *theirs),
            (Action::Create { from, drafts, archive }, None) => {
                let begin = from.map(|commit| self.reader.state(commit)).transpose();
                let begin = begin.map_err(|damage| Refused::NotWritten(damage.to_string()))?;
                self.check_room(&change.branch)?;
                let written = self.commit(change, begin, drafts)?;
                if let Some(archive) = archive {
                    self.bring_tags_back(&change.branch, archive).map_err(|damage| unread(&damage))?;
                }
                self.settle(&change.branch, Some(written.head.clone()), Fate::Anew);
                Ok(written)
            }
            (Action::Adopt { from, to }, head) => self.adopt(&change.branch, head.as_ref(), *from, *to),
            (Action::AdoptTag { name, id }, Some(head)) => self.adopt_tag(&change.branch, head, name, *id),
            (Action::Archive, Some(head)) => self.archive(&change.branch, head),
            (Action::Tag { name, commit, message, states }, Some(head)) => {
                self.tag(change, head, name, *commit, message, states)
            }
            (Action::Untag { name, states }, Some(head)) => self.untag(&change.branch, head, name, states),
            (
                Action::Commit(_)
                | Action::Merge { .. }
                | Action::AdoptTag { .. }
                | Action::Archive
                | Action::Tag { .. }
                | Action::Untag { .. },
                None,
            ) => Err(Refused::NoBranch(change.branch.clone())),
            (Action::Create { .. }, Some(_)) => Err(Refused::BranchExists(change.branch.clone())),
        }
    }

    fn commit(&mut self, change: &Change, begin: Option<Head>, drafts: &[Draft]) -> Result<Written, Refused> {
        let mut head = begin;
        let mut commits = Vec::new();
        for draft in drafts {
            if let Some(new) = self.make(change, head.as_ref(), draft, None) {
                commits.push(new.commit);
                head = Some(new);
            }
        }
        match head {
            Some(head) => Ok(Written { head, commits, archive: None, tagged: None }),
            None => Err(Refused::NotWritten("a branch needs a first commit".to_owned())),
        }
    }

    fn merge(
        &mut self,
        change: &Change,
        head: Head,
        draft: &Draft,
        theirs: CommitId,
    ) -> Result<Written, Refused> {
        let time = self.reader.time(theirs).map_err(|damage| Refused::NotWritten(damage.to_string()))?;
        let made = self.make(change, Some(&head), draft, Some((theirs, time)));
        let commits = made.iter().map(|made| made.commit).collect();
        Ok(Written { head: made.unwrap_or(head), commits, archive: None, tagged: None })
    }

    /// The branch after a commit, if there is one to make. A merge, told with its second parent's time, is one even if
    /// it changes no file.
    fn make(
        &mut self,
        change: &Change,
        head: Option<&Head>,
        draft: &Draft,
        merged: Option<(CommitId, DateTime<Utc>)>,
    ) -> Option<Head> {
        let mut files = head.map_or_else(Tree::empty, |head| head.files().clone());
        let mut touched = BTreeMap::new();
        let objects = files.edit(&draft.edits, |path, blob| {
            touched.insert(path, blob);
        });
        let same = head.is_some_and(|head| head.files().id == files.id);
        if same && merged.is_none() {
            return None;
        }
        // A clock that goes back must not make a child older than its parents: history is asked by time.
        let parents = head.map(|head| (head.commit, head.time)).into_iter().chain(merged);
        let time = parents.clone().map(|(_, time)| time).fold(self.now, DateTime::max);
        let parents: Vec<_> = parents.map(|(commit, _)| commit).collect();
        let bytes = commit::encode(files.id, &parents, &change.author, self.committer, time, &draft.message);
        let object = Object::of(ObjectKind::Commit, bytes);
        let commit = CommitId(object.id.0);
        let changed = if same { Vec::new() } else { changed(head.map(Head::files), &files, touched.keys()) };
        let record = CommitRecord {
            id: commit,
            author: change.author.name().to_owned(),
            email: change.author.email().to_owned(),
            message: draft.message.trim_end().to_owned(),
            time,
            parents,
        };
        let changes = files_changed(head.map(Head::files), &files, touched.keys());
        let committed = Committed { commit: record, files: changes };
        self.committed.entry(change.branch.clone()).or_default().push(committed);
        self.fresh.push(Fresh { id: commit, bytes: object.bytes.clone(), changed });
        self.keep(objects.into_iter().chain([object]));
        let new = Head::new(commit, time, files);
        let new = match head {
            Some(before) if merged.is_none() => new.after(before),
            _ => new,
        };
        self.settle(&change.branch, Some(new.clone()), Fate::Files { files: touched, ours: true });
        Some(new)
    }

    /// Git keeps no branch whose name is a folder of others.
    fn check_room(&self, branch: &BranchName) -> Result<(), Refused> {
        let below = self.reader.has_below(branch);
        if below.map_err(|damage| Refused::NotWritten(damage.to_string()))? {
            let why = format!("there are branches below {branch}, so git cannot keep it");
            return Err(Refused::NotWritten(why));
        }
        Ok(())
    }

    /// Takes commits that others made as they are.
    fn adopt(
        &mut self,
        branch: &BranchName,
        head: Option<&Head>,
        from: Option<ObjectId>,
        to: CommitId,
    ) -> Result<Written, Refused> {
        let version = head.map(|head| head.commit);
        if version.map(ObjectId::from) != from {
            return Err(Refused::Elsewhere { version });
        }
        if head.is_none() {
            self.check_room(branch)?;
        }
        let adopted = adopted(self.reader, head, to).map_err(|damage| unread(&damage))?;
        self.foreign = true;
        let mut commits = Vec::new();
        let fate = match adopted.steps {
            Some(steps) => {
                commits.extend(steps.commits.iter().map(|committed| committed.commit.id));
                self.committed.entry(branch.clone()).or_default().extend(steps.commits);
                Fate::Files { files: steps.files, ours: false }
            }
            None => Fate::Anew,
        };
        self.settle(branch, Some(adopted.head.clone()), fate);
        Ok(Written { head: adopted.head, commits, archive: None, tagged: None })
    }

    fn archive(&mut self, branch: &BranchName, head: Head) -> Result<Written, Refused> {
        let name = self.free_archive(branch).map_err(|damage| Refused::NotWritten(damage.to_string()))?;
        self.batch.moves.push(RefMove {
            name: format!("{ARCHIVES}{name}"),
            from: None,
            to: Some(head.commit.into()),
        });
        self.put_tags_away(branch, &name).map_err(|damage| unread(&damage))?;
        self.settle(branch, None, Fate::Anew);
        Ok(Written { head, commits: Vec::new(), archive: Some(name), tagged: None })
    }

    /// A name by the time, and a count for those of the same second.
    fn free_archive(&self, branch: &BranchName) -> Result<String, Damage> {
        let stamp = format!("{branch}/{}", self.now.format("%Y%m%dT%H%M%SZ"));
        let mut name = stamp.clone();
        for count in 2.. {
            let full = format!("{ARCHIVES}{name}");
            if self.batch.moves.iter().all(|m| m.name != full) && self.reader.archive(&name)?.is_none() {
                break;
            }
            name = format!("{stamp}.{count}");
        }
        Ok(name)
    }

    fn keep(&mut self, objects: impl Iterator<Item = Object>) {
        for object in objects {
            if self.known.insert(object.id) {
                self.batch.objects.push(object);
            }
        }
    }

    /// Moves a branch in the state so far, and notes what that does to it.
    fn settle(&mut self, branch: &BranchName, head: Option<Head>, fate: Fate) {
        let before = match head {
            Some(head) => self.heads.insert(branch.clone(), head),
            None => self.heads.remove(branch),
        };
        self.starts.entry(branch.clone()).or_insert_with(|| before.map(|head| head.commit));
        match (self.fates.get_mut(branch), fate) {
            (Some(Fate::Anew), _) => {}
            (Some(Fate::Files { files, ours }), Fate::Files { files: more, ours: more_ours }) => {
                files.extend(more);
                *ours &= more_ours;
            }
            (_, fate) => {
                self.fates.insert(branch.clone(), fate);
            }
        }
    }
}

fn unread(damage: &Damage) -> Refused {
    Refused::NotWritten(damage.to_string())
}

/// The paths of what differs between two trees, among the files that were touched and the folders above them; and the
/// whole, which always does.
fn changed<'p>(
    before: Option<&Tree>,
    after: &Tree,
    touched: impl Iterator<Item = &'p String>,
) -> Vec<String> {
    let mut paths = BTreeSet::from([""]);
    for path in touched {
        // What lies in place of a file may be a folder, whose name ends in a slash here.
        let path = path.trim_end_matches('/');
        paths.extend(path.split_once('/').map(|(folder, _)| folder));
        paths.insert(path);
    }
    let differs =
        |path: &&str| path.is_empty() || before.and_then(|before| before.object(path)) != after.object(path);
    paths.into_iter().filter(differs).map(str::to_owned).collect()
}

/// What became of the files that were touched.
fn files_changed<'p>(
    before: Option<&Tree>,
    after: &Tree,
    touched: impl Iterator<Item = &'p String>,
) -> Vec<FileChange> {
    let change = |path: &String| FileChange {
        path: path.clone(),
        before: before.and_then(|before| before.blob(path)),
        after: after.blob(path),
    };
    touched.map(change).filter(|change| change.before != change.after).collect()
}

/// The ref moves of a batch: those of its branches and tags from start to end, and what else it noted.
pub fn moves(
    starts: &BTreeMap<BranchName, Option<CommitId>>,
    heads: &Heads,
    tags: BTreeMap<String, [Option<ObjectId>; 2]>,
    others: Vec<RefMove>,
) -> Vec<RefMove> {
    let branches = starts.iter().map(|(branch, from)| RefMove {
        name: branch.full(),
        from: from.map(ObjectId::from),
        to: heads.get(branch).map(|head| head.commit.into()),
    });
    let tags = tags.into_iter().map(|(name, [from, to])| RefMove { name, from, to });
    // Archives come first: a branch must not go before its commits are kept elsewhere, nor a tag before it is.
    others.into_iter().chain(tags.chain(branches).filter(|m| m.from != m.to)).collect()
}
