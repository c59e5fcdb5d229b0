//! What a copy of the repository elsewhere should have.

use git2::ErrorCode;

use super::{Damage, Reader};
use crate::ledger::id::{ARCHIVES, BRANCHES, BranchName, ObjectId};
use crate::ledger::refs;
use crate::ledger::remote::Refs;
use crate::ledger::tag::{ARCHIVED_TAGS, TAGS};

/// What a ref is to its branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Branch,
    Tag,
    Archive,
    ArchivedTag,
}

/// The places, and where they lie among the refs; below the last two, an archive is below its branch.
const PLACES: [(&str, Place); 4] = [
    (BRANCHES, Place::Branch),
    (TAGS, Place::Tag),
    (ARCHIVES, Place::Archive),
    (ARCHIVED_TAGS, Place::ArchivedTag),
];

/// Patterns for all of them.
pub const MIRRORED: [&str; 4] = ["refs/heads/*", "refs/tags/*", "refs/archive/*", "refs/archive-tags/*"];

/// Which branch a ref belongs to, and what it is to it; `None` is a ref of somebody else's.
pub fn place(full: &str) -> Option<(&str, Place)> {
    let (rest, place) =
        PLACES.iter().find_map(|(prefix, place)| Some((full.strip_prefix(prefix)?, *place)))?;
    let parts: Vec<&str> = rest.split('/').collect();
    let many = match place {
        Place::Branch => 1,
        Place::Tag | Place::Archive => 2,
        Place::ArchivedTag => 3,
    };
    let branch = parts.first().copied().filter(|branch| BranchName::parse(branch).is_ok())?;
    (parts.len() == many).then_some((branch, place))
}

impl Reader {
    /// The refs of all branches, tags and archives. Those of others are left out.
    ///
    /// # Errors
    /// A ref cannot be read: it must not be taken for one that is gone.
    pub fn mirrored(&self) -> Result<Refs, Damage> {
        self.with(|repository| {
            let mut found = Refs::new();
            for (prefix, _) in PLACES {
                for reference in repository.references_glob(&format!("{prefix}*"))? {
                    let reference = reference?;
                    let name = String::from_utf8_lossy(reference.name_bytes()).into_owned();
                    if let (Some(_), Some(id)) = (place(&name), reference.target()) {
                        found.insert(name, ObjectId(id));
                    }
                }
                // libgit2 passes over what it cannot read.
                let loose = refs::loose_below(&repository.path().join(prefix), prefix);
                let loose = loose.map_err(|error| Damage(format!("{prefix}: {error}")))?;
                for name in loose.into_iter().filter(|name| place(name).is_some()) {
                    if found.contains_key(&name) {
                        continue;
                    }
                    // It may have come, or gone, since the others were listed.
                    match repository.refname_to_id(&name) {
                        Ok(id) => drop(found.insert(name, ObjectId(id))),
                        Err(error) if error.code() == ErrorCode::NotFound => {}
                        Err(error) => return Err(Damage(format!("{name}: {}", error.message()))),
                    }
                }
            }
            Ok(found)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refs_have_a_place() {
        for (full, expected) in [
            ("refs/heads/prod", Some(("prod", Place::Branch))),
            ("refs/tags/prod/v1", Some(("prod", Place::Tag))),
            ("refs/archive/prod/20260101T000000Z", Some(("prod", Place::Archive))),
            ("refs/archive-tags/prod/20260101T000000Z/v1", Some(("prod", Place::ArchivedTag))),
            ("refs/heads/feature/x", None),
            ("refs/heads/Prod", None),
            ("refs/tags/v1", None),
            ("refs/pull/1/head", None),
        ] {
            assert_eq!(place(full), expected, "{full}");
        }
    }
}
