//! `ls`, `get` and `log`.

use anstyle::Style;
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::address::{self, Address};
use super::failure::Failure;
use super::options::Options;
use super::output::{self, Output};
use super::service::{Route, Service};

/// A page has so many versions at most.
const PAGE: usize = 1000;
/// What a list of documents shows of each, where it has that.
const COLUMNS: [&str; 5] = ["id", "name", "host", "back_hosts", "description"];

#[derive(Args)]
pub struct Ls {
    /// A kind, such as backend-services; without one, all configurations are listed
    #[arg(value_name = "KIND")]
    kind: Option<String>,
    #[command(flatten)]
    when: When,
    #[command(flatten)]
    options: Options,
}

#[derive(Args)]
pub struct Get {
    /// An entry or a set; without one, all documents of the configuration
    #[arg(value_name = "KIND[/ID]")]
    address: Option<Address>,
    #[command(flatten)]
    when: When,
    #[command(flatten)]
    options: Options,
}

#[derive(Args)]
pub struct Log {
    /// An entry or a set; without one, all versions of the configuration
    #[arg(value_name = "KIND[/ID]")]
    address: Option<Address>,
    /// So many versions at most; 0 is all
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 50)]
    limit: usize,
    /// Only those with this in the author's name or address
    #[arg(long, value_name = "TEXT")]
    author: Option<String>,
    /// Only those of this time or later (RFC 3339)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only those of this time or earlier (RFC 3339)
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only those with this in the message
    #[arg(short, long, value_name = "TEXT")]
    query: Option<String>,
    #[command(flatten)]
    options: Options,
}

/// Which of the states.
#[derive(Args)]
struct When {
    /// As it was at this version, or release
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// As it was at this time (RFC 3339)
    #[arg(long, value_name = "TIME", conflicts_with = "version")]
    at: Option<String>,
}

#[derive(Deserialize)]
struct Configurations {
    items: Vec<Configuration>,
}

#[derive(Deserialize)]
struct Configuration {
    id: String,
    description: String,
    version: String,
    date: String,
}

#[derive(Deserialize)]
struct Set {
    items: Vec<Value>,
}

#[derive(Serialize, Deserialize)]
struct Versions {
    total: usize,
    items: Vec<Value>,
}

pub fn ls(command: &Ls) -> Result<(), Failure> {
    let (service, output) = (Service::new(&command.options)?, Output::new(&command.options));
    let Some(kind) = &command.kind else {
        if command.when.version.is_some() || command.when.at.is_some() {
            return Err(Failure::Usage("configurations are listed as they are; name a kind".to_owned()));
        }
        return configurations(&service, &output);
    };
    let address = kind.parse::<Address>().ok().filter(|address| address.id.is_none());
    let address =
        address.ok_or_else(|| Failure::Usage(format!("{kind:?} is no kind; get shows an entry")))?;
    let route = shown(&service, &command.options.config, Some(&address), &command.when)?;
    let answer = service.get(&route)?.done()?;
    if output.json {
        return output.bytes(&answer.body);
    }
    documents(&output, &answer.read::<Set>()?.items)
}

fn configurations(service: &Service, output: &Output) -> Result<(), Failure> {
    let answer = service.get(&Route::to(&["conf", "configs"]))?.done()?;
    if output.json {
        return output.bytes(&answer.body);
    }
    let rows = answer.read::<Configurations>()?.items.into_iter().map(|one| {
        let version = output.version(&one.version).to_owned();
        vec![one.id, version, one.date, output::first_line(&one.description)]
    });
    let plain = Style::new();
    let columns =
        [("ID", output::HEAD), ("VERSION", output::VERSION), ("DATE", output::FAINT), ("DESCRIPTION", plain)];
    output.table(&columns, &rows.collect::<Vec<_>>())
}

