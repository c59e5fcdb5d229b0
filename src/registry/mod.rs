//! The registry: what can be done with configurations. Reads come from the catalogue in memory, writes go to the
//! ledger, looking back goes to the repository.
//!
//! - [`catalogue`]: the newest state of everything, ready to send
//! - [`entries`], `patch`, [`sets`], [`configurations`]: reading and changing
//! - [`transactions`], [`operation`]: many changes at once; [`message`]: what their commit says
//! - [`merges`], [`conflict`]: taking in what another configuration has changed; [`three_way`], `ancestor`:
//!   how that is decided, and what the two had in common
//! - [`versions`], [`moment`], [`revert`]: looking and going back
//! - [`events`], [`event`], `feed`: following what happens
//! - [`diff`], [`compare`]: what differs; [`write`](mod@write): what all writes share; [`conditions`]: `If-Match` and
//!   its like
//! - [`releases`]: versions with a name; [`pushes`], `inspection`: commits that others have made; [`door`], [`sight`]:
//!   clones and pushes by git, and who sees and moves which refs
//! - [`mirrors`]: other git servers, which are given what is here, or are followed
//! - `readers`: the threads that read large bodies
//! - [`start`]: opening a data directory; [`import`], [`check`]: the command line's own use cases
//! - [`error`]: why something is not done

mod ancestor;
pub mod catalogue;
pub mod check;
pub mod compare;
pub mod conditions;
pub mod configurations;
pub mod conflict;
pub mod diff;
pub mod door;
pub mod entries;
pub mod error;
pub mod event;
pub mod events;
mod feed;
mod fields;
pub mod import;
mod inspection;
pub mod merges;
pub mod message;
pub mod mirrors;
pub mod moment;
pub mod name;
pub mod operation;
mod patch;
pub mod pushes;
mod readers;
pub mod releases;
pub mod revert;
pub mod sets;
pub mod sight;
pub mod start;
mod step;
pub mod three_way;
pub mod transactions;
pub mod version;
pub mod versions;
pub mod write;

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Semaphore;

use catalogue::{Catalogue, Configuration, Contents};
pub use compare::Form;
pub use conditions::{Conditions, Tags, Verdict};
pub use conflict::Conflict;
pub use entries::Place;
pub use error::{Error, Rejection};
use inspection::Inspector;
use mirrors::Mirrors;
pub use moment::Moment;
pub use operation::{OperationFault, Reason};
use readers::Readers;
pub use sets::{Documents, Mode};
pub use three_way::Side;
use versions::OldAnswers;
pub use versions::{Query, Scope};
pub use write::{Outcome, Write};

use crate::ledger::Ledger;
pub use crate::ledger::{BlobId, Budget, Checkpoints, CommitId, Identity, ObjectId, Options, Refused, Share};

/// The answer of a use case.
pub type Result<T> = std::result::Result<T, Rejection>;

/// Bodies from here on are read on a thread that may take its time. In bytes: at some hundred megabytes a second this
/// is a fraction of a millisecond.
const LARGE: usize = 64 * 1024;

/// Something to read: its bytes, its tag, and the configuration's version that it comes from.
#[derive(Debug, Clone)]
pub struct Shown {
    pub version: CommitId,
    pub tag: ObjectId,
    pub body: Bytes,
}

/// All use cases on one data directory.
pub struct Registry {
    ledger: Ledger,
    catalogue: Arc<Catalogue>,
    old: OldAnswers,
    /// Room for those who read the past: each holds what it reads in memory.
    past: Arc<Semaphore>,
    readers: Readers,
    inspector: Arc<Inspector>,
    /// Room for those who have pushes looked through.
    inspections: Arc<Semaphore>,
    mirrors: Mirrors,
}

/// So many pushes are looked through at a time.
const INSPECTIONS: usize = 4;
/// So many followers read the past at a time.
const PAST: usize = 8;

impl Registry {
    /// A configuration as it is now.
    fn configuration(&self, name: &str) -> Result<Arc<Configuration>> {
        self.catalogue.get(name).ok_or_else(|| self.missing(name).into())
    }

    /// Why there is no configuration to be had under a name.
    fn missing(&self, name: &str) -> Error {
        self.check_not_lost(name).err().unwrap_or_else(|| Error::NoConfiguration(name.to_owned()))
    }

    /// Who means to make a configuration must not make one that is there, and only cannot be read.
    fn check_not_lost(&self, name: &str) -> std::result::Result<(), Error> {
        let damage = self.catalogue.lost(name);
        damage.map_or(Ok(()), |damage| Err(Error::Damaged(unservable(name, &damage))))
    }

    /// Whether there is a configuration of this name.
    ///
    /// # Errors
    /// There is none, or its newest version cannot be read.
    pub fn find(&self, name: &str) -> std::result::Result<CommitId, Error> {
        self.version_of(name).ok_or_else(|| self.missing(name))
    }

    /// What it holds, unless what is stored breaks the rules.
    fn contents<'a>(&self, configuration: &'a Configuration) -> Result<&'a Contents> {
        configuration.contents.as_ref().map_err(|problem| {
            let why = unservable(configuration.name.as_str(), problem);
            Rejection::at(configuration.version())(Error::Damaged(why))
        })
    }

    /// The newest version of a configuration, where there is one.
    pub fn version_of(&self, name: &str) -> Option<CommitId> {
        self.catalogue.get(name).map(|configuration| configuration.version())
    }

    /// Whether writes can be taken now.
    pub fn is_ready(&self) -> bool {
        self.ledger.is_open()
    }

    /// Finishes what was accepted. Blocks until that is done; later writes are refused.
    pub fn close(&self) {
        self.ledger.close();
    }

    /// Work that waits for the disk, on a thread that may.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> std::result::Result<T, Error> + Send + 'static,
    ) -> std::result::Result<T, Error> {
        let span = tracing::Span::current();
        let task = tokio::task::spawn_blocking(move || span.in_scope(work));
        task.await.unwrap_or(Err(Error::Broken))
    }

    /// Reads a body; a large one on a thread that does nothing else, so that others need not wait.
    async fn reading<T: Send + 'static>(
        &self,
        body: Bytes,
        read: impl FnOnce(&[u8]) -> std::result::Result<T, Error> + Send + 'static,
    ) -> std::result::Result<T, Error> {
        if body.len() < LARGE {
            return read(&body);
        }
        let span = tracing::Span::current();
        let task = self.readers.spawn(move || span.in_scope(|| read(&body))).ok_or(Error::Broken)?;
        task.await.unwrap_or(Err(Error::Broken))
    }
}

fn unservable(name: &str, problem: &impl std::fmt::Display) -> String {
    format!("configuration {name} cannot be served: {problem}; `revconf check` tells more")
}
