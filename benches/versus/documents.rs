//! The documents: about 1 KB each, as the service itself writes them, of the same length whatever they say, so that
//! making one is to copy a text and patch digits.

use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::json;

use crate::http;
use crate::process;
use crate::service::Service;

/// Where the entries are.
pub const SET: &str = "/conf/prod/backend-services";

/// Stand in the template where the numbers go; nothing else there looks like them.
const ENTRY: &str = "77777";
const REVISION: &str = "8888888888";

/// The canonical text of an entry, and what else lies in a configuration's tree.
pub struct Documents {
    document: Patched,
    put: Patched,
    get: Patched,
    header: Vec<u8>,
}

/// A text with numbers to be put in.
struct Patched {
    text: Vec<u8>,
    entries: Vec<usize>,
    revisions: Vec<usize>,
}

impl Documents {
    /// Lets the service say what it makes of a document.
    pub fn learn(scratch: &Path) -> anyhow::Result<Self> {
        let data = scratch.join("template");
        let service = Service::start(&data, &[])?;
        let path = format!("{SET}/entry-{ENTRY}");
        let hosts = ["a", "b"].map(|letter| json!({"host": format!("{letter}-{ENTRY}.example.org")}));
        let filler = "Made to measure how long it takes to change one. ".repeat(5);
        let draft = json!({
            "name": format!("Entry {ENTRY}"),
            "description": format!("Revision {REVISION}. {filler}"),
            "back_hosts": hosts,
        });
        let mut client = http::Client::connect(service.address)?;
        client.ask(&http::with_body("POST", &path, draft.to_string().as_bytes()))?;
        client.ask(&http::get(&path))?;
        let text = client.answer().1.to_vec();
        service.stop()?;
        let mut git = process::git(&data.join("repository.git"));
        let header = process::run(git.args(["cat-file", "blob", "prod:config.json"]))? + "\n";
        ensure!(text.len().abs_diff(1024) < 100, "a document has {} bytes", text.len());
        Ok(Documents {
            put: Patched::new(http::with_body("PUT", &path, &text)),
            get: Patched::new(http::get(&path)),
            document: Patched::new(text),
            header: header.into_bytes(),
        })
    }

    /// `config.json`
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// In bytes.
    pub fn length(&self) -> usize {
        self.document.text.len()
    }

    /// Appends the document.
    pub fn write(&self, entry: u32, revision: u64, out: &mut Vec<u8>) {
        self.document.write(entry, revision, out);
    }

    /// Appends the request that puts the document.
    pub fn write_put(&self, entry: u32, revision: u64, out: &mut Vec<u8>) {
        self.put.write(entry, revision, out);
    }

    /// Appends the request that gets the entry.
    pub fn write_get(&self, entry: u32, out: &mut Vec<u8>) {
        self.get.write(entry, 0, out);
    }
}

impl Patched {
    fn new(text: Vec<u8>) -> Self {
        let places = |mark: &str| {
            let windows = text.windows(mark.len()).enumerate();
            windows.filter(|(_, window)| *window == mark.as_bytes()).map(|(at, _)| at).collect()
        };
        Patched { entries: places(ENTRY), revisions: places(REVISION), text }
    }

    fn write(&self, entry: u32, revision: u64, out: &mut Vec<u8>) {
        let begin = out.len();
        out.extend_from_slice(&self.text);
        let text = &mut out[begin..];
        self.entries.iter().for_each(|at| digits(u64::from(entry), &mut text[*at..at + ENTRY.len()]));
        self.revisions.iter().for_each(|at| digits(revision, &mut text[*at..at + REVISION.len()]));
    }
}

fn digits(mut number: u64, place: &mut [u8]) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// The id of an entry.
pub fn id(entry: u32) -> String {
    format!("entry-{entry:05}")
}

/// The path of an entry's file in the repository.
pub fn file(entry: u32) -> String {
    format!("backend-services/{}.json", id(entry))
}

/// Draws entries: the same ones in every run. (Marsaglia's xorshift.)
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 32) % u64::from(end)) as u32
    }
}

/// Changes of entries drawn at random; each is a new revision, so each makes a commit.
pub struct Changes {
    entries: u32,
    dice: Dice,
    /// The entries that were changed, one a revision, from 1 on.
    pub made: Vec<u32>,
}

impl Changes {
    pub fn of(entries: u32, seed: u64) -> Self {
        Changes { entries, dice: Dice::new(seed), made: Vec::with_capacity(1 << 16) }
    }

    /// The next entry to change, and its revision.
    pub fn next(&mut self) -> (u32, u64) {
        let entry = self.dice.below(self.entries);
        self.made.push(entry);
        (entry, self.made.len() as u64)
    }
}

/// How an answer of the service looks: its body, and the headers that are its own.
pub struct Sample {
    pub body: Vec<u8>,
    pub headers: Vec<(String, String)>,
}

impl Sample {
    pub fn take(client: &mut http::Client, path: &str) -> anyhow::Result<Self> {
        client.ask(&http::get(path))?;
        let (head, body) = client.answer();
        let lines = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let own = lines.filter(|(name, _)| {
            !["content-length", "date", "connection"].contains(&name.to_ascii_lowercase().as_str())
        });
        let headers = own.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        ensure!(!body.is_empty(), "{path} has no body");
        Ok(Sample { body: body.to_vec(), headers })
    }
}

/// The size of a body for the table, such as `1.0 KB`.
pub fn size(bytes: usize) -> String {
    match bytes {
        0..100_000 => format!("{:.1} KB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// Reads a number that git printed.
pub fn number(text: &str) -> anyhow::Result<u64> {
    text.trim().parse().with_context(|| format!("{text:?} is no number"))
}
