//! Watches a branch over one request: what a write did, and what a refused one must not have done.

use super::answer::Answer;
use super::git::{Commit, Git};
use super::server::Server;

/// A configuration as it was before the request.
pub struct Watch {
    git: Git,
    config: String,
    before: Commit,
}

impl Watch {
    #[track_caller]
    pub fn on(server: &Server, config: &str) -> Self {
        let git = server.git();
        let before = git.head(config);
        Self { git, config: config.to_owned(), before }
    }

    /// The request made exactly one commit, sound in git's eyes, by who asked, and the answer names it.
    #[track_caller]
    pub fn one_commit(&self, answer: &Answer) -> Commit {
        let head = self.git.head(&self.config);
        assert_eq!(answer.version(), head.id, "a write answers with the commit that it made:\n{answer:?}");
        assert_eq!(head.parents, std::slice::from_ref(&self.before.id), "one request is one commit");
        assert_ne!(head.tree, self.before.tree, "a commit changes something");
        assert_eq!((head.author.as_str(), head.email.as_str()), ("anonymous", "anonymous@localhost"));
        assert!(!head.committer.is_empty() && head.committer != head.author, "the service commits: {head:?}");
        assert!(head.time >= self.before.time, "{head:?}");
        self.git.fsck();
        head
    }

    /// The request changed nothing, and the answer names the commit that stood.
    #[track_caller]
    pub fn no_commit(&self, answer: &Answer) {
        assert_eq!(answer.version(), self.before.id, "the commit that stood:\n{answer:?}");
        self.untouched();
    }

    /// The branch is as it was.
    #[track_caller]
    pub fn untouched(&self) {
        assert_eq!(self.git.head(&self.config), self.before);
    }
}
