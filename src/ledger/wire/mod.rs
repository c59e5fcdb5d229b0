//! The installed git's own processes, which speak with git clients: one for each request, between two streams.
//!
//! - [`lines`]: the lines of git's protocol; [`view`]: the refs that one client sees
//! - [`talk`]: a process at work; [`reach`]: whether what is asked for belongs to what is seen
//! - [`hooks`]: the questions that a push asks the service; [`hook`]: how they are asked, in a process of their own

pub mod hook;
pub mod hooks;
pub mod lines;
pub mod reach;
pub mod talk;
pub mod view;

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;

use super::program::{Program, ProgramError};
use super::repository::FOLDER;
use super::{Damage, ObjectId};
use hooks::Hooks;
use talk::Talk;
use view::View;

/// The folder in the data directory: made anew after each start.
const OWN: &str = "git";
const HOOKS: &str = "hooks";
const VIEWS: &str = "views";
/// In git's words: the largest single piece of memory that taking in what others send may need. A few bytes of a delta
/// can ask for any amount.
pub const LARGEST_PIECE: &str = "256m";
/// So long a request waits for a process.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a client asks git for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// To fetch.
    UploadPack,
    /// To push.
    ReceivePack,
}

impl Service {
    /// As git names it, without `git-`.
    pub fn name(self) -> &'static str {
        match self {
            Service::UploadPack => "upload-pack",
            Service::ReceivePack => "receive-pack",
        }
    }
}

/// What a push may leave out of its pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rests {
    /// What there is here already: changes to it will do.
    OnAnything,
    /// Nothing: so all that is in its quarantine came with it.
    OnNothing,
}

/// Of whose push nothing may rest on what is here.
const WHOLE: &str = "no-thin";

/// How git is let work.
#[derive(Debug, Clone)]
pub struct Options {
    /// A file, or a name on the search path.
    pub program: PathBuf,
    /// So many processes at a time.
    pub processes: usize,
    /// None of them lasts longer.
    pub timeout: Duration,
    /// In bytes: the largest pack that is taken.
    pub max_push: u64,
}

/// Why git does not serve a request.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("this service cannot be reached with git now: {0}")]
    Missing(#[from] ProgramError),
    #[error("too many are served by git now; try again in a moment")]
    Busy,
    #[error("git cannot be started: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Damage(#[from] Damage),
}

/// Starts git's processes.
pub struct Wire {
    options: Options,
    repository: PathBuf,
    /// The service's own folder for git.
    folder: PathBuf,
    program: OnceCell<Program>,
    /// The folder is there.
    ready: OnceCell<()>,
    /// Takes the socket to where hooks are heard.
    listening: mpsc::Sender<UnixListener>,
    room: Arc<Semaphore>,
    views: AtomicU64,
}

/// A place among the processes. It is free when nobody has it any more.
#[derive(Debug, Clone)]
pub struct Place {
    _held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    _permit: OwnedSemaphorePermit,
}

impl Place {
    fn new(permit: OwnedSemaphorePermit) -> Self {
        metrics::gauge!("revconf_git_processes").increment(1);
        Place { _held: Arc::new(Held { _permit: permit }) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        metrics::gauge!("revconf_git_processes").decrement(1);
    }
}

impl Wire {
    /// Takes away what an earlier run has left of the folder in which git works. To be called by who holds the data
    /// directory.
    ///
    /// # Errors
    /// The data directory cannot be written.
    pub fn open(data: &Path, options: Options) -> io::Result<(Self, Hooks)> {
        let data = fs::canonicalize(data)?;
        let (repository, folder) = (data.join(FOLDER), data.join(OWN));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let (listening, listener) = mpsc::channel(1);
        let hooks = Hooks::new(listener, repository.join("objects"));
        let room = Arc::new(Semaphore::new(options.processes.max(1)));
        let (program, ready, views) = (OnceCell::new(), OnceCell::new(), AtomicU64::new(0));
        Ok((Wire { options, repository, folder, program, ready, listening, room, views }, hooks))
    }

    /// Makes the folder in which git works, and listens there for the hooks of pushes: once somebody comes with git.
    async fn prepare(&self) -> io::Result<()> {
        let folder = self.folder.clone();
        let made = tokio::task::spawn_blocking(move || {
            let mut private = DirBuilder::new();
            private.mode(0o700).recursive(true);
            for path in [folder.clone(), folder.join(HOOKS), folder.join(VIEWS)] {
                private.create(path)?;
            }
            hooks::write(&folder.join(HOOKS))?;
            hooks::listen(&folder)
        });
        let listener = made.await.map_err(io::Error::other)??;
        self.listening.send(listener).await.map_err(io::Error::other)
    }

    /// The installed git. One that was not there is looked for again by the next who asks.
    ///
    /// # Errors
    /// It is not there, or too old.
    pub async fn program(&self) -> Result<&Program, ProgramError> {
        let find = || async {
            let path = self.options.program.clone();
            let missing = |error: &dyn std::fmt::Display| ProgramError::Missing {
                path: self.options.program.clone(),
                reason: error.to_string(),
            };
            let found = tokio::task::spawn_blocking(move || Program::find(&path)).await;
            found.map_err(|error| missing(&error))?
        };
        self.program.get_or_try_init(find).await
    }

    /// In bytes: the largest pack that is taken.
    pub fn largest_push(&self) -> u64 {
        self.options.max_push
    }

