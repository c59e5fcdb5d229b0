//! Whether objects that are asked for by their ids belong to what is seen. Git itself gives away whatever it has.

use std::collections::BTreeSet;

use tokio::process::Command;

use super::talk::Talk;
use super::view::View;
use super::{Wire, WireError};
use crate::ledger::ObjectId;

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// Objects of all sorts.
    Objects,
    /// Commits alone, which are found much sooner.
    Commits,
}

impl Wire {
    /// Those of some objects that the refs of a view lead to. The newest commits are looked through first, which is where
    /// those are that clients ask for; who asks for what is not there has the whole history looked through. `kept` is let
    /// go of when git has ended.
    ///
    /// # Errors
    /// Git is not there, cannot be started, fails, or takes too long.
    pub async fn reached(
        &self,
        view: &View,
        mut looked_for: BTreeSet<ObjectId>,
        looked: Looked,
        kept: impl Send + 'static,
    ) -> Result<BTreeSet<ObjectId>, WireError> {
        let mut reached = BTreeSet::new();
        if looked_for.is_empty() {
            return Ok(reached);
        }
        let mut command = Command::from(self.program().await?.command());
        command.env("GIT_OBJECT_DIRECTORY", self.repository.join("objects")).env("GIT_DIR", view.path());
        command.args(["rev-list", "--all"]);
        if looked == Looked::Objects {
            command.args(["--objects", "--in-commit-order", "--no-object-names"]);
        }
        let Talk { input, mut output } = Talk::start(command, self.options.timeout, kept)?;
        drop(input);
        let mut begun: Vec<u8> = Vec::new();
        loop {
            let piece = output.next().await.map_err(std::io::Error::other)?;
            let Some(piece) = piece else {
                // It has not looked at all that it should have.
                let failed = || std::io::Error::other("git could not walk through the repository");
                return if output.went_well() { Ok(reached) } else { Err(failed().into()) };
            };
            begun.extend_from_slice(&piece);
            let end = begun.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            for line in begun.drain(..end).as_slice().split(|byte| *byte == b'\n') {
                let id = std::str::from_utf8(line).ok().and_then(ObjectId::from_hex);
                reached.extend(id.filter(|id| looked_for.remove(id)));
                if looked_for.is_empty() {
                    return Ok(reached);
                }
            }
        }
    }
}
