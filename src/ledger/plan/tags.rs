//! Tags in a batch: made, taken away, put away with their branch, and brought back.

use std::collections::BTreeSet;

use super::{
    BranchName, Change, CommitId, Damage, Head, Object, ObjectId, ObjectKind, Plan, Refused, Written, unread,
};
use crate::ledger::change::{State, Tagged};
use crate::ledger::tag::{self, ARCHIVED_TAGS, TAGS, TagName};

impl Plan<'_> {
    pub(super) fn tag(
        &mut self,
        change: &Change,
        head: Head,
        name: &TagName,
        commit: CommitId,
        message: &str,
        states: &[State],
    ) -> Result<Written, Refused> {
        let (branch, version) = (&change.branch, head.commit);
        let full = name.full(branch);
        let found = self.named(&full).map_err(|damage| unread(&damage))?;
        check(states, found, version)?;
        let tagged = match found {
            Some(id) => {
                let leads_to = self.commit_of(branch, name, id).map_err(|damage| unread(&damage))?;
                if leads_to != Some(commit) {
                    let commit = leads_to.unwrap_or(CommitId(id.0));
                    return Err(Refused::TagElsewhere { commit, version });
                }
                Tagged { id, is_new: false }
            }
            None => {
                self.check_room_for_tags(branch)?;
                let bytes = tag::encode(commit, branch, name, &change.author, self.now, message);
                let object = Object::of(ObjectKind::Tag, bytes);
                let id = object.id;
                self.keep([object].into_iter());
                self.move_tag(full, None, Some(id));
                Tagged { id, is_new: true }
            }
        };
        Ok(Written { head, commits: Vec::new(), archive: None, tagged: Some(tagged) })
    }

    /// A tag that others made becomes one of the branch's.
    pub(super) fn adopt_tag(
        &mut self,
        branch: &BranchName,
        head: Head,
        name: &TagName,
        id: ObjectId,
    ) -> Result<Written, Refused> {
        let (version, full) = (head.commit, name.full(branch));
        if let Some(found) = self.named(&full).map_err(|damage| unread(&damage))? {
            let leads_to = self.commit_of(branch, name, found).map_err(|damage| unread(&damage))?;
            let commit = leads_to.unwrap_or(CommitId(found.0));
            return Err(Refused::TagElsewhere { commit, version });
        }
        self.check_room_for_tags(branch)?;
        self.foreign = true;
        self.move_tag(full, None, Some(id));
        let tagged = Some(Tagged { id, is_new: true });
        Ok(Written { head, commits: Vec::new(), archive: None, tagged })
    }

    /// Git keeps no tags below one.
    fn check_room_for_tags(&self, branch: &BranchName) -> Result<(), Refused> {
        let above = format!("{TAGS}{branch}");
        match self.reader.named(&above).map_err(|damage| unread(&damage))? {
            Some(_) => {
                Err(Refused::NotWritten(format!("there is a ref {above}, so git cannot keep tags below it")))
            }
            None => Ok(()),
        }
    }

    pub(super) fn untag(
        &mut self,
        branch: &BranchName,
        head: Head,
        name: &TagName,
        states: &[State],
    ) -> Result<Written, Refused> {
        let full = name.full(branch);
        let found = self.named(&full).map_err(|damage| unread(&damage))?;
        if found.is_none() {
            return Err(Refused::NoTag { version: head.commit });
        }
        check(states, found, head.commit)?;
        self.move_tag(full, found, None);
        Ok(Written { head, commits: Vec::new(), archive: None, tagged: None })
    }

    /// The tags of a branch that goes lie beside its archive.
    pub(super) fn put_tags_away(&mut self, branch: &BranchName, archive: &str) -> Result<(), Damage> {
        let folder = tag::folder(branch);
        let there = self.reader.tag_refs(branch)?.into_iter().map(|(name, _)| name.full(branch));
        let made = self.tags.keys().filter(|full| full.starts_with(&folder)).cloned();
        let names: BTreeSet<String> = there.chain(made).collect();
        for full in names {
            if let Some(id) = self.named(&full)? {
                let name = full.strip_prefix(&folder).unwrap_or_default();
                self.move_tag(format!("{ARCHIVED_TAGS}{archive}/{name}"), None, Some(id));
                self.move_tag(full, Some(id), None);
            }
        }
        Ok(())
    }

    /// They say whose they are, so only a branch of the same name gets them back. The archive keeps them, too.
    pub(super) fn bring_tags_back(&mut self, branch: &BranchName, archive: &str) -> Result<(), Damage> {
        if archive.split('/').next() != Some(branch.as_str()) {
            return Ok(());
        }
        for (name, id) in self.reader.archived_tags(archive)? {
            let full = name.full(branch);
            if self.named(&full)?.is_none() {
                self.move_tag(full, None, Some(id));
            }
        }
        Ok(())
    }

    /// What a tag's ref names in the state so far.
    fn named(&self, full: &str) -> Result<Option<ObjectId>, Damage> {
        match self.tags.get(full) {
            Some([_, now]) => Ok(*now),
            None => self.reader.named(full),
        }
    }

    /// The commit that a tag leads to, which may be one of this batch.
    fn commit_of(
        &self,
        branch: &BranchName,
        name: &TagName,
        id: ObjectId,
    ) -> Result<Option<CommitId>, Damage> {
        let fresh = self.batch.objects.iter().find(|object| object.id == id);
        match fresh {
            Some(object) => Ok(tag::target(&object.bytes)),
            None => Ok(self.reader.tag(branch, name)?.filter(|tag| tag.id == id).map(|tag| tag.commit)),
        }
    }

    fn move_tag(&mut self, full: String, from: Option<ObjectId>, to: Option<ObjectId>) {
        self.tags.entry(full).or_insert([from, to])[1] = to;
    }
}

fn check(states: &[State], found: Option<ObjectId>, version: CommitId) -> Result<(), Refused> {
    match states.iter().position(|state| !state.holds(found)) {
        Some(index) => Err(Refused::TagState { index, version }),
        None => Ok(()),
    }
}
