//! Going back: a new commit that makes something what it was at a version.

use std::sync::Arc;

use super::entries::{self, Place};
use super::error::{Error, Rejection};
use super::moment::resolve;
use super::step::Step;
use super::versions::{Old, Scope};
use super::write::{self, Outcome, Ready, Write};
use super::{Registry, Result, sets};
use crate::document::{EntryId, KINDS, Kind};
use crate::ledger::{CommitId, Reader, Subject};

/// [`Scope`], with an id that is one.
enum What {
    Configuration,
    Set(&'static Kind),
    Entry(&'static Kind, EntryId),
}

impl What {
    fn steps(&self, reader: &Reader, commit: CommitId) -> std::result::Result<Vec<Step>, Error> {
        match self {
            What::Configuration => {
                let old = Old::read(reader, commit, &[Subject::Branch])?;
                let sets = KINDS.iter().map(|kind| Step::Replace(kind, old.documents(kind).collect()));
                Ok(sets.chain([Step::Describe(old.header.clone())]).collect())
            }
            What::Set(kind) => {
                let old = Old::read(reader, commit, &[sets::subject(kind)])?;
                Ok(vec![Step::Replace(kind, old.documents(kind).collect())])
            }
            What::Entry(kind, id) => {
                let old = Old::read(reader, commit, &[entries::subject(kind, id)])?;
                let document = old.documents(kind).next();
                let missing = || Error::NotInVersion { kind, id: id.to_string(), version: commit };
                Ok(vec![Step::Put(document.ok_or_else(missing)?)])
            }
        }
    }

    fn message(&self, name: &str, commit: CommitId) -> String {
        let short = commit.short();
        match self {
            What::Configuration => format!("Revert configuration {name} to {short}"),
            What::Set(kind) => format!("Revert {} to {short}", kind.plural),
            What::Entry(kind, id) => format!("Revert {} {id} to {short}", kind.singular),
        }
    }
}

impl Registry {
    /// Makes something what it was at a version. An entry that was deleted since comes back.
    ///
    /// # Errors
    /// There is no such configuration or version, the entry was not there then, the write's conditions do not hold,
    /// or the ledger refuses.
    pub async fn revert(
        self: &Arc<Self>,
        configuration: &str,
        scope: Scope<'_>,
        version: &str,
        write: Write,
    ) -> Result<Outcome> {
        let configuration = self.configuration(configuration)?;
        let at = Rejection::at(configuration.version());
        let (what, target) = match scope {
            Scope::Configuration => (What::Configuration, Subject::Branch),
            Scope::Set(kind) => (What::Set(kind), sets::subject(kind)),
            Scope::Entry(kind, id) => {
                let id =
                    Place { configuration: configuration.name.as_str(), kind, id }.to_find().map_err(&at)?;
                let file = entries::subject(kind, &id);
                (What::Entry(kind, id), file)
            }
        };
        let exists = if matches!(what, What::Entry(..)) { &target } else { &Subject::Branch };
        let demands = write::conditions(&write, &target, exists);
        let (reader, version) = (Arc::clone(self.ledger.reader()), version.to_owned());
        let (history, now) = (Arc::clone(self.ledger.history()), Arc::clone(&configuration));
        let found = self.aside(move || {
            let commit = resolve(&history, &now, &version)?;
            Ok((what.steps(&reader, commit)?, what.message(now.name.as_str(), commit)))
        });
        let (steps, message) = found.await.map_err(&at)?;
        self.write(&configuration, Ready { demands, steps, target, message }, write).await
    }
}
