//! `follow`: everything that happens, as it happens.

use std::io::BufRead;
use std::sync::mpsc;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;

use super::address::Address;
use super::failure::{Failure, Refusal};
use super::options::Options;
use super::output::{self, Output};
use super::service::{Route, Service, Stream};

/// How long until it is tried again: at first, and at most.
const SOON: Duration = Duration::from_secs(1);
const LATE: Duration = Duration::from_secs(30);

#[derive(Args)]
pub struct Follow {
    /// An entry or a set; without one, the configuration
    #[arg(value_name = "KIND[/ID]")]
    address: Option<Address>,
    /// Begin with what came after this version; the default is now
    #[arg(long, value_name = "VERSION")]
    since: Option<String>,
    #[command(flatten)]
    options: Options,
}

#[derive(Deserialize)]
struct Event {
    author: String,
    message: String,
    date: String,
    version: String,
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    kind: String,
    id: String,
    change: String,
}

/// What a stream of events said, between two empty lines (the WHATWG's server-sent events).
#[derive(Default)]
struct Message {
    id: Option<String>,
    name: Option<String>,
    data: String,
}

/// Somebody who follows.
struct Follower<'a> {
    command: &'a Follow,
    service: Service,
    output: Output,
    /// The version up to which everything was told.
    last: Option<String>,
}

/// Follows until it is interrupted, standard output is closed, or there is nothing left to follow. When the connection
/// ends, it comes again with the last version that it has heard of, so that nothing is missed or told twice.
pub fn follow(command: &Follow) -> Result<(), Failure> {
    let service = Service::new(&command.options)?;
    let output = Output::new(&command.options);
    let mut follower = Follower { command, service, output, last: command.since.clone() };
    let mut stream = follower.begin()?;
    loop {
        follower.listen(stream)?;
        stream = follower.come_again()?;
    }
}

impl Follower<'_> {
    fn begin(&mut self) -> Result<Stream, Failure> {
        let Options { config, .. } = &self.command.options;
        let address = self.command.address.as_ref();
        let route = Route::to(&["conf", config, "events"])
            .with("kind", address.map(|address| address.kind.as_str()))
            .with("id", address.and_then(|address| address.id.as_deref()));
        let stream = self.service.events(&route, self.last.as_deref())?;
        // Before the first event comes, this is where to begin again.
        self.last = stream.version.clone().or(self.last.take());
        Ok(stream)
    }

    /// Tries until the service is there again.
    fn come_again(&mut self) -> Result<Stream, Failure> {
        let mut pause = SOON;
        loop {
            wait(pause);
            match self.begin() {
                Err(Failure::Unreachable { server, reason }) => {
                    output::notice(&format!("{server} cannot be reached: {reason}; it is tried again"));
                }
                Err(
                    Failure::Refused(Refusal { status: 429 | 500.., message, .. })
                    | Failure::Foreign { status: 500.., message },
                ) => {
                    output::notice(&format!("{message}; it is tried again"));
                }
                other => return other,
            }
            pause = LATE.min(pause * 2);
        }
    }

    /// Tells what comes until the connection ends.
    fn listen(&mut self, stream: Stream) -> Result<(), Failure> {
        let mut message = Message::default();
        for line in stream.reader.lines() {
            let Ok(line) = line else { break };
            if !line.is_empty() {
                message.take(&line);
                continue;
            }
            // A heartbeat is an occasion, too: where nothing happens, nothing would be written for long.
            self.output.is_read()?;
            let Message { id, name, data } = std::mem::take(&mut message);
            match name.as_deref() {
                None if !data.is_empty() => self.tell(&data)?,
                None | Some("overtaken") => {}
                Some("gone") => return Err(self.gone()),
                // The service could not go on; where it stood is where to begin.
                Some(_) => break,
            }
            self.last = id.or(self.last.take());
        }
        Ok(())
    }

    fn gone(&self) -> Failure {
        let message = format!("configuration {:?} was deleted", self.command.options.config);
        Failure::Refused(Refusal { status: 404, message, faults: Vec::new() })
    }

    fn tell(&self, data: &str) -> Result<(), Failure> {
        if self.output.json {
            return self.output.line(data);
        }
        // One of a later version of the service may look otherwise; what it says is still there to read.
        let Ok(event) = serde_json::from_str::<Event>(data) else {
            return self.output.line(&output::harmless(data));
        };
        let changes: Vec<_> = event.changes.iter().map(|change| self.change(change)).collect();
        self.output.line(&format!(
            "{}  {}  {}  {}  {}",
            self.output.paint(output::VERSION, self.output.version(&event.version)),
            self.output.paint(output::FAINT, &event.date),
            self.output.paint(output::FAINT, &output::first_line(&event.author)),
            output::first_line(&event.message),
            changes.join(" "),
        ))
    }

    fn change(&self, Change { kind, id, change }: &Change) -> String {
        let (sign, style) = match change.as_str() {
            "created" => ('+', output::ADDED),
            "deleted" => ('-', output::REMOVED),
            _ => ('~', output::CHANGED),
        };
        self.output.paint(style, &output::harmless(&format!("{sign}{kind}/{id}")))
    }
}

impl Message {
    fn take(&mut self, line: &str) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.id = Some(value.to_owned()),
            "event" => self.name = Some(value.to_owned()),
            "data" if self.data.is_empty() => self.data = value.to_owned(),
            "data" => self.data += &format!("\n{value}"),
            // A comment, or how long browsers wait.
            _ => {}
        }
    }
}

/// Nobody sends anything: it is the time that is waited for.
fn wait(time: Duration) {
    let (_sender, receiver) = mpsc::channel::<()>();
    receiver.recv_timeout(time).ok();
}
