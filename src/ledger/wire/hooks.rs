//! What the hooks of a push ask the service, over a socket in the data directory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, OnceCell, mpsc};
use tokio::time::timeout;

use crate::ledger::ObjectId;

/// The socket's name in the service's folder for git.
pub(super) const SOCKET: &str = "socket";
/// In bytes: a longer question is none of ours.
const LONGEST: u64 = 16 << 20;
/// A hook has its question at hand.
const PATIENCE: Duration = Duration::from_secs(10);

/// When in a push something is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The objects are there, apart from the repository's.
    PreReceive,
    /// They are among the repository's, and the refs are to move.
    ProcReceive,
}

impl Stage {
    /// As git names the hook.
    pub fn name(self) -> &'static str {
        match self {
            Stage::PreReceive => "pre-receive",
            Stage::ProcReceive => "proc-receive",
        }
    }

    /// The hook of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Stage::PreReceive, Stage::ProcReceive].into_iter().find(|stage| stage.name() == name)
    }
}

/// A ref that a client wants moved; `None` is its absence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    pub name: String,
    pub from: Option<ObjectId>,
    pub to: Option<ObjectId>,
}

/// What a push asks.
#[derive(Debug)]
pub struct Question {
    pub stage: Stage,
    /// Which push it is.
    pub token: String,
    /// The folder of its objects, as long as they lie apart.
    pub quarantine: Option<PathBuf>,
    pub moves: Vec<Move>,
}

/// Where the answer goes. Without a last word the hook takes it that the service has gone.
#[derive(Debug)]
pub struct Reply(UnixStream);

/// Where hooks ask.
#[derive(Debug)]
pub struct Hooks {
    listener: OnceCell<UnixListener>,
    coming: Mutex<mpsc::Receiver<net::UnixListener>>,
    /// The repository's objects.
    objects: PathBuf,
}

/// Writes the hooks that git is to call: each is this very program, also when another has been put in its place meanwhile.
pub(super) fn write(folder: &Path) -> io::Result<()> {
    let program = format!("/proc/{}/exe", std::process::id());
    for stage in [Stage::PreReceive, Stage::ProcReceive] {
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o700).open(folder.join(stage.name()))?;
        write!(file, "#!/bin/sh\nexec {program} hook {}\n", stage.name())?;
    }
    Ok(())
}

/// Listens in a folder that nobody else may enter.
pub(super) fn listen(folder: &Path) -> io::Result<net::UnixListener> {
    // The path of a socket has 108 bytes at most, and that of a data directory any number.
    let handle = File::open(folder)?;
    let socket = folder.join(SOCKET);
    // An attempt before may have come so far.
    if socket.exists() {
        fs::remove_file(socket)?;
    }
    let listener = net::UnixListener::bind(format!("/proc/self/fd/{}/{SOCKET}", handle.as_raw_fd()))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

impl Hooks {
    /// Listens once there is somewhere to.
    pub(super) fn new(coming: mpsc::Receiver<net::UnixListener>, objects: PathBuf) -> Self {
        Hooks { listener: OnceCell::new(), coming: Mutex::new(coming), objects }
    }

    /// The next hook that has something to ask.
    ///
    /// # Errors
    /// The socket fails.
    pub async fn next(&self) -> io::Result<UnixStream> {
        let listener = self.listener.get_or_try_init(|| async {
            let coming = self.coming.lock().await.recv().await;
            UnixListener::from_std(coming.ok_or(io::ErrorKind::NotConnected)?)
        });
        Ok(listener.await?.accept().await?.0)
    }

    /// Reads what it asks.
    ///
    /// # Errors
    /// It is no question of a hook's.
    pub async fn read(&self, mut stream: UnixStream) -> io::Result<(Question, Reply)> {
        let read = async {
            let mut text = String::new();
            let mut lines = BufReader::new((&mut stream).take(LONGEST));
            loop {
                let before = text.len();
                if lines.read_line(&mut text).await? == 0 {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
                }
                if text.get(before..) == Some("end\n") {
                    return Ok(text);
                }
            }
        };
        let text = timeout(PATIENCE, read).await??;
        let strange = || io::Error::new(io::ErrorKind::InvalidData, "a question that no hook asks");
        let question = parse(&text, &self.objects).ok_or_else(strange)?;
        Ok((question, Reply(stream)))
    }
}

fn parse(text: &str, objects: &Path) -> Option<Question> {
    let mut question =
        Question { stage: Stage::PreReceive, token: String::new(), quarantine: None, moves: Vec::new() };
    // A hook ends its lines so, and with nothing else.
    for line in text.split_terminator('\n') {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "stage" => question.stage = Stage::named(rest)?,
            "token" => rest.clone_into(&mut question.token),
            // A name among the repository's objects, and nothing that leads elsewhere.
            "quarantine" if !rest.contains('/') && !rest.starts_with('.') => {
                question.quarantine = Some(objects.join(rest));
            }
            "move" => question.moves.push(parse_move(rest)?),
            "end" => return Some(question),
            _ => return None,
        }
    }
    None
}

