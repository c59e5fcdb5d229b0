//! What happened lately, for those who follow: the last commits of each configuration that somebody follows, and the
//! signal that there are more.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::event::Event;
use crate::ledger::{BranchName, CommitId, Committed};

/// So much a feed keeps at most, counted in commits and changed files. A follower who is further behind is told to
/// begin again from where it is.
const KEPT: usize = 16 * 1024;

/// A commit, shared by all who follow.
#[derive(Debug)]
pub struct Shared {
    pub committed: Committed,
    /// Made when the first one asks.
    pub event: OnceLock<Arc<Event>>,
}

impl Shared {
    pub fn new(committed: Committed) -> Arc<Self> {
        Arc::new(Shared { committed, event: OnceLock::new() })
    }

    /// What it counts for, in commits and changed files.
    pub fn weight(&self) -> usize {
        1 + self.committed.files.len()
    }

    fn id(&self) -> CommitId {
        self.committed.commit.id
    }
}

/// The last commits of one configuration.
pub struct Feed {
    recent: Mutex<Recent>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Recent {
    /// The newest commit, once something was told.
    tip: Option<CommitId>,
    /// The commit before the first of those that are kept.
    base: Option<CommitId>,
    commits: VecDeque<Arc<Shared>>,
    weight: usize,
    /// How many were dropped since the feed was broken off last.
    dropped: u64,
    /// How often the feed was broken off: what came before and what came after do not follow each other.
    breaks: u64,
    gone: bool,
}

/// Where a follower is in a feed.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    breaks: u64,
    /// How many commits came before, counted from the break.
    count: u64,
}

/// What a feed has for a follower.
pub enum Found {
    /// The commits that follow, maybe none, and where the follower is after them.
    Next(Vec<Arc<Shared>>, Place),
    /// They were here, and are no longer.
    Overtaken,
    /// The feed does not know where the follower is.
    Unknown,
    /// The configuration is no longer there.
    Gone,
}

impl Recent {
    fn add(&mut self, commits: Vec<Committed>) {
        let Some(last) = commits.last().map(|last| last.commit.id) else { return };
        let parent = commits.first().and_then(|first| first.commit.parents.first().copied());
        if self.tip != parent {
            self.break_off(parent);
        }
        self.tip = Some(last);
        for committed in commits {
            let shared = Shared::new(committed);
            self.weight += shared.weight();
            self.commits.push_back(shared);
        }
        // The newest is kept however large it is, so that not everybody has to come again for it.
        while self.weight > KEPT && self.commits.len() > 1 {
            let Some(first) = self.commits.pop_front() else { break };
            self.weight -= first.weight();
            self.base = Some(first.id());
            self.dropped += 1;
        }
    }

    fn break_off(&mut self, tip: Option<CommitId>) {
        let (breaks, gone) = (self.breaks + 1, self.gone);
        *self = Recent { tip, base: tip, breaks, gone, ..Recent::default() };
    }

    fn after(&self, at: CommitId, place: Option<Place>, limit: usize) -> Found {
        if self.gone {
            return Found::Gone;
        }
        let known = place.filter(|place| place.breaks == self.breaks);
        let skip = match known {
            Some(place) => match place.count.checked_sub(self.dropped) {
                Some(skip) => usize::try_from(skip).ok(),
                None => return Found::Overtaken,
            },
            None if self.base == Some(at) => Some(0),
            None => self.commits.iter().rposition(|commit| commit.id() == at).map(|nth| nth + 1),
        };
        let Some(skip) = skip else { return Found::Unknown };
        let mut weight = 0;
        let light = |commit: &&Arc<Shared>| {
            let before = weight;
            weight += commit.weight();
            before < limit
        };
        let next: Vec<_> = self.commits.iter().skip(skip).take_while(light).cloned().collect();
        let count = self.dropped + (skip + next.len()) as u64;
        Found::Next(next, Place { breaks: self.breaks, count })
    }
}

