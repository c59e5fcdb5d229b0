//! Clones and fetches, and what is told to all who come.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Door, DoorError, rests};
use crate::ledger::ObjectId;
use crate::ledger::wire::lines::Named;
use crate::ledger::wire::reach::Looked;
use crate::ledger::wire::talk::Talk;
use crate::ledger::wire::view::View;
use crate::ledger::wire::{Place, Service, WireError, lines};
use crate::registry::sight::May;

/// The answer to a fetch.
pub enum Fetched {
    Talk {
        talk: Box<Talk>,
        /// What git is to be told in the place of the request, if that says too much.
        instead: Option<Vec<u8>>,
    },
    /// In git's own words; the request has not reached git.
    Refused(Vec<u8>),
}

impl Door {
    /// What `service` tells those who come: what is there, as far as they may see it.
    ///
    /// # Errors
    /// The door is closed, git is not there, or too many are served now.
    pub async fn advertise(
        &self,
        service: Service,
        protocol: Option<&str>,
        may: May,
    ) -> Result<Talk, DoorError> {
        let (wire, _) = self.wire()?;
        wire.program().await.map_err(WireError::from)?;
        let place = wire.place().await?;
        let (view, seen) = self.view(may).await?;
        // gitprotocol-v2: there the answer begins with the version, and before that with the service.
        let newest = protocol.is_some_and(|protocol| protocol.split(':').any(|part| part == "version=2"));
        let protocol = protocol.filter(|_| service == Service::UploadPack);
        let talk = wire.advertise(service, protocol, view, place, rests(&seen)).await?;
        if newest && protocol.is_some() {
            return Ok(talk);
        }
        let mut first = lines::line(&format!("# service=git-{}\n", service.name()));
        first.extend_from_slice(lines::FLUSH);
        Ok(talk.after(first))
    }

    /// Answers a request that fetches. Whatever it names by its id is held against what may be seen, since git itself gives
    /// away all that it has, and tells of all that a client claims to have whether it is there.
    ///
    /// # Errors
    /// The request is not git's, the door is closed, git is not there, or too many are served now.
    pub async fn fetch(
        &self,
        request: &[u8],
        protocol: Option<&str>,
        may: May,
    ) -> Result<Fetched, DoorError> {
        let (wire, _) = self.wire()?;
        wire.program().await.map_err(WireError::from)?;
        let named = lines::named(request)?;
        let place = wire.place().await?;
        let (view, seen) = self.view(may).await?;
        let mut instead = None;
        if !seen.hidden.is_empty() {
            let tips = seen.ids();
            let Named { mut wanted, had } = named;
            wanted.retain(|id| !tips.contains(id));
            let reached = wire.reached(&view, wanted.clone(), Looked::Objects, place.clone()).await?;
            if let Some(hidden) = wanted.difference(&reached).next() {
                let words = format!("ERR upload-pack: not our ref {hidden}");
                return Ok(Fetched::Refused(lines::line(&words)));
            }
            let kept = self.seen_of(had.clone(), &tips, &view, &place).await?;
            if kept != had {
                instead = Some(lines::having(request, &kept)?);
            }
        }
        let talk = Box::new(wire.fetch(protocol, view, place).await?);
        Ok(Fetched::Talk { talk, instead })
    }

    /// What may be seen of what a client has. Git makes what it sends out of that, and clients name commits only.
    async fn seen_of(
        &self,
        had: BTreeSet<ObjectId>,
        tips: &BTreeSet<ObjectId>,
        view: &View,
        place: &Place,
    ) -> Result<BTreeSet<ObjectId>, DoorError> {
        let (wire, _) = self.wire()?;
        let (mut kept, others): (BTreeSet<_>, BTreeSet<_>) =
            had.into_iter().partition(|id| tips.contains(id));
        if others.is_empty() {
            return Ok(kept);
        }
        let registry = Arc::clone(&self.registry);
        // A client's own commits are nowhere here, and nothing needs to be looked through for them.
        let here = tokio::task::spawn_blocking(move || registry.ledger.reader().commits_among(&others));
        let here = here.await.map_err(|_| DoorError::Broken)?.map_err(WireError::from)?;
        kept.extend(wire.reached(view, here, Looked::Commits, place.clone()).await?);
        Ok(kept)
    }
}
