//! Opening a data directory: a new one gets its first configuration, older formats are upgraded, newer ones refused.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::catalogue::Catalogue;
use super::inspection::Inspector;
use super::mirrors::Mirrors;
use super::readers::Readers;
use super::step::files_of_a_new_one;
use super::{INSPECTIONS, PAST, Registry, error, versions};
use crate::format::{self, Files, Header, header, migrations};
use crate::ledger::{
    Action, Audience, Blob, BranchName, Branches, Change, CommitId, Damage, Draft, Edit, Identity, Judge,
    Ledger, Options, Reader, Refused, Share, StartError, Subject,
};

/// The configuration that a new data directory begins with, so that the first request works.
const FIRST: &str = "prod";

/// Why a data directory cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Damage(#[from] Damage),
    #[error("configuration {name}: {reason}")]
    Newer { name: BranchName, reason: String },
    #[error("the first write failed: {0}")]
    Refused(#[from] Refused),
    #[error(transparent)]
    Name(#[from] crate::ledger::NameFault),
    #[error("configuration {name} cannot be upgraded: {reason}")]
    Upgrade { name: BranchName, reason: String },
}

impl Registry {
    /// Opens a data directory, whose configurations are mirrored so.
    ///
    /// # Errors
    /// It is in use, cannot be read or written, or holds a newer format.
    pub async fn open(directory: &Path, options: Options, mirrors: Mirrors) -> Result<Arc<Self>, OpenError> {
        let service = options.committer.clone();
        let catalogue = Arc::new(Catalogue::default());
        let audience: Arc<dyn Audience> = Arc::<Catalogue>::clone(&catalogue);
        catalogue.feeds().start().map_err(StartError::Io)?;
        let first = BranchName::parse(FIRST)?;
        let inspector =
            Arc::new(Inspector { catalogue: Arc::clone(&catalogue), largest_file: options.largest_file });
        let judge: Arc<dyn Judge> = Arc::<Inspector>::clone(&inspector);
        let ledger = Ledger::open(directory, &first, options, audience, judge)?;
        let (old, readers) = (versions::no_answers(), Readers::start().map_err(StartError::Io)?);
        let (past, inspections) = (Arc::new(Semaphore::new(PAST)), Arc::new(Semaphore::new(INSPECTIONS)));
        let registry =
            Arc::new(Registry { ledger, catalogue, old, readers, past, inspector, inspections, mirrors });
        registry.refuse_newer()?;
        registry.upgrade_all(&service).await?;
        registry.begin(first, service).await?;
        Ok(registry)
    }

    fn refuse_newer(&self) -> Result<(), OpenError> {
        for configuration in self.catalogue.all().values() {
            if let Err(problem) = &configuration.contents
                && problem.newer
            {
                return Err(OpenError::Newer {
                    name: configuration.name.clone(),
                    reason: problem.to_string(),
                });
            }
        }
        Ok(())
    }

    /// One commit a branch that is not in today's format. A branch that breaks its own format's rules is left alone
    /// and not served.
    async fn upgrade_all(&self, service: &Identity) -> Result<(), OpenError> {
        for configuration in
            self.catalogue.all().values().filter(|configuration| configuration.contents.is_ok())
        {
            let name = &configuration.name;
            // A commit of our own would part it from what it follows; it is served as if it were upgraded.
            if self.mirrors.is_followed(name) {
                continue;
            }
            let failed =
                |error: error::Error| OpenError::Upgrade { name: name.clone(), reason: error.to_string() };
            let Some(draft) = upgrade(self.ledger.reader(), configuration.version()).map_err(failed)? else {
                continue;
            };
            tracing::info!(configuration = %name, message = draft.message);
            let change = Change {
                branch: name.clone(),
                requirements: Vec::new(),
                action: Action::Commit(vec![draft]),
                author: service.clone(),
                share: Share::default(),
            };
            match self.ledger.change(change).await {
                // Somebody has moved it, which was told; it is served as if it were upgraded.
                Ok(_) | Err(Refused::Astray(_)) => {}
                Err(refused) => return Err(refused.into()),
            }
        }
        Ok(())
    }

    /// A repository without any branch, living or archived, is new.
    async fn begin(&self, first: BranchName, service: Identity) -> Result<(), OpenError> {
        if !self.catalogue.all().is_empty() {
            return Ok(());
        }
        let reader = self.ledger.reader();
        let Branches { branches, others } = reader.branches()?;
        if !branches.is_empty() || !others.is_empty() || !reader.archives()?.is_empty() {
            return Ok(());
        }
        // It comes with the first fetch.
        if self.mirrors.is_followed(&first) {
            return Ok(());
        }
        let message = format!("Create configuration {first}");
        let drafts = vec![Draft { edits: files_of_a_new_one(""), message }];
        let action = Action::Create { from: None, drafts, archive: None };
        let change = Change {
            branch: first,
            requirements: Vec::new(),
            action,
            author: service,
            share: Share::default(),
        };
        self.ledger.change(change).await?;
        Ok(())
    }
}

/// What brings a commit's files to today's format, if they are not.
pub(super) fn upgrade(reader: &Reader, commit: CommitId) -> Result<Option<Draft>, error::Error> {
    let damaged =
        |misfit: format::Misfit| error::Error::NotToday { version: commit, reason: misfit.to_string() };
    let only = reader.files(commit, &[Subject::File(header::PATH.to_owned())])?;
    let old =
        only.get(header::PATH).ok_or(format::Misfit::NoHeader).and_then(|file| Header::decode(&file.bytes));
    let old = old.map_err(damaged)?.format;
    if old == format::FORMAT {
        return Ok(None);
    }
    let before = reader.files(commit, &[Subject::Branch])?;
    let files: Files = before.iter().map(|(path, blob)| (path.clone(), blob.bytes.to_vec())).collect();
    let edits = format::upgrade(files).map_err(damaged)?.into_iter().filter_map(|(path, bytes)| {
        let changed = before.get(&path).is_none_or(|blob| blob.bytes != bytes);
        changed.then(|| Edit::Put(path, Blob::new(bytes)))
    });
    let steps: Vec<_> = migrations::after(old).map(|step| step.name).collect();
    let message = format!("Upgrade to format {} ({})", format::FORMAT, steps.join(", "));
    Ok(Some(Draft { edits: edits.collect(), message }))
}
