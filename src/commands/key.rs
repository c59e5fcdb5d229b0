//! `key new`.

use std::process::ExitCode;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use revconf::access::key::{self, Hash};
use revconf::access::{Grant, principals};

use super::output::print;

#[derive(Subcommand)]
pub enum Key {
    /// Print a new key, which nothing else will ever tell again, and what to store of it.
    New(New),
}

#[derive(Args)]
pub struct New {
    /// Whose it is; the author of the commits that are made with it
    #[arg(long)]
    name: String,
    /// The author's e-mail address [default: NAME@localhost]
    #[arg(long)]
    email: Option<String>,
    /// What may be done with which configurations, such as editor=staging-*; may be said more than once
    #[arg(long, value_name = "ROLE=PATTERN")]
    role: Vec<Grant>,
    /// A second key as well, for Azure's SharedAccessSignature
    #[arg(long)]
    signing: bool,
}

pub fn key(command: &Key) -> anyhow::Result<ExitCode> {
    match command {
        Key::New(command) => new(command),
    }
}

fn new(command: &New) -> anyhow::Result<ExitCode> {
    let key = key::Key::new()?;
    let hash = Hash::new(&key)?;
    let signing_key = command.signing.then(key::new_signing_key).transpose()?;
    let email =
        command.email.clone().unwrap_or_else(|| format!("{}@localhost", command.name.replace(' ', ".")));
    let entry = principals::entry(&command.name, &email, &command.role, &key, &hash, signing_key.as_deref());
    principals::Principals::parse(&entry).map_err(|faults| anyhow!("no key was made: {faults}"))?;
    print(&format!(
        "The key, told this once; whoever has it is {}:\n\n{}\n\nFor the file that access.principals names, which \
         must be its owner's alone:\n\n{entry}",
        command.name,
        key.reveal(),
    ))?;
    Ok(ExitCode::SUCCESS)
}
