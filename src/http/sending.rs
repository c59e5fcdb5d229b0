//! Bodies of answers on their way: in pieces, and with what must be kept until they are sent.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;

use crate::registry::Share;

/// In bytes. The framework copies whatever it is given at once, for each connection that has the answer to send.
pub const PIECE: usize = 64 * 1024;

/// A large body, in pieces.
#[derive(Debug)]
pub struct Pieces {
    rest: Bytes,
    _share: Share,
}

impl Pieces {
    pub fn new(body: Bytes, share: Share) -> Self {
        Pieces { rest: body, _share: share }
    }
}

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let length = self.rest.len().min(PIECE);
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
