//! `/conf/{config}/events`: every commit as an event of a stream (the WHATWG's server-sent events).

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::admission;
use super::answer::{Answer, Reply};
use super::call::Call;
use super::failure::Failure;
use crate::document::{EntryId, FaultKind, Faults, Kind};
use crate::registry::event::Interest;
use crate::registry::events::{Follower, News};

/// The stream's media type.
pub const EVENT_STREAM: &str = "text/event-stream";
/// In bytes: so much is put together for one chunk at most, unless one event is larger.
const CHUNK: usize = 32 * 1024;
/// In milliseconds: so long browsers wait before they come again.
const RETRY: &str = "retry: 1000\n\n";

pub async fn follow(call: Call) -> Reply {
    let interest = interest(&call)?;
    // A browser that comes again still has the parameter that it began with.
    let since = call.header("last-event-id").or_else(|| call.query.text("since").map(str::to_owned));
    let since = since.filter(|since| !since.is_empty());
    let follower = call.registry().follow(call.configuration(), since.as_deref()).await?;
    let at = follower.at();
    let (sender, chunks) = mpsc::channel(1);
    if call.is_head() {
        return Ok(Answer::stream(EVENT_STREAM, Chunks(chunks)).version(at));
    }
    let teller = Teller { sender, interest, call };
    actix_web::rt::spawn(async move {
        metrics::gauge!("revconf_followers").increment(1);
        teller.tell(follower).await;
        metrics::gauge!("revconf_followers").decrement(1);
    });
    Ok(Answer::stream(EVENT_STREAM, Chunks(chunks)).version(at))
}

fn interest(call: &Call) -> Result<Interest, Failure> {
    let kind = call.query.text("kind").and_then(Kind::named);
    let mut faults = Faults::at("query");
    let id = call.query.text("id").map(EntryId::parse);
    faults.within("id", |faults| match &id {
        Some(Err(fault)) => faults.add(FaultKind::Format, fault.to_string()),
        Some(Ok(_)) if kind.is_none() => faults.add(FaultKind::Missing, "needs a kind, whose entry it is"),
        _ => {}
    });
    let id = id.and_then(Result::ok);
    faults.or(Some(Interest { kind, id })).map_err(Failure::BadQuery)
}

/// Tells one follower.
struct Teller {
    sender: mpsc::Sender<Bytes>,
    interest: Interest,
    call: Call,
}

/// Nobody takes what is sent.
struct Left;

impl Teller {
    async fn tell(&self, mut follower: Follower) {
        let heartbeat = self.call.shared.heartbeat;
        let mut ticks = interval_at(Instant::now() + heartbeat, heartbeat);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = follower.at();
        if self.send(Bytes::from_static(RETRY.as_bytes())).await.is_err() {
            return;
        }
        loop {
            let news = tokio::select! {
                news = follower.next() => news,
                () = self.sender.closed() => return,
                _ = ticks.tick() => {
                    if admission::admit_again(&self.call).await.is_err() {
                        return;
                    }
                    // An id without data is no event, but who comes again begins there.
                    let id = (told != follower.at()).then(|| format!("id: {}\n", follower.at()));
                    told = follower.at();
                    if self.send(format!(":\n{}\n", id.unwrap_or_default()).into()).await.is_err() {
                        return;
                    }
                    continue;
                }
            };
            let last = match news {
                Ok(News::Events(events)) => {
                    let mut chunk = BytesMut::new();
                    for event in events {
                        let Some(json) = event.json(&self.interest) else { continue };
                        told = event.id();
                        if !chunk.is_empty()
                            && chunk.len() + json.len() > CHUNK
                            && self.send(chunk.split().freeze()).await.is_err()
                        {
                            return;
                        }
                        chunk.extend_from_slice(format!("id: {told}\ndata: ").as_bytes());
                        chunk.extend_from_slice(&json);
                        chunk.extend_from_slice(b"\n\n");
                    }
                    if !chunk.is_empty() && self.send(chunk.freeze()).await.is_err() {
                        return;
                    }
                    continue;
                }
                Ok(News::Overtaken) => {
                    let at = follower.at();
                    format!("event: overtaken\nid: {at}\ndata: {{\"resume\":\"{at}\"}}\n\n")
                }
                Ok(News::Gone) => {
                    let name = follower.configuration();
                    format!("event: gone\ndata: {{\"configuration\":\"{name}\"}}\n\n")
                }
                Ok(News::Stopping) => return,
                Err(error) => {
                    tracing::error!(%error, "a follower could not be told what happened");
                    format!("event: failed\ndata: {{\"resume\":\"{}\"}}\n\n", follower.at())
                }
            };
            // It ends here either way.
            if self.send(last.into()).await.is_err() {
                tracing::debug!("a follower left before the end");
            }
            return;
        }
    }

    /// Who reads slowly is waited for: there is no more in memory for them than what they were sent last.
    async fn send(&self, chunk: Bytes) -> Result<(), Left> {
        self.sender.send(chunk).await.map_err(|_| Left)
    }
}

/// The stream as the framework sends it: at its reader's pace.
struct Chunks(mpsc::Receiver<Bytes>);

impl MessageBody for Chunks {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.0.poll_recv(context).map(|chunk| chunk.map(Ok))
    }
}
