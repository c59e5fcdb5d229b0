//! Histories with authors and dates of their own, made by `git` before the service looks at them.

use tempfile::TempDir;

use super::documents::{described, file};
use super::git::Git;
use super::server::Server;

/// A commit to be made behind the service's back, with a date of one's choice.
pub struct Foreign<'a> {
    pub branch: &'a str,
    /// Paths and their new bytes; what is not named stays.
    pub files: &'a [(&'a str, &'a [u8])],
    pub message: &'a str,
    /// Name and mail.
    pub author: (&'a str, &'a str),
    /// RFC 3339, such as `2026-01-02T03:04:05+02:00`.
    pub date: &'a str,
    /// A second parent, for a merge.
    pub merges: Option<&'a str>,
}

pub const ANN: (&str, &str) = ("Ann Example", "ann@example.com");
pub const BOB: (&str, &str) = ("Bob Beispiel", "bob@example.org");

/// Author, date, message, and the ids of the services that the commit writes.
pub type Told<'a> = ((&'a str, &'a str), &'a str, &'a str, &'a [&'a str]);

/// A server whose `prod` has these commits upon its first one, and their ids, oldest first.
#[track_caller]
pub fn server_with_history(commits: &[Told<'_>]) -> (Server, Vec<String>) {
    let mut server = Server::start();
    server.stop();
    let files: Vec<Vec<(String, Vec<u8>)>> =
        commits.iter().enumerate().map(|(number, (.., ids))| state(number, ids)).collect();
    let files: Vec<Vec<(&str, &[u8])>> = files
        .iter()
        .map(|files| files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect())
        .collect();
    let foreign: Vec<Foreign<'_>> = commits
        .iter()
        .zip(&files)
        .map(|(&(author, date, message, _), files)| Foreign {
            branch: "prod",
            files,
            message,
            author,
            date,
            merges: None,
        })
        .collect();
    let ids = import(&server.git(), &foreign);
    server.start_again();
    (server, ids)
}

fn state(number: usize, ids: &[&str]) -> Vec<(String, Vec<u8>)> {
    ids.iter()
        .map(|id| (format!("backend-services/{id}.json"), file(&described(id, &format!("State {number}")))))
        .collect()
}

/// Makes commits on their branches, one upon the other, without the service, which must not be running; their ids.
#[track_caller]
pub fn import(git: &Git, commits: &[Foreign<'_>]) -> Vec<String> {
    let scratch = TempDir::new().expect("a temporary directory");
    let marks = scratch.path().join("marks");
    let mut stream = Vec::new();
    for (number, commit) in commits.iter().enumerate() {
        let known = commits[..number].iter().any(|earlier| earlier.branch == commit.branch);
        let parent = (!known).then(|| git.rev_parse(&format!("refs/heads/{}", commit.branch)));
        commit.write(number + 1, parent.as_deref(), &mut stream);
    }
    let export = format!("--export-marks={}", marks.to_str().expect("a path in UTF-8"));
    git.fed(&["fast-import", "--quiet", &export], &stream);
    let text = std::fs::read_to_string(marks).expect("git has written the marks");
    let mut numbered: Vec<(usize, String)> = text
        .lines()
        .filter_map(|line| line.trim_start_matches(':').split_once(' '))
        .map(|(mark, id)| (mark.parse().expect("a number"), id.to_owned()))
        .collect();
    numbered.sort();
    numbered.into_iter().map(|(_, id)| id).collect()
}

impl Foreign<'_> {
    /// Appends what `git fast-import` reads.
    fn write(&self, mark: usize, parent: Option<&str>, stream: &mut Vec<u8>) {
        let (name, mail) = self.author;
        let date = chrono::DateTime::parse_from_rfc3339(self.date).expect("a date").format("%s %z");
        let mut text = format!("commit refs/heads/{}\nmark :{mark}\n", self.branch);
        text += &format!("author {name} <{mail}> {date}\ncommitter {name} <{mail}> {date}\n");
        text += &format!("data {}\n{}\n", self.message.len(), self.message);
        text.extend(parent.map(|id| format!("from {id}\n")));
        text.extend(self.merges.map(|id| format!("merge {id}\n")));
        stream.extend(text.into_bytes());
        for (path, bytes) in self.files {
            stream.extend(format!("M 100644 inline {path}\ndata {}\n", bytes.len()).into_bytes());
            stream.extend_from_slice(bytes);
            stream.push(b'\n');
        }
        stream.push(b'\n');
    }
}
