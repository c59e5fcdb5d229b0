//! `import`.

use std::io::{self, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::Args;
use revconf::app;
use revconf::document::{KINDS, Kind};
use revconf::registry::{Error, Identity, Mode, import, name};

use super::data::Data;
use super::output::print;

#[derive(Args)]
pub struct Import {
    /// The data directory [default: ./data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The configuration; it is created where there is none
    #[arg(long, value_name = "NAME", value_parser = configuration)]
    config: String,
    /// What the documents are
    #[arg(long, default_value = KINDS[0].name, value_parser = kind)]
    kind: &'static Kind,
    /// The documents become the complete set; else they replace those of the same id or join
    #[arg(long)]
    replace: bool,
    /// The commits' author, as "Name <mail@example.org>"
    #[arg(long, value_parser = author)]
    author: Option<Identity>,
    /// The message of the commit that takes the documents in
    #[arg(long, value_parser = message)]
    message: Option<String>,
    /// An array of documents, an object with such an array as "items", or one document; - is standard input
    file: PathBuf,
}

pub fn import(command: Import) -> anyhow::Result<ExitCode> {
    let config = std::env::var_os("REVCONF_CONFIG").map(PathBuf::from);
    let settings = Data { data: command.data, config }.settings()?;
    let _log = app::start_log(&settings.log)?;
    let mut bytes = Vec::new();
    let from_stdin = command.file.as_os_str() == "-";
    if from_stdin {
        io::stdin().read_to_end(&mut bytes).context("standard input cannot be read")?;
    } else {
        bytes = std::fs::read(&command.file)
            .with_context(|| format!("{} cannot be read", command.file.display()))?;
    }
    let commits = &settings.commits;
    let import = import::Import {
        configuration: command.config.clone(),
        kind: command.kind,
        mode: if command.replace { Mode::Replace } else { Mode::Merge },
        author: command
            .author
            .unwrap_or_else(|| Identity::new(&commits.anonymous_name, &commits.anonymous_email)),
        message: command.message,
    };
    let imported =
        app::import(&settings, import, &bytes).map_err(|error| match error.downcast::<Error>() {
            Ok(Error::Invalid(faults)) => {
                let faults: String = faults.iter().map(|fault| format!("\n  {fault}")).collect();
                anyhow!("nothing was imported:{faults}")
            }
            Ok(Error::NotJson(error)) if from_stdin => {
                anyhow!("nothing was imported: standard input is {error}")
            }
            Ok(Error::NotJson(error)) => {
                anyhow!("nothing was imported: {} is {error}", command.file.display())
            }
            Ok(error) => anyhow!("nothing was imported: {error}"),
            Err(error) => error,
        })?;
    let (count, kind) = (imported.documents, command.kind);
    let noun = if count == 1 { kind.singular } else { kind.plural };
    print(&format!("{count} {noun} of format {} imported into {}\n", imported.format, command.config))?;
    Ok(ExitCode::SUCCESS)
}

fn configuration(text: &str) -> Result<String, String> {
    name::parse(text).map(|name| name.to_string()).map_err(|fault| format!("a configuration's name {fault}"))
}

fn kind(name: &str) -> Result<&'static Kind, String> {
    let known = || KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
    Kind::named(name).ok_or_else(|| format!("the kinds are {}", known()))
}

fn author(text: &str) -> Result<Identity, String> {
    let parts = text.strip_suffix('>').and_then(|text| text.split_once('<'));
    let (name, email) = parts.ok_or("an author looks like \"Name <mail@example.org>\"")?;
    Ok(Identity::new(name, email))
}

fn message(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() {
        1..=1000 => Ok(text.to_owned()),
        found => Err(format!("a message has 1 to 1000 characters, this one has {found}")),
    }
}
