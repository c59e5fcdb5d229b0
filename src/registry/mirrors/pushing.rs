//! Keeps a copy elsewhere like this repository. What is to be done is found by comparing refs, so nothing needs to be
//! remembered: a restart finds the same.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::delivering::{Plan, Sides, only};
use super::pace::Pace;
use super::{Archives, Mirror, Trouble, Way};
use crate::ledger::remote::{Delivery, Left, Refs, Refusal, Sent};
use crate::ledger::{MIRRORED, place};
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
/// After so many calls of which nothing was taken no more is halved: it may be a server that takes nothing at all.
const MOST_FRUITLESS: usize = 64;
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
            self.list(mirror, configurations).await.map(|found| copy.there = found)
        };
        // How far behind a copy is that cannot be reached is told by what it had last.
        let (plan, mut here) = self.compare(configurations, archives, copy).await?;
        mirror.state().found(plan.behind);
        listed?;
        copy.is_known = true;
        let Plan { mut elsewhere, .. } = plan;
        let (mut refused, has_taken_away) =
            self.carry_out(mirror, plan.first, plan.then, &mut copy.there).await?;
        if archives == Archives::There && has_taken_away {
            // What goes there is put away with all that belongs to it, and what is to come in its place comes now.
            copy.is_known = false;
            copy.there = self.list(mirror, configurations).await?;
            let again;
            (again, here) = self.compare(configurations, archives, copy).await?;
            elsewhere = again.elsewhere;
            let more;
            (refused, more) = self.carry_out(mirror, again.first, again.then, &mut copy.there).await?;
            copy.is_known = !more;
        }
        // What is the same on both sides, or was, is ours to take away there once it goes here.
        let is_ours = |name: &String, id| here.get(name) == Some(id) || copy.left.at(name) == Some(*id);
        let left = copy.there.iter().filter(|(name, id)| is_ours(name, id));
        let left = left.map(|(name, id)| (name.clone(), *id)).collect();
        copy.left.keep(left).map_err(|error| Trouble::Failing(format!("the mirror's file: {error}")))?;
        verdict(elsewhere, refused)
    }

    /// What of these configurations the other side has.
    async fn list(&self, mirror: &Mirror, configurations: &[String]) -> Result<Refs, Trouble> {
        let found = self.call_git(mirror, LISTING, |remote| remote.list(&MIRRORED)).await?;
        Ok(only(found, configurations))
    }

    /// Delivers what comes first, and then the rest of those configurations of which all of that was taken. Answers
    /// what the other side does not take, and whether it took anything of the rest.
    async fn carry_out(
        &self,
        mirror: &Mirror,
        first: Vec<Delivery>,
        mut then: Vec<Delivery>,
        there: &mut Refs,
    ) -> Result<(Vec<(String, Refusal)>, bool), Trouble> {
        let mut refused = self.deliver(mirror, first, there).await?;
        let stuck: BTreeSet<&str> = refused.iter().map(|(name, _)| configuration(name)).collect();
        then.retain(|delivery| !stuck.contains(configuration(&delivery.name)));
        let all = then.len();
        let more = self.deliver(mirror, then, there).await?;
        let has_taken = more.len() < all;
        refused.extend(more);
        Ok((refused, has_taken))
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
    ///
    /// Some servers take nothing of a push if anything in it is wrong, as this one's door for git. So what was refused as a
    /// whole is halved until it is known what is wrong.
    async fn deliver(
        &self,
        mirror: &Mirror,
        mut deliveries: Vec<Delivery>,
        there: &mut Refs,
    ) -> Result<Vec<(String, Refusal)>, Trouble> {
        // Halves hold what belongs together as far as they can, and a configuration is before its releases.
        deliveries.sort_by(|a, b| (configuration(&a.name), &a.name).cmp(&(configuration(&b.name), &b.name)));
        let mut lots: Vec<Vec<Delivery>> =
            deliveries.chunks(AT_ONCE).rev().map(<[Delivery]>::to_vec).collect();
        let mut refused = Vec::new();
        let mut fruitless = 0;
        while let Some(lot) = lots.pop() {
            let told = self.send(mirror, &lot, there).await?;
            let is_fruitless = told.len() == lot.len();
            fruitless = if is_fruitless { fruitless + 1 } else { 0 };
            let is_hidden = told.iter().any(|(_, refusal)| refusal.may_be_anothers());
            if lot.len() > 1 && is_fruitless && is_hidden && fruitless < MOST_FRUITLESS {
                let (one, other) = lot.split_at(lot.len() / 2);
                lots.extend([other.to_vec(), one.to_vec()]);
            } else {
                refused.extend(told);
            }
        }
        Ok(refused)
    }

    /// Delivers some refs in one call, and notes what is there then. Answers what the other side does not take.
    async fn send(
        &self,
        mirror: &Mirror,
        lot: &[Delivery],
        there: &mut Refs,
    ) -> Result<Vec<(String, Refusal)>, Trouble> {
        let (sending, repository) = (lot.to_vec(), self.ledger.repository().to_owned());
        let sent = self.call_git(mirror, PUSHING, move |remote| remote.push(&repository, &sending)).await?;
        let mut refused = Vec::new();
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
        Ok(refused)
    }
}

/// The configuration that a ref belongs to.
fn configuration(name: &str) -> &str {
    place(name).map_or(name, |(branch, _)| branch)
}

/// Waits for a change, or until `end`. What is new is noted at once, but a server that is away is not asked more often
/// for that.
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
