//! Following a configuration: every commit, in order, none twice and none left out, from any version on.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::error::{Error, Rejection};
use super::event::Event;
use super::feed::{Feed, Found, Place, Shared};
use super::moment::resolve;
use super::{Registry, Result};
use crate::ledger::{BranchName, CommitId};

/// So many commits of the past are read at a time.
const PAGE: usize = 256;
/// So much is handed over at a time, counted in commits and changed files, but no less than one commit.
const HANDFUL: usize = 4096;

/// What there is for a follower.
pub enum News {
    /// What happened, in order; the follower is past all of it.
    Events(Vec<Arc<Event>>),
    /// More happened than is kept for those who are slow. They can begin again from where they are.
    Overtaken,
    /// The configuration is no longer there, or its history is another one.
    Gone,
    /// The service is being stopped.
    Stopping,
}

/// Somebody who follows a configuration.
pub struct Follower {
    registry: Arc<Registry>,
    name: BranchName,
    feed: Arc<Feed>,
    changed: watch::Receiver<()>,
    at: CommitId,
    place: Option<Place>,
    /// The past that is being read. It goes on while nobody waits for it.
    reading: Option<JoinHandle<Past>>,
}

/// What follows in the repository; `None` if the configuration's history does not lead on from where the follower is.
type Past = std::result::Result<Option<Vec<Arc<Shared>>>, Error>;

/// Somebody who waits for a change.
pub struct Waiter {
    registry: Arc<Registry>,
    /// Kept, so that it is told of what happens.
    _feed: Arc<Feed>,
    changed: watch::Receiver<()>,
}

impl Registry {
    /// Follows a configuration from a version on, or from now on.
    ///
    /// # Errors
    /// There is no such configuration, or no such version among those that its versions list.
    pub async fn follow(self: &Arc<Self>, configuration: &str, since: Option<&str>) -> Result<Follower> {
        let name = self.configuration(configuration)?.name.clone();
        let feed = self.feed(&name);
        let changed = feed.watch();
        let configuration = self.configuration(configuration)?;
        let tip = configuration.version();
        let at = match since {
            None => tip,
            Some(since) => {
                let (registry, since) = (Arc::clone(self), since.to_owned());
                let found = self.aside(move || {
                    let history = registry.ledger.history();
                    let commit = resolve(history, &configuration, &since)?;
                    // What a merge brought in is a version that can be read, but nothing that the configuration was.
                    let on_way = history.following(configuration.version(), commit, 0)?;
                    let name = configuration.name.to_string();
                    on_way.map(|_| commit).ok_or(Error::NoVersion { version: since, configuration: name })
                });
                found.await.map_err(Rejection::at(tip))?
            }
        };
        Ok(Follower { registry: Arc::clone(self), name, feed, changed, at, place: None, reading: None })
    }

    /// Waits for changes: of a configuration, or of anything where there is none of this name.
    pub fn wait_for_change(self: &Arc<Self>, configuration: Option<&str>) -> Waiter {
        let configuration = configuration.and_then(|name| self.catalogue.get(name));
        let feed = match configuration {
            Some(configuration) => self.feed(&configuration.name),
            None => Arc::clone(self.catalogue.feeds().any()),
        };
        Waiter { registry: Arc::clone(self), changed: feed.watch(), _feed: feed }
    }

    /// Lets all go who follow or wait, so that the service can stop.
    pub fn let_go(&self) {
        self.catalogue.feeds().stop();
    }

    fn feed(&self, name: &BranchName) -> Arc<Feed> {
        self.catalogue.feeds().of(name, || self.version_of(name.as_str()))
    }
}

