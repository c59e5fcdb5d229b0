//! `/git`: where git's own clients clone, fetch and push, in git's protocol over HTTP (gitprotocol-http).

use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_web::HttpMessage;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header;
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use flate2::write::MultiGzDecoder as Unpacker;
use tokio::sync::oneshot;

use super::answer::{Answer, Reply};
use super::authentication;
use super::body::{Body, Incoming, check_announced};
use super::call::{Call, Shared};
use super::failure::Failure;
use super::trail::PushRecord;
use crate::access::{Caller, Denial, Role};
use crate::registry::door::{Again, Cut, Fetched, Input, Output, Pusher, Service, Talk};
use crate::registry::sight::{May, Right};

/// What a client may name as the service that it means to use.
pub const SERVICES: [&str; 2] = ["git-upload-pack", "git-receive-pack"];
/// The answers to that, in the same order.
pub const ADVERTISEMENTS: [&str; 2] =
    ["application/x-git-upload-pack-advertisement", "application/x-git-receive-pack-advertisement"];
pub const FETCH_REQUEST: &str = "application/x-git-upload-pack-request";
pub const PUSH_REQUEST: &str = "application/x-git-receive-pack-request";
const FETCHED: &str = "application/x-git-upload-pack-result";
const PUSHED: &str = "application/x-git-receive-pack-result";

/// In bytes: room for what a push says before its pack.
const COMMANDS: u64 = 16 << 20;
/// In characters: the longest word on git's protocol.
const LONGEST_PROTOCOL: usize = 128;
/// In bytes: so much of a compressed body is unpacked at once, which makes a thousand times as much of it at most.
const PACKED_PIECE: usize = 4096;

pub async fn advertise(call: Call) -> Reply {
    let Some(wanted) = call.query.text("service") else {
        let reason = format!(
            "must be {} or {}; clients that do not say it speak git's older protocol for plain web servers, which is \
             not spoken here",
            SERVICES[0], SERVICES[1]
        );
        return Err(Failure::BadParameter { name: "service", reason });
    };
    let (service, content_type) = match wanted == SERVICES[0] {
        true => (Service::UploadPack, ADVERTISEMENTS[0]),
        false => (Service::ReceivePack, ADVERTISEMENTS[1]),
    };
    let protocol = protocol(&call)?;
    let talk = call.shared.door.advertise(service, protocol.as_deref(), may(&call)).await?;
    if call.is_head() {
        return Ok(Answer::stream(content_type, Said::nothing()));
    }
    let Talk { input, output } = talk;
    drop(input);
    Ok(Answer::stream(content_type, Said::of(output)))
}

pub async fn fetch(call: Call) -> Reply {
    let packed = is_compressed(&call, FETCH_REQUEST)?;
    let protocol = protocol(&call)?;
    let bodies = &call.shared.bodies;
    let mut incoming = call.incoming().ok_or_else(lost)?;
    let body = match bodies.gather(call.request(), &mut incoming).await {
        Ok(body) => body,
        Err(failure) => {
            call.give_back(incoming);
            return Err(failure);
        }
    };
    let body = if packed { unpacked(&call.shared, body).await? } else { body };
    match call.shared.door.fetch(&body.bytes, protocol.as_deref(), may(&call)).await? {
        Fetched::Refused(words) => Ok(Answer::file(FETCHED, words)),
        Fetched::Talk { talk, instead } => {
            let Talk { mut input, output } = *talk;
            actix_web::rt::spawn(async move {
                if let Err(error) = input.write(instead.as_deref().unwrap_or(&body.bytes)).await {
                    tracing::debug!(%error, "git has not read a request to its end");
                }
                drop(body);
            });
            Ok(Answer::stream(FETCHED, Said::of(output)))
        }
    }
}

