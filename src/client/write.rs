//! `put`, `rm` and `revert`.

use std::path::PathBuf;

use clap::Args;
use ureq::http::Method;

use super::address::{self, Address, Entry};
use super::changes;
use super::failure::Failure;
use super::files;
use super::options::{Change, Options};
use super::output::Output;
use super::service::{Answer, Service};
use super::transaction::{self, Operation};

#[derive(Args)]
pub struct Put {
    /// The entry; it is created or replaced
    #[arg(value_name = "KIND/ID")]
    entry: Entry,
    /// The document; - is standard input
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    condition: Condition,
    #[command(flatten)]
    change: Change,
    #[command(flatten)]
    options: Options,
}

#[derive(Args)]
pub struct Rm {
    /// The entry; its history stays
    #[arg(value_name = "KIND/ID")]
    entry: Entry,
    #[command(flatten)]
    condition: Condition,
    #[command(flatten)]
    change: Change,
    #[command(flatten)]
    options: Options,
}

#[derive(Args)]
pub struct Revert {
    /// An entry or a set, if not the whole configuration; then the version or release
    #[arg(value_names = ["KIND[/ID]", "VERSION"], num_args = 1..=2, required = true)]
    what: Vec<String>,
    #[command(flatten)]
    condition: Condition,
    #[command(flatten)]
    change: Change,
    #[command(flatten)]
    options: Options,
}

#[derive(Args)]
struct Condition {
    /// Only if this is its tag: what `git hash-object` says of what get printed; * is any
    #[arg(long, value_name = "TAG")]
    if_match: Option<String>,
}

impl Condition {
    /// As HTTP wants it, in quotes, which shells like to take away.
    fn tag(&self) -> Option<String> {
        let bare = |tag: &str| !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.if_match.as_ref().map(|tag| if bare(tag) { format!("\"{tag}\"") } else { tag.clone() })
    }
}

pub fn put(command: &Put) -> Result<(), Failure> {
    let document = files::document(&command.file)?;
    let operation = Operation::new("put", &command.entry, Some(document));
    one(operation, &command.entry, "is written", &command.condition, &command.change, &command.options)
}

pub fn rm(command: &Rm) -> Result<(), Failure> {
    let operation = Operation::new("delete", &command.entry, None);
    one(operation, &command.entry, "is deleted", &command.condition, &command.change, &command.options)
}

/// Does one operation and says so.
fn one(
    operation: Operation,
    entry: &Entry,
    done: &str,
    condition: &Condition,
    change: &Change,
    options: &Options,
) -> Result<(), Failure> {
    let (service, output) = (Service::new(options)?, Output::new(options));
    let operations = [Operation { if_match: condition.tag(), ..operation }];
    let answer =
        transaction::send(&service, &options.config, &operations, &[entry.to_string()], change, &[])?;
    let told = Told { done: format!("{entry} {done}"), kind: &entry.kind };
    tell(&output, &answer, &told, change, options)
}

pub fn revert(command: &Revert) -> Result<(), Failure> {
    let options = &command.options;
    let (address, version) = match command.what.as_slice() {
        [version] => (None, version),
        [address, version, ..] => (Some(address.parse::<Address>().map_err(Failure::Usage)?), version),
        [] => return Err(Failure::Usage("revert to which version?".to_owned())),
    };
    let (service, output) = (Service::new(options)?, Output::new(options));
    let route = address::versions(&options.config, address.as_ref())
        .below(&[version, "revert"])
        .with("message", command.change.message.as_deref())
        .with("dry_run", command.change.dry());
    let tag = command.condition.tag();
    let header = tag.as_ref().map(|tag| ("If-Match", tag.as_str()));
    let answer = service.ask(&Method::PUT, &route, header.as_slice(), Vec::new())?.done()?;
    let what = if address.is_some() { command.what[0].as_str() } else { options.config.as_str() };
    let kind = address.as_ref().map_or("", |address| address.kind.as_str());
    let told = Told { done: format!("{what} is as it was at {version}"), kind };
    tell(&output, &answer, &told, &command.change, options)
}

/// What there is to say of a write.
struct Told<'a> {
    done: String,
    /// Of the entries in a dry run's answer, where that does not say it.
    kind: &'a str,
}

/// Says what was done, or what would have been.
fn tell(
    output: &Output,
    answer: &Answer,
    told: &Told<'_>,
    change: &Change,
    options: &Options,
) -> Result<(), Failure> {
    if output.json {
        return output.bytes(&answer.body);
    }
    if change.dry_run {
        return changes::show_all(output, answer, told.kind);
    }
    let version = answer.version.as_deref().unwrap_or_default();
    output.line(&format!("{}; {} is at {}", told.done, options.config, output.version(version)))
}