    /// A place among the processes.
    ///
    /// # Errors
    /// There is none soon, or the folder in which git works cannot be made.
    pub async fn place(&self) -> Result<Place, WireError> {
        self.ready.get_or_try_init(|| self.prepare()).await?;
        let permit = timeout(PATIENCE, Arc::clone(&self.room).acquire_owned()).await;
        let permit = permit.ok().and_then(Result::ok);
        permit.map(Place::new).ok_or(WireError::Busy)
    }

    /// A repository that has these refs and no others, sorted by name, and the objects of the one that there is.
    /// Touches the disk.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn view(&self, refs: &[(String, ObjectId)], head: Option<&str>) -> io::Result<View> {
        let number = self.views.fetch_add(1, Ordering::Relaxed);
        View::new(&self.folder.join(VIEWS).join(number.to_string()), refs, head)
    }

    /// Has git tell what there is in a view, and, to those who come to push, what they may leave out.
    ///
    /// # Errors
    /// Git is not there, or cannot be started.
    pub async fn advertise(
        &self,
        service: Service,
        protocol: Option<&str>,
        view: View,
        place: Place,
        rests: Rests,
    ) -> Result<Talk, WireError> {
        let mut command = self.command(service, protocol, rests).await?;
        command.arg("--advertise-refs").arg(view.path());
        let talk = Talk::start(command, self.options.timeout, (view, place))?;
        match (service, rests) {
            (Service::ReceivePack, Rests::OnNothing) => {
                Ok(talk.capable_of(WHOLE).await.map_err(io::Error::other)?)
            }
            _ => Ok(talk),
        }
    }

    /// Has git answer a request that fetches.
    ///
    /// # Errors
    /// Git is not there, or cannot be started.
    pub async fn fetch(&self, protocol: Option<&str>, view: View, place: Place) -> Result<Talk, WireError> {
        let mut command = self.command(Service::UploadPack, protocol, Rests::OnAnything).await?;
        command.arg(view.path());
        Ok(Talk::start(command, self.options.timeout, (view, place))?)
    }

    /// Has git take in a push. Its hooks bring `token`; `kept` is let go of when the push has ended.
    ///
    /// # Errors
    /// Git is not there, or cannot be started.
    pub async fn push(
        &self,
        token: &str,
        view: View,
        place: Place,
        rests: Rests,
        kept: impl Send + 'static,
    ) -> Result<Talk, WireError> {
        let mut command = self.command(Service::ReceivePack, None, rests).await?;
        if rests == Rests::OnNothing {
            // As they are: what is unpacked leaves out what is here, and a pack that is completed gets it from here.
            command.arg("--reject-thin-pack-for-testing");
        }
        command.env(hook::TOKEN, token).env("GIT_ALLOC_LIMIT", LARGEST_PIECE).arg(view.path());
        Ok(Talk::start(command, self.options.timeout, (view, place, kept))?)
    }

    async fn command(
        &self,
        service: Service,
        protocol: Option<&str>,
        rests: Rests,
    ) -> Result<Command, WireError> {
        let mut command = Command::from(self.program().await?.command());
        command.env("GIT_OBJECT_DIRECTORY", self.repository.join("objects"));
        if let Some(protocol) = protocol {
            command.env("GIT_PROTOCOL", protocol);
        }
        for (key, value) in self.settings(service, rests) {
            command.arg("-c").arg(format!("{key}={value}"));
        }
        command.arg(service.name()).arg("--stateless-rpc");
        Ok(command)
    }

    fn settings(&self, service: Service, rests: Rests) -> Vec<(&'static str, String)> {
        // What is large is neither kept in memory nor compared with anything.
        let mut settings = vec![("core.bigFileThreshold", "16m".to_owned())];
        settings.extend(match service {
            Service::UploadPack => vec![
                ("uploadpack.allowFilter", "true".to_owned()),
                // All but `sparse:oid`, which has git read any file of the repository.
                ("uploadpackfilter.allow", "false".to_owned()),
                ("uploadpackfilter.blob:none.allow", "true".to_owned()),
                ("uploadpackfilter.blob:limit.allow", "true".to_owned()),
                ("uploadpackfilter.tree.allow", "true".to_owned()),
                ("uploadpackfilter.object:type.allow", "true".to_owned()),
                ("uploadpackfilter.combine.allow", "true".to_owned()),
                // What may be asked for is decided before git is asked.
                ("uploadpack.allowAnySHA1InWant", "true".to_owned()),
                // In seconds. A client that has gone is noticed when something is sent to it.
                ("uploadpack.keepAlive", "1".to_owned()),
                // Those who read and write over REST shall have some of the processor, too.
                ("pack.threads", "1".to_owned()),
            ],
            Service::ReceivePack => vec![
                ("core.hooksPath", self.folder.join(HOOKS).display().to_string()),
                ("receive.procReceiveRefs", "refs".to_owned()),
                ("receive.fsckObjects", "true".to_owned()),
                ("receive.maxInputSize", self.options.max_push.to_string()),
                ("receive.unpackLimit", if rests == Rests::OnNothing { "1" } else { "16" }.to_owned()),
                ("receive.autogc", "false".to_owned()),
                ("receive.advertiseAtomic", "false".to_owned()),
                ("receive.keepAlive", "1".to_owned()),
                ("pack.threads", "1".to_owned()),
            ],
        });
        settings
    }
}
