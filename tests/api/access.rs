//! Who may do what.

mod audit;
mod browsers;
mod certificates;
mod client;
mod configurations;
mod followers;
mod guesses;
mod keys;
mod limits;
mod listening;
mod merges;
mod principals_file;
mod proxies;
mod releases;
mod roles;
mod secrets;
mod signatures;
pub mod tls;
mod ways;
mod webhooks;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::program::run;
use crate::support::server::Builder;
use crate::support::{Client, Server};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";

/// A principal's new key, made by the program, and what it says is to be stored.
pub struct NewKey {
    pub key: String,
    pub entry: String,
}

/// Runs `revconf key new`.
#[track_caller]
pub fn new_key(name: &str, roles: &[&str], more: &[&str]) -> NewKey {
    let mut arguments = vec!["key", "new", "--name", name];
    arguments.extend(roles.iter().flat_map(|role| ["--role", role]));
    arguments.extend(more);
    let printed = run(&arguments).expect_success().stdout;
    let key = printed.lines().find(|line| line.starts_with("rck_")).expect("a line with the key").to_owned();
    let at = printed.find("[[principals]]").expect("an entry to store");
    NewKey { key, entry: printed[at..].to_owned() }
}

impl NewKey {
    /// The part that nobody but its owner has.
    fn secret(&self) -> &str {
        self.key.rsplit('_').next().expect("a secret")
    }

    /// A field of the entry that is a text.
    fn field(&self, name: &str) -> String {
        let line = self.entry.lines().find(|line| line.starts_with(&format!("{name} = ")));
        line.and_then(|line| line.split('"').nth(1)).expect("a field with a text").to_owned()
    }
}

/// A file of principals in a folder of its own.
pub struct Principals {
    home: Arc<TempDir>,
}

impl Principals {
    #[track_caller]
    fn new(text: &str) -> Self {
        let principals = Self { home: Arc::new(TempDir::new().expect("a temporary directory")) };
        principals.write(text);
        principals
    }

    #[track_caller]
    pub fn of(keys: &[&NewKey]) -> Self {
        Self::new(&keys.iter().map(|key| key.entry.as_str()).collect::<String>())
    }

    fn path(&self) -> PathBuf {
        self.home.path().join("principals.toml")
    }

    pub fn folder(&self) -> &Path {
        self.home.path()
    }

    /// Puts a new state in the place of the old one, as an editor does: at once.
    #[track_caller]
    pub fn write(&self, text: &str) {
        let beside = self.folder().join("principals.new");
        fs::write(&beside, text).expect("a file can be written");
        set_mode(&beside, 0o600);
        fs::rename(&beside, self.path()).expect("a file can be moved");
    }

    /// A service that is to have these principals.
    pub fn builder(&self) -> Builder {
        let path = self.path();
        Server::builder()
            .env("REVCONF_ACCESS_PRINCIPALS", path.to_str().expect("a path in UTF-8"))
            .keep(&self.home)
    }
}

#[track_caller]
fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode can be set");
}

/// The log's error or warning with these words in its line.
#[track_caller]
fn wait_for_word(server: &Server, words: &str) -> String {
    server.wait_for_log(words, |line| line.contains(words).then(|| line.to_owned()))
}

/// The value of a number in `/metrics`.
#[track_caller]
fn metric(client: &Client, name: &str) -> u64 {
    let page = client.get("/metrics").expect(200).text();
    let line = page.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or_else(|| panic!("no {name} in\n{page}"))
}

/// The words of an error, whichever dialect it is in.
#[track_caller]
fn words(body: &Value) -> String {
    let message = body.get("message").or_else(|| body.pointer("/error/message"));
    message.and_then(Value::as_str).expect("an error has a message").to_owned()
}