impl Feed {
    fn new() -> Self {
        Feed { recent: Mutex::default(), changed: watch::Sender::new(()) }
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What follows a commit, which is at a place if it is known to be: as much as weighs up to `limit`, and no less than
    /// one commit.
    pub fn after(&self, at: CommitId, place: Option<Place>, limit: usize) -> Found {
        self.recent().after(at, place, limit)
    }

    /// Tells when something has happened since.
    pub fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

/// The feeds of all configurations that somebody follows or waits for.
pub struct Feeds {
    feeds: Mutex<HashMap<BranchName, Arc<Feed>>>,
    /// Tells when anything happens anywhere.
    any: Arc<Feed>,
    stopping: AtomicBool,
    /// Whom to wake: who writes must not wait for thousands of followers to be woken.
    waker: OnceLock<Sender<Arc<Feed>>>,
}

impl Default for Feeds {
    fn default() -> Self {
        let (feeds, any) = (Mutex::default(), Arc::new(Feed::new()));
        Feeds { feeds, any, stopping: AtomicBool::new(false), waker: OnceLock::new() }
    }
}

impl Feeds {
    /// Starts the thread that wakes followers. It ends with the feeds.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(&self) -> std::io::Result<()> {
        let (sender, feeds) = channel();
        thread::Builder::new().name("followers".to_owned()).spawn(move || wake(&feeds))?;
        if self.waker.set(sender).is_err() {
            tracing::debug!("the thread that wakes followers was started before");
        }
        Ok(())
    }

    /// The feed of a configuration. `tip` is asked for its newest commit once the feed is there to be told of others.
    pub fn of(&self, name: &BranchName, tip: impl FnOnce() -> Option<CommitId>) -> Arc<Feed> {
        let feed = {
            let mut feeds = self.lock();
            Arc::clone(feeds.entry(name.clone()).or_insert_with(|| Arc::new(Feed::new())))
        };
        let tip = tip();
        let mut recent = feed.recent();
        if recent.tip.is_none() {
            recent.break_off(tip);
        }
        drop(recent);
        feed
    }

    /// The feed that is told of every change, but not which.
    pub fn any(&self) -> &Arc<Feed> {
        &self.any
    }

    /// Whether nobody shall follow any more.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Lets all go who follow or wait.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        let feeds: Vec<_> = self.lock().values().cloned().collect();
        feeds.into_iter().chain([Arc::clone(&self.any)]).for_each(|feed| self.wake(feed));
    }

    /// Commits were made upon what the configuration was told to be before.
    pub fn committed(&self, name: &BranchName, commits: Vec<Committed>) {
        self.tell(name, |recent| recent.add(commits));
    }

    /// The configuration is at this commit now, however it came there.
    pub fn moved(&self, name: &BranchName, tip: CommitId) {
        self.tell(name, |recent| {
            if recent.tip != Some(tip) {
                recent.break_off(Some(tip));
            }
        });
    }

    /// Something about the configuration changed that is no commit.
    pub fn touched(&self, name: &BranchName) {
        self.tell(name, |_| {});
    }

    /// The configuration is no longer there.
    pub fn gone(&self, name: &BranchName) {
        self.tell(name, |recent| recent.gone = true);
        // One that is made under the same name later is another one.
        self.lock().remove(name);
    }

    fn tell(&self, name: &BranchName, tell: impl FnOnce(&mut Recent)) {
        let followed = {
            let mut feeds = self.lock();
            // A feed that nobody has hold of any more is kept by this map only.
            if feeds.get(name).is_some_and(|feed| Arc::strong_count(feed) == 1) {
                feeds.remove(name);
            }
            feeds.get(name).cloned()
        };
        if let Some(feed) = followed {
            tell(&mut feed.recent());
            self.wake(feed);
        }
        if self.any.changed.receiver_count() > 0 {
            self.wake(Arc::clone(&self.any));
        }
    }

    fn wake(&self, feed: Arc<Feed>) {
        let unsent = match self.waker.get() {
            Some(waker) => waker.send(feed).err().map(|error| error.0),
            None => Some(feed),
        };
        if let Some(feed) = unsent {
            feed.changed.send_replace(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BranchName, Arc<Feed>>> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// To wake a follower and to send what there is costs about so much. Those who are many are woken no more often than that
/// allows, and are sent several events at a time then: woken for each, they would keep every core busy, and hear later.
const COST: Duration = Duration::from_micros(15);
/// No event waits longer for that.
const LONGEST_WAIT: Duration = Duration::from_millis(30);

/// Wakes whoever follows, once for all that has happened meanwhile.
fn wake(feeds: &Receiver<Arc<Feed>>) {
    let mut not_before = Instant::now();
    while let Ok(feed) = feeds.recv() {
        let mut told = vec![feed];
        loop {
            let left = not_before.saturating_duration_since(Instant::now());
            let Ok(feed) = feeds.recv_timeout(left) else { break };
            if !told.iter().any(|before| Arc::ptr_eq(before, &feed)) {
                told.push(feed);
            }
        }
        let mut woken = 0;
        for feed in &told {
            woken += feed.changed.receiver_count();
            feed.changed.send_replace(());
        }
        let cost = COST.saturating_mul(u32::try_from(woken).unwrap_or(u32::MAX));
        not_before = Instant::now() + cost.min(LONGEST_WAIT);
    }
}
