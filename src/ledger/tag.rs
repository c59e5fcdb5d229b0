//! Tags: names that are given to commits for good, each with who gave it, when, and why.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::commit::Identity;
use super::id::{BranchName, CommitId, NameFault, ObjectId, is_version};

/// Where tags lie among the refs: below the name of their branch.
pub(super) const TAGS: &str = "refs/tags/";
/// Where the tags of deleted branches are kept: below the name of the archive that the branch went to.
pub(super) const ARCHIVED_TAGS: &str = "refs/archive-tags/";

/// A tag's name among those of its branch. Never one that could be taken for a commit's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagName(Arc<str>);

impl TagName {
    /// Reads a name. It follows the rules of a branch's, and is nothing that could be the beginning of a commit id.
    ///
    /// # Errors
    /// The first rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, NameFault> {
        BranchName::parse(text)?;
        if is_version(text) { Err(NameFault::Version) } else { Ok(TagName(text.into())) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The ref of the tag of a branch.
    pub(super) fn full(&self, branch: &BranchName) -> String {
        format!("{}{self}", folder(branch))
    }
}

/// Where the tags of a branch lie.
pub(super) fn folder(branch: &BranchName) -> String {
    format!("{TAGS}{branch}/")
}

impl fmt::Display for TagName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A tag as it is told to readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagRecord {
    pub name: TagName,
    /// Of the tag's own object; of the commit where somebody has made a tag without one.
    pub id: ObjectId,
    pub commit: CommitId,
    pub tagger: String,
    /// Without the line feed at its end.
    pub message: String,
    pub time: DateTime<Utc>,
}

/// The bytes of a tag, as git hashes and stores them.
pub(super) fn encode(
    commit: CommitId,
    branch: &BranchName,
    name: &TagName,
    tagger: &Identity,
    time: DateTime<Utc>,
    message: &str,
) -> Vec<u8> {
    let tagger = tagger.line(time);
    let message = message.trim_end();
    format!("object {commit}\ntype commit\ntag {branch}/{name}\ntagger {tagger}\n\n{message}\n").into_bytes()
}

/// The commit that a tag of [`encode`] names.
pub(super) fn target(bytes: &[u8]) -> Option<CommitId> {
    let text = bytes.strip_prefix(b"object ")?.get(..40)?;
    ObjectId::from_hex(str::from_utf8(text).ok()?).map(|ObjectId(id)| CommitId(id))
}

/// Whether a ref is a tag, of a branch or of an archive.
pub(super) fn is_tag(full: &str) -> bool {
    full.starts_with(TAGS) || full.starts_with(ARCHIVED_TAGS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_be_taken_for_versions() {
        for name in ["v1", "1.0", "2026-01-31", "abcdef", "beefed-up", &"a".repeat(41)] {
            assert!(TagName::parse(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "V1",
            "a/b",
            "a..b",
            ".a",
            "v1.lock",
            "abcdef0",
            "20260131",
            &"a".repeat(40),
            &"z".repeat(64),
        ] {
            assert!(TagName::parse(name).is_err(), "{name}");
        }
    }
}
