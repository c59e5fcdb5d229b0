//! What the settings ask for, read into mirrors, or all that is wrong with it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;

use super::{Archives, Mirror, Way};
use crate::ledger::remote::{Address, Credentials, Remote, Transport};
use crate::registry::name;

/// Which way commits go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Push,
    Follow,
}

/// A mirror as the settings have it. Empty is not set.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub name: String,
    pub url: String,
    pub direction: Direction,
    pub configurations: Vec<String>,
    pub archives: Option<Archives>,
    pub configuration: String,
    pub branch: String,
    /// In seconds.
    pub interval: Option<u64>,
    pub has_secret: bool,
    pub user: String,
    pub token_file: PathBuf,
    pub ssh_key: PathBuf,
    pub known_hosts: PathBuf,
}

/// In seconds: so often it is looked whether there is something new, unless the settings say otherwise.
const INTERVAL: u64 = 60;
/// In seconds.
const DAY: u64 = 86_400;
/// In characters.
const LONGEST_NAME: usize = 63;

/// Reads all mirrors; `program` is git's path or name.
///
/// # Errors
/// Everything that is wrong, a line each.
pub fn read(all: &[Wanted], program: &Path) -> Result<Vec<Mirror>, Vec<String>> {
    let mut faults = Vec::new();
    let (mut names, mut followed) = (BTreeSet::new(), BTreeSet::new());
    let mut mirrors = Vec::new();
    for wanted in all {
        let mut tell = |fault: String| faults.push(format!("mirror {:?}: {fault}", wanted.name));
        if !is_name(&wanted.name) {
            tell(format!(
                "name must be 1 to {LONGEST_NAME} of a-z 0-9 . _ -, and begin with a letter or digit"
            ));
        }
        if !names.insert(&wanted.name) {
            tell("there are two of this name".to_owned());
        }
        if wanted.direction == Direction::Follow && !followed.insert(&wanted.configuration) {
            tell(format!("configuration {:?} follows another mirror already", wanted.configuration));
        }
        match one(wanted, program) {
            Ok(mirror) => mirrors.push(mirror),
            Err(found) => found.into_iter().for_each(tell),
        }
    }
    if faults.is_empty() { Ok(mirrors) } else { Err(faults) }
}

fn one(wanted: &Wanted, program: &Path) -> Result<Mirror, Vec<String>> {
    let mut faults = unfit(wanted);
    let address = Address::parse(&wanted.url).map_err(|fault| format!("url {fault}"));
    let credentials = address.clone().and_then(|address| credentials(wanted, &address));
    let way = way(wanted);
    match (address, credentials, way) {
        (Ok(address), Ok(credentials), Ok(way)) if faults.is_empty() => Ok(Mirror {
            name: wanted.name.clone(),
            remote: Arc::new(Remote::new(program, address, credentials)),
            way,
            called: Notify::new(),
            state: Mutex::default(),
        }),
        (address, credentials, way) => {
            // Without an address nothing can be said of credentials.
            faults.extend(address.err().or(credentials.err()));
            faults.extend(way.err().into_iter().flatten());
            Err(faults)
        }
    }
}

/// What is set and means nothing for this direction.
fn unfit(wanted: &Wanted) -> Vec<String> {
    let follows = wanted.direction == Direction::Follow;
    let settings = [
        ("configurations", !wanted.configurations.is_empty(), Direction::Push),
        ("archives", wanted.archives.is_some(), Direction::Push),
        ("configuration", !wanted.configuration.is_empty(), Direction::Follow),
        ("branch", !wanted.branch.is_empty(), Direction::Follow),
        ("interval", wanted.interval.is_some(), Direction::Follow),
        ("secret_file", wanted.has_secret, Direction::Follow),
    ];
    let direction = if follows { "follow" } else { "push" };
    let unfit = settings.into_iter().filter(|(_, set, of)| *set && *of != wanted.direction);
    unfit.map(|(name, ..)| format!("{name} means nothing with direction = \"{direction}\"")).collect()
}

fn way(wanted: &Wanted) -> Result<Way, Vec<String>> {
    match wanted.direction {
        Direction::Push => {
            let bad = wanted.configurations.iter().filter(|pattern| !is_pattern(pattern));
            let faults: Vec<_> = bad
                .map(|bad| {
                    format!("configurations has {bad:?}, which is no configuration's name, in which * stands for any characters")
                })
                .collect();
            let all = || vec!["*".to_owned()];
            let configurations =
                if wanted.configurations.is_empty() { all() } else { wanted.configurations.clone() };
            let archives = wanted.archives.unwrap_or_default();
            if faults.is_empty() { Ok(Way::Push { configurations, archives }) } else { Err(faults) }
        }
        Direction::Follow => {
            let mut faults = Vec::new();
            let configuration = name::parse(&wanted.configuration);
            let configuration = configuration.map_err(|fault| faults.push(format!("configuration {fault}")));
            let branch = if wanted.branch.is_empty() { &wanted.configuration } else { &wanted.branch };
            if !is_branch(branch) {
                faults.push(format!("branch is {branch:?}, which git does not take for one"));
            }
            let interval = wanted.interval.unwrap_or(INTERVAL);
            if interval > DAY {
                faults.push(format!("interval must be from 0 to {DAY}, not {interval}"));
            }
            if interval == 0 && !wanted.has_secret {
                faults.push(
                    "interval is 0, and without secret_file nobody could say that there is something new"
                        .to_owned(),
                );
            }
            match configuration {
                Ok(configuration) if faults.is_empty() => Ok(Way::Follow {
                    configuration,
                    branch: branch.clone(),
                    interval: (interval > 0).then(|| Duration::from_secs(interval)),
                }),
                _ => Err(faults),
            }
        }
    }
}