fn documents(output: &Output, items: &[Value]) -> Result<(), Failure> {
    let there = |name: &&str| items.iter().any(|item| item.get(name).is_some());
    let names: Vec<_> = COLUMNS.into_iter().filter(there).collect();
    let titles: Vec<_> = names.iter().map(|name| name.to_uppercase().replace('_', " ")).collect();
    let style = |nth| if nth == 0 { output::HEAD } else { Style::new() };
    let columns: Vec<_> =
        titles.iter().enumerate().map(|(nth, title)| (title.as_str(), style(nth))).collect();
    let rows = items.iter().map(|item| names.iter().map(|name| cell(item.get(name))).collect());
    output.table(&columns, &rows.collect::<Vec<_>>())
}

/// A member in one line; of hosts, their names.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => output::first_line(text),
        Some(Value::Array(items)) => {
            let hosts = items.iter().map(|item| cell(Some(item.get("host").unwrap_or(item))));
            hosts.collect::<Vec<_>>().join(",")
        }
        Some(other) => other.to_string(),
    }
}

pub fn get(command: &Get) -> Result<(), Failure> {
    let (service, output) = (Service::new(&command.options)?, Output::new(&command.options));
    let route = shown(&service, &command.options.config, command.address.as_ref(), &command.when)?;
    output.bytes(&service.get(&route)?.done()?.body)
}

/// Where the state is that is asked for. By its version all kinds of documents are shown alike, as they are kept.
fn shown(service: &Service, config: &str, address: Option<&Address>, when: &When) -> Result<Route, Failure> {
    let version = match &when.version {
        Some(version) => version.clone(),
        None => newest(service, config, when.at.as_deref())?,
    };
    Ok(address::versions(config, address).below(&[&version]))
}

/// The newest version of a configuration, or the one that was the newest at a time (RFC 3339).
///
/// # Errors
/// There is none, or the service cannot be asked.
pub fn newest(service: &Service, config: &str, at: Option<&str>) -> Result<String, Failure> {
    let route = Route::to(&["conf", "configs", config]).with("at", at);
    Ok(service.get(&route)?.done()?.read::<Configuration>()?.version)
}

pub fn log(command: &Log) -> Result<(), Failure> {
    let (service, output) = (Service::new(&command.options)?, Output::new(&command.options));
    let limit = if command.limit == 0 { usize::MAX } else { command.limit };
    let mut all = Versions { total: 0, items: Vec::new() };
    loop {
        let page = page(&service, command, &all.items, PAGE.min(limit - all.items.len()))?;
        let last = page.items.is_empty();
        all.total = page.total;
        all.items.extend(page.items);
        if last || all.items.len() >= limit.min(all.total) {
            break;
        }
        output::progress(&format!("{} of {} versions so far", all.items.len(), all.total));
    }
    if output.json {
        return output.bytes(&super::transaction::json(&all)?);
    }
    let rows: Vec<_> = all.items.iter().map(|item| row(&output, item)).collect();
    let columns = [
        ("VERSION", output::VERSION),
        ("DATE", output::FAINT),
        ("AUTHOR", output::FAINT),
        ("MESSAGE", Style::new()),
    ];
    output.table(&columns, &rows)?;
    if all.items.len() < all.total {
        output::progress(&format!("{} of {}; -n 0 shows all", all.items.len(), all.total));
    }
    Ok(())
}

/// The versions that come after those that are there.
fn page(service: &Service, command: &Log, before: &[Value], limit: usize) -> Result<Versions, Failure> {
    let after = before.last().and_then(|item| item["version"].as_str());
    let route = address::versions(&command.options.config, command.address.as_ref())
        .with("limit", Some(&limit.to_string()))
        .with("after", after)
        .with("author", command.author.as_deref())
        .with("since", command.since.as_deref())
        .with("until", command.until.as_deref())
        .with("q", command.query.as_deref());
    service.get(&route)?.done()?.read()
}

fn row(output: &Output, item: &Value) -> Vec<String> {
    let text = |name: &str| output::first_line(item[name].as_str().unwrap_or_default());
    vec![output.version(&text("version")).to_owned(), text("date"), text("author"), text("message")]
}
