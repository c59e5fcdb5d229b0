//! The program on the command line.

mod check;
mod check_damage;
mod import;
mod import_documents;
mod information;
mod serve;
mod settings;
mod shutdown;

use std::path::PathBuf;

use tempfile::TempDir;

use crate::support::documents::service;
use crate::support::program::Finished;
use crate::support::{Git, Server};

/// A data directory that a service has made, with the entry `web` in `prod`, and that no service uses now.
struct Data {
    home: TempDir,
}

impl Data {
    #[track_caller]
    fn new() -> Self {
        let data = Self { home: TempDir::new().expect("a temporary directory") };
        let mut server = data.serve();
        server.client().post("/conf/prod/backend-services/web", &service("web")).expect(201);
        server.stop();
        data
    }

    #[track_caller]
    fn serve(&self) -> Server {
        Server::builder().data(&self.directory()).start()
    }

    fn git(&self) -> Git {
        Git::at(self.directory().join("repository.git"))
    }

    fn directory(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// The directory as an argument of the command line.
    fn path(&self) -> String {
        self.directory().to_str().expect("a path in UTF-8").to_owned()
    }

    /// A file beside the data, for the program to read.
    #[track_caller]
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).expect("a file can be written");
        path.to_str().expect("a path in UTF-8").to_owned()
    }
}

/// The program refused, in words, and the words have all of these.
#[track_caller]
fn assert_refused(finished: &Finished, words: &[&str]) {
    assert_eq!(finished.code(), Some(1), "{finished:?}");
    let said = format!("{}\n{}", finished.stdout, finished.stderr);
    assert!(!said.contains("panicked"), "a refusal is no panic: {said}");
    for word in words {
        assert!(said.to_lowercase().contains(&word.to_lowercase()), "{word:?} is not in: {said}");
    }
}
