//! Branches that somebody moved behind the service's back. It is noticed before the next change: what may follow is taken
//! as if it had been pushed, and of anything else nothing is taken, and no change is made, until it is put back. A restart
//! changes nothing of that, so it is noted in a file where such a branch was before.

use std::collections::BTreeMap;

use super::{Committer, Fate};
use crate::ledger::adoption::{Adopted, adopted};
use crate::ledger::batch::Batch;
use crate::ledger::id::{BranchName, CommitId};
use crate::ledger::judge::Objection;
use crate::ledger::notes;
use crate::ledger::reader::Damage;

impl Committer {
    /// Looks where a branch is, and why no change can be made to it, if so.
    pub(super) fn notice(&mut self, branch: &BranchName) {
        let known = self.heads.get(branch).map(|head| head.commit);
        let found = self.reader.tip(branch);
        if found.as_ref().is_ok_and(|found| *found == known) {
            if self.strays.remove(branch).is_some() {
                self.note();
                tracing::info!(%branch, "the branch is back where this service left it");
            }
            return;
        }
        let outcome = match found {
            Ok(Some(to)) => self.take_over(branch, known, to),
            Ok(None) => Err(vec!["it is gone".to_owned()]),
            Err(Damage(why)) => Err(vec![why]),
        };
        match outcome {
            Ok(to) => {
                if self.strays.remove(branch).is_some() {
                    self.note();
                }
                tracing::warn!(%branch, %to, "somebody else moved the branch; its new commits are taken");
                metrics::counter!("revconf_foreign_moves_total", "taken" => "yes").increment(1);
            }
            Err(reasons) => {
                let why = explain(branch, known, &reasons);
                if self.strays.insert(branch.clone(), why.clone()).as_ref() != Some(&why) {
                    self.note();
                    tracing::error!(%branch, "{why}");
                    metrics::counter!("revconf_foreign_moves_total", "taken" => "no").increment(1);
                }
            }
        }
    }

    fn take_over(
        &mut self,
        branch: &BranchName,
        from: Option<CommitId>,
        to: CommitId,
    ) -> Result<CommitId, Vec<String>> {
        let told = |error: &dyn std::fmt::Display| vec![error.to_string()];
        self.judge.judge(&self.reader, branch, from, to).map_err(|objection| match objection {
            Objection::Parted { from, .. } => {
                vec![format!("it is at {to}, whose first parents do not lead to {from}")]
            }
            Objection::Wrong(lines) => lines,
            Objection::Damage(damage) => told(&damage),
        })?;
        let Adopted { head, steps } =
            adopted(&self.reader, self.heads.get(branch), to).map_err(|damage| told(&damage))?;
        // What follows rests on it, and nobody else may have made it last.
        let others = Batch { foreign: true, ..Batch::default() };
        self.persist.persist(&others).map_err(|error| told(&error))?;
        self.heads.insert(branch.clone(), head);
        self.index.look();
        let (fate, commits) = match steps {
            Some(steps) => (Fate::Files { files: steps.files, ours: false }, steps.commits),
            None => (Fate::Anew, Vec::new()),
        };
        self.publish(BTreeMap::from([(branch.clone(), fate)]), BTreeMap::from([(branch.clone(), commits)]));
        Ok(to)
    }

    /// Notes all of them, so that the next start knows what was served last.
    fn note(&self) {
        let known = self.strays.keys().map(|branch| (branch, self.heads.get(branch).map(|head| head.commit)));
        if let Err(error) = notes::write(&self.notes, known) {
            tracing::error!(%error, file = %self.notes.display(), "a restart would take what somebody else has moved");
        }
    }
}

/// What is told of a branch that somebody else has moved.
pub fn explain(branch: &BranchName, known: Option<CommitId>, reasons: &[String]) -> String {
    let full = branch.full();
    let (what, mend) = match known {
        Some(known) => ("moved", format!("update-ref {full} {known}")),
        None => ("made", format!("update-ref -d {full}")),
    };
    format!(
        "somebody else {what} {full} in the repository, and that cannot be taken: {}. Nothing is written to {branch} until \
         it is mended, for example by `git -C DATA/repository.git {mend}`",
        reasons.join("; ")
    )
}
