//! `restore`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::Args;
use revconf::app;
use revconf::client;
use revconf::ledger::bundle::deliver::Service;
use revconf::ledger::bundle::fates::{Fate, Restored};
use revconf::ledger::bundle::restore::Restoration;
use revconf::ledger::remote::Key;

use super::data::Data;
use super::output::{count, print};

/// Something of the backup differs from what is there.
const DIFFERS: u8 = 4;

#[derive(Args)]
pub struct Restore {
    #[command(flatten)]
    data: Data,
    /// Bring it into the service that runs there, instead of into a data directory: configurations and releases,
    /// through its door for git. Takes an installed git
    #[arg(long, value_name = "URL", conflicts_with = "data", help_heading = "Service")]
    server: Option<String>,
    /// A file with the key to show to the service; or the key itself is in REVCONF_KEY
    #[arg(long, value_name = "FILE", env = "REVCONF_KEY_FILE", help_heading = "Service")]
    key_file: Option<PathBuf>,
    /// Certificates (PEM) to trust instead of the system's, where the URL begins with https
    #[arg(long, value_name = "FILE", env = "REVCONF_CA", help_heading = "Service")]
    ca: Option<PathBuf>,
    /// The backup, or a folder of which the newest is taken
    backup: PathBuf,
}

pub fn restore(command: &Restore) -> anyhow::Result<ExitCode> {
    let settings = command.data.settings()?;
    let done = match &command.server {
        None => app::restore(&settings, &command.backup),
        Some(url) => {
            let key = match client::key(command.key_file.as_deref()) {
                Ok(key) => key.map(Key::new),
                Err(failure) => {
                    writeln!(io::stderr(), "revconf: {failure}").ok();
                    return Ok(ExitCode::from(failure.status()));
                }
            };
            let service = Service { url: url.clone(), key, certificates: command.ca.clone() };
            app::deliver(&settings.git.program, &service, &command.backup)
        }
    };
    let done = done.context("the backup was not restored")?;
    let (lines, refused) = told(&done);
    print(&lines)?;
    if !refused.is_empty() {
        return Err(anyhow!("not all of the backup was restored:{refused}"));
    }
    let left = done.refs.iter().any(|restored| matches!(restored.fate, Fate::Left { .. }));
    Ok(if left { ExitCode::from(DIFFERS) } else { ExitCode::SUCCESS })
}

/// What became of the refs of a backup, and what was not taken.
fn told(done: &Restoration) -> (String, String) {
    let (mut lines, mut refused) = (String::new(), String::new());
    let [mut same, mut left, mut failed, mut out] = [0, 0, 0, 0];
    for Restored { name, id, fate } in &done.refs {
        match fate {
            Fate::Created if done.is_new => {}
            Fate::Created => lines += &format!("created {name} at {id}\n"),
            Fate::Forwarded { from } => lines += &format!("moved {name} on from {from} to {id}\n"),
            Fate::Unchanged | Fate::Newer => same += 1,
            Fate::Left { here, reason } => {
                left += 1;
                let here = here.map_or_else(|| "is not here".to_owned(), |here| format!("is at {here}"));
                lines += &format!("left {name}, which {here}, and at {id} in the backup: {reason}\n");
            }
            Fate::Refused { reason } => {
                failed += 1;
                refused += &format!("\n  {name}, at {id} in the backup: {reason}");
            }
            Fate::LeftOut => out += 1,
        }
    }
    let all = done.refs.len();
    let refs = |number: usize| count(number as u64, "ref", "refs");
    if out > 0 {
        lines += &format!(
            "left out {}, such as archives, which a service takes from nobody; revconf restore --data brings them while it is \
             stopped\n",
            refs(out)
        );
    }
    lines += &match done.is_new {
        true => format!("restored {} and {}", refs(all), count(done.commits, "commit", "commits")),
        false => format!(
            "restored {}; of {} nothing was missing, {left} left as they are",
            refs(all - same - left - failed - out),
            refs(same)
        ),
    };
    lines += &format!(" from {}\n", done.bundle.display());
    (lines, refused)
}
