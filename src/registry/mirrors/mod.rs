//! Other git servers: configurations are pushed to them, or follow a branch of theirs.
//!
//! - [`wanted`]: what the settings ask for, checked; `pattern`: which configurations
//! - `pushing`, `delivering`: a copy elsewhere is kept like this repository; `following`: a configuration is kept like
//!   a branch elsewhere
//! - `pace`: when the next attempt is made; [`standing`]: how it goes

mod delivering;
mod following;
mod pace;
mod pattern;
mod pushing;
pub mod standing;
pub mod wanted;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

pub use standing::Told;
use standing::{State, Totals};
pub use wanted::{Direction, Wanted, read};

use super::Registry;
use super::error::Error;
use crate::ledger::BranchName;
use crate::ledger::remote::{Remote, RemoteError};

/// Other git servers, and how it goes with each.
#[derive(Debug, Default)]
pub struct Mirrors {
    all: Vec<Arc<Mirror>>,
    stopping: watch::Sender<bool>,
}

/// Another git server, with what it is for.
#[derive(Debug)]
pub struct Mirror {
    name: String,
    remote: Arc<Remote>,
    way: Way,
    /// Somebody says that there is something new at the other side.
    called: Notify,
    state: Mutex<State>,
}

/// Which way commits go.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    /// Names of configurations, in which `*` stands for any characters.
    Push { configurations: Vec<String>, archives: Archives },
    /// Without an interval only when somebody says that there is something new.
    Follow { configuration: BranchName, branch: String, interval: Option<Duration> },
}

/// What keeps at the other side what is deleted there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Archives {
    /// The archives of this service, which are sent along.
    #[default]
    Sent,
    /// The other side makes them by itself, as another instance of this service does.
    There,
    /// Nothing, so nothing is deleted or replaced there.
    Nowhere,
}

/// Why an attempt came to nothing, or not to all that it should.
#[derive(Debug)]
enum Trouble {
    /// The other side cannot be reached, or does not do what it is asked. It is tried again.
    Failing(String),
    /// What is there and what is here cannot both be; people must decide.
    Elsewhere(String),
    /// What is there breaks the rules.
    Refused(String),
    Stopping,
}

impl Mirror {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn follows(&self) -> Option<&BranchName> {
        match &self.way {
            Way::Follow { configuration, .. } => Some(configuration),
            Way::Push { .. } => None,
        }
    }
}

impl Mirrors {
    /// All that the settings name.
    pub fn new(all: Vec<Mirror>) -> Self {
        Mirrors { all: all.into_iter().map(Arc::new).collect(), stopping: watch::Sender::new(false) }
    }

    /// The mirror that a configuration follows.
    fn followed(&self, configuration: &str) -> Option<&Arc<Mirror>> {
        self.all.iter().find(|mirror| mirror.follows().is_some_and(|name| name.as_str() == configuration))
    }

    /// Whether a configuration follows another server's branch, so that nothing here may change it.
    pub(super) fn is_followed(&self, configuration: &BranchName) -> bool {
        self.followed(configuration.as_str()).is_some()
    }
}

impl Registry {
    /// Whoever means to change a configuration must not change one that follows another server's branch.
    ///
    /// # Errors
    /// It does; the message says which.
    pub fn check_own(&self, configuration: &str) -> Result<(), Error> {
        let Some(mirror) = self.mirrors.followed(configuration) else { return Ok(()) };
        let Way::Follow { branch, .. } = &mirror.way else { return Ok(()) };
        Err(Error::Followed {
            configuration: configuration.to_owned(),
            branch: branch.clone(),
            url: mirror.remote.address().to_string(),
            mirror: mirror.name.clone(),
        })
    }

    /// Keeps all mirrors up to date until [`Registry::stop_mirrors`]. One task for each, which ends then.
    pub fn keep_mirrors(self: &Arc<Self>) -> Vec<impl Future<Output = ()> + use<>> {
        let all = self.mirrors.all.iter().map(Arc::clone);
        all.map(|mirror| Arc::clone(self).keep(mirror)).collect()
    }

    async fn keep(self: Arc<Self>, mirror: Arc<Mirror>) {
        match mirror.way {
            Way::Push { .. } => self.keep_pushing(&mirror).await,
            Way::Follow { .. } => self.keep_following(&mirror).await,
        }
    }

    /// Ends what mirrors have begun.
    pub fn stop_mirrors(&self) {
        self.mirrors.stopping.send_replace(true);
        self.mirrors.all.iter().for_each(|mirror| mirror.remote.close());
    }

    /// Has a mirror look whether there is something new at the other side. `may` says for which configurations who asks may
    /// do that.
    ///
    /// # Errors
    /// There is no mirror of this name that follows such a configuration.
    pub fn call_mirror(&self, name: &str, may: impl Fn(&str) -> bool) -> Result<(), Error> {
        let mirror = self.mirrors.all.iter().find(|mirror| mirror.name == name);
        let mirror = mirror.filter(|mirror| mirror.follows().is_some_and(|followed| may(followed.as_str())));
        mirror.map(|mirror| mirror.called.notify_one()).ok_or_else(|| Error::NoMirror(name.to_owned()))
    }

    /// How it goes with each mirror that is about nothing but what who asks may read. `reads` and `governs` say whether
    /// they may read, and see the archives of, every configuration that a pattern is about, whether it is there or not.
    pub fn mirrors(&self, reads: impl Fn(&str) -> bool, governs: impl Fn(&str) -> bool) -> Vec<Told> {
        let told = |mirror: &Arc<Mirror>| match &mirror.way {
            Way::Follow { configuration, .. } => {
                reads(configuration.as_str()).then(|| Told::of(mirror, true))
            }
            Way::Push { configurations, .. } => {
                let all = |may: &dyn Fn(&str) -> bool| configurations.iter().all(|pattern| may(pattern));
                // What goes wrong may be told with the names and commits of configurations that were deleted.
                all(&reads).then(|| Told::of(mirror, all(&governs)))
            }
        };
        self.mirrors.all.iter().filter_map(told).collect()
    }

    /// Puts into the metrics how it goes with each mirror now.
    pub fn measure_mirrors(&self) {
        for mirror in &self.mirrors.all {
            Totals::of(&mirror.state()).measure(&mirror.name);
        }
    }

    /// Calls git for a mirror, on a thread that may wait, for so long at most.
    async fn call_git<T: Send + 'static>(
        &self,
        mirror: &Mirror,
        limit: Duration,
        work: impl FnOnce(&Remote) -> Result<T, RemoteError> + Send + 'static,
    ) -> Result<T, Trouble> {
        let remote = Arc::clone(&mirror.remote);
        let call = self.aside(move || Ok(work(&remote)));
        tokio::pin!(call);
        let outcome = match tokio::time::timeout(limit, &mut call).await {
            Ok(outcome) => outcome,
            Err(_) => {
                mirror.remote.end();
                // It ends now; what it says of that is of no use.
                drop(call.await);
                return Err(Trouble::Failing(format!("git was ended after {} s", limit.as_secs())));
            }
        };
        match outcome {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(RemoteError::Closed)) => Err(Trouble::Stopping),
            Ok(Err(error)) => Err(Trouble::Failing(error.to_string())),
            Err(error) => Err(Trouble::Failing(error.to_string())),
        }
    }

    /// Waits until the service is being stopped.
    async fn mirrors_stop(&self) {
        let mut stopping = self.mirrors.stopping.subscribe();
        // The sender is this registry's own, and there for as long as it is.
        if stopping.wait_for(|stopping| *stopping).await.is_err() {
            tracing::debug!("nobody is left to stop the mirrors");
        }
    }
}