impl Registry {
    async fn past_of(self: Arc<Self>, name: BranchName, at: CommitId) -> Past {
        let room = Arc::clone(&self.past).acquire_owned().await.map_err(|_| Error::Broken)?;
        let Some(tip) = self.version_of(name.as_str()) else { return Ok(None) };
        let registry = Arc::clone(&self);
        self.aside(move || {
            // As long as it is being read, whoever waits for it.
            let _room = room;
            let Some(ids) = registry.ledger.history().following(tip, at, PAGE)? else { return Ok(None) };
            let mut commits = Vec::new();
            let mut weight = 0;
            for id in ids {
                let commit = Shared::new(registry.ledger.reader().committed(id)?);
                weight += commit.weight();
                commits.push(commit);
                if weight >= HANDFUL {
                    break;
                }
            }
            Ok(Some(commits))
        })
        .await
    }
}

impl Waiter {
    /// Waits until something has happened since the last call, or since the waiter was made. Answers false when the
    /// service is being stopped, so that nothing is worth waiting for.
    pub async fn changed(&mut self) -> bool {
        !self.registry.catalogue.feeds().is_stopping()
            && self.changed.changed().await.is_ok()
            && !self.registry.catalogue.feeds().is_stopping()
    }
}

impl Follower {
    /// The version up to which everything was told.
    pub fn at(&self) -> CommitId {
        self.at
    }

    /// The configuration that is followed.
    pub fn configuration(&self) -> &str {
        self.name.as_str()
    }

    /// What happened next. Waits until something did; a call that is given up loses nothing.
    ///
    /// # Errors
    /// The past cannot be read.
    pub async fn next(&mut self) -> std::result::Result<News, Error> {
        loop {
            // From here on a change is noticed, so none can come between the look and the wait.
            self.changed.borrow_and_update();
            if self.registry.catalogue.feeds().is_stopping() {
                return Ok(News::Stopping);
            }
            match self.feed.after(self.at, self.place, HANDFUL) {
                Found::Gone => return Ok(News::Gone),
                Found::Overtaken => return Ok(News::Overtaken),
                Found::Next(commits, place) if !commits.is_empty() => {
                    let events = self.told(commits).await?;
                    self.place = Some(place);
                    return Ok(News::Events(events));
                }
                Found::Next(_, place) => self.place = Some(place),
                Found::Unknown => match self.past().await? {
                    None => return Ok(News::Gone),
                    Some(commits) if !commits.is_empty() => {
                        return Ok(News::Events(self.told(commits).await?));
                    }
                    // The feed is about to be told what the catalogue knows.
                    Some(_) => {}
                },
            }
            if self.changed.changed().await.is_err() {
                return Ok(News::Stopping);
            }
        }
    }

    async fn past(&mut self) -> Past {
        let reading = match &mut self.reading {
            Some(reading) => reading,
            none => {
                let (registry, name, at) = (Arc::clone(&self.registry), self.name.clone(), self.at);
                none.insert(tokio::spawn(async move { registry.past_of(name, at).await }))
            }
        };
        let past = reading.await.unwrap_or(Err(Error::Broken));
        self.reading = None;
        past
    }

    /// Goes past these commits.
    async fn told(&mut self, commits: Vec<Arc<Shared>>) -> std::result::Result<Vec<Arc<Event>>, Error> {
        let mut events = Vec::with_capacity(commits.len());
        for shared in &commits {
            events.push(match shared.event.get() {
                Some(event) => Arc::clone(event),
                None => self.event(shared).await?,
            });
        }
        self.at = events.last().map_or(self.at, |last| last.id());
        Ok(events)
    }

    async fn event(&self, shared: &Arc<Shared>) -> std::result::Result<Arc<Event>, Error> {
        let event = match Event::of(&shared.committed, None)? {
            Some(event) => Some(event),
            None => {
                let (registry, shared) = (Arc::clone(&self.registry), Arc::clone(shared));
                let reader = move || Ok(Event::of(&shared.committed, Some(registry.ledger.reader()))?);
                self.registry.aside(reader).await?
            }
        };
        let event = Arc::new(event.ok_or(Error::Broken)?);
        Ok(Arc::clone(shared.event.get_or_init(|| event)))
    }
}
