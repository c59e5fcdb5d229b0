//! The bodies of requests: in which type, how large, by when, and for how much memory together.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::body::{BodyStream, MessageBody};
use actix_web::dev::Payload;
use actix_web::http::{Method, header};
use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use super::failure::Failure;
use crate::registry::{Budget, Share};

/// In bytes. So much of a body is counted to its connection, as its head is. Whoever sends more slowly takes of what is
/// there for larger ones, and keeps nobody from sending a usual document.
const SMALL: usize = 64 * 1024;

/// So long a request waits for memory: as long as a large body takes to be worked on.
const PATIENCE: Duration = Duration::from_secs(2);

/// So many reverts are at work or wait at a time.
const REVERTS: u32 = 16;

/// So many old versions are read at a time.
const LOOKS: u32 = 32;

/// What is still to come of a request.
pub type Incoming = BodyStream<Payload>;

/// How bodies are taken in.
#[derive(Debug)]
pub struct Bodies {
    /// In bytes, of one.
    limit: usize,
    /// For one to arrive.
    time: Duration,
    /// Of large bodies, what has arrived.
    arriving: Budget,
    /// Of large bodies that have arrived, what they take until they are answered.
    large: Budget,
    /// The same of small ones, which large ones shall not hold up.
    small: Budget,
    /// Looking at old versions.
    looking: Budget,
    /// Large answers that were made for one request, until they are sent.
    sending: Budget,
}

/// A body that has arrived.
#[derive(Debug, Default)]
pub struct Body {
    pub bytes: Bytes,
    /// What it takes of the memory for bodies.
    pub share: Share,
}

