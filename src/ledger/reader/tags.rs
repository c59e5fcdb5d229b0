//! Reading tags.

use chrono::DateTime;
use git2::{ErrorClass, ErrorCode, ObjectType, Repository};

use super::{Damage, Reader, Tip, check, find_commit, target};
use crate::ledger::commit;
use crate::ledger::id::{BranchName, CommitId, ObjectId};
use crate::ledger::tag::{ARCHIVED_TAGS, TAGS, TagName, TagRecord, folder};

impl Reader {
    /// A tag of a branch.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn tag(&self, branch: &BranchName, name: &TagName) -> Result<Option<TagRecord>, Damage> {
        self.with(|repository| read(repository, &name.full(branch), name))
    }

    /// The tags of a branch, by name. What cannot be read is told in the log and left out.
    ///
    /// # Errors
    /// The refs cannot be listed.
    pub fn tags(&self, branch: &BranchName) -> Result<Vec<TagRecord>, Damage> {
        let names = self.tags_below(&folder(branch))?.into_iter();
        let read = |(name, _): (TagName, ObjectId)| match self.tag(branch, &name) {
            Ok(tag) => tag,
            Err(damage) => {
                tracing::error!(%branch, tag = %name, %damage, "a tag cannot be read");
                None
            }
        };
        Ok(names.filter_map(read).collect())
    }

    /// The tags of a branch that was archived, as refs: each name, and the object that it names.
    pub(in crate::ledger) fn archived_tags(&self, archive: &str) -> Result<Vec<(TagName, ObjectId)>, Damage> {
        self.tags_below(&format!("{ARCHIVED_TAGS}{archive}/"))
    }

    /// The tags of a branch, as refs.
    pub(in crate::ledger) fn tag_refs(
        &self,
        branch: &BranchName,
    ) -> Result<Vec<(TagName, ObjectId)>, Damage> {
        self.tags_below(&folder(branch))
    }

    /// The object that a ref names, whatever that is.
    pub(in crate::ledger) fn named(&self, full: &str) -> Result<Option<ObjectId>, Damage> {
        self.with(|repository| named(repository, full))
    }

    /// The full names of all tags of branches and archives, and the commits that they lead to. Others' are left out.
    ///
    /// # Errors
    /// The refs cannot be listed.
    pub fn all_tags(&self) -> Result<Vec<(String, Tip)>, Damage> {
        let is_ours = |full: &str| {
            let below = |prefix| full.strip_prefix(prefix).map(|rest| rest.split('/').collect::<Vec<_>>());
            match (below(TAGS).as_deref(), below(ARCHIVED_TAGS).as_deref()) {
                (Some([branch, name]), _) | (_, Some([branch, _, name])) => {
                    BranchName::parse(branch).is_ok() && TagName::parse(name).is_ok()
                }
                _ => false,
            }
        };
        let mut tags: Vec<_> = self.refs_below(TAGS)?.into_iter().collect();
        tags.extend(self.refs_below(ARCHIVED_TAGS)?);
        tags.retain(|(full, _)| is_ours(full));
        Ok(tags)
    }

    fn tags_below(&self, prefix: &str) -> Result<Vec<(TagName, ObjectId)>, Damage> {
        let mut found = Vec::new();
        for full in self.refs_below(prefix)?.into_keys() {
            let name = full.strip_prefix(prefix).and_then(|name| TagName::parse(name).ok());
            if let (Some(name), Some(id)) = (name, self.named(&full)?) {
                found.push((name, id));
            }
        }
        Ok(found)
    }
}

fn named(repository: &Repository, full: &str) -> Result<Option<ObjectId>, Damage> {
    match repository.refname_to_id(full) {
        Ok(id) => Ok(Some(ObjectId(id))),
        Err(error) if error.code() == ErrorCode::NotFound && error.class() == ErrorClass::Reference => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// What leads to no commit is a tag of somebody's own, and none here.
fn read(repository: &Repository, full: &str, name: &TagName) -> Result<Option<TagRecord>, Damage> {
    let Some(id) = named(repository, full)? else { return Ok(None) };
    check(repository, id.0)?;
    let object = repository.find_object(id.0, None)?;
    if object.peel(ObjectType::Commit).is_err() {
        return Ok(None);
    }
    let Some(CommitId(commit)) = target(repository, full)? else { return Ok(None) };
    let found = commit::record(&find_commit(repository, commit)?);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    let tag = object.as_tag();
    let tagger = tag.and_then(git2::Tag::tagger);
    let time = tagger.as_ref().and_then(|tagger| DateTime::from_timestamp(tagger.when().seconds(), 0));
    Ok(Some(TagRecord {
        name: name.clone(),
        id,
        commit: CommitId(commit),
        tagger: tagger.map_or_else(|| found.author.clone(), |tagger| text(tagger.name_bytes())),
        message: text(tag.and_then(git2::Tag::message_bytes).unwrap_or_default()),
        time: time.unwrap_or(found.time),
    }))
}
