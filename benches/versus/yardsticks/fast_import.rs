//! `git fast-import` of changes that the service has made before.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::documents::number;
use crate::histories::{Histories, Shape, stream_to_file};
use crate::process::{self, Running};

/// Changes a second, one commit each, upon a base of so many entries. Both are one stream to an empty repository, which
/// is the fastest for git: upon a repository that has packs it looks for each object there. The time that the base takes
/// by itself is left out.
pub fn rate(histories: &Histories<'_>, entries: u32, changed: &[u32], data: &Path) -> anyhow::Result<f64> {
    let base = import(histories, entries, &[], &data.join("base"))?;
    let both = import(histories, entries, changed, &data.join("both"))?;
    ensure!(both > base, "the base took longer than the base and the changes");
    Ok(changed.len() as f64 / (both - base).as_secs_f64())
}

fn import(histories: &Histories<'_>, entries: u32, changed: &[u32], data: &Path) -> anyhow::Result<Duration> {
    fs::create_dir_all(data)?;
    let (stream, repository) = (data.join("stream"), data.join("repository.git"));
    stream_to_file(histories, entries, changed, &stream)?;
    process::run(process::git(data).args(["init", "--quiet", "--bare", "repository.git"]))?;
    let mut command = process::git(&repository);
    command.args(["fast-import", "--quiet"]).stdin(File::open(&stream)?);
    let begun = Instant::now();
    let status = Running::start(&mut command)?.wait()?;
    let duration = begun.elapsed();
    ensure!(status.success(), "git fast-import failed: {status}");
    let commits = number(&process::run(process::git(&repository).args(["rev-list", "--count", "prod"]))?)?;
    ensure!(commits == changed.len() as u64 + Shape::base(entries).commits, "git has {commits} commits");
    Ok(duration)
}
