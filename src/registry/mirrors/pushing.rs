//! Keeps a copy elsewhere like this repository. What is to be done is found by comparing refs, so nothing needs to be
//! remembered: a restart finds the same.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::delivering::{Plan, Sides, only};
use super::pace::Pace;
use super::{Archives, Mirror, Trouble, Way};
use crate::ledger::MIRRORED;
use crate::ledger::remote::{Delivery, Left, Refs, Refusal, Sent};
use crate::registry::Registry;
use crate::registry::error::Error;

/// So long a burst of writes is waited for, which then goes in one push.
const GATHERING: Duration = Duration::from_millis(250);
/// So often it is looked whether the other side still has what it was given.
const LOOK: Duration = Duration::from_secs(300);
/// So long it may take to list the other side's refs, and to push.
const LISTING: Duration = Duration::from_secs(120);
const PUSHING: Duration = Duration::from_secs(1800);
/// So many refs go in one call: a command line has an end.
const AT_ONCE: usize = 256;
/// So many are told by name.
const TOLD: usize = 5;

/// What is known of the other side between attempts.
struct Copy {
    /// What it has, or had when it was asked last.
    there: Refs,
    /// It need not be asked again.
    is_known: bool,
    left: Left,
}

/// What ends the time between two attempts.
enum Woken {
    /// There is something new.
    Change,
    /// It is time for another look.
    Time,
    /// There will be nothing new.
    End,
}

impl Registry {
    pub(super) async fn keep_pushing(self: &Arc<Self>, mirror: &Mirror) {
        let Way::Push { configurations, archives } = &mirror.way else { return };
        let feed = Arc::clone(self.catalogue.feeds().any());
        let mut changed = feed.watch();
        let left = Left::read(&self.ledger.mirrors().join(format!("{}.refs", mirror.name)));
        let mut copy = Copy { there: left.refs().clone(), is_known: false, left };
        let mut pace = Pace::default();
        let stop = self.mirrors_stop();
        tokio::pin!(stop);
        loop {
            // From here on a change is noticed, so none can come between the look and the wait.
            changed.borrow_and_update();
            mirror.state().begins();
            let outcome = self.push_all(mirror, configurations, *archives, &mut copy).await;
            let news = mirror.state().ended(&outcome);
            tell(mirror, &outcome, news);
            let pause = if outcome.is_ok() {
                pace.reset();
                LOOK
            } else {
                copy.is_known = false;
                pace.next()
            };
            let woken = async {
                let woken = wait(mirror, &mut changed, outcome.is_err(), Instant::now() + pause).await;
                sleep(GATHERING).await;
                woken
            };
            tokio::select! {
                () = &mut stop => return,
                woken = woken => match woken {
                    Woken::Change => {}
                    Woken::Time => copy.is_known = false,
                    Woken::End => return,
                },
            }
        }
    }

    /// Delivers all that is not there yet.
    async fn push_all(
        self: &Arc<Self>,
        mirror: &Mirror,
        configurations: &[String],
        archives: Archives,
        copy: &mut Copy,
    ) -> Result<(), Trouble> {
        let listed = if copy.is_known {
            Ok(())
        } else {
            let found = self.call_git(mirror, LISTING, |remote| remote.list(&MIRRORED)).await;
            found.map(|found| copy.there = only(found, configurations))
        };
        // How far behind a copy is that cannot be reached is told by what it had last.
        let (plan, here) = self.compare(configurations, archives, copy).await?;
        mirror.state().found(plan.behind);
        listed?;
        copy.is_known = true;
        let mut refused = self.deliver(mirror, plan.first, &mut copy.there).await?;
        if refused.is_empty() {
            refused = self.deliver(mirror, plan.then, &mut copy.there).await?;
        }
        // What is the same on both sides, or was, is ours to take away there once it goes here.
        let is_ours = |name: &String, id| here.get(name) == Some(id) || copy.left.at(name) == Some(*id);
        let left = copy.there.iter().filter(|(name, id)| is_ours(name, id));
        let left = left.map(|(name, id)| (name.clone(), *id)).collect();
        copy.left.keep(left).map_err(|error| Trouble::Failing(format!("the mirror's file: {error}")))?;
        verdict(plan.elsewhere, refused)
    }

