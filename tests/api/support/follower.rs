//! A reader of `/conf/{config}/events`, as the WHATWG's server-sent events have it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;
use socket2::{Domain, SockRef, Socket, Type};

use super::answer::Answer;
use super::{PATIENCE, Server, raw};

/// One event of a stream, or what came where one could have been.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// The id, and the data as JSON.
    Event(String, Value),
    /// An event with a name: the name, and its data.
    Named(String, Value),
    /// Nothing happened; the id, where one came along.
    Heartbeat(Option<String>),
    /// The stream ended.
    End,
}

/// Somebody who follows.
pub struct Follower {
    from: BufReader<TcpStream>,
    pub answer: Answer,
    text: Vec<u8>,
}

impl Follower {
    /// Asks for the stream at `path`, with these headers. The answer must be 200.
    #[track_caller]
    pub fn start(server: &Server, path: &str, headers: &[(&str, &str)]) -> Self {
        Self::try_at(server.address(), path, headers).expect("the server answers")
    }

    /// `Err` where no answer came; one that came must be 200.
    #[track_caller]
    pub fn try_at(address: &str, path: &str, headers: &[(&str, &str)]) -> Result<Self, String> {
        let stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
        Self::on(stream, path, headers)
    }

    /// A reader for whom the system takes in next to nothing while it does not read.
    #[track_caller]
    pub fn with_little_room(server: &Server, path: &str) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a small buffer");
        let address: SocketAddr = server.address().parse().expect("an address");
        socket.connect(&address.into()).expect("the server accepts connections");
        Self::on(socket.into(), path, &[]).expect("the server answers")
    }

    #[track_caller]
    fn on(mut stream: TcpStream, path: &str, headers: &[(&str, &str)]) -> Result<Self, String> {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let asked = format!("GET {path} HTTP/1.1\r\nHost: test\r\nAccept-Encoding: gzip\r\n{headers}\r\n");
        stream.write_all(asked.as_bytes()).map_err(|error| error.to_string())?;
        let mut from = BufReader::new(stream);
        let (status, headers) = raw::read_head(&mut from)?;
        let answer = Answer { asked, status, headers, body: Vec::new() }.expect(200);
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        assert_eq!(answer.header("content-encoding"), None, "compressing would hold events back");
        Ok(Self { from, answer, text: Vec::new() })
    }

    /// Takes back what [`Follower::with_little_room`] did.
    pub fn make_room(&self) {
        let socket = SockRef::from(self.from.get_ref());
        socket.set_recv_buffer_size(1 << 20).expect("a large buffer");
    }

    /// The version that the stream begins after.
    pub fn since(&self) -> String {
        self.answer.version()
    }

    /// What comes next, heartbeats and all. Panics if nothing does for long.
    #[track_caller]
    pub fn hear(&mut self) -> Heard {
        loop {
            if let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.text.drain(..end + 2).collect();
                match heard(&String::from_utf8(block).expect("UTF-8")) {
                    Some(heard) => return heard,
                    None => continue,
                }
            }
            match self.chunk() {
                Some(chunk) => self.text.extend(chunk),
                None => {
                    assert!(self.text.is_empty(), "the stream ends in the middle of an event");
                    return Heard::End;
                }
            }
        }
    }

    /// The next event.
    #[track_caller]
    pub fn next(&mut self) -> (String, Value) {
        loop {
            match self.hear() {
                Heard::Event(id, data) => return (id, data),
                Heard::Heartbeat(_) => {}
                other => panic!("an event was expected, not {other:?}"),
            }
        }
    }

    /// The ids of the next events.
    #[track_caller]
    pub fn ids(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.next().0).collect()
    }

    /// `None` at the end, be it orderly or that of a server that was killed.
    fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut line = String::new();
        match self.from.read_line(&mut line) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
            Err(error) => panic!("nothing came for long: {error}"),
        }
        let size = usize::from_str_radix(line.trim(), 16).expect("the size of a chunk");
        let mut chunk = vec![0; size + 2];
        self.from.read_exact(&mut chunk).ok()?;
        chunk.truncate(size);
        (size > 0).then_some(chunk)
    }
}

fn heard(block: &str) -> Option<Heard> {
    let field = |name: &str| {
        let lines = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        lines.map(str::to_owned).next()
    };
    let data = field("data").map(|data| serde_json::from_str(&data).expect("data in JSON"));
    match (field("event"), data) {
        (Some(name), data) => Some(Heard::Named(name, data.unwrap_or_default())),
        (None, Some(data)) => Some(Heard::Event(field("id").expect("an id"), data)),
        (None, None) if block.starts_with(':') => Some(Heard::Heartbeat(field("id"))),
        (None, None) => None,
    }
}
