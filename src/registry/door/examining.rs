//! What is wrong with a push: who may not do it, and what nobody may.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::fate::Wrong;
use super::{Door, DoorError};
use crate::ledger::wire::reach::Looked;
use crate::ledger::wire::{Place, WireError};
use crate::ledger::{Damage, ObjectId};
use crate::registry::pushes::{Unfit, Update};
use crate::registry::sight::{May, Seen, moved_by};

impl Door {
    /// What is wrong with each update.
    pub(super) async fn examine(
        &self,
        may: &May,
        updates: &[Update],
        quarantine: Option<PathBuf>,
        place: Place,
    ) -> Vec<Wrong> {
        let wrong: Vec<Wrong> = updates.iter().map(|update| self.forbidden(update, may)).collect();
        // Who may not has nothing read, and learns nothing.
        if wrong.iter().any(|wrong| !wrong.why.is_empty()) {
            return wrong;
        }
        match self.hidden(may, updates, quarantine.clone(), place).await {
            Ok(None) => {}
            Ok(Some(wrong)) => return wrong,
            Err(error) => {
                tracing::error!(%error, "a push cannot be held against what is seen");
                return updates.iter().map(|_| Wrong::refused(vec![error.to_string()])).collect();
            }
        }
        match self.registry.look_through(updates.to_vec(), quarantine).await {
            Ok(found) => {
                let wrong = |found: Result<(), Unfit>| {
                    Wrong::refused(found.err().map_or_else(Vec::new, |Unfit(why)| why))
                };
                found.into_iter().map(wrong).collect()
            }
            Err(rejection) => {
                tracing::error!(error = %rejection.error, "a push cannot be looked through");
                updates.iter().map(|_| Wrong::refused(vec![rejection.error.to_string()])).collect()
            }
        }
    }

    /// What is wrong with updates that lead to history or files which the caller does not see, unless none does.
    async fn hidden(
        &self,
        may: &May,
        updates: &[Update],
        quarantine: Option<PathBuf>,
        place: Place,
    ) -> Result<Option<Vec<Wrong>>, DoorError> {
        let (registry, may, updates) = (Arc::clone(&self.registry), Arc::clone(may), updates.to_vec());
        let looked = Arc::clone(&may);
        let found = tokio::task::spawn_blocking(move || {
            let before = registry.ledger.reader();
            let seen = Seen::by(&looked, &registry)?;
            let beside = quarantine.map(|objects| before.beside(objects)).transpose();
            let beside = beside.map_err(|error| Damage(error.to_string()))?;
            let beside = beside.as_ref().unwrap_or(before);
            let hidden = seen.hides(&updates, before, beside)?;
            if hidden.iter().any(Option::is_some) {
                return Ok::<_, Damage>((hidden, Vec::new()));
            }
            Ok((hidden, seen.strange(&updates, before, beside)?))
        });
        let (mut found, strange) = found.await.map_err(|_| DoorError::Broken)?.map_err(WireError::from)?;
        let looked_for: BTreeSet<ObjectId> = strange.iter().flatten().copied().collect();
        if !looked_for.is_empty() {
            // Of an older version, perhaps.
            let (wire, _) = self.wire()?;
            let (view, _) = self.view(may).await?;
            let reached = wire.reached(&view, looked_for, Looked::Objects, place).await?;
            found = strange.iter().map(|ids| ids.difference(&reached).next().copied()).collect();
        }
        let why = |id: Option<ObjectId>| {
            id.map(|id| {
                Wrong::forbidden(format!("it leads to {id}, which is in no configuration that you may read"))
            })
            .unwrap_or_default()
        };
        let any = found.iter().any(Option::is_some);
        Ok(any.then(|| found.into_iter().map(why).collect()))
    }

    /// Why nobody, or not this caller, may do an update.
    pub(super) fn forbidden(&self, update: &Update, may: &May) -> Wrong {
        match moved_by(update) {
            Ok((right, name)) if may(right, name.as_str()) => {
                let fault = self.registry.check_own(name.as_str()).err();
                Wrong::refused(fault.map(|error| error.to_string()).into_iter().collect())
            }
            Ok((right, name)) => {
                Wrong::forbidden(format!("this needs the role {right} for configuration {:?}", name.as_str()))
            }
            Err(Unfit(why)) => Wrong::refused(why),
        }
    }
}
