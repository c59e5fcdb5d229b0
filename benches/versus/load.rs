//! The client: many kept connections on one thread, nothing allocated for a request, answers looked at only as far as
//! their status and length. It shares the machine with what it measures, so it must be light.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::http::Incoming;

/// One read takes so much of an answer at most. In bytes.
const PIECE: usize = 256 * 1024;
/// No answer within this is an error.
const PATIENCE: Duration = Duration::from_secs(60);

/// How to load a server.
#[derive(Clone, Copy)]
pub struct Load {
    pub address: SocketAddr,
    /// Each sends its next request when it has its answer.
    pub clients: usize,
    /// No request begins later. Those that have begun are waited for.
    pub duration: Duration,
}

/// What became of a load.
pub struct Report {
    /// In the order in which they were answered.
    pub answers: Vec<Answered>,
    /// Until the last answer.
    pub duration: Duration,
    /// The share of the time in which the client was on a processor: near 1, it is the bottleneck.
    pub busy: f64,
}

/// One request that was answered.
#[derive(Clone, Copy)]
pub struct Answered {
    /// Since the load began. In microseconds.
    pub at: u32,
    /// In microseconds.
    pub took: f32,
}

impl Report {
    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.answers.len() as f64 / self.duration.as_secs_f64()
    }

    /// In seconds.
    pub fn median(&self) -> f64 {
        percentile(self.answers.iter(), 0.5)
    }
}

/// The time within which this share of the answers came. In seconds.
pub fn percentile<'a>(answers: impl Iterator<Item = &'a Answered>, share: f64) -> f64 {
    let mut times: Vec<f32> = answers.map(|answer| answer.took).collect();
    times.sort_by(f32::total_cmp);
    let at = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
    times.get(at).map_or(f64::NAN, |micros| f64::from(*micros) / 1e6)
}

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    sent: usize,
    begun: Instant,
    incoming: Incoming,
}

impl Load {
    /// Loads the server with what `next` writes into the cleared buffer.
    ///
    /// # Errors
    /// A request failed or was not answered.
    pub fn run(&self, mut next: impl FnMut(&mut Vec<u8>)) -> anyhow::Result<Report> {
        let mut poll = Poll::new()?;
        let mut connections = self.connect(&poll)?;
        let mut events = Events::with_capacity(self.clients);
        let mut piece = vec![0; PIECE];
        let mut answers = Vec::with_capacity(1 << 16);
        let (begun, worked) = (Instant::now(), time_on_processor());
        for connection in &mut connections {
            connection.begin(&mut next)?;
        }
        let mut waiting = connections.len();
        while waiting > 0 {
            poll.poll(&mut events, Some(PATIENCE))?;
            if events.is_empty() {
                bail!("{waiting} requests have no answer after {PATIENCE:?}");
            }
            for event in &events {
                let connection = &mut connections[event.token().0];
                connection.send()?;
                if !connection.receive(&mut piece).with_context(|| connection.told())? {
                    continue;
                }
                let now = Instant::now();
                let at = now - begun;
                let took = now - connection.begun;
                answers.push(Answered { at: at.as_micros() as u32, took: took.as_secs_f32() * 1e6 });
                if at < self.duration {
                    connection.begin(&mut next)?;
                } else {
                    waiting -= 1;
                }
            }
        }
        let duration = begun.elapsed();
        let busy = (time_on_processor() - worked) / duration.as_secs_f64();
        Ok(Report { answers, duration, busy })
    }

    fn connect(&self, poll: &Poll) -> anyhow::Result<Vec<Connection>> {
        let connect = |number| {
            let stream = std::net::TcpStream::connect(self.address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut stream, Token(number), interest)?;
            let (request, incoming) = (Vec::with_capacity(4096), Incoming::default());
            Ok(Connection { stream, request, sent: 0, begun: Instant::now(), incoming })
        };
        (0..self.clients).map(connect).collect()
    }
}

impl Connection {
    fn begin(&mut self, next: &mut impl FnMut(&mut Vec<u8>)) -> io::Result<()> {
        self.request.clear();
        next(&mut self.request);
        self.sent = 0;
        self.begun = Instant::now();
        self.send()
    }

    fn send(&mut self) -> io::Result<()> {
        while self.sent < self.request.len() {
            match self.stream.write(&self.request[self.sent..]) {
                Ok(sent) => self.sent += sent,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether the answer is complete. A piece that does not fill the buffer was all there is: what comes later is
    /// an event of its own.
    fn receive(&mut self, piece: &mut [u8]) -> anyhow::Result<bool> {
        loop {
            let read = match self.stream.read(piece) {
                Ok(0) => bail!("the connection was closed before the answer"),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error.into()),
            };
            if self.incoming.take(&piece[..read])? {
                return Ok(true);
            }
            if read < piece.len() {
                return Ok(false);
            }
        }
    }

    fn told(&self) -> String {
        let line = self.request.split(|byte| *byte == b'\r').next().unwrap_or_default();
        String::from_utf8_lossy(line).into_owned()
    }
}

/// Of this thread. In seconds.
fn time_on_processor() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e9
}
