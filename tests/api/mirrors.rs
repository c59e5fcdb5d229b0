//! Other git servers: what is here is pushed to them, or a branch of theirs is followed.

mod following;
mod instances;
mod over_http;
mod pushing;
mod secrets;
mod settings;
mod webhooks;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::server::Builder;
use crate::support::{Client, Git, Server, wait_for};

const WEB: &str = "/conf/prod/backend-services/web";

/// A folder for what is outside of the service, such as other repositories.
pub struct Outside(pub Arc<TempDir>);

impl Outside {
    pub fn new() -> Self {
        Outside(Arc::new(TempDir::new().expect("a temporary directory")))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A bare repository.
    pub fn bare(&self, name: &str) -> Git {
        Git::init(self.path(name), "prod")
    }

    /// A secret file with this text.
    pub fn secret(&self, name: &str, text: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file can be written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("its mode can be set");
        text_of(&path)
    }

    /// A shell script that can be called in the place of git.
    pub fn program(&self, name: &str, script: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script can be written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("its mode can be set");
        text_of(&path)
    }

    /// A server that pushes everything to this repository.
    fn pushing(&self, to: &Path) -> Builder {
        Server::builder().keep(&self.0).config(&push(to, ""))
    }
}

fn text_of(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}

/// The settings of a mirror named `copy` that is pushed to.
pub fn push(to: &Path, more: &str) -> String {
    format!("[[mirrors]]\nname = \"copy\"\ndirection = \"push\"\nurl = {:?}\n{more}\n", text_of(to))
}

/// The settings of a mirror named `source` that `prod` follows.
pub fn follow(from: &Path, more: &str) -> String {
    format!(
        "[[mirrors]]\nname = \"source\"\ndirection = \"follow\"\nconfiguration = \"prod\"\nurl = {:?}\n{more}\n",
        text_of(from)
    )
}

/// How it goes with the one mirror.
#[track_caller]
fn told(client: &Client) -> Value {
    let all = client.get("/mirrors").expect(200).json();
    assert_eq!(all["total"], 1, "{all}");
    all["items"][0].clone()
}

/// Waits until the one mirror is in a state, and gives what is told of it.
#[track_caller]
fn wait_for_state(client: &Client, state: &str) -> Value {
    wait_for(&format!("the mirror to be {state}"), || {
        let told = told(client);
        (told["state"] == state).then_some(told)
    })
}

/// Branches, releases and archives: what a mirror is about.
fn ours(git: &Git) -> Vec<(String, String)> {
    let below = ["refs/heads/", "refs/tags/", "refs/archive/", "refs/archive-tags/"];
    let is_ours = |name: &str| below.iter().any(|start| name.starts_with(start));
    git.refs().into_iter().filter(|(name, _)| is_ours(name)).collect()
}

/// Waits until a copy has all that the server has.
#[track_caller]
fn wait_for_copy(server: &Server, copy: &Git) {
    wait_for("the copy to be complete", || (ours(copy) == ours(&server.git())).then_some(()));
}

/// A number of the metrics, of the one mirror.
#[track_caller]
fn metric(client: &Client, name: &str) -> f64 {
    let text = client.get("/metrics").expect(200).text();
    let line = text.lines().find(|line| line.starts_with(&format!("{name}{{")));
    let line = line.unwrap_or_else(|| panic!("no {name} in\n{text}"));
    line.rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a number")
}

/// As openssl, which is not this service, signs a body.
pub fn signature(secret: &str, body: &str) -> String {
    let mut command = Command::new("sh");
    command.args(["-c", "printf %s \"$1\" | openssl dgst -sha256 -hmac \"$0\" -r", secret, body]);
    let output = command.output().expect("openssl runs");
    let text = String::from_utf8(output.stdout).expect("text");
    format!("sha256={}", text.split_whitespace().next().expect("a signature"))
}
