//! Those who follow a configuration: how long after its answer each of them hears of a write.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::{Bench, ENTRIES};
use crate::documents::Changes;
use crate::histories::Shape;
use crate::http::{self, Client};
use crate::load::{Answered, percentile};
use crate::rounds::Rounds;
use crate::service::Service;
use crate::table::{Figures, Mark, Row, Unit, grouped};

const FOLLOWERS: usize = 2_000;
/// A hundred writes a second.
const BETWEEN: Duration = Duration::from_millis(10);
const EVENTS: &str = "/conf/prod/events";
/// What comes before an event's id.
const ID: &[u8] = b"\nid: ";
const DIGITS: usize = 40;
/// By then everybody has heard of the last write, or something is wrong.
const LATEST: Duration = Duration::from_secs(30);

/// The first digits of a version.
type Version = u64;

pub fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<Row>> {
    let data = bench.data(Shape::base(ENTRIES))?;
    let service = Service::start(&data, &[])?;
    bench.settle()?;
    let mut changes = Changes::of(ENTRIES, 21);
    let what = format!("from a write's answer to its event, {} followers", grouped(FOLLOWERS as f64));
    let rounds = Rounds::take(&what, bench.plan.rounds, |_| {
        let mut delays = delays(bench, service.address, &mut changes)?;
        delays.sort_by(|one, other| one.took.total_cmp(&other.took));
        Ok([percentile(delays.iter(), 0.5), percentile(delays.iter(), 0.99)])
    })?;
    service.stop()?;
    let figures = |name: &str, nth| Figures { name: format!("{what}, {name}"), figures: rounds.of(nth) };
    let mark = Some(Mark::FigureAtMost(0.05));
    Ok(vec![
        Row::plain(&figures("median", 0), Unit::Seconds, None),
        Row::plain(&figures("99 of 100", 1), Unit::Seconds, mark),
    ])
}

/// One for each follower and write.
fn delays(bench: &Bench<'_>, address: SocketAddr, changes: &mut Changes) -> anyhow::Result<Vec<Answered>> {
    let mut crowd = Crowd::gather(address)?;
    let done = AtomicBool::new(false);
    let (heard, answered) = thread::scope(|scope| {
        let listening = scope.spawn(|| crowd.listen(&done));
        let answered = write(bench, address, changes);
        // Also where writing failed, so that nobody listens for ever.
        done.store(true, Ordering::Release);
        let heard = listening.join().unwrap_or_else(|_| bail!("whoever listened has failed"));
        (heard, answered)
    });
    let (heard, answered) = (heard?, answered?);
    ensure!(
        heard.len() == FOLLOWERS * answered.len(),
        "{} events were heard of {} writes by {FOLLOWERS} followers",
        heard.len(),
        answered.len()
    );
    let delay = |(version, at): &(Version, Instant)| {
        let answered = answered.get(version).context("an event of a version that nobody wrote")?;
        // An event may come before the answer.
        let took = at.saturating_duration_since(*answered);
        Ok(Answered { at: 0, took: took.as_secs_f32() * 1e6 })
    };
    heard.iter().map(delay).collect()
}

/// Writes at an even pace, and tells when each version was answered.
fn write(
    bench: &Bench<'_>,
    address: SocketAddr,
    changes: &mut Changes,
) -> anyhow::Result<HashMap<Version, Instant>> {
    let mut client = Client::connect(address)?;
    let mut answered = HashMap::new();
    let mut request = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < bench.plan.load {
        let (entry, revision) = changes.next();
        request.clear();
        bench.documents.write_put(entry, revision, &mut request);
        client.ask(&request)?;
        let at = Instant::now();
        let (head, _) = client.answer();
        let version = head.lines().find_map(|line| line.strip_prefix("revconf-version: "));
        answered.insert(first_digits(version.context("an answer without a version")?.as_bytes())?, at);
        let next = begun + BETWEEN * answered.len() as u32;
        pause(next.saturating_duration_since(Instant::now()));
    }
    Ok(answered)
}

#[expect(clippy::disallowed_methods, reason = "an even pace is what is asked for, not a condition")]
fn pause(time: Duration) {
    thread::sleep(time);
}

fn first_digits(version: &[u8]) -> anyhow::Result<Version> {
    let digits = version.get(..16).context("a version is longer")?;
    Ok(Version::from_str_radix(std::str::from_utf8(digits)?, 16)?)
}

/// Everybody who follows, on one thread.
struct Crowd {
    poll: Poll,
    followers: Vec<Follower>,
}

struct Follower {
    stream: TcpStream,
    /// The end of what came, where an id may have begun.
    rest: Vec<u8>,
}

impl Crowd {
    fn gather(address: SocketAddr) -> anyhow::Result<Self> {
        let poll = Poll::new()?;
        let follower = |number| {
            let mut stream = std::net::TcpStream::connect(address)?;
            stream.write_all(&http::get(EVENTS))?;
            // The head, and the first words of the stream: from here on every write is told.
            let mut first = Vec::new();
            while !first.windows(7).any(|seven| seven == b"retry: ") {
                let mut piece = [0; 4096];
                let read = stream.read(&mut piece)?;
                ensure!(read > 0, "a stream ended: {}", String::from_utf8_lossy(&first));
                first.extend_from_slice(&piece[..read]);
            }
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(number), Interest::READABLE)?;
            Ok(Follower { stream, rest: Vec::new() })
        };
        let followers = (0..FOLLOWERS).map(follower).collect::<anyhow::Result<_>>()?;
        Ok(Crowd { poll, followers })
    }

    /// Listens until `done`, and then until nothing more comes.
    fn listen(&mut self, done: &AtomicBool) -> anyhow::Result<Vec<(Version, Instant)>> {
        let mut heard = Vec::new();
        let mut events = Events::with_capacity(FOLLOWERS);
        let mut piece = vec![0; 64 * 1024];
        let mut last = Instant::now();
        loop {
            self.poll.poll(&mut events, Some(Duration::from_millis(500)))?;
            if events.is_empty() && done.load(Ordering::Acquire) {
                return Ok(heard);
            }
            ensure!(last.elapsed() < LATEST, "nothing was heard for {LATEST:?}");
            for event in &events {
                let follower = &mut self.followers[event.token().0];
                loop {
                    let read = match follower.stream.read(&mut piece) {
                        Ok(0) => bail!("a stream ended"),
                        Ok(read) => read,
                        Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                        Err(error) => return Err(error.into()),
                    };
                    last = Instant::now();
                    follower.hear(&piece[..read], last, &mut heard)?;
                    if read < piece.len() {
                        break;
                    }
                }
            }
        }
    }
}

impl Follower {
    fn hear(&mut self, piece: &[u8], at: Instant, heard: &mut Vec<(Version, Instant)>) -> anyhow::Result<()> {
        self.rest.extend_from_slice(piece);
        let mut from = 0;
        while let Some(found) = find(&self.rest[from..]) {
            let id = from + found + ID.len();
            if self.rest.len() < id + DIGITS {
                break;
            }
            heard.push((first_digits(&self.rest[id..])?, at));
            from = id + DIGITS;
        }
        let keep = from.max(self.rest.len().saturating_sub(ID.len() + DIGITS));
        self.rest.drain(..keep);
        Ok(())
    }
}

fn find(bytes: &[u8]) -> Option<usize> {
    bytes.windows(ID.len()).position(|window| window == ID)
}
