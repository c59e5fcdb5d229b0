//! What comes in as commits that others have made: by a push, from a remote branch, or by hand. It is looked through
//! before anything is accepted, and accepted by the committer, among all other changes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::error::Error;
use super::inspection::untimely;
use super::{ObjectId, Registry, Result, name};
use crate::ledger::{
    Action, BranchName, Change, CommitId, Identity, Judge, Objection, Reader, Refused, Requirement, Share,
    State, Subject, TagName, Way,
};

/// A ref that is to move; `None` is its absence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// In full: `refs/heads/prod`, `refs/tags/prod/v1`.
    pub name: String,
    /// Where whoever asks saw it last.
    pub from: Option<ObjectId>,
    pub to: Option<ObjectId>,
}

/// Why an update is not accepted: lines for people, each with the file that it is about, where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit(pub Vec<String>);

/// What a ref is to this service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Configuration(BranchName),
    Release(BranchName, TagName),
}

/// Whether an update can be accepted.
pub type Fit = std::result::Result<(), Unfit>;

fn unfit(line: impl Into<String>) -> Unfit {
    Unfit(vec![line.into()])
}

impl Target {
    /// What a ref is.
    ///
    /// # Errors
    /// The service has no use for it.
    pub fn of(full: &str) -> std::result::Result<Self, Unfit> {
        let names = "a branch is named like a configuration, a tag like prod/v1: a configuration, and a release of it";
        let bad = |text: &str, fault: &dyn std::fmt::Display| unfit(format!("{text:?} {fault}; {names}"));
        if let Some(branch) = full.strip_prefix("refs/heads/") {
            return name::parse(branch).map(Target::Configuration).map_err(|fault| bad(branch, &fault));
        }
        let Some(tag) = full.strip_prefix("refs/tags/") else {
            return Err(unfit(format!("{full} is neither a branch nor a tag; {names}")));
        };
        let Some((branch, release)) = tag.split_once('/') else {
            return Err(unfit(format!("the tag {tag:?} does not say of which configuration it is; {names}")));
        };
        let branch = name::parse(branch).map_err(|fault| bad(branch, &fault))?;
        let release = TagName::parse(release).map_err(|fault| bad(release, &fault))?;
        Ok(Target::Release(branch, release))
    }

    /// The configuration that it is or belongs to.
    pub fn configuration(&self) -> &BranchName {
        match self {
            Target::Configuration(branch) | Target::Release(branch, _) => branch,
        }
    }
}

