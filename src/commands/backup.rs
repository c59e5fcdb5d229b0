//! `backup`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use revconf::app;

use super::data::Data;
use super::output::{count, print};

#[derive(Args)]
pub struct Backup {
    #[command(flatten)]
    data: Data,
    /// Remove older backups in the folder, but for so many together with this one
    #[arg(long, value_name = "NUMBER")]
    keep: Option<NonZeroUsize>,
    /// The folder; it is made where there is none
    folder: PathBuf,
}

pub fn backup(command: &Backup) -> anyhow::Result<ExitCode> {
    let data = command.data.settings()?.data;
    let made = app::backup(&data, &command.folder, command.keep.map(NonZeroUsize::get))
        .context("nothing was backed up")?;
    let mut lines = format!("{}\n", made.path.display());
    lines += &format!(
        "holds {}, {} in {}; all of it was read again and is sound\n",
        count(made.refs as u64, "ref", "refs"),
        count(made.commits, "commit", "commits"),
        count(made.bytes, "byte", "bytes"),
    );
    lines.extend(made.removed.iter().map(|older| format!("removed {}\n", older.display())));
    lines += &format!("to restore: revconf restore --data {} {}\n", data.display(), made.path.display());
    print(&lines)?;
    Ok(ExitCode::SUCCESS)
}
