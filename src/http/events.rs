//! `/conf/{config}/events`: every commit as an event of a stream (the WHATWG's server-sent events).

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::accept;
use super::admission;
use super::answer::{Answer, Reply};
use super::call::Call;
use super::failure::Failure;
use crate::document::{EntryId, FaultKind, Faults, Kind};
use crate::registry::CommitId;
use crate::registry::event::{Event, Interest};
use crate::registry::events::{Follower, News};

/// The stream's media type.
pub const EVENT_STREAM: &str = "text/event-stream";
/// In bytes: so much is put together for one chunk at most, unless one event is larger.
const CHUNK: usize = 32 * 1024;
/// In milliseconds: so long browsers wait before they come again.
const RETRY: &str = "retry: 1000\n\n";

pub async fn follow(call: Call) -> Reply {
    if !accept::takes_events(call.request()) {
        return Err(Failure::NotAcceptable { forms: EVENT_STREAM });
    }
    let interest = interest(&call)?;
    // A browser that comes again still has the parameter that it began with.
    let since = call.header("last-event-id").or_else(|| call.query.text("since").map(str::to_owned));
    let since = since.filter(|since| !since.is_empty());
    let follower = call.registry().follow(call.configuration(), since.as_deref()).await?;
    let at = follower.at();
    if call.is_head() {
        return Ok(Answer::stream(EVENT_STREAM, Chunks(None)).version(at));
    }
    Ok(Answer::stream(EVENT_STREAM, Chunks::of(Box::new(Teller::new(follower, interest, call)))).version(at))
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
    follower: Follower,
    interest: Interest,
    call: Call,
    ticks: Interval,
    /// What happened and was not put into a chunk yet.
    pending: VecDeque<Arc<Event>>,
    /// The version that was sent last.
    told: CommitId,
    stage: Stage,
    _counted: Counted,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begin,
    GoOn,
    End,
}

/// Counts those who follow.
struct Counted;

impl Counted {
    fn new() -> Self {
        metrics::gauge!("revconf_followers").increment(1);
        Counted
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!("revconf_followers").decrement(1);
    }
}

impl Teller {
    fn new(follower: Follower, interest: Interest, call: Call) -> Self {
        let heartbeat = call.shared.heartbeat;
        let mut ticks = interval_at(Instant::now() + heartbeat, heartbeat);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let told = follower.at();
        let (pending, stage) = (VecDeque::new(), Stage::Begin);
        Teller { follower, interest, call, ticks, pending, told, stage, _counted: Counted::new() }
    }

    /// What is to be sent next; `None` at the end. It is only asked for when there is room for it, so for who reads slowly
    /// there is no more in memory than what they were sent last.
    async fn next(&mut self) -> Option<Bytes> {
        match self.stage {
            Stage::Begin => {
                self.stage = Stage::GoOn;
                return Some(Bytes::from_static(RETRY.as_bytes()));
            }
            Stage::GoOn => {}
            Stage::End => return None,
        }
        loop {
            if let Some(chunk) = self.chunk() {
                return Some(chunk);
            }
            let news = tokio::select! {
                news = self.follower.next() => news,
                _ = self.ticks.tick() => return self.heartbeat().await,
            };
            let last = match news {
                Ok(News::Events(events)) => {
                    self.pending.extend(events);
                    continue;
                }
                Ok(News::Overtaken) => {
                    let at = self.follower.at();
                    format!("event: overtaken\nid: {at}\ndata: {{\"resume\":\"{at}\"}}\n\n")
                }
                Ok(News::Gone) => {
                    let name = self.follower.configuration();
                    format!("event: gone\ndata: {{\"configuration\":\"{name}\"}}\n\n")
                }
                Ok(News::Stopping) => return None,
                Err(error) => {
                    tracing::error!(%error, "a follower could not be told what happened");
                    format!("event: failed\ndata: {{\"resume\":\"{}\"}}\n\n", self.follower.at())
                }
            };
            self.stage = Stage::End;
            return Some(last.into());
        }
    }

    /// As many of the pending events as fit into a chunk, without those that are of no interest.
    fn chunk(&mut self) -> Option<Bytes> {
        let mut parts = Vec::new();
        let mut length = 0;
        while length < CHUNK
            && let Some(event) = self.pending.pop_front()
        {
            let Some(told) = event.told(&self.interest, frame) else { continue };
            self.told = event.id();
            length += told.len();
            parts.push(told);
        }
        // A single one is shared by all who are told of it.
        if parts.len() > 1 { Some(parts.concat().into()) } else { parts.pop() }
    }

    async fn heartbeat(&mut self) -> Option<Bytes> {
        if admission::admit_again(&self.call).await.is_err() {
            return None;
        }
        let at = self.follower.at();
        // An id without data is no event, but who comes again begins there.
        let id = (self.told != at).then(|| format!("id: {at}\n"));
        self.told = at;
        Some(format!(":\n{}\n", id.unwrap_or_default()).into())
    }
}

/// An event as it is sent.
fn frame(event: &Event, json: &[u8]) -> Bytes {
    [format!("id: {}\ndata: ", event.id()).as_bytes(), json, b"\n\n"].concat().into()
}

type Next = Pin<Box<dyn Future<Output = (Box<Teller>, Option<Bytes>)>>>;

/// The stream as the framework sends it: at its reader's pace.
struct Chunks(Option<Next>);

impl Chunks {
    fn of(mut teller: Box<Teller>) -> Self {
        Chunks(Some(Box::pin(async move {
            let chunk = teller.next().await;
            (teller, chunk)
        })))
    }
}

impl MessageBody for Chunks {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let Some(next) = &mut self.0 else { return Poll::Ready(None) };
        let (teller, chunk) = ready!(next.as_mut().poll(context));
        *self = chunk.as_ref().map_or(Chunks(None), |_| Chunks::of(teller));
        Poll::Ready(chunk.map(Ok))
    }
}
