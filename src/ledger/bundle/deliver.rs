//! Restoring while the service runs, which is the only one to write then: what is missing is pushed through its door
//! for git, where it is looked through as any push is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process;

use chrono::Utc;
use git2::Repository;

use super::fates::{Fate, Plan, Restored};
use super::heading::{Heading, Ref};
use super::restore::{Restoration, choose, write_refs};
use super::unpack::unpack;
use super::{BundleError, at};
use crate::ledger::id::{BRANCHES, ObjectId};
use crate::ledger::remote::{
    Address, AddressFault, Credentials, Delivery, Key, Refs, Refusal, Remote, RemoteError, Sent,
};
use crate::ledger::repository;
use crate::ledger::tag::TAGS;

/// So many refs go in one call: a command line has an end.
const AT_ONCE: usize = 256;
/// A backup holds everything, so what is made of it is its owner's alone.
const MODE: u32 = 0o700;
/// Where objects are named that only the service has.
const FETCHED: &str = "refs/fetched/";

/// A service that runs, and who asks it.
#[derive(Debug)]
pub struct Service {
    /// With the prefix of its routes, if there is one.
    pub url: String,
    pub key: Option<Key>,
    /// Certificates (PEM) to believe instead of the system's.
    pub certificates: Option<PathBuf>,
}

/// Brings what is missing from a bundle, or the newest one in a folder, into a service that runs; `program` is the git
/// to call. The bundle is checked first. Archives cannot be brought in like this.
///
/// # Errors
/// There is no sound bundle, git is missing, or the service cannot be reached. What could not be brought in after the
/// service has been reached is told by its fate.
pub fn deliver(program: &Path, service: &Service, from: &Path) -> Result<Restoration, BundleError> {
    git2::opts::strict_hash_verification(false);
    let url = service.url.trim_end_matches('/');
    let remote = remote(program, service, url)?;
    let bundle = choose(from)?;
    let place = Place::make()?;
    let copy = place.0.join("repository.git");
    let unpacked = unpack(&bundle, &copy)?;
    write_refs(&copy, &unpacked.heading).map_err(at(&copy))?;
    let away = |error| BundleError::Service { url: url.to_owned(), reason: reason(&error) };
    let listed = remote.list(&[]).map_err(away)?;
    let (ours, others) = split(&unpacked.heading);
    fetch_unknown(&remote, &copy, &ours, &listed).map_err(away)?;
    let opened = repository::open(&copy)?;
    let mut refs = Plan::new(&opened, &opened, listed.clone()).decide(&ours)?;
    Pushing { remote: &remote, copy: &copy }.push_all(&mut refs);
    refs.extend(others.into_iter().map(|(name, id)| {
        let is_there = listed.get(&name) == Some(&id);
        Restored { name, id, fate: if is_there { Fate::Unchanged } else { Fate::LeftOut } }
    }));
    Ok(Restoration { bundle, commits: unpacked.counted.commits, is_new: false, refs })
}

fn remote(program: &Path, service: &Service, url: &str) -> Result<Remote, BundleError> {
    let told = |reason: &str| BundleError::Address(format!("{url:?} is no URL of a service: it {reason}"));
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(told("must look like https://conf.example.org"));
    }
    let address = Address::parse(&format!("{url}/git")).map_err(|fault| match fault {
        AddressFault::Secret => {
            told("must not hold a name or a key; a key is shown by REVCONF_KEY or --key-file")
        }
        other => told(&other.to_string()),
    })?;
    let credentials = service.key.clone().map_or(Credentials::Nothing, Credentials::Bearer);
    Ok(Remote::new(program, address, credentials).trusting(service.certificates.clone()))
}

/// Why a call came to nothing, with what would help.
fn reason(error: &RemoteError) -> String {
    let help = match error {
        RemoteError::Program(_) => "; or stop the service and restore without --server, which needs no git",
        RemoteError::Git(said) if said.contains("error: 501") => {
            "; it has no git, so its door for git is closed: install git there, or stop it and restore without --server"
        }
        RemoteError::Git(said) if said.contains("could not read Username") => {
            "; it asks for a key, or does not know this one: a key is shown by REVCONF_KEY or --key-file"
        }
        RemoteError::Git(said) if said.contains("not found") => "; is --server right?",
        _ => "",
    };
    format!("{error}{help}")
}

