//! Where is listened, and for how many connections at a time.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context;
use rustix::net::listen;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// So many connections wait to be accepted; the system may allow fewer.
const BACKLOG: i32 = 4096;

/// Files that are open beside connections: the repository, the index, the log.
const OTHER_FILES: u64 = 768;

/// Listens at an address.
///
/// # Errors
/// It is taken, is none of this machine's, or is not for this user.
pub fn listener(wanted: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(wanted).with_context(|| format!("cannot listen on {wanted}"))?;
    listener.set_nonblocking(true)?;
    // The standard library lets 128 wait to be accepted; of more, some would have to try again after a second.
    listen(&listener, BACKLOG).with_context(|| format!("cannot listen on {wanted}"))?;
    Ok(listener)
}

/// How many connections there can be, each of which is an open file: the system's soft limit is taken up to the hard one.
pub fn connections(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let limit = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => raised,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            limit
        }
    };
    let Some(files) = limit.current else { return wanted };
    // Where there are very few, half of them are for connections.
    let room = files.saturating_sub(OTHER_FILES).max(files / 2);
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if room < wanted {
        tracing::warn!(
            open_files = files,
            connections = room,
            wanted,
            "the limit of open files allows fewer connections"
        );
    }
    wanted.min(room)
}
