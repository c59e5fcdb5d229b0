//! How it goes with a mirror: for people, and for the metrics.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Mirror, Trouble, Way};
use crate::registry::version::date;

/// In one word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Nothing has been tried yet.
    #[default]
    Starting,
    /// What is here and what is there are the same.
    Current,
    /// There is something new, which is under way.
    Behind,
    /// The last attempt came to nothing.
    Failing,
    /// The other side has gone elsewhere, so that nothing is overwritten.
    Diverged,
    /// What is at the other side breaks the rules, so that the old state stays.
    Refused,
}

impl Standing {
    /// Every word.
    pub const ALL: [&str; 6] = ["starting", "current", "behind", "failing", "diverged", "refused"];
}

/// How it goes.
#[derive(Debug, Default)]
pub struct State {
    standing: Standing,
    message: Option<String>,
    /// How many commits and refs the one side has that the other lacks, as far as that is known.
    behind: Behind,
    /// Since when there is something that the one side has and the other lacks.
    since: Option<DateTime<Utc>>,
    success: Option<DateTime<Utc>>,
    failures: u64,
    attempts: u64,
}

/// How much the one side has that the other lacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Behind {
    pub commits: usize,
    pub refs: usize,
}

impl State {
    /// There is something new.
    pub fn noticed(&mut self) {
        self.since.get_or_insert_with(Utc::now);
        if self.standing == Standing::Current {
            self.standing = Standing::Behind;
        }
    }

    /// So much is to be done now.
    pub fn found(&mut self, behind: Behind) {
        self.behind = behind;
        if behind == Behind::default() {
            self.since = None;
        } else {
            self.noticed();
        }
    }

    /// An attempt begins.
    pub fn begins(&mut self) {
        self.attempts += 1;
    }

    /// An attempt has ended. Answers whether this is news, and not what was so before.
    pub(super) fn ended(&mut self, outcome: &Result<(), Trouble>) -> bool {
        let (standing, message) = match outcome {
            Ok(()) => (Standing::Current, None),
            Err(Trouble::Failing(message)) => (Standing::Failing, Some(message.clone())),
            Err(Trouble::Elsewhere(message)) => (Standing::Diverged, Some(message.clone())),
            Err(Trouble::Refused(message)) => (Standing::Refused, Some(message.clone())),
            Err(Trouble::Stopping) => return false,
        };
        // That it fell behind for a moment is no news.
        let before = if self.standing == Standing::Behind { Standing::Current } else { self.standing };
        let news = (standing, &message) != (before, &self.message);
        if outcome.is_ok() {
            self.success = Some(Utc::now());
            self.found(Behind::default());
        } else {
            self.failures += 1;
        }
        (self.standing, self.message) = (standing, message);
        news
    }
}

/// A mirror as people see it.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    name: String,
    url: String,
    direction: &'static str,
    /// Names or patterns; the one that follows.
    configurations: Vec<String>,
    /// The branch that is followed.
    branch: Option<String>,
    state: Standing,
    message: Option<String>,
    commits_behind: usize,
    refs_behind: usize,
    behind_since: Option<String>,
    last_success: Option<String>,
    failures: u64,
}

impl Told {
    /// With or without what goes wrong, in words.
    pub(super) fn of(mirror: &Mirror, with_message: bool) -> Self {
        let (direction, configurations, branch) = match &mirror.way {
            Way::Push { configurations, .. } => ("push", configurations.clone(), None),
            Way::Follow { configuration, branch, .. } => {
                ("follow", vec![configuration.to_string()], Some(branch.clone()))
            }
        };
        let state = mirror.state();
        Told {
            name: mirror.name.clone(),
            url: mirror.remote.address().to_string(),
            direction,
            configurations,
            branch,
            state: state.standing,
            message: state.message.clone().filter(|_| with_message),
            commits_behind: state.behind.commits,
            refs_behind: state.behind.refs,
            behind_since: state.since.map(date),
            last_success: state.success.map(date),
            failures: state.failures,
        }
    }
}

/// The numbers of a mirror.
pub struct Totals {
    lag: f64,
    behind: Behind,
    success: f64,
    failures: u64,
    attempts: u64,
}

impl Totals {
    pub fn of(state: &State) -> Self {
        let seconds = |time: DateTime<Utc>| (Utc::now() - time).as_seconds_f64().max(0.0);
        Totals {
            lag: state.since.map_or(0.0, seconds),
            behind: state.behind,
            success: state.success.map_or(0.0, |time| (time - DateTime::UNIX_EPOCH).as_seconds_f64()),
            failures: state.failures,
            attempts: state.attempts,
        }
    }

    /// Puts them into the metrics.
    #[expect(clippy::cast_precision_loss, reason = "nobody is 2^52 commits behind")]
    pub fn measure(&self, mirror: &str) {
        let label = || [("mirror", mirror.to_owned())];
        metrics::gauge!("revconf_mirror_lag_seconds", &label()).set(self.lag);
        metrics::gauge!("revconf_mirror_lag_commits", &label()).set(self.behind.commits as f64);
        metrics::gauge!("revconf_mirror_lag_refs", &label()).set(self.behind.refs as f64);
        metrics::gauge!("revconf_mirror_last_success_timestamp_seconds", &label()).set(self.success);
        metrics::counter!("revconf_mirror_attempts_total", &label()).absolute(self.attempts);
        metrics::counter!("revconf_mirror_failures_total", &label()).absolute(self.failures);
    }
}
