//! The door for git: who sees and moves what when they clone, fetch and push. Git's own processes do the talking.
//!
//! - `fetching`: clones and fetches; `pushing`: pushes, and what their hooks ask; `examining`: what is wrong with one
//! - `pusher`: who pushes; `fate`: what becomes of it

mod examining;
mod fate;
mod fetching;
mod pusher;
mod pushing;

use std::io;
use std::path::Path;
use std::sync::Arc;

pub use fate::{Fate, Told};
pub use fetching::Fetched;
use pusher::Pushers;
pub use pusher::{Again, Pusher};

use super::Registry;
use super::sight::{May, Seen};
use crate::ledger::wire::hooks::Hooks;
use crate::ledger::wire::view::View;
use crate::ledger::wire::{Options, Rests, Wire};

pub use crate::ledger::wire::lines::Malformed;
pub use crate::ledger::wire::talk::{Cut, Input, Output, Talk};
pub use crate::ledger::wire::{Options as GitOptions, Service, WireError};

/// Why somebody cannot come in with git.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    #[error("this service is not open to git (git.enabled)")]
    Closed,
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("a task of the service has failed")]
    Broken,
}

/// The door.
pub struct Door {
    registry: Arc<Registry>,
    /// `None` while it is closed.
    wire: Option<(Arc<Wire>, Hooks)>,
    /// Those who push now, by the tokens that their hooks bring.
    pushers: Arc<Pushers>,
}

impl Door {
    /// Opens the door, or, without options, keeps it closed.
    ///
    /// # Errors
    /// The data directory cannot be written.
    pub fn open(registry: Arc<Registry>, data: &Path, options: Option<Options>) -> io::Result<Arc<Self>> {
        let wire = options.map(|options| Wire::open(data, options)).transpose()?;
        let wire = wire.map(|(wire, hooks)| (Arc::new(wire), hooks));
        Ok(Arc::new(Door { registry, wire, pushers: Arc::default() }))
    }

    /// In bytes: the largest pack that is taken.
    pub fn largest_push(&self) -> u64 {
        self.wire.as_ref().map_or(0, |(wire, _)| wire.largest_push())
    }

    /// Says in the log whether git is there.
    pub async fn look(&self) {
        let Some((wire, _)) = &self.wire else { return };
        match wire.program().await {
            Ok(program) => tracing::debug!(version = ?program.version(), "git is there"),
            Err(error) => tracing::warn!(%error, "clones and pushes are not served"),
        }
    }

    fn wire(&self) -> Result<&(Arc<Wire>, Hooks), DoorError> {
        self.wire.as_ref().ok_or(DoorError::Closed)
    }

    /// The refs that may be seen, as a repository of their own.
    async fn view(&self, may: May) -> Result<(View, Seen), DoorError> {
        let (wire, _) = self.wire()?;
        let (registry, wire) = (Arc::clone(&self.registry), Arc::clone(wire));
        let made = tokio::task::spawn_blocking(move || {
            let reader = registry.ledger.reader();
            let seen = Seen::by(&may, &registry)?;
            let head = reader.checked_out()?;
            // A handful of small files, which nobody syncs.
            let view = wire.view(&seen.refs, head.as_deref())?;
            Ok::<_, WireError>((view, seen))
        });
        Ok(made.await.map_err(|_| DoorError::Broken)??)
    }
}

/// Who sees everything may push changes to anything; what others push must show where it comes from.
fn rests(seen: &Seen) -> Rests {
    if seen.hidden.is_empty() { Rests::OnAnything } else { Rests::OnNothing }
}
