//! `/git`, with the real git as the client.

mod clones;
mod hidden;
mod limits;
mod protocol;
mod pushes;
mod races;
mod refused;
mod roles;

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::documents::file;
use crate::support::program::{Finished, finish};
use crate::support::{Client, Git, Server};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";
const WEB_FILE: &str = "backend-services/web.json";

/// The URL for git, and, where there are principals, who asks.
fn url(server: &Server, who: Option<(&str, &str)>) -> String {
    let who = who.map(|(name, key)| format!("{name}:{key}@")).unwrap_or_default();
    format!("http://{who}{}/git", server.address())
}

/// A folder of somebody who uses git.
struct Work {
    home: TempDir,
}

impl Work {
    fn new() -> Self {
        Work { home: TempDir::new().expect("a temporary directory") }
    }

    /// A clone of all that `url` shows, with these further arguments.
    #[track_caller]
    fn clone(url: &str, arguments: &[&str]) -> Self {
        let work = Work::new();
        let folder = work.folder();
        let folder = folder.to_str().expect("a path in UTF-8");
        work.git(&[&["clone", "--quiet"], arguments, &[url, folder]].concat()).expect_success();
        work
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join("clone")
    }

    fn repository(&self) -> Git {
        Git::at(self.folder())
    }

    /// Runs git as Ann, with no settings of anybody's.
    #[track_caller]
    fn git(&self, arguments: &[&str]) -> Finished {
        finish(self.command(arguments), b"")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("GIT_") || name.ends_with("_proxy")) {
                command.env_remove(name);
            }
        }
        let folder = if self.folder().exists() { self.folder() } else { self.home.path().to_owned() };
        command.current_dir(folder).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C").env("HOME", self.home.path());
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ann").env(format!("GIT_{who}_EMAIL"), "ann@example.com");
        }
        command.args(arguments);
        command
    }

    /// The same for what must succeed; what it prints.
    #[track_caller]
    fn text(&self, arguments: &[&str]) -> String {
        self.git(arguments).expect_success().stdout.trim_end().to_owned()
    }

    /// Commits files with these bytes; `None` takes one away. Its id.
    #[track_caller]
    fn commit(&self, files: &[(&str, Option<&[u8]>)], message: &str) -> String {
        for (path, bytes) in files {
            let path = self.folder().join(path);
            match bytes {
                Some(bytes) => {
                    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
                    std::fs::write(&path, bytes).expect("a file can be written");
                }
                None => std::fs::remove_file(&path).expect("a file can be removed"),
            }
        }
        self.text(&["add", "--all"]);
        self.text(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.text(&["rev-parse", "HEAD"])
    }

    /// Commits a service with this description.
    #[track_caller]
    fn describe(&self, id: &str, description: &str) -> String {
        let document = file(&crate::support::documents::described(id, description));
        self.commit(&[(&format!("backend-services/{id}.json"), Some(&document))], description)
    }

    /// Pushes what is expected to be refused; what the person who pushes reads.
    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> String {
        let pushed = self.git(&[&["push", "origin"], arguments].concat());
        assert!(!pushed.status.success(), "{pushed:?}");
        pushed.stderr
    }

    #[track_caller]
    fn fsck(&self) {
        self.git(&["fsck", "--strict", "--full", "--no-dangling", "--no-progress"]).expect_success();
    }
}

/// A program that is called in the place of git.
fn script(folder: &Path, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("git");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a file can be written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("its mode can be set");
    path
}

/// A line of git's protocol.
fn line(text: &str) -> String {
    format!("{:04x}{text}", text.len() + 4)
}

/// A request of git's second protocol that fetches what is named by its id.
fn wanting(ids: &[&str]) -> Vec<u8> {
    let mut request =
        line("command=fetch\n") + &line("object-format=sha1\n") + "0001" + &line("no-progress\n");
    request.extend(ids.iter().map(|id| line(&format!("want {id}\n"))));
    (request + &line("done\n") + "0000").into_bytes()
}

/// A push of one ref as no client of git's would send it, with a pack of these objects alone.
fn push(client: &Client, work: &Work, [from, to, name]: [&str; 3], objects: &str) -> String {
    let pack = finish(work.command(&["pack-objects", "--quiet", "one"]), format!("{objects}\n").as_bytes());
    let pack = pack.expect_success().stdout;
    let pack = std::fs::read(work.folder().join(format!("one-{}.pack", pack.trim()))).expect("a pack");
    push_pack(client, [from, to, name], &pack)
}

fn push_pack(client: &Client, [from, to, name]: [&str; 3], pack: &[u8]) -> String {
    let command = line(&format!("{from} {to} {name}\0 report-status side-band-64k")) + "0000";
    let request = client.request("POST", "/git/git-receive-pack");
    let request = request.header("Content-Type", "application/x-git-receive-pack-request");
    let answer = request.body([command.as_bytes(), pack].concat()).send().expect(200);
    String::from_utf8_lossy(&answer.body).into_owned()
}
