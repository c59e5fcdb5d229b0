//! Keeps a configuration like a branch elsewhere: fetched, looked through, and only then accepted.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::pace::Pace;
use super::pushing::tell;
use super::standing::Behind;
use super::{Mirror, Trouble, Way};
use crate::ledger::remote::{RemoteError, Workplace};
use crate::ledger::{Identity, ObjectId};
use crate::registry::Registry;
use crate::registry::error::Error;
use crate::registry::pushes::{Unfit, Update};

/// So long it may take to ask where the branch is, to fetch it, and to bring it into the repository.
const ASKING: Duration = Duration::from_secs(120);
const FETCHING: Duration = Duration::from_secs(1800);
/// So long a refusal is believed: a clock goes on, and a disk may be well again.
const BELIEVED: Duration = Duration::from_secs(600);
/// Before it is known better.
const AT_LEAST: Behind = Behind { commits: 1, refs: 1 };
/// So many faults of a refused commit are told.
const TOLD: usize = 20;

/// What is followed.
struct Followed<'a> {
    mirror: &'a Mirror,
    configuration: &'a str,
    branch: &'a str,
    workplace: PathBuf,
}

/// A state of the branch that was refused; it need not be fetched again for a while.
struct Known {
    commit: ObjectId,
    /// What was served then, which it was held against.
    here: Option<ObjectId>,
    since: Instant,
    why: String,
    behind: Behind,
}

impl Known {
    /// Whether it would be refused for the same reason.
    fn is_so(&self, here: Option<ObjectId>, there: ObjectId, now: Instant) -> bool {
        (self.here, self.commit) == (here, there) && now < self.since + BELIEVED
    }
}

impl Registry {
    pub(super) async fn keep_following(self: &Arc<Self>, mirror: &Mirror) {
        let Way::Follow { configuration, branch, interval } = &mirror.way else { return };
        let workplace = self.ledger.mirrors().join(format!("{}.git", mirror.name));
        let followed = Followed { mirror, configuration: configuration.as_str(), branch, workplace };
        let mut pace = Pace::default();
        let mut known = None;
        let stop = self.mirrors_stop();
        tokio::pin!(stop);
        loop {
            mirror.state().begins();
            let outcome = self.take_over(&followed, &mut known).await;
            let news = mirror.state().ended(&outcome);
            tell(mirror, &outcome, news);
            let pause = match outcome {
                Err(Trouble::Failing(_)) => Some(pace.next()),
                // Also where nobody asks for another look.
                Err(Trouble::Refused(_)) => {
                    pace.reset();
                    Some(interval.map_or(BELIEVED, |interval| interval.min(BELIEVED)))
                }
                _ => {
                    pace.reset();
                    *interval
                }
            };
            tokio::select! {
                () = &mut stop => return,
                // Who calls may know that it is mended.
                () = mirror.called.notified() => known = None,
                () = pause_for(pause) => {}
            }
        }
    }

