//! `git fast-import` of changes that the service has made before.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use anyhow::ensure;

use crate::documents::number;
use crate::histories::{Histories, Shape, stream_to_file};
use crate::process::{self, Running};

/// Changes a second, one commit each, upon a base of so many entries, which is made at `data`.
pub fn rate(histories: &Histories<'_>, entries: u32, changed: &[u32], data: &Path) -> anyhow::Result<f64> {
    let stream = data.with_extension("stream");
    histories.copy(Shape::base(entries), data)?;
    stream_to_file(histories, changed, &stream)?;
    let repository = data.join("repository.git");
    let mut command = process::git(&repository);
    command.args(["fast-import", "--quiet"]).stdin(File::open(&stream)?);
    let begun = Instant::now();
    let status = Running::start(&mut command)?.wait()?;
    let duration = begun.elapsed();
    ensure!(status.success(), "git fast-import failed: {status}");
    let commits = number(&process::run(process::git(&repository).args(["rev-list", "--count", "prod"]))?)?;
    ensure!(commits == changed.len() as u64 + Shape::base(entries).commits, "git has {commits} commits");
    Ok(changed.len() as f64 / duration.as_secs_f64())
}