/// `OLD NEW REF`, as git tells it to hooks.
pub(super) fn parse_move(text: &str) -> Option<Move> {
    let mut parts = text.splitn(3, ' ');
    let mut id = || {
        let text = parts.next()?;
        let id = ObjectId::from_hex(text)?;
        Some((!text.bytes().all(|byte| byte == b'0')).then_some(id))
    };
    let (from, to) = (id()?, id()?);
    Some(Move { name: parts.next().filter(|name| !name.is_empty())?.to_owned(), from, to })
}

impl Reply {
    /// Says a line to whoever pushes.
    ///
    /// # Errors
    /// The hook has gone.
    pub async fn say(&mut self, text: &str) -> io::Result<()> {
        self.send(&format!("say {}", plain(text))).await
    }

    /// Says that a ref has moved.
    ///
    /// # Errors
    /// The hook has gone.
    pub async fn ok(&mut self, name: &str) -> io::Result<()> {
        self.send(&format!("ok {name}")).await
    }

    /// Says that it has not, and why.
    ///
    /// # Errors
    /// The hook has gone.
    pub async fn refuse(&mut self, name: &str, reason: &str) -> io::Result<()> {
        self.send(&format!("ng {name} {}", plain(reason))).await
    }

    /// The last word: whether the push goes on.
    ///
    /// # Errors
    /// The hook has gone.
    pub async fn end(mut self, well: bool) -> io::Result<()> {
        self.send(if well { "well" } else { "ill" }).await?;
        self.0.shutdown().await
    }

    async fn send(&mut self, line: &str) -> io::Result<()> {
        self.0.write_all(format!("{line}\n").as_bytes()).await
    }
}

/// What others have put into paths and messages shall not move the cursor on somebody's screen.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_has_one_line_for_each_move() {
        let (none, some) = ("0".repeat(40), "12".repeat(20));
        let ask = |name: &str| {
            let text = format!("stage proc-receive\ntoken t\nmove {none} {some} {name}\nend\n");
            parse(&text, Path::new("/objects")).map(|question| question.moves)
        };
        let names = |name| ask(name).map(|moves| moves.into_iter().map(|one| one.name).collect::<Vec<_>>());
        assert_eq!(names("refs/heads/prod"), Some(vec!["refs/heads/prod".to_owned()]));
        assert_eq!(names("refs/heads/prod\r"), Some(vec!["refs/heads/prod\r".to_owned()]));
    }

    #[test]
    fn moves_are_read_as_git_tells_them() {
        let (none, some) = ("0".repeat(40), "12".repeat(20));
        let read = parse_move(&format!("{none} {some} refs/heads/prod")).expect("a move");
        assert_eq!(
            (read.name.as_str(), read.from, read.to),
            ("refs/heads/prod", None, ObjectId::from_hex(&some))
        );
        for bad in ["", &some, &format!("{some} {none}"), &format!("{some} {none} "), "x y z"] {
            assert!(parse_move(bad).is_none(), "{bad}");
        }
    }
}