    /// Makes the configuration what the branch is.
    async fn take_over(
        self: &Arc<Self>,
        followed: &Followed<'_>,
        known: &mut Option<Known>,
    ) -> Result<(), Trouble> {
        let Followed { mirror, configuration, branch, workplace } = followed;
        let full = format!("refs/heads/{branch}");
        let pattern = full.clone();
        let found = self.call_git(mirror, ASKING, move |remote| remote.list(&[&pattern])).await?;
        let there = *found.get(&full).ok_or_else(|| {
            Trouble::Failing(format!("there is no branch {branch} at {}", mirror.remote.address()))
        })?;
        let failing = |error: Error| Trouble::Failing(error.to_string());
        self.check_not_lost(configuration).map_err(failing)?;
        let here = self.version_of(configuration).map(ObjectId::from);
        if here == Some(there) {
            *known = None;
            return Ok(());
        }
        if let Some(known) = known.as_ref().filter(|known| known.is_so(here, there, Instant::now())) {
            mirror.state().found(known.behind);
            return Err(Trouble::Refused(known.why.clone()));
        }
        mirror.state().found(AT_LEAST);
        let (folder, repository) = (workplace.clone(), self.ledger.repository().to_owned());
        let branch = (*branch).to_owned();
        let fetch = self.call_git(mirror, FETCHING, move |remote| {
            let workplace = Workplace::make(&folder, &repository)?;
            let commit = remote.fetch(&branch, &workplace)?;
            Ok::<_, RemoteError>((workplace, commit))
        });
        let (workplace, commit) = fetch.await?;
        let behind = self.count(here, commit, &workplace).await.map_err(failing)?;
        mirror.state().found(behind);
        let update = Update { name: format!("refs/heads/{configuration}"), from: here, to: Some(commit) };
        let outcome = self.accept_fetched(mirror, update, workplace).await;
        match &outcome {
            Ok(()) => tracing::info!(
                mirror = mirror.name,
                configuration,
                %commit,
                commits = behind.commits,
                "what is followed has moved"
            ),
            Err(Trouble::Refused(why)) => {
                *known = Some(Known { commit, here, since: Instant::now(), why: why.clone(), behind });
            }
            Err(_) => {}
        }
        outcome
    }

    /// How many commits there are to take over.
    async fn count(
        self: &Arc<Self>,
        here: Option<ObjectId>,
        there: ObjectId,
        workplace: &Workplace,
    ) -> Result<Behind, Error> {
        let Some(here) = here else { return Ok(AT_LEAST) };
        let (reader, objects) = (Arc::clone(self.ledger.reader()), workplace.objects());
        self.aside(move || {
            let reader = reader.beside(objects).map_err(|error| Error::Damaged(error.to_string()))?;
            // Where the one does not lead to the other it cannot be said in commits.
            Ok(reader.leads(here, there)?.map_or(AT_LEAST, |commits| Behind { commits, refs: 1 }))
        })
        .await
    }

    async fn accept_fetched(
        self: &Arc<Self>,
        mirror: &Mirror,
        update: Update,
        workplace: Workplace,
    ) -> Result<(), Trouble> {
        let failing = |message: String| Trouble::Failing(message);
        let looked = self.look_through(vec![update.clone()], Some(workplace.objects())).await;
        let looked = looked.map_err(|rejection| failing(rejection.to_string()))?;
        for verdict in looked {
            verdict.map_err(|unfit| refused(&update, &unfit))?;
        }
        let repository = self.ledger.repository().to_owned();
        self.call_git(mirror, FETCHING, move |remote| remote.bring(&workplace, &repository)).await?;
        let who = Identity::new(&format!("mirror {}", mirror.name), "");
        let accepted = self.accept(&update, &who).await;
        accepted
            .map_err(|rejection| failing(rejection.to_string()))?
            .map_err(|unfit| refused(&update, &unfit))
    }
}

/// In the words of those who must mend it.
fn refused(update: &Update, unfit: &Unfit) -> Trouble {
    let Unfit(lines) = unfit;
    let to = update.to.map(|id| id.to_string()).unwrap_or_default();
    let more = lines.len().saturating_sub(TOLD);
    let mut told: Vec<_> = lines.iter().take(TOLD).cloned().collect();
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    Trouble::Refused(format!("commit {to} is refused: {}", told.join("; ")))
}

/// For ever where there is no end to it.
async fn pause_for(pause: Option<Duration>) {
    match pause {
        Some(pause) => sleep(pause).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_believed_for_a_while_and_of_what_it_was_about() {
        let id = |digit: &str| ObjectId::from_hex(&digit.repeat(40));
        let (here, there) = (id("1"), id("2").expect("an id"));
        let (since, why) = (Instant::now(), "it is from the future".to_owned());
        let known = Known { commit: there, here, since, why, behind: AT_LEAST };
        assert!(known.is_so(here, there, since));
        assert!(!known.is_so(id("3"), there, since), "something else is served");
        assert!(!known.is_so(here, id("3").expect("an id"), since), "the branch is elsewhere");
        assert!(!known.is_so(here, there, since + BELIEVED), "time has passed");
    }
}
