//! The registry, as the settings have it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;

use super::mirrors::mirrors;
use crate::registry::{Checkpoints, Identity, Options, Registry, name};
use crate::settings::Settings;

/// Opens the registry.
///
/// # Errors
/// A setting is wrong, the data directory is in use or damaged, or the disk fails.
pub async fn open(settings: &Settings) -> anyhow::Result<Arc<Registry>> {
    name::parse(&settings.azure.config).map_err(|fault| anyhow!("the setting azure.config {fault}"))?;
    let registry = Registry::open(&settings.data, options(settings), mirrors(settings)?).await?;
    Ok(registry)
}

fn options(settings: &Settings) -> Options {
    let Settings { commits, journal, .. } = settings;
    Options {
        queue: commits.queue,
        largest_batch: commits.batch,
        committer: Identity::new(&commits.committer_name, &commits.committer_email),
        largest_file: settings.http.max_body,
        pushes: Duration::from_secs(settings.git.timeout),
        checkpoints: Checkpoints { size: journal.size, period: Duration::from_secs(journal.period) },
    }
}