/// Configurations and releases, and what else there is, such as archives, which a service takes from nobody.
fn split(heading: &Heading) -> (Vec<Ref>, Vec<Ref>) {
    heading.refs.iter().cloned().partition(|(name, _)| name.starts_with(BRANCHES) || name.starts_with(TAGS))
}

/// The configuration that a ref is or belongs to.
fn configuration(name: &str) -> &str {
    name.strip_prefix(BRANCHES).unwrap_or_else(|| {
        let tag = name.strip_prefix(TAGS).unwrap_or(name);
        tag.split_once('/').map_or(tag, |(configuration, _)| configuration)
    })
}

/// Fetches the histories of configurations that are not known here, to see whether they led on from the backup's.
fn fetch_unknown(remote: &Remote, copy: &Path, ours: &[Ref], listed: &Refs) -> Result<(), RemoteError> {
    let known = Repository::open_bare(copy).map_err(std::io::Error::other)?;
    let branches: BTreeSet<String> =
        ours.iter().map(|(name, _)| format!("{BRANCHES}{}", configuration(name))).collect();
    let tips: BTreeSet<ObjectId> = branches.iter().filter_map(|name| listed.get(name).copied()).collect();
    let unknown: Vec<ObjectId> =
        tips.into_iter().filter(|ObjectId(id)| known.find_commit(*id).is_err()).collect();
    unknown.chunks(AT_ONCE).try_for_each(|ids| remote.fetch_objects(ids, FETCHED, copy))
}

/// A folder that goes when this is dropped.
struct Place(PathBuf);

impl Place {
    fn make() -> Result<Self, BundleError> {
        let moment = Utc::now().timestamp_nanos_opt().unwrap_or_default();
        let path = std::env::temp_dir().join(format!("revconf-restore-{}-{moment}", process::id()));
        DirBuilder::new().mode(MODE).create(&path).map_err(at(&path))?;
        Ok(Place(path))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "what was unpacked stays behind");
        }
    }
}

/// Pushes to a service from the repository that a bundle became.
struct Pushing<'r> {
    remote: &'r Remote,
    copy: &'r Path,
}

/// What became of a ref that was pushed.
type Outcome = Result<(), String>;