fn credentials(wanted: &Wanted, address: &Address) -> Result<Credentials, String> {
    let Wanted { user, token_file, ssh_key, known_hosts, .. } = wanted;
    let set = |path: &PathBuf| !path.as_os_str().is_empty();
    let (ssh, web) = (set(ssh_key) || set(known_hosts), set(token_file) || !user.is_empty());
    match address.transport() {
        Transport::Ssh if web => Err("user and token_file are for https".to_owned()),
        Transport::Ssh if !set(ssh_key) || !set(known_hosts) => {
            Err("ssh needs ssh_key and known_hosts".to_owned())
        }
        Transport::Ssh => Credentials::key(ssh_key, known_hosts).map_err(|fault| fault.to_string()),
        _ if ssh => Err("ssh_key and known_hosts are for ssh".to_owned()),
        Transport::Path if web => Err("user and token_file are for https".to_owned()),
        _ if !web => Ok(Credentials::Nothing),
        _ if !set(token_file) => Err("user is set, and needs token_file".to_owned()),
        _ if !address.is_private() => {
            Err("a token is not sent over http, where anybody on the way can read it".to_owned())
        }
        _ => {
            let user = if user.is_empty() { "git" } else { user };
            Credentials::token(user, token_file).map_err(|fault| fault.to_string())
        }
    }
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=LONGEST_NAME).contains(&name.len())
        && name.starts_with(plain)
        && name.chars().all(|c| plain(c) || matches!(c, '.' | '_' | '-'))
}

fn is_pattern(pattern: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-*".contains(c);
    !pattern.is_empty() && pattern.chars().all(plain)
}

/// As git-check-ref-format(1) has it, and nothing that would be read as a pattern or an option.
fn is_branch(name: &str) -> bool {
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(c);
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    !name.starts_with('-')
        && !name.ends_with('.')
        && name != "@"
        && !["..", "@{"].iter().any(|bad| name.contains(bad))
        && !name.contains(forbidden)
        && name.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push() -> Wanted {
        Wanted {
            name: "copy".to_owned(),
            url: "/srv/copy.git".to_owned(),
            direction: Direction::Push,
            configurations: Vec::new(),
            archives: None,
            configuration: String::new(),
            branch: String::new(),
            interval: None,
            has_secret: false,
            user: String::new(),
            token_file: PathBuf::new(),
            ssh_key: PathBuf::new(),
            known_hosts: PathBuf::new(),
        }
    }

    fn follow() -> Wanted {
        Wanted { direction: Direction::Follow, configuration: "prod".to_owned(), ..push() }
    }

    fn faults(all: &[Wanted]) -> String {
        read(all, Path::new("git")).err().unwrap_or_default().join("\n")
    }

    #[test]
    fn what_is_right() {
        let ssh = Wanted {
            url: "git@host:conf.git".to_owned(),
            ssh_key: "/key".into(),
            known_hosts: "/hosts".into(),
            ..push()
        };
        let web = Wanted { url: "https://host/conf.git".to_owned(), token_file: "/token".into(), ..follow() };
        let branch =
            Wanted { branch: "release/2026".to_owned(), interval: Some(0), has_secret: true, ..follow() };
        for wanted in [push(), follow(), ssh, web, branch] {
            assert_eq!(faults(std::slice::from_ref(&wanted)), "", "{wanted:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_all_at_once() {
        let first = Wanted { interval: Some(5), configurations: vec!["PROD".to_owned()], ..push() };
        let second = Wanted { url: "ext::sh".to_owned(), configuration: "No".to_owned(), ..follow() };
        let told = faults(&[first, second]);
        for part in [
            "interval means nothing",
            "PROD",
            "two of this name",
            "url must look",
            "configuration must begin",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }

    #[test]
    fn credentials_fit_the_address() {
        for (wanted, part) in [
            (Wanted { url: "git@host:x".to_owned(), ..push() }, "ssh needs"),
            (Wanted { ssh_key: "/key".into(), ..push() }, "are for ssh"),
            (Wanted { user: "ada".to_owned(), url: "https://h/x".to_owned(), ..push() }, "needs token_file"),
            (Wanted { token_file: "/t".into(), ..push() }, "are for https"),
            (
                Wanted { token_file: "/t".into(), url: "http://h/x".to_owned(), ..push() },
                "not sent over http",
            ),
            (Wanted { interval: Some(0), ..follow() }, "interval is 0"),
            (Wanted { branch: "-x".to_owned(), ..follow() }, "branch is"),
            (Wanted { branch: "a..b".to_owned(), ..follow() }, "branch is"),
        ] {
            let told = faults(std::slice::from_ref(&wanted));
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}
