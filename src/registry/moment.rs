//! Which state of a configuration is meant: a version by its name, or what stood at a time.

use chrono::{DateTime, Utc};

use super::catalogue::Configuration;
use super::error::Error;
use crate::ledger::{CommitId, History, TagName};

/// A state of a configuration that need not be the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// A version, as the client names it.
    Version(String),
    /// The newest version that is not younger than this. Versions are dated to the second; of several of one second the
    /// last counts.
    At(DateTime<Utc>),
}

impl Moment {
    /// The commit of the configuration that is meant. Blocks on the disk.
    ///
    /// # Errors
    /// The configuration has no such version, or did not exist yet.
    pub(super) fn commit(&self, history: &History, configuration: &Configuration) -> Result<CommitId, Error> {
        match self {
            Moment::Version(version) => resolve(history, configuration, version),
            Moment::At(time) => {
                let missing = || Error::NotYet { time: *time, configuration: configuration.name.to_string() };
                history.at(configuration.version(), *time)?.ok_or_else(missing)
            }
        }
    }
}

/// The commit of a configuration that a client's text names: its id, or enough of it, or the name of a release. No release
/// has a name that could be an id. Blocks on the disk.
///
/// # Errors
/// The configuration has no such version.
pub(super) fn resolve(
    history: &History,
    configuration: &Configuration,
    version: &str,
) -> Result<CommitId, Error> {
    let missing =
        || Error::NoVersion { version: version.to_owned(), configuration: configuration.name.to_string() };
    let tip = configuration.version();
    let found = match TagName::parse(version) {
        Ok(name) => history.tagged(tip, &configuration.name, &name)?,
        Err(_) => history.resolve(tip, version)?,
    };
    found.ok_or_else(missing)
}
