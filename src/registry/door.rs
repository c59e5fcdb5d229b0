//! The door for git: who sees and moves what when they clone, fetch and push. Git's own processes do the talking.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Registry;
use super::pushes::{Unfit, Update};
use super::sight::{May, Seen, moved_by};
use crate::ledger::wire::hooks::{Hooks, Move, Question, Reply, Stage};
use crate::ledger::wire::lines::Named;
use crate::ledger::wire::reach::Looked;
use crate::ledger::wire::view::View;
use crate::ledger::wire::{Options, Place, Wire, lines};
use crate::ledger::{Damage, Identity, ObjectId};

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

/// What became of an update, with why it was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate<'a> {
    Done,
    /// Whoever asked for it may not.
    Forbidden(&'a str),
    /// Nobody may, or not now.
    Refused(&'a str),
}

/// Told of what became of each update that was asked for.
pub type Told = Box<dyn Fn(&Update, Fate<'_>) + Send + Sync>;

/// What is wrong with an update.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Wrong {
    /// For whoever asked for it, and for others it may do.
    forbidden: bool,
    /// For people; nothing is wrong where this is empty.
    why: Vec<String>,
}

impl Wrong {
    fn forbidden(why: String) -> Self {
        Wrong { forbidden: true, why: vec![why] }
    }

    fn refused(why: Vec<String>) -> Self {
        Wrong { forbidden: false, why }
    }

    fn fate(&self) -> Fate<'_> {
        match self.why.first() {
            None => Fate::Done,
            Some(why) if self.forbidden => Fate::Forbidden(why),
            Some(why) => Fate::Refused(why),
        }
    }
}

/// What somebody may do by now; `None` if they are not let in any more.
pub type Again = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Option<May>>>> + Send + Sync>;

/// Somebody who pushes.
pub struct Pusher {
    /// Named where a change has an author.
    pub who: Identity,
    /// What they might do when they came.
    pub may: May,
    /// A push may take long, and somebody may be shut out meanwhile.
    pub again: Again,
    pub told: Told,
}

type Pushers = Mutex<HashMap<String, Arc<Pusher>>>;

/// The door.
pub struct Door {
    registry: Arc<Registry>,
    /// `None` while it is closed.
    wire: Option<(Arc<Wire>, Hooks)>,
    /// Those who push now, by the tokens that their hooks bring.
    pushers: Arc<Pushers>,
}

/// Takes a pusher from the list when the push has ended.
struct Listed {
    token: String,
    pushers: Arc<Pushers>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        lock(&self.pushers).remove(&self.token);
    }
}

fn lock(pushers: &Pushers) -> MutexGuard<'_, HashMap<String, Arc<Pusher>>> {
    pushers.lock().unwrap_or_else(PoisonError::into_inner)
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
        let (view, _) = self.view(may).await?;
        // gitprotocol-v2: there the answer begins with the version, and before that with the service.
        let newest = protocol.is_some_and(|protocol| protocol.split(':').any(|part| part == "version=2"));
        let protocol = protocol.filter(|_| service == Service::UploadPack);
        let talk = wire.advertise(service, protocol, view, place).await?;
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

    /// Takes in a push. Each ref that it moves is asked about when its objects are there.
    ///
    /// # Errors
    /// The door is closed, git is not there, or too many are served now.
    pub async fn push(&self, pusher: Pusher) -> Result<Talk, DoorError> {
        let (wire, _) = self.wire()?;
        wire.program().await.map_err(WireError::from)?;
        let place = wire.place().await?;
        let (view, _) = self.view(Arc::clone(&pusher.may)).await?;
        let mut chance = [0; 32];
        getrandom::fill(&mut chance).map_err(|_| DoorError::Broken)?;
        let token: String = chance.iter().map(|byte| format!("{byte:02x}")).collect();
        lock(&self.pushers).insert(token.clone(), Arc::new(pusher));
        let listed = Listed { token: token.clone(), pushers: Arc::clone(&self.pushers) };
        Ok(wire.push(&token, view, place, listed).await?)
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
        let pusher = lock(&self.pushers).get(&question.token).cloned();
        let Some(pusher) = pusher else {
            tracing::warn!("a hook of no push has asked");
            return reply.end(false).await;
        };
        let updates: Vec<Update> = question.moves.into_iter().map(update).collect();
        let may = (pusher.again)().await.unwrap_or_else(|| Arc::new(|_, _| false));
        match question.stage {
            Stage::PreReceive => {
                let wrong = self.examine(&may, &updates, question.quarantine).await;
                tell(&pusher, &updates, wrong, reply).await
            }
            Stage::ProcReceive => self.carry_out(&pusher, &may, &updates, reply).await,
        }
    }

    /// What is wrong with each update.
    async fn examine(&self, may: &May, updates: &[Update], quarantine: Option<PathBuf>) -> Vec<Wrong> {
        let wrong: Vec<Wrong> = updates.iter().map(|update| self.forbidden(update, may)).collect();
        // Who may not has nothing read, and learns nothing.
        if wrong.iter().any(|wrong| !wrong.why.is_empty()) {
            return wrong;
        }
        match self.hidden(may, updates, quarantine.clone()).await {
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

    /// What is wrong with updates that lead to history which the caller does not see, unless none does.
    async fn hidden(
        &self,
        may: &May,
        updates: &[Update],
        quarantine: Option<PathBuf>,
    ) -> Result<Option<Vec<Wrong>>, DoorError> {
        let (registry, may, updates) = (Arc::clone(&self.registry), Arc::clone(may), updates.to_vec());
        let found = tokio::task::spawn_blocking(move || {
            let before = registry.ledger.reader();
            let seen = Seen::by(&may, &registry)?;
            let beside = quarantine.map(|objects| before.beside(objects)).transpose();
            let beside = beside.map_err(|error| Damage(error.to_string()))?;
            seen.hides(&updates, before, beside.as_ref().unwrap_or(before))
        });
        let found = found.await.map_err(|_| DoorError::Broken)?.map_err(WireError::from)?;
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
    fn forbidden(&self, update: &Update, may: &May) -> Wrong {
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