pub async fn push(call: Call) -> Reply {
    let packed = is_compressed(&call, PUSH_REQUEST)?;
    protocol(&call)?;
    let limit = call.shared.door.largest_push() + COMMANDS;
    check_announced(call.request(), limit)?;
    let record = PushRecord::of(call.request());
    let shared = call.shared.clone();
    let pusher = Pusher {
        who: call.author(),
        may: may(&call),
        again: again(&call),
        told: Box::new(move |update, fate| record.write(&shared, update, fate)),
    };
    let Talk { input, output } = call.shared.door.push(pusher).await?;
    let incoming = call.incoming().ok_or_else(lost)?;
    let (shared, span) = (call.shared.clone(), tracing::Span::current());
    let (taking, taken) = oneshot::channel::<()>();
    actix_web::rt::spawn(async move {
        let mut incoming = incoming;
        let passed = pass(&shared, &mut incoming, input, packed, limit).await;
        match passed {
            // Whoever waited for it may have gone.
            Ok(()) => drop(taking.send(())),
            Err(failure) => span.in_scope(|| tracing::info!(%failure, "a push has broken off")),
        }
    });
    Ok(Answer::stream(PUSHED, Said { taken: Some(taken), ..Said::of(output) }))
}

fn lost() -> Failure {
    Failure::BodyLost("it was read already".to_owned())
}

/// What the caller may do, in the words of refs.
fn may(call: &Call) -> May {
    in_refs(call.caller().clone())
}

/// Asks again who the caller is, and what they may do by then.
fn again(call: &Call) -> Again {
    let (request, shared) = (call.request(), call.shared.clone());
    let credential = authentication::credential(request, &shared.trust);
    let address = authentication::address(request, &shared.trust);
    let before = call.caller().clone();
    Box::new(move || {
        let (shared, credential, before) = (shared.clone(), credential.clone(), before.clone());
        Box::pin(async move {
            match shared.gate.who(&credential, address).await {
                Ok(caller) => Some(in_refs(caller)),
                // Nobody is turned away for the guesses of others that come from the same address.
                Err(Denial::Later(_)) => Some(in_refs(before)),
                Err(_) => None,
            }
        })
    })
}

fn in_refs(caller: Caller) -> May {
    Arc::new(move |right, name| {
        let role = match right {
            Right::Read => Role::Reader,
            Right::Change => Role::Editor,
            Right::Govern => Role::Admin,
        };
        caller.may(role, name)
    })
}

/// The version of git's protocol that the client would speak. It is handed on to git, so it must look like one.
fn protocol(call: &Call) -> Result<Option<String>, Failure> {
    let Some(text) = call.header("git-protocol") else { return Ok(None) };
    let plain = |c: char| c.is_ascii_alphanumeric() || "=:.-_".contains(c);
    if text.len() > LONGEST_PROTOCOL || !text.chars().all(plain) {
        let reason = "it looks like version=2, with colons between several".to_owned();
        return Err(Failure::BadHeader { name: "Git-Protocol", reason });
    }
    Ok(Some(text))
}

/// Whether the body, which must be of the wanted type, is compressed.
fn is_compressed(call: &Call, wanted: &'static str) -> Result<bool, Failure> {
    let found = call.request().content_type();
    if !found.eq_ignore_ascii_case(wanted) {
        let found = if found.is_empty() { "of no type".to_owned() } else { found.to_owned() };
        return Err(Failure::NotOfType { wanted, found });
    }
    let encoding = call.header(header::CONTENT_ENCODING.as_str());
    match encoding.as_deref() {
        None | Some("identity") => Ok(false),
        Some("gzip" | "x-gzip") => Ok(true),
        Some(other) => {
            Err(Failure::NotOfType { wanted: "encoded as gzip or identity", found: other.to_owned() })
        }
    }
}

/// Unpacks a body, once it is known how much there is room for.
async fn unpacked(shared: &Shared, body: Body) -> Result<Body, Failure> {
    let limit = shared.bodies.limit() as u64;
    let packed = body.bytes.clone();
    let length = aside(move || unpack(&packed, limit, &mut io::sink())).await?;
    let share = shared.bodies.work(usize::try_from(length).unwrap_or(usize::MAX)).await?;
    let bytes = aside(move || {
        let mut bytes = Vec::new();
        unpack(&body.bytes, limit, &mut bytes).map(|_| bytes)
    });
    Ok(Body { bytes: bytes.await?.into(), share })
}

