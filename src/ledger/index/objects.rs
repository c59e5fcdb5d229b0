//! Where the index gets git's objects from, when it has to read them.

use std::path::Path;
use std::rc::Rc;

use git2::{ObjectType, Oid, Repository};

use crate::ledger::id::ObjectId;
use crate::ledger::loose;
use crate::ledger::reader::Damage;

/// Reads objects.
pub trait Objects {
    /// An object's bytes.
    ///
    /// # Errors
    /// It is not there, cannot be read, or is of another kind.
    fn read(&mut self, id: Oid, kind: ObjectType) -> Result<Rc<Vec<u8>>, Damage>;
}

/// The objects of a repository, read with libgit2.
pub struct Git(Repository);

impl Git {
    /// Opens the repository at `path`.
    ///
    /// # Errors
    /// There is none.
    pub fn open(path: &Path) -> Result<Self, Damage> {
        Ok(Git(Repository::open_bare(path)?))
    }
}

impl Objects for Git {
    fn read(&mut self, id: Oid, kind: ObjectType) -> Result<Rc<Vec<u8>>, Damage> {
        loose::find(&self.0.path().join("objects"), ObjectId(id))
            .map_err(|error| Damage(format!("{kind} {id} cannot be read: {error}")))?;
        let objects = self.0.odb()?;
        let object = objects.read(id)?;
        if object.kind() != kind {
            return Err(Damage(format!("{id} is no {kind}")));
        }
        Ok(Rc::new(object.data().to_vec()))
    }
}
