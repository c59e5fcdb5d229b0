//! What a service did to its files, and what it answered, as strace wrote it down: with all text in hexadecimal, which
//! leaves nothing to be told apart.

use std::collections::HashMap;
use std::path::PathBuf;

/// A call that succeeded. Between its two lines it may have been done at any moment.
#[derive(Debug)]
pub struct Event {
    /// The line of the trace that it began at.
    pub began: usize,
    /// The line of the trace that it ended at.
    pub ended: usize,
    pub done: Done,
}

#[derive(Debug)]
pub enum Done {
    /// A file was opened that was made if it was not there; if `empty`, all that was in it went.
    Opened {
        path: PathBuf,
        empty: bool,
    },
    /// Bytes, at a place or else behind what was written to it last.
    Written {
        path: PathBuf,
        at: Option<u64>,
        bytes: Vec<u8>,
    },
    Cut {
        path: PathBuf,
        length: u64,
    },
    /// A file or a folder.
    Synced {
        path: PathBuf,
    },
    AllSynced,
    Moved {
        from: PathBuf,
        to: PathBuf,
    },
    Removed {
        path: PathBuf,
    },
    FolderMade {
        path: PathBuf,
    },
    /// Bytes to a client.
    Sent {
        bytes: Vec<u8>,
    },
}

/// The calls that [`read`] understands.
pub const CALLS: &str = "?write,?writev,?sendto,?sendmsg,?pwrite64,?openat,?rename,?renameat,?renameat2,?fsync,?fdatasync,\
                         ?syncfs,?ftruncate,?unlink,?unlinkat,?mkdir,?mkdirat,?rmdir";

/// Reads a trace. Events are in the order in which they ended.
pub fn read(trace: &str) -> Vec<Event> {
    let mut begun: HashMap<&str, (usize, &str)> = HashMap::new();
    let mut events = Vec::new();
    for (ended, line) in trace.lines().enumerate() {
        let Some((thread, text)) = line.split_once(' ') else { continue };
        let text = text.trim_start();
        if let Some(first) = text.strip_suffix("<unfinished ...>") {
            begun.insert(thread, (ended, first));
        } else if let Some((_, rest)) =
            text.strip_prefix("<... ").and_then(|text| text.split_once(" resumed>"))
        {
            let Some((began, first)) = begun.remove(thread) else { continue };
            events.extend(understand(&format!("{first}{rest}")).map(|done| Event { began, ended, done }));
        } else {
            events.extend(understand(text).map(|done| Event { began: ended, ended, done }));
        }
    }
    events
}

fn understand(text: &str) -> Option<Done> {
    let (call, rest) = text.split_once('(')?;
    let (arguments, outcome) = rest.rsplit_once(" = ")?;
    let outcome = outcome.split([' ', '<']).next()?;
    if outcome.starts_with(['-', '?']) {
        return None;
    }
    let mut texts = arguments.split('"').skip(1).step_by(2).map(bytes);
    let mut path = || Some(PathBuf::from(String::from_utf8(texts.next()?).ok()?));
    let last = || arguments.trim_end().strip_suffix(')')?.rsplit(", ").next()?.trim().parse().ok();
    Some(match call {
        "openat" if arguments.contains("O_CREAT") => {
            Done::Opened { path: path()?, empty: arguments.contains("O_TRUNC") }
        }
        "write" | "writev" | "sendto" | "sendmsg" | "pwrite64" => {
            let mut written: Vec<u8> = arguments.split('"').skip(1).step_by(2).flat_map(bytes).collect();
            written.truncate(outcome.parse().ok()?);
            match handle(arguments) {
                Some(path) if path.is_absolute() => {
                    let at = if call == "pwrite64" { Some(last()?) } else { None };
                    Done::Written { path, at, bytes: written }
                }
                _ => Done::Sent { bytes: written },
            }
        }
        "ftruncate" => Done::Cut { path: handle(arguments)?, length: last()? },
        "fsync" | "fdatasync" => Done::Synced { path: handle(arguments)? },
        "syncfs" => Done::AllSynced,
        "rename" | "renameat" | "renameat2" => Done::Moved { from: path()?, to: path()? },
        "unlink" | "unlinkat" | "rmdir" => Done::Removed { path: path()? },
        "mkdir" | "mkdirat" => Done::FolderMade { path: path()? },
        _ => return None,
    })
}

/// What the first argument is a handle of.
fn handle(arguments: &str) -> Option<PathBuf> {
    let (_, rest) = arguments.split_once('<')?;
    let (hex, after) = rest.split_once('>')?;
    let path = String::from_utf8(bytes(hex)).ok()?;
    (!after.starts_with("(deleted)")).then(|| PathBuf::from(path))
}

/// `\x68\x69`
fn bytes(hex: &str) -> Vec<u8> {
    let digit = |digit: u8| (digit as char).to_digit(16).unwrap_or_default() as u8;
    hex.as_bytes().chunks_exact(4).map(|four| digit(four[2]) << 4 | digit(four[3])).collect()
}

#[test]
fn a_trace_is_understood() {
    let trace = r#"7 openat(AT_FDCWD<\x2f>, "\x2f\x61", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 5<\x2f\x61>
7 openat(AT_FDCWD<\x2f>, "\x2f\x62", O_WRONLY|O_CREAT) = -1 ENOSPC (No space left on device)
7 pwrite64(5<\x2f\x61>, "\x68\x69", 2, 100 <unfinished ...>
8 writev(3<\x73\x6f\x63>, [{iov_base="\x68", iov_len=1}, {iov_base="\x69", iov_len=1}], 2) = 2
7 <... pwrite64 resumed>) = 2
7 write(5<\x2f\x61>(deleted), "\x68", 1) = 1
7 rename("\x2f\x61", "\x2f\x62") = 0
7 fsync(5<\x2f\x62>) = 0
7 +++ exited with 0 +++"#;
    let found: Vec<String> =
        read(trace).iter().map(|event| format!("{} {} {:?}", event.began, event.ended, event.done)).collect();
    let expected = [
        r#"0 0 Opened { path: "/a", empty: true }"#,
        r#"3 3 Sent { bytes: [104, 105] }"#,
        r#"2 4 Written { path: "/a", at: Some(100), bytes: [104, 105] }"#,
        r#"5 5 Sent { bytes: [104] }"#,
        r#"6 6 Moved { from: "/a", to: "/b" }"#,
        r#"7 7 Synced { path: "/b" }"#,
    ];
    assert_eq!(found, expected);
}