/// The bytes keep the share, too: they may be read on a thread that nobody waits for any more.
struct Held {
    bytes: Vec<u8>,
    _share: Share,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Bodies {
    /// A body has `limit` bytes and takes `time` at most; all together take `memory` bytes, half of it for the work on
    /// large ones, a quarter while these arrive, and a quarter for the work on small ones. Answers that are made for
    /// one request take as much as half of it again.
    pub fn new(limit: usize, time: Duration, memory: usize) -> Self {
        // There is room for one at least.
        let [arriving, small] = [(memory / 4).max(limit), memory / 4].map(Budget::new);
        let [large, looking, sending] = [memory / 2; 3].map(Budget::new);
        Bodies { limit, time, arriving, large, small, looking, sending }
    }

    /// Reads a body of JSON.
    ///
    /// # Errors
    /// 408, 413, 415, or 503 if there is no memory for it now; 400 if it breaks off.
    pub async fn read(&self, request: &HttpRequest, incoming: &mut Incoming) -> Result<Body, Failure> {
        check_type(request)?;
        self.check_announced(request)?;
        // What the arriving bytes took is kept until there is a share for the work.
        let (bytes, _arrived) = self.receive(incoming).await?;
        let budget = if bytes.len() <= SMALL { &self.small } else { &self.large };
        let share = budget.take(weight(&bytes), PATIENCE).await.ok_or(Failure::Busy)?;
        let held = Held { bytes, _share: share.clone() };
        Ok(Body { bytes: Bytes::from_owner(held), share })
    }

    /// Reads a body of any type.
    ///
    /// # Errors
    /// 408, 413, or 503 if there is no memory for it now; 400 if it breaks off.
    pub async fn gather(&self, request: &HttpRequest, incoming: &mut Incoming) -> Result<Body, Failure> {
        self.check_announced(request)?;
        let (bytes, _arrived) = self.receive(incoming).await?;
        let share = self.work(bytes.len()).await?;
        Ok(Body { bytes: bytes.into(), share })
    }

    /// A share for so many bytes that are worked on.
    ///
    /// # Errors
    /// 413 if that is more than a body may have, 503 if there is no memory for it now.
    pub async fn work(&self, length: usize) -> Result<Share, Failure> {
        self.check_length(length as u64)?;
        let budget = if length <= SMALL { &self.small } else { &self.large };
        budget.take(length, PATIENCE).await.ok_or(Failure::Busy)
    }

    /// In bytes: the longest body of a usual request.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// The next piece of a body that is not kept; it may take as long as a whole one.
    ///
    /// # Errors
    /// 408; 400 if it breaks off.
    pub async fn piece(&self, incoming: &mut Incoming) -> Result<Option<Bytes>, Failure> {
        self.next(incoming, Instant::now() + self.time).await
    }

    /// Passes over the body of a request that needs none; it may not be larger or slower than others.
    ///
    /// # Errors
    /// 408 or 413.
    pub async fn pass_over(&self, request: &HttpRequest, incoming: &mut Incoming) -> Result<(), Failure> {
        self.feed(request, incoming, |_| {}).await
    }

    /// Hands over a body bit by bit, and keeps nothing of it; it may not be larger or slower than others.
    ///
    /// # Errors
    /// 408 or 413.
    pub async fn feed(
        &self,
        request: &HttpRequest,
        incoming: &mut Incoming,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), Failure> {
        self.check_announced(request)?;
        let mut length = 0;
        let end = Instant::now() + self.time;
        while let Some(chunk) = self.next(incoming, end).await? {
            length += chunk.len();
            self.check_length(length as u64)?;
            take(&chunk);
        }
        Ok(())
    }

    /// A share for a write whose matter is not in its body but in the repository, and as large as that. Only so many of
    /// them wait at a time.
    ///
    /// # Errors
    /// 503 if there is no memory for it now.
    pub async fn undertake(&self) -> Result<Share, Failure> {
        self.large.take_part(REVERTS, PATIENCE).await.ok_or(Failure::Busy)
    }

    /// A share for looking at an old version, which is read from the repository whole.
    ///
    /// # Errors
    /// 503 if too many do so now.
    pub async fn look(&self) -> Result<Share, Failure> {
        self.looking.take_part(LOOKS, PATIENCE).await.ok_or(Failure::Busy)
    }

    /// A share for an answer of so many bytes, while it is sent.
    ///
    /// # Errors
    /// 503 if there is no memory for it now.
    pub async fn send(&self, length: usize) -> Result<Share, Failure> {
        self.sending.take(length, PATIENCE).await.ok_or(Failure::Busy)
    }

    fn check_announced(&self, request: &HttpRequest) -> Result<(), Failure> {
        check_announced(request, self.limit as u64)
    }

    fn check_length(&self, length: u64) -> Result<(), Failure> {
        check_length(length, self.limit as u64)
    }

    async fn receive(&self, incoming: &mut Incoming) -> Result<(Vec<u8>, Vec<Share>), Failure> {
        let mut bytes = Vec::new();
        let mut shares = Vec::new();
        let end = Instant::now() + self.time;
        while let Some(chunk) = self.next(incoming, end).await? {
            let length = bytes.len() + chunk.len();
            self.check_length(length as u64)?;
            if length > bytes.capacity() {
                let room = length.max((2 * bytes.capacity()).min(self.limit));
                if room > SMALL {
                    let more = room - if bytes.capacity() > SMALL { bytes.capacity() } else { 0 };
                    shares.push(self.arriving.take(more, PATIENCE).await.ok_or(Failure::Busy)?);
                }
                bytes.reserve_exact(room - bytes.len());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok((bytes, shares))
    }

    async fn next(&self, incoming: &mut Incoming, end: Instant) -> Result<Option<Bytes>, Failure> {
        let next = poll_fn(|context| Pin::new(&mut *incoming).poll_next(context));
        let late = |_| Failure::BodyLate { time: self.time };
        let chunk = timeout_at(end, next).await.map_err(late)?.transpose();
        chunk.map_err(|error| Failure::BodyLost(error.to_string()))
    }
}

/// Refuses a body that says itself that it is longer than `limit`, in bytes.
///
/// # Errors
/// 413.
pub fn check_announced(request: &HttpRequest, limit: u64) -> Result<(), Failure> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.and_then(|length| length.parse().ok()).map_or(Ok(()), |length| check_length(length, limit))
}

fn check_length(length: u64, limit: u64) -> Result<(), Failure> {
    if length > limit { Err(Failure::BodyTooLarge { limit }) } else { Ok(()) }
}

/// What reading and writing a body takes, in bytes, at most: its text, and what is made of it; a value in memory, however
/// short its text is; and a document with its defaults, its file and its place in a tree. Counted by the marks around
/// values and objects; that these may stand in a text as well makes it more, never less. The factors were measured, with
/// bodies that are as bad as can be.
fn weight(body: &[u8]) -> usize {
    let (mut values, mut objects) = (0, 0);
    for byte in body {
        match byte {
            b'{' => objects += 1,
            b',' | b':' | b'[' => values += 1,
            _ => {}
        }
    }
    4 * body.len() + 80 * values + 1200 * objects
}

/// JSON in UTF-8, or nothing said.
fn check_type(request: &HttpRequest) -> Result<(), Failure> {
    if let Some(encoding) =
        request.headers().get(header::CONTENT_ENCODING).filter(|value| *value != "identity")
    {
        let encoding = String::from_utf8_lossy(encoding.as_bytes()).into_owned();
        return Err(Failure::UnsupportedMediaType(format!("encoded as {encoding}")));
    }
    let Some(value) = request.headers().get(header::CONTENT_TYPE) else { return Ok(()) };
    let text = String::from_utf8_lossy(value.as_bytes());
    if is_json(&text, request.method() == Method::PATCH) {
        Ok(())
    } else {
        Err(Failure::UnsupportedMediaType(text.into_owned()))
    }
}

/// RFC 9110 section 8.3.1 allows white space around semicolons, which the mime crate does not.
fn is_json(content_type: &str, patch: bool) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let json = parts.next().is_some_and(|essence| {
        essence.eq_ignore_ascii_case("application/json")
            || patch && essence.eq_ignore_ascii_case("application/merge-patch+json")
    });
    json && parts.filter(|part| !part.is_empty()).all(|part| {
        part.split_once('=').is_some_and(|(name, value)| {
            !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::is_json;

    #[test]
    fn media_types() {
        for json in
            ["application/json", "Application/JSON;charset=UTF-8", "application/json ; charset=\"utf-8\";"]
        {
            assert!(is_json(json, false), "{json}");
        }
        for other in
            ["", "text/json", "application/json; charset=latin1", "application/jsonp", "application/json; x"]
        {
            assert!(!is_json(other, true), "{other}");
        }
    }
}
