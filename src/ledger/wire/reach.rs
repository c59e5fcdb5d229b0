//! Whether objects that are asked for by their ids belong to what is seen. Git itself gives away whatever it has.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::process::Command;

use super::talk::Talk;
use super::view::View;
use super::{Wire, WireError};
use crate::ledger::ObjectId;

impl Wire {
    /// Whether the refs of a view lead to all of these objects. The newest commits are looked through first, which is where
    /// those are that clients ask for; who asks for what is not there has the whole history looked through.
    ///
    /// # Errors
    /// Git is not there, cannot be started, or takes too long.
    pub async fn reaches(&self, view: &View, mut wanted: BTreeSet<ObjectId>) -> Result<bool, WireError> {
        let mut command = Command::from(self.program().await?.command());
        command.env("GIT_OBJECT_DIRECTORY", self.repository.join("objects")).env("GIT_DIR", view.path());
        command.args(["rev-list", "--all", "--objects", "--in-commit-order", "--no-object-names"]);
        let limit: Duration = self.options.timeout;
        let Talk { input, mut output } = Talk::start(command, limit, ())?;
        drop(input);
        let mut begun: Vec<u8> = Vec::new();
        loop {
            let piece = output.next().await.map_err(std::io::Error::other)?;
            let Some(piece) = piece else { return Ok(false) };
            begun.extend_from_slice(&piece);
            let end = begun.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            for line in begun.drain(..end).as_slice().split(|byte| *byte == b'\n') {
                let id = std::str::from_utf8(line).ok().and_then(ObjectId::from_hex);
                if id.is_some_and(|id| wanted.remove(&id)) && wanted.is_empty() {
                    return Ok(true);
                }
            }
        }
    }
}
