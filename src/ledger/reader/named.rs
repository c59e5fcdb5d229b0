//! Reading refs as they are, whatever they are for.

use super::{Damage, ObjectId, Reader};

impl Reader {
    /// The full names of all refs, sorted, and the objects that they name. Those that cannot be read, and those that only
    /// lead to another ref, are left out.
    ///
    /// # Errors
    /// The refs cannot be listed.
    pub fn named_objects(&self) -> Result<Vec<(String, ObjectId)>, Damage> {
        self.with(|repository| {
            let mut found = Vec::new();
            for reference in repository.references()? {
                let reference = reference?;
                let name = std::str::from_utf8(reference.name_bytes()).ok();
                found.extend(name.zip(reference.target()).map(|(name, id)| (name.to_owned(), ObjectId(id))));
            }
            found.sort();
            found.dedup();
            Ok(found)
        })
    }

    /// The full name of the ref that a clone checks out, whether it is there or not.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn checked_out(&self) -> Result<Option<String>, Damage> {
        self.with(|repository| {
            let head = repository.find_reference("HEAD")?;
            Ok(head.symbolic_target_bytes().map(|name| String::from_utf8_lossy(name).into_owned()))
        })
    }
}
