//! What is done without serving, by a process that ends when it is done.

use std::io::{BufRead, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use anyhow::Context;

use super::open::open;
use crate::ledger::bundle;
use crate::ledger::bundle::backup::Backup;
use crate::ledger::bundle::deliver::Service;
use crate::ledger::bundle::restore::Restoration;
use crate::ledger::repository;
use crate::ledger::wire::hook;
use crate::ledger::wire::hooks::Stage;
use crate::registry::check::{self, Report};
use crate::registry::import::{Import, Imported};
use crate::settings::Settings;

/// Takes documents into the repository of a data directory that no service uses.
///
/// # Errors
/// The directory is in use, or the documents break rules.
pub fn import(settings: &Settings, import: Import, bytes: &[u8]) -> anyhow::Result<Imported> {
    let system = actix_web::rt::System::new();
    let registry = system.block_on(open(settings))?;
    let outcome = system.block_on(registry.import(import, bytes));
    registry.close();
    outcome.map_err(|rejection| anyhow::Error::new(rejection.error))
}

/// Checks the repository of a data directory; a service may be using it.
///
/// # Errors
/// There is no repository.
pub fn check(data: &Path) -> anyhow::Result<Report> {
    Ok(check::check(data)?)
}

/// Makes a backup of the repository of a data directory in a folder; a service may be using it.
///
/// # Errors
/// There is no repository, it is damaged, or the disk fails.
pub fn backup(data: &Path, folder: &Path, keep: Option<usize>) -> anyhow::Result<Backup> {
    Ok(bundle::backup::backup(&data.join(repository::FOLDER), folder, keep)?)
}

/// Restores the data directory of the settings, which no service uses.
///
/// # Errors
/// The backup is not sound, the directory is in use, or the disk fails.
pub fn restore(settings: &Settings, from: &Path) -> anyhow::Result<Restoration> {
    Ok(bundle::restore::restore(&settings.data, from, &url(settings))?)
}

/// Where a service with these settings can be reached from this machine.
fn url(settings: &Settings) -> String {
    let mut address = settings.http.listen;
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    let scheme = if settings.tls.certificate.as_os_str().is_empty() { "http" } else { "https" };
    format!("{scheme}://{address}")
}

/// Restores into a service that runs.
///
/// # Errors
/// The backup is not sound, there is no git, or the service cannot be reached.
pub fn deliver(program: &Path, service: &Service, from: &Path) -> anyhow::Result<Restoration> {
    Ok(bundle::deliver::deliver(program, service, from)?)
}

/// Does the work of a hook for a push, in a process that git has started: its words come from `input` and go to
/// `output`, and what is for people to `screen`. Answers whether the push goes on.
///
/// # Errors
/// There is no such hook, or git or the service cannot be heard.
pub fn hook(
    name: &str,
    input: &mut impl BufRead,
    output: &mut impl Write,
    screen: &mut impl Write,
) -> anyhow::Result<bool> {
    let stage = Stage::named(name).with_context(|| format!("there is no hook {name}"))?;
    hook::run(stage, input, output, screen).context("the service cannot be reached")
}
