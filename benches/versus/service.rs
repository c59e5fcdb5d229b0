//! The release program, on a data directory of its own.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::http;
use crate::process::{Running, free_address, poll};

/// The file of the index, in the data directory.
const INDEX: &str = "index.sqlite";
/// A program that keeps one begins it within this after it is ready.
const BEGUN_WITHIN: Duration = Duration::from_millis(200);
/// It is done within this, or something is wrong.
const INDEXED_WITHIN: Duration = Duration::from_secs(600);

/// With these settings the log tells of the index, whatever the environment says.
pub const TELLING: &[(&str, &str)] = &[("REVCONF_LOG_LEVEL", "info")];

/// A service that runs.
pub struct Service {
    pub address: SocketAddr,
    /// From the start of the program to its first 200 at `/health/ready`.
    pub ready_after: Duration,
    running: Running,
    begun: Instant,
    data: PathBuf,
}

/// What `/proc` says of a process's memory. In bytes.
#[derive(Clone, Copy)]
pub struct Memory {
    pub resident: u64,
    pub peak: u64,
}

impl Service {
    /// Starts the program, with these settings (as in the environment) beside those of this process's environment,
    /// and waits until it is ready. Its log goes to a file beside the data.
    pub fn start(data: &Path, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let address = free_address()?;
        let log = File::create(log_of(data))?;
        let mut command = Command::new(program());
        command.arg("serve").arg("--data").arg(data).args(["--listen", &address.to_string()]);
        command.envs(settings.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let begun = Instant::now();
        let mut running = Running::start(&mut command)?;
        let ready = running.wait_until(|| is_ready(address, "/health/ready"));
        ready.with_context(|| fs::read_to_string(log_of(data)).unwrap_or_default())?;
        Ok(Service { address, ready_after: begun.elapsed(), running, begun, data: data.to_owned() })
    }

    /// Lets it finish and end.
    pub fn stop(self) -> anyhow::Result<()> {
        self.running.stop()
    }

    /// With [`TELLING`], waits until the index says in the log that it is there; how long after the start of the
    /// program that was. `None` if this program keeps none.
    pub fn indexed(&self) -> anyhow::Result<Option<Duration>> {
        let index = self.data.join(INDEX);
        if poll(BEGUN_WITHIN, || Ok(index.exists().then_some(())))?.is_none() {
            return Ok(None);
        }
        let found = poll(INDEXED_WITHIN, || {
            let log = fs::read_to_string(log_of(&self.data))?;
            Ok(log.lines().any(tells_of_the_index).then(|| self.begun.elapsed()))
        })?;
        Ok(Some(found.context("the log never says that the index is done")?))
    }

    pub fn memory(&self) -> anyhow::Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.running.id()))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
            kilobytes.map(|number| number * 1024).with_context(|| format!("no {name} in\n{status}"))
        };
        Ok(Memory { resident: field("VmRSS:")?, peak: field("VmHWM:")? })
    }
}

/// Removes the index of a data directory that no service uses.
pub fn remove_index(data: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(data)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(INDEX) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn tells_of_the_index(line: &str) -> bool {
    let line = line.to_lowercase();
    line.contains("index")
        && ["built", "complete", "done", "up to date"].iter().any(|word| line.contains(word))
}

/// Whether a server answers this path with 200.
pub fn is_ready(address: SocketAddr, path: &str) -> bool {
    http::Client::connect(address).is_ok_and(|mut client| client.ask(&http::get(path)).is_ok())
}

pub fn program() -> &'static str {
    env!("CARGO_BIN_EXE_revconf")
}

fn log_of(data: &Path) -> PathBuf {
    data.with_extension("log")
}
