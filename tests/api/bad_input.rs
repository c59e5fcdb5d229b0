//! Whatever a client sends, it is told what is wrong with it; nothing is written and nothing breaks.

mod bounds;
mod documents;
mod hosts;
mod ids;
mod json;
mod names;
mod normal_form;
mod queries;
mod versions;

use crate::support::{Git, Server};

/// A repository whose refs must not move, however long the table of bad requests.
struct Unmoved {
    git: Git,
    refs: Vec<(String, String)>,
}

impl Unmoved {
    #[track_caller]
    fn watch(server: &Server) -> Self {
        let git = server.git();
        let refs = git.refs();
        Self { git, refs }
    }

    /// Nothing was written, the repository is sound, and the service still answers.
    #[track_caller]
    fn verify(self, server: &Server) {
        assert_eq!(self.git.refs(), self.refs, "something was written");
        self.git.fsck();
        server.client().get("/conf/configs").expect(200);
    }
}
