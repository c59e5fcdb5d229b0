//! Bringing commits to another repository.

use std::path::Path;

use super::{Remote, RemoteError, Said};
use crate::ledger::id::ObjectId;

/// In lines, of what the other side says of a ref.
const MOST_TOLD: usize = 100;

/// A ref that is to be somewhere at the other side; `to` is `None` where it is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub name: String,
    pub to: Option<ObjectId>,
    /// What may be replaced there although `to` does not lead on from it, since it is kept elsewhere. Without this, only a
    /// ref that is not there is made, and only a branch that leads here is moved.
    pub replaces: Option<ObjectId>,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub name: String,
    pub outcome: Result<(), Refusal>,
    /// Lines in which the other side says of this ref what is wrong with it.
    pub told: Vec<String>,
}

/// Why the other side does not take a ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It has gone elsewhere there meanwhile.
    Moved,
    /// The other side's own reason.
    Other(String),
}

impl Refusal {
    /// Whether another ref of the same push may be the reason. Where nothing could be unpacked, it is none of them.
    pub fn may_be_anothers(&self) -> bool {
        matches!(self, Refusal::Other(reason) if !reason.contains("(unpacker error)"))
    }
}

impl Delivery {
    fn refspec(&self) -> String {
        let to = self.to.map(|id| id.to_string()).unwrap_or_default();
        format!("{to}:{}", self.name)
    }

    /// Exactly this may be replaced, and nothing that came since.
    fn lease(&self) -> Option<String> {
        self.replaces.map(|id| format!("--force-with-lease={}:{id}", self.name))
    }
}

impl Remote {
    /// Delivers refs of the repository at `from`, and says of each what became of it.
    ///
    /// # Errors
    /// The other side cannot be reached, or does not let this one in.
    pub fn push(&self, from: &Path, deliveries: &[Delivery]) -> Result<Vec<Sent>, RemoteError> {
        let mut command = self.command()?;
        command.arg("--git-dir").arg(from);
        command.args(["push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-recurse-submodules"]);
        command.args(deliveries.iter().filter_map(Delivery::lease));
        command.args(["--", self.address.url()]).args(deliveries.iter().map(Delivery::refspec));
        let said = self.call(command)?;
        let sent: Vec<Sent> = deliveries.iter().filter_map(|delivery| said.of(&delivery.name)).collect();
        // A call that failed as a whole says nothing of single refs.
        let whole = said.status.success() || sent.iter().any(|sent| sent.outcome.is_err());
        if whole { Ok(sent) } else { Err(RemoteError::Git(said.reason())) }
    }
}

impl Said {
    /// What is told of a ref, as git-push(1) has it: a flag, `from:to`, and a summary, with tabs between.
    fn of(&self, name: &str) -> Option<Sent> {
        self.out.lines().find_map(|line| {
            let mut fields = line.split('\t');
            let (flag, refs, summary) = (fields.next()?, fields.next()?, fields.next().unwrap_or_default());
            let (_, to) = refs.rsplit_once(':')?;
            let outcome = if flag == "!" { Err(refusal(summary)) } else { Ok(()) };
            (to == name).then(|| Sent { name: name.to_owned(), outcome, told: self.told_of(name) })
        })
    }

    /// What the other side says on the screen of this ref: lines that begin with its name.
    fn told_of(&self, name: &str) -> Vec<String> {
        let lines = self.err.lines().filter_map(|line| line.strip_prefix("remote: ")?.strip_prefix(name));
        let lines = lines.filter_map(|line| line.strip_prefix(": "));
        let plain = |line: &str| line.trim_end().chars().filter(|c| !c.is_control()).collect();
        lines.map(plain).take(MOST_TOLD).collect()
    }
}

fn refusal(summary: &str) -> Refusal {
    let moved = ["(non-fast-forward)", "(fetch first)", "(stale info)", "(already exists)", "(needs force)"];
    if summary.starts_with("[rejected]") && moved.iter().any(|reason| summary.ends_with(reason)) {
        Refusal::Moved
    } else {
        Refusal::Other(summary.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    #[test]
    fn what_git_tells_of_each_ref_is_read() {
        let out = "To /srv/x\n \t1:refs/heads/a\t0..1\n!\t1:refs/heads/b\t[rejected] (fetch first)\n\
                   !\t(delete):refs/heads/c\t[remote rejected] (pre-receive hook declined)\nDone\n";
        let err = "remote: refs/heads/b: a.json: is no JSON        \nremote: refs/heads/bc: x\nremote: refs/heads/b: c\u{7}\n";
        let said =
            Said { leader: 1, status: ExitStatus::from_raw(0), out: out.to_owned(), err: err.to_owned() };
        let of = |name: &str| said.of(name).map(|sent| sent.outcome);
        assert_eq!(of("refs/heads/a"), Some(Ok(())));
        assert_eq!(of("refs/heads/b"), Some(Err(Refusal::Moved)));
        assert!(matches!(of("refs/heads/c"), Some(Err(Refusal::Other(reason))) if reason.contains("hook")));
        assert_eq!(of("refs/heads/d"), None);
        let told = said.of("refs/heads/b").map(|sent| sent.told);
        assert_eq!(told, Some(vec!["a.json: is no JSON".to_owned(), "c".to_owned()]));
    }
}