impl Registry {
    /// Looks through what updates bring: every commit that is not yet in any configuration, with every file. Their
    /// objects may lie in `quarantine`, a folder of objects beside the repository's own.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub async fn look_through(
        self: &Arc<Self>,
        updates: Vec<Update>,
        quarantine: Option<PathBuf>,
    ) -> Result<Vec<Fit>> {
        if updates.len() > MOST {
            let why = format!("a push moves {MOST} refs at most; push some of them first");
            return Ok(updates.iter().map(|_| Err(unfit(why.clone()))).collect());
        }
        let place = Arc::clone(&self.inspections).acquire_owned().await.map_err(|_| Error::Broken)?;
        let registry = Arc::clone(self);
        let look = self.aside(move || {
            // As long as it is being looked through, whoever waits for that.
            let _place = place;
            let reader = Arc::clone(registry.ledger.reader());
            let reader = match quarantine {
                Some(objects) => {
                    Arc::new(reader.beside(objects).map_err(|error| Error::Damaged(error.to_string()))?)
                }
                None => reader,
            };
            // A release may be of a version that comes with it.
            let coming: BTreeMap<_, _> =
                updates.iter().map(|update| (update.name.clone(), update.to)).collect();
            updates.iter().map(|update| registry.look(&reader, update, &coming)).collect()
        });
        Ok(look.await?)
    }

    fn look(
        &self,
        reader: &Reader,
        update: &Update,
        coming: &BTreeMap<String, Option<ObjectId>>,
    ) -> std::result::Result<Fit, Error> {
        let target = match Target::of(&update.name) {
            Ok(target) => target,
            Err(unfit) => return Ok(Err(unfit)),
        };
        match target {
            Target::Configuration(branch) => self.look_at_branch(reader, &branch, update),
            Target::Release(branch, name) => {
                let coming = coming.get(&format!("refs/heads/{branch}")).copied();
                self.look_at_tag(reader, &branch, &name, update, coming)
            }
        }
    }

    fn look_at_branch(
        &self,
        reader: &Reader,
        branch: &BranchName,
        update: &Update,
    ) -> std::result::Result<Fit, Error> {
        if let Some(damage) = self.catalogue.lost(branch.as_str()) {
            return Ok(Err(unfit(format!("{branch} cannot be read: {damage}"))));
        }
        let now = self.version_of(branch.as_str());
        if now.map(ObjectId::from) != update.from {
            return Ok(Err(elsewhere(branch, now)));
        }
        let Some(to) = update.to else { return Ok(Ok(())) };
        let Some((to, _)) = reader.commit_behind(to)?.filter(|(commit, _)| ObjectId::from(*commit) == to)
        else {
            return Ok(Err(unfit("a branch leads to a commit, and this is none")));
        };
        match self.inspector.judge(reader, branch, now, to) {
            Ok(()) => Ok(Ok(())),
            Err(Objection::Parted { from, way: Way::Aside }) => Ok(Err(unfit(aside(branch, from)))),
            Err(Objection::Parted { from, .. }) => Ok(Err(unfit(away(branch, from)))),
            Err(Objection::Wrong(lines)) => Ok(Err(Unfit(lines))),
            Err(Objection::Damage(damage)) => Err(damage.into()),
        }
    }

    fn look_at_tag(
        &self,
        reader: &Reader,
        branch: &BranchName,
        name: &TagName,
        update: &Update,
        coming: Option<Option<ObjectId>>,
    ) -> std::result::Result<Fit, Error> {
        let missing =
            || unfit(format!("there is no configuration {branch} that {name} could be a release of"));
        let now = self.version_of(branch.as_str());
        let (from, to) = match (update.from, update.to) {
            (_, None) => return Ok(if now.is_some() { Ok(()) } else { Err(missing()) }),
            (from, Some(to)) => (from, to),
        };
        if from.is_some() {
            let why = format!(
                "release {name} of {branch} is there, and stays what it is; delete it first (`git push --delete`), or \
                 take another name"
            );
            return Ok(Err(unfit(why)));
        }
        let Some((commit, size)) = reader.commit_behind(to)? else {
            return Ok(Err(unfit("a release leads to a commit, directly or by one annotated tag")));
        };
        if size > LARGEST_TAG && ObjectId::from(commit) != to {
            return Ok(Err(unfit(format!("the tag has {size} bytes; {LARGEST_TAG} is the most"))));
        }
        if let Some((says, time)) = reader.tag_says(to)? {
            let full = format!("{branch}/{name}");
            let wrong = match time {
                _ if says != full => Some(format!("it says of itself that it is {says:?}, not {full:?}")),
                None => Some("it does not say who made it".to_owned()),
                Some(seconds) => untimely("tagger", seconds),
            };
            if let Some(wrong) = wrong {
                return Ok(Err(unfit(format!("the tag is not as `git tag -a {full}` makes it: {wrong}"))));
            }
        }
        let tip = match coming {
            Some(Some(coming)) => reader.commit_behind(coming)?.map(|(commit, _)| commit),
            Some(None) => None,
            None => now,
        };
        let Some(tip) = tip else { return Ok(Err(missing())) };
        if !reader.includes(tip, commit)? {
            let why = format!("{} is no version of {branch}; push that first", commit.short());
            return Ok(Err(unfit(why)));
        }
        Ok(Ok(()))
    }

    /// Does an update that was looked through and found right, and whose objects are in the repository by now: a branch
    /// that comes is a new configuration, one that moves has new versions, one that goes is put away; a tag is a release.
    /// When this answers `Ok(Ok)`, the update survives a power cut and is seen by all. `who` is named where a change has an
    /// author.
    ///
    /// # Errors
    /// As for any other write. Where the ref is elsewhere by now, [`Unfit`] says so, and nothing was done.
    pub async fn accept(self: &Arc<Self>, update: &Update, who: &Identity) -> Result<Fit> {
        let target = match Target::of(&update.name) {
            Ok(target) => target,
            Err(unfit) => return Ok(Err(unfit)),
        };
        let registry = Arc::clone(self);
        // What others wrote is nowhere else, so it must last before anything rests on it.
        if update.to.is_some() {
            let sync = self.aside(move || {
                let synced = registry.ledger.sync();
                synced.map_err(|error| Error::NotTaken(Refused::NotWritten(error.to_string())))
            });
            sync.await?;
        }
        let branch = target.configuration().clone();
        let mut requirements = Vec::new();
        let action = match (&target, update.from, update.to) {
            (Target::Configuration(_), None, None) | (Target::Release(..), None, None) => {
                return Ok(Err(unfit(format!("there is no {}", update.name))));
            }
            (Target::Configuration(_), from, Some(to)) => Action::Adopt { from, to: self.commit(to).await? },
            (Target::Configuration(_), Some(from), None) => {
                let state = State::OneOf(vec![from]);
                requirements.push(Requirement { subject: Subject::Branch, state });
                Action::Archive
            }
            (Target::Release(_, name), _, Some(id)) => {
                if !self.is_version(&branch, id).await? {
                    return Ok(Err(unfit(format!("it leads to no version of {branch}"))));
                }
                Action::AdoptTag { name: name.clone(), id }
            }
            (Target::Release(_, name), Some(from), None) => {
                Action::Untag { name: name.clone(), states: vec![State::OneOf(vec![from])] }
            }
        };
        let change = Change { branch, requirements, action, author: who.clone(), share: Share::default() };
        self.adopt(change, &target).await
    }

    async fn adopt(&self, change: Change, target: &Target) -> Result<Fit> {
        let branch = change.branch.clone();
        match self.ledger.change(change).await {
            Ok(_) => Ok(Ok(())),
            Err(Refused::Elsewhere { version } | Refused::Requirement { version, .. }) => {
                Ok(Err(elsewhere(&branch, version)))
            }
            Err(Refused::NoBranch(_)) => Ok(Err(unfit(format!("there is no configuration {branch}")))),
            Err(Refused::TagElsewhere { .. } | Refused::TagState { .. } | Refused::NoTag { .. }) => {
                let Target::Release(_, name) = target else { return Err(Error::Broken.into()) };
                Ok(Err(unfit(format!(
                    "release {name} of {branch} has changed meanwhile; fetch and try again"
                ))))
            }
            Err(refused) => Err(Error::NotTaken(refused).into()),
        }
    }

    async fn commit(self: &Arc<Self>, id: ObjectId) -> std::result::Result<CommitId, Error> {
        let reader = Arc::clone(self.ledger.reader());
        self.aside(move || {
            let found = reader.commit_behind(id)?.map(|(commit, _)| commit);
            found
                .filter(|commit| ObjectId::from(*commit) == id)
                .ok_or_else(|| Error::Damaged(format!("{id} is no commit")))
        })
        .await
    }

    async fn is_version(self: &Arc<Self>, branch: &BranchName, id: ObjectId) -> Result<bool> {
        let (registry, branch) = (Arc::clone(self), branch.clone());
        let found = self.aside(move || {
            let Some(version) = registry.version_of(branch.as_str()) else { return Ok(false) };
            let reader = registry.ledger.reader();
            match reader.commit_behind(id)? {
                Some((commit, _)) => Ok(reader.includes(version, commit)?),
                None => Ok(false),
            }
        });
        Ok(found.await?)
    }
}

/// So many refs are moved by one push.
const MOST: usize = 1000;
/// In bytes. Releases are listed with their messages.
const LARGEST_TAG: usize = 64 << 10;

fn aside(branch: &BranchName, from: CommitId) -> String {
    format!(
        "is a merge the wrong way round: the first parents of what is pushed do not lead to {}, the newest version of \
         {branch}, so its versions would vanish from the list; `git rebase` onto it, or check it out and merge into it",
        from.short()
    )
}

fn away(branch: &BranchName, from: CommitId) -> String {
    format!(
        "is no fast-forward: {} is the newest version of {branch}, and what is pushed does not come after it; `git \
         pull --rebase` first. Versions are never taken back",
        from.short()
    )
}

fn elsewhere(branch: &BranchName, now: Option<CommitId>) -> Unfit {
    unfit(match now {
        Some(now) => format!("{branch} is at {} by now; fetch, and try again", now.short()),
        None => format!("there is no configuration {branch} any more; fetch, and try again"),
    })
}
