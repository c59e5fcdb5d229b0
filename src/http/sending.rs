//! Bodies of answers on their way: in pieces, and with what must be kept until they are sent.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;

use crate::registry::Share;

/// In bytes: the least that is handed over at once of a larger body. The framework copies whatever it is given, for each
/// connection that has the answer to send.
pub const PIECE: usize = 64 * 1024;
/// In bytes: the most. Each piece is a call of the system's and mostly a reader that is woken, which is most of the time
/// that a body of a megabyte takes.
const LARGEST_PIECE: usize = 2 << 20;
/// In bytes: pieces that are larger than [`PIECE`] take so much together.
const ROOM: usize = 64 << 20;

/// How large the pieces are, in bytes, while so many connections are there.
pub fn piece(connections: usize) -> usize {
    (ROOM / connections.max(1)).clamp(PIECE, LARGEST_PIECE)
}

/// A large body, in pieces.
#[derive(Debug)]
pub struct Pieces {
    rest: Bytes,
    piece: usize,
    _share: Share,
}

impl Pieces {
    /// `piece` is in bytes.
    pub fn new(body: Bytes, piece: usize, share: Share) -> Self {
        Pieces { rest: body, piece, _share: share }
    }
}

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let length = self.rest.len().min(self.piece);
        Poll::Ready((length > 0).then(|| Ok(self.rest.split_to(length))))
    }
}

/// A body with something that is let go of when it has been sent, or cannot be.
pub struct Keeping<T> {
    body: BoxBody,
    _kept: T,
}

impl<T> Keeping<T> {
    pub fn new(body: BoxBody, kept: T) -> Self {
        Keeping { body, _kept: kept }
    }
}

impl<T: Unpin> MessageBody for Keeping<T> {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}