    /// What is to be done, and what is here.
    async fn compare(
        self: &Arc<Self>,
        configurations: &[String],
        archives: Archives,
        copy: &Copy,
    ) -> Result<(Plan, Refs), Trouble> {
        let (registry, configurations) = (Arc::clone(self), configurations.to_vec());
        let (there, left) = (copy.there.clone(), copy.left.clone());
        let compared = self.aside(move || {
            let reader = registry.ledger.reader();
            let here = only(registry.as_served(reader.mirrored()?), &configurations);
            let plan = Sides { reader, here: &here, there: &there, left: &left, archives }.plan()?;
            Ok::<_, Error>((plan, here))
        });
        compared.await.map_err(|error| Trouble::Failing(error.to_string()))
    }

    /// Delivers some refs, and notes what is there then. Answers what the other side does not take.
    async fn deliver(
        &self,
        mirror: &Mirror,
        deliveries: Vec<Delivery>,
        there: &mut Refs,
    ) -> Result<Vec<(String, Refusal)>, Trouble> {
        let mut refused = Vec::new();
        for lot in deliveries.chunks(AT_ONCE) {
            let (lot, repository) = (Arc::new(lot.to_vec()), self.ledger.repository().to_owned());
            let sending = Arc::clone(&lot);
            let sent =
                self.call_git(mirror, PUSHING, move |remote| remote.push(&repository, &sending)).await?;
            for Sent { name, outcome, .. } in sent {
                match outcome {
                    Err(refusal) => refused.push((name, refusal)),
                    Ok(()) => {
                        match lot.iter().find(|delivery| delivery.name == name).and_then(|found| found.to) {
                            Some(id) => drop(there.insert(name, id)),
                            None => drop(there.remove(&name)),
                        }
                    }
                }
            }
        }
        Ok(refused)
    }
}

/// Waits for a change, or until `end`. What is new is noted at once, but a server that is away is not asked more often for that.
async fn wait(mirror: &Mirror, changed: &mut watch::Receiver<()>, is_away: bool, end: Instant) -> Woken {
    loop {
        match timeout_at(end, changed.changed()).await {
            Err(_) => return Woken::Time,
            Ok(Err(_)) => return Woken::End,
            Ok(Ok(())) => mirror.state().noticed(),
        }
        if !is_away {
            return Woken::Change;
        }
    }
}

fn verdict(mut elsewhere: Vec<String>, refused: Vec<(String, Refusal)>) -> Result<(), Trouble> {
    let mut others = Vec::new();
    for (name, refusal) in refused {
        match refusal {
            Refusal::Moved => elsewhere.push(format!("{name} was moved there meanwhile")),
            Refusal::Other(reason) => others.push(format!("{name}: {reason}")),
        }
    }
    if !elsewhere.is_empty() {
        let told = some(&elsewhere);
        return Err(Trouble::Elsewhere(format!(
            "the other side has gone elsewhere, and is not overwritten: {told}; move it away or delete it there, \
             and this service will bring its own"
        )));
    }
    if others.is_empty() { Ok(()) } else { Err(Trouble::Failing(format!("not taken: {}", some(&others)))) }
}

fn some(all: &[String]) -> String {
    let shown = all.iter().take(TOLD).map(String::as_str).collect::<Vec<_>>().join("; ");
    if all.len() > TOLD { format!("{shown}; and {} more", all.len() - TOLD) } else { shown }
}

/// Into the log, once for each that is new.
pub(super) fn tell(mirror: &Mirror, outcome: &Result<(), Trouble>, news: bool) {
    let (name, url) = (&mirror.name, mirror.remote.address().url());
    match outcome {
        Ok(()) if news => tracing::info!(mirror = name, url, "the mirror is up to date"),
        Err(Trouble::Failing(reason)) if news => {
            tracing::warn!(
                mirror = name,
                url,
                reason,
                "the mirror cannot be kept up to date; it is tried again"
            );
        }
        Err(Trouble::Elsewhere(reason)) if news => {
            tracing::error!(mirror = name, url, reason, "the mirror has gone elsewhere");
        }
        Err(Trouble::Refused(reason)) if news => {
            tracing::error!(
                mirror = name,
                url,
                reason,
                "what the mirror has is refused; the old state stays"
            );
        }
        Ok(()) | Err(_) => tracing::debug!(mirror = name, url, ?outcome, "the mirror is as it was"),
    }
}
