//! How many there may be at a time: connections, requests, and answers that are compressed while they are sent.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use rustix::net::sockopt::set_tcp_user_timeout;

/// An encoder for brotli takes up to 10 MiB, and is there until a slow reader has read to the end.
const MOST_COMPRESSED: usize = 32;

/// Everybody who is here now.
#[derive(Debug)]
pub struct Crowd {
    /// Connections, and requests as well: HTTP/2 has many on one connection.
    most: usize,
    /// A client that takes nothing of its answer for so long is given up.
    patience: Duration,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    compressed: Arc<AtomicUsize>,
}

/// One of those that are counted, for as long as it lives.
#[derive(Debug)]
pub struct Place {
    count: Arc<AtomicUsize>,
    number: usize,
}

impl Place {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        Place { count: Arc::clone(count), number: count.fetch_add(1, Ordering::Relaxed) + 1 }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Kept with a connection.
#[derive(Debug)]
pub struct Connection(Place);

impl Crowd {
    /// `most` connections or requests at a time.
    pub fn new(most: usize, patience: Duration) -> Self {
        let [connections, requests, compressed] = [(); 3].map(|()| Arc::default());
        Crowd { most, patience, connections, requests, compressed }
    }

    /// Counts a new connection, and has the system close it when its other end takes nothing any more: the framework
    /// itself waits for ever.
    pub fn note(&self, connection: &dyn Any, kept: &mut Extensions) {
        kept.insert(Connection(Place::new(&self.connections)));
        let encrypted = || connection.downcast_ref::<TlsStream<TcpStream>>().map(|stream| stream.get_ref().0);
        let Some(stream) = connection.downcast_ref::<TcpStream>().or_else(encrypted) else { return };
        let patience = u32::try_from(self.patience.as_millis()).unwrap_or(u32::MAX);
        if let Err(error) = set_tcp_user_timeout(stream, patience) {
            tracing::debug!(%error, "a connection has no time limit for sending");
        }
    }

    /// A place for a request, unless its connection or the request is one too many.
    pub fn admit(&self, connection: Option<&Connection>) -> Option<Place> {
        let place = Place::new(&self.requests);
        let too_many = connection.is_some_and(|Connection(place)| place.number > self.most);
        (!too_many && place.number <= self.most).then_some(place)
    }

    /// Whether connections are to be closed once they are answered, because few are left. Who sends the head of a second
    /// request slowly is not held to a time by the framework; so nobody gets so far then.
    pub fn is_dense(&self) -> bool {
        self.connections() > self.most / 4 * 3
    }

    /// How many connections are there.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Whether another answer may be compressed.
    pub fn may_compress(&self) -> bool {
        self.compressed.load(Ordering::Relaxed) < MOST_COMPRESSED
    }

    /// A place for an answer that is compressed.
    pub fn compress(&self) -> Place {
        Place::new(&self.compressed)
    }
}