impl Pushing<'_> {
    /// Pushes each configuration with its releases by itself, since a push is refused whole if one ref is unfit.
    fn push_all(&self, refs: &mut [Restored]) {
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, restored) in refs.iter().enumerate() {
            if matches!(restored.fate, Fate::Created | Fate::Forwarded { .. }) {
                groups.entry(configuration(&restored.name).to_owned()).or_default().push(at);
            }
        }
        let mut gone: Option<String> = None;
        for (name, group) in groups {
            let mut missing = None;
            for lot in group.chunks(AT_ONCE) {
                let why = gone.clone().or_else(|| missing.clone());
                if let Some(reason) = why {
                    lot.iter().for_each(|at| refs[*at].fate = Fate::Refused { reason: reason.clone() });
                } else if let Err(error) = self.push_lot(&name, refs, lot) {
                    let reason = reason(&error);
                    let unsettled = lot.iter().filter(|at| !matches!(refs[**at].fate, Fate::Left { .. }));
                    for at in unsettled.copied().collect::<Vec<_>>() {
                        refs[at].fate = Fate::Refused { reason: reason.clone() };
                    }
                    gone = Some(reason);
                }
                missing = missing.or_else(|| without_branch(refs, lot));
            }
        }
    }

    /// Pushes some refs of a configuration, together and then, where that is refused, each by itself, and notes what
    /// became of them.
    ///
    /// # Errors
    /// Something was refused, and the service cannot be asked any more.
    fn push_lot(&self, name: &str, refs: &mut [Restored], lot: &[usize]) -> Result<(), RemoteError> {
        let together: Vec<&Restored> = lot.iter().map(|at| &refs[*at]).collect();
        let mut outcomes = self.push(&together);
        if outcomes.iter().all(Result::is_ok) {
            return Ok(());
        }
        if together.len() > 1 {
            outcomes = self.push_singly(&together);
        }
        let now = self.remote.list(&[&format!("{BRANCHES}{name}"), &format!("{TAGS}{name}/*")])?;
        for (at, outcome) in lot.iter().zip(outcomes) {
            let Err(reason) = outcome else { continue };
            let restored = &mut refs[*at];
            let here = now.get(&restored.name).copied();
            let before = if let Fate::Forwarded { from } = restored.fate { Some(from) } else { None };
            if here == Some(restored.id) {
                continue;
            }
            restored.fate = match here == before {
                true => Fate::Refused { reason },
                false => Fate::Left { here, reason: "it was changed there meanwhile" },
            };
        }
        Ok(())
    }

    /// The configuration comes first, and releases of one that is not there need not be tried.
    fn push_singly(&self, refs: &[&Restored]) -> Vec<Outcome> {
        let mut missing: Option<String> = None;
        let mut outcomes = Vec::with_capacity(refs.len());
        for restored in refs {
            let outcome = match &missing {
                Some(reason) => Err(reason.clone()),
                None => self.push(&[*restored]).remove(0),
            };
            if outcome.is_err() && is_new_branch(restored) {
                missing = Some(WITHOUT.to_owned());
            }
            outcomes.push(outcome);
        }
        outcomes
    }

    /// One push; what became of each ref.
    fn push(&self, refs: &[&Restored]) -> Vec<Outcome> {
        let delivery = |r: &&Restored| Delivery { name: r.name.clone(), to: Some(r.id), replaces: None };
        let deliveries: Vec<Delivery> = refs.iter().map(delivery).collect();
        match self.remote.push(self.copy, &deliveries) {
            Err(error) => vec![Err(reason(&error)); refs.len()],
            Ok(sent) => refs.iter().map(|restored| outcome(&sent, &restored.name)).collect(),
        }
    }
}

/// Why a release is not tried.
const WITHOUT: &str = "its configuration did not come in";

fn is_new_branch(restored: &Restored) -> bool {
    restored.name.starts_with(BRANCHES) && restored.fate == Fate::Created
}

/// Why the rest of a configuration need not be tried, if that is so.
fn without_branch(refs: &[Restored], lot: &[usize]) -> Option<String> {
    let first = refs.get(*lot.first()?)?;
    let is_out = first.name.starts_with(BRANCHES) && matches!(first.fate, Fate::Refused { .. });
    is_out.then(|| WITHOUT.to_owned())
}

fn outcome(sent: &[Sent], name: &str) -> Outcome {
    let Some(sent) = sent.iter().find(|sent| sent.name == name) else {
        return Err("git does not say what became of it".to_owned());
    };
    match &sent.outcome {
        Ok(()) => Ok(()),
        Err(_) if !sent.told.is_empty() => Err(sent.told.join("\n  ")),
        Err(Refusal::Moved) => Err("it is elsewhere there".to_owned()),
        Err(Refusal::Other(reason)) => Err(reason.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_go_with_their_configuration() {
        for (name, expected) in [
            ("refs/heads/prod", "prod"),
            ("refs/tags/prod/v1", "prod"),
            ("refs/tags/v1", "v1"),
            ("refs/heads/a/b", "a/b"),
        ] {
            assert_eq!(configuration(name), expected, "{name}");
        }
    }

    #[test]
    fn what_is_no_url_of_a_service_is_told_before_anything_is_done() {
        for (url, said) in [
            ("conf.example.org", "https://conf.example.org"),
            ("ssh://conf.example.org", "https://conf.example.org"),
            ("https://ada:secret@conf.example.org", "REVCONF_KEY"),
            ("http://", "https://"),
        ] {
            let service = Service { url: url.to_owned(), key: None, certificates: None };
            let error = remote(Path::new("git"), &service, url).expect_err(url).to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
