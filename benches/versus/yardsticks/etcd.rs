//! etcd 3.4, asked over its HTTP gateway with JSON, each put synced as it does by default.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::documents::{Changes, Dice, Documents, id};
use crate::http;
use crate::load::{Load, Report};
use crate::process::{Running, find, free_address};
use crate::service::is_ready;

/// What to do where it is missing.
pub const MISSING: &str = "not installed: apt-get install etcd-server";

/// etcd with a folder of its own.
pub struct Etcd {
    pub address: SocketAddr,
    entries: u32,
    _running: Running,
}

/// The program.
pub fn program() -> Option<PathBuf> {
    find("etcd")
}

impl Etcd {
    /// Starts it with the entries in it; `None` where it is not installed.
    pub fn start(entries: u32, documents: &Documents, scratch: &Path) -> anyhow::Result<Option<Self>> {
        let Some(program) = program() else { return Ok(None) };
        let (address, peers) = (free_address()?, free_address()?);
        let folder = scratch.join(format!("etcd-{}", address.port()));
        let mut command = Command::new(program);
        for (flag, value) in [
            ("--listen-client-urls", format!("http://{address}")),
            ("--advertise-client-urls", format!("http://{address}")),
            ("--listen-peer-urls", format!("http://{peers}")),
            ("--initial-advertise-peer-urls", format!("http://{peers}")),
            ("--initial-cluster", format!("default=http://{peers}")),
            ("--log-level", "error".to_owned()),
        ] {
            command.args([flag, &value]);
        }
        command.args(["--logger", "zap"]).arg("--data-dir").arg(&folder);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.with_extension("log"))?);
        let mut running = Running::start(&mut command)?;
        running.wait_until(|| is_ready(address, "/health"))?;
        let etcd = Etcd { address, entries, _running: running };
        etcd.fill(documents)?;
        Ok(Some(etcd))
    }

    fn fill(&self, documents: &Documents) -> anyhow::Result<()> {
        let mut client = http::Client::connect(self.address)?;
        let put = |entry| {
            let mut document = Vec::new();
            documents.write(entry, 0, &mut document);
            json!({"requestPut": {"key": STANDARD.encode(id(entry)), "value": STANDARD.encode(document)}})
        };
        // A transaction has at most 128 operations.
        for first in (0..self.entries).step_by(100) {
            let puts: Vec<_> = (first..self.entries.min(first + 100)).map(put).collect();
            let body = json!({"success": puts}).to_string();
            client.ask(&http::with_body("POST", "/v3/kv/txn", body.as_bytes()))?;
        }
        Ok(())
    }

    /// Puts to random entries.
    pub fn put(&self, documents: &Documents, clients: usize, duration: Duration) -> anyhow::Result<Report> {
        let mut changes = Changes::of(self.entries, 4);
        let mut writer = Writer::new(documents);
        Load { address: self.address, clients, duration }.run(|out| {
            let (entry, revision) = changes.next();
            writer.write(entry, revision, out);
        })
    }

    /// Gets of random entries.
    pub fn get(&self, clients: usize, duration: Duration) -> anyhow::Result<Report> {
        let requests: Vec<_> = (0..self.entries).map(range).collect();
        let mut dice = Dice::new(5);
        Load { address: self.address, clients, duration }
            .run(|out| out.extend_from_slice(&requests[dice.below(self.entries) as usize]))
    }
}

fn range(entry: u32) -> Vec<u8> {
    let body = format!("{{\"key\":\"{}\"}}", STANDARD.encode(id(entry)));
    http::with_body("POST", "/v3/kv/range", body.as_bytes())
}

/// Makes requests to put, in place.
struct Writer<'a> {
    documents: &'a Documents,
    /// With room for a key and a value, both of which always have the same length.
    request: Vec<u8>,
    key: usize,
    value: usize,
    document: Vec<u8>,
}

impl<'a> Writer<'a> {
    fn new(documents: &'a Documents) -> Self {
        let room = |bytes: usize| "?".repeat(base64::encoded_len(bytes, true).unwrap_or_default());
        let key = room(id(0).len());
        let body = format!("{{\"key\":\"{key}\",\"value\":\"{}\"}}", room(documents.length()));
        let request = http::with_body("POST", "/v3/kv/put", body.as_bytes());
        let begin = request.len() - body.len() + "{\"key\":\"".len();
        let value = begin + key.len() + "\",\"value\":\"".len();
        Writer { documents, request, key: begin, value, document: Vec::new() }
    }

    fn write(&mut self, entry: u32, revision: u64, out: &mut Vec<u8>) {
        self.document.clear();
        self.documents.write(entry, revision, &mut self.document);
        // The room is as long as what is put there.
        let _ = STANDARD.encode_slice(id(entry), &mut self.request[self.key..]);
        let _ = STANDARD.encode_slice(&self.document, &mut self.request[self.value..]);
        out.extend_from_slice(&self.request);
    }
}