/// Unpacks no more than is looked at, where the thread that answers others is not held up.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let spoilt = |error: io::Error| Failure::BodyLost(error.to_string());
    let worked = tokio::task::spawn_blocking(work).await;
    worked.map_err(|error| spoilt(io::Error::other(error)))?.map_err(spoilt)
}

fn unpack(packed: &[u8], limit: u64, into: &mut dyn io::Write) -> io::Result<u64> {
    io::copy(&mut MultiGzDecoder::new(packed).take(limit + 1), into)
}

/// Hands a push over to git, as it comes and as git takes it. What git does not want any more is passed over, so that the
/// client comes to read why.
async fn pass(
    shared: &Shared,
    incoming: &mut Incoming,
    input: Input,
    packed: bool,
    limit: u64,
) -> Result<(), Failure> {
    let mut git = Some(Hand { input, unpacker: packed.then(|| Unpacker::new(Vec::new())), room: limit });
    let mut passed = 0;
    while let Some(bytes) = shared.bodies.piece(incoming).await? {
        passed += bytes.len() as u64;
        if passed > limit {
            return Err(Failure::BodyTooLarge { limit });
        }
        if let Some(hand) = &mut git
            && let Err(error) = hand.over(&bytes).await
        {
            tracing::debug!(%error, "git reads no more of a push");
            git = None;
        }
    }
    Ok(())
}

/// Hands bytes over to git.
struct Hand {
    input: Input,
    unpacker: Option<Unpacker<Vec<u8>>>,
    /// In bytes: what git may be given yet.
    room: u64,
}

impl Hand {
    async fn over(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(unpacker) = &mut self.unpacker else { return self.input.write(bytes).await };
        for piece in bytes.chunks(PACKED_PIECE) {
            io::Write::write_all(unpacker, piece)?;
            io::Write::flush(unpacker)?;
            let unpacked = unpacker.get_mut();
            self.room = self.room.checked_sub(unpacked.len() as u64).ok_or(io::ErrorKind::FileTooLarge)?;
            self.input.write(unpacked).await?;
            unpacked.clear();
        }
        Ok(())
    }
}

type Next = Pin<Box<dyn Future<Output = (Box<Output>, Result<Option<Bytes>, Cut>)>>>;

/// What git says, at its reader's pace. Git is ended when nobody reads any more.
struct Said {
    next: Option<Next>,
    /// It does not end before what the client sends: who still sends does not read an answer that has ended already. Where
    /// that is too much, the connection is cut.
    taken: Option<oneshot::Receiver<()>>,
}

impl Said {
    /// Nothing.
    fn nothing() -> Self {
        Said { next: None, taken: None }
    }

    fn of(output: Output) -> Self {
        Said { next: Some(next(Box::new(output))), taken: None }
    }
}

fn next(mut output: Box<Output>) -> Next {
    Box::pin(async move {
        let said = output.next().await;
        (output, said)
    })
}

impl MessageBody for Said {
    type Error = Cut;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        if let Some(wanted) = &mut self.next {
            let (output, said) = ready!(wanted.as_mut().poll(context));
            self.next = matches!(said, Ok(Some(_))).then(|| next(output));
            if let Err(cut) = &said {
                tracing::warn!(%cut, "what git said was cut off");
                self.taken = None;
            }
            if let Some(said) = said.transpose() {
                return Poll::Ready(Some(said));
            }
        }
        if let Some(taken) = &mut self.taken {
            let whole = ready!(Pin::new(taken).poll(context));
            self.taken = None;
            if whole.is_err() {
                let why = io::Error::other("the client has gone, or sends more than is taken");
                return Poll::Ready(Some(Err(why.into())));
            }
        }
        Poll::Ready(None)
    }
}
