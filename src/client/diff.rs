//! `diff`: between versions, or of what is there and what is in a file.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;
use serde_json::Value;
use ureq::http::Method;

use super::address::{self, Address, Entry};
use super::apply::{self, Plan};
use super::changes;
use super::failure::Failure;
use super::files;
use super::options::{Change, Options};
use super::output::Output;
use super::read;
use super::service::Service;
use super::transaction::{self, Operation};

#[derive(Args)]
pub struct Diff {
    /// Two versions or releases, the second being the newest if it is left out; before them, an entry or a set, if not
    /// the whole configuration. Where there are two words, the first is an entry or a set if it has a slash, as in
    /// backend-services/
    #[arg(value_names = ["KIND[/ID]", "FROM", "TO"], num_args = 1..=3, required_unless_present = "file")]
    what: Vec<String>,
    /// What applying this file, or folder, would change; of a file, its folder's name is the kind unless KIND/ID is
    /// given; - is standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

#[derive(Deserialize)]
struct Difference {
    items: Vec<Value>,
}

/// Whether there is a difference.
pub fn diff(command: &Diff) -> Result<bool, Failure> {
    let (service, output) = (Service::new(&command.options)?, Output::new(&command.options));
    match &command.file {
        Some(folder) if folder.is_dir() => of_folder(command, folder, &service, &output),
        Some(file) => of_file(command, file, &service, &output),
        None => of_versions(command, &service, &output),
    }
}

fn of_versions(command: &Diff, service: &Service, output: &Output) -> Result<bool, Failure> {
    let config = &command.options.config;
    let (address, from, to) = match command.what.as_slice() {
        [one] if !one.contains('/') => (None, one, None),
        [address, from] if address.contains('/') => (Some(address), from, None),
        [from, to] => (None, from, Some(to)),
        [address, from, to] => (Some(address), from, Some(to)),
        _ => return Err(Failure::Usage("diff from which version?".to_owned())),
    };
    let address = address.map(|address| address.parse::<Address>().map_err(Failure::Usage)).transpose()?;
    let to = to.map_or_else(|| read::newest(service, config, None), |to| Ok(to.clone()))?;
    let route = address::versions(config, address.as_ref()).below(&[&to, "diff"]).with("against", Some(from));
    let accept = if output.json { "application/json" } else { "text/x-diff" };
    let answer = service.ask(&Method::GET, &route, &[("Accept", accept)], Vec::new())?.done()?;
    if output.json {
        output.bytes(&answer.body)?;
        return Ok(!answer.read::<Difference>()?.items.is_empty());
    }
    output.unified(&String::from_utf8_lossy(&answer.body))?;
    Ok(!answer.body.is_empty())
}

fn of_file(
    command: &Diff,
    file: &std::path::Path,
    service: &Service,
    output: &Output,
) -> Result<bool, Failure> {
    let document = files::document(file)?;
    let entry = match command.what.as_slice() {
        [] => files::entry(file, &document)?,
        [entry] => entry.parse::<Entry>().map_err(Failure::Usage)?,
        _ => return Err(Failure::Usage("a file is compared with the newest state only".to_owned())),
    };
    let operations = [Operation::new("put", &entry, Some(document))];
    let change = Change { message: None, dry_run: true };
    let config = &command.options.config;
    let answer = transaction::send(service, config, &operations, &[entry.to_string()], &change, &[])?;
    let items = changes::of(&answer)?;
    match output.json {
        true => output.bytes(&answer.body)?,
        false => changes::show(output, &items, "")?,
    }
    Ok(!items.is_empty())
}

fn of_folder(
    command: &Diff,
    folder: &std::path::Path,
    service: &Service,
    output: &Output,
) -> Result<bool, Failure> {
    if !command.what.is_empty() {
        return Err(Failure::Usage("a folder is compared with the whole newest state only".to_owned()));
    }
    let plan = Plan::of(service, &command.options.config, folder, None)?;
    let change = Change { message: None, dry_run: true };
    let (body, items) = match plan.is_empty() {
        true => (apply::no_difference(&plan.version), Vec::new()),
        false => {
            let (answer, items) = apply::dry(&plan, service, &change, &command.options)?;
            (answer.body, items)
        }
    };
    match output.json {
        true => output.bytes(&body)?,
        false => changes::show(output, &items, plan.kind())?,
    }
    Ok(!items.is_empty())
}
