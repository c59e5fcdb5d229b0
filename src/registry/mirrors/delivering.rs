//! What a copy elsewhere lacks, and what of that can be delivered without losing anything there.

use std::collections::BTreeSet;

use super::Archives;
use super::pattern;
use super::standing::Behind;
use crate::ledger::remote::{Delivery, Left, Refs};
use crate::ledger::{Damage, ObjectId, Place, Reader, place};

/// What is to be delivered.
#[derive(Debug, Default)]
pub struct Plan {
    /// What is new there, or leads on from what is there.
    pub first: Vec<Delivery>,
    /// What takes something away there, once what keeps it is there.
    pub then: Vec<Delivery>,
    /// What has gone elsewhere there.
    pub elsewhere: Vec<String>,
    pub behind: Behind,
}

/// What a plan is made of.
pub struct Sides<'a> {
    pub reader: &'a Reader,
    /// What is here, and what is there, as far as the mirror is about it.
    pub here: &'a Refs,
    pub there: &'a Refs,
    /// What was left there.
    pub left: &'a Left,
    pub archives: Archives,
}

fn is_archive(name: &str) -> bool {
    place(name).is_some_and(|(_, place)| matches!(place, Place::Archive | Place::ArchivedTag))
}

/// Those of some refs that are of these configurations.
pub fn only(refs: Refs, configurations: &[String]) -> Refs {
    let about = |name: &str| place(name).is_some_and(|(branch, _)| pattern::fits(configurations, branch));
    refs.into_iter().filter(|(name, _)| about(name)).collect()
}

impl Plan {
    /// Leaves the releases of configurations that go there: the other side puts them away with theirs, and new ones can
    /// come only after that.
    fn leave_releases(&mut self) {
        let going: BTreeSet<String> = self
            .then
            .iter()
            .filter_map(|delivery| place(&delivery.name))
            .filter(|(_, place)| *place == Place::Branch)
            .map(|(branch, _)| branch.to_owned())
            .collect();
        let is_left = |delivery: &Delivery| {
            place(&delivery.name).is_some_and(|(branch, place)| place == Place::Tag && going.contains(branch))
        };
        self.first.retain(|delivery| !is_left(delivery));
        self.then.retain(|delivery| !is_left(delivery));
    }
}

impl Sides<'_> {
    /// What is to be delivered.
    ///
    /// # Errors
    /// A commit that decides cannot be read.
    pub fn plan(&self) -> Result<Plan, Damage> {
        let mut plan = Plan::default();
        for (name, id) in
            self.here.iter().filter(|(name, _)| self.archives == Archives::Sent || !is_archive(name))
        {
            match self.there.get(name) {
                Some(found) if found == id => {}
                found => self.bring(name, *id, found.copied(), &mut plan)?,
            }
        }
        for (name, id) in self.there.iter().filter(|(name, _)| !self.here.contains_key(*name)) {
            // What was put there by others stays there, and so do archives.
            if !self.is_done_with(name, *id)? {
                continue;
            }
            plan.behind.refs += 1;
            if self.archives == Archives::Nowhere {
                plan.elsewhere.push(format!(
                    "{name} is at {id} there, where nothing else keeps it (archives = false), and was deleted here"
                ));
            } else {
                plan.then.push(Delivery { name: name.clone(), to: None, replaces: Some(*id) });
            }
        }
        if self.archives == Archives::There {
            plan.leave_releases();
        }
        Ok(plan)
    }

    fn bring(
        &self,
        name: &str,
        id: ObjectId,
        found: Option<ObjectId>,
        plan: &mut Plan,
    ) -> Result<(), Damage> {
        plan.behind.refs += 1;
        let delivery = || Delivery { name: name.to_owned(), to: Some(id), replaces: None };
        let is_branch = place(name).is_some_and(|(_, place)| place == Place::Branch);
        match found {
            None => {
                plan.behind.commits += usize::from(is_branch);
                plan.first.push(delivery());
            }
            Some(old) => match if is_branch { self.reader.leads(old, id)? } else { None } {
                Some(commits) => {
                    plan.behind.commits += commits;
                    plan.first.push(delivery());
                }
                None if self.archives != Archives::Nowhere && self.is_done_with(name, old)? => {
                    // Another instance of this service takes nothing by force: it comes when the old one has gone.
                    let to = (self.archives == Archives::Sent).then_some(id);
                    plan.then.push(Delivery { name: name.to_owned(), to, replaces: Some(old) });
                }
                None => plan.elsewhere.push(format!("{name} is at {old} there and at {id} here")),
            },
        }
        Ok(())
    }

    /// Whether what a ref has there was here, and was taken away here: an archive here keeps it, or it is a release that
    /// this service has put there.
    fn is_done_with(&self, name: &str, id: ObjectId) -> Result<bool, Damage> {
        let Some((branch, place)) = place(name) else { return Ok(false) };
        match place {
            Place::Branch => {
                let below = format!("refs/archive/{branch}/");
                let mut archives =
                    self.here.iter().filter(|(name, _)| name.starts_with(&below)).map(|(_, id)| *id);
                if archives.clone().any(|archive| archive == id) {
                    return Ok(true);
                }
                archives
                    .try_fold(false, |kept, archive| Ok(kept || self.reader.leads(id, archive)?.is_some()))
            }
            Place::Tag => {
                let below = format!("refs/archive-tags/{branch}/");
                let archived = self.here.iter().any(|(name, kept)| name.starts_with(&below) && *kept == id);
                Ok(archived || self.left.at(name) == Some(id))
            }
            Place::Archive | Place::ArchivedTag => Ok(false),
        }
    }
}
