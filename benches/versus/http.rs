//! As much of HTTP/1.1 as measuring needs: when an answer is complete, and whether it is a good one.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// An answer that comes in pieces.
#[derive(Default)]
pub struct Incoming {
    head: Vec<u8>,
    rest: Rest,
}

/// What is still to come.
#[derive(Default)]
enum Rest {
    #[default]
    Head,
    Bytes(usize),
    /// Chunks; the end of what came, to know the last one by.
    Chunks([u8; LAST_CHUNK.len()]),
}

impl Incoming {
    /// Takes the next piece; tells whether the answer is complete, and is then ready for the next one. There is
    /// never more than one answer on its way.
    ///
    /// # Errors
    /// The status is not 200 or 201, or the head has no end or no length.
    pub fn take(&mut self, piece: &[u8]) -> anyhow::Result<bool> {
        match &mut self.rest {
            Rest::Head if self.head.is_empty() => match end_of_head(piece) {
                Some(end) => self.begin(&piece[..end], &piece[end..]),
                None => self.keep(piece),
            },
            Rest::Head => {
                self.head.extend_from_slice(piece);
                let Some(end) = end_of_head(&self.head) else { return self.keep(&[]) };
                let all = std::mem::take(&mut self.head);
                self.begin(&all[..end], &all[end..])
            }
            Rest::Bytes(left) => {
                *left = left.checked_sub(piece.len()).context("an answer is longer than it says")?;
                Ok(self.done())
            }
            Rest::Chunks(tail) => {
                let last: Vec<u8> = tail.iter().chain(piece).copied().collect();
                tail.copy_from_slice(&last[last.len() - LAST_CHUNK.len()..]);
                Ok(self.done())
            }
        }
    }

    fn keep(&mut self, piece: &[u8]) -> anyhow::Result<bool> {
        self.head.extend_from_slice(piece);
        if self.head.len() > 65_536 {
            bail!("the head of an answer has no end");
        }
        Ok(false)
    }

    fn begin(&mut self, head: &[u8], body: &[u8]) -> anyhow::Result<bool> {
        if !matches!(head.get(9..12), Some(b"200" | b"201")) {
            bail!("a request failed:\n{}{}", String::from_utf8_lossy(head), String::from_utf8_lossy(body));
        }
        if let Some(length) = header(head, b"content-length") {
            let length: usize = std::str::from_utf8(length)?.parse()?;
            self.rest = Rest::Bytes(length.checked_sub(body.len()).context("an answer is too long")?);
            return Ok(self.done());
        }
        if header(head, b"transfer-encoding").is_some() {
            self.rest = Rest::Chunks([b' '; LAST_CHUNK.len()]);
            return self.take(body);
        }
        bail!("an answer has no length:\n{}", String::from_utf8_lossy(head))
    }

    fn done(&mut self) -> bool {
        let done = match &self.rest {
            Rest::Head => false,
            Rest::Bytes(left) => *left == 0,
            Rest::Chunks(tail) => tail == LAST_CHUNK,
        };
        if done {
            self.rest = Rest::Head;
        }
        done
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

fn header<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (found, value) = (line.get(..name.len())?, line.get(name.len()..)?.strip_prefix(b":")?);
        found.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
    })
}

/// The bytes of a request without a body.
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

/// The bytes of a request with a JSON body.
pub fn with_body(method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// A server may close a connection that idled for longer.
const FRESH: Duration = Duration::from_secs(2);

/// One kept connection, for questions that are asked one by one.
pub struct Client {
    address: SocketAddr,
    stream: TcpStream,
    used: Instant,
    buffer: Vec<u8>,
    length: usize,
}

impl Client {
    pub fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = connect(address)?;
        Ok(Client { address, stream, used: Instant::now(), buffer: vec![0; 64 * 1024], length: 0 })
    }

    /// Sends a request, and tells how long its answer took.
    ///
    /// # Errors
    /// No answer came, or not a good one.
    pub fn ask(&mut self, request: &[u8]) -> anyhow::Result<Duration> {
        if self.used.elapsed() > FRESH {
            self.stream = connect(self.address)?;
        }
        let begun = Instant::now();
        self.stream.write_all(request)?;
        let mut incoming = Incoming::default();
        self.length = 0;
        loop {
            if self.length == self.buffer.len() {
                self.buffer.resize(2 * self.length, 0);
            }
            let read = self.stream.read(&mut self.buffer[self.length..])?;
            if read == 0 {
                bail!("the connection was closed before the answer to {}", String::from_utf8_lossy(request));
            }
            let piece = self.length..self.length + read;
            self.length += read;
            if incoming.take(&self.buffer[piece]).with_context(|| told(request))? {
                self.used = Instant::now();
                return Ok(self.used - begun);
            }
        }
    }

    /// The last answer's head and body.
    pub fn answer(&self) -> (&str, &[u8]) {
        let all = &self.buffer[..self.length];
        let (head, body) = all.split_at(end_of_head(all).unwrap_or_default());
        (std::str::from_utf8(head).unwrap_or_default(), body)
    }

    /// The last answer's body.
    ///
    /// # Errors
    /// It is not JSON.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        Ok(serde_json::from_slice(self.answer().1)?)
    }
}

fn connect(address: SocketAddr) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(600)))?;
    Ok(stream)
}

fn told(request: &[u8]) -> String {
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    String::from_utf8_lossy(line).into_owned()
}
