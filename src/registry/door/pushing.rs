//! Pushes, and what their hooks ask.

use std::io;
use std::sync::Arc;

use super::fate::{Fate, Wrong};
use super::pusher::{Listed, Pusher, Pushing, lock};
use super::{Door, DoorError, rests};
use crate::ledger::wire::WireError;
use crate::ledger::wire::hooks::{Move, Question, Reply, Stage};
use crate::ledger::wire::talk::Talk;
use crate::registry::pushes::{Unfit, Update};
use crate::registry::sight::May;

impl Door {
    /// Takes in a push. Each ref that it moves is asked about when its objects are there.
    ///
    /// # Errors
    /// The door is closed, git is not there, or too many are served now.
    pub async fn push(&self, pusher: Pusher) -> Result<Talk, DoorError> {
        let (wire, _) = self.wire()?;
        wire.program().await.map_err(WireError::from)?;
        let place = wire.place().await?;
        let (view, seen) = self.view(Arc::clone(&pusher.may)).await?;
        let mut chance = [0; 32];
        getrandom::fill(&mut chance).map_err(|_| DoorError::Broken)?;
        let token: String = chance.iter().map(|byte| format!("{byte:02x}")).collect();
        let pushing = Pushing { pusher: Arc::new(pusher), place: place.clone() };
        lock(&self.pushers).insert(token.clone(), pushing);
        let listed = Listed { token: token.clone(), pushers: Arc::clone(&self.pushers) };
        Ok(wire.push(&token, view, place, rests(&seen), listed).await?)
    }

    /// Hears what the hooks of pushes ask, for ever.
    pub async fn hear(self: Arc<Self>) {
        let Some((_, hooks)) = &self.wire else { return };
        loop {
            match hooks.next().await {
                Ok(stream) => {
                    let door = Arc::clone(&self);
                    drop(tokio::task::spawn_local(async move {
                        let Some((_, hooks)) = &door.wire else { return };
                        let answered = match hooks.read(stream).await {
                            Ok((question, reply)) => door.answer(question, reply).await,
                            Err(error) => Err(error),
                        };
                        if let Err(error) = answered {
                            tracing::warn!(%error, "a push could not be answered");
                        }
                    }));
                }
                Err(error) => {
                    tracing::error!(%error, "pushes cannot ask what becomes of them");
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
            }
        }
    }

    async fn answer(&self, question: Question, reply: Reply) -> io::Result<()> {
        let pushing = lock(&self.pushers).get(&question.token).cloned();
        let Some(Pushing { pusher, place }) = pushing else {
            tracing::warn!("a hook of no push has asked");
            return reply.end(false).await;
        };
        let updates: Vec<Update> = question.moves.into_iter().map(update).collect();
        let may = (pusher.again)().await.unwrap_or_else(|| Arc::new(|_, _| false));
        match question.stage {
            Stage::PreReceive => {
                let wrong = self.examine(&may, &updates, question.quarantine, place).await;
                tell(&pusher, &updates, wrong, reply).await
            }
            Stage::ProcReceive => self.carry_out(&pusher, &may, &updates, reply).await,
        }
    }

    async fn carry_out(
        &self,
        pusher: &Pusher,
        may: &May,
        updates: &[Update],
        mut reply: Reply,
    ) -> io::Result<()> {
        // A release may be of a version that comes with it, and goes before its configuration does.
        let mut in_order: Vec<&Update> = updates.iter().collect();
        in_order.sort_by_key(|update| match (update.to, update.name.starts_with("refs/heads/")) {
            (Some(_), true) => 0,
            (Some(_), false) => 1,
            (None, false) => 2,
            (None, true) => 3,
        });
        for update in in_order {
            let mut wrong = self.forbidden(update, may);
            if wrong.why.is_empty() {
                wrong.why = match self.registry.accept(update, &pusher.who).await {
                    Ok(accepted) => accepted.err().map(|Unfit(why)| why).unwrap_or_default(),
                    Err(rejection) => vec![rejection.error.to_string()],
                };
            }
            (pusher.told)(update, wrong.fate());
            match wrong.why.as_slice() {
                [] => reply.ok(&update.name).await?,
                [only] => reply.refuse(&update.name, only).await?,
                many => {
                    for line in many {
                        reply.say(&format!("{}: {line}", update.name)).await?;
                    }
                    reply.refuse(&update.name, "it is not accepted, for the reasons above").await?;
                }
            }
        }
        reply.end(true).await
    }
}

/// Says what is wrong with updates; one that is refused holds up all others, since their objects came together.
async fn tell(pusher: &Pusher, updates: &[Update], wrong: Vec<Wrong>, mut reply: Reply) -> io::Result<()> {
    let well = wrong.iter().all(|wrong| wrong.why.is_empty());
    for (update, wrong) in updates.iter().zip(&wrong) {
        for line in &wrong.why {
            reply.say(&format!("{}: {line}", update.name)).await?;
        }
        if !well {
            let fate = wrong.fate();
            let another = Fate::Refused("another ref of the same push is refused");
            (pusher.told)(update, if fate == Fate::Done { another } else { fate });
        }
    }
    reply.end(well).await
}

fn update(asked: Move) -> Update {
    let Move { name, from, to } = asked;
    Update { name, from, to }
}
